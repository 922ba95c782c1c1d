import { describe, expect, it } from "vitest";
import { Paged } from "../source/parts/paged";

/** The numbers down to 1, two a page; each page is given when the test says so. */
class Source {
  newest = 5;
  readonly #asked: (() => void)[] = [];
  readonly list = new Paged<number>(async (cursor) => {
    await new Promise<void>((given) => this.#asked.push(given));
    const from = cursor === null ? this.newest : Number(cursor);
    const rows = [from, from - 1].filter((one) => one > 0);
    return { rows, next: from > 2 ? String(from - 2) : null, total: null };
  });

  async give(): Promise<void> {
    while (this.#asked.length > 0) {
      this.#asked.splice(0).forEach((given) => given());
      await new Promise((done) => setTimeout(done));
    }
  }

  async opened(): Promise<Source> {
    void this.list.open();
    await this.give();
    return this;
  }
}

describe("a list of pages", () => {
  it("takes older ones once, however often they are asked for", async () => {
    const source = await new Source().opened();
    void source.list.more();
    void source.list.more();
    expect(source.list.older.value).toBe(true);
    await source.give();
    expect(source.list.rows.value).toEqual([5, 4, 3, 2]);
    expect(source.list.older.value).toBe(false);
  });

  it("reads as many anew as are shown", async () => {
    const source = await new Source().opened();
    void source.list.more();
    await source.give();
    source.newest = 7;
    void source.list.load();
    await source.give();
    expect(source.list.rows.value).toEqual([7, 6, 5, 4]);
  });

  it("adds nothing to another list that is read meanwhile", async () => {
    const source = await new Source().opened();
    void source.list.more();
    source.newest = 9;
    void source.list.open();
    await source.give();
    expect(source.list.rows.value).toEqual([9, 8]);
  });

  it("shows nothing that comes after it was forgotten", async () => {
    const source = await new Source().opened();
    void source.list.load();
    source.list.forget();
    await source.give();
    expect(source.list.rows.value).toEqual([]);
    expect(source.list.loading.value).toBe(true);
  });
});
