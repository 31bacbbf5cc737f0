// Where everything stands for a set of open scopes: sums of what was laid out in Python.
//
// Each scope comes with rows, the middle of each item in its row, and the place of each wire in
// each row that it passes (render/page_layout.py). An open item makes its row higher, and spreads
// the columns that it covers; what stands beside and below moves, and its order never changes.

import { cutRows, fold } from "./columns.js";
import { sharedRows } from "./shared.js";
import { gapHeights } from "./ways.js";

export const HEAD = 24;
const PAD = 16;
const EDGE = 13;

/** The place of a scope: items and rows relative to its top left corner.
 *
 * `openness` says how far a scope is open, 0 to 1; `cuts` which rows begin a column.
 */
export function place(page, index, openness, cuts = cutRows) {
  const scope = page.scopes[index];
  const items = scope.items.map((item) => placeItem(page, item, openness, cuts));
  return settle(scope, items, stackRows(scope, items), cuts);
}

/** Two states of one scope, as high as each other, what they share at equal heights. */
export function placePair(page, indices, openness, shared) {
  const scopes = indices.map((index) => page.scopes[index]);
  const partner = new Map();
  const inner = scopes.map((scope) => new Map(
    scope.items.filter((item) => item.scope >= 0).map((item) => [page.scopes[item.scope].path, item]),
  ));
  for (const [path, item] of inner[0]) {
    const other = inner[1].get(path);
    if (!other || openness(path) === 0) continue;
    const pair = placePair(page, [item.scope, other.scope], openness, shared);
    partner.set(item, pair[0]);
    partner.set(other, pair[1]);
  }
  const items = scopes.map((scope) => scope.items.map((item) => placeItem(page, item, openness, uncut, partner.get(item))));
  const stacks = stackTogether(scopes, items, sharedRows(page, scopes, shared));
  return scopes.map((scope, side) => settle(scope, items[side], stacks[side], uncut));
}

/** Side by side, equal things stand at equal heights, and that takes one column. */
const uncut = () => [0];

/** Put items into their rows, and the rows into columns. */
function settle(scope, items, { at, items: byRow, height }, cuts) {
  const across = spread(scope, items);
  for (const held of items) {
    const { item } = held;
    held.x = PAD + (across(item.x - item.width / 2) + across(item.x + item.width / 2) - held.width) / 2;
  }
  const width = across(scope.width) + 2 * PAD;
  const placed = { scope, items, rows: at, byRow, width, height, ways: null, columns: [] };
  const inOne = (x) => PAD + across(x);
  fold(placed, inOne, cuts(scope, at, width, height));
  for (const held of items) {
    const row = at[held.item.row];
    held.x += row.x;
    held.y = row.y + (row.height - held.height) / 2;
  }
  /** Where a wire or port is in a row, by where it is when everything is closed. */
  placed.across = (row, x) => inOne(x) + (at[Math.min(Math.max(row, 0), at.length - 1)]?.x ?? 0);
  return placed;
}

/** An item, closed, open, or on the way between the two. */
function placeItem(page, item, openness, cuts, inner = null) {
  const held = { item, x: 0, y: 0, width: item.width, height: item.height, inner: null, open: 0, shift: 0 };
  const open = item.scope < 0 ? 0 : openness(page.scopes[item.scope].path);
  if (open > 0) {
    held.open = open;
    held.inner = inner ?? place(page, item.scope, openness, cuts);
    held.shift = Math.max(0, (item.width - held.inner.width) / 2);
    held.width += (Math.max(held.inner.width, item.width) - item.width) * open;
    held.height += (held.inner.height - item.height) * open;
  }
  return held;
}

/** How x changes: every column is as wide as the widest open item that covers it needs. */
function spread(scope, items) {
  const wider = items.filter((held) => held.width > held.item.width);
  if (wider.length === 0) return (x) => x;
  const spans = wider.map(({ item, width }) => ({
    left: item.x - item.width / 2, right: item.x + item.width / 2,
    more: (width - item.width) / item.width,
  }));
  const stops = [...new Set(spans.flatMap((span) => [span.left, span.right]))].sort((a, b) => a - b);
  const sums = [0];
  const slopes = [];
  for (let i = 0; i + 1 < stops.length; i++) {
    let slope = 0;
    for (const span of spans) {
      if (span.left <= stops[i] && span.right >= stops[i + 1]) slope = Math.max(slope, span.more);
    }
    slopes.push(slope);
    sums.push(sums[i] + slope * (stops[i + 1] - stops[i]));
  }
  return (x) => {
    if (x <= stops[0]) return x;
    const last = stops.length - 1;
    if (x >= stops[last]) return x + sums[last];
    const i = firstBeyond(stops, x) - 1;
    return x + sums[i] + slopes[i] * (x - stops[i]);
  };
}

