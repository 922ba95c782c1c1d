/** What a person has chosen for this browser. */
import { effect, signal } from "@preact/signals";

type Theme = "auto" | "light" | "dark";
export const THEMES: Theme[] = ["auto", "light", "dark"];

function kept(name: string): string | null {
  try {
    return localStorage.getItem(`profilecore.${name}`);
  } catch {
    return null;
  }
}

function keep(name: string, value: string): void {
  try {
    localStorage.setItem(`profilecore.${name}`, value);
  } catch {
    // It holds until the page is closed.
  }
}

export const theme = signal<Theme>(THEMES.find((one) => one === kept("theme")) ?? "auto");
/** Keys without Ctrl can get in the way of speech input, so they can be switched off. */
export const shortcuts = signal(kept("shortcuts") !== "off");

export function apply(): void {
  effect(() => {
    document.documentElement.dataset.theme = theme.value;
  });
  theme.subscribe(changed((value) => keep("theme", value)));
  shortcuts.subscribe(changed((value) => keep("shortcuts", value ? "on" : "off")));
}

/** Leaves out the value that there is at first: it was not chosen. */
function changed<T>(then: (value: T) => void): (value: T) => void {
  let first = true;
  return (value) => {
    if (!first) then(value);
    first = false;
  };
}
