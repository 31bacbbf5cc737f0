// The page's data as objects: what render/page.py wrote, by the names that view/page_data.py uses.

/** Read a JSON script of the page. */
export function readScript(id) {
  return JSON.parse(document.getElementById(id).textContent);
}

/** A node of the graph. */
function entryOf([name, op, kind, rows, scope, shape], index) {
  const lines = rows.map(([text, detail, note, style]) => ({ text, detail, note, style }));
  return { index, name, op, kind, rows: lines, scope, shape };
}

/** A wire inside a scope; ports are negative ends, as in view/page_data.py. */
function wireOf([tail, head, value, label, tailPort, headPort, start, end, between]) {
  return { tail, head, value, label, tailPort, headPort, start, end, between };
}

function itemOf([held, tags, width, height, row, x], index) {
  const isScope = typeof held === "number";
  return { index, entries: isScope ? [] : held, scope: isScope ? held : -1, tags, width, height, row, x };
}

function scopeOf(fields, index) {
  const [path, label, ops, note, strip, open, rows, width, top, bottom, items, wires] = fields;
  return {
    index, path, label, ops, note, strip, open, rows, width, top, bottom,
    items: items.map(itemOf), wires: wires.map(wireOf), gaps: null,
  };
}

/** Everything about the nodes is read only when somebody asks. */
let details = null;

/** Everything about a node. */
export function detailOf(entry) {
  details ??= readScript("details-data");
  const [attributes, reads, gives, source, origins, members] = details.entries[entry.index];
  return { attributes, reads, gives, source, origins, members, schema: details.schemas[entry.op] };
}

/** The page's data, its scopes and nodes as objects. */
export function readPage() {
  const page = readScript("page");
  page.entries = page.entries.map(entryOf);
  page.scopes = page.scopes.map(scopeOf);
  page.states.forEach((state, index) => indexState(page, state, index));
  return page;
}

/** Where each node of a state is: the chain of scopes around it, by the node's name. */
function indexState(page, state, index) {
  state.index = index;
  state.nodes = new Map();
  state.scopes = new Map();
  state.order = [];
  const visit = (scope, around) => {
    const chain = [...around, scope];
    state.scopes.set(scope.path, { scope, chain });
    for (const item of scope.items) {
      if (item.scope >= 0) visit(page.scopes[item.scope], chain);
      for (const held of item.entries) {
        const entry = page.entries[held];
        state.nodes.set(entry.name, { entry, chain, item });
        state.order.push(entry.name);
      }
    }
  };
  visit(page.scopes[state.root], []);
}

/** The names in the state before that a node stands for. */
export function namesBefore(page, state, name) {
  state.matched ??= new Map(state.matches);
  const told = state.matched.get(name);
  if (told !== undefined) return told;
  return page.states[state.index - 1]?.nodes.has(name) ? [name] : [];
}

/** The names in the state after that stand for a node. */
export function namesAfter(page, state, name) {
  const next = page.states[state.index + 1];
  if (next === undefined) return [];
  if (next.standing === undefined) {
    next.standing = new Map();
    for (const held of next.nodes.keys()) {
      for (const old of namesBefore(page, next, held)) {
        if (!next.standing.has(old)) next.standing.set(old, []);
        next.standing.get(old).push(held);
      }
    }
  }
  return next.standing.get(name) ?? [];
}

/** The names in another state that are, or stand for, or became, some nodes of a state. */
export function namesIn(page, names, from, to) {
  let held = new Set(names);
  for (let index = from; index !== to; index += Math.sign(to - from)) {
    const step = to > from ? namesAfter : namesBefore;
    held = new Set([...held].flatMap((name) => step(page, page.states[index], name)));
  }
  return held;
}
