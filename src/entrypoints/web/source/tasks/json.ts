/** Where a text stops being JSON: engines say so each in their own way, or not at all. */
const TOKENS = /[ \t\n\r]*(?:([[\]{},:])|("(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*")|(-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null))/y;

type State = "value" | "value or ]" | "key or }" | "key" | ":" | "after";

/** The place of the first fault, -1 where there is none. */
export function faultOf(text: string): number {
  const open: string[] = [];
  let state: State = "value";
  TOKENS.lastIndex = 0;
  for (let at = 0; ; at = TOKENS.lastIndex) {
    const rest = /[^ \t\n\r]/.exec(text.slice(at));
    if (rest === null) return state === "after" && open.length === 0 ? -1 : text.length;
    TOKENS.lastIndex = at;
    const token = TOKENS.exec(text);
    const place = at + rest.index;
    if (token === null) return place;
    const next = follow(state, token[1] ?? "", token[2] !== undefined, open);
    if (next === null) return place;
    state = next;
  }
}

function follow(state: State, sign: string, isText: boolean, open: string[]): State | null {
  const closes = sign === (open.at(-1) === "{" ? "}" : "]") && open.length > 0;
  if (closes && (state === "after" || state === "value or ]" || state === "key or }")) {
    open.pop();
    return "after";
  }
  if (state === "after") {
    if (sign !== "," || open.length === 0) return null;
    return open.at(-1) === "{" ? "key" : "value";
  }
  if (state === ":") return sign === ":" ? "value" : null;
  if (state === "key" || state === "key or }") return isText ? ":" : null;
  if (sign === "{" || sign === "[") {
    open.push(sign);
    return sign === "{" ? "key or }" : "value or ]";
  }
  return sign === "" ? "after" : null;
}
