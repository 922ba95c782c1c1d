/** What became of a profile, the newest first. */
import { useEffect, useMemo } from "preact/hooks";
import { hasStatus } from "../api/failures";
import { history } from "../api/profiles";
import type { Change } from "../api/types";
import { Failure } from "../parts/failure";
import { Paged } from "../parts/paged";
import { Time } from "../parts/time";
import { t } from "../texts";
import { differences, pieces, type Difference } from "./diff";

export function History({ id, version }: { id: string; version: number }) {
  const changes = useMemo(() => new Paged<Change>((cursor) => history(id, cursor)), [id]);
  useEffect(() => void changes.load(), [changes, version]);
  useEffect(() => () => changes.stop(), [changes]);
  const rows = changes.rows.value;
  const next = changes.next.value;
  const failure = changes.failure.value;
  return (
    <section aria-labelledby="history">
      <h2 id="history">{t.history.title}</h2>
      {failure !== null && !hasStatus(failure, 404) && <Failure error={failure} onAgain={() => void changes.load()} />}
      <ol class="timeline">
        {rows.map((change, index) => (
          <Entry
            key={change.position}
            change={change}
            older={rows.slice(index + 1).find((one) => Object.keys(one.data).length > 0)}
            whole={index < rows.length - 1 || next === null}
          />
        ))}
      </ol>
      {next !== null && (
        <button type="button" disabled={changes.older.value} onClick={() => void changes.more()}>
          {t.history.older}
        </button>
      )}
    </section>
  );
}

function Entry({ change, older, whole }: { change: Change; older: Change | undefined; whole: boolean }) {
  const kind = change.type.replace("profile.", "") as keyof typeof t.history.kinds;
  const found = whole && kind === "updated" ? differences(change, older) : [];
  return (
    <li class={kind}>
      <p>
        <b>{t.history.kinds[kind] ?? change.type}</b> <Time at={change.at} />
        <span class="hint">
          {t.history.version(change.version)}
          {change.actor !== null && ` · ${t.history.by(change.actor)}`}
        </span>
      </p>
      {found.length > 0 && (
        <dl class="changes">
          {found.map((difference) => (
            <Shown key={difference.field} difference={difference} />
          ))}
        </dl>
      )}
    </li>
  );
}

function Shown({ difference }: { difference: Difference }) {
  const { before, after, list } = difference;
  const { start, removed, added, end } = list
    ? { start: "", removed: before, added: after, end: "" }
    : pieces(before, after);
  return (
    <div>
      <dt>{t.history.fields[difference.field as keyof typeof t.history.fields] ?? difference.field}</dt>
      <dd dir="auto">
        {shortened(start, true)}
        {removed !== "" && <del>{removed}</del>}
        {added !== "" && <ins>{added}</ins>}
        {shortened(end, false)}
      </dd>
    </div>
  );
}

const AROUND = 60;

/** Of a long text that is the same, what is next to the change. */
function shortened(text: string, tail: boolean): string {
  if (text.length <= AROUND) return text;
  return tail ? `…${text.slice(-AROUND)}` : `${text.slice(0, AROUND)}…`;
}
