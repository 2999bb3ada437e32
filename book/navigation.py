"""Every page's list of all pages, written without a look at the sections within them.

The theme asks for titles alone, on each page anew; Sphinx copies every heading of every page for
it, and then takes all but the titles off again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment


def setup(app: Sphinx) -> dict[str, bool]:
    """Tell Sphinx, whose extension this is."""
    # Before the theme, which calls what stands in the page's context.
    app.connect("html-page-context", _ask_for_titles, priority=400)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _ask_for_titles(
    app: Sphinx, page: str, template: str, context: dict[str, Any], *_: Any
) -> None:
    if "toctree" in context:
        context["toctree"] = _of_titles(app.env, context["toctree"])


def _of_titles(env: BuildEnvironment, tree: Callable[..., str]) -> Callable[..., str]:
    def titles(**options: Any) -> str:
        if not options.get("titles_only"):
            return tree(**options)
        whole = env.tocs
        env.tocs = _titles(env)
        try:
            return tree(**options)
        finally:
            env.tocs = whole

    return titles


def _titles(env: BuildEnvironment) -> dict[str, nodes.bullet_list]:
    """The contents of each page with nothing but its title and the pages below it."""
    kept: dict[str, nodes.bullet_list] | None = getattr(env, "_titles_alone", None)
    if kept is None:
        kept = {page: contents.deepcopy() for page, contents in env.tocs.items()}
        for contents in kept.values():
            for item in list(contents.findall(nodes.list_item)):
                if item.parent is not contents and not any(item.findall(addnodes.toctree)):
                    item.parent.remove(item)
        env._titles_alone = kept  # type: ignore[attr-defined]
    return kept
