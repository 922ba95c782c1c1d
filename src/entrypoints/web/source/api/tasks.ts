/** The calls about tasks. */
import { ask, show, type Call } from "./ask";
import { pageOf, type Page } from "./profiles";
import type { Status, Task, TaskChanges } from "./types";

const TASKS = "/api/v1/tasks";
export const STATUSES: Status[] = ["scheduled", "queued", "running", "succeeded", "dead", "cancelled"];
const PAGE = 50;

export function listCall(status: Status | null, type: string, cursor: string | null): Call {
  return { path: TASKS, query: { limit: PAGE, status, type: type === "" ? null : type, cursor } };
}

export async function listTasks(call: Call): Promise<Page<Task>> {
  return pageOf(await show<Task[]>(call));
}

/** `text` is the new task in JSON. */
export async function submitTask(text: string, key: string): Promise<Task> {
  return (await ask<Task>({ method: "POST", path: `${TASKS}/delayed`, text, once: key })).body;
}

export async function readTask(id: string, wait = 0): Promise<Task> {
  return (await ask<Task>({ path: `${TASKS}/${id}`, query: { wait: wait || null } })).body;
}

export async function cancelTask(id: string): Promise<Task> {
  return (await ask<Task>({ method: "DELETE", path: `${TASKS}/${id}` })).body;
}

export async function rescheduleTask(id: string, json: TaskChanges): Promise<Task> {
  return (await ask<Task>({ method: "PATCH", path: `${TASKS}/${id}`, json })).body;
}

export async function retryTask(id: string): Promise<Task> {
  return (await ask<Task>({ method: "POST", path: `${TASKS}/${id}/retry` })).body;
}
