/** The text format of Prometheus, as far as it is needed here. */
export interface Sample {
  name: string;
  labels: Record<string, string>;
  value: number;
}

const LINE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)/;
const LABEL = /(\w+)="((?:[^"\\]|\\.)*)"/g;

export function parse(text: string): Sample[] {
  const samples: Sample[] = [];
  for (const line of text.split("\n")) {
    const found = LINE.exec(line);
    if (found === null) continue;
    const labels = [...(found[2] ?? "").matchAll(LABEL)].map(([, name, value]) => [name, value]);
    const value = found[3] === "+Inf" ? Infinity : Number(found[3]);
    samples.push({ name: found[1] ?? "", labels: Object.fromEntries(labels), value });
  }
  return samples;
}

export function sum(samples: Sample[], name: string, where?: (labels: Record<string, string>) => boolean): number {
  return samples
    .filter((sample) => sample.name === name && (where?.(sample.labels) ?? true))
    .reduce((total, sample) => total + sample.value, 0);
}

/** Upper edge → how many were at most that, over all labels but `le`. */
export function buckets(samples: Sample[], name: string): Map<number, number> {
  const found = new Map<number, number>();
  for (const { name: of, labels, value } of samples) {
    if (of !== `${name}_bucket` || labels.route?.endsWith("/events")) continue;
    const edge = labels.le === "+Inf" ? Infinity : Number(labels.le);
    found.set(edge, (found.get(edge) ?? 0) + value);
  }
  return new Map([...found].sort(([a], [b]) => a - b));
}

/** The value below which a `share` lies, between edges in proportion; null where there is none. */
export function quantile(share: number, now: Map<number, number>, before: Map<number, number> | null): number | null {
  const counts = [...now].map(([edge, value]) => [edge, value - (before?.get(edge) ?? 0)] as const);
  const total = counts.at(-1)?.[1] ?? 0;
  if (total <= 0) return null;
  let [lower, below] = [0, 0];
  for (const [edge, value] of counts) {
    if (value >= share * total) {
      if (edge === Infinity) return lower;
      return lower + (edge - lower) * ((share * total - below) / Math.max(1, value - below));
    }
    [lower, below] = [edge, value];
  }
  return lower;
}
