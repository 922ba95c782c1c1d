/** The records of a CSV or NDJSON file, piece by piece, each with its line. */
import type { NewProfile } from "../api/types";
import { t } from "../texts";

export interface Parsed {
  line: number;
  raw: string;
  profile: NewProfile | null;
  /** Why there is no profile in it. */
  reason: string;
}

export class HeaderMissing extends Error {
  constructor() {
    super(t.transfer.header);
  }
}

type Pieces = AsyncIterable<string> | Iterable<string>;

export function records(pieces: Pieces, csv: boolean): AsyncGenerator<Parsed> {
  return csv ? fromCsv(pieces) : fromNdjson(pieces);
}

async function* fromNdjson(pieces: Pieces): AsyncGenerator<Parsed> {
  let rest = "";
  let line = 0;
  for await (const piece of pieces) {
    const lines = (rest + piece).split("\n");
    rest = lines.pop() ?? "";
    for (const raw of lines) {
      line += 1;
      if (raw.trim() !== "") yield { line, raw: raw.trimEnd(), ...ofJson(raw) };
    }
  }
  if (rest.trim() !== "") yield { line: line + 1, raw: rest, ...ofJson(rest) };
}

function ofJson(raw: string): Pick<Parsed, "profile" | "reason"> {
  let found: unknown;
  try {
    found = JSON.parse(raw);
  } catch {
    return { profile: null, reason: t.transfer.line.json };
  }
  if (typeof found !== "object" || found === null || Array.isArray(found))
    return { profile: null, reason: t.transfer.line.object };
  return ofValues(found as Record<string, unknown>);
}

function ofValues(values: Record<string, unknown>): Pick<Parsed, "profile" | "reason"> {
  const { name, email, bio = "", image_urls: urls = [], images = [] } = values;
  for (const [field, value] of Object.entries({ name, email, bio }))
    if (typeof value !== "string") return { profile: null, reason: t.transfer.line.field(field) };
  if (!Array.isArray(urls) || urls.some((url) => typeof url !== "string"))
    return { profile: null, reason: t.transfer.line.urls };
  // An export names the addresses of uploaded images too, which are files of another profile.
  const uploaded = new Set(Array.isArray(images) ? images.map((image: { url?: string }) => image?.url) : []);
  const image_urls = (urls as string[]).filter((url) => !uploaded.has(url));
  return { profile: { name, email, bio, image_urls } as NewProfile, reason: "" };
}

async function* fromCsv(pieces: Pieces): AsyncGenerator<Parsed> {
  let columns: string[] | null = null;
  for await (const { cells, line, raw } of csvRows(pieces)) {
    if (columns === null) {
      columns = cells.map((cell) => cell.trim().toLowerCase());
      if (!columns.includes("name") || !columns.includes("email")) throw new HeaderMissing();
      continue;
    }
    if (raw.trim() === "") continue;
    const entries = columns.map((column, index) => [column, cells[index] ?? ""]);
    const values: Record<string, unknown> = Object.fromEntries(entries);
    if (typeof values.image_urls === "string")
      values.image_urls = values.image_urls.split(/[\s|]+/).filter(Boolean);
    delete values.images;
    yield { line, raw, ...ofValues(values) };
  }
}

/** The rows of RFC 4180: a quoted cell may hold commas, line ends, and quotes that are doubled. */
async function* csvRows(pieces: Pieces) {
  let cells: string[] = [];
  let cell = "";
  let raw = "";
  let quoted = false;
  let closed = false; // a quote has ended the cell, or is the first of two
  let line = 1;
  let begun = 1;
  for await (const piece of pieces) {
    for (const letter of line === 1 && raw === "" ? piece.replace(/^\ufeff/, "") : piece) {
      if (letter === "\n") line += 1;
      if (quoted && letter !== '"') cell += letter;
      else if (quoted) [quoted, closed] = [false, true];
      else if (letter === '"' && (closed || cell === "")) {
        if (closed) cell += '"';
        [quoted, closed] = [true, false];
      } else if (letter === ",") {
        cells.push(cell);
        [cell, closed] = ["", false];
      } else if (letter === "\n") {
        cells.push(cell.replace(/\r$/, ""));
        yield { cells, line: begun, raw: raw.replace(/\r$/, "") };
        [cells, cell, raw, closed, begun] = [[], "", "", false, line];
        continue;
      } else cell += letter;
      raw += letter;
    }
  }
  if (raw !== "") yield { cells: [...cells, cell], line: begun, raw };
}
