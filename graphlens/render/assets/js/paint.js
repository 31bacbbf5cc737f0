// The picture on a canvas: only what is on the screen, and words only where they can be read.

import { paintNodes } from "./boxes.js";
import { LEGIBLE, rounded } from "./brush.js";
import { shown } from "./camera.js";
import { visit } from "./place.js";
import { paintLabels, paintScope, paintTitle } from "./scopes.js";
import { paintWires } from "./wires.js";

/** Paint a placed picture; returns how much was drawn. */
export function paint(ctx, scene) {
  const { placed, camera, width, height, ratio, colour } = scene;
  const count = { boxes: 0, wires: 0, words: 0 };
  ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
  ctx.fillStyle = colour("paper");
  ctx.fillRect(0, 0, width, height);
  const k = camera.k * ratio;
  ctx.setTransform(k, 0, 0, k, -camera.x * k, -camera.y * k);
  ctx.textBaseline = "alphabetic";
  const rect = shown(camera, width, height);
  const labels = [];
  const paintInside = (inner, x, y, depth, alpha) => {
    paintWires(ctx, scene, inner, rect, x, y, depth, count, alpha);
    visitLevel(inner, rect, x, y, (held, left, top) => {
      paintItem(ctx, scene, held, left, top, depth, count, labels, paintInside, alpha);
    });
  };
  paintInside(placed, 0, 0, 0, 1);
  ctx.globalAlpha = 1;
  paintLabels(ctx, scene, labels);
  return count;
}

/** Visit the items of one scope alone. */
function visitLevel(placed, rect, x, y, seen) {
  visit(placed, rect, x, y, 0, (held, left, top) => {
    seen(held, left, top);
    return false;
  });
}

function paintItem(ctx, scene, held, left, top, depth, count, labels, paintInside, alpha) {
  count.boxes++;
  const { entries } = held.item;
  if (entries.length === 0) {
    paintScope(ctx, scene, held, left, top, depth, count, labels, paintInside, alpha);
    return;
  }
  ctx.globalAlpha = alpha;
  paintNodes(ctx, scene, held, left, top, count);
}

/** Paint a picture on its way to another, t from 0 to 1: see `transition` in passes.js. */
export function paintBetween(ctx, scene, { frames, items, from, to }, t) {
  const { camera, width, height, ratio, colour } = scene;
  const rect = shown(camera, width, height);
  ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
  ctx.globalAlpha = 1;
  ctx.fillStyle = colour("paper");
  ctx.fillRect(0, 0, width, height);
  const k = camera.k * ratio;
  ctx.setTransform(k, 0, 0, k, -camera.x * k, -camera.y * k);
  for (const frame of frames) {
    const { x, y, wide, high } = midway(frame, t);
    ctx.globalAlpha = Math.min(1, frame.old ? (frame.new ? 1 : 1 - t) : t);
    rounded(ctx, x, y, wide, high, 8);
    ctx.fillStyle = colour(`cluster${frame.depth % 3}`);
    ctx.fill();
    ctx.strokeStyle = colour("frame");
    ctx.lineWidth = 1;
    ctx.stroke();
    if (camera.k >= LEGIBLE) paintTitle(ctx, scene, frame.scope, x, y, wide, `cluster${frame.depth % 3}`);
  }
  const count = { boxes: 0, wires: 0, words: 0 };
  paintAllWires(ctx, scene, from, rect, Math.max(0, 1 - 2 * t), count);
  paintAllWires(ctx, scene, to, rect, Math.max(0, 2 * t - 1), count);
  for (const item of items) {
    const { x, y, wide, high } = midway(item, t);
    if (x > rect.right || x + wide < rect.left || y > rect.bottom || y + high < rect.top) continue;
    const same = item.old && item.new && item.same;
    if (item.old && !same) paintSprite(ctx, scene, item.old, x, y, 1 - t, count);
    if (item.new) paintSprite(ctx, scene, item.new, x, y, same ? 1 : t, count);
  }
  ctx.globalAlpha = 1;
  return count;
}

function midway({ start, end }, t) {
  const mix = (key) => start[key] + (end[key] - start[key]) * t;
  return { x: mix("x"), y: mix("y"), wide: mix("width"), high: mix("height") };
}

function paintSprite(ctx, scene, held, x, y, alpha, count) {
  const still = { ...held, inner: null, open: 0, width: held.item.width, height: held.item.height };
  paintItem(ctx, scene, still, x, y, 0, count, [], null, alpha);
}

function paintAllWires(ctx, scene, placed, rect, alpha, count) {
  if (alpha <= 0) return;
  const go = (inner, x, y, depth) => {
    paintWires(ctx, scene, inner, rect, x, y, depth, count, alpha);
    for (const held of inner.items) if (held.inner) go(held.inner, x + held.x + held.shift, y + held.y, depth + 1);
  };
  go(placed, 0, 0, 0);
}
