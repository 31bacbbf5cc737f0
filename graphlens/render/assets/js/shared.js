// Which rows of two states of a scope hold the same.

import { isScopeName, scopeName } from "./data.js";

/** Pairs of rows that hold the same, downward on both sides. */
export function sharedRows(page, [one, other], shared) {
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

/** What stands at an item: nodes, or the name of a scope. */
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
