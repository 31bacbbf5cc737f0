// What is open, selected and pointed at, in which panes; and everything that changes it.

import { isFresh, isScopeName, namesIn, pathOf, readPage, scopeName, valuesOf, wiresOf } from "./data.js";
import { alike } from "./alike.js";
import { between, snapshot } from "./change.js";
import { renderDetails } from "./details.js";
import { fromHash, toHash } from "./link.js";
import { Minimap } from "./minimap.js";
import { Overlay } from "./overlay.js";
import { Outline } from "./outline.js";
import { place, placePair } from "./place.js";
import { grab } from "./pointer.js";
import { View } from "./view.js";
import { step } from "./walk.js";

export const get = (id) => document.getElementById(id);
const MANY = 4000;

export class App {
  constructor() {
    this.page = readPage();
    this.open = new Set();
    this.selected = null;
    this.trail = [];
    this.pointed = [];
    this.marks = new Map();
    this.sought = [];
    this.firstState = this.page.states.length - 1;
    this.colours = {};
    this.dirty = false;
    this.listeners = [];
    this.colour = (word) => (this.colours[word] ??= this.resolve(word));
  }

  /** Read the address, make the panes and draw. */
  start() {
    const asked = fromHash(this, location.hash);
    this.open = asked.open;
    const state = this.page.states[asked.state ?? this.firstState];
    this.active = new View(this, get("picture"), state);
    this.panes = [this.active];
    this.overlay = new Overlay(this);
    this.minimap = new Minimap(this, get("minimap"));
    this.outline = new Outline(this, get("tree"));
    this.active.resize();
    this.arrange();
    this.overlay.choose(asked.color ?? this.page.color);
    if (asked.camera) this.active.camera = asked.camera;
    else this.active.begin();
    grab(this, this.active);
    this.outline.update();
    return asked;
  }

  /** Have a function called with what changed: ``'state'``, ``'selected'``, ``'pointed'``. */
  listen(called) {
    this.listeners.push(called);
  }

  tell(what) {
    for (const called of this.listeners) called(what);
  }

  // -- colours ----------------------------------------------------------------------------

  isDark() {
    const chosen = document.documentElement.dataset.theme;
    return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  }

  resolve(word) {
    const { palette } = this.page;
    const tone = palette[word] ?? palette[`other.${word.split(".")[1]}`] ?? palette.ink;
    return tone[this.isDark() ? 1 : 0];
  }

  toggleDark() {
    document.documentElement.dataset.theme = this.isDark() ? "light" : "dark";
    this.recolour();
  }

  recolour() {
    this.colours = {};
    this.outline.render();
    this.tell("colours");
    this.redraw();
  }

  /** Whether nothing is to move by itself. */
  still() {
    return matchMedia("(prefers-reduced-motion: reduce)").matches;
  }

  // -- drawing ----------------------------------------------------------------------------

  /** Draw before the next frame. */
  redraw() {
    if (this.dirty) return;
    this.dirty = true;
    requestAnimationFrame(() => this.frame());
  }

  frame() {
    this.dirty = false;
    this.overlay.measure();
    for (const view of this.panes) view.draw();
    this.minimap.draw(this.active);
  }

  /** A pane was moved: the other goes with it, and the address says where one is. */
  moved(view) {
    for (const other of this.panes) {
      if (other === view) continue;
      const { x, y, k } = view.camera;
      const aside = (other.placed.width - view.placed.width) / 2 + (view.width - other.width) / 2 / k;
      other.camera = { x: x + aside, y, k };
    }
    this.redraw();
    clearTimeout(this.linking);
    this.linking = setTimeout(() => this.link(), 250);
  }

  link() {
    history.replaceState(null, "", toHash(this));
  }

  resize() {
    for (const view of this.panes) view.resize();
    this.active.uncover();
    this.outline.render();
    this.tell("size");
    this.frame();
  }

  // -- open and closed --------------------------------------------------------------------

