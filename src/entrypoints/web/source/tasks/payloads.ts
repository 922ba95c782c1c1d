/** What the payloads of the service's own types look like; a team's types take any object. */
import { t } from "../texts";
import { faultOf } from "./json";

type Kind = "text" | "uuid" | "url" | "object" | "texts" | "any";

interface Member {
  kind: Kind;
  required?: boolean;
}

interface Shape {
  members: Record<string, Member> | null;
  example: Record<string, unknown>;
}

const SOMEBODY = "01a204d6-1f05-79bc-a47b-709afa94b9d8";
const ONE_PROFILE: Shape = {
  members: { profile_id: { kind: "uuid", required: true } },
  example: { profile_id: SOMEBODY },
};

const SHAPES: Record<string, Shape> = {
  echo: { members: null, example: { hello: "world" } },
  "http.callback": {
    members: { url: { kind: "url", required: true }, body: { kind: "any" }, headers: { kind: "object" } },
    example: { url: "https://hooks.example.com/done", body: { hello: "world" } },
  },
  "profile.export": ONE_PROFILE,
  "profile.erase": ONE_PROFILE,
  "images.collect": {
    members: { image_ids: { kind: "texts", required: true } },
    example: { image_ids: [] },
  },
};

export const TYPES = Object.keys(SHAPES);
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

const CHECKS: Record<Kind, (value: unknown) => boolean> = {
  text: (value) => typeof value === "string",
  uuid: (value) => typeof value === "string" && UUID.test(value),
  url: (value) => typeof value === "string" && /^https?:\/\/[^\s/]/.test(value),
  object: isObject,
  texts: (value) => Array.isArray(value) && value.every((one) => typeof one === "string"),
  any: () => true,
};

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function exampleOf(type: string): string {
  return JSON.stringify(SHAPES[type]?.example ?? {}, null, 2);
}

/** What is wrong with a payload before it is sent; the service has the last word. */
export function faults(type: string, text: string): string[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return [place(text)];
  }
  if (!isObject(value)) return [t.payload.object];
  const given = value;
  const members = SHAPES[type]?.members;
  if (!members) return [];
  const known = Object.keys(members).join(", ");
  const unknown = Object.keys(given).filter((name) => !(name in members));
  const found = unknown.map((name) => t.payload.unknown(name, known));
  for (const [name, { kind, required }] of Object.entries(members)) {
    if (!(name in given)) {
      if (required) found.push(t.payload.missing(name));
    } else if (!CHECKS[kind](given[name])) found.push(t.payload.kind(name, t.payload.kinds[kind]));
  }
  return found;
}

function place(text: string): string {
  const before = text.slice(0, Math.max(0, faultOf(text))).split("\n");
  return t.payload.at(before.length, (before.at(-1)?.length ?? 0) + 1);
}
