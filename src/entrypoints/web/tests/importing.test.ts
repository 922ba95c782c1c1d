import { effect } from "@preact/signals";
import { afterEach, expect, it, vi } from "vitest";
import { Import } from "../source/profiles/importing";

it("tells now and then how many lines were refused", async () => {
  const run = new Import(new File(["nonsense\n".repeat(20_000)], "a.ndjson"));
  let told = 0;
  effect(() => {
    void run.rejected.value;
    told += 1;
  });
  await run.run();
  expect(run.rejected.value).toBe(20_000);
  expect(run.rejects.at(-1)?.line).toBe(20_000);
  expect(told).toBeLessThan(50);
});

afterEach(() => vi.unstubAllGlobals());

it("takes no line that is not UTF-8", async () => {
  const sent: string[] = [];
  vi.stubGlobal("fetch", async (_: string, { body }: RequestInit) => {
    sent.push(String(body));
    return new Response('[{"index": 0, "status": 201}]');
  });
  const latin1 = Uint8Array.from("name,email\nJ\u00fcrgen,j@example.com\nAda,a@example.com\n", (c) => c.charCodeAt(0));
  const run = new Import(new File([latin1], "a.csv"));
  await run.run();
  expect(run.created.value).toBe(1);
  expect(run.rejects).toMatchObject([{ line: 2, reason: expect.stringContaining("UTF-8") }]);
  expect(sent.join()).not.toContain("j@example.com");
});
