/** Cuts a square out of a picture: by dragging, by the wheel, by a slider, or by keys. */
import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { Dialog } from "../parts/dialog";
import { t } from "../texts";
import { draw, middle, within, type Square } from "./uploading";

const EDGE = 320;
const SMALLEST = 48;

interface Props {
  bitmap: ImageBitmap;
  square: Square | null;
  onDone: (square: Square) => void;
  onClose: () => void;
}

export function Cropper({ bitmap, square, onDone, onClose }: Props) {
  const { width, height } = bitmap;
  const whole = middle(width, height);
  const cut = useSignal(square ?? whole);
  const canvas = useRef<HTMLCanvasElement>(null);
  const held = useRef<{ x: number; y: number } | null>(null);
  useEffect(() => {
    if (canvas.current) draw(canvas.current, bitmap, cut.value);
  }, [cut.value]);

  /** By so many pixels of what is shown. */
  function move(dx: number, dy: number): void {
    const { x, y, size } = cut.value;
    const scale = size / EDGE;
    cut.value = within({ x: x - dx * scale, y: y - dy * scale, size }, width, height);
  }
  function zoom(size: number): void {
    const { x, y, size: before } = cut.value;
    const shift = (before - size) / 2;
    cut.value = within({ x: x + shift, y: y + shift, size }, width, height);
  }
  function onKeyDown(event: KeyboardEvent): void {
    const step = event.shiftKey ? 40 : 10;
    const moves: Record<string, [number, number]> = {
      ArrowLeft: [step, 0],
      ArrowRight: [-step, 0],
      ArrowUp: [0, step],
      ArrowDown: [0, -step],
    };
    const by = moves[event.key];
    if (by) move(...by);
    else if (event.key === "+") zoom(cut.value.size / 1.1);
    else if (event.key === "-") zoom(cut.value.size * 1.1);
    else return;
    event.preventDefault();
  }

  return (
    <Dialog title={t.crop.title} onClose={onClose}>
      <form
        class="cropper"
        onSubmit={(event) => {
          event.preventDefault();
          onDone(cut.value);
        }}
      >
        <div
          class="window"
          role="application"
          tabIndex={0}
          aria-label={t.crop.keys}
          onKeyDown={onKeyDown}
          onPointerDown={(event) => {
            held.current = { x: event.clientX, y: event.clientY };
            event.currentTarget.setPointerCapture(event.pointerId);
          }}
          onPointerMove={(event) => {
            if (held.current === null) return;
            const scale = EDGE / event.currentTarget.clientWidth;
            move((event.clientX - held.current.x) * scale, (event.clientY - held.current.y) * scale);
            held.current = { x: event.clientX, y: event.clientY };
          }}
          onPointerUp={() => (held.current = null)}
          onPointerCancel={() => (held.current = null)}
          onWheel={(event) => {
            event.preventDefault();
            zoom(cut.value.size * (event.deltaY > 0 ? 1.06 : 1 / 1.06));
          }}
        >
          <canvas ref={canvas} width={EDGE} height={EDGE} />
          <i aria-hidden="true" />
        </div>
        <label class="zoom">
          {t.crop.zoom}
          <input
            type="range"
            min={0}
            max={100}
            value={slider(cut.value.size, whole.size)}
            onInput={(event) => zoom(sizeOf(Number(event.currentTarget.value), whole.size))}
          />
        </label>
        <p class="hint">{t.crop.hint}</p>
        <footer>
          <button type="button" onClick={onClose}>
            {t.cancel}
          </button>
          <button type="submit" class="primary">
            {t.crop.done}
          </button>
        </footer>
      </form>
    </Dialog>
  );
}

/** Each step of the slider makes it larger by the same factor. */
function sizeOf(value: number, whole: number): number {
  const least = Math.min(SMALLEST, whole);
  return whole * (least / whole) ** (value / 100);
}

function slider(size: number, whole: number): number {
  const least = Math.min(SMALLEST, whole);
  return least === whole ? 0 : Math.round((Math.log(size / whole) / Math.log(least / whole)) * 100);
}
