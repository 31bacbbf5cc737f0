// Sizes, colours and small shapes that everything on the canvas is painted with.

export const ROW = 18.5;
export const TAG = 14.5;
export const SUMMARY = 13.5;
export const LEGIBLE = 0.5;
const WIDEST_LETTER = 11;
export const FONT = "Helvetica, Arial, 'Liberation Sans', 'DejaVu Sans', sans-serif";

/** A text that is legible over lines. */
export function haloed(ctx, scene, text, x, y, tone, paper) {
  ctx.lineJoin = "round";
  ctx.lineWidth = 4;
  ctx.strokeStyle = scene.colour(paper);
  ctx.strokeText(text, x, y);
  ctx.fillStyle = scene.colour(tone);
  ctx.fillText(text, x, y);
}

export function rounded(ctx, x, y, width, height, radius) {
  ctx.beginPath();
  ctx.roundRect(x, y, width, height, Math.min(radius, width / 2, height / 2));
}

export function chevron(ctx, scene, x, y, open) {
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
  if (text.length * WIDEST_LETTER <= room || ctx.measureText(text).width <= room) return text;
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
