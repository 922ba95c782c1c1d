/** The panel in which a profile is made, or changed. */
import { useSignal, useSignalEffect, type Signal } from "@preact/signals";
import { useEffect, useRef, useState } from "preact/hooks";
import { Attempt } from "../api/attempt";
import { hasStatus, isAbort, isUndone, Refused } from "../api/failures";
import { follow } from "../api/live";
import { changeProfile, createProfile, currentProfile } from "../api/profiles";
import type { Change, Profile } from "../api/types";
import { Dialog } from "../parts/dialog";
import { Failure } from "../parts/failure";
import { Field } from "../parts/field";
import { notify } from "../parts/notices";
import { Question, useUnsaved } from "../parts/unsaved";
import { t } from "../texts";
import { Conflict } from "./conflict";
import { changesOf, draftOf, EMPTY, messages, standing, valuesOf, type Draft } from "./form";
import { restore } from "./removing";

interface Props {
  profile: Profile | null;
  onClose: () => void;
  /** Shows it as it will be, before the service has answered, and as it is where that was refused. */
  onOptimistic?: (profile: Profile) => void;
  onSaved: (profile: Profile) => void;
}

type Elsewhere = "changed" | "deleted" | null;

export function Editor({ profile: given, onClose, onOptimistic, onSaved }: Props) {
  // What was read when it was opened: a newer one that comes in meanwhile is not what was edited.
  const profile = useRef(given).current;
  const begun = useRef(profile ? draftOf(profile) : EMPTY).current;
  const fields = {
    name: useSignal(begun.name),
    email: useSignal(begun.email),
    bio: useSignal(begun.bio),
    urls: useSignal(begun.urls),
  };
  const wrong = useSignal<Record<string, string[]>>({});
  const failure = useSignal<unknown>(null);
  const busy = useSignal(false);
  const sent = useSignal<Draft | null>(null); // a change to which there was no answer: it may be stored
  const elsewhere = useElsewhere(profile);
  const theirs = useSignal<Profile | null>(null);
  const [attempt] = useState(() => new Attempt());
  const [gone] = useState(() => new AbortController()); // who closes the panel wants nothing of it

  const draft = (): Draft => ({
    name: fields.name.value,
    email: fields.email.value,
    bio: fields.bio.value,
    urls: fields.urls.value,
  });
  const dirty = (): boolean => Object.keys(changesOf(draft(), begun)).length > 0;

  const { asking, close } = useUnsaved(dirty, onClose);
  useEffect(() => () => gone.abort(), []);

  async function save(): Promise<void> {
    if (busy.value) return;
    busy.value = true;
    wrong.value = {};
    failure.value = null;
    if (profile === null) await tried(() => created(draft()));
    else if (dirty()) await tried(() => changed(profile));
    else onClose();
    busy.value = false;
  }

  async function tried(act: () => Promise<Profile>): Promise<void> {
    try {
      onSaved(await act());
    } catch (error) {
      if (profile) onOptimistic?.(profile);
      if (!isAbort(error)) await refused(error);
    }
  }

  async function created(values: Draft): Promise<Profile> {
    const profile = valuesOf(values);
    const made = await createProfile(profile, attempt.keyOf(profile), gone.signal);
    notify({ text: t.editor.created(made.name), kind: "good" });
    return made;
  }

  async function changed(before: Profile): Promise<Profile> {
    const values = draft();
    const changes = changesOf(values, draftOf(before));
    const { image_urls: _, ...shown } = changes;
    onOptimistic?.({ ...before, ...shown });
    try {
      return told(await changeProfile(before.id, changes, before.version, gone.signal));
    } catch (error) {
      if (!isUndone(error)) sent.value = values;
      throw error;
    }
  }

  function told(saved: Profile): Profile {
    notify({ text: t.editor.saved(saved.name), kind: "good" });
    return saved;
  }

  async function differs(before: Profile, begun: Draft): Promise<void> {
    let stored: Profile;
    try {
      stored = await currentProfile(before.id);
    } catch (problem) {
      if (hasStatus(problem, 404)) elsewhere.value = "deleted";
      else failure.value = problem;
      return;
    }
    const now = standing(stored, draft(), [begun, sent.value]);
    sent.value = null;
    onOptimistic?.(stored);
    if (now === "saved") onSaved(told(stored));
    else if (now === "own") await tried(() => changed(stored));
    else theirs.value = stored;
  }

  async function refused(error: unknown): Promise<void> {
    if (profile && hasStatus(error, 412)) {
      await differs(profile, begun);
    } else if (profile && hasStatus(error, 404)) {
      elsewhere.value = "deleted";
    } else if (hasStatus(error, 409) && error.code === "email_taken") {
      wrong.value = { email: [error.message] };
    } else if (error instanceof Refused && error.fields.length > 0) {
      wrong.value = messages(error.fields);
    } else {
      failure.value = error;
    }
    attempt.failed(error);
    focusWrong();
  }

  // Saving tells whose change it was.
  const perhapsOwn = elsewhere.value === "changed" && (busy.value || sent.value !== null);
  if (profile && theirs.value)
    return (
      <Conflict
        profile={profile}
        theirs={theirs.value}
        mine={draft()}
        onClose={() => (theirs.value = null)}
        onStale={(newer) => (theirs.value = newer)}
        onSaved={onSaved}
      />
    );
  return (
    <Dialog side title={profile ? profile.name : t.editor.create} onClose={close}>
      <form
        id="editor"
        noValidate
        aria-busy={busy.value}
        onSubmit={(event) => {
          event.preventDefault();
          void save();
        }}
        onKeyDown={(event) => {
          if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) void save();
        }}
      >
        {!perhapsOwn && <Told elsewhere={elsewhere} profile={profile} />}
        <Field label={t.editor.name} value={fields.name} errors={wrong.value.name} busy={busy.value} focus />
        <Field
          label={t.editor.email}
          value={fields.email}
          errors={wrong.value.email}
          busy={busy.value}
          type="email"
          autocomplete="email"
        />
        <Field label={t.editor.bio} value={fields.bio} errors={wrong.value.bio} busy={busy.value} lines={6} />
        <Field
          label={t.editor.urls}
          hint={t.editor.urlsHint}
          value={fields.urls}
          errors={wrong.value.image_urls}
          busy={busy.value}
          lines={2}
          mono
        />
        {wrong.value[""] && <p class="error">{wrong.value[""].join("; ")}</p>}
        {failure.value !== null && <Failure error={failure.value} />}
        <footer>
          {asking.value ? (
            <Question asking={asking} onDiscard={onClose} />
          ) : (
            <>
              <button type="button" onClick={close}>
                {t.cancel}
              </button>
              <button type="submit" class="primary" disabled={busy.value}>
                {t.save}
              </button>
            </>
          )}
        </footer>
      </form>
    </Dialog>
  );
}

