"""
The zoo
=======

Whole model libraries, model by model: captured by every front end, run and compared with the
framework's own output, and the graphs of all front ends compared with each other. ``make zoo``
measures all of it, which takes hours; this page reads the table that was kept last
(``zoo.jsonl`` beside it, measured with the versions that the project pins), be it of all models or
of some. A model counts as running here if its library makes it, small and with random weights, and
runs it on a CPU to outputs that are not random. Some models amplify rounding (they pick the best of
scores that are equal but for the last digit): what is out of tolerance in float32 is done again in
float64, model, inputs and graph, and counts as equal if it is equal there, which the table says.
"""

from pathlib import Path
from xml.etree.ElementTree import tostring

import matplotlib.pyplot as plt
from matplotlib.patches import Patch

from graphlens.sweep import Choice, Task, asked, forms, summary, sweep, table
from graphlens.sweep.row import EQUAL


class Table:
    """Words in rows, shown as HTML."""

    def __init__(self, heads, lines, kinds=()):
        self.element = forms.tabled(heads, lines, kinds)

    def _repr_html_(self):
        return tostring(self.element, "unicode", method="html")


rows = list(table.read(Path("zoo.jsonl")).values())
print(summary.summary(rows))

# %%
# Every square is a model, library by library.

COLOURS = {
    "equal by every front end": "#0072b2",
    "equal by some": "#56b4e9",
    "not equal by any": "#d55e00",
    "does not run here, or to random outputs": "#d9d9d9",
}
WIDE = 60


def outcome(row):
    """The key in COLOURS of one model."""
    equal = [entry["status"] in EQUAL for entry in row.frontends.values()]
    if not row.built or row.status == "random":
        return "does not run here, or to random outputs"
    return list(COLOURS)[0 if equal and all(equal) else 1 if any(equal) else 2]


figure, axes = plt.subplots(layout="constrained")
bottom, places = 0, {}
for name in summary.by_set(rows):
    models = [row for row in rows if row.set == name]
    places[name] = bottom + (len(models) - 1) // WIDE / 2
    for at, row in enumerate(models):
        corner = (at % WIDE, bottom + at // WIDE)
        axes.add_patch(plt.Rectangle(corner, 0.86, 0.86, color=COLOURS[outcome(row)]))
    bottom += (len(models) - 1) // WIDE + 2
axes.set(xlim=(0, WIDE), ylim=(bottom, 0), aspect="equal")
axes.set_yticks([place + 0.43 for place in places.values()], places)
axes.set_xticks([])
axes.tick_params(length=0)
axes.spines[:].set_visible(False)
figure.set_size_inches(10, 0.17 * bottom + 0.4)
keys = [Patch(color=colour, label=name) for name, colour in COLOURS.items()]
figure.legend(handles=keys, loc="outside lower center", ncols=4, frameon=False)
figure.savefig("zoo.svg")

# %%
# What is captured
# ----------------
# By library: models that one front end or more captured with the framework's own output (within
# the tolerance of ``prove``), the share of all graphs' nodes that are ONNX operations, the models
# of which all front ends gave one graph once in canonical form (some of them at the sizes of the
# run, which ``torch.export`` computes from data and a trace has as numbers:
# ``graphlens.specialize``), and the time that capture takes in relation to the framework's own
# capture in the same process.


def times(ratio):
    return "" if ratio is None else f"{ratio:.2f} x"


Table(
    ("library", "models", "run here", "equal output", "in the vocabulary", "one graph", "capture"),
    [
        (
            name,
            str(held.models),
            str(held.built),
            summary.share(held.equal, held.built),
            summary.share(held.known, held.nodes, 3),
            summary.share(held.one, held.compared)
            + (f", {held.sized} at its sizes" if held.sized else ""),
            times(held.overhead),
        )
        for name, held in summary.by_set(rows).items()
    ],
)

# %%
# By front end: how many of the models that it was given, and how many of those that the bare
# framework captures by the same means (``torch.fx.symbolic_trace``, ``torch.jit.trace``,
# ``torch.export.export``, ``tf.function``).

Table(
    ("front end", "equal output", "the framework's own takes", "of those, equal", "capture"),
    [
        (
            name,
            summary.share(held.equal, held.tried),
            str(held.bare),
            summary.share(held.also, held.bare),
            times(held.overhead),
        )
        for name, held in summary.by_front_end(rows).items()
    ],
)

# %%
# Every capture that the framework itself can make too: its seconds across, ours upwards.

figure, axes = plt.subplots(figsize=(10, 4.5), layout="constrained")
for via in summary.by_front_end(rows):
    pairs = [
        (entry["bare_seconds"], entry["seconds"])
        for row in rows
        for name, entry in row.frontends.items()
        if name == via and entry["bare_seconds"] and entry["seconds"]
    ]
    if pairs:
        axes.scatter(*zip(*pairs, strict=True), s=9, alpha=0.6, label=via)
axes.set(xscale="log", yscale="log", xlabel="the framework's own capture, s", ylabel="ours, s")
ends = axes.get_xlim()
for factor, style in ((1, "-"), (2, "--")):
    axes.plot(ends, [end * factor for end in ends], style, color="grey", linewidth=1)
    axes.annotate(f" {factor} x", (ends[1], ends[1] * factor), color="grey", va="center")
axes.set(xlim=ends)
axes.spines[["top", "right"]].set_visible(False)
axes.legend(frameon=False)
figure.savefig("seconds.svg")

# %%
# What is not reached
# -------------------
# Every reason in one line, with the models that it is true of. Names and numbers are taken out, so
# that one cause is one line.

Table(
    ("models", "reason", "such as"),
    [
        (str(len(models)), cause, ", ".join(models[:3]))
        for cause, models in summary.causes(row for row in rows if row.built)
    ],
)

# %%
# A sweep of one's own
# --------------------
# Any models will do: sets by name, files, or code that makes a model. Each is in a process of its
# own, with limits of time and memory, so that one that prints, forks, hangs or dies is a row like
# any other. A table that is given as a path is taken up again where it stopped.

few = asked(["timm"], Choice(only="test_*", limit=3))
found = sweep(few, Task(stages=("capture", "run", "one_graph", "optimize", "plan", "draw")))

Table(forms.HEADS, [forms.cells(row) for row in found])
