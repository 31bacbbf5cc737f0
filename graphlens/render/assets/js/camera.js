// From the picture's points to the screen's and back: where one looks, and how near.

export const NEAREST = 4;
/** How small a picture may be when it opens: its words are to be read. */
const LEAST = 0.7;

/** A camera: the screen shows (x, y) at its top left corner, k times as large. */
export function makeCamera() {
  return { x: 0, y: 0, k: 1 };
}

/** What part of the picture a canvas shows. */
export function shown(camera, width, height) {
  return {
    left: camera.x, top: camera.y,
    right: camera.x + width / camera.k, bottom: camera.y + height / camera.k,
  };
}

/** Come nearer by a factor, the point under (x, y) of the screen staying there. */
export function zoom(camera, factor, x, y, farthest) {
  const k = Math.min(NEAREST, Math.max(farthest, camera.k * factor));
  camera.x += x / camera.k - x / k;
  camera.y += y / camera.k - y / k;
  camera.k = k;
}

/** How far away one may go: the whole picture with as much around it. */
export function farthest(placed, width, height) {
  return Math.min(1, 0.5 * Math.min(width / placed.width, height / placed.height));
}

/** The camera that shows all of a rectangle, no larger than life. */
export function fitting(rect, width, height, largest = 1.25) {
  const k = Math.min(largest, (width - 48) / rect.width, (height - 48) / rect.height);
  return {
    x: rect.x + rect.width / 2 - width / 2 / k,
    y: rect.y + rect.height / 2 - height / 2 / k,
    k,
  };
}

/** The camera that shows the beginning of a picture that is too long to be read as a whole. */
export function opening(placed, width, height) {
  const whole = { x: 0, y: 0, width: placed.width, height: placed.height };
  const all = fitting(whole, width, height, 1.1);
  if (all.k >= LEAST) return all;
  const k = Math.min(1, Math.max(LEAST, (width - 48) / placed.width));
  const x = placed.width * k > width - 48 ? -24 / k : placed.width / 2 - width / 2 / k;
  return { x, y: -24 / k, k };
}

/** Between two cameras, t from 0 to 1. */
export function between(from, to, t) {
  const k = from.k * (to.k / from.k) ** t;
  const along = Math.abs(to.k - from.k) < 1e-9 ? t : (1 / from.k - 1 / k) / (1 / from.k - 1 / to.k);
  return { x: from.x + (to.x - from.x) * along, y: from.y + (to.y - from.y) * along, k };
}

/** Slow at both ends. */
export function eased(t) {
  return t < 0.5 ? 4 * t ** 3 : 1 - (-2 * t + 2) ** 3 / 2;
}
