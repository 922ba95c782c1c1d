/** When a task is to run: at once, after a while, or at a time. */
import { useSignal, type Signal } from "@preact/signals";
import { Field } from "../parts/field";
import { t } from "../texts";

export interface When {
  kind: Signal<"now" | "delay" | "at">;
  delay: Signal<string>;
  at: Signal<string>;
}

export function useWhen(): When {
  return { kind: useSignal<"now" | "delay" | "at">("now"), delay: useSignal("5m"), at: useSignal(soon()) };
}

/** As the API takes it. A text that is a number of seconds is sent as one. */
export function timeOf(when: When): { delay?: number | string; run_at?: string } {
  if (when.kind.value === "now") return { delay: 0 };
  const text = when.delay.value.trim();
  if (when.kind.value === "delay") return { delay: /^\d+(\.\d+)?$/.test(text) ? Number(text) : text };
  const at = new Date(when.at.value);
  return { run_at: Number.isNaN(at.getTime()) ? when.at.value : at.toISOString() };
}

/** In an hour, in the form that the browser's field takes, in the time of this place. */
function soon(): string {
  const at = new Date(Date.now() + 3_600_000);
  return new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

export function WhenFields({ when, errors }: { when: When; errors: Record<string, string[]> }) {
  return (
    <fieldset class="when">
      <legend>{t.tasks.when}</legend>
      <div class="choices">
        {(["now", "delay", "at"] as const).map((kind) => (
          <label key={kind} class={when.kind.value === kind ? "chosen" : ""}>
            <input
              type="radio"
              name="when"
              checked={when.kind.value === kind}
              onChange={() => (when.kind.value = kind)}
            />
            {t.tasks.whens[kind]}
          </label>
        ))}
      </div>
      {when.kind.value === "delay" && (
        <Field
          label={t.tasks.delay}
          hint={t.tasks.delayHint}
          value={when.delay}
          errors={errors.delay}
          mono
        />
      )}
      {when.kind.value === "at" && (
        <Field label={t.tasks.at} value={when.at} errors={errors.run_at} type="datetime-local" />
      )}
    </fieldset>
  );
}

export function errorsByField(fields: { field: string; message: string }[]): Record<string, string[]> {
  const found: Record<string, string[]> = {};
  for (const { field, message } of fields) (found[field] ??= []).push(message);
  return found;
}
