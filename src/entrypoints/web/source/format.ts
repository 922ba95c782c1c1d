/** How times, sizes and names are written. */
import { signal } from "@preact/signals";
import { LANGUAGE } from "./texts";

const relative = new Intl.RelativeTimeFormat(LANGUAGE, { numeric: "auto", style: "short" });
const full = new Intl.DateTimeFormat(LANGUAGE, { dateStyle: "medium", timeStyle: "medium" });
const clock = new Intl.DateTimeFormat(LANGUAGE, { timeStyle: "medium" });
const whole = new Intl.NumberFormat(LANGUAGE);
const UNITS: [Intl.RelativeTimeFormatUnit, number][] = [
  ["year", 31_557_600],
  ["month", 2_629_800],
  ["week", 604_800],
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
  ["second", 1],
];

/** Moves on, so that relative times do. */
export const now = signal(Date.now());
if (typeof window !== "undefined") {
  setInterval(() => {
    if (!document.hidden) now.value = Date.now();
  }, 10_000);
}

export function ago(time: string, at: number): string {
  const seconds = (new Date(time).getTime() - at) / 1000;
  const size = Math.abs(seconds);
  if (size < 5) return relative.format(0, "second");
  const [unit, length] = UNITS.find(([, one]) => size >= one) ?? ["second", 1];
  return relative.format(Math.trunc(seconds / length), unit);
}

export const exactly = (time: string | number): string => full.format(new Date(time));
export const clockTime = (at: number): string => clock.format(at);
export const count = (number: number): string => whole.format(number);

export function milliseconds(ms: number): string {
  const digits = ms < 10 ? 1 : 0;
  return `${ms.toLocaleString(LANGUAGE, { maximumFractionDigits: digits })} ms`;
}

export function bytes(size: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  const step = Math.min(Math.floor(Math.log10(Math.max(size, 1)) / 3), units.length - 1);
  const value = size / 1000 ** step;
  return `${value.toLocaleString(LANGUAGE, { maximumFractionDigits: value < 10 ? 1 : 0 })} ${units[step]}`;
}

export function percent(share: number): string {
  return share.toLocaleString(LANGUAGE, { style: "percent", maximumFractionDigits: 1 });
}

/** One or two letters that stand for a name, in any script. */
export function initials(name: string): string {
  const words = name.trim().split(/\s+/u);
  const letters = [words[0], words.length > 1 ? words.at(-1) : undefined];
  return letters.map((word) => [...(word ?? "")][0] ?? "").join("").toLocaleUpperCase();
}

/** One of `kinds` looks, always the same for one id. */
export function lookOf(id: string, kinds: number): number {
  let sum = 0;
  for (const letter of id.slice(-12)) sum = (sum * 31 + letter.charCodeAt(0)) % 997;
  return sum % kinds;
}
