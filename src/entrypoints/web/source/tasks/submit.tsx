/** The panels for a new task, and for another time of one. */
import { useSignal } from "@preact/signals";
import { useEffect, useState } from "preact/hooks";
import { Attempt } from "../api/attempt";
import { rescheduleTask, submitTask } from "../api/tasks";
import { Refused } from "../api/failures";
import type { Task } from "../api/types";
import { Dialog } from "../parts/dialog";
import { Failure } from "../parts/failure";
import { Field } from "../parts/field";
import { notify } from "../parts/notices";
import { Question, useUnsaved } from "../parts/unsaved";
import { t } from "../texts";
import { exampleOf, faults, TYPES } from "./payloads";
import { load, put, rescheduling, submitting } from "./state";
import { errorsByField, timeOf, useWhen, WhenFields } from "./when";

const EXAMPLES = ["", "{}", ...TYPES.map(exampleOf)];

export function Submit() {
  const type = useSignal("echo");
  const payload = useSignal(exampleOf("echo"));
  const errors = useSignal<Record<string, string[]>>({});
  const failure = useSignal<unknown>(null);
  const when = useWhen();
  const busy = useSignal(false);
  const [attempt] = useState(() => new Attempt());
  const wrong = faults(type.value, payload.value);
  const leave = () => void (submitting.value = false);
  const { asking, close } = useUnsaved(() => !EXAMPLES.includes(payload.value), leave);
  useEffect(() => leave, []);

  async function submit(): Promise<void> {
    if (wrong.length > 0 || busy.value) return;
    busy.value = true;
    failure.value = null;
    errors.value = {};
    // As it was typed: read and written anew, a large number would be another.
    const others = JSON.stringify({ type: type.value.trim(), ...timeOf(when) }).slice(1);
    const asked = `{"payload":${payload.value},${others}`;
    try {
      const task = await submitTask(asked, attempt.keyOf(asked));
      notify({ text: t.tasks.submitted(task.type), kind: "good" });
      leave();
      void load();
    } catch (error) {
      attempt.failed(error);
      if (error instanceof Refused && error.fields.length > 0) errors.value = errorsByField(error.fields);
      else failure.value = error;
    }
    busy.value = false;
  }
  const { type: ofType = [], delay: _, run_at: __, ...others } = errors.value;
  const ofPayload = Object.entries(others).map(([field, messages]) => `${field} ${messages.join("; ")}`);
  return (
    <Dialog side title={t.tasks.create} onClose={close}>
      <form
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          void submit();
        }}
      >
        <Field label={t.tasks.type} value={type} errors={ofType} options={TYPES} busy={busy.value} mono focus />
        {TYPES.includes(type.value) && payload.value !== exampleOf(type.value) && (
          <button type="button" class="plain" onClick={() => (payload.value = exampleOf(type.value))}>
            {t.payload.example(type.value)}
          </button>
        )}
        <Field
          label={t.tasks.payload}
          value={payload}
          errors={wrong.length > 0 ? wrong : ofPayload}
          hint={t.payload.hint}
          busy={busy.value}
          lines={9}
          mono
        />
        <WhenFields when={when} errors={errors.value} />
        {failure.value !== null && <Failure error={failure.value} />}
        <footer>
          {asking.value ? (
            <Question asking={asking} onDiscard={leave} />
          ) : (
            <>
              <button type="button" onClick={close}>
                {t.cancel}
              </button>
              <button type="submit" class="primary" disabled={wrong.length > 0 || busy.value}>
                {t.tasks.submit}
              </button>
            </>
          )}
        </footer>
      </form>
    </Dialog>
  );
}

export function Reschedule({ task }: { task: Task }) {
  const when = useWhen();
  const errors = useSignal<Record<string, string[]>>({});
  const failure = useSignal<unknown>(null);
  const close = () => (rescheduling.value = null);
  async function save(): Promise<void> {
    [errors.value, failure.value] = [{}, null];
    try {
      put(await rescheduleTask(task.id, timeOf(when)));
      notify({ text: t.tasks.rescheduled, kind: "good" });
      close();
    } catch (error) {
      if (error instanceof Refused && error.fields.length > 0) errors.value = errorsByField(error.fields);
      else failure.value = error;
    }
  }
  return (
    <Dialog title={t.tasks.reschedule} onClose={close}>
      <form
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          void save();
        }}
      >
        <WhenFields when={when} errors={errors.value} />
        {failure.value !== null && <Failure error={failure.value} />}
        <footer>
          <button type="button" onClick={close}>
            {t.cancel}
          </button>
          <button type="submit" class="primary">
            {t.save}
          </button>
        </footer>
      </form>
    </Dialog>
  );
}
