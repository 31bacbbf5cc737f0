"""The interactive page as one HTML file that needs nothing else and asks for nothing."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from functools import cache
from pathlib import Path
from typing import Any

from graphlens.render.page_json import details, overlays, page_json
from graphlens.render.theme import FONT, PALETTE
from graphlens.view.page_data import Page

ASSETS = Path(__file__).with_name("assets")
MODULES = (
    "data",
    "words",
    "camera",
    "columns",
    "ways",
    "shared",
    "place",
    "brush",
    "boxes",
    "wires",
    "scopes",
    "paint",
    "view",
    "minimap",
    "search",
    "alike",
    "details",
    "outline",
    "overlay",
    "link",
    "keys",
    "walk",
    "pointer",
    "change",
    "app",
    "bars",
    "passes",
    "memory",
    "legend",
    "main",
)
"""The modules of the page's script, each after those that it needs."""

_IMPORT = re.compile(r'^import (\{[^}]*\}) from "(?:\./)?(\w+)(?:\.js)?";$', re.MULTILINE)
_EXPORT = re.compile(r"^export (const|function|class) (\w+)", re.MULTILINE)
_LISTED = re.compile(r"^export \{([^}]*)\};$", re.MULTILINE)
_PLAIN = (
    "paper",
    "ink",
    "soft",
    "faint",
    "hair",
    "cluster0",
    "cluster1",
    "cluster2",
    "focus",
    "good",
)


def to_html(page: Page) -> str:
    """The text of the page: data, script and style, under a policy that lets nothing else in."""
    style, code = _style(), script()
    policy = (
        f"default-src 'none'; script-src {_hash(code)}; style-src {_hash(style)}; "
        "base-uri 'none'; form-action 'none'"
    )
    filled = {
        "CSP": policy,
        "TITLE": html.escape(page.title),
        "STYLE": style,
        "SCRIPT": code,
        "PAGE": _embedded(page_json(page)),
        "DETAILS": _embedded(details(page)),
        "OVERLAYS": _embedded(overlays(page)),
    }
    text = _asset("page.html")
    return re.sub("@([A-Z]+)@", lambda found: filled[found[1]], text)


@cache
def script() -> str:
    """The modules as one script, each in a function of its own, after the libraries they use."""
    lit = _asset("vendor/lit-html.js").partition("\n//# source")[0]
    fuzzy = _asset("vendor/uFuzzy.iife.min.js") + "\nreturn { uFuzzy };"
    parts = ["const modules = {};", _module("lit", _minified(lit)), _module("ufuzzy", fuzzy)]
    parts += [_module(name, _body(_asset(f"js/{name}.js"))) for name in MODULES]
    return "\n".join(parts)


def _module(name: str, body: str) -> str:
    return f"modules.{name} = (() => {{\n{body}\n}})();"


def _body(text: str) -> str:
    """A module of ours as the body of a function that returns what it exports."""
    names = [found[2] for found in _EXPORT.finditer(text)]
    names += [name for found in _LISTED.finditer(text) for name in found[1].split(",")]
    text = _LISTED.sub("", _EXPORT.sub(r"\1 \2", _IMPORT.sub(r"const \1 = modules.\2;", text)))
    return f"{text}\nreturn {{ {', '.join(map(str.strip, names))} }};"


def _minified(text: str) -> str:
    """The same of a library whose last statement is ``export{a as b,...}``."""
    body, _, exported = text.rpartition("export{")
    pairs = (pair.split(" as ") for pair in exported.rstrip().rstrip(";").rstrip("}").split(","))
    return f"{body}\nreturn {{ {', '.join(f'{new}: {old}' for old, new in pairs)} }};"


def _asset(name: str) -> str:
    return (ASSETS / name).read_text("utf-8")


@cache
def _style() -> str:
    """The style sheet, with the colours of the pictures as its variables."""
    sheets = {
        mode: "".join(f"--{word}:{getattr(tone, mode)};" for word, tone in _colours().items())
        for mode in ("light", "dark")
    }
    css = _asset("page.css")
    return (
        f":root{{color-scheme:light;--font:{FONT};{sheets['light']}}}"
        f":root[data-theme=dark]{{color-scheme:dark;{sheets['dark']}}}"
        "@media (prefers-color-scheme:dark){:root:not([data-theme=light])"
        f"{{color-scheme:dark;{sheets['dark']}}}}}\n{css}"
    )


def _colours() -> dict[str, Any]:
    plain = {word: PALETTE[word] for word in _PLAIN}
    return {**plain, "link": PALETTE["focus"]}


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def _embedded(held: object) -> str:
    """JSON that is safe between the tags of a script: names come from strangers."""
    text = json.dumps(held, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    safe = text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
    return safe.encode("utf-8", "replace").decode("utf-8")
