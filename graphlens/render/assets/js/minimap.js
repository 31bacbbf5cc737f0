// The whole picture in small, and which part of it is on the screen.

import { edge } from "./brush.js";

const SMALLEST = 1.2;

/** The minimap of a pane: drawn anew when things move, else only its window. */
export class Minimap {
  constructor(app, canvas) {
    this.app = app;
    this.canvas = canvas;
    this.ctx = canvas.getContext("2d");
    this.drawn = document.createElement("canvas");
    this.of = null;
    const go = (event) => {
      const { k, left, top } = this;
      const view = app.active;
      view.camera.x = (event.offsetX - left) / k - view.width / view.camera.k / 2;
      view.camera.y = (event.offsetY - top) / k - view.height / view.camera.k / 2;
      view.keepInSight();
      app.moved(view);
    };
    canvas.addEventListener("pointerdown", (event) => {
      canvas.setPointerCapture(event.pointerId);
      go(event);
    });
    canvas.addEventListener("pointermove", (event) => event.buttons && go(event));
  }

  draw(view) {
    const { app, canvas, ctx, drawn } = this;
    const ratio = window.devicePixelRatio || 1;
    const [width, height] = [canvas.clientWidth, canvas.clientHeight];
    if (width === 0) return;
    const { placed, camera } = view;
    this.k = Math.min((width - 12) / placed.width, (height - 12) / placed.height);
    this.left = (width - placed.width * this.k) / 2;
    this.top = (height - placed.height * this.k) / 2;
    const theme = app.isDark();
    if (this.of !== placed || this.theme !== theme || canvas.width !== Math.round(width * ratio)) {
      canvas.width = drawn.width = Math.round(width * ratio);
      canvas.height = drawn.height = Math.round(height * ratio);
      this.paintWhole(placed, ratio);
      this.of = placed;
      this.theme = theme;
    }
    ctx.setTransform(1, 0, 0, 1, 0, 0);
    ctx.clearRect(0, 0, canvas.width, canvas.height);
    ctx.drawImage(drawn, 0, 0);
    ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
    ctx.strokeStyle = app.colour("focus");
    ctx.lineWidth = 1.5;
    ctx.strokeRect(
      this.left + camera.x * this.k, this.top + camera.y * this.k,
      (view.width / camera.k) * this.k, (view.height / camera.k) * this.k,
    );
  }

  paintWhole(placed, ratio) {
    const ctx = this.drawn.getContext("2d");
    const { colour, page } = this.app;
    ctx.setTransform(1, 0, 0, 1, 0, 0);
    ctx.clearRect(0, 0, this.drawn.width, this.drawn.height);
    ctx.setTransform(this.k * ratio, 0, 0, this.k * ratio, this.left * ratio, this.top * ratio);
    const least = SMALLEST / this.k;
    const go = (inner, x, y, depth) => {
      for (const held of inner.items) {
        const [left, top] = [x + held.x, y + held.y];
        if (held.inner) {
          ctx.fillStyle = colour(`cluster${(depth + 1) % 3}`);
          ctx.fillRect(left, top, held.width, held.height);
          go(held.inner, left + held.shift, top, depth + 1);
          continue;
        }
        const entry = page.entries[held.item.entries[0]];
        ctx.fillStyle = colour(entry ? edge(entry.rows[0].style) : "module.edge");
        ctx.fillRect(left, top, Math.max(held.width, least), Math.max(held.height, least));
      }
    };
    go(placed, 0, 0, 0);
  }
}
