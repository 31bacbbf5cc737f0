// The picture on a canvas: only what is on the screen, and words only where they can be read.

import { HEAD, firstRow, visit, waysOf } from "./place.js";
import { shown } from "./camera.js";

const ROW = 18.5;
const TAG = 14.5;
const SUMMARY = 13.5;
const STRIP = 12;
const LEGIBLE = 0.5;
const TINY = 12;
const FAINT = 0.05;
export const FONT = "Helvetica, Arial, 'Liberation Sans', 'DejaVu Sans', sans-serif";

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

// -- scopes ------------------------------------------------------------------------------------

function paintScope(ctx, scene, held, left, top, depth, count, labels, paintInside, alpha) {
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
  const strip = inner.strip.length ? inner.strip : ["module"];
  const shown = strip.slice(0, Math.max(1, Math.round((held.height * scene.camera.k) / 3)));
  shown.forEach((style, index) => {
    ctx.fillStyle = scene.colour(edge(style));
    ctx.fillRect(left, top + (held.height * index) / shown.length, held.width, held.height / shown.length);
  });
}

function paintTitle(ctx, scene, inner, left, top, width, tone) {
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
  ctx.fillStyle = colour("module.fill");
  ctx.fill();
  ctx.lineWidth = 1.5;
  ctx.strokeStyle = colour("module.edge");
  ctx.stroke();
  let y = top + tags.length * TAG;
  if (camera.k < LEGIBLE) {
    if (width * camera.k > 24) paintStrip(ctx, scene, inner.strip, left + 12, y + ROW + SUMMARY, width - 24);
    return;
  }
  paintTags(ctx, scene, tags, left, top);
  chevron(ctx, scene, left + 12, y + 10, false);
  const [name, kind] = splitLabel(inner.label);
  ctx.textAlign = "right";
  ctx.font = `10px ${FONT}`;
  ctx.fillStyle = colour("faint");
  ctx.fillText(inner.note, left + width - 9, y + 13);
  const noted = inner.note ? ctx.measureText(inner.note).width + 8 : 0;
  ctx.textAlign = "left";
  ctx.font = `600 11px ${FONT}`;
  ctx.fillStyle = colour("ink");
  const room = width - 32 - noted;
  const said = cut(ctx, name, room);
  ctx.fillText(said, left + 20, y + 13);
  const used = ctx.measureText(said).width + 6;
  ctx.font = `10px ${FONT}`;
  ctx.fillStyle = colour("soft");
  if (kind && room - used > 24) ctx.fillText(cut(ctx, kind, room - used), left + 20 + used, y + 13);
  y += ROW;
  ctx.fillStyle = colour("soft");
  ctx.fillText(inner.ops === 1 ? "1 operation" : `${inner.ops.toLocaleString("en")} operations`, left + 12, y + 8.5);
  paintStrip(ctx, scene, inner.strip, left + 12, y + SUMMARY, width - 21);
  count.words += 2;
}

/** What a closed scope holds, as a strip of colours in order of execution. */
function paintStrip(ctx, scene, strip, left, top, width) {
  const step = Math.min(7, width / Math.max(1, strip.length));
  strip.forEach((style, index) => {
    ctx.fillStyle = scene.colour(edge(style));
    ctx.fillRect(left + index * step, top + 1, step - (step > 3 ? 1 : 0), 6);
  });
}

