/** Uploads: what was chosen, how it is cut, and how far it is on its way. */
import { signal } from "@preact/signals";
import { notePosition, once } from "../api/ask";
import { hasStatus, isAbort, refusal, Unreached } from "../api/failures";
import { lost, pause, waiting } from "../api/net";
import { pathOf } from "../api/profiles";
import { authorization, signOut, token } from "../api/session";
import { t } from "../texts";

export const SIZE_MAX = 10 * 1024 * 1024; // bytes: the service takes no more
const EDGE_MAX = 1600; // pixels: it keeps no more
const QUALITY = 0.92;
const TRIES = 5;
const PATIENCE = 60; // seconds: who has to wait for longer is told so

/** A square part of a picture, in its pixels. */
export interface Square {
  x: number;
  y: number;
  size: number;
}

interface Call {
  path: string;
  body: Blob;
  key: string;
  caller: string | null;
}

export class Upload {
  readonly preview: string;
  readonly state = signal<"reading" | "ready" | "sending" | "done" | "failed">("reading");
  readonly share = signal(0);
  readonly reason = signal("");
  /** Null: the file as it is. */
  readonly square = signal<Square | null>(null);
  bitmap: ImageBitmap | null = null;
  /** One for each way to cut it: the same picture is kept once, and another one is another call. */
  readonly #keys = new Map<string, string>();
  #abort = new AbortController();

  constructor(readonly file: File) {
    this.preview = URL.createObjectURL(file);
  }

  /** Looks at the picture. What the browser cannot read is sent as it is: the service says why not. */
  async read(): Promise<void> {
    try {
      this.bitmap = await createImageBitmap(this.file);
      this.square.value = middle(this.bitmap.width, this.bitmap.height);
    } catch {
      this.bitmap = null;
    }
    this.state.value = "ready";
  }

  async send(profile: string): Promise<boolean> {
    this.#abort = new AbortController();
    const key = this.#key();
    const caller = token.value; // what waits is never sent for somebody else
    this.state.value = "sending";
    this.share.value = 0;
    try {
      const body = await this.#body();
      if (body.size > SIZE_MAX) throw new Error(t.images.tooLarge);
      await this.#tried({ path: `${pathOf(profile)}/images`, body, key, caller });
      this.state.value = "done";
      return true;
    } catch (error) {
      if (isAbort(error)) this.reason.value = t.images.stopped;
      else this.reason.value = error instanceof Error ? error.message : String(error);
      this.state.value = "failed";
      return false;
    }
  }

  stop(): void {
    this.#abort.abort();
  }

  close(): void {
    this.stop();
    this.bitmap?.close();
    URL.revokeObjectURL(this.preview);
  }

  #key(): string {
    const cut = JSON.stringify(this.square.value);
    const key = this.#keys.get(cut) ?? once();
    this.#keys.set(cut, key);
    return key;
  }

  async #tried(call: Call): Promise<void> {
    for (let tries = 1; ; tries += 1) {
      try {
        return await sent(call, this.share, this.#abort.signal);
      } catch (error) {
        if (!hasStatus(error, 429, 503)) throw error;
        const seconds = error.retryAfter ?? 2 ** tries;
        if (tries >= TRIES || seconds > PATIENCE) throw error;
        waiting.value = { until: Date.now() + seconds * 1000, status: error.status };
        await pause(seconds * 1000, this.#abort.signal).finally(() => (waiting.value = null));
        if (token.value !== call.caller) throw error;
      }
    }
  }

  async #body(): Promise<Blob> {
    const { bitmap } = this;
    const square = this.square.value;
    if (bitmap === null || square === null) return this.file;
    if (square.size === bitmap.width && square.size === bitmap.height) return this.file;
    const edge = Math.min(Math.round(square.size), EDGE_MAX);
    const canvas = document.createElement("canvas");
    canvas.width = canvas.height = edge;
    draw(canvas, bitmap, square);
    const made = await new Promise<Blob | null>((done) => canvas.toBlob(done, "image/webp", QUALITY));
    return made ?? this.file;
  }
}

export function middle(width: number, height: number): Square {
  const size = Math.min(width, height);
  return { x: (width - size) / 2, y: (height - size) / 2, size };
}

/** The nearest square that lies within the picture. */
export function within({ x, y, size }: Square, width: number, height: number): Square {
  const fits = Math.max(Math.min(48, width, height), Math.min(size, width, height));
  const clamp = (value: number, most: number) => Math.max(0, Math.min(value, most));
  return { x: clamp(x, width - fits), y: clamp(y, height - fits), size: fits };
}

export function draw(canvas: HTMLCanvasElement, bitmap: ImageBitmap, { x, y, size }: Square): void {
  const context = canvas.getContext("2d");
  if (context === null) return;
  context.imageSmoothingQuality = "high";
  context.clearRect(0, 0, canvas.width, canvas.height);
  context.drawImage(bitmap, x, y, size, size, 0, 0, canvas.width, canvas.height);
}

/** By XMLHttpRequest: fetch does not say how much of a body is on its way. */
async function sent(call: Call, share: { value: number }, abort: AbortSignal): Promise<void> {
  const { path, body, key, caller } = call;
  abort.throwIfAborted();
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", path);
    for (const [name, value] of Object.entries(authorization(caller))) request.setRequestHeader(name, value);
    request.setRequestHeader("Idempotency-Key", key);
    request.upload.onprogress = (event) => {
      if (event.lengthComputable) share.value = event.loaded / event.total;
    };
    request.onload = () => {
      if (request.status < 300) {
        const position = request.getResponseHeader("X-Consistency-Token");
        if (position !== null) notePosition(new Headers({ "X-Consistency-Token": position }));
        resolve();
        return;
      }
      const after = request.getResponseHeader("Retry-After");
      const error = refusal(request.status, after, request.responseText);
      if (error.status === 401) signOut(error.message, caller);
      reject(error);
    };
    request.onerror = () => {
      lost();
      // Whoever refuses a body by its size need not wait for the rest, and may hang up.
      const begun = share.value > 0 && share.value < 1;
      reject(begun ? new Error(t.images.cut) : new Unreached());
    };
    request.onabort = () => reject(abort.reason);
    abort.addEventListener("abort", () => request.abort());
    const form = new FormData();
    form.append("image", body, "image");
    request.send(form);
  });
}
