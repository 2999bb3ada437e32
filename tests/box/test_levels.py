"""Each machine gets the strongest isolation it allows, and is told why and what would be better."""

import json
import os
import subprocess
import sys

import pytest

from grader.box.both.ended import BoxRefused
from grader.box.both.settings import Level
from grader.box.outside.boxes import Boxes
from grader.box.outside.probe import Report, Trial, probe
from grader.cli import doctor
from tests.box.common import LEVELS, ROOT, need_bubblewrap

_PROBE = """
import json, sys
from grader.box.outside.probe import probe
report = probe()
print(json.dumps([[t.level.value, t.works, t.why, t.cure] for t in report.trials]))
"""


def probe_under(*prefix, code="", **environment):
    """What `probe` finds in a process of its own, started under `prefix` after running `code`."""
    found = subprocess.run(
        [*prefix, sys.executable, "-c", code + _PROBE],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert found.returncode == 0, found.stderr
    return [Trial(Level(level), *rest) for level, *rest in json.loads(found.stdout)]


_STRICT = 'echo 0 > /proc/sys/user/max_user_namespaces && exec "$@"'
NO_NAMESPACES = "unshare", "--user", "--map-root-user", "sh", "-c", _STRICT, "sh"


def without(*calls):
    """Code that makes system calls fail as on a kernel or in a container that lacks them."""
    return f"""
import errno, pyseccomp as lib
rules = lib.SyscallFilter(lib.ALLOW)
for name in {calls!r}:
    rules.add_rule(lib.ERRNO(errno.ENOSYS), name)
rules.load()
"""


def test_this_machine_gets_namespaces():
    need_bubblewrap()
    assert probe().level is Level.FULL
    assert "memory is bounded by" in probe().memory


def test_where_namespaces_cannot_be_nested_each_box_is_a_cold_worker():
    need_bubblewrap()
    full, cold = probe_under(code=without("unshare"))
    assert (full.level, full.works) == (Level.FULL, False)
    assert "unshare: Function not implemented" in full.why
    assert "namespaces" in full.cure
    assert (cold.level, cold.works) == (Level.COLD, True)


def test_where_there_are_no_namespaces_landlock_stands_in():
    need_bubblewrap()
    *walled, landlock = probe_under(*NO_NAMESPACES)
    assert [trial.works for trial in walled] == [False, False]
    assert all("bwrap: " in trial.why and "sysctl" in trial.cure for trial in walled)
    assert (landlock.level, landlock.works) == (Level.LANDLOCK, True)


def test_without_bubblewrap_landlock_stands_in(tmp_path):
    if "landlock" not in LEVELS:
        pytest.skip("root's boxes cannot read this Python without bubblewrap")
    *walled, landlock = probe_under(PATH=str(tmp_path))
    assert all("apt-get install bubblewrap" in trial.cure for trial in walled)
    assert landlock.works


def test_where_nothing_works_every_reason_is_given():
    code = without("landlock_create_ruleset") + "import os; os.environ['PATH'] = '/'\n"
    trials = probe_under(code=code)
    assert [trial.works for trial in trials] == [False, False, False]
    assert all(trial.why and trial.cure for trial in trials)
    with pytest.raises(BoxRefused) as refusal:
        Report(tuple(trials)).require()
    assert all(trial.why in refusal.value.what for trial in trials)
    assert "bubblewrap" in refusal.value.cure


def test_without_seccomp_there_is_no_box(tmp_path):
    (tmp_path / "pyseccomp.py").write_text("raise ImportError('libseccomp.so.2 is missing')")
    trials = probe_under(PYTHONPATH=f"{tmp_path}:{ROOT}")
    assert not any(trial.works for trial in trials)
    assert all("libseccomp.so.2 is missing" in trial.why for trial in trials)
    assert all("apt-get install libseccomp2" in trial.cure for trial in trials)


FULL = Trial(Level.FULL, False, "unshare: Operation not permitted", "Allow user namespaces")
LANDLOCK = Trial(Level.LANDLOCK, True, "without namespaces")
BARE = Trial(Level.LANDLOCK, False, "landlock: not supported", "Use a newer Linux")


def test_the_doctor_says_what_this_machine_gets_and_why(tmp_path, monkeypatch):
    place = doctor.Place(tmp_path, tmp_path, tmp_path)
    need_bubblewrap()
    line = doctor.isolation(place)
    assert line.state is doctor.Health.FINE
    assert line.found.startswith("full: each box has its own namespaces")
    assert "memory is bounded by" in line.found
    monkeypatch.setattr(
        "grader.box.outside.probe.probe", lambda: Report((FULL, LANDLOCK), "and memory")
    )
    line = doctor.isolation(place)
    assert line.state is doctor.Health.WORTH_KNOWING
    assert line.found == (
        "landlock: without namespaces; and memory; full would be stronger, but: "
        "unshare: Operation not permitted"
    )
    assert line.cure == "Allow user namespaces"
    monkeypatch.setattr("grader.box.outside.probe.probe", lambda: Report((FULL, BARE)))
    line = doctor.isolation(place)
    assert "grading is refused here" in line.found
    assert all(trial.why in line.found and trial.cure in line.cure for trial in (FULL, BARE))


def test_no_isolation_is_had_only_by_its_name():
    assert Level.NONE not in [trial.level for trial in probe().trials]
    with Boxes(isolation="none", bare=True, handler="grader.box.inside.selftest") as boxes:
        assert boxes.level is Level.NONE
        with boxes.open() as box:
            assert box.call({"secret": "/etc/passwd"})[0]["secret"]


def test_an_unknown_level_is_refused():
    with pytest.raises(ValueError, match="strong"):
        Boxes(isolation="strong")


def test_a_handler_that_does_not_exist_is_named():
    with (
        pytest.raises(BoxRefused, match="no_such_handler"),
        Boxes(isolation=LEVELS[-1], handler="no_such_handler", bare=True) as boxes,
    ):
        boxes.open()