  /** Work out where everything stands in every pane. */
  arrange(openness = (path) => (this.open.has(path) ? 1 : 0)) {
    if (this.sought.length) for (const view of this.panes) this.markFound(view);
    const { page, panes } = this;
    if (panes.length === 1) {
      panes[0].placed = place(page, panes[0].state.root, openness);
      return;
    }
    const [one, other] = panes.map((view) => view.state.index);
    const shared = (name) => [...this.matched(name, other, one)];
    const placed = placePair(page, panes.map((view) => view.state.root), openness, shared);
    panes.forEach((view, side) => { view.placed = placed[side]; });
  }

  /** The names in another state that a node is. */
  matched(name, from, to) {
    this.pairs ??= new Map();
    const key = `${from} ${to} ${name}`;
    if (!this.pairs.has(key)) this.pairs.set(key, namesIn(this.page, [name], from, to));
    return this.pairs.get(key);
  }

  toggle(path) {
    const before = new Set(this.open);
    if (this.open.has(path)) this.open.delete(path);
    else this.open.add(path);
    this.rearrange(before, scopeName(path));
  }

  openAll(open) {
    this.open = new Set(open ? this.page.scopes.map((scope) => scope.path) : [""]);
    this.active.moving?.finish();
    this.arrange();
    this.outline.update();
    this.active.begin();
    this.moved(this.active);
  }

  /** Open and close scopes, what is under the anchor staying where it is on the screen. */
  rearrange(before, anchor) {
    const view = this.active;
    view.moving?.finish();
    const after = new Set(this.open);
    const keep = view.anchor(anchor);
    const openness = (t) => (path) => {
      const [was, is] = [before.has(path), after.has(path)];
      return was && is ? 1 : is ? t : was ? 1 - t : 0;
    };
    const step = (t) => {
      this.arrange(t < 1 ? openness(t) : undefined);
      keep();
      this.moved(view);
    };
    const old = view.placed;
    const still = this.still() || view.count.boxes > MANY;
    const from = still ? null : snapshot(view);
    step(1);
    this.outline.update();
    if (still) return;
    if (this.panes.length === 1 && columnsOf(old) !== columnsOf(view.placed)) {
      const sprites = between(this, view, from, view.state.index);
      view.animate((t) => {
        view.change = t < 1 ? { sprites, t } : null;
        this.redraw();
      });
    } else {
      view.animate(step);
    }
  }

  // -- selection --------------------------------------------------------------------------

  select(name, leave = true) {
    if (leave && this.selected !== null && name !== null && name !== this.selected) this.trail.push(this.selected);
    this.selected = name;
    this.light();
    renderDetails(this, get("details"));
    get("said").textContent = this.saying(name);
    this.outline.follow();
    this.tell("selected");
    this.moved(this.active);
  }

  /** What is selected, in few words, for who hears the page. */
  saying(name) {
    if (name === null) return "nothing selected";
    if (isScopeName(name)) return `${pathOf(name)}, ${this.open.has(pathOf(name)) ? "open" : "closed"}`;
    const entry = this.active.state.nodes.get(name)?.entry;
    return entry ? `${entry.rows.map((row) => `${row.text} ${row.detail}`).join(", ")}, ${name}, ${entry.shape}` : name;
  }

  /** Mark what a search found. */
  find(names) {
    this.sought = names;
    for (const view of this.panes) this.markFound(view);
    this.redraw();
  }

  /** What was found in a pane, or the closed scopes that hide it. */
  markFound(view) {
    view.found = new Set();
    if (view !== this.active) return;
    for (const name of this.sought) view.found.add(isScopeName(name) ? name : this.inSight(view.state, name));
  }

  /** Light the wires that bring to and take from what is selected, and what it is beside. */
  light() {
    for (const view of this.panes) {
      const { state } = view;
      view.lit = new Set();
      const kin = view === this.active || this.selected === null ? [] : [...this.matched(this.selected, this.active.state.index, state.index)];
      view.kin = new Set(kin.map((name) => this.inSight(state, name)));
      const scope = view === this.active && isScopeName(this.selected ?? "") && state.scopes.get(pathOf(this.selected))?.scope;
      view.alike = new Set(scope?.path ? alike(this, scope).map(scopeName) : []);
      const found = this.selected !== null && state.nodes.get(this.selected);
      if (!found) continue;
      for (const value of valuesOf(state, this.selected)) {
        for (const { wire } of wiresOf(state, value)) view.lit.add(wire);
      }
      const { chain, item } = found;
      if (this.page.entries[item.entries[0]].name !== this.selected) continue;
      for (const wire of chain.at(-1).wires) {
        if (wire.head !== item.index) continue;
        for (const value of wire.values) this.lightInto(view, value, chain, item);
      }
    }
  }

