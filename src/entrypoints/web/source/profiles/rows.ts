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
  /** Grows by one whenever it begins anew. */
  readonly begun = signal(0);

  #filter: Filter = { q: "", sort: "-created_at" };
  #pages: Held[] = [];
  #next: string | null = null;
  #abort = new AbortController();
  #coming = new Set<string | null>();

  /** Begins anew. The rows that are shown stay until those of the new list are there. */
  async open(filter: Filter, count = false): Promise<void> {
    this.#abort.abort();
    this.#abort = new AbortController();
    const { signal: abort } = this.#abort;
    batch(() => {
      this.loading.value = true;
      if (filter.q !== this.#filter.q) this.total.value = null;
    });
    try {
      const page = await listProfiles({ ...listCall(filter, null, count), abort });
      if (abort.aborted) return;
      const rows = page.rows.map((row) => this.#known(row));
      batch(() => {
        this.#filter = filter;
        this.#pages = [{ cursor: null, length: rows.length, rows }];
        this.#next = page.next;
        this.total.value = page.total; // null, unless asked for: nobody knows how many came and went
        this.failure.value = null; // until now: nobody reaches for a button that goes away and comes back
        this.loading.value = false;
        this.begun.value += 1;
        this.#changed();
      });
    } catch (error) {
      if (isAbort(error)) return;
      [this.failure.value, this.loading.value] = [error, false];
    }
  }

  /** As if nothing had ever been read. */
  forget(): void {
    this.#abort.abort();
    batch(() => {
      [this.#pages, this.#next] = [[], null];
      [this.total.value, this.failure.value, this.loading.value] = [null, null, true];
      this.#changed();
    });
  }

  /** Sees to it that these rows are there, or come. */
  ensure(first: number, last: number): void {
    if (this.loading.value) return; // another list is on its way
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
    if (this.#coming.has(cursor)) return;
    this.#coming.add(cursor);
    const { signal: abort } = this.#abort;
    try {
      const page = await listProfiles({ ...listCall(this.#filter, cursor, false), abort });
      if (abort.aborted || this.#cursorOf(index) !== cursor) return;
      // Where rows have come or gone meanwhile, those after it do not follow on it any more.
      if (this.#cursorOf(index + 1) !== page.next) {
        this.#pages.length = index;
        this.#next = page.next;
      }
      this.#pages[index] = { cursor, length: page.rows.length, rows: page.rows };
      this.failure.value = null;
      this.#changed();
    } catch (error) {
      if (!isAbort(error)) this.failure.value = error;
    } finally {
      this.#coming.delete(cursor);
    }
  }

  /** Where a page begins, the one after the last included. */
  #cursorOf(index: number): string | null | undefined {
    return index === this.#pages.length ? this.#next : this.#pages[index]?.cursor;
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

  /** The place of a row, -1 where it is not held. */
  indexOf(id: string): number {
    const place = this.#place(id);
    return place ? place.start + place.index : -1;
  }

  /** Shows these instead of the rows with their ids; an older version never replaces a newer. */
  put(profiles: Profile[]): void {
    for (const profile of profiles) {
      const place = this.#place(profile.id);
      if (place && profile.version >= place.row.version) place.rows[place.index] = profile;
    }
    this.#changed();
  }

  drop(ids: ReadonlySet<string>): void {
    let gone = 0;
    for (const page of this.#pages) {
      if (!page.rows?.some((row) => ids.has(row.id))) continue;
      page.rows = page.rows.filter((row) => !ids.has(row.id));
      gone += page.length - page.rows.length;
      page.length = page.rows.length;
    }
    const { value: total } = this.total;
    // Nobody knows whether one that is not held was among those that were counted.
    if (ids.size > 0) this.total.value = total !== null && gone === ids.size ? total - gone : null;
    if (gone > 0) this.#changed();
  }

  /** The same object for what has not changed, so that it is not drawn again. */
  #known(row: Profile): Profile {
    const before = this.#place(row.id)?.row;
    return before?.version === row.version ? before : row;
  }

  #place(id: string): { rows: Profile[]; start: number; index: number; row: Profile } | null {
    let start = 0;
    for (const { rows, length } of this.#pages) {
      const index = rows?.findIndex((row) => row.id === id) ?? -1;
      const row = rows?.[index];
      if (rows && row) return { rows, start, index, row };
      start += length;
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
