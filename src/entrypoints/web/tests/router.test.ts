import { expect, it } from "vitest";
import { amend, route } from "../source/router";

it("changes no address that somebody is on the way to", () => {
  amend("#/profiles?q=ada");
  expect(location.hash).toBe("#/profiles?q=ada");
  history.pushState(null, "", "#/tasks"); // as by a link, of which the page is told a moment later
  amend("#/profiles?q=eve");
  expect(location.hash).toBe("#/tasks");
  expect(route.value.params.get("q")).toBe("ada");
});
