/** Follows all changes and the ends of tasks, and comes back where it was cut off. */
import { effect, signal } from "@preact/signals";
import { Parser } from "./events";
import { refusal, Refused } from "./failures";
import { pause, lost, offline, reached, revived } from "./net";
import { authorization, signedOut, signOut, token } from "./session";
import type { Change, Ending } from "./types";

const FIRST = 1_000;
const SILENCE = 40_000; // there is a line every 15 s, so this is a connection that is dead
const LONGEST = 15_000;
const FIRST_LOOK = 1_000; // what is shown first goes first

/** `off`: whoever calls may not follow all changes. */
export const live = signal<"connecting" | "live" | "offline" | "off">("connecting");

type Listener<T> = (told: T[]) => void;
const listeners = new Set<Listener<Change>>();
const enders = new Set<Listener<Ending>>();
const resets = new Set<() => void>();
let position: string | null = null;
let current: AbortController | null = null;

/** `onReset`: changes were missed, and what is shown has to be read anew. */
export function follow(onChanges: Listener<Change>, onReset: () => void): () => void {
  return among(listeners, onChanges, onReset);
}

/** As `follow`, for how tasks end; whoever may not read tasks is told of none. */
export function followTasks(onEndings: Listener<Ending>, onReset: () => void): () => void {
  return among(enders, onEndings, onReset);
}

function among<T>(those: Set<Listener<T>>, onTold: Listener<T>, onReset: () => void): () => void {
  those.add(onTold);
  resets.add(onReset);
  return () => {
    those.delete(onTold);
    resets.delete(onReset);
  };
}

export function start(): () => void {
  const end = effect(() => {
    void token.value; // another caller may see something else
    void revived.value;
    current?.abort();
    current = null;
    if (signedOut.value === null && !offline.value) void run();
    else live.value = "offline";
  });
  // A browser has six connections for a host, and tabs that nobody sees would hold them all.
  const seen = () => {
    if (document.hidden) current?.abort();
    else if (live.value !== "off" && (current === null || current.signal.aborted)) void run();
  };
  document.addEventListener("visibilitychange", seen);
  return () => {
    end();
    document.removeEventListener("visibilitychange", seen);
    current?.abort();
  };
}

async function run(): Promise<void> {
  const mine = new AbortController();
  current = mine;
  for (let wait = FIRST; !mine.signal.aborted; wait = Math.min(wait * 2, LONGEST)) {
    live.value = "connecting";
    const asked = await connection(mine).catch(secondsOf);
    if (mine.signal.aborted) return;
    if (asked === "off") {
      live.value = "off";
      return;
    }
    if (live.peek() === "live") wait = FIRST;
    live.value = "offline";
    await pause(Math.max(wait, asked * 1000), mine.signal).catch(() => undefined);
  }
}

/** After how many seconds it may be tried again, as far as that was said. */
function secondsOf(error: unknown): number | "off" {
  if (!(error instanceof Refused)) return 0;
  return error.status === 401 || error.status === 403 ? "off" : (error.retryAfter ?? 0);
}

/** Gives 0 once it has ended. */
async function connection(mine: AbortController): Promise<number> {
  const caller = token.peek();
  const headers = { ...authorization(caller), ...(position === null ? {} : { "Last-Event-ID": position }) };
  const silent = new AbortController();
  const abort = AbortSignal.any([mine.signal, silent.signal]);
  let timer = setTimeout(() => silent.abort(), SILENCE);
  try {
    const response = await fetch("/api/v1/events", { headers, signal: abort, cache: "no-store" });
    if (!response.ok || response.body === null) {
      if (response.status === 410) position = null; // it is too old, or of another store
      const error = refusal(response.status, response.headers.get("Retry-After"), await response.text());
      if (response.status === 401) signOut(error.message, caller);
      throw error;
    }
    reached();
    live.value = "live";
    // What was read before this connection may have missed a change that it does not tell of.
    if (position === null) setTimeout(() => resets.forEach((reset) => reset()), FIRST_LOOK);
    const parser = new Parser();
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return 0;
      clearTimeout(timer);
      timer = setTimeout(() => silent.abort(), SILENCE);
      tell(parser, value);
    }
  } catch (error) {
    if (error instanceof TypeError && live.value === "connecting" && !mine.signal.aborted) lost();
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

function tell(parser: Parser, piece: string): void {
  const messages = parser.take(piece);
  const told = messages.filter((m) => m.data !== "").map((m) => JSON.parse(m.data) as Change | Ending);
  // How tasks ended meanwhile is not asked for: their table is read anew.
  position = messages.findLast((m) => m.id !== null)?.id?.split("-")[0] ?? position;
  const changes = told.filter((one) => "profile_id" in one);
  const endings = told.filter((one) => "task_id" in one);
  if (changes.length > 0) listeners.forEach((listener) => listener(changes));
  if (endings.length > 0) enders.forEach((listener) => listener(endings));
}
