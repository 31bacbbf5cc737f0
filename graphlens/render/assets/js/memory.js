// The memory map: steps across, bytes upward, each tensor a box; linked with the graph both ways.

import { html, nothing, render } from "lit";
import { get } from "./app.js";
import { cut, edge, fill, FONT } from "./brush.js";
import { bytes } from "./words.js";

const LEFT = 64;
const RIGHT = 14;
const TOP = 8;
const BOTTOM = 18;

export class Memory {
  constructor(app) {
    this.app = app;
    this.shown = false;
    this.pointed = null;
    this.canvas = get("map");
    this.ctx = this.canvas.getContext("2d");
    const button = get("memory-button");
    button.hidden = app.page.memory.length === 0 && app.page.states.every((state) => !state.note);
    button.addEventListener("click", () => this.toggle());
    this.canvas.addEventListener("pointermove", (event) => this.hover(event));
    this.canvas.addEventListener("pointerleave", () => this.point(null));
    this.canvas.addEventListener("click", () => this.pointed && this.known(this.pointed) && app.goTo(this.pointed.node));
    app.listen(() => this.shown && this.render());
  }

  toggle() {
    this.shown = !this.shown;
    get("memory").hidden = !this.shown;
    get("memory-button").setAttribute("aria-pressed", String(this.shown));
    this.app.resize();
    this.render();
    this.app.moved(this.app.active);
  }

  /** The map of the state that is shown, or null. */
  get map() {
    const { page, active } = this.app;
    const held = page.memory[active.state.memory];
    if (held && !held.byNode) {
      held.names = held.names.map((name) => page.texts[name]);
      held.spans = held.spans.map(([text, start, stop, offset, size, style]) => {
        const label = page.texts[text];
        return { label, start, stop, offset, size, style, node: label.replace(/:\d+$/, "") };
      });
      held.byNode = new Map();
      for (const span of held.spans) {
        if (!active.state.nodes.has(span.node) && active.state.nodes.has(span.label)) span.node = span.label;
        if (!held.byNode.has(span.node)) held.byNode.set(span.node, []);
        held.byNode.get(span.node).push(span);
      }
    }
    return held ?? null;
  }

  known(span) {
    return this.app.active.state.nodes.has(span.node);
  }

  /** The tensors that are marked: those pointed at here or in the graph, or of what is selected. */
  marked() {
    const { app, map } = this;
    if (this.pointed) return [this.pointed];
    const names = app.pointed.length ? app.pointed : app.selected !== null ? [app.selected] : [];
    return names.flatMap((name) => map.byNode.get(name) ?? []);
  }

  // -- drawing ----------------------------------------------------------------------------

  render() {
    const { app, map } = this;
    const { state } = app.active;
    get("map").hidden = map === null;
    if (map === null) {
      render(html`<p>No memory map of “${state.name}”: ${state.note || "it was not planned"}.</p>`, get("memory-head"));
      return;
    }
    const marked = this.marked();
    const facts = map.facts.map(([name, value, change, good]) => html`<div><dt>${name}</dt><dd class=${good ? "good" : ""}>${value}${change ? html` <small>${change}</small>` : nothing}</dd></div>`);
    render(html`<dl class="facts">${facts}</dl><p id="tensor">${marked.length ? this.said(marked[0]) : map.subtitle}</p>`, get("memory-head"));
    this.draw(map, marked);
  }

  said(span) {
    const { map } = this;
    const name = (at) => map.names[at] ?? at;
    return html`<b>${span.label}</b> ${bytes(span.size)} at ${span.offset.toLocaleString("en")}, from step ${span.start} (${name(span.start)}) to ${span.stop} (${name(span.stop)})`;
  }

  draw(map, marked) {
    const { canvas, ctx, app } = this;
    const { colour } = app;
    const ratio = window.devicePixelRatio || 1;
    this.width = canvas.clientWidth;
    this.height = canvas.clientHeight;
    canvas.width = Math.round(this.width * ratio);
    canvas.height = Math.round(this.height * ratio);
    ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
    ctx.fillStyle = colour("paper");
    ctx.fillRect(0, 0, this.width, this.height);
    const most = Math.max(map.arena, 1);
    this.x = (step) => LEFT + ((this.width - LEFT - RIGHT) * step) / map.steps;
    this.y = (at) => this.height - BOTTOM - ((this.height - TOP - BOTTOM) * at) / most;
    this.drawAxes(map, most);
    this.drawLive(map);
    for (const band of map.bands) this.drawBand(band);
    for (const span of map.spans) this.drawSpan(span, marked.length > 0 && !marked.includes(span) ? 0.35 : 1);
    ctx.globalAlpha = 1;
    for (const span of marked) this.drawMarked(span);
  }

