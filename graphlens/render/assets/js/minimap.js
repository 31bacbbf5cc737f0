// The whole picture in small, and which part of it is on the screen.

import { edge } from "./brush.js";

const SMALLEST = 1.2;

/** The minimap of the active pane: painted anew when things move, else only its window moves. */
export class Minimap {
  constructor(app, host) {
    this.app = app;
    this.host = host;
    [this.canvas, this.window] = host.children;
    this.of = null;
    const go = (event) => {
      const { k, left, top } = this;
      const view = app.active;
      const box = host.getBoundingClientRect();
      view.camera.x = (event.clientX - box.left - left) / k - view.width / view.camera.k / 2;
      view.camera.y = (event.clientY - box.top - top) / k - view.height / view.camera.k / 2;
      view.keepInSight();
      app.moved(view);
    };
    host.addEventListener("pointerdown", (event) => {
      host.setPointerCapture(event.pointerId);
      go(event);
    });
    host.addEventListener("pointermove", (event) => event.buttons && go(event));
  }

  draw(view) {
    const { app, canvas } = this;
    const { placed, camera } = view;
    const theme = app.isDark();
    const scale = app.overlay.chosen && app.overlay.scale;
    if (this.of !== placed || this.theme !== theme || this.scale !== scale || this.width !== this.host.clientWidth) {
      const ratio = window.devicePixelRatio || 1;
      this.width = this.host.clientWidth;
      const height = this.host.clientHeight;
      this.k = Math.min((this.width - 12) / placed.width, (height - 12) / placed.height);
      this.left = (this.width - placed.width * this.k) / 2;
      this.top = (height - placed.height * this.k) / 2;
      canvas.width = Math.round(this.width * ratio);
      canvas.height = Math.round(height * ratio);
      this.paintWhole(placed, ratio);
      this.of = placed;
      this.theme = theme;
      this.scale = scale;
    }
    const { style } = this.window;
    style.transform = `translate(${this.left + camera.x * this.k}px, ${this.top + camera.y * this.k}px)`;
    style.width = `${(view.width / camera.k) * this.k}px`;
    style.height = `${(view.height / camera.k) * this.k}px`;
  }

  paintWhole(placed, ratio) {
    const ctx = this.canvas.getContext("2d");
    const { colour, page, overlay } = this.app;
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
        const tint = entry ? overlay.tint(entry) : overlay.tintScope(page.scopes[held.item.scope]);
        ctx.fillStyle = colour(tint ?? (entry ? edge(entry.rows[0].style) : "module.edge"));
        ctx.fillRect(left, top, Math.max(held.width, least), Math.max(held.height, least));
      }
    };
    go(placed, 0, 0, 0);
  }
}
