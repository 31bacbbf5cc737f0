// From one picture to another: what goes where, so that the change is seen as a movement.

import { isScopeName, scopeName } from "./data.js";

/** What stands where in a pane: items by the names of their nodes or their path, and open frames. */
export function snapshot(view) {
  const found = { placed: view.placed, items: [], frames: new Map(), byName: new Map(), size: 0 };
  const { entries, scopes } = view.app.page;
  const go = (placed, x, y, depth) => {
    for (const held of placed.items) {
      const rect = { x: x + held.x, y: y + held.y, width: held.width, height: held.height };
      found.size++;
      if (held.inner) {
        const scope = scopes[held.item.scope];
        found.frames.set(scope.path, { rect, depth, scope });
        go(held.inner, rect.x + held.shift, rect.y, depth + 1);
        continue;
      }
      const names = held.item.scope >= 0 ? [scopeName(scopes[held.item.scope].path)] : held.item.entries.map((index) => entries[index].name);
      const item = { held, rect, names };
      found.items.push(item);
      for (const name of names) found.byName.set(name, rect);
    }
  };
  go(view.placed, 0, 0, 0);
  return found;
}

/** The pairs of places that a change of state leads from and to, for `paintBetween`. */
export function between(app, view, before, left) {
  const after = snapshot(view);
  const home = new Map();
  for (const item of before.items) for (const name of item.names) home.set(name, item);
  const heirs = new Map();
  const items = after.items.map((item) => {
    const kin = item.names.flatMap((name) => (isScopeName(name) ? [name] : [...app.matched(name, view.state.index, left)]));
    const was = (name) => home.get(name) ?? home.get(app.inSight(app.page.states[left], name));
    const olds = [...new Set(kin.map(was).filter(Boolean))];
    for (const old of olds) if (!heirs.has(old)) heirs.set(old, item);
    const [old] = olds;
    const same = old && String(old.held.item.entries) === String(item.held.item.entries) && old.held.item.scope === item.held.item.scope;
    const taken = old && heirs.get(old) === item;
    return { old: taken ? old.held : null, new: item.held, same, start: old?.rect ?? item.rect, end: item.rect, from: old };
  });
  const used = new Set(items.filter((item) => item.old).map((item) => item.from));
  for (const item of before.items) {
    if (used.has(item)) continue;
    items.push({ old: item.held, new: null, same: false, start: item.rect, end: heirs.get(item)?.rect ?? item.rect });
  }
  const paths = [...new Set([...before.frames.keys(), ...after.frames.keys()])];
  const frames = paths.map((path) => {
    const [old, now] = [before.frames.get(path), after.frames.get(path)];
    const { depth, scope } = now ?? old;
    const start = old?.rect ?? before.byName.get(scopeName(path)) ?? now.rect;
    const end = now?.rect ?? after.byName.get(scopeName(path)) ?? old.rect;
    return { depth, scope, old, new: now, start, end };
  });
  frames.sort((a, b) => a.depth - b.depth);
  return { frames, items, from: before.placed, to: after.placed };
}
