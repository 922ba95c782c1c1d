/** Who is signed in: a token in memory, and in this tab's storage if that is wanted. */
import { signal } from "@preact/signals";

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

export function signOut(why: string): void {
  token.value = null;
  signedOut.value = why;
  try {
    sessionStorage.removeItem(KEY);
  } catch {
    // There was nothing kept.
  }
}

export function authorization(): Record<string, string> {
  return token.value === null ? {} : { Authorization: `Bearer ${token.value}` };
}
