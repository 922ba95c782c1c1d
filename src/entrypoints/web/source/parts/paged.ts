/** Rows that come page by page, and are read anew while they are shown. */
import { signal } from "@preact/signals";
import type { Page } from "../api/profiles";

type Reading<T> = (cursor: string | null, abort: AbortSignal) => Promise<Page<T>>;

/** So many rows are read anew at most. */
export const FOLLOWED = 500;

export class Paged<T> {
  readonly rows = signal<T[]>([]);
  readonly next = signal<string | null>(null);
  readonly failure = signal<unknown>(null);
  /** Nothing is there yet of what is asked for. */
  readonly loading = signal(true);
  /** Older ones are on their way. */
  readonly older = signal(false);
  readonly #read: Reading<T>;
  #underWay: AbortController | null = null;

  constructor(read: Reading<T>) {
    this.#read = read;
  }

  get busy(): boolean {
    return this.#underWay !== null;
  }

  /** Reads something else, from its beginning. */
  open(): Promise<void> {
    this.loading.value = true;
    this.next.value = null;
    return this.load(0);
  }

  /** Reads as many pages as are shown, one after the other, and shows them once all are there. */
  load(least = Math.min(this.rows.value.length, FOLLOWED)): Promise<void> {
    return this.#show(async (read) => {
      let found = await read(null);
      while (found.next !== null && found.rows.length < least) found = joined(found.rows, await read(found.next));
      return found;
    });
  }

  more(): Promise<void> {
    this.older.value = true;
    return this.#show(async (read) => {
      const older = await read(this.next.value);
      return joined(this.rows.value, older);
    });
  }

  /** Gives up what is on its way. */
  stop(): void {
    this.#underWay?.abort();
    this.#underWay = null;
    this.older.value = false;
  }

  forget(): void {
    this.stop();
    this.rows.value = [];
    this.next.value = null;
    this.failure.value = null;
    this.loading.value = true;
  }

  async #show(pages: (read: (cursor: string | null) => Promise<Page<T>>) => Promise<Page<T>>): Promise<void> {
    this.#underWay?.abort();
    const mine = new AbortController();
    this.#underWay = mine;
    try {
      const found = await pages((cursor) => this.#read(cursor, mine.signal));
      if (mine.signal.aborted) return;
      this.rows.value = found.rows;
      this.next.value = found.next;
      this.failure.value = null;
    } catch (error) {
      if (mine.signal.aborted) return;
      this.failure.value = error;
    }
    this.#underWay = null;
    this.older.value = this.loading.value = false;
  }
}

function joined<T>(rows: T[], older: Page<T>): Page<T> {
  return { ...older, rows: [...rows, ...older.rows] };
}
