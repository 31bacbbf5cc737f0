"""
The zoo
=======

Whole model libraries, model by model: captured by every front end, run and compared with the
framework's own output, and the graphs of all front ends compared with each other. ``make zoo``
measures all of it, which takes hours; this page reads the table that was kept last
(``zoo.jsonl`` beside it, measured with the versions that the project pins), be it of all models or
of some. A model counts as running here if its library makes it, small and with random weights, and
runs it on a CPU to outputs that are not random.
"""

from pathlib import Path
from xml.etree.ElementTree import tostring

from graphlens.sweep import Choice, Task, asked, forms, summary, sweep, table


class Table:
    """Words in rows, shown as HTML."""

    def __init__(self, heads, lines, kinds=()):
        self.element = forms.tabled(heads, lines, kinds)

    def _repr_html_(self):
        return tostring(self.element, "unicode", method="html")


rows = list(table.read(Path("zoo.jsonl")).values())
print(summary.summary(rows))

# %%
# What is captured
# ----------------
# By library: models that one front end or more captured with the framework's own output (within
# the tolerance of ``prove``), the share of all graphs' nodes that are ONNX operations, the models
# of which all front ends gave one graph once in canonical form, and the time that capture takes in
# relation to the framework's own capture in the same process.


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
            summary.share(held.one, held.compared),
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
