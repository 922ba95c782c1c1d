/** The dialog of an import: a file, how far it is, and what was not taken. */
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { signedOut } from "../api/session";
import { Dialog } from "../parts/dialog";
import { Failure } from "../parts/failure";
import { Icon } from "../parts/icon";
import { notify } from "../parts/notices";
import { Progress } from "../parts/progress";
import { route } from "../router";
import { t } from "../texts";
import { save } from "./exporting";
import { Import } from "./importing";
import { importing, reload } from "./state";

const SHOWN = 5;

const close = () => (importing.value = null);

export function Importer() {
  const current = useSignal<Import | null>(null);
  useEffect(() => {
    if (importing.value) begin(importing.value);
    return () => {
      current.value?.stop();
      close();
    };
  }, []);

  function begin([file, ...others]: File[]): void {
    if (file === undefined) return;
    if (others.length > 0) notify({ text: t.transfer.oneOnly(file.name), kind: "bad" });
    current.value = new Import(file);
    void current.value.run().then(showMade);
  }

  function showMade(): void {
    if (route.value.view === "profiles" && signedOut.value === null) reload();
  }

  return (
    <Dialog title={t.transfer.title} onClose={close}>
      {current.value ? <Run current={current.value} onClose={close} /> : <Choose onFiles={begin} />}
    </Dialog>
  );
}

function Choose({ onFiles }: { onFiles: (files: File[]) => void }) {
  return (
    <div
      class="body"
      onDragOver={(event) => event.preventDefault()}
      onDrop={(event) => {
        event.preventDefault();
        event.stopPropagation();
        onFiles([...(event.dataTransfer?.files ?? [])]);
      }}
    >
      <p>{t.transfer.lead}</p>
      <label class="drop">
        <Icon name="upload" />
        <span>
          <b>{t.transfer.choose}</b> {t.transfer.drop}
        </span>
        <input
          type="file"
          accept=".csv,.ndjson,.jsonl,text/csv,application/x-ndjson"
          onChange={(event) => {
            onFiles([...(event.currentTarget.files ?? [])]);
          }}
        />
      </label>
    </div>
  );
}

function Run({ current, onClose }: { current: Import; onClose: () => void }) {
  const { state, share, created, rejects, rejected, failure } = current;
  const running = state.value === "running";
  return (
    <div class="body">
      <p>
        <b dir="auto">{current.file.name}</b>
      </p>
      <Progress share={running ? share.value : 1} label={t.transfer.progress} />
      <p role="status">
        {!running && `${state.value === "done" ? t.transfer.done : t.transfer.stopped}: `}
        {t.transfer.sum(created.value, rejected.value)}
      </p>
      {failure.value !== null && <Failure error={failure.value} />}
      {rejected.value > 0 && (
        <ol class="rejects">
          {rejects.slice(0, SHOWN).map((reject) => (
            <li key={reject.line} value={reject.line} dir="auto">
              {reject.reason}
            </li>
          ))}
        </ol>
      )}
      <footer>
        {rejected.value > 0 && !running && (
          <button type="button" onClick={() => saveRejects(current)}>
            <Icon name="download" /> {t.transfer.rejects}
          </button>
        )}
        <button
          ref={takeFocus}
          type="button"
          class={running ? "" : "primary"}
          onClick={running ? () => current.stop() : onClose}
        >
          {running ? t.cancel : t.close}
        </button>
      </footer>
    </div>
  );
}

/** Where the file was chosen there is nothing left to have it. */
function takeFocus(button: HTMLButtonElement | null): void {
  button?.focus();
}

function saveRejects(current: Import): void {
  const lines = current.rejects.map((reject) => `${JSON.stringify(reject)}\n`);
  save(new Blob(lines, { type: "application/x-ndjson" }), `${current.file.name}.rejects.ndjson`);
}
