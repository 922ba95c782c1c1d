/** The view of all tasks. */
import { useEffect } from "preact/hooks";
import { revived } from "../api/net";
import { STATUSES } from "../api/tasks";
import { Failure } from "../parts/failure";
import { Icon } from "../parts/icon";
import { hrefOf, route } from "../router";
import { t } from "../texts";
import { filterOf, keepFresh, load, rescheduling, submitting, tasks } from "./state";
import { Reschedule, Submit } from "./submit";
import { TaskRow } from "./task";

export function TasksView() {
  const { status, type } = filterOf(route.value.params);
  const { rows, next, failure, loading, older } = tasks;
  useEffect(() => void tasks.open(), [status, type, revived.value]);
  useEffect(keepFresh, []);
  return (
    <section class="view tasks">
      <h1>{t.views.tasks}</h1>
      <div class="toolbar">
        <nav class="tabs" aria-label={t.tasks.byStatus}>
          {[null, ...STATUSES].map((one) => (
            <a
              key={one ?? "all"}
              href={hrefOf("tasks", "", { status: one ?? "", type })}
              aria-current={one === status ? "true" : undefined}
            >
              {one === null ? t.tasks.all : t.tasks.statuses[one]}
            </a>
          ))}
        </nav>
        <span class="grow" />
        <button type="button" class="primary" onClick={() => (submitting.value = true)}>
          <Icon name="plus" /> {t.tasks.create}
        </button>
      </div>
      {failure.value !== null && <Failure error={failure.value} onAgain={() => void load()} />}
      {rows.value.length > 0 ? (
        <div class="scroll" tabIndex={0} role="region" aria-label={t.tasks.table}>
          <table aria-busy={loading.value}>
            <thead>
              <tr>
                <th scope="col">{t.tasks.columns.type}</th>
                <th scope="col">{t.tasks.columns.status}</th>
                <th scope="col" class="number">
                  {t.tasks.columns.attempt}
                </th>
                <th scope="col" class="run">
                  {t.tasks.columns.run}
                </th>
                <th scope="col" class="created">
                  {t.tasks.columns.created}
                </th>
                <th scope="col">
                  <span class="only-read">{t.tasks.columns.actions}</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {rows.value.map((task) => (
                <TaskRow key={task.id} task={task} />
              ))}
            </tbody>
          </table>
          {next.value !== null && (
            <button type="button" disabled={older.value} onClick={() => void tasks.more()}>
              {t.history.older}
            </button>
          )}
        </div>
      ) : (
        !loading.value &&
        failure.value === null && (
          <div class="empty">
            <Icon name="tasks" />
            <h2>{status === null ? t.tasks.none : t.tasks.noneOf(t.tasks.statuses[status])}</h2>
            <p>{t.tasks.noneLead}</p>
          </div>
        )
      )}
      {submitting.value && <Submit />}
      {rescheduling.value && <Reschedule task={rescheduling.value} />}
    </section>
  );
}
