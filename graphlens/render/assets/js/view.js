// One pane: a state of the graph on a canvas, with its own camera.

import { isScopeName, pathOf, scopeName } from "./data.js";
import { between, eased, farthest, fitting, makeCamera, opening, zoom } from "./camera.js";
import { ROW, TAG } from "./brush.js";
import { paint, paintBetween } from "./paint.js";
import { visit, whereIs } from "./place.js";

const SECONDS = 0.24;
const HEAVY = 1500;

export class View {
  /** A pane for a canvas. The app knows what is open, selected and pointed at. */
  constructor(app, canvas, state) {
    this.app = app;
    this.canvas = canvas;
    this.ctx = canvas.getContext("2d");
    this.state = state;
    this.camera = makeCamera();
    this.placed = null;
    this.count = { boxes: 0, wires: 0, words: 0 };
    this.moving = null;
    this.change = null;
    this.painted = null;
    this.dragged = false;
    this.lit = new Set();
    this.kin = new Set();
    this.alike = new Set();
    this.found = new Set();
    this.frames = 0;
  }

  resize() {
    const { clientWidth, clientHeight } = this.canvas;
    // Side by side, what was in the middle stays there; alone, what was clicked does.
    const beside = this.app.panes?.length > 1;
    if (beside && this.width) this.camera.x += (this.width - clientWidth) / 2 / this.camera.k;
    this.ratio = window.devicePixelRatio || 1;
    this.width = clientWidth;
    this.height = clientHeight;
    this.canvas.width = Math.round(clientWidth * this.ratio);
    this.canvas.height = Math.round(clientHeight * this.ratio);
  }

  draw() {
    if (this.drawQuickly()) return;
    const start = performance.now();
    const { app, placed, camera, width, height, ratio } = this;
    const scene = {
      page: app.page, placed, camera, width, height, ratio,
      colour: app.colour,
      marked: (thing) => this.mark(thing),
      overlay: app.overlay,
      lit: (wire) => this.lit.has(wire),
    };
    if (this.change) this.count = paintBetween(this.ctx, scene, this.change.sprites, this.change.t);
    else this.count = paint(this.ctx, scene);
    this.count.milliseconds = performance.now() - start;
    this.frames++;
    this.keepStill();
  }

  /** Where very much is to be seen, keep what was painted, for as long as it is only moved. */
  keepStill() {
    if (this.count.boxes < HEAVY || this.change) {
      this.painted = null;
      return;
    }
    this.painted ??= { canvas: document.createElement("canvas") };
    const { canvas } = this.painted;
    canvas.width = this.canvas.width;
    canvas.height = this.canvas.height;
    canvas.getContext("2d").drawImage(this.canvas, 0, 0);
    this.painted.camera = { ...this.camera };
    this.painted.of = this.placed;
  }

  /** Move what was painted, and paint anew when nothing moves any more. */
  drawQuickly() {
    const { painted, camera, ctx, width, height, ratio } = this;
    if (!painted || !this.dragged || painted.of !== this.placed) return false;
    this.dragged = false;
    const larger = camera.k / painted.camera.k;
    if (larger > 2 || larger < 0.5) return false;
    ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
    ctx.fillStyle = this.app.colour("paper");
    ctx.fillRect(0, 0, width, height);
    const [x, y] = [(painted.camera.x - camera.x) * camera.k, (painted.camera.y - camera.y) * camera.k];
    ctx.drawImage(painted.canvas, x, y, width * larger, height * larger);
    this.frames++;
    clearTimeout(this.settling);
    this.settling = setTimeout(() => this.app.redraw(), 120);
    return true;
  }

  /** How a node or scope is marked, if at all. */
  mark(thing) {
    const { app, state } = this;
    const name = thing.path !== undefined ? scopeName(thing.path) : thing.name;
    if (app.selected === name) return "selected";
    if (this.kin.has(name)) return "matched";
    if (this.found.has(name)) return "found";
    if (this.alike.has(name)) return "alike";
    return app.marks.get(state.index)?.get(name) ?? (app.fresh(state).has(name) ? "fresh" : "");
  }

  // -- where things are ---------------------------------------------------------------------

  /** What is at a point of the canvas: ``{held, entry, scope, left, top}``, or null. */
  at(x, y) {
    const px = this.camera.x + x / this.camera.k;
    const py = this.camera.y + y / this.camera.k;
    let found = null;
    const point = { left: px, right: px, top: py, bottom: py };
    visit(this.placed, point, 0, 0, 0, (held, left, top) => {
      found = { held, left, top, entry: null, scope: null };
      return true;
    });
    if (!found) return null;
    const { item } = found.held;
    if (item.scope >= 0) found.scope = this.app.page.scopes[item.scope];
    else found.entry = this.entryAt(item, py - found.top);
    return found;
  }

  entryAt(item, y) {
    const entries = item.entries.map((index) => this.app.page.entries[index]);
    let bottom = item.tags.length * TAG;
    for (const entry of entries) {
      bottom += entry.rows.length * ROW;
      if (y <= bottom) return entry;
    }
    return entries.at(-1);
  }

