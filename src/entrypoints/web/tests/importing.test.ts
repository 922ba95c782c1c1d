import { effect } from "@preact/signals";
import { expect, it } from "vitest";
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
