import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Rows } from "../source/profiles/rows";
import type { Profile } from "../source/api/types";

const ALL = { q: "", sort: "-created_at" } as const;
const profile = (number: number, version = 1) =>
  ({ id: `id-${number}`, name: `Person ${number}`, version, images: [], image_urls: [] }) as unknown as Profile;

/** Lists profiles as the service does, the newest first; the answers can be held back. */
class Service {
  profiles = Array.from({ length: 4000 }, (_, n) => profile(4000 - n));
  asked: string[] = [];
  hold: Promise<void> | null = null;

  async answer(address: string): Promise<Response> {
    this.asked.push(address);
    await this.hold;
    const query = new URL(address, "http://x").searchParams;
    const cursor = query.get("cursor");
    const start = cursor === null ? 0 : this.profiles.findIndex((one) => one.id === cursor) + 1;
    const rows = this.profiles.slice(start, start + Number(query.get("limit")));
    const last = rows.at(-1);
    const more = last !== undefined && last !== this.profiles.at(-1);
    const headers: Record<string, string> = more ? { Link: `</?cursor=${last.id}>; rel="next"` } : {};
    if (query.has("count")) headers["X-Total-Count"] = String(this.profiles.length);
    return new Response(JSON.stringify(rows), { headers });
  }
}

let service: Service;
let rows: Rows;

beforeEach(() => {
  service = new Service();
  rows = new Rows();
  vi.stubGlobal("fetch", (address: string) => service.answer(address));
});
afterEach(() => vi.unstubAllGlobals());

const settled = () => new Promise((done) => setTimeout(done, 5));

async function readTo(index: number): Promise<void> {
  while (rows.length.value <= index) {
    rows.ensure(rows.length.value - 1, rows.length.value);
    await settled();
  }
}

/** The ids of all rows that are held, which have to follow on one another as in the service. */
function expectInOrder(): void {
  const ids = service.profiles.map((one) => one.id);
  for (let index = 0; index < rows.length.value; index += 1) {
    const row = rows.at(index);
    if (row !== null) expect(row.id).toBe(ids[index]);
  }
}

describe("the rows of a list", () => {
  it("are none of another list while this one is on its way", async () => {
    await rows.open(ALL);
    await readTo(700);
    let release = () => {};
    service.hold = new Promise((done) => (release = done));
    const opening = rows.open(ALL);
    const before = service.asked.length;
    rows.ensure(750, 799); // somebody scrolls meanwhile
    expect(service.asked.length).toBe(before);
    release();
    await opening;
    await settled();
    expect(rows.length.value).toBe(200);
    expect(rows.at(750)).toBeNull();
    expect(rows.find("id-1")).toBeNull();
    await readTo(700);
    expectInOrder();
  });

  it("go on from the list that is shown where another could not be had", async () => {
    await rows.open(ALL);
    vi.stubGlobal("fetch", async () => new Response("{}", { status: 404 }));
    await rows.open({ q: "ada", sort: "name" });
    expect(rows.failure.value).not.toBeNull();
    vi.stubGlobal("fetch", (address: string) => service.answer(address));
    rows.ensure(150, 199);
    await settled();
    expect(service.asked.at(-1)).not.toContain("ada");
    expect(rows.failure.value).toBeNull();
    expectInOrder();
  });

  it("follow on one another where some have come before they are read again", async () => {
    await rows.open(ALL);
    await readTo(3500);
    service.profiles.unshift(...[5, 4, 3, 2, 1].map((n) => profile(4000 + n)));
    rows.ensure(3400, 3450); // the first pages are let go
    expect(rows.at(0)).toBeNull();
    rows.ensure(0, 50);
    await settled();
    expect(rows.at(0)?.id).toBe("id-4005");
    await readTo(700);
    expectInOrder();
  });

  it("are counted until somebody comes or goes of whom nobody knows whether they were counted", async () => {
    await rows.open(ALL, true);
    expect(rows.total.value).toBe(4000);
    rows.drop(new Set(["id-4000"]));
    expect(rows.total.value).toBe(3999);
    rows.drop(new Set(["id-1"])); // not held
    expect(rows.total.value).toBeNull();
    await rows.open(ALL, true);
    await rows.open(ALL);
    expect(rows.total.value).toBeNull();
  });

  it("never show an older version", async () => {
    await rows.open(ALL);
    rows.put([profile(4000, 3)]);
    rows.put([profile(4000, 2)]);
    expect(rows.at(0)?.version).toBe(3);
    expect(rows.indexOf("id-3999")).toBe(1);
    expect(rows.indexOf("id-1")).toBe(-1);
  });
});