/** The index of the first number above x in a rising list. */
export function firstBeyond(numbers, x) {
  let low = 0;
  let high = numbers.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (numbers[middle] > x) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** The rows from top to bottom, each as high as its highest item. */
function stackRows(scope, items) {
  const rows = measureRows(scope, items);
  let { y } = rows;
  rows.heights.forEach((height, row) => {
    rows.at.push({ x: 0, y, height });
    y += height + rows.below(row);
  });
  return { at: rows.at, items: rows.items, height: y };
}

/** The items of each row and its height, where the first begins, and what is below each. */
function measureRows(scope, items) {
  const heights = new Array(scope.rows).fill(0);
  const inRow = heights.map(() => []);
  for (const held of items) {
    heights[held.item.row] = Math.max(heights[held.item.row], held.height);
    inRow[held.item.row].push(held);
  }
  const gaps = (scope.gaps ??= gapHeights(scope));
  const head = scope.path === "" ? 0 : HEAD;
  const y = head + (scope.top.length ? gaps[0] : head ? 4 : EDGE);
  const last = scope.rows - 1;
  const below = (row) => (row < last ? gaps[row + 1] : scope.bottom.length ? gaps[scope.rows] : EDGE);
  return { heights, items: inRow, y: scope.rows ? y : y + EDGE, below, at: [] };
}

/** The rows of two scopes, those that are shared at one height. */
function stackTogether(scopes, items, pairs) {
  const sides = scopes.map((scope, side) => ({ ...measureRows(scope, items[side]), row: 0 }));
  const advance = (held, to) => {
    for (; held.row < to; held.row++) {
      const height = held.heights[held.row];
      held.at.push({ x: 0, y: held.y, height });
      held.y += height + held.below(held.row);
    }
  };
  for (const rows of [...pairs, sides.map((held) => held.heights.length)]) {
    sides.forEach((held, side) => advance(held, rows[side]));
    const y = Math.max(...sides.map((held) => held.y));
    const high = Math.max(...sides.map((held, side) => held.heights[rows[side]] ?? 0));
    sides.forEach((held, side) => {
      held.y = y;
      if (rows[side] < held.heights.length) held.heights[rows[side]] = high;
    });
  }
  return sides.map((held) => ({ at: held.at, items: held.items, height: held.y }));
}

/** Visit what is inside a rectangle: frames and items, outer ones first, with absolute places. */
export function visit(placed, rect, x, y, depth, seen) {
  const { byRow } = placed;
  for (const row of rowsWithin(placed, rect, x, y)) {
    for (const held of byRow[row]) {
      const left = x + held.x;
      const top = y + held.y;
      if (left > rect.right || left + held.width < rect.left) continue;
      if (top > rect.bottom || top + held.height < rect.top) continue;
      if (seen(held, left, top, depth) && held.inner) {
        visit(held.inner, rect, left + held.shift, top, depth + 1, seen);
      }
    }
  }
}

/** The rows that are in a rectangle, at least in part. */
function* rowsWithin({ rows, columns }, rect, x, y) {
  for (const { first, last, left, right } of columns) {
    if (x + left > rect.right || x + right < rect.left) continue;
    let low = first;
    let high = last;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (rows[middle].y + rows[middle].height >= rect.top - y) high = middle;
      else low = middle + 1;
    }
    for (let row = low; row < last && rows[row].y + y <= rect.bottom; row++) yield row;
  }
}

/** The absolute place of an item, by its chain of scopes; null where one of them is closed. */
export function whereIs(root, chain, item) {
  let placed = root;
  let x = 0;
  let y = 0;
  for (const scope of chain.slice(1)) {
    const held = placed.items.find((each) => each.item.scope === scope.index);
    if (!held) return null;
    x += held.x + held.shift;
    y += held.y;
    if (!held.inner) return { x, y, width: held.width, height: held.height, held, inside: false };
    placed = held.inner;
  }
  const held = placed.items[item.index];
  return { x: x + held.x, y: y + held.y, width: held.width, height: held.height, held, inside: true };
}
