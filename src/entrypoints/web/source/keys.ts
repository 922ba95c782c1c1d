/** The keys that work wherever one is. */
import { editing } from "./profiles/state";
import { SEARCH } from "./profiles/toolbar";
import { helping } from "./help";
import { undoNewest } from "./parts/notices";
import { go, hrefOf, route, type View } from "./router";
import { shortcuts } from "./settings";
import { submitting } from "./tasks/state";

const VIEWS: Record<string, View> = { "1": "profiles", "2": "tasks", "3": "system" };
const TYPING = "input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]";

export function listen(): () => void {
  const onKeyDown = (event: KeyboardEvent): void => {
    const target = event.target as HTMLElement | null;
    if (!shortcuts.value || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.defaultPrevented || target?.closest(TYPING)) return;
    if (document.querySelector("dialog[open]")) return;
    if (act(event.key)) event.preventDefault();
  };
  document.addEventListener("keydown", onKeyDown);
  return () => document.removeEventListener("keydown", onKeyDown);
}

function act(key: string): boolean {
  const view = VIEWS[key];
  if (view) go(hrefOf(view));
  else if (key === "?") helping.value = true;
  else if (key === "z") return undoNewest();
  else if (key === "/") search();
  else if (key === "n" && route.value.view === "tasks") submitting.value = true;
  else if (key === "n" && route.value.view === "profiles") editing.value = "new";
  else return false;
  return true;
}

function search(): void {
  if (route.value.view !== "profiles") go(hrefOf("profiles"));
  // The view may have to be drawn first.
  requestAnimationFrame(() => setTimeout(() => document.getElementById(SEARCH)?.focus()));
}
