/** What went wrong with a screen, and what may be done about it. */
import { Refused } from "../api/failures";
import { t } from "../texts";
import { Icon } from "./icon";

interface Props {
  error: unknown;
  /** It is being tried again. */
  busy?: boolean;
  onAgain?: () => void;
}

export function Failure({ error, busy, onAgain }: Props) {
  const problem = error instanceof Refused ? error.problem : null;
  return (
    <div class="failure" role="alert" aria-busy={busy}>
      <Icon name="warn" />
      <div>
        <p class="strong">{problem?.title ?? t.failed}</p>
        <p dir="auto">{error instanceof Error ? error.message : String(error)}</p>
        {problem?.status === 403 && <p class="hint">{t.net.forbidden}</p>}
        {problem?.request_id && (
          <p class="hint">
            {t.net.request} <code>{problem.request_id}</code>
          </p>
        )}
      </div>
      {onAgain && (
        <button type="button" onClick={() => onAgain()}>
          {t.again}
        </button>
      )}
    </div>
  );
}
