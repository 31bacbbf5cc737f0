// The page: what is open, selected and found, and everything that changes it.

import { readPage } from "./data.js";
import { renderDetails } from "./details.js";
import { KEYS, listen } from "./keys.js";
import { fromHash, toHash } from "./link.js";
import { Minimap } from "./minimap.js";
import { Outline } from "./outline.js";
import { grab } from "./pointer.js";
import { find, renderHits } from "./search.js";
import { View } from "./view.js";
import { step } from "./walk.js";
import { html, render } from "lit";

const get = (id) => document.getElementById(id);

class App {
  constructor() {
    this.page = readPage();
    this.open = new Set();
    this.selected = null;
    this.pointed = null;
    this.marks = new Map();
    this.query = "";
    this.found = { hits: [], total: 0 };
    this.hit = 0;
    this.memoryShown = false;
    this.firstState = this.page.states.length - 1;
    this.colours = {};
    this.dirty = false;
    this.colour = (word) => (this.colours[word] ??= this.resolve(word));
  }

  start() {
    const asked = fromHash(this, location.hash);
    this.open = asked.open;
    const state = this.page.states[asked.state ?? this.firstState];
    const canvas = get("picture");
    this.active = new View(this, canvas, state);
    this.panes = [this.active];
    this.minimap = new Minimap(this, get("minimap"));
    this.outline = new Outline(this, get("tree"));
    this.active.resize();
    this.active.arrange();
    if (asked.camera) this.active.camera = asked.camera;
    else this.active.begin();
    grab(this, this.active);
    listen(this);
    this.listenToBars();
    renderHead(this);
    this.outline.update();
    if (asked.selected) this.select(asked.selected);
    this.frame();
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
    for (const view of this.panes) view.draw();
    this.minimap.draw(this.active);
  }

  /** A pane was moved. */
  moved() {
    this.redraw();
    clearTimeout(this.linking);
    this.linking = setTimeout(() => this.link(), 250);
  }

  link() {
    history.replaceState(null, "", toHash(this));
  }

  // -- open and closed --------------------------------------------------------------------

  toggle(path) {
    const before = new Set(this.open);
    if (this.open.has(path)) this.open.delete(path);
    else this.open.add(path);
    this.rearrange(before, `/${path}`);
  }

  openAll(open) {
    const before = new Set(this.open);
    this.open = new Set(open ? this.page.scopes.map((scope) => scope.path) : [""]);
    this.rearrange(before, null);
    this.active.moving?.finish();
    this.active.begin();
    this.moved(this.active);
  }

  rearrange(before, anchor) {
    for (const view of this.panes) view.rearrange(before, anchor);
    this.outline.update();
  }

  // -- selection --------------------------------------------------------------------------

  select(name) {
    this.selected = name;
    this.light();
    renderDetails(this, get("details"));
    this.outline.follow();
    this.moved(this.active);
  }

  /** Light the wires that bring to and take from what is selected. */
  light() {
    for (const view of this.panes) {
      view.lit = new Set();
      const found = this.selected !== null && view.state.nodes.get(this.selected);
      if (!found) continue;
      const { chain, item } = found;
      const last = this.page.entries[item.entries.at(-1)].name === this.selected;
      const first = this.page.entries[item.entries[0]].name === this.selected;
      const out = `${this.selected}:`;
      const into = new Set(first ? chain.at(-1).wires.filter((wire) => wire.head === item.index).map((wire) => wire.value) : []);
      for (const { scope } of view.state.scopes.values()) {
        for (const wire of scope.wires) {
          if (last && wire.value.startsWith(out)) view.lit.add(wire);
          if (into.has(wire.value) && this.leadsTo(scope, wire, chain, item)) view.lit.add(wire);
        }
      }
    }
  }

  /** Whether a wire's head is the item, or a scope around it. */
  leadsTo(scope, wire, chain, item) {
    const level = chain.indexOf(scope);
    if (level < 0) return wire.head < 0;
    if (level === chain.length - 1) return wire.head === item.index;
    return scope.items[wire.head]?.scope === chain[level + 1].index;
  }

  readersOf(state, name) {
    const found = new Set();
    for (const { scope } of state.scopes.values()) {
      for (const wire of scope.wires) {
        if (wire.head < 0 || wire.value.slice(0, wire.value.lastIndexOf(":")) !== name) continue;
        const item = scope.items[wire.head];
        if (item.scope < 0) found.add(this.page.entries[item.entries[0]].name);
      }
    }
    return [...found];
  }

