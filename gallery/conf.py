"""Sphinx settings of the gallery: every page is a script of pages/, run when it is built."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from importlib.metadata import version as version_of
from pathlib import Path
from typing import Any

project = "graphlens"
author = "The graphlens developers"
project_copyright = "2026, the graphlens developers"
release = version = version_of("graphlens")

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_gallery.gen_gallery",
    "graphlens.sphinx_ext",
]
default_role = "py:obj"  # single backticks in a docstring name a thing of ours
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
nitpicky = True  # a link that leads nowhere stops the build
# Names of other packages, and what a docstring only names in passing.
nitpick_ignore_regex = [(r"py:.*", r"(?!graphlens\.).*")]
napoleon_use_ivar = True
exclude_patterns = ["pages"]
# The scraper below is a function, which Sphinx cannot keep between builds: it need not.
suppress_warnings = ["config.cache"]
html_theme = "pydata_sphinx_theme"
html_title = "graphlens"
html_theme_options = {
    "show_prev_next": False,
    "navbar_align": "left",
    "secondary_sidebar_items": {"reference": ["page-toc"]},
}
html_static_path = ["_static"]
html_css_files = ["gallery.css"]
html_sidebars = {"index": [], "**": ["sidebar-nav-bs"]}
html_show_sourcelink = False


def pictures(
    block: tuple[str, str, int], variables: Mapping[str, Any], settings: Mapping[str, Any]
) -> str:
    """Take the SVGs that a block of a page wrote as the block's pictures."""
    del block
    page = Path(variables["src_file"]).parent
    places: Iterator[str] = variables["image_path_iterator"]
    taken: list[str] = []
    for drawn in sorted(page.glob("*.svg"), key=lambda path: path.stat().st_mtime_ns):
        place = Path(next(places)).with_suffix(".svg")
        shutil.move(drawn, place)
        shown = place.relative_to(settings["src_dir"]).as_posix()
        words = drawn.stem.replace("_", " ")
        taken.append(_PICTURE.format(shown=shown, words=words))
    return "".join(taken)


# Of the width of the page, and a link to the whole, since it has a width (html_scaled_image_link).
_PICTURE = """
.. image:: /{shown}
   :alt: {words}
   :width: 100%
   :class: sphx-glr-single-img
"""


sphinx_gallery_conf = {
    "examples_dirs": "pages",
    "gallery_dirs": "_generated",
    "backreferences_dir": "_generated/backreferences",  # which minigallery asks for
    "filename_pattern": r"plot_",
    "image_scrapers": (pictures,),
    "abort_on_example_error": True,
    "download_all_examples": False,
    "reset_modules": (),  # the default resets matplotlib, which no page uses
    "show_memory": False,
    "write_computation_times": False,
    "remove_config_comments": True,
}
