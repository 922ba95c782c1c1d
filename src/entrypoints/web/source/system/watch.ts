/** How the service is: asked now and then, and often while somebody looks. */
import { signal } from "@preact/signals";
import { ask, inFallback, show } from "../api/ask";
import { Refused } from "../api/failures";
import { offline } from "../api/net";
import { onSignOut, signedOut } from "../api/session";
import type { Health } from "../api/types";
import { buckets, parse, quantile, sum, type Sample } from "./exposition";

export interface Point {
  rate: number | null;
  hits: number | null;
  p50: number | null;
  p95: number | null;
  p99: number | null;
  waiting: number;
  memory: number;
  lag: number;
}

export const health = signal<Health | null>(null);
export const points = signal<Point[]>([]);
export const failure = signal<unknown>(null);
/** Why there are no charts: the caller may not see metrics, or they have a port of their own. */
export const closed = signal<Refused | null>(null);

const OFTEN = 3_000;
const SELDOM = 30_000;
const KEPT = 100;
let before: { samples: Sample[]; at: number } | null = null;
onSignOut(() => {
  [health.value, points.value, failure.value, closed.value, before] = [null, [], null, null, null];
});

/** Keeps an eye on the cache for the banner, wherever one is. */
export function watch(): () => void {
  const look = () => {
    if (!document.hidden && !offline.value && signedOut.value === null) void readHealth(false);
  };
  look();
  const timer = setInterval(look, SELDOM);
  return () => clearInterval(timer);
}

export function watchClosely(): () => void {
  const look = () => {
    if (document.hidden || offline.value) return;
    void readHealth(true);
    if (closed.value === null) void readMetrics();
  };
  closed.value = null;
  look();
  const timer = setInterval(look, OFTEN);
  return () => clearInterval(timer);
}

async function readHealth(shown: boolean): Promise<void> {
  try {
    health.value = (await (shown ? show : ask)<Health>({ path: "/health", tries: 1 })).body;
    failure.value = null;
  } catch (error) {
    // With 503 it says which part is away, in the same words.
    const said = error instanceof Refused ? (error.body as Health | null) : null;
    if (said?.components) health.value = said;
    else failure.value = error;
  }
  const cache = health.value?.components.cache;
  if (cache) inFallback.value = cache.status === "degraded";
}

async function readMetrics(): Promise<void> {
  try {
    const samples = parse((await ask<string>({ path: "/metrics", as: "text", tries: 1 })).body);
    const now = { samples, at: performance.now() };
    if (before !== null) points.value = [...points.value.slice(1 - KEPT), pointOf(now, before)];
    before = now;
  } catch (error) {
    if (error instanceof Refused && [403, 404].includes(error.status)) closed.value = error;
  }
}

type Taken = { samples: Sample[]; at: number };

function pointOf(now: Taken, then: Taken): Point {
  const grown = (name: string) => sum(now.samples, name) - sum(then.samples, name);
  const seconds = Math.max(0.001, (now.at - then.at) / 1000);
  const requests = grown("http_requests_total");
  const [hits, misses] = [grown("cache_hits_total"), grown("cache_misses_total")];
  const name = "http_request_duration_seconds";
  const [counts, earlier] = [buckets(now.samples, name), buckets(then.samples, name)];
  // Another process has answered, or this one has started anew: there is nothing to compare.
  const restarted = requests < 0 || hits < 0;
  const at = (share: number) => (restarted ? null : quantile(share, counts, earlier));
  return {
    rate: restarted ? null : requests / seconds,
    hits: restarted || hits + misses === 0 ? null : hits / (hits + misses),
    p50: at(0.5),
    p95: at(0.95),
    p99: at(0.99),
    waiting: sum(now.samples, "tasks_waiting"),
    memory: sum(now.samples, "process_resident_memory_bytes"),
    lag: sum(now.samples, "process_loop_lag_seconds") * 1000,
  };
}

/** Of all reads since the start of the process. */
export function hitRatio(): number | null {
  if (before === null) return null;
  const [hits, misses] = [sum(before.samples, "cache_hits_total"), sum(before.samples, "cache_misses_total")];
  return hits + misses === 0 ? null : hits / (hits + misses);
}
