"""The start page in a Jupyter server, for whoever is signed in there."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

from jupyter_server.base.handlers import JupyterHandler
from jupyter_server.utils import url_path_join
from tornado import web

from grader.start import theme
from grader.start.page import policy, start_page
from grader.start.paths import PAGE, STARTUP
from grader.start.reviewing import lay_notebook

_STARTUP, _OWN_STARTUP = "PYTHONSTARTUP", "AUTOGRAD_COURSE_OWN_STARTUP"


def load(server: Any) -> None:
    """Add the page to a server, the review's notebook to its folder, the names to its kernels."""
    root = Path(server.root_dir)
    place = url_path_join(server.web_app.settings["base_url"], PAGE)
    server.web_app.add_handlers(".*$", [(place, StartPage, {"workspace": root})])
    lay_notebook(root)
    if os.environ.get(_STARTUP) != str(STARTUP):
        os.environ[_OWN_STARTUP] = os.environ.get(_STARTUP, "")
        os.environ[_STARTUP] = str(STARTUP)


class StartPage(JupyterHandler):
    """Writes the page anew each time, from the record and the notebooks in the workspace."""

    def initialize(self, workspace: Path) -> None:
        """Take over the folder that the server serves."""
        self.workspace = workspace

    @web.authenticated
    async def get(self) -> None:
        """Answer with the page."""
        page = await asyncio.to_thread(start_page, self.workspace, self.base_url, theme.chosen())
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.set_header("Content-Security-Policy", policy())
        self.set_header("Cache-Control", "no-store")
        await self.finish(page)