  /** The rectangle of a node or scope (``/path``) where it can be seen now, or of what hides it. */
  rectOf(name) {
    if (isScopeName(name)) {
      const found = this.state.scopes.get(pathOf(name));
      if (!found) return null;
      if (found.chain.length === 1) return { x: 0, y: 0, width: this.placed.width, height: this.placed.height };
      const parent = found.chain.at(-2);
      const item = parent.items.find((each) => each.scope === found.scope.index);
      return whereIs(this.placed, found.chain.slice(0, -1), item);
    }
    const found = this.state.nodes.get(name);
    if (!found) return null;
    const rect = whereIs(this.placed, found.chain, found.item);
    if (!rect?.inside) return rect;
    let y = rect.y + found.item.tags.length * TAG;
    for (const index of found.item.entries) {
      const entry = this.app.page.entries[index];
      if (entry === found.entry) return { ...rect, y, height: entry.rows.length * ROW };
      y += entry.rows.length * ROW;
    }
    return rect;
  }

  // -- moving -------------------------------------------------------------------------------

  zoom(factor, x = this.width / 2, y = this.height / 2) {
    this.dragged = true;
    zoom(this.camera, factor, x, y, farthest(this.placed, this.width, this.height));
    this.app.moved(this);
  }

  pan(dx, dy) {
    this.dragged = true;
    this.camera.x -= dx / this.camera.k;
    this.camera.y -= dy / this.camera.k;
    this.keepInSight();
    this.app.moved(this);
  }

  /** Some of the picture always stays on the screen. */
  keepInSight() {
    const { camera, placed, width, height } = this;
    const [wide, high] = [width / camera.k, height / camera.k];
    camera.x = Math.min(placed.width - wide * 0.1, Math.max(camera.x, -wide * 0.9));
    camera.y = Math.min(placed.height - high * 0.1, Math.max(camera.y, -high * 0.9));
  }

  /** Show the whole. */
  fit(animate = true) {
    const whole = { x: 0, y: 0, width: this.placed.width, height: this.placed.height };
    this.flyTo(fitting(whole, this.free(), this.height), animate);
  }

  /** Show as much as is legible, from the beginning. */
  begin() {
    this.camera = opening(this.placed, this.free(), this.height);
  }

  /** The width that the minimap leaves free. */
  free() {
    const { clientWidth } = this.app.minimap.host;
    return this.width > 4 * clientWidth ? this.width - clientWidth : this.width;
  }

  /** Show a node or scope, coming nearer where it would be too small to read. */
  show(name, animate = true) {
    const rect = this.rectOf(name);
    if (!rect) return;
    const all = fitting(rect, this.width, this.height, Math.max(0.9, Math.min(1.5, this.camera.k)));
    const k = Math.max(all.k, Math.min(0.9, this.camera.k));
    const high = rect.height * k > this.height - 60;
    this.flyTo({
      x: rect.x + rect.width / 2 - this.width / 2 / k,
      y: high ? rect.y - 30 / k : rect.y + rect.height / 2 - this.height / 2 / k,
      k,
    }, animate);
  }

  /** Bring the selected into sight where a panel has come to stand over it. */
  uncover() {
    const { app, camera, width } = this;
    const rect = app.selected !== null && this.placed ? this.rectOf(app.selected) : null;
    if (!rect) return;
    const over = rect.x + Math.min(rect.width, width / 2 / camera.k) - camera.x - (width - 12) / camera.k;
    if (over > 0 && rect.x > camera.x) camera.x += over;
  }

  flyTo(target, animate = true) {
    if (!animate || this.app.still()) {
      this.camera = target;
      this.app.moved(this);
      return;
    }
    const from = { ...this.camera };
    this.animate((t) => {
      this.camera = between(from, target, t);
      this.app.moved(this);
    });
  }

  /** Call a step for every frame, t from 0 to 1; a new animation ends the one before. */
  animate(step, seconds = SECONDS) {
    this.moving?.finish();
    const start = performance.now();
    const moving = { done: false };
    moving.finish = () => {
      if (moving.done) return;
      moving.done = true;
      step(1);
    };
    const frame = (now) => {
      if (moving.done) return;
      const t = Math.min(1, Math.max(0, (now - start) / 1000 / seconds));
      if (t >= 1) {
        this.moving = null;
        moving.finish();
        return;
      }
      step(eased(t));
      requestAnimationFrame(frame);
    };
    this.moving = moving;
    requestAnimationFrame(frame);
  }

  /** A function that keeps what is under a name where it is on the screen, for as long as called. */
  anchor(name) {
    const fixed = name === null ? null : this.rectOf(name);
    if (!fixed) return () => {};
    let { x, y } = { x: fixed.x + fixed.width / 2, y: fixed.y };
    return () => {
      const now = this.rectOf(name);
      if (!now) return;
      this.camera.x += now.x + now.width / 2 - x;
      this.camera.y += now.y - y;
      ({ x, y } = { x: now.x + now.width / 2, y: now.y });
    };
  }

  /** The names of the nodes that can be seen, the one nearest to the middle first. */
  inMiddle() {
    const { camera, width, height, app } = this;
    const [x, y] = [camera.x + width / 2 / camera.k, camera.y + height / 2 / camera.k];
    const rect = { left: camera.x, right: camera.x + width / camera.k, top: camera.y, bottom: camera.y + height / camera.k };
    const found = [];
    visit(this.placed, rect, 0, 0, 0, (held, left, top) => {
      const far = Math.hypot(left + held.width / 2 - x, top + held.height / 2 - y);
      for (const index of held.item.entries) found.push([far, app.page.entries[index].name]);
      return true;
    });
    return found.sort((a, b) => a[0] - b[0]).slice(0, 40).map(([, name]) => name);
  }
}
