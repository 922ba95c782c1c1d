/** What can go wrong with a call. */
import { t } from "../texts";
import type { FieldProblem, Problem } from "./types";

/** The service has answered, and refused. */
export class Refused extends Error {
  constructor(
    readonly problem: Problem,
    /** Seconds after which the same call may succeed. */
    readonly retryAfter: number | null,
    /** What was answered, where it is JSON. */
    readonly body: unknown = problem,
  ) {
    super(problem.detail);
  }

  get status(): number {
    return this.problem.status;
  }

  get code(): string {
    return this.problem.code;
  }

  get fields(): FieldProblem[] {
    return this.problem.errors ?? [];
  }
}

/** There was no answer. */
export class Unreached extends Error {
  constructor() {
    super(t.net.unreached);
  }
}

export function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === "AbortError";
}

export function hasStatus(error: unknown, ...statuses: number[]): error is Refused {
  return error instanceof Refused && statuses.includes(error.status);
}

/** Whether it is sure that nothing was done, so that another attempt is another call. */
export function isUndone(error: unknown): boolean {
  return error instanceof Refused && error.status < 500 && error.code !== "still_running";
}

/** The refusal that an answer carries, also where something in between has written its own. */
export function refusal(status: number, retryAfter: string | null, text: string): Refused {
  let body: unknown = null;
  try {
    body = JSON.parse(text);
  } catch {
    // A proxy answers with a page of its own.
  }
  const said = body as Partial<Problem> | null;
  const problem = typeof said?.detail === "string" ? (said as Problem) : unsaid(status);
  const seconds = Number(retryAfter);
  return new Refused(problem, retryAfter === null || Number.isNaN(seconds) ? null : seconds, body);
}

function unsaid(status: number): Problem {
  return {
    type: "about:blank",
    title: t.net.status(status),
    status,
    detail: status === 413 ? t.net.tooLarge : t.net.status(status),
    instance: "",
    code: "",
    request_id: "",
  };
}
