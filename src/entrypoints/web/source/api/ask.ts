/** One call of the API: who calls, what must be seen, what is tried again, and how long it took. */
import { signal } from "@preact/signals";
import { here } from "../router";
import { refusal, Unreached, type Refused } from "./failures";
import { lost, pause, reached, waiting } from "./net";
import { authorization, onSignOut, signOut, token } from "./session";

export type Source = "cache" | "database" | "fallback" | "service";

export interface Call {
  method?: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  path: string;
  query?: Record<string, string | number | null | undefined>;
  json?: unknown;
  /** JSON that is sent as it stands. */
  text?: string;
  /** The version that was seen: the call is refused where another is stored. */
  version?: number;
  /** Names this very call, so that it may be sent again and has its effect once. */
  once?: string;
  abort?: AbortSignal | null;
  /** How often it is sent at most, where the service asks to come back later. */
  tries?: number;
  /** What is given back instead of JSON. */
  as?: "json" | "text" | "stream";
}

export interface Answer<T> {
  body: T;
  status: number;
  headers: Headers;
  read: Read;
}

/** What a screen says of its last read. */
export interface Read {
  call: Call;
  source: Source;
  ms: number;
  at: number;
}

export const lastRead = signal<Read | null>(null);
/** The cache said so with its last answer. */
export const inFallback = signal(false);

const TRIES = 5;
const PATIENCE = 60; // seconds: who has to wait for longer is told so
const TOO_MANY = 429;
const UNAVAILABLE = 503;

let seen = 0; // the newest place in the log that this page has written or read
onSignOut(() => (lastRead.value = null));

export async function ask<T>(call: Call): Promise<Answer<T>> {
  const caller = token.value; // what waits is never sent for somebody else
  for (let tries = 1; ; tries += 1) {
    const answer = await attempt<T>(call, caller);
    if (!(answer instanceof Error)) return answer;
    const seconds = answer.retryAfter ?? 2 ** (tries - 1);
    if (tries >= (call.tries ?? TRIES) || seconds > PATIENCE || !repeatable(call, answer)) throw answer;
    waiting.value = { until: Date.now() + seconds * 1000, status: answer.status };
    try {
      await pause(seconds * 1000 + Math.random() * 250, call.abort);
    } finally {
      waiting.value = null;
    }
    if (token.value !== caller) throw answer;
  }
}

/** Reads for a screen: the line at its foot says where from, as long as it is this one. */
export async function show<T>(call: Call): Promise<Answer<T>> {
  const screen = here();
  const answer = await ask<T>(call);
  if (here() === screen) lastRead.value = answer.read;
  return answer;
}

async function attempt<T>(call: Call, caller: string | null): Promise<Answer<T> | Refused> {
  const began = performance.now();
  let response: Response;
  try {
    response = await fetch(addressOf(call), {
      method: call.method ?? "GET",
      headers: { ...headersOf(call), ...authorization(caller), ...mustSee(call) },
      body: bodyOf(call),
      signal: call.abort ?? null,
      cache: "no-store",
    });
  } catch (error) {
    if (call.abort?.aborted) throw error;
    lost();
    throw new Unreached();
  }
  reached();
  if (!response.ok) return refused(response, caller);
  notePosition(response.headers);
  const body = await contentOf<T>(response, call.as ?? "json");
  const ms = performance.now() - began;
  const read = { call, source: sourceOf(response.headers, call.path), ms, at: Date.now() };
  return { body, status: response.status, headers: response.headers, read };
}

async function refused(response: Response, caller: string | null): Promise<Refused> {
  const text = await response.text();
  const error = refusal(response.status, response.headers.get("Retry-After"), text);
  if (response.status === 401) signOut(error.problem.detail, caller);
  return error;
}

/** 429 says that nothing was done, and `still_running` that the same call, sent before, is not at its
 * end; after a 503 only what has its effect once is sent again. */
function repeatable(call: Call, { status, code }: Refused): boolean {
  if (status === TOO_MANY || code === "still_running") return true;
  return status === UNAVAILABLE && ((call.method ?? "GET") === "GET" || call.once !== undefined);
}

async function contentOf<T>(response: Response, as: string): Promise<T> {
  if (as === "stream") return response.body as T;
  if (as === "text" || response.status === 204) return (await response.text()) as T;
  return (await response.json()) as T;
}

export function addressOf(call: Call): string {
  const query = Object.entries(call.query ?? {}).filter(([, v]) => v !== null && v !== undefined);
  const text = new URLSearchParams(query.map(([name, value]) => [name, String(value)])).toString();
  return text === "" ? call.path : `${call.path}?${text}`;
}

export function bodyOf({ json, text }: Call): string | null {
  return text ?? (json === undefined ? null : JSON.stringify(json));
}

/** What the call says of itself, without who calls. */
export function headersOf(call: Call): Record<string, string> {
  const headers: Record<string, string> = {};
  if (bodyOf(call) !== null) headers["Content-Type"] = "application/json";
  if (call.version !== undefined) headers["If-Match"] = `"v${call.version}"`;
  if (call.once !== undefined) headers["Idempotency-Key"] = call.once;
  return headers;
}

const TAKES_TOKEN = /^\/api\/v1\/profiles(\/[0-9a-f-]{36}(\/images)?)?$/;

function mustSee(call: Call): Record<string, string> {
  const asks = (call.method ?? "GET") === "GET" && seen > 0 && TAKES_TOKEN.test(call.path);
  return asks ? { "X-Consistency-Token": `p${seen}` } : {};
}

export function notePosition(headers: Headers): void {
  const found = /^p(\d{1,15})$/.exec(headers.get("X-Consistency-Token") ?? "");
  if (found) seen = Math.max(seen, Number(found[1]));
}

function sourceOf(headers: Headers, path: string): Source {
  const said = headers.get("X-Cache");
  if (said !== null) inFallback.value = said === "fallback";
  if (said === "hit") return "cache";
  if (said === "fallback") return "fallback";
  return path.startsWith("/api/") ? "database" : "service";
}

export function once(): string {
  // randomUUID is there on secure origins alone, and a service on a local network is none.
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) =>
    b.toString(16).padStart(2, "0"),
  ).join("");
}
