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
const GATHER = 500; // milliseconds: what ends together is read together
let abort = new AbortController();
let underWay = 0;

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
  underWay += 1;
  try {
    const page = await listTasks({ ...listCall(status, type, null), abort: abort.signal });
    tasks.value = page.rows;
    next.value = page.next;
    failure.value = null;
  } catch (error) {
    if (isAbort(error)) return;
    failure.value = error;
  } finally {
    underWay -= 1;
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
  const lookSoon = () => {
    soon ??= setTimeout(() => {
      soon = undefined;
      if (underWay > 0) lookSoon();
      else look();
    }, GATHER);
  };
  const leave = followTasks(lookSoon, look);
  return () => {
    clearInterval(timer);
    clearTimeout(soon);
    leave();
  };
}

/** Reads it, if somebody looks at it and has not gone further, and nothing is on its way. */
function look(): void {
  const further = tasks.value.length > 50;
  const wanted = !document.hidden && !further && underWay === 0;
  if (wanted && !offline.value && failure.value === null) void load();
}

export function put(task: Task): void {
  tasks.value = tasks.value.map((one) => (one.id === task.id ? task : one));
}
