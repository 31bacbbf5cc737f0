"""Arguments for a model of transformers: the first of the likely ones that it runs on."""

from __future__ import annotations

import inspect
from collections.abc import Generator, Mapping, Sequence
from itertools import combinations, islice, product
from typing import Any

import torch

from graphlens.frontends.torch.inputs import returned
from graphlens.sweep.sets.transformers_inputs import EXAMPLES, FOLLOWING
from graphlens.sweep.subject import CannotBuildError

_TRIES = 300
_FEW_TRIES = 30
_LIGHT = 5_000_000
"""Elements of the weights of a model that runs in no time."""

_SESSIONS = ("inference_session",)
"""Arguments that are objects of the library's own."""

_NEVER_ADDED = ("inputs_embeds", "hidden_states", "attention_mask", "decoder_inputs_embeds")
"""What stands in for another argument, or says no more than what there is without it."""


class SessionError(CannotBuildError):
    """A model whose call takes a session, whatever its configuration."""


Call = Mapping[str, int]
"""Argument -> which of its examples."""


def arguments(model: Any) -> dict[str, torch.Tensor]:
    """The first of the likely arguments that the model runs on, and returns tensors.

    Raises:
        CannotBuildError: If it runs on none.
    """
    formals = inspect.signature(model.forward).parameters
    needed = tuple(
        name
        for name, formal in formals.items()
        if formal.default is formal.empty and formal.kind is formal.POSITIONAL_OR_KEYWORD
    )
    _refuse_unknown(needed)
    main = model.main_input_name
    main = main if isinstance(main, str) else main[0]
    is_light = sum(each.numel() for each in model.parameters()) < _LIGHT
    reasons: list[str] = []
    for call in islice(_calls(main, tuple(formals), needed), _TRIES if is_light else _FEW_TRIES):
        try:
            inputs = _made(call, model.config)
            with torch.no_grad():
                returned(model(**inputs))
        except Exception as error:  # the library refuses in as many ways as it has models
            reasons.append(f"{'+'.join(call)}: {error}")
        else:
            return inputs
    raise CannotBuildError(" | ".join(dict.fromkeys(reasons)) or "no example for any argument")


def _refuse_unknown(needed: Sequence[str]) -> None:
    unknown = [name for name in needed if name not in EXAMPLES and name not in FOLLOWING]
    session = [name for name in unknown if name in _SESSIONS]
    if session:
        raise SessionError(f"it is called with a session ({session[0]}), no tensors")
    if unknown:
        raise CannotBuildError(f"there is no example for its {', '.join(unknown)}")


def _calls(main: str, formals: tuple[str, ...], needed: tuple[str, ...]) -> Generator[Call]:
    """Arguments and which of their examples; the plainest first."""
    for keys, variant in _plain(main, formals):
        if set(needed) <= set(keys):
            yield dict.fromkeys(keys, variant)
    known = (main,) if main in EXAMPLES and main in formals else ()
    yield from _wider(needed or known, formals)
    if known and not needed:
        yield from _wider((), formals)


def _plain(main: str, formals: tuple[str, ...]) -> Generator[tuple[tuple[str, ...], int]]:
    """What most models take: the main argument, or it and one or all others."""
    more = tuple(key for key in _COMMON if key in formals and key != main)
    known = (main,) if main in EXAMPLES and main in formals else ()
    if known:
        yield known, 0
    if "decoder_input_ids" in more:
        yield (*known, "decoder_input_ids"), 0
    for variant in range(1, len(EXAMPLES.get(main, ()))):
        yield known, variant
    for key in ("hidden_states", "pixel_values"):
        if "grid_thw" in more and key in formals:
            yield (key, "grid_thw"), _ROWS[key]
    for key in more:
        yield (*known, key), 0
    required = tuple(key for key in formals if key in ("bbox", "pixel_values", "input_ids"))
    yield tuple(dict.fromkeys((*known, *required))), 0
    yield (*known, *more), 0


def _wider(base: tuple[str, ...], formals: tuple[str, ...]) -> Generator[Call]:
    """What is needed and up to three others, in every combination of their examples."""
    known = (*EXAMPLES, *FOLLOWING)
    extras = [key for key in formals if key in known and key not in (*base, *_NEVER_ADDED)]
    for count in range(min(4, len(extras) + 1)):
        for added in combinations(extras, count):
            if not base and not added:
                continue
            keys = (*base, *added)
            for variants in islice(product(*map(_variants, keys)), _OF_ONE_KIND):
                yield dict(zip(keys, variants, strict=True))


_OF_ONE_KIND = 48
"""Calls that are tried with the same arguments."""

_ROWS = {"hidden_states": 1, "pixel_values": 3}
"""Argument -> which of its examples has a patch a row."""

_COMMON = (  # noqa: SIM905
    "input_ids decoder_input_ids pixel_values input_values input_features bbox attention_mask "
    "inputs_embeds hidden_states grid_thw query_embeds pixel_values_videos audio_values "
    "past_values past_time_features past_observed_mask states actions rewards returns_to_go "
    "timesteps"
).split()
"""What is given all at once to a model that wants more than its main argument."""


def _variants(key: str) -> range:
    return range(len(EXAMPLES[key] if key in EXAMPLES else FOLLOWING[key][1]))


def _made(call: Call, config: Any) -> dict[str, torch.Tensor]:
    """The arguments of a call, those that follow another after it."""
    torch.manual_seed(0)
    made: dict[str, torch.Tensor] = {}
    for key, variant in call.items():
        if key in EXAMPLES:
            made[key] = EXAMPLES[key][min(variant, len(EXAMPLES[key]) - 1)](config)
    for key, variant in call.items():
        if key in FOLLOWING:
            other, shapes = FOLLOWING[key]
            made[key] = shapes[min(variant, len(shapes) - 1)](made[other])
    return made
