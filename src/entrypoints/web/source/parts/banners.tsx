/** What holds for every view: no network, a wait, a cache that is away. */
import { useEffect, useState } from "preact/hooks";
import { inFallback } from "../api/ask";
import { nextTry, offline, tryNow, waiting } from "../api/net";
import { t } from "../texts";
import { Icon } from "./icon";

export function Banners() {
  return (
    <div class="banners" aria-live="polite">
      {offline.value && (
        <div class="banner bad">
          <Icon name="warn" />
          <p>
            {t.net.offline} <Countdown until={nextTry.value} />
          </p>
          <button type="button" onClick={() => void tryNow()}>
            {t.net.tryNow}
          </button>
        </div>
      )}
      {waiting.value && (
        <div class="banner warn">
          <Icon name="warn" />
          <p>
            {waiting.value.status === 429 ? t.net.tooMany : t.net.busy}{" "}
            <Countdown until={waiting.value.until} />
          </p>
        </div>
      )}
      {inFallback.value && (
        <div class="banner warn">
          <Icon name="warn" />
          <p>{t.net.fallback}</p>
        </div>
      )}
    </div>
  );
}

function Countdown({ until }: { until: number }) {
  const [left, setLeft] = useState(() => remaining(until));
  useEffect(() => {
    setLeft(remaining(until));
    const timer = setInterval(() => setLeft(remaining(until)), 500);
    return () => clearInterval(timer);
  }, [until]);
  // Each second read aloud would be noise.
  return <span aria-live="off">{t.net.inSeconds(left)}</span>;
}

const remaining = (until: number): number => Math.max(0, Math.ceil((until - Date.now()) / 1000));
