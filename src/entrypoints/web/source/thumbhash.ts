/** ThumbHash: a picture of some 25 bytes, to be shown until the real one is there.
 *
 * The decoder follows the reference of https://evanw.github.io/thumbhash/ (MIT, Evan Wallace).
 */
const kept = new Map<string, string>();
const KEPT_MAX = 400;

export function previewOf(hash: string): string {
  let url = kept.get(hash);
  if (url === undefined) {
    url = drawn(hash);
    if (kept.size >= KEPT_MAX) kept.delete(kept.keys().next().value as string);
    kept.set(hash, url);
  }
  return url;
}

function drawn(hash: string): string {
  const data = Uint8Array.from(atob(hash), (letter) => letter.charCodeAt(0));
  const { width, height, rgba } = decode(data);
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  canvas.getContext("2d")?.putImageData(new ImageData(rgba, width, height), 0, 0);
  return canvas.toDataURL();
}

export function decode(hash: Uint8Array) {
  const at = (index: number): number => hash[index] ?? 0;
  const head = at(0) | (at(1) << 8) | (at(2) << 16);
  const tail = at(3) | (at(4) << 8);
  const alpha = head >> 23 === 1;
  const wide = tail >> 15 === 1;
  const lx = Math.max(3, wide ? (alpha ? 5 : 7) : tail & 7);
  const ly = Math.max(3, wide ? tail & 7 : alpha ? 5 : 7);
  let nibble = 0;
  const first = alpha ? 6 : 5;
  const channel = (nx: number, ny: number, scale: number): number[] => {
    const found: number[] = [];
    for (let cy = 0; cy < ny; cy += 1)
      for (let cx = cy ? 0 : 1; cx * ny < nx * (ny - cy); cx += 1) {
        const value = (at(first + (nibble >> 1)) >> ((nibble & 1) << 2)) & 15;
        nibble += 1;
        found.push((value / 7.5 - 1) * scale);
      }
    return found;
  };
  const l = channel(lx, ly, ((head >> 18) & 31) / 31);
  const p = channel(3, 3, (((tail >> 3) & 63) / 63) * 1.25);
  const q = channel(3, 3, (((tail >> 9) & 63) / 63) * 1.25);
  const a = alpha ? channel(5, 5, (at(5) >> 4) / 15) : [];
  const ratio = lx / ly;
  const width = Math.round(ratio > 1 ? 32 : 32 * ratio);
  const height = Math.round(ratio > 1 ? 32 / ratio : 32);
  const rgba = new Uint8ClampedArray(width * height * 4);
  const means = {
    l: (head & 63) / 63,
    p: ((head >> 6) & 63) / 31.5 - 1,
    q: ((head >> 12) & 63) / 31.5 - 1,
    a: alpha ? (at(5) & 15) / 15 : 1,
  };
  const cosine = (n: number, size: number, x: number): number => Math.cos((Math.PI / size) * (x + 0.5) * n);
  const sum = (parts: number[], nx: number, ny: number, x: number, y: number): number => {
    let total = 0;
    for (let cy = 0, j = 0; cy < ny; cy += 1)
      for (let cx = cy ? 0 : 1; cx * ny < nx * (ny - cy); cx += 1, j += 1)
        total += (parts[j] ?? 0) * cosine(cx, width, x) * cosine(cy, height, y) * 2;
    return total;
  };
  for (let y = 0, i = 0; y < height; y += 1)
    for (let x = 0; x < width; x += 1, i += 4) {
      const light = means.l + sum(l, lx, ly, x, y);
      const blue = light - (2 / 3) * (means.p + sum(p, 3, 3, x, y));
      const red = (3 * light - blue + (means.q + sum(q, 3, 3, x, y))) / 2;
      const green = red - (means.q + sum(q, 3, 3, x, y));
      const opaque = alpha ? means.a + sum(a, 5, 5, x, y) : 1;
      rgba.set([red, green, blue, opaque].map((v) => Math.max(0, Math.min(1, v)) * 255), i);
    }
  return { width, height, rgba };
}
