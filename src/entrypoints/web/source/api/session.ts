/** Who is signed in: a token in memory, and in this tab's storage if that is wanted. */
import { effect, signal, untracked } from "@preact/signals";

const KEY = "profilecore.token";

function kept(): string | null {
  try {
    return sessionStorage.getItem(KEY);
  } catch {
    return null; // storage may be switched off
  }
}

export const token = signal<string | null>(kept());
/** The service has asked who calls, and was not content with what it was told. */
export const signedOut = signal<string | null>(null);

export function signIn(text: string, keep: boolean): void {
  token.value = text;
  signedOut.value = null;
  try {
    if (keep) sessionStorage.setItem(KEY, text);
    else sessionStorage.removeItem(KEY);
  } catch {
    // It stays in memory.
  }
}

/** `of`: whose call was refused. Nothing happens where another token has been given since. */
export function signOut(why: string, of = token.value): void {
  if (of !== token.value) return;
  token.value = null;
  signedOut.value = why;
  try {
    sessionStorage.removeItem(KEY);
  } catch {
    // There was nothing kept.
  }
}

/** Has something forgotten as soon as somebody has signed out: the next one is shown nothing of it. */
export function onSignOut(forget: () => void): void {
  effect(() => {
    if (signedOut.value !== null) untracked(forget);
  });
}

export function authorization(of = token.value): Record<string, string> {
  return of === null ? {} : { Authorization: `Bearer ${of}` };
}
