/** What the view of tasks knows, and how it keeps up. */
import { signal } from "@preact/signals";
import { followTasks } from "../api/live";
import { offline } from "../api/net";
import { onSignOut } from "../api/session";
import { listCall, listTasks, STATUSES } from "../api/tasks";
import type { Status, Task } from "../api/types";
import { FOLLOWED, Paged } from "../parts/paged";
import { route } from "../router";

/** Whether the panel for a new task is open. */
export const submitting = signal(false);
export const rescheduling = signal<Task | null>(null);
export const tasks = new Paged<Task>((cursor, abort) => {
  const { status, type } = filterOf(route.value.params);
  return listTasks({ ...listCall(status, type, cursor), abort });
});
onSignOut(() => {
  tasks.forget();
  submitting.value = false;
  rescheduling.value = null;
});

const EVERY = 2_000; // milliseconds: the feed tells how tasks end, and not how they begin
const GATHER = 500; // milliseconds: what ends together is read together

export interface TaskFilter {
  status: Status | null;
  type: string;
}

export function filterOf(params: URLSearchParams): TaskFilter {
  const status = STATUSES.find((one) => one === params.get("status")) ?? null;
  return { status, type: params.get("type") ?? "" };
}

export const load = (): Promise<void> => tasks.load();

/** Reads what is shown again and again, and as soon as a task has ended; gives what ends it. */
export function keepFresh(): () => void {
  const timer = setInterval(look, EVERY);
  let soon: ReturnType<typeof setTimeout> | undefined;
  const lookSoon = () => {
    soon ??= setTimeout(() => {
      soon = undefined;
      if (tasks.busy) lookSoon();
      else look();
    }, GATHER);
  };
  const leave = followTasks(lookSoon, look);
  return () => {
    clearInterval(timer);
    clearTimeout(soon);
    leave();
    tasks.stop();
  };
}

/** Reads it, if somebody looks at it and has not gone too far back, and nothing is on its way. */
function look(): void {
  const { rows, busy, failure } = tasks;
  const wanted = !document.hidden && rows.value.length <= FOLLOWED && !busy;
  if (wanted && !offline.value && failure.value === null) void load();
}

export function put(task: Task): void {
  tasks.rows.value = tasks.rows.value.map((one) => (one.id === task.id ? task : one));
}
