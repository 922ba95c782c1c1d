/** A field with its label, and beside it what the service says is wrong with it. */
import type { Signal } from "@preact/signals";
import { useId } from "preact/hooks";

interface Props {
  label: string;
  value: Signal<string>;
  errors?: string[];
  hint?: string;
  lines?: number;
  type?: "text" | "email" | "password" | "datetime-local";
  mono?: boolean;
  focus?: boolean;
  /** What was typed is on its way. */
  busy?: boolean;
  options?: readonly string[];
  autocomplete?: string;
}

export function Field(props: Props) {
  const { label, value, errors = [], hint, lines, type = "text", mono, focus, options } = props;
  const id = useId();
  const wrong = errors.length > 0;
  const about = [hint && `${id}-hint`, wrong && `${id}-wrong`].filter(Boolean).join(" ");
  const shared = {
    id,
    dir: mono ? ("ltr" as const) : ("auto" as const),
    class: mono ? "mono" : "",
    value: value.value,
    readOnly: props.busy,
    "aria-invalid": wrong,
    "aria-describedby": about || undefined,
    autoComplete: props.autocomplete ?? "off",
    spellcheck: !mono,
    onInput: (event: Event) => {
      value.value = (event.currentTarget as HTMLInputElement).value;
    },
    "data-first": focus,
  };
  return (
    <div class={`field ${wrong ? "wrong" : ""}`}>
      <label for={id}>{label}</label>
      {lines ? (
        <textarea rows={lines} {...shared} />
      ) : (
        // The types of inputs tie the type to the list; here any may have one, or none.
        <input type={type as "text"} list={options && `${id}-list`} {...shared} />
      )}
      {options && (
        <datalist id={`${id}-list`}>
          {options.map((option) => (
            <option key={option} value={option} />
          ))}
        </datalist>
      )}
      {hint && (
        <p class="hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
      {wrong && (
        <p class="error" id={`${id}-wrong`} role="alert">
          {errors.join("; ")}
        </p>
      )}
    </div>
  );
}
