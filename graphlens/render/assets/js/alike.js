// Which scopes hold the same: equal operations with equal words, joined in the same way.

/** The paths of the other scopes of the state that hold the same as a scope. */
export function alike(app, scope) {
  const { page, active: { state } } = app;
  state.kinds ??= new Map([...state.scopes.values()].map(({ scope: each }) => [each.path, kindOf(page, each)]));
  const kind = state.kinds.get(scope.path);
  return [...state.kinds].filter(([path, each]) => path && path !== scope.path && each === kind).map(([path]) => path);
}

/** A number for what a scope holds: the same for equal ones. */
function kindOf(page, scope) {
  if (scope.kind === undefined) {
    const items = scope.items.map((item) => (item.scope >= 0
      ? kindOf(page, page.scopes[item.scope])
      : item.entries.map((index) => page.entries[index].rows.map(({ text, detail, note }) => [text, detail, note]))));
    const wires = scope.wires.map(({ tail, head }) => [tail, head]);
    const text = JSON.stringify([items, wires]);
    page.kinds ??= new Map();
    if (!page.kinds.has(text)) page.kinds.set(text, page.kinds.size);
    scope.kind = page.kinds.get(text);
  }
  return scope.kind;
}
