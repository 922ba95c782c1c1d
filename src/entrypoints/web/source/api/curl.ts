/** A call as a command that does the same in a shell; the token is named, and never shown. */
import { addressOf, bodyOf, headersOf, type Call } from "./ask";
import { token } from "./session";

export function curlOf(call: Call, origin = location.origin): string {
  const method = call.method ?? "GET";
  const parts = ["curl"];
  if (method !== "GET") parts.push(`-X ${method}`);
  parts.push(quoted(origin + addressOf(call)));
  const headers = Object.entries(headersOf(call)).map(([name, value]) => `${name}: ${value}`);
  for (const header of headers) parts.push(`-H ${quoted(header)}`);
  if (token.value !== null) parts.push('-H "Authorization: Bearer $TOKEN"');
  const body = bodyOf(call);
  if (body !== null) parts.push(`-d ${quoted(body)}`);
  return parts.join(" ");
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
