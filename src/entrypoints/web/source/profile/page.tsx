/** All of one profile. */
import { useSignal, useSignalEffect } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { hasStatus, isAbort } from "../api/failures";
import { follow } from "../api/live";
import { revived } from "../api/net";
import { currentProfile, readProfile, restoreProfile } from "../api/profiles";
import type { Profile, Task } from "../api/types";
import { Avatar } from "../parts/avatar";
import { Failure } from "../parts/failure";
import { Icon } from "../parts/icon";
import { notify, notifyFailure } from "../parts/notices";
import { Time } from "../parts/time";
import { Editor } from "../profiles/editor";
import { ownUrls } from "../profiles/form";
import { remove } from "../profiles/removing";
import { go, hrefOf, route } from "../router";
import { t } from "../texts";
import { History } from "./history";
import { Images } from "./images";
import { PersonTools, Receipt } from "./person";

export function ProfilePage({ id }: { id: string }) {
  const stored = useSignal<Profile | null>(null); // the newest that was read
  const promised = useSignal<Profile | null>(null); // as it will be, before the service has answered
  const newest = useRef(0); // the version that was read, or told to be deleted
  const failure = useSignal<unknown>(null);
  const deleted = useSignal(false);
  const editing = useSignal(false);
  const erased = useSignal<Task | null>(null);
  const heading = useRef<HTMLHeadingElement>(null);

  /** Shows it, unless it is older than what is known: an answer may be overtaken by another. */
  function take(read: Profile): void {
    failure.value = null;
    if (read.version < newest.current) return;
    newest.current = read.version;
    stored.value = read;
    deleted.value = false;
  }

  useEffect(() => {
    const abort = new AbortController();
    readProfile(id, abort.signal).then(
      (reading) => {
        const first = stored.value === null;
        take(reading.profile);
        if (first) requestAnimationFrame(() => heading.current?.focus());
      },
      (error: unknown) => {
        if (isAbort(error)) return;
        deleted.value = hasStatus(error, 404);
        failure.value = error;
      },
    );
    return () => abort.abort();
  }, [id, revived.value]);

  async function refresh(): Promise<void> {
    try {
      take(await currentProfile(id));
    } catch (error) {
      deleted.value = hasStatus(error, 404);
      failure.value = error;
    }
  }
  useSignalEffect(() =>
    follow(
      (changes) => {
        const mine = changes.findLast((change) => change.profile_id === id);
        if (mine === undefined || mine.version <= newest.current) return;
        if (mine.type !== "profile.deleted") return void refresh();
        newest.current = mine.version;
        deleted.value = true;
      },
      () => void refresh(),
    ),
  );

  async function bringBack(): Promise<void> {
    try {
      const restored = await restoreProfile(id);
      take(restored);
      notify({ text: t.list.restored(restored.name), kind: "good" });
    } catch (error) {
      notifyFailure(error);
    }
  }

  async function removeAndLeave(profile: Profile): Promise<void> {
    const gone = await remove(profile);
    if (gone && route.value.id === id) go(hrefOf("profiles"));
  }

  if (erased.value !== null)
    return (
      <section class="view profile">
        <Back />
        <h1>{t.views.profile}</h1>
        <Receipt task={erased.value} />
      </section>
    );
  const shown = newer(promised.value, stored.value);
  return (
    <section class="view profile">
      <Back />
      {deleted.value && (
        <div class="banner bad" role="alert">
          <p>{shown ? t.page.deleted : t.page.missing}</p>
          <button type="button" onClick={() => void bringBack()}>
            {t.editor.restore}
          </button>
        </div>
      )}
      {failure.value !== null && !deleted.value && (
        <Failure error={failure.value} onAgain={() => void refresh()} />
      )}
      {shown === null ? (
        <h1 class="only-read">{t.views.profile}</h1>
      ) : (
        <>
          <div class="card">
            <Avatar profile={shown} large />
            <div class="about">
              <h1 ref={heading} tabIndex={-1} dir="auto">
                {shown.name}
              </h1>
              <p class="email" dir="auto">
                {shown.email}
              </p>
              {shown.bio !== "" && (
                <p class="bio" dir="auto">
                  {shown.bio}
                </p>
              )}
              <Urls urls={ownUrls(shown)} />
            </div>
            <div class="actions">
              <button type="button" disabled={deleted.value} onClick={() => (editing.value = true)}>
                <Icon name="edit" /> {t.page.edit}
              </button>
              <button type="button" disabled={deleted.value} onClick={() => void removeAndLeave(shown)}>
                <Icon name="trash" /> {t.list.delete}
              </button>
            </div>
          </div>
          <Facts profile={shown} />
        </>
      )}
      <div class="columns">
        {shown && (
          <div>
            <Images profile={shown} locked={deleted.value} onChanged={() => void refresh()} />
            <PersonTools profile={shown} onErased={(task) => (erased.value = task)} />
          </div>
        )}
        {(shown !== null || deleted.value) && (
          <History id={id} version={deleted.value ? -1 : (shown?.version ?? 0)} />
        )}
      </div>
      {editing.value && shown && (
        <Editor
          profile={shown}
          onClose={() => (editing.value = false)}
          onOptimistic={(next) => (promised.value = next)}
          onSaved={(saved) => {
            take(saved);
            editing.value = false;
          }}
        />
      )}
    </section>
  );
}

function Back() {
  return (
    <a class="back" href={hrefOf("profiles")}>
      <Icon name="back" /> {t.views.profiles}
    </a>
  );
}

/** Where both are of one version, it is the first: nobody has stored anything else since. */
function newer(promised: Profile | null, stored: Profile | null): Profile | null {
  return promised && stored && promised.version >= stored.version ? promised : stored;
}

function Urls({ urls }: { urls: string[] }) {
  if (urls.length === 0) return null;
  return (
    <ul class="urls" aria-label={t.editor.urls}>
      {urls.map((url) => (
        <li key={url}>
          <a href={url} rel="noreferrer noopener" target="_blank" dir="ltr">
            {url}
          </a>
        </li>
      ))}
    </ul>
  );
}

function Facts({ profile }: { profile: Profile }) {
  return (
    <dl class="facts">
      <div>
        <dt>{t.page.version}</dt>
        <dd>{profile.version}</dd>
      </div>
      <div>
        <dt>{t.list.columns.created}</dt>
        <dd>
          <Time at={profile.created_at} />
        </dd>
      </div>
      <div>
        <dt>{t.list.columns.updated}</dt>
        <dd>
          <Time at={profile.updated_at} />
        </dd>
      </div>
      {profile.owner !== null && (
        <div>
          <dt>{t.page.owner}</dt>
          <dd dir="auto">{profile.owner}</dd>
        </div>
      )}
      <div>
        <dt>{t.page.id}</dt>
        <dd>
          <code>{profile.id}</code>
        </dd>
      </div>
    </dl>
  );
}
