// A long scope in several columns, side by side, so that all of it can be seen at once.

const SHAPE = 1.6;
const TALL = 2.4;
const LONG = 1200;
const LONG_INSIDE = 1000;
const FEW = 3;
const GUTTER = 30;
const LANE = 6;
const AIR = 12;

/** The rows that begin a column, chosen for the shape of the whole where few wires are cut. */
export function cutRows(scope, rows, width, height) {
  const long = scope.path === "" ? LONG : LONG_INSIDE;
  if (height <= long || height <= TALL * width) return [0];
  const wanted = Math.max(2, Math.round(Math.sqrt((SHAPE * height) / width)));
  const each = height / wanted;
  const crossed = (scope.crossed ??= crossings(scope));
  const cuts = [0];
  let best = null;
  for (let row = 1; row < rows.length; row++) {
    const high = rows[row].y - rows[cuts.at(-1)].y;
    if (crossed[row].size <= FEW && high > each * 0.5) {
      const cost = Math.abs(high - each) + crossed[row].size * each * 0.08;
      if (best === null || cost <= best.cost) best = { row, cost };
    }
    if (best !== null && high > each * 1.2) {
      cuts.push(best.row);
      row = best.row;
      best = null;
    }
  }
  return cuts;
}

/** The tensors that cross the gap above each row. */
function crossings(scope) {
  const found = Array.from({ length: scope.rows + 1 }, () => new Set());
  for (const wire of scope.wires) {
    const from = scope.items[wire.tail]?.row ?? -1;
    const to = scope.items[wire.head]?.row ?? scope.rows;
    for (let row = Math.max(from + 1, 0); row <= to; row++) found[row].add(wire.value);
  }
  return found;
}

/** Put the rows of a placed scope into columns that begin at the cuts. */
export function fold(placed, inOne, cuts) {
  const { scope, rows } = placed;
  const ends = [...cuts.slice(1), rows.length];
  const columns = cuts.map((first, index) => ({ first, last: ends[index], left: 0, right: placed.width, lanes: null }));
  placed.columns = columns;
  if (columns.length < 2) return;
  const extents = extentsOf(placed, inOne, columns);
  const start = rows[0].y;
  const below = placed.height - rows.at(-1).y - rows.at(-1).height;
  const most = Math.max(...columns.slice(1).map(({ first }) => scope.crossed?.[first].size ?? FEW));
  const air = AIR + LANE * most;
  let x = 0;
  columns.forEach((column, index) => {
    const [low, high] = extents[index];
    const pad = index === 0 ? inOne(0) : 0;
    const shift = x + pad - low;
    const up = rows[column.first].y - start - air;
    for (let row = column.first; row < column.last; row++) {
      rows[row].x = shift;
      rows[row].y -= up;
    }
    column.left = x;
    column.bottom = rows[column.last - 1].y + rows[column.last - 1].height;
    column.right = x + pad + high - low;
    x = column.right + GUTTER + LANE * most;
  });
  columns.slice(1).forEach((column, index) => {
    const { right, bottom } = columns[index];
    const [gutter, low, high] = [right + GUTTER / 2, bottom + AIR / 2, start + air - AIR / 2];
    column.lanes = { gutter, low, high, most, taken: new Map() };
  });
  placed.width = columns.at(-1).right + inOne(0);
  placed.height = Math.max(...columns.map((column) => column.bottom)) + Math.max(below, air);
}

/** How far the items and wires of each column reach. */
function extentsOf({ scope, items }, inOne, columns) {
  const home = columns.flatMap(({ first, last }, index) => new Array(last - first).fill(index));
  const found = columns.map(() => [Infinity, -Infinity]);
  const reach = (row, low, high) => {
    const held = found[home[row]];
    if (!held) return;
    held[0] = Math.min(held[0], low);
    held[1] = Math.max(held[1], high);
  };
  for (const held of items) reach(held.item.row, held.x, held.x + held.width);
  for (const wire of scope.wires) {
    const from = scope.items[wire.tail]?.row ?? -1;
    wire.between.forEach((x, i) => reach(from + 1 + i, inOne(x) - 4, inOne(x) + 4));
  }
  return found;
}

/** From the bottom of a column, up the gutter, to the top of the next; one tensor has one lane. */
export function lead(placed, { lanes }, wire, start, end) {
  const { taken, most } = lanes;
  const key = `${Math.round(start.x)} ${wire.value}`;
  if (!taken.has(key)) taken.set(key, Math.min(taken.size, most - 1));
  const lane = taken.get(key);
  const [low, high] = [lanes.low + LANE * lane, lanes.high - LANE * (most - 1 - lane)];
  const gutter = lanes.gutter + LANE * lane;
  return [
    start, { x: start.x, y: low }, { x: gutter, y: low },
    { x: gutter, y: high }, { x: end.x, y: high }, end,
  ];
}
