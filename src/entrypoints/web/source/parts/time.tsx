import { ago, exactly, now } from "../format";

/** A time as how long ago it is; the exact one is told on asking. */
export function Time({ at }: { at: string }) {
  return (
    <time dateTime={at} title={exactly(at)}>
      {ago(at, now.value)}
    </time>
  );
}

/** The same where there are many of them, and all move on together. */
export function TimeAt({ at, seen }: { at: string; seen: number }) {
  return (
    <time dateTime={at} title={at}>
      {ago(at, seen)}
    </time>
  );
}
