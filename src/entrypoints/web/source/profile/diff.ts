/** What an event has changed, told from the state before it. */
import type { Change } from "../api/types";

export interface Difference {
  field: string;
  before: string;
  after: string;
  /** Of a list there are no words between: what was taken out, and what was put in. */
  list: boolean;
}

const FIELDS = ["name", "email", "bio", "owner", "image_urls", "images"];

export function differences(change: Change, older: Change | undefined): Difference[] {
  const [after, before] = [change.data, older?.data ?? {}];
  if (Object.keys(after).length === 0) return []; // deleted, or erased
  return FIELDS.map((field) => between(field, before[field], after[field])).filter(
    (one) => one.before !== one.after,
  );
}

function between(field: string, was: unknown, is: unknown): Difference {
  if (!Array.isArray(was ?? is)) return { field, before: text(was), after: text(is), list: false };
  const [before, after] = [items(was), items(is)];
  const removed = before.filter((one) => !after.includes(one));
  const added = after.filter((one) => !before.includes(one));
  return { field, before: removed.join("\n"), after: added.join("\n"), list: true };
}

function text(value: unknown): string {
  return value === null || value === undefined ? "" : String(value);
}

const SHOWN = 12; // of an image's id, which is a hash

function items(value: unknown): string[] {
  const list = Array.isArray(value) ? (value as unknown[]) : [];
  return list.map((one) => {
    const id = typeof one === "object" && one !== null && "id" in one ? String(one.id) : String(one);
    return /^[0-9a-f]{64}$/.test(id) ? id.slice(0, SHOWN) : id;
  });
}

export interface Pieces {
  start: string;
  removed: string;
  added: string;
  end: string;
}

/** What two texts share at both ends, by whole words, and what is between. */
export function pieces(before: string, after: string): Pieces {
  const [a, b] = [words(before), words(after)];
  let start = 0;
  while (start < a.length && start < b.length && a[start] === b[start]) start += 1;
  let end = 0;
  while (end < a.length - start && end < b.length - start && a.at(-1 - end) === b.at(-1 - end)) end += 1;
  return {
    start: a.slice(0, start).join(""),
    removed: a.slice(start, a.length - end).join(""),
    added: b.slice(start, b.length - end).join(""),
    end: a.slice(a.length - end).join(""),
  };
}

const words = (text_: string): string[] => text_.split(/(?<=\s)/u);
