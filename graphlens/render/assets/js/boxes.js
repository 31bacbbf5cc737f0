// Nodes on the canvas: a line for each, names of values, rings around what is marked.

import { edge, fill, FONT, LEGIBLE, rounded, ROW, TAG } from "./brush.js";

export function paintNodes(ctx, scene, held, left, top, count) {
  const { colour, camera, page } = scene;
  const { width, item } = held;
  const entries = item.entries.map((index) => page.entries[index]);
  const legible = camera.k >= LEGIBLE;
  const ends = entries[0].kind === "input" || entries[0].kind === "output";
  const group = entries[0].kind === "group";
  const radius = ends ? Math.min(12, held.height / 2) : group ? 9 : 5;
  if (!legible && held.height * camera.k < 4) {
    ctx.fillStyle = colour(scene.overlay.tint(entries[0]) ?? edge(entries[0].rows[0].style));
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
    const tint = scene.overlay.tint(entry);
    const said = scene.overlay.said(entry);
    entry.rows.forEach((line, index) => {
      const shown = said === null ? line : { ...line, note: index === 0 ? said : "" };
      if (!ends) paintLine(ctx, scene, shown, left, y, width, legible, y > top, tint);
      else if (legible) paintWords(ctx, scene, shown, left, y, width);
      y += ROW;
    });
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

function paintLine(ctx, scene, line, left, top, width, legible, ruled, tint) {
  const { colour } = scene;
  ctx.fillStyle = colour(tint ?? fill(line.style));
  ctx.fillRect(left, top, width, ROW);
  ctx.fillStyle = colour(edge(line.style));
  ctx.fillRect(left + 4, top + 4, 3, ROW - 8);
  if (!legible) return;
  if (ruled) {
    ctx.fillStyle = colour("paper");
    ctx.fillRect(left, top - 0.5, width, 1);
  }
  paintWords(ctx, scene, line, left + 3, top, width - 3, tint && "ink");
}

/** The words of a line; `plain` is the colour of all of them where the line is tinted.
 *
 * Boxes are as wide as Helvetica asks; in a wider font the whole line is drawn narrower.
 */
function paintWords(ctx, scene, line, left, top, width, plain = null) {
  const { colour } = scene;
  const base = top + 13;
  const bold = line.style !== "more";
  const name = `${bold ? 600 : 400} 11px ${FONT}`;
  const fine = `10px ${FONT}`;
  const long = (text, font, gap) => {
    if (!text) return 0;
    ctx.font = font;
    return ctx.measureText(text).width + gap;
  };
  const taken = long(line.text, name, 0);
  const said = long(line.detail, fine, 6);
  const noted = long(line.note, fine, 6);
  const scale = Math.min(1, (width - 18) / Math.max(1, taken + said + noted));
  const write = (text, font, tone, x, room) => {
    ctx.font = font;
    ctx.fillStyle = colour(tone);
    ctx.fillText(text, x, base, Math.max(1, room * scale));
  };
  if (line.text) write(line.text, name, bold ? "ink" : plain ?? "soft", left + 9, taken);
  if (line.detail) write(line.detail, fine, plain ?? "soft", left + 9 + (taken + 6) * scale, said - 6);
  if (!line.note) return;
  ctx.textAlign = "right";
  write(line.note, fine, plain ?? "faint", left + width - 9, noted - 6);
  ctx.textAlign = "left";
}

export function paintTags(ctx, scene, tags, left, top) {
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
export function paintRing(ctx, scene, thing, left, top, width, height, radius) {
  const mark = scene.marked(thing);
  if (!mark) return;
  const wide = Math.max(2, 2 / scene.camera.k);
  ctx.lineWidth = wide * (mark === "selected" || mark === "matched" ? 1.4 : mark === "fresh" ? 0.7 : 1);
  ctx.strokeStyle = scene.colour(RINGS[mark]);
  const out = ctx.lineWidth / 2 + 0.5;
  rounded(ctx, left - out, top - out, width + 2 * out, height + 2 * out, radius + out);
  ctx.stroke();
}

const RINGS = { selected: "focus", found: "changed", alike: "focus", hover: "strong", matched: "changed", fresh: "added", alive: "focus" };
