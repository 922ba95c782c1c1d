import { expect, it } from "vitest";
import { signIn, signOut } from "../source/api/session";
import type { Task } from "../source/api/types";
import { rescheduling, submitting, tasks } from "../source/tasks/state";

it("leaves no tasks to whoever signs in next", () => {
  const task = { id: "1" } as Task;
  signIn("somebody", false);
  tasks.rows.value = [task];
  tasks.failure.value = new Error("theirs");
  rescheduling.value = task;
  submitting.value = true;
  signOut("Revoked.");
  expect(tasks.rows.value).toEqual([]);
  expect([tasks.failure.value, rescheduling.value, submitting.value]).toEqual([null, null, false]);
});
