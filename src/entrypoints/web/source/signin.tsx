/** The screen that asks for a token. */
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { signedOut, signIn } from "./api/session";
import { Field } from "./parts/field";
import { t } from "./texts";

const SENDABLE = /^[!-~]+$/; // no header takes more

export function SignIn() {
  const text = useSignal("");
  const keep = useSignal(true);
  const wrong = useSignal<string[]>([]);
  useEffect(() => document.querySelector<HTMLElement>("[data-first]")?.focus(), []);
  return (
    <main class="signin">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          const token = text.value.trim();
          if (token === "") wrong.value = [t.session.empty];
          else if (!SENDABLE.test(token)) wrong.value = [t.session.odd];
          else signIn(token, keep.value);
        }}
      >
        <h1>{t.session.title}</h1>
        <p>{t.session.lead}</p>
        {signedOut.value && (
          <p class="hint" role="status" dir="auto">
            {signedOut.value}
          </p>
        )}
        <Field
          label={t.session.token}
          value={text}
          errors={wrong.value}
          type="password"
          autocomplete="current-password"
          mono
          focus
        />
        <label class="check">
          <input type="checkbox" checked={keep.value} onChange={() => (keep.value = !keep.value)} />
          {t.session.keep}
        </label>
        <button type="submit" class="primary">
          {t.session.action}
        </button>
      </form>
    </main>
  );
}
