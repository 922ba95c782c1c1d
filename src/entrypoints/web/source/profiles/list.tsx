/** The list itself: of all rows only those that are seen are drawn. */
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import type { Profile } from "../api/types";
import { now } from "../format";
import { go, hrefOf, route } from "../router";
import { t } from "../texts";
import { remove } from "./removing";
import { Row } from "./row";
import { ROWS_MAX } from "./rows";
import { active, anchor, atTop, editing, filterOf, placeOf, rows, scroll, select, selected, selectTo, view } from "./state";

const AHEAD = 8; // rows that are drawn beyond what is seen
const STEP = 4; // rows after which it is drawn anew, and by which more are drawn

const soughtNow = (): string => JSON.stringify(filterOf(route.value.params));

export function focusList(): void {
  document.querySelector<HTMLElement>('[role="grid"]')?.focus({ preventScroll: true });
}

/** From another view, to where one was. */
function comeBack(list: HTMLElement, top: number): void {
  list.scrollTop = top;
  if (active.value.id !== null) list.focus({ preventScroll: true });
}

/** The height of a row in pixels, as the style sheet has it. */
function rowHeight(): number {
  const style = getComputedStyle(document.documentElement);
  return parseFloat(style.getPropertyValue("--row")) * parseFloat(style.fontSize) || 44;
}

