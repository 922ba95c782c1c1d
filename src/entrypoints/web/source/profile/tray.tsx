/** What was chosen and is not there yet: cut it, send it, stop it, or read why it was refused. */
import { useSignal, type Signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { bytes } from "../format";
import { Icon } from "../parts/icon";
import { Progress } from "../parts/progress";
import { t } from "../texts";
import { Cropper } from "./cropper";
import { draw, middle, type Upload } from "./uploading";

interface Props {
  uploads: Signal<Upload[]>;
  profile: string;
  onChanged: () => void;
}

export function Tray({ uploads, profile, onChanged }: Props) {
  const cropping = useSignal<Upload | null>(null);
  if (uploads.value.length === 0) return null;
  const ready = uploads.value.filter((one) => ["ready", "failed"].includes(one.state.value));

  function leave(upload: Upload): void {
    upload.close();
    uploads.value = uploads.value.filter((one) => one !== upload);
  }
  async function sendAll(): Promise<void> {
    const some = await Promise.all(ready.map((upload) => sendOne(upload)));
    if (some.includes(true)) onChanged();
  }
  async function sendOne(upload: Upload): Promise<boolean> {
    const there = await upload.send(profile);
    if (there) leave(upload);
    return there;
  }
  return (
    <div class="tray" role="region" aria-label={t.images.tray}>
      <ul>
        {uploads.value.map((upload) => (
          <Item
            key={upload.preview}
            upload={upload}
            onCrop={() => (cropping.value = upload)}
            onLeave={() => leave(upload)}
          />
        ))}
      </ul>
      <footer>
        <button type="button" class="primary" disabled={ready.length === 0} onClick={() => void sendAll()}>
          <Icon name="upload" /> {t.images.send(ready.length)}
        </button>
      </footer>
      {cropping.value?.bitmap && (
        <Cropper
          bitmap={cropping.value.bitmap}
          square={cropping.value.square.value}
          onDone={(square) => {
            if (cropping.value) cropping.value.square.value = square;
            cropping.value = null;
          }}
          onClose={() => (cropping.value = null)}
        />
      )}
    </div>
  );
}

function Item({ upload, onCrop, onLeave }: { upload: Upload; onCrop: () => void; onLeave: () => void }) {
  const { file, state, bitmap, square } = upload;
  const sending = state.value === "sending";
  return (
    <li class={state.value}>
      <Preview upload={upload} />
      <div>
        <p dir="auto">
          <b>{file.name}</b> <span class="hint">{bytes(file.size)}</span>
        </p>
        {sending && <Progress share={upload.share.value} label={t.images.progress(file.name)} />}
        {state.value === "failed" && (
          <p class="error" role="alert">
            {upload.reason.value}
          </p>
        )}
        {bitmap && !sending && (
          <label class="check">
            <input
              type="checkbox"
              checked={square.value !== null}
              onChange={() =>
                (square.value = square.value === null ? middle(bitmap.width, bitmap.height) : null)
              }
            />
            {t.images.square}
          </label>
        )}
      </div>
      {bitmap && !sending && (
        <button type="button" onClick={onCrop}>
          <Icon name="crop" /> {t.images.crop}
        </button>
      )}
      <button type="button" class="plain" onClick={sending ? () => upload.stop() : onLeave}>
        {sending ? t.cancel : t.images.leave}
      </button>
    </li>
  );
}

/** The picture as it will be sent. */
function Preview({ upload }: { upload: Upload }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const square = upload.square.value;
  void upload.state.value;
  useEffect(() => {
    if (canvas.current && upload.bitmap && square) draw(canvas.current, upload.bitmap, square);
  }, [square, upload.bitmap]);
  if (square) return <canvas ref={canvas} width={96} height={96} />;
  return <img src={upload.preview} alt="" width={96} height={96} />;
}
