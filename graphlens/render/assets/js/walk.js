// From one node to another along the wires, and to neighbours.

import { isScopeName, pathOf, scopeName } from "./data.js";

/** Where an item is: the chain of scopes around it, and itself. */
function homeOf(app, name) {
  const { state } = app.active;
  if (!isScopeName(name)) return state.nodes.get(name);
  const found = state.scopes.get(pathOf(name));
  if (!found || found.chain.length < 2) return null;
  const chain = found.chain.slice(0, -1);
  return { chain, item: chain.at(-1).items.find((item) => item.scope === found.scope.index) };
}

/** What stands at an item: its name, or of the scope. */
function nameOf(app, item, last = false) {
  if (item.scope >= 0) return scopeName(app.page.scopes[item.scope].path);
  return app.page.entries[item.entries.at(last ? -1 : 0)].name;
}

/** The name of what one comes to from a node by a key, or null. */
export function step(app, from, key) {
  const { page, active, open } = app;
  const root = page.scopes[active.state.root];
  if (from === null) return root.items.length ? nameOf(app, root.items[0]) : null;
  const home = homeOf(app, from);
  if (!home) return root.items.length ? nameOf(app, root.items[0]) : null;
  const { chain, item } = home;
  const scope = chain.at(-1);
  if (key === "out") return chain.length > 1 ? scopeName(scope.path) : null;
  const within = item.entries.findIndex((index) => page.entries[index].name === from);
  const beside = item.entries[within + (key === "ArrowDown" ? 1 : -1)];
  if (within >= 0 && (key === "ArrowDown" || key === "ArrowUp") && beside !== undefined) {
    return page.entries[beside].name;
  }
  if (key === "ArrowDown" && item.scope >= 0 && open.has(page.scopes[item.scope].path)) {
    const inner = page.scopes[item.scope];
    if (inner.items.length) return nameOf(app, inner.items[0]);
  }
  if (key === "ArrowDown" || key === "ArrowUp") return along(app, chain, item, key === "ArrowDown");
  const row = scope.items.filter((each) => each.row === item.row).sort((a, b) => a.x - b.x);
  const next = row[row.indexOf(item) + (key === "ArrowRight" ? 1 : -1)];
  if (next) return nameOf(app, next);
  const other = scope.items[item.index + (key === "ArrowRight" ? 1 : -1)];
  return other ? nameOf(app, other, key === "ArrowLeft") : null;
}

/** Along the first wire down or up, out of scopes and into open ones. */
function along(app, chain, item, down) {
  const { page, open } = app;
  let around = chain;
  let from = item.index;
  let value = null;
  while (around.length) {
    const scope = around.at(-1);
    const wire = scope.wires.find((each) => (down ? each.tail : each.head) === from && (value === null || each.value === value));
    const to = wire && (down ? wire.head : wire.tail);
    if (wire && to >= 0) return enter(app, scope.items[to], wire.value, down);
    if (wire) value = wire.value;
    else if (value === null && around.length === 1) return null;
    else if (!wire && value === null) return scopeName(scope.path);
    around = around.slice(0, -1);
    const outer = around.at(-1);
    const inner = outer?.items.find((each) => each.scope === scope.index);
    if (!inner) return null;
    from = inner.index;
  }
  return null;

  function enter(held, target, name, forward) {
    let at = target;
    while (at.scope >= 0 && open.has(page.scopes[at.scope].path)) {
      const inner = page.scopes[at.scope];
      const wire = inner.wires.find((each) => each.value === name && (forward ? each.tail : each.head) < 0);
      if (!wire) break;
      const next = inner.items[forward ? wire.head : wire.tail];
      if (!next) break;
      at = next;
    }
    return nameOf(held, at, !forward);
  }
}
