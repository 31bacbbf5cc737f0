// The bar at the top: title, search, buttons, help.

import { html, render } from "lit";
import { get } from "./app.js";
import { KEYS } from "./keys.js";
import { find, renderHits } from "./search.js";

const LISTED = 60;
const MARKED = 2000;

export class Bars {
  constructor(app) {
    this.app = app;
    this.query = "";
    this.found = { hits: [], total: 0 };
    this.hit = 0;
    const { page } = app;
    get("title").textContent = document.title = page.title;
    get("subtitle").textContent = page.subtitle;
    const search = get("search");
    search.addEventListener("input", () => this.search(search.value));
    search.addEventListener("focus", () => this.search(search.value));
    search.addEventListener("blur", () => this.close());
    search.addEventListener("keydown", (event) => this.key(event));
    const clicks = {
      "help-button": () => this.toggleHelp(),
      "dark-button": () => app.toggleDark(),
      "fit-button": () => app.active.fit(),
      "open-button": () => app.openAll(true),
      "close-button": () => app.openAll(false),
      "save-button": () => this.save(),
      "tree-button": () => this.toggleTree(),
    };
    for (const [id, called] of Object.entries(clicks)) get(id).addEventListener("click", called);
    const lines = KEYS.map(([key, said]) => html`<dt>${key}</dt><dd>${said}</dd>`);
    render(html`<h2>Keys</h2><dl>${lines}</dl><form method="dialog"><button>Close</button></form>`, get("help"));
  }

  toggleTree() {
    document.body.classList.toggle("no-tree");
    this.app.resize();
  }

  /** Save what is seen as a picture. */
  save() {
    const { canvas, state } = this.app.active;
    canvas.toBlob((blob) => {
      const link = document.createElement("a");
      link.href = URL.createObjectURL(blob);
      link.download = `${this.app.page.title} ${state.name}.png`;
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 1000);
    });
  }

  toggleHelp() {
    const help = get("help");
    if (help.open) help.close();
    else help.showModal();
  }

  // -- search -----------------------------------------------------------------------------

  open() {
    get("search").focus();
    get("search").select();
  }

  search(query) {
    this.query = query;
    this.hit = 0;
    this.found = find(this.app, this.app.active.state, query);
    this.app.find(this.found.hits.slice(0, MARKED).map(({ name }) => name));
    this.show();
  }

  show() {
    const hits = get("hits");
    hits.hidden = this.query.trim() === "";
    get("search").setAttribute("aria-expanded", String(!hits.hidden));
    get("search").setAttribute("aria-activedescendant", this.found.total ? `hit${this.hit}` : "");
    renderHits(this, hits, LISTED);
    get(`hit${this.hit}`)?.scrollIntoView({ block: "nearest" });
  }

  close() {
    this.app.find([]);
    get("hits").hidden = true;
    get("search").setAttribute("aria-expanded", "false");
  }

  key(event) {
    const count = Math.min(this.found.hits.length, LISTED);
    if (event.key === "Enter") this.choose(this.hit);
    else if (event.key === "ArrowDown") this.hit = Math.min(count - 1, this.hit + 1);
    else if (event.key === "ArrowUp") this.hit = Math.max(0, this.hit - 1);
    else return;
    event.preventDefault();
    if (event.key !== "Enter") this.show();
  }

  choose(index) {
    const hit = this.found.hits[index];
    if (!hit) return;
    this.close();
    this.app.goTo(hit.name);
    this.app.active.canvas.focus();
  }
}
