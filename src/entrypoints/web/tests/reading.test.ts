import { describe, expect, it } from "vitest";
import { headersOf, addressOf } from "../source/api/ask";
import { curlOf } from "../source/api/curl";
import { Parser } from "../source/api/events";
import { refusal } from "../source/api/failures";
import { parse as parseRoute, hrefOf } from "../source/router";
import { ago, bytes, initials } from "../source/format";
import { figure, t } from "../source/texts";
import { draftOf, standing } from "../source/profiles/form";
import { differences, pieces } from "../source/profile/diff";
import { middle, within } from "../source/profile/uploading";
import type { Change, Profile } from "../source/api/types";

describe("server-sent events", () => {
  const text = 'retry: 2000\nid: 3\n\nid: 4\nevent: profile.created\ndata: {"a":1}\n\n: still here\n\n';

  it("are the same wherever the pieces end", () => {
    for (let size = 1; size < text.length; size += 1) {
      const parser = new Parser();
      const found = [];
      for (let at = 0; at < text.length; at += size) found.push(...parser.take(text.slice(at, at + size)));
      expect(found).toEqual([
        { id: "3", event: null, data: "" },
        { id: "4", event: "profile.created", data: '{"a":1}' },
      ]);
    }
  });

  it("are not told before they are whole", () => {
    expect(new Parser().take("id: 4\ndata: x\n")).toEqual([]);
  });
});

describe("a refusal", () => {
  it("is what the problem document says", () => {
    const error = refusal(422, null, '{"detail": "No.", "status": 422, "errors": [{"field": "name", "message": "x"}]}');
    expect(error.message).toBe("No.");
    expect(error.fields).toEqual([{ field: "name", message: "x" }]);
  });

  it("is understood from a proxy too", () => {
    const error = refusal(503, "7", "<html>away</html>");
    expect(error.status).toBe(503);
    expect(error.retryAfter).toBe(7);
    expect(error.message).toContain("503");
  });

  it("takes a date in Retry-After for no number", () => {
    expect(refusal(429, "Wed, 21 Oct 2026 07:28:00 GMT", "").retryAfter).toBeNull();
  });
});

describe("a call", () => {
  it("leaves out what was not given", () => {
    expect(addressOf({ path: "/p", query: { q: null, limit: 2, cursor: undefined } })).toBe("/p?limit=2");
  });

  it("names the version that was seen", () => {
    expect(headersOf({ path: "/p", version: 7 })).toEqual({ "If-Match": '"v7"' });
  });

  it("can be copied into a shell, quotes and all", () => {
    const call = { method: "PUT", path: "/p", json: { name: "O'Neil" }, version: 2 } as const;
    expect(curlOf(call, "http://h")).toBe(
      `curl -X PUT 'http://h/p' -H 'Content-Type: application/json' -H 'If-Match: "v2"' -d '{"name":"O'\\''Neil"}'`,
    );
  });
});

describe("the address", () => {
  it("holds the search and the sort", () => {
    const href = hrefOf("profiles", "", { q: "a&b=c", sort: "name" });
    const route = parseRoute(href);
    expect([route.view, route.params.get("q"), route.params.get("sort")]).toEqual(["profiles", "a&b=c", "name"]);
  });

  it("leads to a profile", () => {
    const id = "01a204d6-1f05-79bc-a47b-709afa94b9d8";
    expect(parseRoute(hrefOf("profile", id))).toMatchObject({ view: "profile", id });
  });

  it("is that of the list where it is not understood", () => {
    for (const hash of ["", "#", "#/nonsense", "#/profiles/no-id", "#/profiles/../x"])
      expect(parseRoute(hash).view).toBe("profiles");
  });
});

describe("what is written", () => {
  it("tells times from now", () => {
    const at = Date.parse("2026-01-02T00:00:00Z");
    expect(ago("2026-01-01T23:00:00Z", at)).toBe("1 hr. ago");
    expect(ago("2026-01-03T00:00:01Z", at)).toBe("tomorrow");
    expect(ago("2026-01-01T23:59:58Z", at)).toBe("now");
    expect(ago("2026-01-01T00:00:00Z", at)).toBe("yesterday");
    expect(ago("2025-12-30T00:00:00Z", at)).toBe("3 days ago");
    expect(ago("2026-01-02T00:05:00Z", at)).toBe("in 5 min.");
  });

  it("groups the digits of a number", () => {
    const written = [0, 999, 1000, 1_234_567, -1234, 0.05, 12.04].map((value) => figure(value, 1));
    expect(written).toEqual(["0", "999", "1,000", "1,234,567", "-1,234", "0.1", "12"]);
  });

  it("counts one as one", () => {
    expect([0, 1, 2, 1000].map(t.list.total)).toEqual(["0 profiles", "1 profile", "2 profiles", "1,000 profiles"]);
  });

  it("tells sizes in steps of a thousand", () => {
    expect([0, 999, 1500, 10_485_760].map(bytes)).toEqual(["0 B", "999 B", "1.5 kB", "10 MB"]);
  });

  it("draws initials in any script", () => {
    expect(["Ada Lovelace", "紫式部", "عمر الخيام", " x ", "𝒜da"].map(initials)).toEqual(["AL", "紫", "عا", "X", "𝒜"]);
  });
});

describe("a change that was refused", () => {
  const stored = { name: "Ada", email: "a@b.c", bio: "", image_urls: [], images: [] } as unknown as Profile;
  const draft = (name: string, bio = "") => ({ ...draftOf(stored), name, bio });

  it("is there already, whoever sent it", () => {
    expect(standing(stored, draft("Ada"), [])).toBe("saved");
  });

  it("met what this page itself had sent", () => {
    expect(standing(stored, draft("Ada", "more"), [null, draft("Ada")])).toBe("own");
  });

  it("met the change of somebody else", () => {
    expect(standing(stored, draft("Eve"), [null])).toBe("conflict");
    expect(standing(stored, draft("Eve", "more"), [draft("Eve")])).toBe("conflict");
  });
});

describe("a difference", () => {
  const change = (data: Record<string, unknown>) => ({ data }) as unknown as Change;

  it("is told by words", () => {
    expect(pieces("for an engine that was", "for the Engine, which was")).toEqual({
      start: "for ",
      removed: "an engine that ",
      added: "the Engine, which ",
      end: "was",
    });
    expect(pieces("a a", "a a a")).toMatchObject({ removed: "", added: "a " });
  });

  it("is told by items of a list", () => {
    const hash = "ab".repeat(32);
    expect(differences(change({ images: [hash] }), change({ images: [] }))).toEqual([
      { field: "images", before: "", after: "abababababab", list: true },
    ]);
  });

  it("is none of what was erased", () => {
    expect(differences(change({}), change({ name: "x" }))).toEqual([]);
  });
});

describe("a square", () => {
  it("is the middle at first, and never leaves the picture", () => {
    expect(middle(300, 200)).toEqual({ x: 50, y: 0, size: 200 });
    expect(within({ x: -9, y: 400, size: 100 }, 300, 200)).toEqual({ x: 0, y: 100, size: 100 });
    expect(within({ x: 0, y: 0, size: 900 }, 300, 200).size).toBe(200);
    expect(within({ x: 0, y: 0, size: 1 }, 300, 200).size).toBe(48);
    expect(within({ x: 0, y: 0, size: 1 }, 20, 20).size).toBe(20);
  });
});
