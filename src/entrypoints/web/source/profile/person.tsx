/** All that is held on a person: to give it to them, or to forget it. */
import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { ask } from "../api/ask";
import { erasePerson, pathOf } from "../api/profiles";
import { readTask } from "../api/tasks";
import type { Profile, Task } from "../api/types";
import { Confirm } from "../parts/confirm";
import { Icon } from "../parts/icon";
import { notifyFailure } from "../parts/notices";
import { save } from "../profiles/exporting";
import { t } from "../texts";

const PATIENCE = 20; // seconds that a call waits for the end of the task

interface Props {
  profile: Profile;
  onErased: (task: Task) => void;
}

export function PersonTools({ profile, onErased }: Props) {
  const asking = useSignal(false);
  const task = useSignal<Task | null>(null);
  const here = useRef(true);
  useEffect(() => () => void (here.current = false), []);

  async function give(): Promise<void> {
    try {
      const answer = await ask<string>({ path: `${pathOf(profile.id)}/export`, as: "text" });
      save(new Blob([answer.body], { type: "application/json" }), `profile-${profile.id}.json`);
    } catch (error) {
      notifyFailure(error);
    }
  }
  async function forget(): Promise<void> {
    asking.value = false;
    try {
      task.value = await erasePerson(profile.id);
      for (let tries = 0; here.current && tries < 10 && !ended(task.value); tries += 1)
        task.value = await readTask(task.value.id, PATIENCE);
      if (here.current && task.value.status === "succeeded") onErased(task.value);
    } catch (error) {
      if (here.current) notifyFailure(error);
    }
  }
  return (
    <section class="person" aria-labelledby="person">
      <h2 id="person">{t.person.title}</h2>
      <p>{t.person.lead}</p>
      <div class="actions">
        <button type="button" onClick={() => void give()}>
          <Icon name="download" /> {t.person.export}
        </button>
        <button type="button" class="danger" onClick={() => (asking.value = true)}>
          <Icon name="trash" /> {t.person.erase}
        </button>
      </div>
      {task.value && <Receipt task={task.value} />}
      {asking.value && (
        <Confirm
          title={t.person.erase}
          text={t.person.warning(profile.name)}
          word={profile.email}
          action={t.person.yes}
          onYes={() => void forget()}
          onClose={() => (asking.value = false)}
        />
      )}
    </section>
  );
}

const ended = (task: Task): boolean => ["succeeded", "dead", "cancelled"].includes(task.status);

function told(task: Task): string {
  if (task.status === "succeeded") return t.person.erased;
  return ended(task) ? t.person.kept : t.person.erasing;
}

export function Receipt({ task }: { task: Task }) {
  return (
    <div class="receipt" role="status">
      <p>
        <b>{told(task)}</b>{" "}
        <span class={`badge ${task.status}`}>{t.tasks.statuses[task.status]}</span>
      </p>
      {task.result !== null && <pre tabIndex={0}>{JSON.stringify(task.result, null, 2)}</pre>}
      {task.error !== null && <p class="error">{task.error}</p>}
    </div>
  );
}
