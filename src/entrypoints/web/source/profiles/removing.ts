/** Deleting, and taking it back. */
import { hasStatus } from "../api/failures";
import { deleteProfile, restoreProfile, sendBatch } from "../api/profiles";
import type { Profile } from "../api/types";
import { notify, notifyFailure } from "../parts/notices";
import { t } from "../texts";
import { live } from "../api/live";
import { atTop, reload, removed, rows } from "./state";

const AT_ONCE = 500;
const SIDE_BY_SIDE = 4;

const leaving = new Set<string>(); // whose deletion is on its way

export async function remove(profile: Profile): Promise<boolean> {
  if (leaving.has(profile.id)) return false;
  leaving.add(profile.id);
  try {
    await deleteProfile(profile.id, profile.version);
  } catch (error) {
    if (hasStatus(error, 404)) {
      removed([profile.id]);
      notify({ text: `${profile.name} ${t.list.gone}` });
      return true;
    }
    notifyFailure(error);
    return false;
  } finally {
    leaving.delete(profile.id);
  }
  removed([profile.id]);
  notify({
    text: t.list.deletedOne(profile.name),
    action: { label: t.list.undo, run: () => void restore([profile]) },
  });
  return true;
}

export async function removeMany(chosen: Profile[]): Promise<void> {
  const asTheyAre = chosen.map((profile) => rows.find(profile.id) ?? profile);
  const profiles = asTheyAre.filter((profile) => !leaving.has(profile.id));
  profiles.forEach((profile) => leaving.add(profile.id));
  const gone: Profile[] = [];
  const reasons: string[] = [];
  try {
    for (let start = 0; start < profiles.length; start += AT_ONCE) {
      const part = profiles.slice(start, start + AT_ONCE);
      const results = await sendBatch({ delete: part.map(({ id, version }) => ({ id, version })) });
      for (const result of results) {
        const profile = part[result.index];
        if (profile && result.status === 204) gone.push(profile);
        else if (profile && result.status === 404) removed([profile.id]);
        else if (profile) reasons.push(result.problem?.detail ?? "");
      }
    }
  } catch (error) {
    notifyFailure(error);
  }
  profiles.forEach((profile) => leaving.delete(profile.id));
  removed(gone.map((profile) => profile.id));
  const [why] = reasons;
  if (why !== undefined) notify({ text: t.list.kept(reasons.length, why), kind: "bad" });
  if (gone.length === 0) return;
  notify({
    text: t.list.deleted(gone.length),
    action: { label: t.list.undo, run: () => void restore(gone) },
  });
}

/** Gives those that are back. */
export async function restore(profiles: Profile[]): Promise<Profile[]> {
  const waiting = [...profiles];
  const back: Profile[] = [];
  const failures: unknown[] = [];
  async function work(): Promise<void> {
    for (let next = waiting.pop(); next; next = waiting.pop()) {
      try {
        back.push(await restoreProfile(next.id));
      } catch (error) {
        failures.push(error);
      }
    }
  }
  await Promise.all(Array.from({ length: SIDE_BY_SIDE }, work));
  if (failures.length > 0) notifyFailure(failures[0]);
  const [first] = back;
  if (first !== undefined) {
    const one = back.length === 1;
    notify({ text: one ? t.list.restored(first.name) : t.list.restoredMany(back.length), kind: "good" });
    if (atTop.value || live.value !== "live") reload(); // else the feed tells of them
  }
  return back;
}
