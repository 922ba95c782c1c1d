/** Whether the service can be reached, and whether it asks us to wait. */
import { signal } from "@preact/signals";

const FIRST = 1_000;
const LONGEST = 15_000;
const SILENT = 10_000;

export const offline = signal(false);
/** When the next attempt is made, in milliseconds of the clock. */
export const nextTry = signal(0);
/** Counts the times that the service came back: whoever shows something reads it anew. */
export const revived = signal(0);
/** A call that was refused for now is sent again at this time. */
export const waiting = signal<{ until: number; status: number } | null>(null);

let timer: ReturnType<typeof setTimeout> | undefined;

export function lost(): void {
  if (offline.value) return;
  offline.value = true;
  schedule(FIRST);
}

export function reached(): void {
  if (!offline.value) return;
  clearTimeout(timer);
  offline.value = false;
  revived.value += 1;
}

export async function tryNow(pause = FIRST): Promise<void> {
  clearTimeout(timer);
  try {
    // It does no I/O there, and costs next to nothing.
    const answer = await fetch("/health/live", { cache: "no-store", signal: AbortSignal.timeout(SILENT) });
    if (answer.ok) reached();
    else schedule(pause);
  } catch {
    schedule(pause);
  }
}

function schedule(pause: number): void {
  clearTimeout(timer);
  nextTry.value = Date.now() + pause;
  timer = setTimeout(() => void tryNow(Math.min(pause * 2, LONGEST)), pause);
}

export function pause(ms: number, abort?: AbortSignal | null): Promise<void> {
  return new Promise((resolve, reject) => {
    abort?.throwIfAborted();
    const done = setTimeout(resolve, ms);
    abort?.addEventListener(
      "abort",
      () => {
        clearTimeout(done);
        reject(new DOMException("", "AbortError"));
      },
      { once: true },
    );
  });
}

if (typeof window !== "undefined") {
  window.addEventListener("online", () => void tryNow());
  window.addEventListener("offline", lost);
}
