// Put the page together and start it.

import { App, get } from "./app.js";
import { Bars } from "./bars.js";
import { listen } from "./keys.js";
import { Legend } from "./legend.js";
import { Memory } from "./memory.js";
import { Passes } from "./passes.js";
import { waysOf } from "./ways.js";

const app = new App();
const asked = app.start();
const bars = new Bars(app);
const passes = new Passes(app);
const memory = new Memory(app);
const legend = new Legend(app);
Object.assign(app, { bars, passes, memory, legend });
listen(app);
new ResizeObserver(() => app.resize()).observe(get("panes"));
window.addEventListener("hashchange", () => location.reload());
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => app.recolour());
if (asked.beside !== null) passes.toggleBeside(asked.beside);
if (asked.memory) memory.toggle();
if (asked.selected) app.select(asked.selected);
app.resize();
if (asked.camera) app.active.camera = asked.camera;
else app.active.begin();
app.moved(app.active);
app.frame();
window.graphlens = app;
app.waysOf = waysOf; // for tests
