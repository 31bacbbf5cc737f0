// What nodes are coloured by instead of their kind: the measure that is chosen, its scale, its legend.

import { edge } from "./brush.js";
import { readScript } from "./data.js";
import { bytes, count, figure, seconds } from "./words.js";

const STEPS = 7;
const KINDS = 8;
const STRIP = 48;
const SAID = { count, size: bytes, seconds, number: figure };

/** One measure: of each node an amount, or the number of its sort. */
class Measure {
  constructor([name, title, unit, values, sorts]) {
    Object.assign(this, { name, title, unit, values, sorts });
    this.sums = new Map();
  }

  /** What all nodes in a scope cost, at any depth; null if that of none is known. */
  sum(page, scope) {
    if (!this.sums.has(scope)) {
      let total = null;
      for (const index of entriesIn(page, scope)) {
        if (this.values[index] !== null) total = (total ?? 0) + this.values[index];
      }
      this.sums.set(scope, total);
    }
    return this.sums.get(scope);
  }

  said(amount) {
    return amount === null || amount === undefined ? "" : this.unit ? SAID[this.unit](amount) : this.sorts[amount];
  }
}

/** The numbers of all nodes in a scope, at any depth, in order. */
function entriesIn(page, scope) {
  scope.held ??= scope.raw.items.flatMap(([held]) => (typeof held === "number" ? entriesIn(page, page.scopes[held]) : held));
  return scope.held;
}

export class Overlay {
  constructor(app) {
    this.app = app;
    this.chosen = null;
    this.scale = null;
  }

  /** All measures; they are read when first asked for. */
  get measures() {
    return (this.read ??= readScript("overlays-data").map((fields) => new Measure(fields)));
  }

  /** Colour by a measure, or by the kind of operation where there is none of that name. */
  choose(name) {
    this.chosen = name ? this.measures.find((each) => each.name === name) ?? null : null;
    this.scale = null;
    const { app } = this;
    app.tell("colours");
    app.outline?.render();
    app.redraw();
  }

  /** What a node costs: the title of each measure and what it says. */
  of(entry) {
    return this.measures.filter(({ unit, values }) => unit && values[entry.index] !== null)
      .map((each) => [each.title, each.said(each.values[entry.index])]);
  }

  // -- the scale --------------------------------------------------------------------------

  /** Work out what the colours mean for what is shown now, where that changed. */
  measure() {
    const { app, chosen, scale } = this;
    const placed = app.panes.map((view) => view.placed);
    if (!chosen || (scale && placed.every((each, side) => each === scale.placed[side]))) return;
    const roots = app.panes.map((view) => app.page.scopes[view.state.root]);
    this.scale = { placed, ...(chosen.unit ? this.amounts(placed, roots) : this.sorts(roots)) };
    app.tell("scale");
  }

  amounts(placed, roots) {
    const { app: { page }, chosen } = this;
    let most = 0;
    let least = 0;
    const take = (amount) => {
      most = Math.max(most, amount ?? 0);
      least = Math.min(least, amount ?? 0);
    };
    const go = (inner) => {
      for (const held of inner.items) {
        const { scope, entries } = held.item;
        if (held.inner) go(held.inner);
        else if (scope >= 0) take(chosen.sum(page, page.scopes[scope]));
        else entries.forEach((index) => take(chosen.values[index]));
      }
    };
    placed.forEach(go);
    return { least, most: most || (least ? 0 : 1), total: chosen.sum(page, roots.at(-1)) ?? 0 };
  }

  sorts(roots) {
    const { app: { page }, chosen } = this;
    const counts = new Map();
    for (const index of roots.flatMap((root) => entriesIn(page, root))) {
      const sort = chosen.values[index];
      if (sort !== null) counts.set(sort, (counts.get(sort) ?? 0) + 1);
    }
    const ordered = [...counts].sort((a, b) => b[1] - a[1] || a[0] - b[0]);
    const tints = new Map(ordered.map(([sort], index) => [sort, `sort${Math.min(index, KINDS - 1)}`]));
    return { ordered, tints };
  }

  // -- colours ----------------------------------------------------------------------------

  /** The word of the colour of an amount or sort, or null. */
  word(amount, most = this.scale?.most, least = this.scale?.least) {
    const { chosen, scale } = this;
    if (amount === null || amount === undefined || !scale) return null;
    if (!chosen.unit) return scale.tints.get(amount) ?? null;
    return `heat${Math.max(0, Math.min(STEPS - 1, Math.floor((STEPS * (amount - least)) / (most - least || 1))))}`;
  }

  /** The word of the inside of a node, or null where nothing is chosen or known. */
  tint(entry) {
    return this.chosen ? this.word(this.chosen.values[entry.index]) : null;
  }

  /** The same of a closed scope: of its sum, or of the sort of all that is in it. */
  tintScope(scope) {
    const { chosen, app: { page } } = this;
    if (!chosen) return null;
    if (chosen.unit) return this.word(chosen.sum(page, scope));
    const [first, ...others] = new Set(entriesIn(page, scope).map((index) => chosen.values[index]).filter((sort) => sort !== null));
    return others.length ? null : this.word(first);
  }

  /** What is written on a node, ``''`` where nothing is known; null where nothing is chosen. */
  said(entry) {
    return this.chosen && this.chosen.unit ? this.chosen.said(this.chosen.values[entry.index]) : null;
  }

  saidScope(scope) {
    return this.chosen && this.chosen.unit ? this.chosen.said(this.chosen.sum(this.app.page, scope)) : null;
  }

  /** The words of the colours of what is in a scope, in order of execution.
   *
   * Amounts are those of the scope alone, for all of them are little beside its sum; where all is
   * of one sort, the kinds of operations say more.
   */
  strip(scope) {
    const { chosen, app: { page } } = this;
    if (!chosen || (!chosen.unit && this.tintScope(scope))) return scope.strip.map(edge);
    const held = entriesIn(page, scope).map((index) => chosen.values[index]).filter((value) => value !== null);
    const step = Math.max(1, Math.ceil(held.length / STRIP));
    const most = chosen.unit ? held.reduce((a, b) => Math.max(a, b), 0) : 0;
    const least = chosen.unit ? held.reduce((a, b) => Math.min(a, b), 0) : 0;
    return held.filter((_, place) => place % step === 0).map((value) => this.word(value, most, least) ?? "module.fill");
  }
}
