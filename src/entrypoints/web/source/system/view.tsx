/** How the service and its parts are. */
import { useEffect } from "preact/hooks";
import { bytes, count, exactly, milliseconds, percent } from "../format";
import { Failure } from "../parts/failure";
import { figure, t } from "../texts";
import { Chart } from "./chart";
import { closed, failure, health, hitRatio, points, watchClosely, type Point } from "./watch";

export function SystemView() {
  useEffect(watchClosely, []);
  const now = health.value;
  return (
    <section class="view system" tabIndex={0} aria-labelledby="system">
      <h1 id="system">{t.views.system}</h1>
      {failure.value !== null && <Failure error={failure.value} />}
      {now && (
        <>
          <p class={`overall ${now.status}`} role="status">
            <span class={`badge ${now.status}`}>{t.system.states[now.status]}</span>
            <span class="hint">
              {t.system.version(now.version)} · {exactly(now.timestamp)}
            </span>
          </p>
          <h2>{t.system.components}</h2>
          <ul class="components">
            {Object.entries(now.components).map(([name, component]) => (
              <li key={name} class={component.status}>
                <p>
                  <b>{t.system.parts[name as keyof typeof t.system.parts] ?? name}</b>
                  <span class={`badge ${component.status}`}>{t.system.states[component.status]}</span>
                </p>
                <p class="hint">
                  {component.detail} · {milliseconds(component.latency_ms)}
                </p>
              </li>
            ))}
          </ul>
        </>
      )}
      <h2>{t.system.figures}</h2>
      {closed.value === null ? (
        <Charts />
      ) : (
        <p class="hint">{closed.value.status === 403 ? t.system.noScope : t.system.otherPort}</p>
      )}
    </section>
  );
}

function Charts() {
  const all = points.value;
  const last = all.at(-1);
  const line = (of: (point: Point) => number | null) => all.map(of);
  const written = (value: number | null | undefined, as: (value: number) => string) =>
    value === null || value === undefined ? "–" : as(value);
  const seconds = (value: number) => milliseconds(value * 1000);
  const ratio = last?.hits ?? hitRatio();
  return (
    <div class="charts">
      <Chart
        title={t.system.rate}
        lines={[line((p) => p.rate)]}
        now={written(last?.rate, (v) => figure(v, 1))}
        format={(v) => count(Math.round(v))}
      />
      <Chart
        title={t.system.latency}
        lines={[line((p) => p.p99), line((p) => p.p95), line((p) => p.p50)]}
        names={["p99", "p95", "p50"]}
        now={written(last?.p50, seconds)}
        format={seconds}
      />
      <Chart title={t.system.hits} lines={[line((p) => p.hits)]} now={written(ratio, percent)} most={1} format={percent} />
      <Chart title={t.system.waiting} lines={[line((p) => p.waiting)]} now={written(last?.waiting, count)} format={count} />
      <Chart title={t.system.memory} lines={[line((p) => p.memory)]} now={written(last?.memory, bytes)} format={bytes} />
      <Chart title={t.system.lag} lines={[line((p) => p.lag)]} now={written(last?.lag, milliseconds)} format={milliseconds} />
    </div>
  );
}
