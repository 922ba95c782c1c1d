/** One task in the table, and its details where they are asked for. */
import { useSignal } from "@preact/signals";
import { cancelTask, retryTask } from "../api/tasks";
import type { Status, Task } from "../api/types";
import { exactly } from "../format";
import { notifyFailure } from "../parts/notices";
import { Progress } from "../parts/progress";
import { Time } from "../parts/time";
import { t } from "../texts";
import { load, put, rescheduling } from "./state";

const WAITING: Status[] = ["scheduled", "queued"];

export function TaskRow({ task }: { task: Task }) {
  const open = useSignal(false);
  const details = `task-${task.id}`;
  return (
    <>
      <tr class={open.value ? "open" : ""}>
        <td>
          <button
            type="button"
            class="plain disclose"
            aria-expanded={open.value}
            aria-controls={open.value ? details : undefined}
            onClick={() => (open.value = !open.value)}
          >
            <code>{task.type}</code>
          </button>
        </td>
        <td>
          <span class={`badge ${task.status}`}>
            {task.cancelling ? t.tasks.cancelling : t.tasks.statuses[task.status]}
          </span>
          {task.status === "running" && (
            <Progress share={task.progress} label={t.tasks.progress(task.type)} />
          )}
        </td>
        <td class="number">
          {task.attempt} / {task.max_attempts}
        </td>
        <td class="run">
          <Time at={task.run_at} />
        </td>
        <td class="created">
          <Time at={task.created_at} />
        </td>
        <td class="actions">
          <Actions task={task} />
        </td>
      </tr>
      {open.value && (
        <tr class="details" id={details}>
          <td colSpan={6}>
            <Details task={task} />
          </td>
        </tr>
      )}
    </>
  );
}

function Actions({ task }: { task: Task }) {
  async function does(button: HTMLElement, work: Promise<Task>): Promise<void> {
    button.closest("tr")?.querySelector<HTMLElement>(".disclose")?.focus(); // which stays, unlike the button
    try {
      put(await work);
    } catch (error) {
      notifyFailure(error);
      void load();
    }
  }
  const running = task.status === "running" && !task.cancelling;
  return (
    <>
      {WAITING.includes(task.status) && (
        <button type="button" class="plain" onClick={() => (rescheduling.value = task)}>
          {t.tasks.reschedule}
        </button>
      )}
      {(WAITING.includes(task.status) || running) && (
        <button type="button" class="plain" onClick={(event) => void does(event.currentTarget, cancelTask(task.id))}>
          {t.cancel}
        </button>
      )}
      {task.status === "dead" && (
        <button type="button" class="plain" onClick={(event) => void does(event.currentTarget, retryTask(task.id))}>
          {t.tasks.retry}
        </button>
      )}
    </>
  );
}

function Details({ task }: { task: Task }) {
  return (
    <div class="detail">
      <dl class="facts">
        <div>
          <dt>{t.page.id}</dt>
          <dd>
            <code>{task.id}</code>
          </dd>
        </div>
        <div>
          <dt>{t.tasks.columns.run}</dt>
          <dd>{exactly(task.run_at)}</dd>
        </div>
        <div>
          <dt>{t.tasks.columns.attempt}</dt>
          <dd>
            {task.attempt} / {task.max_attempts}
          </dd>
        </div>
        <div>
          <dt>{t.tasks.priority}</dt>
          <dd>{task.priority}</dd>
        </div>
        {task.unique_key !== null && (
          <div>
            <dt>{t.tasks.key}</dt>
            <dd dir="auto">{task.unique_key}</dd>
          </div>
        )}
      </dl>
      <h2>{t.tasks.payload}</h2>
      <pre tabIndex={0} aria-label={t.tasks.payload}>
        {JSON.stringify(task.payload, null, 2)}
      </pre>
      {task.result !== null && (
        <>
          <h2>{t.tasks.result}</h2>
          <pre tabIndex={0} aria-label={t.tasks.result}>
            {JSON.stringify(task.result, null, 2)}
          </pre>
        </>
      )}
      {task.errors.length > 0 && (
        <>
          <h2>{t.tasks.errors}</h2>
          <ol class="attempts">
            {task.errors.map((failure) => (
              <li key={`${failure.attempt}-${failure.at}`}>
                <span class="hint">
                  {t.tasks.attempt(failure.attempt)} · <Time at={failure.at} />
                </span>
                <p class="error" dir="auto">
                  {failure.error}
                </p>
              </li>
            ))}
          </ol>
        </>
      )}
    </div>
  );
}
