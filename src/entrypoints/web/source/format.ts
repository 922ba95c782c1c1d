/** How times, sizes and names are written. */
import { signal } from "@preact/signals";
import { figure, LANGUAGE, t, type Unit } from "./texts";

const UNITS: [Unit, number][] = [
  ["year", 31_557_600],
  ["month", 2_629_800],
  ["week", 604_800],
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
  ["second", 1],
];
let full: Intl.DateTimeFormat | undefined; // made when the first is asked for, see texts.ts

/** Moves on now and then, so that relative times are drawn anew. */
export const now = signal(Date.now());
if (typeof window !== "undefined") {
  const tick = () => {
    if (!document.hidden) now.value = Date.now();
  };
  setInterval(tick, 10_000);
  document.addEventListener("visibilitychange", tick);
}

export function ago(time: string, at = Date.now()): string {
  const seconds = (new Date(time).getTime() - at) / 1000;
  const size = Math.abs(seconds);
  if (size < 5) return t.now;
  const [unit, length] = UNITS.find(([, one]) => size >= one) ?? ["second", 1];
  return t.ago(Math.trunc(seconds / length), unit);
}

export function exactly(time: string | number): string {
  full ??= new Intl.DateTimeFormat(LANGUAGE, { dateStyle: "medium", timeStyle: "medium" });
  return full.format(new Date(time));
}

export function clockTime(at: number): string {
  const time = new Date(at);
  const parts = [time.getHours(), time.getMinutes(), time.getSeconds()];
  return parts.map((part) => String(part).padStart(2, "0")).join(":");
}

export const count = (number: number): string => figure(number);
export const milliseconds = (ms: number): string => `${figure(ms, ms < 10 ? 1 : 0)} ms`;
export const percent = (share: number): string => `${figure(share * 100, 1)}%`;

export function bytes(size: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  const step = Math.min(Math.floor(Math.log10(Math.max(size, 1)) / 3), units.length - 1);
  const value = size / 1000 ** step;
  return `${figure(value, value < 10 ? 1 : 0)} ${units[step]}`;
}

/** One or two letters that stand for a name, in any script. */
export function initials(name: string): string {
  const words = name.trim().split(/\s+/u);
  const letters = [words[0], words.length > 1 ? words.at(-1) : undefined];
  return letters.map((word) => [...(word ?? "")][0] ?? "").join("").toUpperCase();
}

/** One of `kinds` looks, always the same for one id. */
export function lookOf(id: string, kinds: number): number {
  let sum = 0;
  for (const letter of id.slice(-12)) sum = (sum * 31 + letter.charCodeAt(0)) % 997;
  return sum % kinds;
}
