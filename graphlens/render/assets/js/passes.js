// The states of the graph: a slider through the passes, and two states side by side.

import { html, nothing, render } from "lit";
import { get } from "./app.js";
import { between, snapshot } from "./change.js";
import { grab } from "./pointer.js";
import { View } from "./view.js";

const SECONDS = 0.7;
const MANY = 3000;

export class Passes {
  constructor(app) {
    this.app = app;
    app.listen((what) => what === "state" && this.render());
    this.render();
  }

  render() {
    const { app } = this;
    const { states } = app.page;
    const host = get("passes");
    host.hidden = states.length < 2;
    if (host.hidden) return;
    const here = app.active.state.index;
    const beside = app.panes.length > 1;
    const step = (state) => html`<button class="step" aria-current=${state.index === here ? "step" : nothing}
      @click=${() => this.goTo(state.index)}>${state.name}</button>`;
    render(html`<div class="track">
        <input id="pass" type="range" min="0" max=${states.length - 1} step="1" .value=${String(here)}
          aria-label="pass" aria-valuetext=${states[here].name} @input=${(event) => this.goTo(Number(event.target.value))}>
        <div class="steps">${states.map(step)}</div>
      </div>
      <dl class="facts">${this.facts(states[here])}</dl>
      <button id="beside" aria-pressed=${String(beside)} @click=${() => this.toggleBeside()}>Side by side</button>`, host);
    for (const pane of document.querySelectorAll(".pane")) {
      const view = app.panes.find((each) => each.canvas === pane.querySelector("canvas"));
      pane.querySelector(".name").textContent = beside && view ? view.state.name : "";
    }
  }

  facts(state) {
    return state.facts.map(([name, value, change, good]) => html`<div><dt>${name}</dt><dd class=${good ? "good" : ""}>${value}${change ? html` <small>${change}</small>` : nothing}</dd></div>`);
  }

  /** Show another state in the active pane, the change animated. */
  goTo(index) {
    const { app } = this;
    const state = app.page.states[index];
    const view = app.active;
    if (!state || state === view.state) return;
    view.moving?.finish();
    const before = snapshot(view);
    const middle = view.inMiddle();
    const left = view.state.index;
    view.state = state;
    app.arrange();
    this.keep(view, before, middle, left);
    if (!app.still() && before.size < MANY) {
      const sprites = between(app, view, before, left);
      view.animate((t) => {
        view.change = t < 1 ? { sprites, t } : null;
        app.moved(view);
      }, SECONDS);
    }
    app.outline.update();
    app.select(app.selected);
    app.tell("state");
  }

  /** Keep what was in the middle of the screen where it was. */
  keep(view, before, middle, left) {
    for (const name of middle) {
      const [kin] = this.app.matched(name, left, view.state.index);
      const rect = kin === undefined ? null : view.rectOf(kin);
      if (!rect) continue;
      const old = before.byName.get(name);
      view.camera.x += rect.x + rect.width / 2 - old.x - old.width / 2;
      view.camera.y += rect.y - old.y;
      return;
    }
    view.keepInSight();
  }

  // -- side by side -----------------------------------------------------------------------

  /** Show the first state beside this one, or this one alone. */
  toggleBeside(index = 0) {
    const { app } = this;
    if (app.page.states.length < 2) return;
    app.active.moving?.finish();
    const pane = get("other-pane");
    if (app.panes.length > 1) {
      app.panes = [app.panes[1]];
      pane.hidden = true;
    } else {
      pane.hidden = false;
      this.other ??= this.makePane();
      this.other.state = app.page.states[index];
      if (app.active.state.index === index) app.active.state = app.page.states[app.firstState];
      app.panes = [this.other, app.active];
    }
    app.active = app.panes.at(-1);
    const keep = app.active.anchor(app.active.inMiddle()[0] ?? null);
    app.arrange();
    app.resize();
    keep();
    if (app.panes.length > 1) centre(app.active);
    app.moved(app.active);
    app.outline.update();
    app.select(app.selected);
    app.tell("state");
  }

  makePane() {
    const view = new View(this.app, get("other"), this.app.page.states[0]);
    grab(this.app, view);
    return view;
  }
}

/** Put the middle of the picture in the middle of the pane. */
function centre(view) {
  const { camera, placed, width } = view;
  if (placed.width * camera.k < width) camera.x = placed.width / 2 - width / 2 / camera.k;
}
