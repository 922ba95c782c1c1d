/** The view of all profiles. */
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { signedOut, token } from "../api/session";
import { Failure } from "../parts/failure";
import { bringsFiles } from "../parts/dropping";
import { Icon } from "../parts/icon";
import { route } from "../router";
import { t } from "../texts";
import { Editor } from "./editor";
import { Importer } from "./importer";
import { focusList, List } from "./list";
import { arrive, editing, filterOf, importing, reload, rows, unseen } from "./state";
import { Selection, Toolbar } from "./toolbar";

export function ProfilesView() {
  const { q, sort } = filterOf(route.value.params);
  const over = useSignal(false);
  useEffect(arrive, [q, sort, token.value, signedOut.value === null]);
  const empty = !rows.loading.value && rows.failure.value === null && rows.length.value === 0;
  return (
    <section
      class={`view profiles ${over.value ? "over" : ""}`}
      onDragOver={(event) => {
        if (bringsFiles(event)) over.value = true;
      }}
      onDragLeave={(event) => {
        if (!event.currentTarget.contains(event.relatedTarget as Node | null)) over.value = false;
      }}
      onDrop={(event) => {
        over.value = false;
        if (!bringsFiles(event)) return;
        importing.value = [...(event.dataTransfer?.files ?? [])];
      }}
    >
      <h1>{t.views.profiles}</h1>
      <Toolbar />
      <Selection />
      {rows.failure.value !== null && <Failure error={rows.failure.value} busy={rows.loading.value} onAgain={reload} />}
      {unseen.value > 0 && (
        <button
          type="button"
          class="fresh"
          onClick={() => {
            focusList(); // this button is gone then
            reload();
          }}
        >
          {t.list.fresh(unseen.value)}
        </button>
      )}
      {empty ? <Empty q={q} /> : <List />}
      {editing.value !== null && <Panel />}
      {importing.value !== null && <Importer />}
    </section>
  );
}

function Empty({ q }: { q: string }) {
  return (
    <div class="empty">
      <Icon name={q === "" ? "people" : "search"} />
      <h2 dir="auto">{q === "" ? t.list.empty : t.list.none(q)}</h2>
      <p>{q === "" ? t.list.emptyLead : t.list.noneLead}</p>
      {q === "" && (
        <button type="button" class="primary" onClick={() => (editing.value = "new")}>
          <Icon name="plus" /> {t.list.create}
        </button>
      )}
    </div>
  );
}

function Panel() {
  useEffect(() => () => void (editing.value = null), []);
  const profile = editing.value === "new" ? null : editing.value;
  return (
    <Editor
      key={profile?.id ?? "new"}
      profile={profile}
      onClose={() => (editing.value = null)}
      onOptimistic={(shown) => rows.put([shown])}
      onSaved={(saved) => {
        editing.value = null;
        if (profile === null) reload();
        else rows.put([saved]);
      }}
    />
  );
}