  /** Light a tensor's way to one of its readers alone. */
  lightInto(view, value, chain, item) {
    for (const { scope, wire } of wiresOf(view.state, value)) {
      const level = chain.indexOf(scope);
      const leads = level < 0 ? wire.head < 0
        : level === chain.length - 1 ? wire.head === item.index
          : scope.items[wire.head]?.scope === chain[level + 1].index;
      if (leads) view.lit.add(wire);
    }
  }

  /** The nodes that read what a node gives. */
  readersOf(state, name) {
    const found = new Set();
    for (const value of valuesOf(state, name)) {
      for (const { scope, wire } of wiresOf(state, value)) {
        const item = scope.items[wire.head];
        if (item && item.scope < 0) found.add(this.page.entries[item.entries[0]].name);
      }
    }
    return [...found];
  }

  /** Select a node or scope, open what is around it, and show it. */
  goTo(name, leave = true) {
    const { state } = this.active;
    const chain = isScopeName(name) ? state.scopes.get(pathOf(name))?.chain.slice(0, -1) : state.nodes.get(name)?.chain;
    const before = this.open.size;
    for (const scope of chain ?? []) this.open.add(scope.path);
    if (this.open.size !== before) {
      this.active.moving?.finish();
      this.arrange();
      this.outline.update();
    }
    this.select(name, leave);
    this.resize();  // the panel of details may have opened
    this.active.show(name);
  }

  /** Go back to what was selected before. */
  back() {
    const name = this.trail.pop();
    if (name === undefined) return;
    this.goTo(name, false);
  }

  walk(key) {
    const to = step(this, this.selected, key);
    if (to === null) return;
    this.select(to);
    this.active.show(to);
  }

  // -- marks ------------------------------------------------------------------------------

  /** Point at nodes of a pane: they are marked there, and what they are in the other pane. */
  point(names, view = this.active) {
    if (names.length === this.pointed.length && names.every((name, index) => name === this.pointed[index])) return;
    this.pointed = names;
    this.marks = new Map();
    for (const pane of this.panes) {
      const marks = new Map();
      for (const name of names) {
        const kin = pane === view || isScopeName(name) ? [name] : this.matched(name, view.state.index, pane.state.index);
        for (const each of kin) marks.set(this.inSight(pane.state, each), pane === view ? "hover" : "matched");
      }
      this.marks.set(pane.state.index, marks);
    }
    this.tell("pointed");
    this.redraw();
  }

  /** A node, or the outermost closed scope that hides it. */
  inSight(state, name) {
    const closed = state.nodes.get(name)?.chain.find((scope) => scope.path !== "" && !this.open.has(scope.path));
    return closed ? scopeName(closed.path) : name;
  }

  /** What the last pass made or changed, and the closed scopes that hide it. */
  fresh(state) {
    if (!state.fresh) {
      const names = [...state.nodes.keys()].filter((name) => isFresh(this.page, state, name));
      state.fresh = { names, of: null, seen: null };
    }
    const { fresh } = state;
    const key = this.open.size + [...this.open].length;
    if (fresh.of !== this.open || fresh.size !== key) {
      fresh.seen = new Set(fresh.names.map((name) => this.inSight(state, name)));
      fresh.of = this.open;
      fresh.size = key;
    }
    return fresh.seen;
  }
}

/** Where the columns of a picture and of what is open in it begin. */
function columnsOf(placed) {
  const inner = placed.items.map((held) => (held.inner ? columnsOf(held.inner) : ""));
  return `${placed.columns.map((column) => column.first)}(${inner.join("")})`;
}
