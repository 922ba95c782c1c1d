/** What a form holds, and what of it has to be sent. */
import type { FieldProblem, NewProfile, Profile } from "../api/types";

export interface Draft {
  name: string;
  email: string;
  bio: string;
  urls: string;
}

export const EMPTY: Draft = { name: "", email: "", bio: "", urls: "" };
export const FIELDS = ["name", "email", "bio", "image_urls"] as const;
export type FieldName = (typeof FIELDS)[number];

/** The addresses that are not those of uploaded images, which the service adds itself. */
export function ownUrls(profile: Profile): string[] {
  const uploaded = new Set(profile.images.map((image) => image.url));
  return profile.image_urls.filter((url) => !uploaded.has(url));
}

export function draftOf(profile: Profile): Draft {
  const { name, email, bio } = profile;
  return { name, email, bio, urls: ownUrls(profile).join("\n") };
}

export function valuesOf(draft: Draft): Required<Omit<NewProfile, "owner">> {
  const urls = draft.urls.split("\n").map((line) => line.trim());
  return { name: draft.name, email: draft.email, bio: draft.bio, image_urls: urls.filter(Boolean) };
}

/** The fields in which a draft is another than what it began with. */
export function changesOf(draft: Draft, begun: Draft): Partial<NewProfile> {
  const [after, before] = [valuesOf(draft), valuesOf(begun)];
  const differing = FIELDS.filter((f) => String(after[f]) !== String(before[f]));
  return Object.fromEntries(differing.map((field) => [field, after[field]]));
}

/** What a refused change comes to, where another version is stored than the one that was edited: it
 * is there already; or what is stored says nothing else than what was begun with, or what this page
 * sent before and had no answer to, so that the change goes on top of it; or neither. */
export function standing(stored: Profile, draft: Draft, seen: (Draft | null)[]): "saved" | "own" | "conflict" {
  const same = (one: Draft) => Object.keys(changesOf(one, draftOf(stored))).length === 0;
  if (same(draft)) return "saved";
  return seen.some((one) => one !== null && same(one)) ? "own" : "conflict";
}

/** The messages of the service by field; those of no field of the form are under "". */
export function messages(errors: FieldProblem[]): Record<string, string[]> {
  const found: Record<string, string[]> = {};
  for (const { field, message } of errors) {
    const name = FIELDS.find((one) => field === one || field.startsWith(`${one}[`)) ?? "";
    const where = field === name || name === "" ? "" : `${field.slice(name.length)} `;
    (found[name] ??= []).push(name === "" ? `${field} ${message}` : `${where}${message}`);
  }
  return found;
}