function focusWrong(): void {
  requestAnimationFrame(() =>
    document.querySelector<HTMLElement>('#editor [aria-invalid="true"]')?.focus(),
  );
}

function become({ type }: Change): Elsewhere {
  if (type === "profile.restored") return null; // as it was
  return type === "profile.deleted" ? "deleted" : "changed";
}

/** What becomes of the profile while it is open here. */
function useElsewhere(profile: Profile | null): Signal<Elsewhere> {
  const elsewhere = useSignal<Elsewhere>(null);
  useSignalEffect(() =>
    follow(
      (changes) => {
        for (const change of changes) {
          if (change.profile_id !== profile?.id || change.version <= profile.version) continue;
          elsewhere.value = become(change);
        }
      },
      () => undefined,
    ),
  );
  return elsewhere;
}

interface ToldProps {
  elsewhere: Signal<Elsewhere>;
  profile: Profile | null;
}

function Told({ elsewhere, profile }: ToldProps) {
  if (elsewhere.value === null || profile === null) return null;
  const deleted = elsewhere.value === "deleted";
  async function bringBack(of: Profile): Promise<void> {
    if ((await restore([of])).length > 0) elsewhere.value = null;
  }
  return (
    <div class={`banner ${deleted ? "bad" : "warn"}`} role="alert">
      <p>{deleted ? t.editor.deleted : t.editor.changed}</p>
      {deleted && (
        <button type="button" onClick={() => void bringBack(profile)}>
          {t.editor.restore}
        </button>
      )}
    </div>
  );
}
