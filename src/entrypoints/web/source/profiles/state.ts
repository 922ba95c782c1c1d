/** What the view of all profiles knows; it stays while another view is shown. */
import { effect, signal, untracked } from "@preact/signals";
import { byIds } from "../api/profiles";
import { offline, revived } from "../api/net";
import { follow, live } from "../api/live";
import { onSignOut, token } from "../api/session";
import type { Filter } from "../api/profiles";
import { SORTS } from "../api/profiles";
import type { Change, Profile } from "../api/types";
import { notify } from "../parts/notices";
import { amend, hrefOf, route } from "../router";
import { t } from "../texts";
import { Rows } from "./rows";

export interface Place {
  index: number;
  id: string | null;
}

export const rows = new Rows();
/** The row that the keyboard is on, and whose it is; null once they are gone from there. */
export const active = signal<Place>({ index: 0, id: null });
/** The row from which Shift selects. */
export const anchor = signal<Place>({ index: 0, id: null });
export const selected = signal<ReadonlyMap<string, Profile>>(new Map());
/** Changes elsewhere that the list does not show yet. */
export const unseen = signal(0);
/** The panel that is open: a new profile, or one that is edited. */
export const editing = signal<Profile | "new" | null>(null);
export const importing = signal<File[] | null>(null);
/** Which rows are drawn, and how far down one is. */
export const view = signal({ first: 0, shown: 0, height: 0 });
export const scroll = { top: 0 };
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

export const placeOf = (index: number): Place => ({ index, id: rows.at(index)?.id ?? null });

/** Both stay with whom they are on, wherever that is in the list now. */
effect(() => {
  void rows.version.value;
  untracked(hold);
});

function hold(): void {
  for (const place of [active, anchor]) {
    const { index, id } = place.value;
    const there = rows.at(index)?.id ?? (index < rows.length.value ? id : null); // or it is not held now
    if (id === null || there === id) continue;
    const now = rows.indexOf(id);
    const last = Math.max(0, rows.length.value - 1);
    place.value = now < 0 ? { index: Math.min(index, last), id: null } : { index: now, id };
  }
}

/** What the rows are of; null where they lack something that nobody has told of. */
let read: string | null = null;
const asked = (): string => JSON.stringify([filterOf(route.value.params), token.value]);

export function reload(count = false): void {
  read = null;
  if (route.value.view !== "profiles") return; // it is read when somebody comes to it
  read = asked();
  unseen.value = 0;
  void rows.open(filterOf(route.value.params), count);
}

/** Reads what the view shows, unless that is on its way, or is kept fresh by the feed, now or soon. */
export function arrive(): void {
  const fresh = live.value !== "off" && rows.failure.value === null;
  if (read !== asked() || !(rows.loading.value || fresh)) reload();
}

export function select(profiles: Profile[], on: boolean): void {
  const next = new Map(selected.value);
  for (const profile of profiles) {
    if (on) next.set(profile.id, profile);
    else next.delete(profile.id);
  }
  selected.value = next;
}

/** All from the row that was chosen before to this one, as far as they are held. */
export function selectTo(index: number): void {
  const [from, to] = [anchor.value.index, index].sort((a, b) => a - b) as [number, number];
  const between = Array.from({ length: to - from + 1 }, (_, n) => rows.at(from + n));
  const held = between.filter((profile) => profile !== null);
  select(held, true);
  const missing = between.length - held.length;
  if (missing > 0) notify({ text: t.list.notHeld(missing), kind: "bad" });
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

/** Follows the feed, also while another view is shown, so that one comes back to where one was. */
export function keepFresh(): () => void {
  const leave = follow(
    (changes) => {
      changes.forEach(gather);
      timer ??= setTimeout(() => void settle(), GATHER);
    },
    () => {
      if (atTop.value) reload();
      else unseen.value += 1; // nobody is thrown back to the beginning
    },
  );
  // The feed tells what was missed; only who is at the beginning need not wait for it.
  const end = revived.subscribe((times) => {
    if (times > 0 && (atTop.value || rows.failure.value !== null)) reload();
  });
  return () => {
    leave();
    end();
    drain();
  };
}

function gather(change: Change): void {
  const { type } = gathered.get(change.profile_id) ?? change;
  // Whoever is new, and is changed at once, is new all the same.
  gathered.set(change.profile_id, change.type === "profile.updated" ? { ...change, type } : change);
}

function drain(): Change[] {
  const changes = [...gathered.values()];
  gathered.clear();
  clearTimeout(timer);
  timer = undefined;
  return changes;
}

async function settle(): Promise<void> {
  const changes = drain();
  removed(changes.filter((c) => c.type === "profile.deleted").map((c) => c.profile_id));
  const others = changes.filter((c) => c.type !== "profile.deleted");
  const known = others.filter((c) => (rows.find(c.profile_id)?.version ?? Infinity) < c.version);
  const fresh = others.filter((c) => c.type !== "profile.updated" && !rows.find(c.profile_id));
  for (let start = 0; start < known.length; start += FEW) {
    const some = known.slice(start, start + FEW);
    try {
      rows.put(await byIds(some.map((c) => c.profile_id)));
    } catch {
      if (!offline.value) unseen.value += some.length; // shown when somebody asks for it
    }
  }
  if (fresh.length === 0) return;
  if (atTop.value && !rows.loading.value && editing.value === null) reload();
  else unseen.value += fresh.length;
}

onSignOut(() => {
  read = null;
  drain();
  rows.forget();
  [selected.value, unseen.value, editing.value, importing.value] = [new Map(), 0, null, null];
  active.value = anchor.value = placeOf(0);
});
