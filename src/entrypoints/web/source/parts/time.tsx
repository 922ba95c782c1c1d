import { ago, exactly, now } from "../format";

/** A time as how long ago it is; the exact one is told on asking. */
export function Time({ at }: { at: string }) {
  void now.value;
  return (
    <time dateTime={at} title={exactly(at)}>
      {ago(at)}
    </time>
  );
}

/** The same where there are many of them, which are drawn anew by whoever draws all of them. */
export function TimeAt({ at }: { at: string }) {
  return (
    <time dateTime={at} title={at}>
      {ago(at)}
    </time>
  );
}
