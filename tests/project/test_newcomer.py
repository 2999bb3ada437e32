"""The newcomer's path: clone, open the workspace, run the exercises unsolved, then solved."""

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import uuid

import nbformat
import pytest
import urllib3
import websocket

from grader.authoring import releases
from grader.notebook.texts import notebooks
from tests.conftest import ROOT, environment


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    """What a newcomer has after `git clone`, in an empty folder."""
    folder = tmp_path_factory.mktemp("newcomer") / "autograd-course"
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(folder)], check=True)
    return folder


@pytest.fixture(scope="module")
def lab(clone):
    """JupyterLab as `autograd-course open` starts it; its address, read from the terminal."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen(
        [sys.executable, "-m", "grader.cli", "open", "--no-browser", "--port", str(port)],
        cwd=clone,
        env=environment(PYTHONPATH=str(clone)),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        # A shell that runs the tests in the background hands down an ignored Ctrl-C.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    said = []
    for line in server.stdout:
        said.append(line)
        address = re.search(rf"(http://localhost:{port})/\S*\?token=(\w+)", line)
        if address:
            break
    else:
        pytest.fail("JupyterLab did not start:\n" + "".join(said))
    yield address.groups()
    server.send_signal(signal.SIGINT)
    with server.stdout:
        rest = server.stdout.read()
    assert server.wait(timeout=300) == 0, rest
    assert "Traceback" not in rest


# Jupyter says its address a moment before it listens there.
HTTP = urllib3.PoolManager(retries=urllib3.Retry(connect=10, backoff_factor=0.1))


def ask(lab, route, body=None):
    """One call of Jupyter's own interface: a POST if it has a body."""
    address, token = lab
    answer = HTTP.request(
        "POST" if body else "GET",
        f"{address}/api/{route}",
        json=body,
        headers={"Authorization": f"token {token}"},
    )
    assert answer.status in (200, 201), answer.data
    return answer.json()


@contextlib.contextmanager
def kernel(lab, path):
    """A function that runs a cell's source in the kernel of a notebook, and gives its outputs."""
    address, token = lab
    notebook = {"path": path, "name": path, "type": "notebook", "kernel": {"name": "python3"}}
    started = ask(lab, "sessions", notebook)["kernel"]["id"]
    channels = f"{address.replace('http', 'ws')}/api/kernels/{started}/channels"
    who = {"Authorization": f"token {token}"}
    socket_ = websocket.create_connection(channels, header=who, timeout=300)

    def execute(source):
        header = {"msg_id": uuid.uuid4().hex, "msg_type": "execute_request", "version": "5.3"}
        content = {"code": source, "silent": False, "store_history": True, "stop_on_error": False}
        message = {"header": header, "parent_header": {}, "metadata": {}, "content": content}
        socket_.send(json.dumps({**message, "channel": "shell"}))
        outputs = []
        while True:
            heard = json.loads(socket_.recv())
            if heard["parent_header"].get("msg_id") != header["msg_id"]:
                continue
            if heard["msg_type"] in ("execute_result", "display_data", "error", "stream"):
                outputs.append(heard["content"])
            if heard["msg_type"] == "status" and heard["content"]["execution_state"] == "idle":
                return outputs

    with contextlib.closing(socket_):
        yield execute


def outcomes(execute, notebook, answers):
    """What each check of a notebook says, its answer cells filled in from `answers`."""
    found = {}
    for cell in notebook.cells:
        if cell.cell_type == "code":
            shown = execute(answers.get(cell.id, cell.source))
            assert not [output for output in shown if "ename" in output], (cell.id, shown)
            if cell.metadata.get("nbgrader", {}).get("grade"):
                html = "".join(one["data"].get("text/html", "") for one in shown)
                found[cell.id] = re.findall(r"data-outcome='([^']*)'", html)
    assert found
    return found


def place_of(text):
    """Where a chapter's exercises lie in a workspace."""
    return f"exercises/{text.stem}/{text.stem}.ipynb"


def chapters(clone):
    """The chapters a newcomer gets: those that are committed, whatever lies about here."""
    found = releases.texts(clone)
    assert found
    return found


def test_every_exercise_is_not_attempted_at_first_and_right_once_it_is_solved(lab, clone):
    first, *_ = texts = chapters(clone)
    # One kernel that goes on, as a learner's does; what a chapter's names were, the next forgets.
    with kernel(lab, place_of(first)) as execute:
        for text in texts:
            notebook = nbformat.from_dict(ask(lab, f"contents/{place_of(text)}")["content"])
            solved = {cell.id: cell.source for cell in notebooks.read(text).cells}
            for answers, outcome in (({}, "not attempted"), (solved, "right")):
                for exercise, said in outcomes(execute, notebook, answers).items():
                    assert said == [outcome], exercise
            execute("%reset -f")


def test_the_first_lesson_is_there(lab):
    cells = ask(lab, "contents/lessons/lesson-00-start-here.ipynb")["content"]["cells"]
    assert cells[0]["cell_type"] == "markdown"


def test_git_ignores_all_that_opening_the_course_makes(lab, clone):
    status = subprocess.run(
        ["git", "status", "--porcelain"], cwd=clone, capture_output=True, text=True, check=True
    )
    assert status.stdout == ""
    assert os.path.isdir(clone / "workspace")
