/** What the view of all profiles knows; it stays while another view is shown. */
import { signal } from "@preact/signals";
import { byIds } from "../api/profiles";
import { offline } from "../api/net";
import { follow } from "../api/live";
import { token } from "../api/session";
import type { Filter } from "../api/profiles";
import { SORTS } from "../api/profiles";
import type { Change, Profile } from "../api/types";
import { amend, hrefOf, route } from "../router";
import { Rows } from "./rows";

export const rows = new Rows();
/** The row that the keyboard is on. */
export const active = signal(0);
export const selected = signal<ReadonlyMap<string, Profile>>(new Map());
/** Changes elsewhere that the list does not show yet. */
export const unseen = signal(0);
/** The panel that is open: a new profile, or one that is edited. */
export const editing = signal<Profile | "new" | null>(null);
export const importing = signal<File[] | null>(null);
/** Whether the upper end of the list is seen, where new rows may come without a jump. */
export const atTop = signal(true);

export function filterOf(params: URLSearchParams): Filter {
  const sort = SORTS.find((one) => one === params.get("sort")) ?? "-created_at";
  return { q: params.get("q") ?? "", sort };
}

export function filter(change: Partial<Filter>): void {
  const next = { ...filterOf(route.value.params), ...change };
  amend(hrefOf("profiles", "", { q: next.q, sort: next.sort === "-created_at" ? "" : next.sort }));
}

export function reload(count = false): void {
  unseen.value = 0;
  void rows.open(filterOf(route.value.params), count);
}

let begun: string | null = null;
const asked = (): string => JSON.stringify([filterOf(route.value.params), token.value]);

/** Asks for the first rows before anything is drawn. */
export function begin(): void {
  if (route.value.view !== "profiles") return;
  begun = asked();
  reload();
}

/** Reads what the view shows, unless it was asked for in advance. */
export function arrive(): void {
  const inAdvance = begun === asked();
  begun = null;
  if (!inAdvance) reload();
}

export function select(profiles: Profile[], on: boolean): void {
  const next = new Map(selected.value);
  for (const profile of profiles) {
    if (on) next.set(profile.id, profile);
    else next.delete(profile.id);
  }
  selected.value = next;
}

/** Told of what this page does itself, so that it does not wait for the feed to show it. */
export function removed(ids: string[]): void {
  const gone = new Set(ids);
  rows.drop(gone);
  selected.value = new Map([...selected.value].filter(([id]) => !gone.has(id)));
}

const GATHER = 300; // milliseconds: an import brings thousands of changes a second
const FEW = 100;
const gathered = new Map<string, Change>();
let timer: ReturnType<typeof setTimeout> | undefined;

/** Follows the feed; gives what ends it. */
export function keepFresh(): () => void {
  return follow(
    (changes) => {
      for (const change of changes) gathered.set(change.profile_id, change);
      timer ??= setTimeout(() => void settle(), GATHER);
    },
    () => {
      if (atTop.value) reload();
      else unseen.value += 1; // nobody is thrown back to the beginning
    },
  );
}

async function settle(): Promise<void> {
  const changes = [...gathered.values()];
  gathered.clear();
  timer = undefined;
  removed(changes.filter((c) => c.type === "profile.deleted").map((c) => c.profile_id));
  const others = changes.filter((c) => c.type !== "profile.deleted");
  const known = others.filter((c) => (rows.find(c.profile_id)?.version ?? Infinity) < c.version);
  const fresh = others.filter((c) => c.type !== "profile.updated" && !rows.find(c.profile_id));
  try {
    if (known.length > 0) rows.put(await byIds(known.slice(0, FEW).map((c) => c.profile_id)));
  } catch {
    if (!offline.value) unseen.value += known.length; // shown when somebody asks for it
  }
  if (fresh.length === 0) return;
  if (atTop.value && !rows.loading.value && editing.value === null) reload();
  else unseen.value += fresh.length;
}
