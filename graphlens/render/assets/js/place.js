// Where everything stands for a set of open scopes: sums of what was laid out in Python.
//
// Each scope comes with rows, the middle of each item in its row, and the place of each wire in
// each row that it passes (render/page_layout.py). An open item makes its row higher, and spreads
// the columns that it covers; what stands beside and below moves, and its order never changes.

import { isScopeName, scopeName } from "./data.js";

export const HEAD = 24;
const PAD = 16;
const GAP = 27;
const EDGE = 13;

/** The place of a scope: items and rows relative to its top left corner. */
export function place(page, index, openness) {
  const scope = page.scopes[index];
  const items = scope.items.map((item) => placeItem(page, item, openness));
  return settle(scope, items, stackRows(scope, items));
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
  const items = scopes.map((scope) => scope.items.map((item) => placeItem(page, item, openness, partner.get(item))));
  const stacks = stackTogether(scopes, items, sharedRows(page, scopes, shared));
  return scopes.map((scope, side) => settle(scope, items[side], stacks[side]));
}

/** Put items into their rows and columns. */
function settle(scope, items, rows) {
  const across = spread(scope, items);
  for (const held of items) {
    const { item } = held;
    const row = rows.at[item.row];
    const middle = (across(item.x - item.width / 2) + across(item.x + item.width / 2)) / 2;
    held.x = PAD + middle - held.width / 2;
    held.y = row.y + (row.height - held.height) / 2;
  }
  const column = (x) => PAD + across(x);
  const width = across(scope.width) + 2 * PAD;
  return { scope, items, rows: rows.at, byRow: rows.items, width, height: rows.height, column, ways: null };
}

/** An item, closed, open, or on the way between the two. */
function placeItem(page, item, openness, inner = null) {
  const held = { item, x: 0, y: 0, width: item.width, height: item.height, inner: null, open: 0, shift: 0 };
  const open = item.scope < 0 ? 0 : openness(page.scopes[item.scope].path);
  if (open > 0) {
    held.open = open;
    held.inner = inner ?? place(page, item.scope, openness);
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
    rows.at.push({ y, height });
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
      held.at.push({ y: held.y, height });
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

/** Pairs of rows that hold the same, downward on both sides. */
function sharedRows(page, [one, other], shared) {
  const home = new Map();
  for (const item of one.items) for (const name of namesOf(page, item)) home.set(name, item.row);
  const pairs = [];
  const rows = [...other.items].sort((a, b) => a.row - b.row);
  for (const item of rows) {
    for (const name of namesOf(page, item)) {
      const row = isScopeName(name) ? home.get(name) : shared(name).map((held) => home.get(held)).find((held) => held !== undefined);
      if (row !== undefined) pairs.push([row, item.row]);
    }
  }
  return longestRise(pairs);
}

/** What stands at an item: nodes, or ``/path`` of a scope. */
function namesOf(page, item) {
  if (item.scope >= 0) return [scopeName(page.scopes[item.scope].path)];
  return item.entries.map((index) => page.entries[index].name);
}

/** The most pairs, sorted by their second numbers, that rise in both; by patience sorting. */
function longestRise(pairs) {
  const tails = [];
  const previous = new Map();
  const sorted = [...pairs].sort((a, b) => a[1] - b[1] || b[0] - a[0]);
  for (const pair of sorted) {
    let low = 0;
    let high = tails.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (tails[middle][0] < pair[0]) low = middle + 1;
      else high = middle;
    }
    previous.set(pair, tails[low - 1] ?? null);
    tails[low] = pair;
  }
  const found = [];
  for (let pair = tails.at(-1) ?? null; pair; pair = previous.get(pair)) found.unshift(pair);
  return found.filter((pair, index) => index === 0 || pair[1] > found[index - 1][1]);
}

/** The height of each gap: more where a wire crosses far. */
function gapHeights(scope) {
  const far = new Array(scope.rows + 1).fill(0);
  for (const wire of scope.wires) {
    const stops = wireStops(scope, wire);
    for (let i = 0; i + 1 < stops.length; i++) {
      const gap = stops[i].row + 1;
      if (gap in far) far[gap] = Math.max(far[gap], Math.abs(stops[i + 1].x - stops[i].x));
    }
  }
  return far.map((x, gap) => (gap === 0 || gap === scope.rows ? 18 : GAP) + Math.min(30, x / 12));
}

/** The rows that a wire touches with its place there, everything closed; row -1 is the top. */
function wireStops(scope, wire) {
  const [tail, head] = [scope.items[wire.tail], scope.items[wire.head]];
  const first = tail ? { row: tail.row, x: tail.x + wire.start } : { row: -1, x: scope.top[-1 - wire.tail] };
  const last = head
    ? { row: head.row, x: head.x + wire.end }
    : { row: scope.rows, x: scope.bottom[-1 - wire.head] };
  return [first, ...wire.between.map((x, i) => ({ row: first.row + 1 + i, x })), last];
}

/** The ways of a placed scope's wires: lists of points, and the first and last row of each. */
export function waysOf(placed) {
  placed.ways ??= placed.scope.wires.map((wire) => wayOf(placed, wire));
  return placed.ways;
}

function wayOf(placed, wire) {
  const { rows, items, scope, height } = placed;
  const tail = items[wire.tail];
  const head = items[wire.head];
  const from = tail ? tail.item.row : -1;
  const to = head ? head.item.row : rows.length;
  const x0 = tail ? endOf(tail, wire.start, wire.tailPort, "bottom") : placed.column(scope.top[-1 - wire.tail]);
  const x1 = head ? endOf(head, wire.end, wire.headPort, "top") : placed.column(scope.bottom[-1 - wire.head]);
  const points = [{ x: x0, y: tail ? tail.y + tail.height : 0 }];
  if (tail) points.push({ x: x0, y: rows[from].y + rows[from].height });
  else points.push({ x: x0, y: Math.max(0, (rows[0]?.y ?? 0) - 18) });
  wire.between.forEach((inner, i) => {
    const row = rows[from + 1 + i];
    const x = placed.column(inner);
    points.push({ x, y: row.y }, { x, y: row.y + row.height });
  });
  if (head) points.push({ x: x1, y: rows[to].y }, { x: x1, y: head.y });
  else points.push({ x: x1, y: height - 4 }, { x: x1, y: height });
  return { wire, points, from, to, arrow: Boolean(head) && !(head.open > 0.5) };
}

/** Where a wire meets an item: at the item's own port for it, where the item is open. */
function endOf(held, offset, port, side) {
  const closed = held.x + held.width / 2 + offset;
  if (!held.inner || port < 0) return closed;
  const ports = side === "top" ? held.inner.scope.top : held.inner.scope.bottom;
  const inside = held.x + held.shift + held.inner.column(ports[port]);
  return closed + (inside - closed) * held.open;
}

/** Visit what is inside a rectangle: frames and items, outer ones first, with absolute places. */
export function visit(placed, rect, x, y, depth, seen) {
  const { rows, byRow } = placed;
  const first = firstRow(rows, rect.top - y);
  for (let row = first; row < rows.length && rows[row].y + y <= rect.bottom; row++) {
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

/** The first row whose bottom is at or below y. */
export function firstRow(rows, y) {
  let low = 0;
  let high = rows.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (rows[middle].y + rows[middle].height >= y) high = middle;
    else low = middle + 1;
  }
  return low;
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
