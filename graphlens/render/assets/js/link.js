// The view as the part of the address after '#', and back: a link restores what one saw.

/** What is worth a link. */
export function toHash(app) {
  const { page, panes, open } = app;
  const active = panes.at(-1);
  const parts = new URLSearchParams();
  if (active.state.index !== app.firstState) parts.set("pass", active.state.index);
  if (app.panes.length > 1) parts.set("beside", app.panes[0].state.index);
  const [more, fewer] = difference(page, open);
  if (more.length) parts.set("open", more.join("~"));
  if (fewer.length) parts.set("closed", fewer.join("~"));
  if (app.selected !== null) parts.set("at", app.selected);
  const color = app.overlay.chosen?.name ?? "";
  if (color !== page.color) parts.set("color", color);
  if (app.memory?.shown) parts.set("memory", "1");
  const { x, y, k } = active.camera;
  parts.set("view", [x.toFixed(0), y.toFixed(0), k.toFixed(3)].join(","));
  return `#${parts}`;
}

/** Scopes by number: those open that are closed at first, and the other way. */
function difference(page, open) {
  const more = [];
  const fewer = [];
  pathsOf(page).forEach((scope, index) => {
    if (open.has(scope.path) && !scope.open) more.push(index);
    if (!open.has(scope.path) && scope.open) fewer.push(index);
  });
  return [more, fewer];
}

/** One scope for each path, in a fixed order. */
function pathsOf(page) {
  page.byPath ??= [...new Map(page.scopes.map((scope) => [scope.path, scope])).values()];
  return page.byPath;
}

/** What a link says, as far as it fits this page: links may be older than the page. */
export function fromHash(app, hash) {
  const parts = new URLSearchParams(hash.replace(/^#/, ""));
  const { page } = app;
  const paths = pathsOf(page);
  const numbers = (key) => (parts.get(key) ?? "").split("~").filter(Boolean).map(Number);
  const open = new Set(paths.filter((scope) => scope.open).map((scope) => scope.path));
  for (const index of numbers("open")) if (paths[index]) open.add(paths[index].path);
  for (const index of numbers("closed")) if (paths[index]) open.delete(paths[index].path);
  const state = (key) => (parts.has(key) && page.states[Number(parts.get(key))] ? Number(parts.get(key)) : null);
  const view = (parts.get("view") ?? "").split(",").map(Number);
  const camera = view.length === 3 && view.every(Number.isFinite) && view[2] > 0 ? { x: view[0], y: view[1], k: view[2] } : null;
  const color = parts.get("color");
  return { open, color, state: state("pass"), beside: state("beside"), selected: parts.get("at"), memory: parts.has("memory"), camera };
}
