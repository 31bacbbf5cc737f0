// Finding nodes and scopes by name, op or shape.

import { detailOf, scopeName } from "./data.js";
import { html, render } from "lit";
import { uFuzzy } from "ufuzzy";

const FUZZY = 20000;
const matcher = new uFuzzy({ intraMode: 0, unicode: true, interSplit: "[^\\p{L}\\d×:./_-]+", intraSplit: "" });

/** What can be found in a state: what it is called, what it is, and the text that is searched. */
function haystack(app, state) {
  if (state.haystack) return state.haystack;
  const found = [];
  for (const { scope } of state.scopes.values()) {
    if (scope.path) found.push({ name: scopeName(scope.path), said: scope.path, kind: scope.label, style: "module" });
  }
  for (const { entry } of state.nodes.values()) {
    const kind = [entry.op, entry.rows[0].detail, entry.shape].filter(Boolean).join(" · ");
    const told = detailOf(entry).attributes.filter(([, , usual]) => !usual).map(([key, value]) => `${key}=${value}`).join(" ");
    found.push({ name: entry.name, said: entry.name, kind, told, style: entry.rows[0].style });
  }
  const texts = found.map(({ said, kind, told = "" }) => `${said.slice(0, 300)} ${kind.slice(0, 300)} ${told.slice(0, 300)}`.replaceAll("×", "x").toLowerCase());
  state.haystack = { found, texts };
  return state.haystack;
}

/** The regular expression that a query is: ``/h\.\d+\.attn/``; null where it is none. */
function regular(query) {
  const found = /^\/(.+?)\/?$/u.exec(query);
  try {
    return found && new RegExp(found[1], "iu");
  } catch {
    return null;  // not finished yet, or none
  }
}

/** The best matches of a query in a state, best first, and how many there are. */
export function find(app, state, query) {
  const wanted = query.trim().replaceAll("×", "x").toLowerCase();
  if (!wanted) return { hits: [], total: 0 };
  const { found, texts } = haystack(app, state);
  const pattern = regular(wanted);
  const words = wanted.split(/\s+/);
  let indices = [];
  const fits = pattern ? (text) => pattern.test(text) : (text) => words.every((word) => text.includes(word));
  texts.forEach((text, index) => fits(text) && indices.push(index));
  if (indices.length === 0 && !pattern && texts.length <= FUZZY) indices = matcher.filter(texts, wanted) ?? [];
  const rank = (index) => {
    const name = found[index].said.toLowerCase();
    return name === wanted ? 0 : name.startsWith(wanted) ? 1 : name.includes(wanted) ? 2 : 3;
  };
  const total = indices.length;
  const ranked = indices.map((index) => [rank(index), index]).sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  return { hits: ranked.map(([, index]) => found[index]), total };
}

/** The list of what was found, under the search box. */
export function renderHits(bars, host, most) {
  const { app, hit: chosen } = bars;
  const { hits, total } = bars.found;
  const asked = bars.query.trim() !== "";
  const row = (hit, index) => html`<li
    id="hit${index}" role="option" aria-selected=${index === chosen ? "true" : "false"}
    @pointerdown=${(event) => { event.preventDefault(); bars.choose(index); }}
  ><i class="dot" data-style=${hit.style}></i><b>${short(hit.said)}</b><span>${short(hit.kind)}</span></li>`;
  const more = total > most ? html`<li class="more">${total - most} more</li>` : null;
  const none = asked && total === 0 ? html`<li class="more">nothing found</li>` : null;
  render(html`${hits.slice(0, most).map(row)}${more}${none}`, host);
  for (const dot of host.querySelectorAll(".dot")) dot.style.background = app.colour(`${dot.dataset.style}.edge`);
}

/** A text that fits a line of a panel; all of it is in the details. */
export function short(text, most = 90) {
  return text.length <= most ? text : `${text.slice(0, most - 20)}…${text.slice(-18)}`;
}
