// The page's data as objects: what render/page.py wrote, by the names that view/page_data.py uses.

/** Read a JSON script of the page. */
export function readScript(id) {
  return JSON.parse(document.getElementById(id).textContent);
}

// A scope is called by its path behind a character that no node's name begins with.
const MARK = "\u0001";
export const scopeName = (path) => `${MARK}${path}`;
export const isScopeName = (name) => name.startsWith(MARK);
export const pathOf = (name) => name.slice(1);

/** A node of the graph. */
function entryOf([name, op, kind, rows, scope, shape], index) {
  const lines = rows.map(([text, detail, note, style]) => ({ text, detail, note, style }));
  return { index, name, op, kind, rows: lines, scope, shape };
}

/** A wire inside a scope; ports are negative ends, as in view/page_data.py. Most carry one tensor. */
function wireOf([tail, head, value, label, tailPort, headPort, start, end, between, bundle], texts) {
  const values = (bundle ?? [value]).map((each) => texts[each]);
  return { tail, head, value: texts[value], values, label, tailPort, headPort, start, end, between };
}

function itemOf([held, tags, width, height, row, x], index) {
  const isScope = typeof held === "number";
  return { index, entries: isScope ? [] : held, scope: isScope ? held : -1, tags, width, height, row, x };
}

/** A scope; its items and wires become objects when they are first asked for. */
class Scope {
  constructor([path, label, ops, note, strip, open, rows, width, top, bottom, items, wires], index, texts) {
    Object.assign(this, { index, path, label, ops, note, strip, open, rows, width, top, bottom });
    this.raw = { items, wires, texts };
    this.gaps = null;
  }

  get items() {
    return (this.madeItems ??= this.raw.items.map(itemOf));
  }

  get wires() {
    return (this.madeWires ??= this.raw.wires.map((fields) => wireOf(fields, this.raw.texts)));
  }
}

/** Where a node is: the scopes around it, the whole first, and the item that it is part of. */
class Home {
  constructor(entry, chain, at) {
    this.entry = entry;
    this.chain = chain;
    this.at = at;
  }

  get item() {
    return this.chain.at(-1).items[this.at];
  }
}

/** Everything about the nodes is read only when somebody asks. */
let details = null;

/** Lists with texts in place of their numbers. */
function spelt(held, texts) {
  if (Array.isArray(held)) return held.map((each) => spelt(each, texts));
  return typeof held === "number" ? texts[held] : held;
}

/** Everything about a node. */
export function detailOf(entry) {
  details ??= readScript("details-data");
  const [attributes, reads, gives, source, origins, members] = spelt(details.entries[entry.index], details.texts);
  return { attributes, reads, gives, source, origins, members, schema: details.schemas[entry.op] };
}

/** What is known of a weight or constant: the name of each fact, and what it says. */
export function weightOf(place) {
  return spelt(details.weights[Number(place)], details.texts);
}

/** The page's data, its scopes and nodes as objects. */
export function readPage() {
  const page = readScript("page");
  page.entries = page.entries.map(entryOf);
  page.scopes = page.scopes.map((fields, index) => new Scope(fields, index, page.texts));
  page.states.forEach((state, index) => indexState(page, state, index));
  return page;
}

/** Where each node and each scope of a state is, by name and path. */
function indexState(page, state, index) {
  state.index = index;
  state.nodes = new Map();
  state.scopes = new Map();
  const visit = (scope, around) => {
    const chain = [...around, scope];
    state.scopes.set(scope.path, { scope, chain });
    scope.raw.items.forEach(([held], at) => {
      if (typeof held === "number") {
        visit(page.scopes[held], chain);
        return;
      }
      for (const each of held) {
        const entry = page.entries[each];
        state.nodes.set(entry.name, new Home(entry, chain, at));
      }
    });
  };
  visit(page.scopes[state.root], []);
}

/** The wires of a state by the tensor that they carry, each with its scope. */
export function wiresOf(state, value) {
  if (!state.wires) {
    state.wires = new Map();
    for (const { scope } of state.scopes.values()) {
      for (const wire of scope.wires) {
        for (const each of wire.values) {
          if (!state.wires.has(each)) state.wires.set(each, []);
          state.wires.get(each).push({ scope, wire });
        }
      }
    }
  }
  return state.wires.get(value) ?? [];
}

/** The tensors that a node gives. */
export function valuesOf(state, name) {
  const found = [];
  for (let result = 0; result < 1000; result++) {
    const value = `${name}:${result}`;
    if (wiresOf(state, value).length) found.push(value);
    else if (result > 8) break;
  }
  return found;
}

/** The names in the state before that a node stands for. */
export function namesBefore(page, state, name) {
  state.matched ??= new Map(spelt(state.matches, page.texts));
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

/** Whether a node is new in its state, or not as it was in the state before. */
export function isFresh(page, state, name) {
  if (state.index === 0) return false;
  const before = namesBefore(page, state, name);
  const same = before.length === 1 && before[0] === name;
  return !same || page.states[state.index - 1].nodes.get(name)?.entry !== state.nodes.get(name)?.entry;
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
