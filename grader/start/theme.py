"""The theme that the learner chose in JupyterLab, as light or dark."""

from __future__ import annotations

import os
import re
from pathlib import Path

from jupyter_core.paths import jupyter_config_dir


def chosen() -> str:
    """ "dark" or "light" where a theme was chosen in JupyterLab, "" where it follows the system."""
    named = os.environ.get("JUPYTERLAB_SETTINGS_DIR")
    settings = Path(named) if named else Path(jupyter_config_dir(), "lab", "user-settings")
    place = settings / "@jupyterlab" / "apputils-extension" / "themes.jupyterlab-settings"
    try:
        text = place.read_text(encoding="utf-8")
    except (OSError, ValueError):
        return ""
    return of_settings(text)


def of_settings(text: str) -> str:
    """The same, from JupyterLab's settings: JSON with comments."""
    settings = re.sub(r"^\s*//[^\n]*|/\*.*?\*/", "", text, flags=re.M | re.S)
    theme = re.search(r'"theme"\s*:\s*"([^"]*)"', settings)
    if theme is None or re.search(r'"adaptive-theme"\s*:\s*true', settings):
        return ""
    return "dark" if "dark" in theme[1].casefold() else "light"
