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

from graphlens.render.page_json import details, page_json
from graphlens.render.theme import FONT, PALETTE
from graphlens.view.page_data import Page

ASSETS = Path(__file__).with_name("assets")
MODULES = (
    "data",
    "camera",
    "place",
    "paint",
    "view",
    "minimap",
    "search",
    "details",
    "outline",
    "link",
    "keys",
    "walk",
    "pointer",
    "main",
)
"""The modules of the page's script, each after those that it needs."""

_IMPORT = re.compile(r"^import [^;]*;\n", re.MULTILINE)
_EXPORT = re.compile(r"^export (?=const |function |class )", re.MULTILINE)
_REEXPORT = re.compile(r"^export \{[^}]*\};\n", re.MULTILINE)
_PLAIN = ("paper", "ink", "soft", "faint", "hair", "cluster0", "cluster1", "cluster2", "focus")


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
    }
    text = (ASSETS / "page.html").read_text("utf-8")
    return re.sub("@([A-Z]+)@", lambda found: filled[found[1]], text)


@cache
def script() -> str:
    """The modules in one scope, after the two libraries that they use."""
    lit = (ASSETS / "vendor" / "lit-html.js").read_text("utf-8").partition("\n//# source")[0]
    fuzzy = (ASSETS / "vendor" / "uFuzzy.iife.min.js").read_text("utf-8")
    exported = re.search(r"export\{([^}]*)\};?\s*$", lit)
    names = dict(pair.split(" as ")[::-1] for pair in exported[1].split(",")) if exported else {}
    head = lit[: exported.start()] if exported else lit
    wanted = ", ".join(f"{name}: {names[name]}" for name in ("html", "nothing", "render"))
    parts = [
        f"const {{ html, nothing, render }} = (() => {{\n{head}\nreturn {{ {wanted} }};\n}})();",
        fuzzy,
    ]
    for name in MODULES:
        text = (ASSETS / "js" / f"{name}.js").read_text("utf-8")
        parts.append(_REEXPORT.sub("", _EXPORT.sub("", _IMPORT.sub("", text))))
    return "\n".join(parts)


@cache
def _style() -> str:
    """The style sheet, with the colours of the pictures as its variables."""
    sheets = {
        mode: "".join(f"--{word}:{getattr(tone, mode)};" for word, tone in _colours().items())
        for mode in ("light", "dark")
    }
    css = (ASSETS / "page.css").read_text("utf-8")
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
