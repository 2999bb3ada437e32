"""A forked kernel is like one that was started: all that a cell can ask of it says the same."""

import asyncio
import os
import signal

import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from book.kernels import POSSIBLE, ForkedKernelManager
from tests.fixtures import kernels

pytestmark = pytest.mark.skipif(not POSSIBLE, reason="forked where there are handles of processes")

ASKED = """
import os, signal, sys, threading, torch
print(__name__, os.getcwd(), os.environ["SAID"], os.environ.get("MPLBACKEND"))
print([os.path.basename(one) for one in sys.argv[:2]], sys.path[sys.path.index(""):])
print(signal.getsignal(signal.SIGCHLD), os.getpgrp() == os.getpid() == os.getsid(0))
print(torch.get_num_threads(), [t.name for t in threading.enumerate()])
sys.modules["seen"] = here = sys.modules.get("seen", "alone")
print(here)
"""
DRAWN = "import numpy, random, torch; print(torch.rand(2), numpy.random.rand(2), random.random())"


@pytest.fixture
def client(tmp_path):
    """Give cells, get a notebook of them with a client that runs it in the test's folder."""

    def made(*sources, forked=True):
        cells = [nbformat.v4.new_code_cell(source) for source in sources]
        notebook = nbformat.v4.new_notebook(cells=cells)
        there = {"metadata": {"path": str(tmp_path)}}
        one = NotebookClient(notebook, kernel_name="python3", resources=there, config=config)
        if forked:
            one.kernel_manager_class = ForkedKernelManager
        return one

    with kernels.settings() as config:
        yield made


def test_a_forked_kernel_says_of_itself_what_a_started_one_says(client, monkeypatch):
    monkeypatch.setenv("SAID", "now")
    told = []
    for forked in (False, True, True):
        cells = client(ASKED, DRAWN, forked=forked).execute().cells
        told.append([cell.outputs[0].text for cell in cells])
    said, drawn = zip(*told, strict=True)
    assert said == (said[0],) * 3
    assert len(set(drawn)) == 3


def test_a_forked_kernel_can_be_interrupted_and_ends_when_its_notebook_does(client):
    sources = ("import os; print(os.getpid())", "while True: pass")
    endless = client(*sources)
    endless.interrupt_on_timeout = True
    endless.timeout_func = lambda cell: 1 if "while" in cell.source else 300
    with pytest.raises(CellExecutionError, match="KeyboardInterrupt"):
        endless.execute()
    pid = int(endless.nb.cells[0].outputs[0].text)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_forked_kernel_does_at_its_end_what_a_cell_has_asked_for(client, tmp_path):
    """It leaves to the system alone what its modules hold."""
    client("import atexit, pathlib; atexit.register(pathlib.Path('ended').touch)").execute()
    assert (tmp_path / "ended").exists()


def test_a_forked_kernel_that_has_ended_by_itself_can_be_told_to_end(tmp_path):
    async def told(config):
        manager = ForkedKernelManager(kernel_name="python3", config=config)
        await manager.start_kernel(cwd=str(tmp_path))
        pid = manager.provisioner.pid
        os.kill(pid, signal.SIGKILL)
        while pid in map(int, filter(str.isdigit, os.listdir("/proc"))):  # until it is reaped
            await asyncio.sleep(0.01)
        await manager.provisioner.terminate()
        await manager.provisioner.kill()
        await manager.shutdown_kernel(now=True)

    with kernels.settings() as config:
        asyncio.run(asyncio.wait_for(told(config), 300))
