"""Ranks started from a notebook: none outlives its cell, and what fails gets a sentence."""

import os
import subprocess
import sys
import uuid

import psutil
import pytest

from course.ranks import launch
from course.ranks.launch import RanksFailed, run_to_the_end, torchrun

# A launcher that, like torchrun, starts its ranks in sessions of their own.
LAUNCHER = """
import subprocess, sys, time
rank = "import time; time.sleep(60)"
for _ in range(2):
    subprocess.Popen([sys.executable, "-c", rank, sys.argv[1]], start_new_session=True)
print("started", flush=True)
time.sleep(60)
"""


def launcher(mark):
    return [sys.executable, "-c", LAUNCHER, mark]


def processes_with(mark):
    def command(process):
        try:
            return process.cmdline()
        except psutil.Error:
            return []

    return [p for p in psutil.process_iter() if p.pid != os.getpid() and mark in command(p)]


@pytest.fixture
def mark():
    """A word that the processes of one test carry on their command lines, and nobody else."""
    return f"mark-{uuid.uuid4().hex}"


@pytest.fixture
def when_all_run(monkeypatch, mark):
    """Does something as soon as launcher and both ranks are there, in the place of waiting."""

    def install(action):
        def wait(self, timeout=None):
            monkeypatch.undo()
            while len(processes_with(mark)) < 3:
                assert self.poll() is None
            return action(self, timeout)

        monkeypatch.setattr(subprocess.Popen, "wait", wait)

    return install


def too_late(process, seconds):
    raise subprocess.TimeoutExpired(process.args, seconds)


def interrupted(process, seconds):
    raise KeyboardInterrupt


def test_ranks_that_are_too_late_are_ended_with_their_launcher(mark, when_all_run):
    when_all_run(too_late)
    with pytest.raises(RanksFailed, match="not done after 7 seconds"):
        run_to_the_end(launcher(mark), 7)
    assert processes_with(mark) == []


def test_an_interrupted_cell_leaves_no_rank(mark, when_all_run):
    when_all_run(interrupted)
    with pytest.raises(KeyboardInterrupt):
        run_to_the_end(launcher(mark), 7)
    assert processes_with(mark) == []


def test_a_real_limit_of_time_is_kept(mark):
    with pytest.raises(RanksFailed, match=r"not done after 0\.2 seconds"):
        run_to_the_end(launcher(mark), 0.2)
    assert processes_with(mark) == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("RuntimeError: server socket failed, EADDRINUSE, address already in use", "port"),
        ("DistNetworkError: connect: Connection refused", "localhost"),
        ("ModuleNotFoundError: No module named 'course'", "environment"),
        ("ValueError: something else", "ended with an error"),
    ],
)
def test_what_went_wrong_is_said_in_a_sentence_and_in_torchs_own_words(text, said):
    program = f"print({text!r}); raise SystemExit(1)"
    with pytest.raises(RanksFailed, match=said) as raised:
        run_to_the_end([sys.executable, "-c", program], 60)
    assert text in str(raised.value)


def test_a_torch_without_gloo_is_told_before_anything_is_started(monkeypatch):
    monkeypatch.setattr("torch.distributed.is_gloo_available", lambda: False)
    with pytest.raises(RanksFailed, match="has no gloo"):
        torchrun("no such program")


def test_a_machine_with_one_core_is_told_that_it_takes_longer(monkeypatch, capsys):
    monkeypatch.setattr(launch, "_cores", lambda: 1)
    monkeypatch.setattr(launch, "_command", lambda ranks: [sys.executable])
    with pytest.raises(RanksFailed):
        torchrun("no such program")
    assert "1 core for 2 ranks: they take turns" in capsys.readouterr().out


def test_a_rank_of_a_run_around_it_is_not_handed_on(monkeypatch):
    monkeypatch.setenv("RANK", "5")
    monkeypatch.setenv("MASTER_PORT", "1")
    program = "import os; assert not {'RANK', 'MASTER_PORT'} & set(os.environ)"
    run_to_the_end([sys.executable, "-c", program], 60)