export function List() {
  const frame = useRef<HTMLDivElement>(null);
  const begun = useRef(rows.begun.value);
  const shownFor = useRef(soughtNow());
  const ahead = useRef(0); // until somebody scrolls, what is seen has the processor to itself

  function look(): void {
    const box = frame.current;
    if (box === null) return;
    scroll.top = box.scrollTop;
    const last = view.value;
    const { height } = last;
    const top = Math.max(0, Math.floor(box.scrollTop / height) - ahead.current);
    const first = top - (top % STEP);
    const shown = Math.ceil(box.clientHeight / height) + 2 * ahead.current + STEP;
    atTop.value = box.scrollTop < height;
    if (first !== last.first || shown !== last.shown) view.value = { first, shown, height };
    rows.ensure(first, first + shown);
  }

  useLayoutEffect(() => {
    const { top } = scroll; // of the last time
    const measure = () => {
      const height = rowHeight();
      if (height !== view.value.height) view.value = { ...view.value, height };
      look();
    };
    // Without rows it is soon enough once the page is laid out, which it would be twice otherwise.
    if (rows.length.value > 0) measure();
    if (frame.current && top > 0) comeBack(frame.current, top);
    const watcher = new ResizeObserver(measure);
    if (frame.current) watcher.observe(frame.current);
    return () => watcher.disconnect();
  }, []);
  useEffect(look, [rows.version.value]);
  useEffect(() => {
    if (rows.begun.value === begun.current) return;
    begun.current = rows.begun.value;
    if (frame.current && !atTop.value) frame.current.scrollTop = 0;
    const sought = soughtNow() !== shownFor.current && document.activeElement === frame.current;
    shownFor.current = soughtNow();
    if (active.value.id === null) active.value = sought ? placeOf(0) : { index: 0, id: null };
  }, [rows.begun.value]);

  function scrolled(): void {
    ahead.current = AHEAD;
    look();
  }

  function move(to: number, event: KeyboardEvent): void {
    const next = Math.max(0, Math.min(rows.length.value - 1, to));
    event.preventDefault();
    active.value = placeOf(next);
    bringIntoView(next);
    if (event.shiftKey) selectTo(next);
    else anchor.value = active.value;
  }

  function bringIntoView(index: number): void {
    const box = frame.current;
    if (box === null) return;
    const { height } = view.value;
    const head = box.querySelector<HTMLElement>(".head")?.offsetHeight ?? 0; // it covers the first row
    const [top, bottom] = [index * height, (index + 1) * height + head];
    if (top < box.scrollTop) box.scrollTop = top;
    else if (bottom > box.scrollTop + box.clientHeight) box.scrollTop = bottom - box.clientHeight;
  }

  function onKeyDown(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const page = Math.max(1, view.value.shown - 2 * ahead.current - STEP - 1);
    const { index, id } = active.value;
    const moves: Record<string, number> = {
      ArrowDown: index + 1,
      ArrowUp: index - 1,
      PageDown: index + page,
      PageUp: index - page,
      Home: 0,
      End: rows.length.value - 1,
    };
    const to = moves[event.key];
    const profile = rows.at(index);
    if (to !== undefined) move(to, event);
    // Where they are gone from there, or others are sought, nobody has chosen who is there.
    else if (profile?.id !== id || soughtNow() !== shownFor.current || event.repeat) return;
    else if (profile && act(event.key, profile)) event.preventDefault();
  }

  function act(key: string, profile: Profile): boolean {
    if (key === "Enter") go(hrefOf("profile", profile.id));
    else if (key === "e") editing.value = profile;
    else if (key === " ") select([profile], !selected.value.has(profile.id));
    else if (key === "Delete") void removeHere(profile);
    else return false;
    return true;
  }

  /** Goes on with whoever follows, so that the next can be deleted too. */
  async function removeHere(profile: Profile): Promise<void> {
    const { index } = active.value;
    await remove(profile);
    if (active.value.id === null) active.value = placeOf(Math.max(0, Math.min(index, rows.length.value - 1)));
  }

  const { first, shown, height } = view.value;
  const length = rows.length.value;
  void rows.version.value;
  const drawn = Array.from({ length: Math.max(0, Math.min(shown, length - first)) }, (_, n) => first + n);
  const current = rows.at(active.value.index);
  const visible = drawn.includes(active.value.index) && current;
  return (
    <div
      ref={frame}
      class="list"
      role="grid"
      tabIndex={0}
      aria-label={t.list.label}
      aria-rowcount={rows.complete.value ? length + 1 : -1}
      aria-multiselectable="true"
      aria-busy={rows.loading.value}
      aria-activedescendant={visible ? `row-${current.id}` : undefined}
      onScroll={scrolled}
      onFocus={() => {
        if (active.value.id === null) active.value = anchor.value = placeOf(active.value.index);
      }}
      onKeyDown={onKeyDown}
    >
      <div class="row head" role="row" aria-rowindex={1}>
        <span role="columnheader">
          <span class="only-read">{t.list.columns.select}</span>
        </span>
        <span role="columnheader">{t.list.columns.name}</span>
        <span role="columnheader">{t.list.columns.email}</span>
        <span role="columnheader" class="created">
          {t.list.columns.created}
        </span>
        <span role="columnheader" class="updated">
          {t.list.columns.updated}
        </span>
      </div>
      <Spacer height={length * height} offset={first * height}>
        {drawn.map((index) => {
          const profile = rows.at(index);
          if (profile === null) return <div key={`wait-${index % shown}`} class="row waiting" role="presentation" />;
          return (
            <Row
              key={index % shown} // what leaves at one end is written over for the other
              profile={profile}
              seen={now.value}
              index={index}
              current={index === active.value.index}
              chosen={selected.value.has(profile.id)}
            />
          );
        })}
      </Spacer>
      {rows.complete.value && length > 20 && <p class="end">{t.list.end}</p>}
      {length >= ROWS_MAX && <p class="end">{t.list.enough}</p>}
    </div>
  );
}

interface SpacerProps {
  height: number;
  offset: number;
  children: preact.ComponentChildren;
}

/** As high as all rows; holds those that are drawn at their place. */
function Spacer({ height, offset, children }: SpacerProps) {
  const inner = useRef<HTMLDivElement>(null);
  const outer = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    if (outer.current) outer.current.style.height = `${height}px`;
    if (inner.current) inner.current.style.transform = `translateY(${offset}px)`;
  });
  return (
    <div ref={outer} class="spacer" role="presentation">
      <div ref={inner} class="drawn" role="presentation">
        {children}
      </div>
    </div>
  );
}
