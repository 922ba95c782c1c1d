/** Short notes at the foot: what was done, and the way back. */
import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { onSignOut } from "../api/session";
import { t } from "../texts";
import { Icon } from "./icon";

export interface Notice {
  text: string;
  kind?: "good" | "bad";
  action?: { label: string; run: () => void };
}

const LASTS = 12_000;

const notices = signal<(Notice & { key: number })[]>([]);
let number = 0;
onSignOut(() => (notices.value = []));

export function notify(notice: Notice): void {
  number += 1;
  notices.value = [...notices.value.slice(-3), { ...notice, key: number }];
}

export function notifyFailure(error: unknown): void {
  notify({ text: error instanceof Error ? error.message : String(error), kind: "bad" });
}

/** Does what the newest note offers, as an undo by the keyboard. */
export function undoNewest(): boolean {
  const newest = notices.value.findLast((notice) => notice.action);
  if (newest === undefined) return false;
  dismiss(newest.key);
  newest.action?.run();
  return true;
}

function dismiss(key: number): void {
  notices.value = notices.value.filter((notice) => notice.key !== key);
}

export function Notices() {
  return (
    <div class="notices" role="status" aria-live="polite">
      {notices.value.map((notice) => (
        <Shown key={notice.key} notice={notice} onEnd={() => dismiss(notice.key)} />
      ))}
    </div>
  );
}

function Shown({ notice, onEnd }: { notice: Notice; onEnd: () => void }) {
  useEffect(() => {
    const timer = setTimeout(function end() {
      // Whoever is on it, with the mouse or the keyboard, has not read it yet.
      if (document.querySelector(".notice:hover, .notice:focus-within")) setTimeout(end, 2000);
      else onEnd();
    }, LASTS);
    return () => clearTimeout(timer);
  }, []);
  const { action } = notice;
  return (
    <div class={`notice ${notice.kind ?? ""}`}>
      <Icon name={notice.kind === "bad" ? "warn" : "check"} />
      <p dir="auto">{notice.text}</p>
      {action && (
        <button
          type="button"
          class="plain strong"
          onClick={() => {
            onEnd();
            action.run();
          }}
        >
          {action.label}
        </button>
      )}
      <button type="button" class="plain square" aria-label={t.close} onClick={onEnd}>
        <Icon name="close" />
      </button>
    </div>
  );
}
