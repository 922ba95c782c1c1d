/** The rows of a list as far as they are known: pages that come by cursor, of which those far from
 * what is seen are let go and read again when somebody comes back. */
import { batch, signal } from "@preact/signals";
import { isAbort } from "../api/failures";
import { listCall, listProfiles, PAGE, type Filter } from "../api/profiles";
import type { Profile } from "../api/types";

interface Held {
  cursor: string | null;
  length: number;
  rows: Profile[] | null;
}

const AROUND = 12; // pages that are kept on both sides of those that are seen
export const ROWS_MAX = 500_000; // no browser scrolls further than some 30 million pixels

export class Rows {
  /** Grows by one whenever what `at` gives may be another. */
  readonly version = signal(0);
  readonly length = signal(0);
  readonly total = signal<number | null>(null);
  readonly loading = signal(true);
  readonly failure = signal<unknown>(null);
  /** Whether there is nothing after the last known row. */
  readonly complete = signal(false);

  #filter: Filter = { q: "", sort: "-created_at" };
  #pages: Held[] = [];
  #next: string | null = null;
  #abort = new AbortController();
  #coming = new Set<number>();

  /** Begins anew. The rows that are shown stay until those of the new list are there. */
  async open(filter: Filter, count = false): Promise<void> {
    this.#abort.abort();
    this.#abort = new AbortController();
    const { signal: abort } = this.#abort;
    this.#coming.clear();
    batch(() => {
      this.loading.value = true;
      if (filter.q !== this.#filter.q) this.total.value = null;
    });
    this.#filter = filter;
    try {
      const page = await listProfiles({ ...listCall(filter, null, count), abort });
      const rows = page.rows.map((row) => this.#known(row));
      this.#pages = [{ cursor: null, length: rows.length, rows }];
      this.#next = page.next;
      if (page.total !== null) this.total.value = page.total;
      this.failure.value = null; // until now: nobody reaches for a button that goes away and comes back
      this.#changed();
    } catch (error) {
      if (isAbort(error)) return;
      this.failure.value = error;
    }
    this.loading.value = false;
  }

  /** Sees to it that these rows are there, or come. */
  ensure(first: number, last: number): void {
    let start = 0;
    const [from, to] = [first - PAGE / 2, last + PAGE / 2];
    let [low, high] = [Infinity, -1];
    this.#pages.forEach((page, index) => {
      if (start + page.length > from && start <= to) {
        [low, high] = [Math.min(low, index), Math.max(high, index)];
        if (page.rows === null) void this.#load(index, page.cursor);
      }
      start += page.length;
    });
    if (to >= start && this.#next !== null && start < ROWS_MAX)
      void this.#load(this.#pages.length, this.#next);
    this.#pages.forEach((page, index) => {
      if (index < low - AROUND || index > high + AROUND) page.rows = null;
    });
  }

  async #load(index: number, cursor: string | null): Promise<void> {
    if (this.#coming.has(index)) return;
    this.#coming.add(index);
    const { signal: abort } = this.#abort;
    try {
      const page = await listProfiles({ ...listCall(this.#filter, cursor, false), abort });
      if (abort.aborted) return;
      if (index >= this.#pages.length) this.#next = page.next;
      this.#pages[index] = { cursor, length: page.rows.length, rows: page.rows };
      this.#changed();
    } catch (error) {
      if (!isAbort(error)) this.failure.value = error;
    } finally {
      this.#coming.delete(index);
    }
  }

  at(index: number): Profile | null {
    let start = 0;
    for (const page of this.#pages) {
      if (index < start + page.length) return page.rows?.[index - start] ?? null;
      start += page.length;
    }
    return null;
  }

  find(id: string): Profile | null {
    return this.#place(id)?.row ?? null;
  }

  /** Shows these instead of the rows with their ids; an older version never replaces a newer. */
  put(profiles: Profile[]): void {
    for (const profile of profiles) {
      const place = this.#place(profile.id);
      if (place && profile.version >= place.row.version) place.rows[place.index] = profile;
    }
    this.#changed();
  }

  /** Shows one as it will be, or was, whatever the versions. */
  force(profile: Profile): void {
    const place = this.#place(profile.id);
    if (place) place.rows[place.index] = profile;
    this.#changed();
  }

  drop(ids: ReadonlySet<string>): void {
    for (const page of this.#pages) {
      if (!page.rows?.some((row) => ids.has(row.id))) continue;
      page.rows = page.rows.filter((row) => !ids.has(row.id));
      const gone = page.length - page.rows.length;
      page.length = page.rows.length;
      if (this.total.value !== null) this.total.value -= gone;
    }
    this.#changed();
  }

  /** The same object for what has not changed, so that it is not drawn again. */
  #known(row: Profile): Profile {
    const before = this.#place(row.id)?.row;
    return before?.version === row.version ? before : row;
  }

  #place(id: string): { rows: Profile[]; index: number; row: Profile } | null {
    for (const { rows } of this.#pages) {
      const index = rows?.findIndex((row) => row.id === id) ?? -1;
      const row = rows?.[index];
      if (rows && row) return { rows, index, row };
    }
    return null;
  }

  #changed(): void {
    batch(() => {
      this.length.value = this.#pages.reduce((sum, page) => sum + page.length, 0);
      this.complete.value = this.#next === null;
      this.version.value += 1;
    });
  }
}
