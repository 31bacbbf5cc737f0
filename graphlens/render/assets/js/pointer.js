// The mouse, the pen and the finger on a pane.

import { scopeName } from "./data.js";

const NEAR = 4;

/** Let a pane be dragged, zoomed, pointed at and clicked. */
export function grab(app, view) {
  const { canvas } = view;
  const down = new Map();
  let moved = 0;
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    down.set(event.pointerId, { x: event.offsetX, y: event.offsetY });
    moved = 0;
    app.active = view;
    view.moving?.finish();
  });
  canvas.addEventListener("pointermove", (event) => {
    const { offsetX: x, offsetY: y } = event;
    const last = down.get(event.pointerId);
    if (!last) {
      hover(app, view, x, y);
      return;
    }
    const other = [...down].find(([id]) => id !== event.pointerId)?.[1];
    if (other) pinch(view, last, { x, y }, other);
    moved += Math.abs(x - last.x) + Math.abs(y - last.y);
    view.pan((x - last.x) / (other ? 2 : 1), (y - last.y) / (other ? 2 : 1));
    down.set(event.pointerId, { x, y });
    if (moved > NEAR) canvas.classList.add("dragged");
  });
  const up = (event) => {
    const held = down.delete(event.pointerId);
    canvas.classList.remove("dragged");
    if (held && event.type === "pointerup" && moved <= NEAR) click(app, view, event);
  };
  canvas.addEventListener("pointerup", up);
  canvas.addEventListener("pointercancel", up);
  canvas.addEventListener("pointerleave", () => down.size === 0 && app.point([], view));
  canvas.addEventListener("dblclick", (event) => {
    const found = view.at(event.offsetX, event.offsetY);
    if (!found) view.zoom(1.8, event.offsetX, event.offsetY);
  });
  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    const unit = event.deltaMode === 1 ? 16 : 1;
    if (event.ctrlKey || event.metaKey || !event.shiftKey) {
      view.zoom(Math.exp(-event.deltaY * unit * (event.ctrlKey ? 0.01 : 0.0016)), event.offsetX, event.offsetY);
    } else {
      view.pan(-(event.deltaX || event.deltaY) * unit, 0);
    }
  }, { passive: false });
}

function pinch(view, last, now, other) {
  const before = Math.hypot(last.x - other.x, last.y - other.y);
  const after = Math.hypot(now.x - other.x, now.y - other.y);
  if (before > 0) view.zoom(after / before, (now.x + other.x) / 2, (now.y + other.y) / 2);
}

function hover(app, view, x, y) {
  const found = view.at(x, y);
  view.canvas.classList.toggle("pointing", found !== null);
  const closed = found?.scope && !found.held.inner;
  app.point(found?.entry ? [found.entry.name] : closed ? [scopeName(found.scope.path)] : [], view);
}

/** A click selects a node, and opens or closes a scope. */
function click(app, view, event) {
  view.canvas.focus({ preventScroll: true });
  const found = view.at(event.offsetX, event.offsetY);
  if (!found) {
    app.select(null);
  } else if (found.entry) {
    app.select(found.entry.name);
  } else {
    const { path } = found.scope;
    const y = view.camera.y + event.offsetY / view.camera.k - found.top;
    const isOpen = app.open.has(path);
    app.select(scopeName(path));
    // An open scope closes by its title only: a click beside what is in it is meant for nothing.
    if (!isOpen || y < 26 || view.camera.k < 0.5) app.toggle(path);
  }
}
