// Wires on the canvas: straight down within rows, bent in the gaps between them.

import { FONT, haloed } from "./brush.js";
import { waysOf } from "./ways.js";

const FAINT = 0.05;

export function paintWires(ctx, scene, placed, rect, x, y, depth, count, alpha) {
  if (placed.rows.length === 0 || scene.camera.k < FAINT) return;
  const marked = [];
  const bent = scene.camera.k > 0.15;
  ctx.globalAlpha = alpha;
  ctx.beginPath();
  const tips = [];
  for (const way of waysOf(placed)) {
    if (!meets(way.box, rect, x, y)) continue;
    if (scene.lit(way.wire)) {
      marked.push(way);
      continue;
    }
    count.wires++;
    trace(ctx, way, x, y, rect, bent);
    if (way.arrow) tips.push(way);
  }
  strokeWires(ctx, scene, tips, x, y, "line", 1.1);
  if (marked.length) {
    ctx.beginPath();
    for (const way of marked) trace(ctx, way, x, y, rect, bent);
    strokeWires(ctx, scene, marked.filter((way) => way.arrow), x, y, "focus", 2.2);
  }
  if (scene.camera.k >= 0.7) paintShapes(ctx, scene, placed, rect, x, y, depth ? `cluster${(depth - 1) % 3}` : "paper");
}

function strokeWires(ctx, scene, tips, x, y, tone, wide) {
  const { camera, colour } = scene;
  ctx.lineWidth = Math.max(wide, 0.6 / camera.k);
  ctx.strokeStyle = colour(tone);
  ctx.stroke();
  if (camera.k < 0.25) return;
  ctx.fillStyle = colour(tone);
  ctx.beginPath();
  for (const way of tips) {
    const end = way.points.at(-1);
    ctx.moveTo(x + end.x, y + end.y);
    ctx.lineTo(x + end.x - 3.4, y + end.y - 7);
    ctx.lineTo(x + end.x + 3.4, y + end.y - 7);
    ctx.closePath();
  }
  ctx.fill();
}

/** Whether a box is in a rectangle, at least in part. */
function meets(box, rect, x, y) {
  return x + box.left <= rect.right && x + box.right >= rect.left && y + box.top <= rect.bottom && y + box.bottom >= rect.top;
}

/** Add a way to the path: straight down within rows, bent in the gaps between them. */
function trace(ctx, way, x, y, rect, bent) {
  const { points } = way;
  for (let i = 0; i + 1 < points.length; i++) {
    const [a, b] = [points[i], points[i + 1]];
    if (Math.max(a.y, b.y) + y < rect.top || Math.min(a.y, b.y) + y > rect.bottom) continue;
    ctx.moveTo(x + a.x, y + a.y);
    if (b.jump) continue;
    if (a.x === b.x) {
      ctx.lineTo(x + b.x, y + b.y);
    } else if (!bent) {
      ctx.lineTo(x + b.x, y + b.y);
    } else {
      const bend = (b.y - a.y) * 0.5;
      ctx.bezierCurveTo(x + a.x, y + a.y + bend, x + b.x, y + b.y - bend, x + b.x, y + b.y);
    }
  }
  for (const corners of way.led) {
    ctx.moveTo(x + corners[0].x, y + corners[0].y);
    for (let i = 1; i + 1 < corners.length; i++) {
      ctx.arcTo(x + corners[i].x, y + corners[i].y, x + corners[i + 1].x, y + corners[i + 1].y, 5);
    }
    ctx.lineTo(x + corners.at(-1).x, y + corners.at(-1).y);
  }
}

/** What is said beside wires: to the right of where each begins, or left of wires that go right.
 *
 * Where something else is written there it goes to the other side, or is left out.
 */
function paintShapes(ctx, scene, placed, rect, x, y, tone) {
  ctx.font = `9.5px ${FONT}`;
  const sides = bends(placed);
  const written = new Set();
  const taken = [];
  for (const { wire, points } of waysOf(placed)) {
    const start = points[1];
    const top = y + start.y + 11;
    const once = `${place(start)} ${wire.label}`;
    if (!wire.label || written.has(once)) continue;
    written.add(once);
    if (top < rect.top || top - 12 > rect.bottom) continue;
    const { left, right } = sides.get(place(start));
    const wide = ctx.measureText(wire.label).width;
    const first = right && !left ? -5 - wide : 5;
    const from = [first, first < 0 ? 5 : -5 - wide].map((side) => x + start.x + side).find((from) => isFree(taken, from, wide, top));
    if (from === undefined) continue;
    taken.push([from, from + wide, top]);
    haloed(ctx, scene, wire.label, from, top, "faint", tone);
  }
}

const isFree = (taken, from, wide, y) => !taken.some(([left, right, at]) => from < right + 2 && from + wide > left - 2 && Math.abs(y - at) < 10);

/** Whether wires bend to the left and to the right, for each place where wires begin. */
function bends(placed) {
  placed.bends ??= waysOf(placed).reduce((found, { points: [, start, next] }) => {
    const held = found.get(place(start)) ?? { left: false, right: false };
    held.left ||= !next.jump && next.x < start.x - 1;
    held.right ||= !next.jump && next.x > start.x + 1;
    return found.set(place(start), held);
  }, new Map());
  return placed.bends;
}

const place = ({ x, y }) => `${Math.round(x)} ${Math.round(y)}`;
