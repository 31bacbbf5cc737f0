// What the colours mean, and the choice of what they are to mean.

import { html, nothing, render } from "lit";
import { get } from "./app.js";
import { edge } from "./brush.js";

const STEPS = 7;
const LISTED = 8;

export class Legend {
  constructor(app) {
    this.app = app;
    this.choice = get("color-by");
    const options = app.page.overlays.map(([name, title]) => html`<option value=${name}>${title}</option>`);
    render(html`<option value="">kind of operation</option>${options}`, this.choice);
    this.choice.addEventListener("change", () => {
      app.overlay.choose(this.choice.value);
      app.link();
    });
    app.listen((what) => ["colours", "scale", "state"].includes(what) && this.render());
    get("legend").open = window.innerWidth >= 1000;
    this.render();
  }

  render() {
    const { app } = this;
    const { chosen, scale } = app.overlay;
    this.choice.value = chosen?.name ?? "";
    const body = !chosen ? this.kinds() : !scale ? nothing : chosen.unit ? this.heat(chosen, scale) : this.sorts(chosen, scale);
    render(html`<summary>${chosen?.title ?? "kind of operation"}</summary>${body}`, get("legend"));
    for (const each of get("legend").querySelectorAll("[data-tone]")) each.style.background = app.colour(each.dataset.tone);
  }

  /** The kinds of operations that there are, the most frequent first. */
  kinds() {
    const { page, active } = this.app;
    const counts = new Map();
    for (const { entry } of active.state.nodes.values()) {
      for (const { style } of entry.rows) {
        const word = page.words[style];
        if (word) counts.set(word, { style, count: (counts.get(word)?.count ?? 0) + 1 });
      }
    }
    const ordered = [...counts].sort((a, b) => b[1].count - a[1].count);
    return list(ordered.map(([word, { style, count }]) => [edge(style), word, count]));
  }

  heat(measure, { least, most, total }) {
    const steps = Array.from({ length: STEPS }, (_, step) => html`<i data-tone="heat${step}"></i>`);
    return html`<p class="scale"><span>${measure.said(least)}</span>${steps}<span>${measure.said(most)}</span></p>
      ${measure.unit === "number" ? nothing : html`<p>of ${measure.said(total)} in all</p>`}`;
  }

  sorts(measure, { ordered, tints }) {
    const lines = ordered.slice(0, LISTED - 1).map(([sort, count]) => [tints.get(sort), measure.said(sort), count]);
    const rest = ordered.slice(LISTED - 1);
    const others = rest.reduce((sum, [, count]) => sum + count, 0);
    if (rest.length) lines.push([tints.get(rest[0][0]), rest.length > 1 ? `${rest.length} others` : measure.said(rest[0][0]), others]);
    return list(lines);
  }
}

const list = (lines) => html`<ul>${lines.map(([tone, word, count]) => html`<li><i data-tone=${tone}></i>${word} <small>${count.toLocaleString("en")}</small></li>`)}</ul>`;
