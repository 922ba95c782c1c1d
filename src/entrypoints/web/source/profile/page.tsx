/** All of one profile. */
import { useSignal, useSignalEffect } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { hasStatus, isAbort } from "../api/failures";
import { follow } from "../api/live";
import { revived } from "../api/net";
import { currentProfile, readProfile, restoreProfile } from "../api/profiles";
import type { Profile } from "../api/types";
import { Avatar } from "../parts/avatar";
import { Failure } from "../parts/failure";
import { Icon } from "../parts/icon";
import { notify, notifyFailure } from "../parts/notices";
import { Time } from "../parts/time";
import { Editor } from "../profiles/editor";
import { ownUrls } from "../profiles/form";
import { remove } from "../profiles/removing";
import { go, hrefOf } from "../router";
import { t } from "../texts";
import { History } from "./history";
import { Images } from "./images";
import { PersonTools } from "./person";

export function ProfilePage({ id }: { id: string }) {
  const profile = useSignal<Profile | null>(null);
  const failure = useSignal<unknown>(null);
  const deleted = useSignal(false);
  const editing = useSignal(false);
  const heading = useRef<HTMLHeadingElement>(null);

  useEffect(() => {
    const abort = new AbortController();
    readProfile(id, abort.signal).then(
      (reading) => {
        const first = profile.value === null;
        profile.value = reading.profile;
        [failure.value, deleted.value] = [null, false];
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
      profile.value = await currentProfile(id);
      [failure.value, deleted.value] = [null, false];
    } catch (error) {
      deleted.value = hasStatus(error, 404);
      failure.value = error;
    }
  }
  useSignalEffect(() =>
    follow(
      (changes) => {
        const mine = changes.findLast((change) => change.profile_id === id);
        if (mine?.type === "profile.deleted") deleted.value = true;
        else if (mine && mine.version > (profile.peek()?.version ?? 0)) void refresh();
      },
      () => void refresh(),
    ),
  );

  async function bringBack(): Promise<void> {
    try {
      profile.value = await restoreProfile(id);
      [failure.value, deleted.value] = [null, false];
      notify({ text: t.list.restored(profile.value.name), kind: "good" });
    } catch (error) {
      notifyFailure(error);
    }
  }

  const shown = profile.value;
  return (
    <section class="view profile">
      <a class="back" href={hrefOf("profiles")}>
        <Icon name="back" /> {t.views.profiles}
      </a>
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
              <button
                type="button"
                disabled={deleted.value}
                onClick={() =>
                  void remove(shown).then((gone) => {
                    if (gone) go(hrefOf("profiles"));
                  })
                }
              >
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
            <PersonTools profile={shown} />
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
          onOptimistic={(next) => (profile.value = next)}
          onSaved={(saved) => {
            profile.value = saved;
            editing.value = false;
          }}
        />
      )}
    </section>
  );
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
