/** The words of the API, from its own document; an open object is a record of anything. */
import type { components } from "./schema";

type Schemas = components["schemas"];
type Open<T, K extends keyof T> = Omit<T, K> & Record<K, Record<string, unknown>>;

export type Profile = Schemas["ProfileBody"];
export type NewProfile = Schemas["NewProfile"];
export type Changes = Schemas["ProfileChanges"];
export type Reading = Schemas["ProfileReading"];
export type Image = Schemas["ImageBody"];
export type Change = Open<Schemas["EventBody"], "data">;
/** How a task ended, as the feed tells of it: a stream has no schema. */
export interface Ending {
  task_id: string;
  type: "task.succeeded" | "task.dead";
  task_type: string;
  at: string;
}
export type Task = Open<Schemas["TaskBody"], "payload">;
export type TaskChanges = Schemas["TaskChanges"];
export type Status = Schemas["Status"];
export type Sort = Schemas["Sort"];
export type Health = Schemas["Health"];
export type Problem = Schemas["Problem"];
export type FieldProblem = Schemas["FieldProblem"];
export type BatchResult = Schemas["BatchResult"];