  drawAxes(map, most) {
    const { ctx, app, width, height } = this;
    ctx.font = `10px ${FONT}`;
    ctx.fillStyle = app.colour("faint");
    ctx.strokeStyle = app.colour("hair");
    ctx.lineWidth = 1;
    ctx.textAlign = "right";
    for (let i = 0; i <= 4; i++) {
      const y = this.y((most * i) / 4);
      ctx.beginPath();
      ctx.moveTo(LEFT, y);
      ctx.lineTo(width - RIGHT, y);
      ctx.stroke();
      if (i === 0 || most > 1) ctx.fillText(bytes((most * i) / 4), LEFT - 6, y + 3);
    }
    ctx.textAlign = "left";
    ctx.fillText(`step 0 of ${map.steps}`, LEFT, height - 5);
    const peak = `most at step ${map.peak}: ${map.names[map.peak] ?? ""}`;
    ctx.fillText(cut(ctx, peak, width - LEFT - 110), LEFT + 90, height - 5);
  }

  /** The steps in which a body of control flow runs. */
  drawBand([label, start, stop]) {
    const { ctx, app, height } = this;
    const [left, right] = [this.x(start), this.x(stop + 1)];
    ctx.strokeStyle = app.colour("control.edge");
    ctx.lineWidth = 1;
    ctx.strokeRect(left + 0.5, TOP, right - left - 1, height - TOP - BOTTOM);
    ctx.font = `9.5px ${FONT}`;
    ctx.fillStyle = app.colour("soft");
    ctx.fillText(cut(ctx, label, right - left - 6), left + 3, TOP + 9);
  }

  /** Bytes alive at each step, behind the tensors. */
  drawLive(map) {
    const { ctx, app } = this;
    ctx.fillStyle = app.colour("cluster1");
    ctx.beginPath();
    ctx.moveTo(this.x(0), this.y(0));
    map.live.forEach((live, step) => {
      ctx.lineTo(this.x(step), this.y(live));
      ctx.lineTo(this.x(step + 1), this.y(live));
    });
    ctx.lineTo(this.x(map.steps), this.y(0));
    ctx.fill();
  }

  box(span) {
    const left = this.x(span.start);
    const top = this.y(span.offset + span.size);
    return [left, top, Math.max(1, this.x(span.stop + 1) - left), Math.max(1, this.y(span.offset) - top)];
  }

  drawSpan(span, alpha) {
    const { ctx, app } = this;
    const [left, top, wide, high] = this.box(span);
    ctx.globalAlpha = alpha;
    ctx.fillStyle = app.colour(fill(span.style));
    ctx.fillRect(left, top, wide, high);
    ctx.strokeStyle = app.colour(edge(span.style));
    ctx.lineWidth = 0.7;
    ctx.strokeRect(left, top, wide, high);
    if (wide < 40 || high < 12) return;
    ctx.font = `9.5px ${FONT}`;
    ctx.fillStyle = app.colour("ink");
    ctx.fillText(cut(ctx, span.label, wide - 6), left + 3, top + Math.min(high - 3, 11));
  }

  drawMarked(span) {
    const { ctx, app } = this;
    const [left, top, wide, high] = this.box(span);
    ctx.fillStyle = app.colour("focus");
    ctx.globalAlpha = 0.12;
    ctx.fillRect(left, TOP, wide, this.height - TOP - BOTTOM);
    ctx.globalAlpha = 1;
    ctx.strokeStyle = app.colour("focus");
    ctx.lineWidth = 2.2;
    ctx.strokeRect(left, top, wide, high);
  }

  // -- pointing ---------------------------------------------------------------------------

  hover(event) {
    const { map } = this;
    if (!map) return;
    const { offsetX: x, offsetY: y } = event;
    const within = (span) => {
      const [left, top, wide, high] = this.box(span);
      return x >= left - 1 && x <= left + wide + 1 && y >= top - 1 && y <= top + high + 1;
    };
    this.point(map.spans.findLast(within) ?? null);
  }

  /** Point at a tensor: the node that makes it and those that run while it lives are marked. */
  point(span) {
    if (span === this.pointed) return;
    this.pointed = span;
    const { app, map } = this;
    app.point(span && this.known(span) ? [span.node] : []);
    if (span) {
      const marks = app.marks.get(app.active.state.index);
      for (const name of map.names.slice(span.start, span.stop + 1)) {
        const seen = app.inSight(app.active.state, name);
        if (!marks.has(seen)) marks.set(seen, "alive");
      }
    }
    this.render();
    app.redraw();
  }
}
