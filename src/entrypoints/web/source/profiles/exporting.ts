/** Exports: all profiles as they stream in, or those that are selected. */
import { signal } from "@preact/signals";
import { ask } from "../api/ask";
import { isAbort } from "../api/failures";
import { PROFILES } from "../api/profiles";
import type { Profile } from "../api/types";
import { onSignOut } from "../api/session";
import { notifyFailure } from "../parts/notices";

export const exporting = signal<{ size: number; stop: () => void } | null>(null);
const NDJSON = "application/x-ndjson";
onSignOut(() => exporting.peek()?.stop());

export async function exportAll(): Promise<void> {
  const abort = new AbortController();
  const stop = () => abort.abort();
  exporting.value = { size: 0, stop };
  try {
    const path = `${PROFILES}/export`;
    const answer = await ask<ReadableStream<Uint8Array>>({ path, as: "stream", abort: abort.signal });
    let size = 0;
    const counted = new TransformStream<Uint8Array, Uint8Array>({
      transform(piece, out) {
        size += piece.length;
        exporting.value = { size, stop };
        out.enqueue(piece);
      },
    });
    // The browser keeps a large blob on the disk.
    const whole = await new Response(answer.body.pipeThrough(counted)).blob();
    save(new Blob([whole], { type: NDJSON }), "profiles.ndjson");
  } catch (error) {
    if (!isAbort(error)) notifyFailure(error);
  }
  exporting.value = null;
}

export function saveSelected(profiles: Profile[]): void {
  const lines = profiles.map((profile) => `${JSON.stringify(profile)}\n`);
  save(new Blob(lines, { type: NDJSON }), "profiles.ndjson");
}

export function save(blob: Blob, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
