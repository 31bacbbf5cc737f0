// Scopes on the canvas: open as frames, closed as boxes, far away as blocks and names on a map.

import { paintRing, paintTags } from "./boxes.js";
import { chevron, cut, edge, FONT, haloed, LEGIBLE, rounded, ROW, splitLabel, SUMMARY, TAG } from "./brush.js";

const TINY = 12;

export function paintScope(ctx, scene, held, left, top, depth, count, labels, paintInside, alpha) {
  const { colour, camera, page } = scene;
  const inner = page.scopes[held.item.scope];
  const { open } = held;
  if (held.height * camera.k < TINY || held.width * camera.k < TINY / 2) {
    ctx.globalAlpha = alpha;
    paintBlock(ctx, scene, held, inner, left, top);
    return;
  }
  if (open > 0) {
    ctx.globalAlpha = alpha;
    rounded(ctx, left, top, held.width, held.height, 8);
    ctx.fillStyle = colour(`cluster${depth % 3}`);
    ctx.fill();
    ctx.lineWidth = 1;
    ctx.strokeStyle = colour("frame");
    ctx.stroke();
    if (open < 1) {
      ctx.save();
      rounded(ctx, left, top, held.width, held.height, 8);
      ctx.clip();
    }
    paintInside(held.inner, left + held.shift, top, depth + 1, alpha * open);
    ctx.globalAlpha = alpha * open;
    labels.push({ scope: inner, left, top, width: held.width, height: held.height, depth });
    if (camera.k >= LEGIBLE) paintTitle(ctx, scene, inner, left, top, held.width, `cluster${depth % 3}`);
    if (open < 1) ctx.restore();
  }
  if (open < 1) {
    ctx.globalAlpha = alpha * (1 - open);
    const middle = left + (held.width - held.item.width) / 2;
    paintClosed(ctx, scene, held, inner, open > 0 ? middle : left, top, count);
  }
  ctx.globalAlpha = 1;
  paintRing(ctx, scene, { path: inner.path }, left, top, held.width, held.height, 8);
}

/** A scope that is too small for anything but its colours. */
function paintBlock(ctx, scene, held, inner, left, top) {
  const words = scene.overlay.strip(inner);
  const strip = words.length ? words : [edge("module")];
  const shown = strip.slice(0, Math.max(1, Math.round((held.height * scene.camera.k) / 3)));
  shown.forEach((word, index) => {
    ctx.fillStyle = scene.colour(word);
    ctx.fillRect(left, top + (held.height * index) / shown.length, held.width, held.height / shown.length);
  });
}

export function paintTitle(ctx, scene, inner, left, top, width, tone) {
  const [name, kind] = splitLabel(inner.label);
  ctx.font = `600 11px ${FONT}`;
  const room = width - 40;
  chevron(ctx, scene, left + 13, top + 13, true);
  const said = cut(ctx, name, room);
  haloed(ctx, scene, said, left + 22, top + 16.5, "soft", tone);
  if (!kind) return;
  const used = ctx.measureText(said).width + 28;
  ctx.font = `10px ${FONT}`;
  if (room - used > 20) haloed(ctx, scene, cut(ctx, kind, room - used), left + used, top + 16.5, "faint", tone);
}

function paintClosed(ctx, scene, held, inner, left, top, count) {
  const { colour, camera } = scene;
  const { width, height, tags } = held.item;
  rounded(ctx, left, top, width, height, 5);
  const tint = scene.overlay.tintScope(inner);
  const plain = tint && "ink";
  ctx.fillStyle = colour(tint ?? "module.fill");
  ctx.fill();
  ctx.lineWidth = 1.5;
  ctx.strokeStyle = colour("module.edge");
  ctx.stroke();
  let y = top + tags.length * TAG;
  if (camera.k < LEGIBLE) {
    if (width * camera.k > 24) paintStrip(ctx, scene, inner, left + 12, y + ROW + SUMMARY, width - 24);
    return;
  }
  paintTags(ctx, scene, tags, left, top);
  chevron(ctx, scene, left + 12, y + 10, false);
  const [name, kind] = splitLabel(inner.label);
  ctx.textAlign = "right";
  ctx.font = `10px ${FONT}`;
  ctx.fillStyle = colour(plain ?? "faint");
  const note = scene.overlay.saidScope(inner) ?? inner.note;
  ctx.fillText(note, left + width - 9, y + 13);
  const noted = note ? ctx.measureText(note).width + 8 : 0;
  ctx.textAlign = "left";
  ctx.font = `600 11px ${FONT}`;
  ctx.fillStyle = colour("ink");
  const room = width - 32 - noted;
  const said = cut(ctx, name, room);
  ctx.fillText(said, left + 20, y + 13);
  const used = ctx.measureText(said).width + 6;
  ctx.font = `10px ${FONT}`;
  ctx.fillStyle = colour(plain ?? "soft");
  if (kind && room - used > 24) ctx.fillText(cut(ctx, kind, room - used), left + 20 + used, y + 13);
  y += ROW;
  ctx.fillStyle = colour(plain ?? "soft");
  ctx.fillText(inner.ops === 1 ? "1 operation" : `${inner.ops.toLocaleString("en")} operations`, left + 12, y + 8.5);
  paintStrip(ctx, scene, inner, left + 12, y + SUMMARY, width - 21);
  count.words += 2;
}

/** What a closed scope holds, as a strip of colours in order of execution. */
function paintStrip(ctx, scene, inner, left, top, width) {
  const strip = scene.overlay.strip(inner);
  const step = Math.min(7, width / Math.max(1, strip.length));
  strip.forEach((word, index) => {
    ctx.fillStyle = scene.colour(word);
    ctx.fillRect(left + index * step, top + 1, step - (step > 3 ? 1 : 0), 6);
  });
}

/** The names of scopes over what is too small to be read, as on a map. */
export function paintLabels(ctx, scene, labels) {
  const { camera, ratio, colour } = scene;
  if (camera.k >= LEGIBLE) return;
  ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
  ctx.font = `600 11px ${FONT}`;
  const taken = [];
  for (const { scope, left, top, width, height } of labels) {
    const x = Math.max(4, (left - camera.x) * camera.k + 5);
    const y = Math.max(4, (top - camera.y) * camera.k + 4);
    const room = (left + width - camera.x) * camera.k - x - 5;
    const [name] = splitLabel(scope.label);
    const wide = ctx.measureText(name).width;
    if (wide > room || height * camera.k < 22) continue;
    if (taken.some((box) => x < box.x + box.width && box.x < x + wide && Math.abs(y - box.y) < 15)) continue;
    taken.push({ x, y, width: wide });
    ctx.globalAlpha = 0.85;
    ctx.fillStyle = colour("paper");
    rounded(ctx, x - 3, y, wide + 6, 15, 3);
    ctx.fill();
    ctx.globalAlpha = 1;
    ctx.fillStyle = colour("ink");
    ctx.fillText(name, x, y + 11.5);
  }
}
