/** Brings the profiles of a file in, some hundreds at a time. */
import { signal } from "@preact/signals";
import { hasStatus, isAbort } from "../api/failures";
import { sendBatch } from "../api/profiles";
import type { BatchResult, NewProfile } from "../api/types";
import { t } from "../texts";
import { records, type Parsed } from "./records";

const UNREADABLE = "\ufffd"; // what a decoder puts in the place of bytes that are not UTF-8

export interface Reject {
  line: number;
  reason: string;
  row: string;
}

const AT_ONCE = 500;

/** One import, and how far it is. */
export class Import {
  readonly share = signal(0);
  readonly created = signal(0);
  readonly rejects: Reject[] = [];
  /** How many they are, told now and then: there may be one for each line. */
  readonly rejected = signal(0);
  readonly state = signal<"running" | "done" | "stopped">("running");
  readonly failure = signal<unknown>(null);
  readonly #abort = new AbortController();

  constructor(readonly file: File) {}

  stop(): void {
    this.#abort.abort();
  }

  async run(): Promise<void> {
    const waiting: Parsed[] = [];
    try {
      for await (const record of records(this.#text(), isCsv(this.file))) {
        if (this.#abort.signal.aborted) break;
        if (record.raw.includes(UNREADABLE)) this.#reject(record, t.transfer.notUtf8);
        else if (record.profile === null) this.#reject(record, record.reason);
        else if (waiting.push(record) === AT_ONCE) await this.#send(waiting.splice(0));
      }
      if (waiting.length > 0) await this.#send(waiting);
    } catch (error) {
      if (!isAbort(error)) this.failure.value = error;
    }
    this.#tell();
    const whole = !this.#abort.signal.aborted && this.failure.value === null;
    this.state.value = whole ? "done" : "stopped";
  }

  async *#text(): AsyncGenerator<string> {
    const decoder = new TextDecoder();
    const reader = this.file.stream().getReader();
    for (let read = 0; ; this.share.value = read / Math.max(1, this.file.size)) {
      const { done, value } = await reader.read();
      if (done) break;
      read += value.length;
      yield decoder.decode(value, { stream: true });
    }
    yield decoder.decode();
  }

  async #send(part: Parsed[]): Promise<void> {
    const create = part.map((record) => record.profile as NewProfile);
    let results: BatchResult[];
    try {
      results = await sendBatch({ create }, this.#abort.signal);
    } catch (error) {
      if (!hasStatus(error, 413)) throw error;
      await this.#sendLess(part, error.message);
      return;
    }
    for (const result of results) {
      const record = part[result.index];
      if (record && result.status >= 400) this.#reject(record, result.problem?.detail ?? "");
    }
    this.#tell();
    this.created.value += results.filter((result) => result.status < 400).length;
  }

  /** Nothing of it was taken: it is more than goes into one request. */
  async #sendLess(part: Parsed[], reason: string): Promise<void> {
    const [only] = part;
    if (only && part.length === 1) {
      this.#reject(only, reason);
      return;
    }
    const half = Math.ceil(part.length / 2);
    await this.#send(part.slice(0, half));
    await this.#send(part.slice(half));
  }

  #reject({ line, raw }: Parsed, reason: string): void {
    if (this.rejects.push({ line, reason, row: raw }) % AT_ONCE === 0) this.#tell();
  }

  #tell(): void {
    this.rejected.value = this.rejects.length;
  }
}

function isCsv(file: File): boolean {
  return /\.csv$/i.test(file.name) || file.type === "text/csv";
}
