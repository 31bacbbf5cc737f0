"""A program: lay out DOT texts (JSON on stdin) by pygraphviz's own libraries, json0 on stdout."""

import json
import sys
import warnings

import pygraphviz  # the child exists to load it, and nothing else does


def main() -> None:
    """Read, lay out, write."""
    warnings.simplefilter("ignore")
    found: list[str] = []
    for source in json.load(sys.stdin):
        graph = pygraphviz.AGraph(string=source)
        found.append((graph.draw(format="json0", prog="dot") or b"").decode())
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
