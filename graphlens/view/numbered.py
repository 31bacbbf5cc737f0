"""Blocks that a model without scopes tells by numbers at the end of its layers' names."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

from graphlens.view.diagram import Arrow, Box

_LAYERS, _BLOCKS = 8, 3
"""Named layers of a block, and blocks of a model, from which on they are looked for."""
_SHARE, _SCATTER = 0.5, 2.0
"""The share of layers that must be in blocks, and how far a block's layers may lie apart."""

Key = tuple[str, ...]


def numbered(
    kinds: Mapping[str, str], boxes: Sequence[Box], links: Sequence[Arrow]
) -> dict[str, str]:
    """A scope in its numbered block for every scope: ``normal_7.normal_conv_1_7``.

    A layer with the name that Keras gives by itself (``activation_34``) is in the block of all
    that reads it, else of all that it reads. Empty where there are no such blocks.

    Args:
        kinds: The class of the module at each scope.
        boxes: All boxes in order of execution, with their scopes as their clusters.
        links: All arrows.
    """
    layers = list(dict.fromkeys(box.cluster.partition(".")[0] for box in boxes))
    keys = _keys(name for name in layers if name and not _by_itself(name, kinds.get(name, "")))
    blocks = _blocks(layers, keys)
    if len(blocks) < _BLOCKS or sum(map(len, blocks.values())) < _SHARE * len(keys):
        return {}
    named = {name: key for key, names in blocks.items() for name in names}
    words = {key: _called(key, blocks) for key in blocks}
    held = _spread(named, set(keys), boxes, links)
    paths = {box.cluster: f"{words[held[box.id]]}.{box.cluster}" for box in boxes if box.id in held}
    for path in [*kinds]:  # a layer that holds no box itself goes with those inside it
        layer = path.partition(".")[0]
        if path not in paths and layer in named:
            paths[path] = f"{words[named[layer]]}.{path}"
    return paths


def _by_itself(name: str, kind: str) -> bool:
    """Whether a layer has the name of its class, perhaps with a number."""
    stem, _, number = name.rpartition("_")
    bare = stem if number.isdigit() else name
    return bool(kind) and bare.replace("_", "") == kind.lower()


def _keys(names: Iterable[str]) -> dict[str, Key]:
    """The block that each layer's name ends with, such as ``('stem', '1')``, ``()`` for none."""
    words = {name: tuple(name.split("_")) for name in names}
    pairs = Counter(held[-2:] for held in words.values() if held[-1].isdigit())
    found: dict[str, Key] = {}
    for name, held in words.items():
        pair = held[-2:]
        whole = len(pair) == 2 and pair[0].isalpha() and pairs[pair] >= _LAYERS
        found[name] = (pair if whole else held[-1:]) if held[-1].isdigit() else ()
    return found


def _blocks(layers: Sequence[str], keys: Mapping[str, Key]) -> dict[Key, list[str]]:
    """The layers of each block that is one stretch of the model."""
    place = {name: index for index, name in enumerate(layers)}
    found: dict[Key, list[str]] = defaultdict(list)
    for name, key in keys.items():
        if key:
            found[key].append(name)
    return {
        key: names
        for key, names in found.items()
        if len(names) >= _LAYERS and place[names[-1]] - place[names[0]] <= _SCATTER * len(names)
    }


def _called(key: Key, blocks: Mapping[Key, Sequence[str]]) -> str:
    """A block's name: its number, after the word that most of its layers share and few others."""
    own = _shared(blocks[key])
    others = Counter(word for names in blocks.values() for word in _shared(names))
    telling = [word for word in own if others[word] < 0.8 * len(blocks) and word not in key]
    first = telling[:1] or ([] if key[0].isalpha() else ["block"])
    return "_".join((*first, *key))


def _shared(names: Sequence[str]) -> list[str]:
    """The words that half of some names have, the most frequent first."""
    counts = Counter(word for name in names for word in dict.fromkeys(name.split("_")))
    return [w for w, count in counts.most_common() if w.isalpha() and count >= len(names) / 2]


def _spread(
    named: Mapping[str, Key], telling: set[str], boxes: Sequence[Box], links: Sequence[Arrow]
) -> dict[str, Key]:
    """The block of each box: its layer's, else that of all its readers, else of all it reads."""
    readers: dict[str, list[str]] = defaultdict(list)
    read: dict[str, list[str]] = defaultdict(list)
    for link in links:
        readers[link.tail].append(link.head)
        read[link.head].append(link.tail)
    layers = {box.id: box.cluster.partition(".")[0] for box in boxes}
    found = {name: named[layer] for name, layer in layers.items() if layer in named}
    free = [name for name, layer in layers.items() if layer and layer not in telling]
    for order, beside in ((free[::-1], readers), (free, read)):
        for name in order:
            around = {found.get(other, ()) for other in beside[name]}
            if name not in found and len(around) == 1 and (key := around.pop()):
                found[name] = key
    return found