  /** Select a node or scope, open what is around it, and show it. */
  goTo(name) {
    const { state } = this.active;
    const chain = name.startsWith("/") ? state.scopes.get(name.slice(1))?.chain.slice(0, -1) : state.nodes.get(name)?.chain;
    const before = new Set(this.open);
    for (const scope of chain ?? []) this.open.add(scope.path);
    if (this.open.size !== before.size) {
      for (const view of this.panes) view.arrange();
      this.outline.update();
    }
    this.select(name);
    this.active.show(name);
  }

  walk(key) {
    const to = step(this, this.selected, key);
    if (to === null) return;
    this.select(to);
    this.active.show(to);
  }

  point(name) {
    if (this.pointed === name) return;
    this.pointed = name;
    this.remark();
  }

  /** Mark what is pointed at. */
  remark() {
    this.marks = new Map();
    if (this.pointed !== null) {
      for (const view of this.panes) this.marks.set(view.state.index, new Map([[this.pointed, "hover"]]));
    }
    this.redraw();
  }

  // -- states -----------------------------------------------------------------------------

  goToState(index) {
    const state = this.page.states[index];
    if (!state || state === this.active.state) return;
    this.active.state = state;
    this.active.arrange();
    this.found = find(this, state, this.query);
    this.outline.update();
    this.select(this.selected);
    renderHead(this);
  }

  toggleBeside() {}

  toggleMemory() {}

  toggleTree() {
    document.body.classList.toggle("no-tree");
    this.resize();
  }

  resize() {
    for (const view of this.panes) view.resize();
    this.outline.render();
    this.frame();
  }

  // -- bars -------------------------------------------------------------------------------

  listenToBars() {
    new ResizeObserver(() => this.resize()).observe(get("panes"));
    window.addEventListener("hashchange", () => location.reload());
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.recolour());
    const search = get("search");
    search.addEventListener("input", () => this.search(search.value));
    search.addEventListener("focus", () => this.search(search.value));
    search.addEventListener("blur", () => this.closeHits());
    search.addEventListener("keydown", (event) => this.searchKey(event));
    get("help-button").addEventListener("click", () => this.toggleHelp());
    get("dark-button").addEventListener("click", () => this.toggleDark());
    get("fit-button").addEventListener("click", () => this.active.fit());
    get("tree-button").addEventListener("click", () => this.toggleTree());
    render(html`<h2>Keys</h2><dl>${KEYS.map(([key, said]) => html`<dt>${key}</dt><dd>${said}</dd>`)}</dl><form method="dialog"><button>Close</button></form>`, get("help"));
  }

  search(query) {
    this.query = query;
    this.hit = 0;
    this.found = find(this, this.active.state, query);
    this.showHits();
  }

  showHits() {
    const hits = get("hits");
    hits.hidden = this.query.trim() === "";
    get("search").setAttribute("aria-expanded", String(!hits.hidden));
    renderHits(this, hits);
    get("search").setAttribute("aria-activedescendant", this.found.total ? `hit${this.hit}` : "");
    get(`hit${this.hit}`)?.scrollIntoView({ block: "nearest" });
  }

  closeHits() {
    get("hits").hidden = true;
    get("search").setAttribute("aria-expanded", "false");
  }

  searchKey(event) {
    const count = Math.min(this.found.hits.length, 60);
    if (event.key === "Enter") this.choose(this.hit);
    else if (event.key === "ArrowDown") this.hit = Math.min(count - 1, this.hit + 1);
    else if (event.key === "ArrowUp") this.hit = Math.max(0, this.hit - 1);
    else return;
    event.preventDefault();
    if (event.key !== "Enter") this.showHits();
  }

  choose(index) {
    const hit = this.found.hits[index];
    if (!hit) return;
    this.closeHits();
    this.goTo(hit.name);
    this.active.canvas.focus();
  }

  openSearch() {
    get("search").focus();
    get("search").select();
  }

  toggleHelp() {
    const help = get("help");
    if (help.open) help.close();
    else help.showModal();
  }

  escape() {
    if (get("help").open) return;
    if (document.activeElement === get("search")) this.active.canvas.focus();
    else this.select(null);
  }
}

function renderHead(app) {
  const { page } = app;
  get("title").textContent = page.title;
  get("subtitle").textContent = page.subtitle;
  document.title = page.title;
}

const app = new App();
app.start();
window.graphlens = app;
