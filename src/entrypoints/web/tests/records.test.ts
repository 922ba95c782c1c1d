import { describe, expect, it } from "vitest";
import { HeaderMissing, records } from "../source/profiles/records";
import { changesOf, draftOf, messages } from "../source/profiles/form";
import { faultOf } from "../source/tasks/json";
import { faults } from "../source/tasks/payloads";
import { buckets, parse, quantile, sum } from "../source/system/exposition";
import { pathOf } from "../source/system/chart";
import type { Profile } from "../source/api/types";

async function all(text: string, csv: boolean, size = 3) {
  const pieces = text.match(new RegExp(`[\\s\\S]{1,${size}}`, "g")) ?? [];
  const found = [];
  for await (const record of records(pieces, csv)) found.push(record);
  return found;
}

describe("a CSV file", () => {
  it("may hold quotes, commas and line ends in cells", async () => {
    const text = 'name,email,bio\r\n"Lovelace, Ada",ada@x.org,"said ""go""\nand went"\nB,b@x.org,\n';
    for (const size of [1, 2, 7, 100]) {
      const [ada, b] = await all(text, true, size);
      expect(ada).toMatchObject({ line: 2, profile: { name: "Lovelace, Ada", bio: 'said "go"\nand went' } });
      expect(b).toMatchObject({ line: 4, raw: "B,b@x.org,", profile: { name: "B", bio: "" } });
    }
  });

  it("may begin with a mark, end without a line end, and have empty lines", async () => {
    const found = await all("\ufeffEmail,Name\n\na@x.org,A", true);
    expect(found).toMatchObject([{ line: 3, profile: { name: "A", email: "a@x.org" } }]);
  });

  it("has to name its columns", async () => {
    await expect(all("ada,ada@x.org\n", true)).rejects.toBeInstanceOf(HeaderMissing);
  });
});

describe("an NDJSON file", () => {
  it("is read line by line, and says what is wrong with one", async () => {
    const text = '{"name":"A","email":"a@x.org","id":"1"}\nnonsense\n[]\n{"name":1,"email":"x"}\n';
    const found = await all(text, false);
    expect(found.map((one) => one.line)).toEqual([1, 2, 3, 4]);
    expect(found[0]?.profile).toEqual({ name: "A", email: "a@x.org", bio: "", image_urls: [] });
    expect(found.slice(1).map((one) => one.reason)).toEqual([
      "is not JSON",
      "is not a JSON object",
      "name has to be a text",
    ]);
  });

  it("brings no addresses of uploaded images", async () => {
    const line = JSON.stringify({ name: "A", email: "a", image_urls: ["u", "v"], images: [{ url: "v" }] });
    expect((await all(line, false))[0]?.profile?.image_urls).toEqual(["u"]);
  });
});

describe("a form", () => {
  const profile = { name: "A", email: "a@x", bio: "", image_urls: ["u", "v"], images: [{ url: "v" }] };
  const begun = draftOf(profile as unknown as Profile);

  it("sends what has changed, and nothing else", () => {
    expect(changesOf(begun, begun)).toEqual({});
    expect(changesOf({ ...begun, bio: "b" }, begun)).toEqual({ bio: "b" });
    expect(changesOf({ ...begun, urls: "u\n\n w " }, begun)).toEqual({ image_urls: ["u", "w"] });
  });

  it("shows each message at its field", () => {
    const found = messages([
      { field: "email", message: "must be an email" },
      { field: "image_urls[2]", message: "must be a URL" },
      { field: "owner", message: "is not yours" },
    ]);
    expect(found).toEqual({
      email: ["must be an email"],
      image_urls: ["[2] must be a URL"],
      "": ["owner is not yours"],
    });
  });
});

describe("a payload", () => {
  const id = "01a204d6-1f05-79bc-a47b-709afa94b9d8";
  it.each([
    ["echo", '{"any": [1]}', 0],
    ["echo", "[1]", 1],
    ["echo", '{"a": }', 1],
    ["of.a.team", "{}", 0],
    ["profile.export", `{"profile_id": "${id}"}`, 0],
    ["profile.export", "{}", 1],
    ["profile.export", '{"profile_id": "x", "more": 1}', 2],
    ["http.callback", '{"url": "ftp://x"}', 1],
    ["images.collect", '{"image_ids": [1]}', 1],
  ])("%s %s", (type, text, number) => {
    expect(faults(type, text)).toHaveLength(number);
  });
});

describe("a text that is no JSON", () => {
  it.each([
    ['{"a": [1, -2.5e3, "x\\n", true, null, {}, []]}', -1],
    [" 1 ", -1],
    ["", 0],
    ['{\n  "a": }', 9],
    ["[1,]", 3],
    ['{"a" 1}', 5],
    ["{a: 1}", 1],
    ['{"a": 1', 7],
    ["[1]]", 3],
    ["01", 1],
    ["[}", 1],
  ])("%s", (text, place) => {
    expect(faultOf(text)).toBe(place);
    if (place === -1) expect(() => void JSON.parse(text)).not.toThrow();
    else expect(() => void JSON.parse(text)).toThrow();
  });
});

describe("metrics", () => {
  const text = `# HELP x y
http_requests_total{method="GET",route="/a \\"b\\"",status="200"} 10.0
http_requests_total{method="GET",route="/c",status="200"} 5.0
h_bucket{le="0.1",route="/a"} 5
h_bucket{le="1.0",route="/a"} 9
h_bucket{le="+Inf",route="/a"} 10
h_bucket{le="+Inf",route="/api/v1/events"} 99
`;
  const samples = parse(text);

  it("are summed over their labels", () => {
    expect(sum(samples, "http_requests_total")).toBe(15);
    expect(sum(samples, "http_requests_total", ({ route }) => route === '/a \\"b\\"')).toBe(10);
  });

  it("give percentiles, also of what came since", () => {
    const now = buckets(samples, "h");
    expect(quantile(0.5, now, null)).toBeCloseTo(0.1);
    expect(quantile(0.7, now, null)).toBeCloseTo(0.55);
    expect(quantile(0.99, now, null)).toBe(1);
    expect(quantile(0.5, now, now)).toBeNull();
  });

  it("are drawn with gaps", () => {
    expect(pathOf([1, null, 1], 1).match(/M/g)).toHaveLength(2);
    expect(pathOf([null, null], 1)).toBe("");
  });
});
