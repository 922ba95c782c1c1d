/** A small chart: how a figure went, and where it is now. */
import { t } from "../texts";

interface Props {
  title: string;
  /** Lines from back to front; the last one is what the figure beside the title says. */
  lines: (number | null)[][];
  names?: string[];
  now: string;
  most?: number;
  format: (value: number) => string;
}

const [WIDTH, HEIGHT, ROOM] = [240, 56, 100];

export function Chart({ title, lines, names, now, most, format }: Props) {
  const all = lines.flat().filter((value) => value !== null);
  const top = most ?? Math.max(...all, 0);
  return (
    <figure class="chart">
      <figcaption>
        <span>{title}</span>
        <b>{now}</b>
      </figcaption>
      <svg
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={t.system.chart(title, now, format(top))}
      >
        <path class="ground" d={`M0 ${HEIGHT - 0.5}H${WIDTH}`} />
        {lines.map((line, index) => (
          <path key={index} class={`line line-${lines.length - index}`} d={pathOf(line, top)} />
        ))}
      </svg>
      <p class="hint">
        {names && (
          <span class="names">
            {names.map((name, index) => (
              <span key={name} class={`line-${names.length - index}`}>
                {name}
              </span>
            ))}
          </span>
        )}
        <span>{t.system.most(format(top))}</span>
      </p>
    </figure>
  );
}

/** A gap stands where there was nothing to measure; the newest point is at the right. */
export function pathOf(line: (number | null)[], top: number): string {
  let path = "";
  let gap = true;
  line.forEach((value, index) => {
    if (value === null) {
      gap = true;
      return;
    }
    const x = WIDTH - ((line.length - 1 - index) * WIDTH) / ROOM;
    const y = HEIGHT - 2 - (top === 0 ? 0 : Math.min(1, value / top) * (HEIGHT - 6));
    path += `${gap ? "M" : "L"}${x.toFixed(1)} ${y.toFixed(1)}`;
    if (gap) path += "h.1"; // a point by itself is seen too
    gap = false;
  });
  return path;
}
