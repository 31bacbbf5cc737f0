// Everything about what is selected: what it is, what it reads and gives, where it comes from.

import { html, nothing, render } from "lit";
import { short } from "./search.js";
import { alike } from "./alike.js";
import { detailOf, isScopeName, namesIn, pathOf, scopeName, weightOf } from "./data.js";

const ROLES = { param: " · weight", const: " · constant" };

/** Fill the panel for the selected node or scope; empty it if there is none. */
export function renderDetails(app, host) {
  const { selected, active } = app;
  host.hidden = selected === null;
  if (selected === null) {
    render(nothing, host);
    return;
  }
  const scope = isScopeName(selected) ? active.state.scopes.get(pathOf(selected)) : null;
  const node = active.state.nodes.get(selected);
  const close = html`<button class="close" aria-label="close details" @click=${() => app.select(null)}>×</button>
    ${app.trail.length ? html`<button class="back" title="back to what was selected before (,)" @click=${() => app.back()}>← ${shortOf(app.trail.at(-1))}</button>` : nothing}`;
  if (scope) render([close, scopeDetails(app, scope)], host);
  else if (node) render([close, nodeDetails(app, node)], host);
  else render([close, html`<h2>${selected.replace(/^\u0001/, "")}</h2><p>It is not in this state of the graph.</p>`], host);
  for (const dot of host.querySelectorAll(".dot")) dot.style.background = app.colour(`${dot.dataset.style}.edge`);
}

/** The last part of a name, for a button. */
const shortOf = (name) => short(name.replace(/^\u0001/, ""), 40);

function scopeDetails(app, { scope, chain }) {
  const held = scope.items.map((item) =>
    item.scope >= 0
      ? nameButton(app, scopeName(app.page.scopes[item.scope].path), app.page.scopes[item.scope].label)
      : item.entries.map((index) => nameButton(app, app.page.entries[index].name, app.page.entries[index].op)),
  );
  return html`<h2>${scope.path || app.page.title}</h2>
    <p class="kind">${scope.label}</p>
    ${table([["operations", scope.ops.toLocaleString("en")], ["parameters", scope.note || "none"]])}
    ${scope.path ? html`<p><button @click=${() => app.toggle(scope.path)}>${app.open.has(scope.path) ? "Close" : "Open"}</button></p>` : nothing}
    ${chain.length > 1 ? section("in", nameButton(app, scopeName(chain.at(-2).path), chain.at(-2).label)) : nothing}
    ${likeIt(app, scope)}
    ${section("holds", html`<ul class="links">${held.flat().slice(0, 200).map((each) => html`<li>${each}</li>`)}</ul>`)}`;
}

/** Scopes with the same in them. */
function likeIt(app, scope) {
  const found = scope.path ? alike(app, scope) : [];
  if (found.length === 0) return nothing;
  return section(`${found.length} like it`, html`<ul class="links">${found.slice(0, 50).map((path) => html`<li>${nameButton(app, scopeName(path), path)}</li>`)}</ul>`);
}

function nodeDetails(app, { entry, chain }) {
  const held = detailOf(entry);
  const [op, place] = held.source;
  return html`<h2>${entry.name}</h2>
    <p class="kind"><i class="dot" data-style=${entry.rows[0].style}></i>${entry.op}${held.schema ? html` <small>ONNX</small>` : nothing}</p>
    ${held.gives.length ? section("gives", list(held.gives)) : nothing}
    ${held.reads.length ? section("reads", html`<ul class="links">${held.reads.map((read) => html`<li>${operand(app, read)}</li>`)}</ul>`) : nothing}
    ${readers(app, entry)}
    ${held.attributes.length ? section("attributes", table(held.attributes.map(([key, value, usual]) => [key, usual ? html`${value} <small>default</small>` : value]))) : nothing}
    ${measures(app, entry)}
    ${held.members.length ? section("runs as one", html`<ul class="links">${held.members.map(([name, inner]) => html`<li><b>${inner}</b> <span>${name}</span></li>`)}</ul>`) : nothing}
    ${op || place ? section("source", html`${op ? html`<p><code>${op}</code></p>` : nothing}${place ? html`<p><code>${place}</code></p>` : nothing}`) : nothing}
    ${entry.scope || chain.length > 1 ? section("module", nameButton(app, scopeName(chain.at(-1).path), entry.scope || chain.at(-1).label)) : nothing}
    ${held.origins.length ? section("stands for", list(held.origins)) : nothing}
    ${matched(app, entry)}
    ${held.schema ? schemaDetails(held.schema) : nothing}`;
}

/** One operand; of a weight or constant all that is known of it opens with a click. */
function operand(app, [name, role, kind, word, weight]) {
  const called = word ? html`<small>${word}</small> ` : nothing;
  const said = html`<span>${kind}${ROLES[role] ?? ""}</span>`;
  if (weight === "") return html`${called}${nameButton(app, name, name)} ${said}`;
  return html`<details class="weight"><summary>${called}<b class="name">${name}</b> ${said}</summary>${table(weightOf(weight))}</details>`;
}

/** What the node costs. */
function measures(app, entry) {
  const found = app.overlay.of(entry);
  return found.length ? section("measures", table(found)) : nothing;
}

/** Who reads what the node gives. */
function readers(app, entry) {
  const found = app.readersOf(app.active.state, entry.name);
  if (found.length === 0) return nothing;
  return section("read by", html`<ul class="links">${found.slice(0, 50).map((name) => html`<li>${nameButton(app, name, name)}</li>`)}</ul>`);
}

/** What the node is in the first and the last state. */
function matched(app, entry) {
  const { states } = app.page;
  const here = app.active.state.index;
  const other = here === 0 ? states.length - 1 : 0;
  if (other === here) return nothing;
  const names = [...namesIn(app.page, [entry.name], here, other)];
  if (names.length === 1 && names[0] === entry.name && states[other].nodes.get(entry.name).entry === entry) return nothing;
  const said = names.length ? html`<ul class="links">${names.slice(0, 50).map((name) => html`<li>${states[other].nodes.get(name)?.entry.op ?? ""} <span>${name}</span></li>`)}</ul>` : html`<p>nothing</p>`;
  return section(`in “${states[other].name}”`, said);
}

function schemaDetails(schema) {
  const [summary, operands, results, attributes] = schema;
  const lines = (rows) => html`<dl>${rows.map(([name, said]) => html`<dt>${name}</dt><dd>${said}</dd>`)}</dl>`;
  return html`<details class="schema"><summary>what the op does</summary>
    <p>${summary}</p>
    <h4>operands</h4>${lines(operands)}<h4>results</h4>${lines(results)}
    ${attributes.length ? html`<h4>attributes</h4>${lines(attributes)}` : nothing}</details>`;
}

function nameButton(app, name, said) {
  const known = isScopeName(name) ? app.active.state.scopes.has(pathOf(name)) : app.active.state.nodes.has(name);
  if (!known) return html`<span class="name">${said}</span>`;
  return html`<button class="name" @click=${() => app.goTo(name)}>${said}</button>`;
}

const section = (head, body) => html`<section><h3>${head}</h3>${body}</section>`;
const list = (texts) => html`<ul>${texts.slice(0, 100).map((text) => html`<li>${text}</li>`)}</ul>`;
const table = (rows) => html`<table>${rows.map(([key, value]) => html`<tr><th>${key}</th><td>${value}</td></tr>`)}</table>`;
