/** Two versions of a profile side by side, and the choice between them. */
import { useSignal } from "@preact/signals";
import { useEffect, useState } from "preact/hooks";
import { hasStatus, isAbort } from "../api/failures";
import { changeProfile, currentProfile } from "../api/profiles";
import type { Changes, Profile } from "../api/types";
import { Dialog } from "../parts/dialog";
import { Failure } from "../parts/failure";
import { notify } from "../parts/notices";
import { t } from "../texts";
import { draftOf, FIELDS, valuesOf, type Draft, type FieldName } from "./form";

interface Props {
  profile: Profile;
  theirs: Profile;
  mine: Draft;
  onClose: () => void;
  onStale: (newer: Profile) => void;
  onSaved: (profile: Profile) => void;
}

const LABELS: Record<FieldName, string> = {
  name: t.editor.name,
  email: t.editor.email,
  bio: t.editor.bio,
  image_urls: t.editor.urls,
};

export function Conflict({ profile, theirs, mine, onClose, onStale, onSaved }: Props) {
  const [stored, typed, begun] = [valuesOf(draftOf(theirs)), valuesOf(mine), valuesOf(draftOf(profile))];
  const differing = FIELDS.filter((field) => String(stored[field]) !== String(typed[field]));
  // What was typed is chosen at first, where something was.
  const touched = differing.filter((field) => String(typed[field]) !== String(begun[field]));
  const kept = useSignal<ReadonlySet<FieldName>>(new Set(touched));
  const failure = useSignal<unknown>(null);
  const busy = useSignal(false);
  const [gone] = useState(() => new AbortController());
  useEffect(() => () => gone.abort(), []);

  async function save(): Promise<void> {
    const chosen = differing.filter((field) => kept.value.has(field));
    if (busy.value) return;
    if (chosen.length === 0) {
      onSaved(theirs);
      return;
    }
    busy.value = true;
    failure.value = null;
    try {
      await change(Object.fromEntries(chosen.map((field) => [field, typed[field]])));
    } catch (error) {
      if (!isAbort(error)) failure.value = error;
    }
    busy.value = false;
  }

  async function change(changes: Changes): Promise<void> {
    try {
      const saved = await changeProfile(profile.id, changes, theirs.version, gone.signal);
      notify({ text: t.editor.saved(saved.name), kind: "good" });
      onSaved(saved);
    } catch (error) {
      if (!hasStatus(error, 412)) throw error;
      failure.value = error; // and what is stored now is shown beside it
      onStale(await currentProfile(profile.id));
    }
  }

  function choose(field: FieldName, own: boolean): void {
    const next = new Set(kept.value);
    if (own) next.add(field);
    else next.delete(field);
    kept.value = next;
  }

  return (
    <Dialog title={t.conflict.title} wide onClose={onClose}>
      <form
        class="conflict"
        onSubmit={(event) => {
          event.preventDefault();
          void save();
        }}
      >
        <p>{t.conflict.lead}</p>
        <div class="versions" aria-hidden="true">
          <span>{t.conflict.theirs(theirs.version)}</span>
          <span>{t.conflict.mine}</span>
        </div>
        {differing.map((field) => (
          <fieldset key={field}>
            <legend>{LABELS[field]}</legend>
            {[false, true].map((own) => (
              <label key={String(own)} class={kept.value.has(field) === own ? "chosen" : ""}>
                <input
                  type="radio"
                  name={field}
                  checked={kept.value.has(field) === own}
                  onChange={() => choose(field, own)}
                />
                <span class="only-read">{own ? t.conflict.mine : t.conflict.theirs(theirs.version)}: </span>
                <span dir="auto">{text(own ? typed[field] : stored[field])}</span>
              </label>
            ))}
          </fieldset>
        ))}
        {failure.value !== null && <Failure error={failure.value} />}
        <footer>
          <button type="button" onClick={() => onSaved(theirs)}>
            {t.conflict.theirsAll}
          </button>
          <button type="submit" class="primary" disabled={busy.value}>
            {t.conflict.save}
          </button>
        </footer>
      </form>
    </Dialog>
  );
}

function text(value: string | string[]): string {
  const shown = Array.isArray(value) ? value.join("\n") : value;
  return shown === "" ? `(${t.conflict.nothing})` : shown;
}
