// The ways of wires: within rows each keeps to its own place, between rows it bends.

import { lead } from "./columns.js";

const GAP = 27;

/** The height of each gap: more where a wire crosses far. */
export function gapHeights(scope) {
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
  const x0 = tail ? endOf(tail, wire.start, wire.tailPort, "bottom") : placed.across(0, scope.top[-1 - wire.tail]);
  const x1 = head ? endOf(head, wire.end, wire.headPort, "top") : placed.across(to, scope.bottom[-1 - wire.head]);
  const way = { wire, points: [{ x: x0, y: tail ? tail.y + tail.height : 0 }], led: [], arrow: Boolean(head) && !(head.open > 0.5) };
  const above = Math.max(0, (rows[0]?.y ?? 0) - 18);
  way.points.push({ x: x0, y: tail ? rows[from].y + rows[from].height : above });
  wire.between.forEach((inner, i) => {
    const row = from + 1 + i;
    const x = placed.across(row, inner);
    reach(placed, way, row - 1, row, { x, y: rows[row].y });
    way.points.push({ x, y: rows[row].y + rows[row].height });
  });
  reach(placed, way, to - 1, to, { x: x1, y: head ? rows[to].y : height - 4 });
  way.points.push({ x: x1, y: head ? head.y : height });
  const all = [...way.points, ...way.led.flat()];
  const [xs, ys] = [all.map((point) => point.x), all.map((point) => point.y)];
  way.box = { left: Math.min(...xs), right: Math.max(...xs), top: Math.min(...ys), bottom: Math.max(...ys) };
  return way;
}

/** From one row to the next: across the gap, or up the gutter where the next is in another column. */
function reach(placed, way, row, next, end) {
  const crossing = placed.columns.findIndex((column, index) => index > 0 && column.first === next && row >= 0);
  const start = way.points.at(-1);
  if (crossing > 0) {
    way.led.push(lead(placed, placed.columns[crossing], way.wire, start, end));
    way.points.push({ ...end, jump: true });
  } else {
    way.points.push(end);
  }
}

/** Where a wire meets an item: at the item's own port for it, where the item is open. */
function endOf(held, offset, port, side) {
  const closed = held.x + held.width / 2 + offset * Math.min(1, held.width / held.item.width);
  if (!held.inner || port < 0) return closed;
  const { scope, across, rows } = held.inner;
  const inside = side === "top" ? across(0, scope.top[port]) : across(rows.length, scope.bottom[port]);
  return closed + (held.x + held.shift + inside - closed) * held.open;
}