/** The names of scopes over what is too small to be read, as on a map. */
function paintLabels(ctx, scene, labels) {
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

// -- nodes -------------------------------------------------------------------------------------

function paintNodes(ctx, scene, held, left, top, count) {
  const { colour, camera, page } = scene;
  const { width, item } = held;
  const entries = item.entries.map((index) => page.entries[index]);
  const legible = camera.k >= LEGIBLE;
  const ends = entries[0].kind === "input" || entries[0].kind === "output";
  const group = entries[0].kind === "group";
  const radius = ends ? Math.min(12, held.height / 2) : group ? 9 : 5;
  if (!legible && held.height * camera.k < 4) {
    ctx.fillStyle = colour(edge(entries[0].rows[0].style));
    ctx.fillRect(left, top, width, held.height);
    return;
  }
  ctx.save();
  rounded(ctx, left, top, width, held.height, radius);
  ctx.fillStyle = colour(ends ? `${entries[0].kind}.fill` : "paper");
  ctx.fill();
  ctx.clip();
  let y = top;
  if (item.tags.length) {
    if (legible) paintTags(ctx, scene, item.tags, left, top);
    y += item.tags.length * TAG;
  }
  if (ends) y += 2;
  const marks = [];
  for (const entry of entries) {
    const from = y;
    for (const line of entry.rows) {
      if (!ends) paintLine(ctx, scene, line, left, y, width, legible, y > top);
      else if (legible) paintWords(ctx, scene, line, left, y, width);
      y += ROW;
    }
    marks.push({ entry, from, to: y });
    count.words += legible ? entry.rows.length : 0;
  }
  ctx.restore();
  rounded(ctx, left, top, width, held.height, radius);
  ctx.lineWidth = group || ends ? 1.6 : 1;
  ctx.strokeStyle = colour(group ? "strong" : edge(entries[0].rows[0].style));
  ctx.stroke();
  for (const { entry, from, to } of marks) {
    const first = entry === entries[0] ? top : from;
    paintRing(ctx, scene, entry, left, first, width, to - first + (ends ? 2 : 0), radius);
  }
}

function paintLine(ctx, scene, line, left, top, width, legible, ruled) {
  const { colour } = scene;
  ctx.fillStyle = colour(fill(line.style));
  ctx.fillRect(left, top, width, ROW);
  ctx.fillStyle = colour(edge(line.style));
  ctx.fillRect(left + 4, top + 4, 3, ROW - 8);
  if (!legible) return;
  if (ruled) {
    ctx.fillStyle = colour("paper");
    ctx.fillRect(left, top - 0.5, width, 1);
  }
  paintWords(ctx, scene, line, left + 3, top, width - 3);
}

function paintWords(ctx, scene, line, left, top, width) {
  const { colour } = scene;
  const base = top + 13;
  const bold = line.style !== "more";
  ctx.font = `${bold ? 600 : 400} 11px ${FONT}`;
  ctx.fillStyle = colour(bold ? "ink" : "soft");
  ctx.fillText(line.text, left + 9, base);
  const used = line.detail || line.note ? ctx.measureText(line.text).width : 0;
  ctx.font = `10px ${FONT}`;
  if (line.note) {
    ctx.fillStyle = colour("faint");
    ctx.textAlign = "right";
    ctx.fillText(line.note, left + width - 9, base);
    ctx.textAlign = "left";
  }
  if (!line.detail) return;
  ctx.fillStyle = colour("soft");
  const noted = line.note ? ctx.measureText(line.note).width + 6 : 0;
  ctx.fillText(cut(ctx, line.detail, width - 24 - used - noted), left + 15 + used, base);
}

function paintTags(ctx, scene, tags, left, top) {
  const { colour } = scene;
  tags.forEach((tag, index) => {
    const y = top + index * TAG;
    ctx.fillStyle = colour("line");
    ctx.beginPath();
    ctx.moveTo(left + 9, y + 4.5);
    ctx.lineTo(left + 14, y + 7.5);
    ctx.lineTo(left + 9, y + 10.5);
    ctx.fill();
    ctx.font = `italic 10px ${FONT}`;
    ctx.fillStyle = colour("soft");
    ctx.fillText(tag, left + 18, y + 11);
  });
}

/** A ring around what is selected, pointed at, found, or matched in the other pane. */
function paintRing(ctx, scene, thing, left, top, width, height, radius) {
  const mark = scene.marked(thing);
  if (!mark) return;
  const wide = Math.max(2, 2 / scene.camera.k);
  ctx.lineWidth = wide * (mark === "selected" || mark === "matched" ? 1.4 : mark === "fresh" ? 0.7 : 1);
  ctx.strokeStyle = scene.colour(RINGS[mark]);
  const out = ctx.lineWidth / 2 + 0.5;
  rounded(ctx, left - out, top - out, width + 2 * out, height + 2 * out, radius + out);
  ctx.stroke();
}

const RINGS = { selected: "focus", hover: "strong", matched: "changed", fresh: "added", alive: "focus" };

// -- wires -------------------------------------------------------------------------------------

function paintWires(ctx, scene, placed, rect, x, y, depth, count, alpha) {
  const { rows } = placed;
  if (rows.length === 0 || scene.camera.k < FAINT) return;
  const first = firstRow(rows, rect.top - y) - 1;
  const marked = [];
  const bent = scene.camera.k > 0.15;
  ctx.globalAlpha = alpha;
  ctx.beginPath();
  const tips = [];
  for (const way of waysOf(placed)) {
    if (way.to < first) continue;
    if (way.from >= 0 && rows[way.from].y + y > rect.bottom) continue;
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

/** Add a way to the path: straight down within rows, bent in the gaps between them. */
function trace(ctx, way, x, y, rect, bent) {
  const { points } = way;
  for (let i = 0; i + 1 < points.length; i++) {
    const [a, b] = [points[i], points[i + 1]];
    if (Math.max(a.y, b.y) + y < rect.top || Math.min(a.y, b.y) + y > rect.bottom) continue;
    ctx.moveTo(x + a.x, y + a.y);
    if (a.x === b.x) {
      ctx.lineTo(x + b.x, y + b.y);
    } else if (!bent) {
      ctx.lineTo(x + b.x, y + b.y);
    } else {
      const bend = (b.y - a.y) * 0.5;
      ctx.bezierCurveTo(x + a.x, y + a.y + bend, x + b.x, y + b.y - bend, x + b.x, y + b.y);
    }
  }
}

function paintShapes(ctx, scene, placed, rect, x, y, tone) {
  ctx.font = `9.5px ${FONT}`;
  for (const { wire, points, from } of waysOf(placed)) {
    if (!wire.label) continue;
    const start = points[from >= 0 ? 1 : 0];
    const top = y + start.y + 11;
    if (top < rect.top || top - 12 > rect.bottom) continue;
    haloed(ctx, scene, wire.label, x + start.x + 5, top, "faint", tone);
  }
}

// -- small things ------------------------------------------------------------------------------

/** A text that is legible over lines. */
function haloed(ctx, scene, text, x, y, tone, paper) {
  ctx.lineJoin = "round";
  ctx.lineWidth = 4;
  ctx.strokeStyle = scene.colour(paper);
  ctx.strokeText(text, x, y);
  ctx.fillStyle = scene.colour(tone);
  ctx.fillText(text, x, y);
}

function rounded(ctx, x, y, width, height, radius) {
  ctx.beginPath();
  ctx.roundRect(x, y, width, height, Math.min(radius, width / 2, height / 2));
}

function chevron(ctx, scene, x, y, open) {
  ctx.beginPath();
  if (open) {
    ctx.moveTo(x - 3.5, y - 2);
    ctx.lineTo(x, y + 2);
    ctx.lineTo(x + 3.5, y - 2);
  } else {
    ctx.moveTo(x - 2, y - 3.5);
    ctx.lineTo(x + 2, y);
    ctx.lineTo(x - 2, y + 3.5);
  }
  ctx.lineWidth = 1.5;
  ctx.strokeStyle = scene.colour("module.edge");
  ctx.stroke();
}

/** The name and the class of a scope. */
export function splitLabel(label) {
  const at = label.indexOf(" · ");
  return at < 0 ? [label, ""] : [label.slice(0, at), label.slice(at + 3)];
}

/** As much of a text as there is room for. */
export function cut(ctx, text, room) {
  if (room <= 0) return "";
  if (text.length * 4 < room || ctx.measureText(text).width <= room) return text;
  let low = 0;
  let high = text.length;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (ctx.measureText(`${text.slice(0, middle)}…`).width <= room) low = middle;
    else high = middle - 1;
  }
  return low > 0 ? `${text.slice(0, low)}…` : "";
}

export const fill = (style) => `${style}.fill`;
export const edge = (style) => `${style}.edge`;
export { HEAD, ROW, TAG };
