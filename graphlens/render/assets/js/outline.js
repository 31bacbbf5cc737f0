// The graph as a tree for the keyboard and for screen readers; only the lines in sight are made.

import { isScopeName, pathOf, scopeName } from "./data.js";
import { html, render } from "lit";
import { splitLabel } from "./brush.js";

const LINE = 24;

export class Outline {
  constructor(app, host) {
    this.app = app;
    this.host = host;
    this.lines = [];
    this.at = 0;
    this.focused = null;
    host.addEventListener("scroll", () => this.render());
    host.addEventListener("keydown", (event) => this.key(event));
    host.addEventListener("focus", () => this.render());
    host.addEventListener("blur", () => this.render());
  }

  /** Work out the lines: all that is in open scopes. */
  update() {
    const { app } = this;
    const { page, active, open } = app;
    const lines = [];
    const visit = (scope, level) => {
      const units = scope.items.flatMap((item) =>
        item.scope >= 0 ? [page.scopes[item.scope]] : item.entries.map((index) => page.entries[index]),
      );
      units.forEach((unit, index) => {
        const isScope = unit.path !== undefined;
        const name = isScope ? scopeName(unit.path) : unit.name;
        lines.push({ name, unit, isScope, level, index, of: units.length });
        if (isScope && open.has(unit.path)) visit(unit, level + 1);
      });
    };
    visit(page.scopes[active.state.root], 1);
    this.lines = lines;
    this.places = new Map(lines.map((line, index) => [line.name, index]));
    this.at = this.places.get(app.selected) ?? Math.min(this.at, Math.max(0, lines.length - 1));
    this.render();
  }

  /** Bring the selected line into sight. */
  follow() {
    const index = this.places?.get(this.app.selected);
    if (index === undefined) {
      this.render();
      return;
    }
    this.at = index;
    const top = index * LINE;
    const { scrollTop, clientHeight } = this.host;
    if (top < scrollTop || top + LINE > scrollTop + clientHeight) {
      this.host.scrollTop = Math.max(0, top - clientHeight / 2);
    }
    this.render();
  }

  render() {
    const { host, lines, app } = this;
    const first = Math.max(0, Math.floor(host.scrollTop / LINE) - 4);
    const last = Math.min(lines.length, first + Math.ceil((host.clientHeight || 400) / LINE) + 8);
    const inSight = lines.slice(first, last);
    const line = (each, index) => {
      const { name, unit, isScope, level } = each;
      const [said, kind] = isScope ? splitLabel(unit.label) : [unit.rows[0].text, unit.name];
      const open = isScope && app.open.has(unit.path);
      const style = isScope ? "module" : unit.rows[0].style;
      return html`<div role="treeitem" id="line${first + index}" class=${first + index === this.at ? "at" : ""}
        aria-level=${level} aria-setsize=${each.of} aria-posinset=${each.index + 1}
        aria-expanded=${isScope ? String(open) : "undefined"} aria-selected=${String(app.selected === name)}
        .depth=${level} .style_=${style} title=${isScopeName(name) ? pathOf(name) : name}
        @click=${() => this.clicked(each)} @pointerenter=${() => app.point(isScope ? [] : [name])}
        ><i class="twist" @click=${(event) => { event.stopPropagation(); if (isScope) app.toggle(unit.path); }}>${isScope ? (open ? "▾" : "▸") : ""}</i><i class="dot"></i><b>${said}</b><span>${kind}</span></div>`;
    };
    render(html`<div class="space" .high=${lines.length * LINE}><div class="lines" .from=${first * LINE}>${inSight.map(line)}</div></div>`, host);
    const space = host.firstElementChild;
    space.style.height = `${lines.length * LINE}px`;
    space.firstElementChild.style.transform = `translateY(${first * LINE}px)`;
    for (const each of space.firstElementChild.children) {
      each.style.paddingLeft = `${(each.depth - 1) * 14 + 6}px`;
      each.querySelector(".dot").style.background = app.colour(`${each.style_}.edge`);
    }
    if (lines.length) host.setAttribute("aria-activedescendant", `line${this.at}`);
    else host.removeAttribute("aria-activedescendant");
  }

  clicked({ name }) {
    this.host.focus();
    this.app.goTo(name);
  }

  /** The keys of a tree, as WAI-ARIA has them. */
  key(event) {
    const { lines, app } = this;
    const here = lines[this.at];
    if (!here || event.ctrlKey || event.metaKey || event.altKey) return;
    const { unit, isScope, level } = here;
    const open = isScope && app.open.has(unit.path);
    const parent = () => lines.slice(0, this.at).findLastIndex((line) => line.level < level);
    const moves = {
      ArrowDown: () => this.at + 1,
      ArrowUp: () => this.at - 1,
      Home: () => 0,
      End: () => lines.length - 1,
      ArrowRight: () => (open ? this.at + 1 : (isScope && app.toggle(unit.path), this.at)),
      ArrowLeft: () => (open ? (app.toggle(unit.path), this.at) : Math.max(0, parent())),
      Enter: () => (isScope && app.toggle(unit.path), this.at),
    };
    if (!(event.key in moves)) return;
    event.preventDefault();
    event.stopPropagation();
    const to = Math.min(this.lines.length - 1, Math.max(0, moves[event.key]()));
    app.select(this.lines[to].name);
    app.active.show(this.lines[to].name);
  }
}
