/** Search, sort, and what can be done with all profiles, or with those that are selected. */
import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { SORTS } from "../api/profiles";
import { Icon } from "../parts/icon";
import { route } from "../router";
import { t } from "../texts";
import { exporting, exportAll, saveSelected } from "./exporting";
import { focusList } from "./list";
import { removeMany } from "./removing";
import { editing, filter, filterOf, importing, reload, rows, select, selected } from "./state";
import { bytes, count } from "../format";

const DEBOUNCE = 200;
export const SEARCH = "search-profiles";

export function Toolbar() {
  const { sort } = filterOf(route.value.params);
  const { total, length, complete } = rows;
  const known = total.value ?? (complete.value ? length.value : null);
  return (
    <div class="toolbar">
      <Search />
      <label class="sort">
        <span class="only-read">{t.list.sort}</span>
        <select
          value={sort}
          onChange={(event) => filter({ sort: SORTS.find((s) => s === event.currentTarget.value) ?? sort })}
        >
          {SORTS.map((one) => (
            <option key={one} value={one}>
              {t.list.sorts[one]}
            </option>
          ))}
        </select>
      </label>
      <span class="total" role="status">
        {known !== null ? t.list.total(known) : t.list.so(length.value)}
      </span>
      {known === null && (
        <button type="button" class="plain count" onClick={() => reload(true)}>
          {t.list.count}
        </button>
      )}
      <span class="grow" />
      <button type="button" onClick={() => (importing.value = [])}>
        <Icon name="upload" /> <span class="label">{t.list.import}</span>
      </button>
      {exporting.value === null ? (
        <button type="button" onClick={() => void exportAll()}>
          <Icon name="download" /> <span class="label">{t.list.export}</span>
        </button>
      ) : (
        <button type="button" onClick={() => exporting.value?.stop()}>
          {t.list.exporting(bytes(exporting.value.size))} · {t.cancel}
        </button>
      )}
      <button type="button" class="primary" onClick={() => (editing.value = "new")}>
        <Icon name="plus" /> <span class="label narrow">{t.list.create}</span>
      </button>
    </div>
  );
}

function Search() {
  const { q } = filterOf(route.value.params);
  const text = useSignal(q);
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const typed = useRef(q);
  useEffect(() => () => clearTimeout(timer.current), []);
  useEffect(() => {
    if (q !== typed.current) text.value = typed.current = q; // the address was changed otherwise
  }, [q]);
  function look(value: string, wait: number): void {
    text.value = value;
    clearTimeout(timer.current);
    timer.current = setTimeout(() => {
      typed.current = value.trim();
      filter({ q: typed.current });
    }, wait);
  }
  return (
    <div class="search" role="search">
      <Icon name="search" />
      <input
        id={SEARCH}
        type="search"
        maxLength={255}
        value={text.value}
        placeholder={t.list.search}
        aria-label={t.list.search}
        title={t.list.searchKey}
        autoComplete="off"
        spellcheck={false}
        dir="auto"
        onInput={(event) => look(event.currentTarget.value, DEBOUNCE)}
        onKeyDown={(event) => {
          if (event.key === "Escape" && text.value !== "") look("", 0);
          else if (event.key === "ArrowDown" || event.key === "Enter") {
            event.preventDefault(); // the list would scroll
            if (text.value.trim() !== typed.current) look(text.value, 0);
            focusList();
          }
        }}
      />
      <kbd aria-hidden="true">/</kbd>
    </div>
  );
}

export function Selection() {
  const chosen = [...selected.value.values()];
  if (chosen.length === 0) return null;
  return (
    <div class="selection" role="region" aria-label={t.list.selected(chosen.length)}>
      <b>{count(chosen.length)}</b> {t.list.selected(chosen.length).replace(count(chosen.length), "")}
      <span class="grow" />
      <button type="button" onClick={() => saveSelected(chosen.map((profile) => rows.find(profile.id) ?? profile))}>
        <Icon name="download" /> {t.list.export}
      </button>
      <button type="button" class="danger" onClick={() => void removeMany(chosen).then(focusList)}>
        <Icon name="trash" /> {t.list.delete}
      </button>
      <button type="button" class="plain" onClick={() => select(chosen, false)}>
        {t.list.deselect}
      </button>
    </div>
  );
}
