/** Server-sent events by fetch: EventSource cannot say who calls. */
export interface Message {
  id: string | null;
  event: string | null;
  data: string;
}

/** The messages in the text that comes in, in pieces that may end anywhere (WHATWG HTML 9.2). */
export class Parser {
  #rest = "";

  take(piece: string): Message[] {
    this.#rest += piece;
    const blocks = this.#rest.split(/\r?\n\r?\n/);
    this.#rest = blocks.pop() ?? "";
    return blocks.map(parsed).filter((message) => message.id !== null || message.data !== "");
  }
}

function parsed(block: string): Message {
  const message: Message = { id: null, event: null, data: "" };
  for (const line of block.split(/\r?\n/)) {
    const [, name, value] = /^([^:]*):? ?(.*)$/.exec(line) ?? ["", "", ""];
    if (name === "id") message.id = value ?? null;
    else if (name === "event") message.event = value ?? null;
    else if (name === "data") message.data += (message.data === "" ? "" : "\n") + value;
  }
  return message;
}
