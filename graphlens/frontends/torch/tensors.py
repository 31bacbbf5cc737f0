"""Which value of the graph each real tensor is: by its identity, else by where its memory lies."""

from __future__ import annotations

from typing import Any

import torch
from torch.multiprocessing.reductions import StorageWeakRef

from graphlens.frontends.torch.translate import Translator
from graphlens.frontends.torch.views import Ref

_MARK = "graphlens_live"
"""The attribute of a tensor that says which entry of which table it is."""


class Tensors:
    """The tensors of one run.

    A tensor that was made in the run carries a mark: a table from tensors to values would have to
    hold them, and their memory. One without (``y.data``, a gradient, what came back from numpy) is
    known by its memory; a weight, by the caller's object; what is left is a literal.
    """

    def __init__(
        self, translator: Translator, weights: dict[int, tuple[str, torch.Tensor]]
    ) -> None:
        """No tensors yet but the weights: names and tensors by ``id``."""
        self._translator = translator
        self._weights = weights
        self._token = object()
        self._refs: list[tuple[Ref, int]] = []
        self._leaves: dict[int, tuple[torch.Tensor, Ref]] = {}
        self._places: dict[int, tuple[StorageWeakRef, list[tuple[Any, Ref]]]] = {}
        self._outside: set[int] = set()
        self._saved: dict[int, tuple[torch.Tensor, torch.Tensor]] = {}
        self._lay = False
        self._by_place: dict[Any, torch.Tensor] = {}
        self._by_store: dict[int, torch.Tensor] = {}
        self._stores: dict[int, tuple[StorageWeakRef, Ref]] = {}

    def ref(self, tensor: torch.Tensor) -> Ref:
        """The Ref of a tensor."""
        mark = getattr(tensor, _MARK, None)
        if mark is not None and mark[0] is self._token:
            ref, place = self._refs[mark[1]]
            if place == pointer(tensor):
                return ref
        leaf = self._leaves.get(id(tensor))
        if leaf is not None:
            return leaf[1]
        return self._found(tensor)

    def put(self, tensor: Any, ref: Ref, outside: bool = False) -> None:
        """Note which value a tensor is; ``outside`` if its memory was there before the run."""
        if not isinstance(tensor, torch.Tensor) or id(tensor) in self._leaves:
            return
        place = pointer(tensor)
        setattr(tensor, _MARK, (self._token, len(self._refs)))
        self._refs.append((ref, place))
        if place:
            self._place(tensor, ref, place)
        if outside:
            self._outside.add(_store(tensor))

    def save(self, tensors: list[torch.Tensor]) -> None:
        """Keep what is in tensors from before the run that are about to be written into."""
        for tensor in tensors:
            start = _store(tensor)
            if start and start in self._outside and start not in self._saved and not tensor.is_meta:
                whole = _whole(tensor)
                self._saved[start] = whole, whole.clone()

    def put_back(self) -> None:
        """Undo what was written into tensors from before the run."""
        for whole, held in self._saved.values():
            whole.copy_(held)
        self._saved.clear()

    def known(self, tensor: torch.Tensor) -> Ref | None:
        """The Ref of a tensor that torch kept: the same memory, or what it is a part of."""
        self._lay_weights()
        found = self._at(tensor)
        if found is not None or not pointer(tensor):
            return found
        store = _store(tensor)
        held = self._stores.get(store)
        if held is not None and not held[0].expired():
            return held[1]
        weight = self._by_store.get(store)
        return None if weight is None else self.ref(weight)

    def is_outside(self, tensor: torch.Tensor) -> bool:
        """Whether a tensor's memory was there before the run."""
        self._lay_weights()
        store = _store(tensor)
        return store in self._outside or store in self._by_store

    def _found(self, tensor: torch.Tensor) -> Ref:
        """The Ref of a tensor seen for the first time: an alias, a weight or a literal."""
        named = self._weights.get(id(tensor))
        if named is None:
            self._lay_weights()
            known = self._at(tensor)
            if known is not None:
                return known
        ref = (
            self._translator.param(named[0], tensor)
            if named
            else self._translator.const(tensor.detach())
        )
        self._leaf(tensor, ref)
        return ref

    def _leaf(self, tensor: torch.Tensor, ref: Ref) -> None:
        self._leaves[id(tensor)] = tensor, ref
        place = pointer(tensor)
        if place:
            self._place(tensor, ref, place)
            self._outside.add(_store(tensor))

    def _lay_weights(self) -> None:
        """Note where every weight lies, so that ``weight.data`` is known for what it is."""
        if self._lay:
            return
        self._lay = True
        for _, tensor in self._weights.values():
            place = pointer(tensor)
            if place:
                self._by_place.setdefault((place, _geometry(tensor)), tensor)
                self._by_store.setdefault(_store(tensor), tensor)

    def _at(self, tensor: torch.Tensor) -> Ref | None:
        place = pointer(tensor)
        if not place:
            return None
        held = self._places.get(place)
        geometry = _geometry(tensor)
        if held is not None and not held[0].expired():
            for other, ref in reversed(held[1]):
                if other == geometry:
                    return ref
        weight = self._by_place.get((place, geometry))
        return None if weight is None or weight is tensor else self.ref(weight)

    def _place(self, tensor: torch.Tensor, ref: Ref, place: int) -> None:
        held = self._places.get(place)
        if held is None or held[0].expired():
            held = self._places[place] = StorageWeakRef(tensor.untyped_storage()), []
        held[1].append((_geometry(tensor), ref))
        store = _store(tensor)
        first = self._stores.get(store)
        if first is None or first[0].expired():
            self._stores[store] = held[0], ref


def pointer(tensor: torch.Tensor) -> Any:
    """Where a tensor's memory begins, also where it is imagined only; 0 if it has none."""
    if tensor.layout != torch.strided or type(tensor) not in _PLAIN:
        return 0
    if tensor.is_meta:
        return tensor.untyped_storage()._cdata, tensor.storage_offset()
    return tensor.data_ptr()


_PLAIN = (torch.Tensor, torch.nn.Parameter, torch.nn.Buffer)


def same_storage(one: Any, other: Any) -> bool:
    """Whether two tensors lie in the same memory."""
    if not isinstance(other, torch.Tensor) or torch.strided not in (one.layout, other.layout):
        return False
    if one.layout != other.layout:
        return False
    return one.untyped_storage()._cdata == other.untyped_storage()._cdata


def _geometry(tensor: torch.Tensor) -> Any:
    return tensor.dtype, tuple(tensor.shape), tensor.stride()


def _store(tensor: torch.Tensor) -> int:
    """The memory that a tensor lies in; 0 if it has none."""
    return tensor.untyped_storage()._cdata if pointer(tensor) else 0


def _whole(tensor: torch.Tensor) -> torch.Tensor:
    """All the memory that a tensor lies in, as bytes."""
    with torch.no_grad():
        return torch.empty(0, dtype=torch.uint8).set_(tensor.untyped_storage())
