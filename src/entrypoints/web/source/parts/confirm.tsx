/** Asks before what cannot be undone: a word has to be typed. */
import { useSignal } from "@preact/signals";
import { t } from "../texts";
import { Dialog } from "./dialog";
import { Field } from "./field";

interface Props {
  title: string;
  text: string;
  word: string;
  action: string;
  onYes: () => void;
  onClose: () => void;
}

export function Confirm({ title, text, word, action, onYes, onClose }: Props) {
  const typed = useSignal("");
  const matches = typed.value.trim() === word;
  return (
    <Dialog title={title} onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (matches) onYes();
        }}
      >
        <p>{text}</p>
        <Field label={t.confirm.type(word)} value={typed} focus mono />
        <footer>
          <button type="button" onClick={onClose}>
            {t.cancel}
          </button>
          <button type="submit" class="danger" disabled={!matches}>
            {action}
          </button>
        </footer>
      </form>
    </Dialog>
  );
}
