/** The line at the foot of each view: where its last read came from, how long it took, and how to
 * ask for the same in a shell. */
import { useSignal } from "@preact/signals";
import { lastRead } from "../api/ask";
import { curlOf } from "../api/curl";
import { live } from "../api/live";
import { offline } from "../api/net";
import { clockTime, milliseconds } from "../format";
import { t } from "../texts";
import { Icon } from "./icon";

export function StatusLine() {
  const copied = useSignal<string | null>(null);
  const read = lastRead.value;
  const state = offline.value ? "offline" : live.value;
  async function copy(): Promise<void> {
    if (read === null) return;
    const text = curlOf(read.call);
    try {
      await navigator.clipboard.writeText(text);
      copied.value = t.status.copied;
    } catch {
      copied.value = text; // without the clipboard it can be selected
    }
    setTimeout(() => (copied.value = null), 4000);
  }
  return (
    <footer class="statusline" aria-label={t.status.label}>
      <span class={`live ${state}`}>
        <i aria-hidden="true" />
        {t.status.live[state]}
      </span>
      {read && (
        <span class="read" data-source={read.source}>
          <i class={`mark ${read.source}`} aria-hidden="true" />
          {t.status.from[read.source]} <b>{milliseconds(read.ms)}</b>
          <span class="at">{clockTime(read.at)}</span>
        </span>
      )}
      <span class="grow" role="status">
        {copied.value !== null && <code>{copied.value}</code>}
      </span>
      {read && (
        <button type="button" class="plain" onClick={() => void copy()}>
          <Icon name="copy" /> {t.status.copy}
        </button>
      )}
    </footer>
  );
}
