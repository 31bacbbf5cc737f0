"""Small configurations where a default one is no model: what is missing, and what must agree."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from graphlens.sweep.sets.small_config import VOCABULARY, small, smaller

_WHERE_NONE: Mapping[str, Any] = {
    "vocab_size": VOCABULARY,
    "pad_token_id": 0,
    "head_dim": 16,
    "attention_head_dim": 16,
    "num_key_value_heads": 2,
    "n_shared_experts": 1,
    "sliding_window": 8,
    "indexer_n_heads": 4,
    "indexer_kv_heads": 1,
    "indexer_head_dim": 16,
    "indexer_budget": 8,
    "indexer_compress_ratio": 2,
    **dict.fromkeys(["num_experts", "num_local_experts", "n_routed_experts"], 4),
    **dict.fromkeys(["num_experts_per_tok", "top_k_experts"], 2),
    **dict.fromkeys(["moe_intermediate_size", "expert_intermediate_size"], 64),
}
"""Field -> what it is where the library's default says nothing and the model's code needs it."""

_AT_MOST: Mapping[str, int] = {
    "n_groups": 1,
    "upsample_groups": 64,
    "num_kv_shared_layers": 0,
    "hidden_size_per_layer_input": 16,
    "vocab_size_per_layer_input": VOCABULARY,
    "ngram_vocab_size_base": VOCABULARY,
    "encoder_hash_byte_group_vocab": VOCABULARY,
    "latent_query_num": 4,
    "linear_num_heads": 4,
    "linear_head_dim": 16,
}
"""Field -> the largest value, of fields that `small` leaves as they are."""

_NO_WIDTH = 160
"""Sizes up to this are as often those of a patch, a head or a spectrum."""


def filled(config: Any) -> dict[str, Any]:
    """As `small`, with values for what has none, and with what parts share by default kept equal.

    Args:
        config: The default configuration.
    """
    found = small(config)
    _keep_own(config, found)
    parts = list(_parts(config, found))
    agreed = {was: now for one, held in parts for was, now in _widths(one.to_dict(), held)}
    for one, held in parts:
        subs = tuple(getattr(one, "sub_configs", ()))
        for name, value in one.to_dict().items():
            if name in subs:
                continue
            made = _made(one, name, value)
            if made is not None:
                held[name] = made
            elif name not in held:
                held.update(_agreeing(name, value, agreed))
        _per_layer(one, held)
        _share_heads(one, held)
    return found


def _keep_own(config: Any, found: dict[str, Any]) -> None:
    """Give each part what its whole sets otherwise than the part's own class does."""
    for name in getattr(config, "sub_configs", ()):
        inner = getattr(config, name, None)
        if not isinstance(found.get(name), dict) or inner is None:
            continue
        if inner.model_type == _OF_TIMM:
            del found[name]
            continue
        plain = type(inner)().to_dict()
        subs = tuple(getattr(inner, "sub_configs", ()))
        for key, value in inner.to_dict().items():
            if key not in (*found[name], *subs) and value != plain.get(key):
                found[name][key] = value
        _keep_own(inner, found[name])


_OF_TIMM = "timm_wrapper"
"""A part that timm makes whole, by its name alone."""


def _parts(config: Any, found: dict[str, Any]) -> Iterator[tuple[Any, dict[str, Any]]]:
    """Every configuration within one, by default and as it is being made."""
    yield config, found
    for name in getattr(config, "sub_configs", ()):
        if isinstance(found.get(name), dict):
            yield from _parts(getattr(config, name), found[name])


def _widths(default: Mapping[str, Any], held: Mapping[str, Any]) -> Iterator[tuple[int, int]]:
    for name, value in default.items():
        if _is_width(name, value) and isinstance(held.get(name), int):
            yield value, held[name]


def _agreeing(name: str, value: Any, agreed: Mapping[int, int]) -> dict[str, Any]:
    """The field made small with those that equal it by default, or nothing."""
    if _is_width(name, value) and value in agreed:
        return {name: agreed[value]}
    if isinstance(value, list | tuple) and name.endswith("_channels") and len({*value}) == 1:
        return {name: [agreed.get(each, each) for each in value]}
    return {}


def _is_width(name: str, value: Any) -> bool:
    """Whether it is the width of a signal that another part may take."""
    return type(value) is int and value > _NO_WIDTH and name.endswith(("_size", "_dim", "d_model"))


def _made(config: Any, name: str, value: Any) -> Any:
    """What a field becomes, None where it stays; a field may be known by another name."""
    known = [name, *(key for key, held in config.attribute_map.items() if held == name)]
    if value is None:
        return next((_WHERE_NONE[key] for key in known if key in _WHERE_NONE), None)
    if name == "num_heads" and isinstance(value, list | tuple):
        return [2] * len(value)  # of each stage, whose width is twice that of the one before
    if type(value) is not int:
        return None
    made = (min(value, _AT_MOST[key]) for key in known if key in _AT_MOST)
    return next(made, next((one for key in known[1:] if (one := smaller(key, value))), None))


def _share_heads(config: Any, held: dict[str, Any]) -> None:
    """Keep heads that share a layer's width out among them as wide as that makes them."""
    names = ("hidden_size", "num_attention_heads", "head_dim")
    width, heads, head = (getattr(config, name, None) for name in names)
    if not (isinstance(width, int) and isinstance(heads, int)) or head != width // heads:
        return
    known = [config.attribute_map.get(name, name) for name in names]
    if known[2] in held:
        held[known[2]] = held.get(known[0], width) // held.get(known[1], heads)


def _per_layer(config: Any, held: dict[str, Any]) -> None:
    """Make lists of one value a layer as long as there are layers; of kinds, one of each."""
    given = config.to_dict()
    layers = given.get("num_hidden_layers")
    if not isinstance(layers, int) or layers == held.get("num_hidden_layers", layers):
        return
    lists = {
        name: held.get(name, value)
        for name, value in given.items()
        if isinstance(value, list | tuple) and len(value) == layers
    }
    kinds = [dict.fromkeys(each) for each in lists.values() if each and isinstance(each[0], str)]
    fewest = max([held["num_hidden_layers"], *map(len, kinds)])
    for name, value in lists.items():
        each = list(dict.fromkeys(value)) if isinstance(value[0], str) else list(value)
        held[name] = (each * fewest)[:fewest]
    held["num_hidden_layers"] = fewest
    wanted = held.get("out_features")
    if wanted and str(wanted[-1]).startswith("stage"):
        held["num_hidden_layers"] = fewest = max(fewest, len(wanted))
        first = fewest - len(wanted) + 1
        held["out_features"] = [f"stage{first + place}" for place in range(len(wanted))]
        held["out_indices"] = [first + place for place in range(len(wanted))]
