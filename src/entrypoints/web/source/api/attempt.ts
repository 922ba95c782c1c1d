/** The key of a call that is sent until it is answered. */
import { once } from "./ask";
import { isUndone } from "./failures";

export class Attempt {
  #key = once();
  #sent: string | null = null;

  /** The same as long as the content is, of which nobody knows whether it has had its effect. */
  keyOf(json: unknown): string {
    const content = JSON.stringify(json);
    if (this.#sent !== null && this.#sent !== content) this.#key = once();
    this.#sent = content;
    return this.#key;
  }

  /** Told of what went wrong: where nothing was done, the next attempt is another call. */
  failed(error: unknown): void {
    if (isUndone(error)) [this.#key, this.#sent] = [once(), null];
  }
}
