"""Our passes, each a function Graph -> Graph in a module of its own name, and the pipeline.

A pass never changes the graph that it is given, and returns that very object if it finds nothing
to do. `DEFAULT` names the passes of the default pipeline in order; they are imported when asked
for (`graphlens.registry`), so that this package loads nothing by itself.
"""

DEFAULT = (
    "canonicalize",
    "eliminate",
    "fold_constants",
    "common_subexpressions",
    "fold_batch_norm",
    "fuse",
    "reuse_buffers",
)
"""The passes of the default pipeline, in order."""

__all__ = ["DEFAULT"]
