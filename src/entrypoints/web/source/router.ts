/** Which view is shown. It stands after the # of the address, which is never sent anywhere. */
import { signal } from "@preact/signals";

export type View = "profiles" | "profile" | "tasks" | "system";

export interface Route {
  view: View;
  id: string;
  params: URLSearchParams;
}

const ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

export function parse(hash: string): Route {
  const [path = "", query = ""] = hash.replace(/^#\/?/, "").split("?", 2);
  const [head = "", id = ""] = path.split("/");
  const params = new URLSearchParams(query);
  if (head === "profiles" && ID.test(id)) return { view: "profile", id, params };
  if (head === "tasks" || head === "system") return { view: head, id: "", params };
  return { view: "profiles", id: "", params };
}

export const route = signal<Route>(parse(typeof location === "undefined" ? "" : location.hash));

/** Which screen it is, whatever is searched for on it. */
export function here(): string {
  const { view, id } = route.peek();
  return `${view}/${id}`;
}

export function hrefOf(view: View, id = "", params: Record<string, string> = {}): string {
  const given = Object.entries(params).filter(([, value]) => value !== "");
  const query = new URLSearchParams(given).toString();
  const path = view === "profile" ? `profiles/${id}` : view;
  return `#/${path}${query === "" ? "" : `?${query}`}`;
}

export function go(href: string): void {
  location.hash = href;
}

/** Changes the address without another step back: each letter of a search would be one. */
export function amend(href: string): void {
  if (parse(location.hash).view !== route.peek().view) return; // somebody is on the way to another view
  history.replaceState(null, "", href);
  route.value = parse(href);
}

type Guard = () => boolean;
const guards = new Set<Guard>();

/** Asked before this screen is left: true where somebody would lose what they typed. */
export function guard(loses: Guard): () => void {
  guards.add(loses);
  return () => guards.delete(loses);
}

const kept = (): boolean => [...guards].some((loses) => loses());

if (typeof window !== "undefined") {
  window.addEventListener("hashchange", ({ oldURL }) => {
    const next = parse(location.hash);
    if (`${next.view}/${next.id}` !== here() && kept()) history.pushState(null, "", oldURL);
    else route.value = next;
  });
  window.addEventListener("beforeunload", (event) => {
    if (kept()) event.preventDefault();
  });
}
