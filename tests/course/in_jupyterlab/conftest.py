"""One JupyterLab for all that is asked of it, as a learner has it: a workspace in one window."""

import contextlib
import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from grader.cli import lab as lab_command
from grader.notebook.folder import workspace
from grader.start.paths import LABEXTENSIONS
from tests.conftest import ROOT
from tests.course.in_jupyterlab.elements import ELEMENTS, EXERCISE, PLACE, WRONG
from tests.fixtures import kernels
from tests.fixtures.browser import SCRIPTS_AS_THEY_ARE, browser_page, jupyterlab
from tests.fixtures.in_jupyterlab import FRONT, QUICK, Lab, cell, notebook, run

SETTINGS = Path(lab_command.__file__).with_name("lab_settings")


@pytest.fixture(scope="package")
def lab(tmp_path_factory, program):
    """The course's workspace in JupyterLab with its settings, for somebody without a record.

    The notebook of questions and a picture is open. A test can call this JupyterLab's commands.
    """
    folder = tmp_path_factory.mktemp("lab")
    workspace.build(ROOT, folder)
    write_answer(folder / EXERCISE)
    notebook(folder / PLACE, *ELEMENTS)
    options = (
        "--ServerApp.jpserver_extensions=grader.start=True",
        f"--LabApp.extra_labextensions_path={LABEXTENSIONS}",
        f"--LabApp.app_settings_dir={SETTINGS}",
        "--LabApp.expose_app_in_browser=True",
        *(f"--ServerApp.jpserver_extensions={name}=False" for name in lab_command.FOR_CLASSES),
        *kernels.forked_in_server(),
    )
    record = str(tmp_path_factory.mktemp("record"))
    names = ("chromium", "chromium-browser", "google-chrome", "chrome")
    with (
        jupyterlab(folder, *options, AUTOGRAD_COURSE_DATA=record) as address,
        browser_page(program(*names), SCRIPTS_AS_THEY_ARE) as page,
    ):
        page.set_viewport_size({"width": 1400, "height": 900})
        # A layout of its own: what opens from the start page does not open this notebook again.
        page.goto(f"{address}/lab/workspaces/main/tree/{PLACE}")
        page.locator(QUICK + FRONT).wait_for()
        lab = Lab(address, folder, page)
        lab.open(PLACE)
        # What is drawn late moves what stands below it: a click could miss.
        expect(lab.says(re.compile(r"\| Idle"))).to_be_visible()
        yield lab


def write_answer(place):
    """A wrong answer in the first exercise, and below all of them a question of the course."""
    content = json.loads(place.read_text())
    for one in content["cells"]:
        if one["id"] == "two_path_grad_answer":
            one["source"] = WRONG
    asked = {"cell_type": "code", "id": "asked", "metadata": {}, "source": 'ask("start-predict")'}
    content["cells"].append(asked | {"execution_count": None, "outputs": []})
    place.write_text(json.dumps(content))


@pytest.fixture
def page(lab):
    """The window."""
    return lab.page


LATE = (
    "Comm not found for comm id",
    "Could not restore the debugger state: Canceled future",
)
"""What JupyterLab writes where it has given up what it asked a kernel: one that takes seconds to
begin and then closes the channel, one that is started anew while its debugger is asked."""


@pytest.fixture(autouse=True)
def nothing_goes_wrong(lab):
    """No error in the browser, and no request to another machine."""
    yield
    said = [one for one in lab.page.wrong if not one.startswith(LATE)]
    lab.page.wrong.clear()  # each is told of the test in which it was said
    assert said == []
    assert lab.page.asked_elsewhere == []


@pytest.fixture
def elements(lab):
    """The notebook of questions, a verdict and a picture, in front, each cell run.

    Its kernel hears nothing while it is busy, whatever it could do.
    """
    shown = lab.open(PLACE)
    alive = shown.locator(".ag-player.ag-alive")
    gone = shown.locator(".ag-gone:not(:empty)")
    if not alive.count() or gone.count():
        lab.without_subshells()
        lab.do("notebook:run-all-cells")
        expect(alive).to_have_count(1)
        expect(gone).to_have_count(0)
    return shown


@pytest.fixture
def busy(lab):
    """A kernel at work on the second cell of that notebook, for as long as a block takes."""

    @contextlib.contextmanager
    def at_work(shown):
        mark = lab.folder / "busy"
        mark.touch()
        run(shown, 1)
        expect(cell(shown, 1).locator(".jp-InputPrompt")).to_contain_text("*")
        try:
            yield
        finally:
            mark.unlink()

    return at_work
