/** Files that are dragged over the page. */

export function bringsFiles(event: DragEvent): boolean {
  return event.dataTransfer?.types.includes("Files") ?? false;
}

/** A file that is dropped beside the place for it would be opened instead of the page. */
export function keepPage(): () => void {
  const keep = (event: DragEvent) => {
    if (bringsFiles(event)) event.preventDefault();
  };
  document.addEventListener("dragover", keep);
  document.addEventListener("drop", keep);
  return () => {
    document.removeEventListener("dragover", keep);
    document.removeEventListener("drop", keep);
  };
}
