import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ask } from "../source/api/ask";
import { Attempt } from "../source/api/attempt";
import { refusal, Unreached } from "../source/api/failures";
import { onSignOut, signedOut, signIn, signOut, token } from "../source/api/session";

let sent: (string | null)[] = [];
let answers: (() => Promise<Response>)[] = [];

beforeEach(() => {
  [sent, answers] = [[], []];
  vi.stubGlobal("fetch", (_: string, options: RequestInit) => {
    sent.push(new Headers(options.headers).get("Authorization"));
    return answers.shift()?.();
  });
  signIn("one", false);
});
afterEach(() => vi.unstubAllGlobals());

const refused = (status: number, after?: string) => async () =>
  new Response("{}", { status, headers: after === undefined ? {} : { "Retry-After": after } });
const fine = async () => new Response('{"done": true}');

describe("a call", () => {
  it("that waits is sent again by whoever sent it", async () => {
    answers = [refused(429, "0"), fine];
    await ask({ method: "POST", path: "/x", json: {} });
    expect(sent).toEqual(["Bearer one", "Bearer one"]);
  });

  it("that waits is not sent by somebody else", async () => {
    answers = [refused(429, "0"), fine];
    const asking = ask({ method: "POST", path: "/x", json: {} });
    signIn("another", false);
    await expect(asking).rejects.toMatchObject({ status: 429 });
    expect(sent).toEqual(["Bearer one"]);
  });

  it("that is refused late signs nobody else out", async () => {
    answers = [refused(401)];
    const asking = ask({ path: "/x" });
    signIn("another", false);
    await expect(asking).rejects.toMatchObject({ status: 401 });
    expect([token.value, signedOut.value]).toEqual(["another", null]);
  });

  it("of which an earlier one is under way is asked for again", async () => {
    const running = async () =>
      new Response('{"detail": "It runs.", "code": "still_running", "status": 409}', {
        status: 409,
        headers: { "Retry-After": "0" },
      });
    answers = [running, fine];
    expect((await ask({ method: "POST", path: "/x", json: {}, once: "key" })).body).toEqual({ done: true });
  });

  it("sends JSON as it was typed", async () => {
    let body: unknown;
    vi.stubGlobal("fetch", (_: string, options: RequestInit) => ((body = options.body), fine()));
    await ask({ method: "POST", path: "/x", text: '{"n":12345678901234567890}' });
    expect(body).toBe('{"n":12345678901234567890}');
  });
});

describe("signing out", () => {
  it("has forgotten what was kept before somebody else is there", () => {
    let kept = "of one";
    onSignOut(() => (kept = ""));
    expect(kept).toBe("of one");
    signOut("over");
    expect([kept, token.value]).toEqual(["", null]);
  });
});

describe("the key of an attempt", () => {
  it("stays while nobody knows what became of it, for the same content", () => {
    const attempt = new Attempt();
    const key = attempt.keyOf({ a: 1 });
    attempt.failed(new Unreached());
    attempt.failed(refusal(503, null, ""));
    attempt.failed(refusal(409, null, '{"detail": "", "status": 409, "code": "still_running"}'));
    expect(attempt.keyOf({ a: 1 })).toBe(key);
    expect(attempt.keyOf({ a: 2 })).not.toBe(key);
  });

  it("is another once the service has refused it", () => {
    const attempt = new Attempt();
    const key = attempt.keyOf({ a: 1 });
    attempt.failed(refusal(422, null, ""));
    expect(attempt.keyOf({ a: 1 })).not.toBe(key);
  });
});
