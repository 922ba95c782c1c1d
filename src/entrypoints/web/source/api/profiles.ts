/** The calls about profiles. */
import { ask, once, show, type Answer, type Call } from "./ask";
import type { BatchResult, Change, Changes, NewProfile, Profile, Reading, Sort, Task } from "./types";

export const PROFILES = "/api/v1/profiles";
export const SORTS: Sort[] = ["-created_at", "created_at", "-updated_at", "updated_at", "name"];
export const PAGE = 200;

export interface Page<T> {
  rows: T[];
  next: string | null;
  total: number | null;
}

export interface Filter {
  q: string;
  sort: Sort;
}

export const pathOf = (id: string): string => `${PROFILES}/${id}`;

export function listCall(filter: Filter, cursor: string | null, count: boolean): Call {
  const { sort } = filter;
  const query = {
    limit: PAGE,
    q: filter.q === "" ? null : filter.q,
    sort: sort === "-created_at" ? null : sort,
    cursor,
    count: count ? "exact" : null,
  };
  return { path: PROFILES, query };
}

export async function listProfiles(call: Call): Promise<Page<Profile>> {
  return pageOf(await show<Profile[]>(call));
}

export async function byIds(ids: string[]): Promise<Profile[]> {
  return (await ask<Profile[]>({ path: PROFILES, query: { ids: ids.join(","), limit: PAGE } })).body;
}

export async function readProfile(id: string, abort?: AbortSignal): Promise<Reading> {
  return (await show<Reading>({ path: pathOf(id), abort: abort ?? null })).body;
}

/** As `readProfile`, for what is no screen of its own. */
export async function currentProfile(id: string): Promise<Profile> {
  return (await ask<Reading>({ path: pathOf(id) })).body.profile;
}

export async function createProfile(json: NewProfile, key: string, abort: AbortSignal): Promise<Profile> {
  return (await ask<Profile>({ method: "POST", path: PROFILES, json, once: key, abort })).body;
}

export async function changeProfile(
  id: string,
  json: Changes,
  version: number,
  abort: AbortSignal,
): Promise<Profile> {
  return (await ask<Profile>({ method: "PUT", path: pathOf(id), json, version, abort })).body;
}

export async function deleteProfile(id: string, version: number): Promise<void> {
  await ask({ method: "DELETE", path: pathOf(id), version });
}

export async function restoreProfile(id: string): Promise<Profile> {
  const path = `${pathOf(id)}/restore`;
  return (await ask<Profile>({ method: "POST", path, once: once() })).body;
}

export async function sendBatch(
  json: { create?: NewProfile[]; delete?: { id: string; version: number }[] },
  abort?: AbortSignal,
): Promise<BatchResult[]> {
  const path = `${PROFILES}/batch`;
  const call: Call = { method: "POST", path, json, once: once(), abort: abort ?? null };
  return (await ask<BatchResult[]>(call)).body;
}

export async function history(id: string, cursor: string | null): Promise<Page<Change>> {
  return pageOf(await ask<Change[]>({ path: `${pathOf(id)}/events`, query: { limit: 50, cursor } }));
}

export async function erasePerson(id: string): Promise<Task> {
  return (await ask<Task>({ method: "POST", path: `${pathOf(id)}/erase` })).body;
}

export async function deleteImage(id: string, image: string, version: number): Promise<void> {
  await ask({ method: "DELETE", path: `${pathOf(id)}/images/${image}`, version });
}

export function pageOf<T>(answer: Answer<T[]>): Page<T> {
  const link = /<([^>]*)>; rel="next"/.exec(answer.headers.get("Link") ?? "")?.[1];
  const next = link === undefined ? null : new URL(link, "http://x").searchParams.get("cursor");
  const total = answer.headers.get("X-Total-Count");
  return { rows: answer.body, next, total: total === null ? null : Number(total) };
}
