/** What the view of tasks knows, and how it keeps up. */
import { signal } from "@preact/signals";
import { isAbort } from "../api/failures";
import { followTasks } from "../api/live";
import { offline } from "../api/net";
import { listCall, listTasks, STATUSES } from "../api/tasks";
import type { Status, Task } from "../api/types";
import { notifyFailure } from "../parts/notices";
import { route } from "../router";

/** Whether the panel for a new task is open. */
export const submitting = signal(false);
export const tasks = signal<Task[]>([]);
export const next = signal<string | null>(null);
export const loading = signal(true);
export const failure = signal<unknown>(null);
export const rescheduling = signal<Task | null>(null);

const EVERY = 2_000; // milliseconds: the feed tells how tasks end, and not how they begin
const GATHER = 200; // milliseconds: what ends together is read together
let abort = new AbortController();

export interface TaskFilter {
  status: Status | null;
  type: string;
}

export function filterOf(params: URLSearchParams): TaskFilter {
  const status = STATUSES.find((one) => one === params.get("status")) ?? null;
  return { status, type: params.get("type") ?? "" };
}

export async function load(): Promise<void> {
  abort.abort();
  abort = new AbortController();
  const { status, type } = filterOf(route.value.params);
  try {
    const page = await listTasks({ ...listCall(status, type, null), abort: abort.signal });
    tasks.value = page.rows;
    next.value = page.next;
    failure.value = null;
  } catch (error) {
    if (isAbort(error)) return;
    failure.value = error;
  }
  loading.value = false;
}

export async function more(): Promise<void> {
  const { status, type } = filterOf(route.value.params);
  try {
    const page = await listTasks(listCall(status, type, next.value));
    tasks.value = [...tasks.value, ...page.rows];
    next.value = page.next;
  } catch (error) {
    notifyFailure(error);
  }
}

/** Reads the first page again and again, and as soon as a task has ended; gives what ends it. */
export function keepFresh(): () => void {
  const timer = setInterval(look, EVERY);
  let soon: ReturnType<typeof setTimeout> | undefined;
  const leave = followTasks(() => {
    soon ??= setTimeout(() => {
      soon = undefined;
      look();
    }, GATHER);
  }, look);
  return () => {
    clearInterval(timer);
    clearTimeout(soon);
    leave();
  };
}

/** Reads it, if somebody looks at it and has not gone further. */
function look(): void {
  const further = tasks.value.length > 50;
  if (!document.hidden && !offline.value && !further && failure.value === null) void load();
}

export function put(task: Task): void {
  tasks.value = tasks.value.map((one) => (one.id === task.id ? task : one));
}
