/** A dialog of the browser's own: it keeps the focus, and gives it back. */
import type { ComponentChildren } from "preact";
import { useId, useLayoutEffect, useRef } from "preact/hooks";
import { t } from "../texts";
import { Icon } from "./icon";

interface Props {
  title: string;
  side?: boolean;
  wide?: boolean;
  onClose: () => void;
  children: ComponentChildren;
}

export function Dialog({ title, side, wide, onClose, children }: Props) {
  const frame = useRef<HTMLDialogElement>(null);
  const name = useId();
  // Before anything else can happen: a key that is pressed meanwhile would move the focus that is
  // to be given back.
  useLayoutEffect(() => {
    const before = document.activeElement;
    const dialog = frame.current;
    dialog?.showModal();
    dialog?.querySelector<HTMLElement>("[data-first]")?.focus();
    return () => {
      dialog?.close();
      if (before instanceof HTMLElement && before.isConnected) before.focus();
    };
  }, []);
  return (
    <dialog
      ref={frame}
      class={`${side ? "drawer" : "middle"} ${wide ? "wide" : ""}`}
      aria-labelledby={name}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
    >
      <header>
        <h2 id={name} dir="auto">
          {title}
        </h2>
        <button type="button" class="plain square" aria-label={t.close} onClick={onClose}>
          <Icon name="close" />
        </button>
      </header>
      {children}
    </dialog>
  );
}
