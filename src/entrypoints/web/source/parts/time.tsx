import { ago, exactly, now } from "../format";

/** A time as how long ago it is; the exact one is told on asking. */
export function Time({ at }: { at: string }) {
  return (
    <time dateTime={at} title={exactly(at)}>
      {ago(at, now.value)}
    </time>
  );
}
