/** Asks before what was typed is lost: by closing a panel, by going elsewhere, or with the page. */
import { useSignal, type Signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { guard } from "../router";
import { t } from "../texts";

interface Unsaved {
  asking: Signal<boolean>;
  close: () => void;
}

export function useUnsaved(loses: () => boolean, onClose: () => void): Unsaved {
  const asking = useSignal(false);
  useEffect(() => guard(() => (asking.value = loses())), []);
  function close(): void {
    if (loses() && !asking.value) asking.value = true;
    else onClose();
  }
  return { asking, close };
}

/** What stands at the foot of the panel while it asks. */
export function Question({ asking, onDiscard }: { asking: Signal<boolean>; onDiscard: () => void }) {
  return (
    <>
      <p role="alert">{t.editor.unsaved}</p>
      <button type="button" onClick={() => (asking.value = false)}>
        {t.editor.stay}
      </button>
      <button type="button" class="danger" onClick={onDiscard}>
        {t.editor.discard}
      </button>
    </>
  );
}
