// The keyboard on the picture.

import { isScopeName, pathOf } from "./data.js";

/** The help: keys and what they do. */
export const KEYS = [
  ["↓ ↑", "to the next reader, to what is read"],
  ["← →", "to the neighbour before, after"],
  ["Enter", "open or close the scope"],
  ["Backspace", "to the scope around"],
  ["+ −", "nearer, farther"],
  ["Shift + arrows", "move the picture"],
  ["f", "show the whole"],
  ["c", "show what is selected"],
  ["o / O", "open, close all"],
  ["/ or Ctrl F", "search by name, op, shape, attribute; /…/ is a regular expression"],
  [",", "back to what was selected before"],
  ["s", "save what is seen as a PNG"],
  ["[ ]", "pass before, after"],
  ["b", "before and after side by side"],
  ["m", "memory"],
  ["k", "what colours mean"],
  ["t", "tree"],
  ["d", "dark or light"],
  ["?", "this help"],
  ["Esc", "close, select nothing"],
];

/** Listen to keys wherever no text is typed. */
export function listen(app) {
  document.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key === "f") {  // words on a canvas are not found by the browser
      app.bars.open();
      event.preventDefault();
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape") {
      escape(app);
      return;
    }
    const { target } = event;
    if (target.matches("input:not([type=range]), select")) return;
    const onPicture = app.panes.some((view) => view.canvas === target) || target === document.body;
    const done = onPicture ? pictureKey(app, event) || pageKey(app, event) : pageKey(app, event);
    if (done) event.preventDefault();
  });
}

/** Leave what one is in. */
function escape(app) {
  if (document.getElementById("help").open) return;
  if (document.activeElement.matches("input")) app.active.canvas.focus();
  else app.select(null);
}

function pageKey(app, event) {
  const keys = {
    "/": () => app.bars.open(),
    "?": () => app.bars.toggleHelp(),
    f: () => app.active.fit(),
    c: () => app.selected !== null && app.active.show(app.selected),
    "+": () => app.active.zoom(1.3),
    "=": () => app.active.zoom(1.3),
    "-": () => app.active.zoom(1 / 1.3),
    "[": () => app.passes.goTo(app.active.state.index - 1),
    "]": () => app.passes.goTo(app.active.state.index + 1),
    b: () => app.passes.toggleBeside(),
    ",": () => app.back(),
    s: () => app.bars.save(),
    m: () => app.memory.toggle(),
    k: () => document.getElementById("color-by").focus(),
    t: () => app.bars.toggleTree(),
    d: () => app.toggleDark(),
    o: () => app.openAll(true),
    O: () => app.openAll(false),
  };
  if (!(event.key in keys)) return false;
  keys[event.key]();
  return true;
}

function pictureKey(app, event) {
  const steps = { ArrowLeft: [1, 0], ArrowRight: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
  if (event.shiftKey && event.key in steps) {
    const [x, y] = steps[event.key];
    app.active.pan(x * 80, y * 80);
    return true;
  }
  if (event.key in steps) {
    app.walk(event.key);
    return true;
  }
  if (event.key === "Enter" && isScopeName(app.selected ?? "")) {
    app.toggle(pathOf(app.selected));
    return true;
  }
  if (event.key === "Backspace") {
    app.walk("out");
    return true;
  }
  return false;
}
