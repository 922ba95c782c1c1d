/** How far something is; null where that is not known. */
export function Progress({ share, label }: { share: number | null; label: string }) {
  return <progress max={1} aria-label={label} {...(share === null ? {} : { value: share })} />;
}
