"""Whoever attacks the grading earns what the work deserves, and nobody else loses anything by it.

One batch of hostile, broken and honest submissions is graded by the command an instructor types:
all of them by root, and by an ordinary user, whose boxes are made in other ways, those whose
outcome could hang on that.
"""

import contextlib
import fnmatch
import hashlib
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import bs4
import nbformat
import psutil
import pytest
from grader.cli.grade import NEED_A_PERSON
from nbgrader.api import Gradebook

from tests.adversarial import attacks
from tests.adversarial.assignment import (
    ANSWERS,
    ASSIGNMENT,
    POINTS,
    bystander,
    honest,
    laid,
    released,
)
from tests.adversarial.notebooks import DESERTS, NO_NOTEBOOK, WORKS
from tests.box.common import need_bubblewrap
from tests.box.test_ordinary_user import _BECOME, _USER, reachable
from tests.conftest import ROOT, environment
from tests.fixtures import classroom

ATTACKS = attacks()
DESERVED = {name: one.deserts for name, one in ATTACKS.items()} | DESERTS
HONEST = [
    "honest-0",
    "honest-1",
    "processes-busy_neighbour",  # beside the bomb of that name: submissions are graded in order
    "processes-endless_neighbour",
    "processes-fork_neighbour",
    "processes-memory_neighbour",
    "processes-output_neighbour",
    "wire-neighbour",
]
BY_AN_ORDINARY_USER = (
    # What a box may see of files, memory, processes and networks is decided by whose it is.
    "network-*",
    "reading-*",
    "shadow-gradebook_written",
    # The kernel counts processes and memory by user, and signals reach those of one's own.
    "processes-*",
    # What lies in the folder is opened with the rights of whoever grades.
    "notebook-a_*",
    "notebook-files_that_are_none",
    "notebook-too_many_files",
    "notebook-nothing_at_all",
    # These fill or close the descriptors that a box was given, whoever made it.
    "wire-descriptors_closed",
    "wire-garbage",
)
TIMED_BY_THE_JUDGE = "processes-endless_*", "processes-output_*"
"""Of those, what runs until the judge's clock or its count of characters ends it for everybody.

All others end the same whoever grades: what stands in a notebook is put right, and what a box
answers is compared, drawn and counted, in the judge's own process and with no right asked for.
"""


def matches(name, patterns):
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)


def handed_in_to(user):
    """Whose work this user grades: everybody's, or that of those whom it makes a difference to."""
    everybody = [*DESERVED, *HONEST]
    if user == "root" or os.geteuid() != 0:
        return everybody
    return [
        name
        for name in everybody
        if name in HONEST
        or (matches(name, BY_AN_ORDINARY_USER) and not matches(name, TIMED_BY_THE_JUDGE))
    ]


USERS = "root", "ordinary"


def each(names):
    """Run a test for each of these names, in the batch of each user who graded it."""
    pairs = [(user, name) for user in USERS for name in handed_in_to(user) if name in names]
    return pytest.mark.parametrize(("batch", "student"), pairs, indirect=["batch"])


of_each_user = pytest.mark.parametrize("batch", USERS, indirect=True)
BYSTANDER = "bystander"
LARGEST_NOTEBOOK = 4 * 2**20


class Listening:
    """Servers on this machine's loopback and on its abstract socket, and who came."""

    def __init__(self):
        self.visits = []
        self.name = f"autograd-course-hostile-{os.getpid()}-{time.monotonic_ns()}"
        self.servers = [socket.socket(), socket.socket(socket.AF_UNIX)]
        self.servers[0].bind(("127.0.0.1", 0))
        self.servers[1].bind("\0" + self.name)
        self.port = self.servers[0].getsockname()[1]

    def __enter__(self):
        for server in self.servers:
            server.listen()
            threading.Thread(target=self._accept, args=(server,), daemon=True).start()
        return self

    def __exit__(self, *error):
        for server in self.servers:
            with contextlib.suppress(OSError):
                server.shutdown(socket.SHUT_RDWR)
            server.close()

    def _accept(self, server):
        with contextlib.suppress(OSError):  # closed
            while True:
                server.accept()
                self.visits.append(str(server.family))


def hand_in(course, student, listening):
    """Lay one submission into the folder of those that were collected."""
    folder = course / "submitted" / student / ASSIGNMENT
    folder.mkdir(parents=True)
    notebook, written = honest(course), None
    if student in ATTACKS:
        notebook = laid(notebook, ATTACKS[student])
        for name, content in ATTACKS[student].files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(content)
    elif student in WORKS:
        written = WORKS[student](notebook, folder)
    if student == "network-loopback":
        (folder / "listening.txt").write_text(f"{listening.port} {listening.name}")
    if written is None:
        written = nbformat.v4.writes(notebook).encode()
    if written != NO_NOTEBOOK:
        (folder / f"{ASSIGNMENT}.ipynb").write_bytes(written)


def marks(course):
    """What the gradebook says: automatic and manual scores and comments, by student and cell."""
    found = {}
    with Gradebook(f"sqlite:///{course}/gradebook.db", "autograd-course") as gradebook:
        for submission in gradebook.assignment_submissions(ASSIGNMENT):
            (book,) = submission.notebooks
            found[submission.student.id] = {
                **{grade.name: [grade.auto_score, grade.manual_score] for grade in book.grades},
                **{f"{row.name} comment": row.manual_comment for row in book.comments},
            }
    return found


def contents(course):
    """A digest of every file of a course but those that grading writes, and where links lead."""
    written = {"autograded", "feedback", "gradebook.db", "verdicts.db"}
    found = {}
    for path in sorted(course.rglob("*")):
        if path.relative_to(course).parts[0] in written or path.is_dir():
            continue
        found[str(path)] = (
            hashlib.sha256(path.read_bytes()).hexdigest()
            if path.is_file() and not path.is_symlink()
            else oct(path.lstat().st_mode)
        )
    return found


def left_behind():
    """Processes of the submissions that still run, and files that they wrote where none may be."""
    running = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            running += [process.pid] if "314159" in process.cmdline() else []
    return [*running, *map(str, Path("/tmp").glob("autograd-course-escaped*"))]


def command(user, own):
    """How the judge is started by this user, and in what environment."""
    grade = ["-m", "grader.cli", "grade", ASSIGNMENT, "--jobs", "2", "--json"]
    scratch = own / "scratch"
    scratch.mkdir()
    if user == "root" or os.geteuid() != 0:
        return [sys.executable, *grade], environment(TMPDIR=str(scratch))
    for path in (own, *own.rglob("*")):
        os.chown(path, _USER, _USER, follow_symlinks=False)
    view = reachable([sys.base_prefix, sys.prefix, ROOT])
    plain = {
        "PATH": os.environ["PATH"],
        "HOME": str(own),
        "TMPDIR": str(scratch),
        "USER": "somebody",
        "OMP_NUM_THREADS": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONPATH": str(ROOT),
    }
    bubblewrap = ["bwrap", *view, "--cap-add", "ALL", "--", sys.executable, "-c", _BECOME]
    return [*bubblewrap, *grade], plain


def graded_by(user, folder):
    """Grade this user's batch, and lay the course and what was noticed into `folder`."""
    with tempfile.TemporaryDirectory(prefix="autograd-course-hostile-") as own, Listening() as net:
        own = Path(own)
        own.chmod(0o755)
        course = own / "course"
        shutil.copytree(released(), course)
        for student in handed_in_to(user):
            hand_in(course, student, net)
        bystander(course, BYSTANDER)
        before, files = marks(course)[BYSTANDER], contents(course)
        argv, env = command(user, own)
        start = time.monotonic()
        done = subprocess.run(
            argv, cwd=course, env=env, capture_output=True, text=True, timeout=900, check=False
        )
        assert done.returncode == NEED_A_PERSON, done.stdout[-3000:] + done.stderr[-3000:]
        noticed = {
            "seconds": time.monotonic() - start,
            "lines": {line["student"]: line for line in json.loads(done.stdout)["submissions"]},
            "marks": marks(course),
            "bystander before": before,
            "left behind": [*left_behind(), *map(str, (own / "scratch").iterdir())],
            "changed": sorted(set(files.items()) ^ set(contents(course).items())),
            "visits": net.visits,
        }
        folder.mkdir(parents=True)
        for kept in ("autograded", "feedback"):
            shutil.copytree(course / kept, folder / kept)
        (folder / "noticed.json").write_text(json.dumps(noticed))


@pytest.fixture(scope="session")
def batch(request, tmp_path_factory):
    """The graded batch: its folder, and what was noticed while it was graded."""
    if request.param == "root" and os.geteuid() != 0:
        lack = "only root grades as root"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(lack)
    need_bubblewrap()
    name = f"adversarial-{request.param}"
    folder = classroom.shared(tmp_path_factory, name, lambda to: graded_by(request.param, to))
    noticed = json.loads((folder / "noticed.json").read_text())
    return folder, noticed | {"students": handed_in_to(request.param)}


def page(folder, student):
    """A learner's feedback page, parsed."""
    path = folder / "feedback" / student / ASSIGNMENT / f"{ASSIGNMENT}.html"
    return bs4.BeautifulSoup(path.read_text(), "html.parser")


def deserved_points(earns):
    """The points of every graded cell, from those that differ from full marks."""
    return {name: earns.get(name, earns.get("*", most)) for name, most in POINTS.items()}


@each(DESERVED)
def test_it_earns_exactly_what_it_deserves(student, batch):
    scores = {name: batch[1]["marks"][student][name][0] for name in POINTS}
    assert scores == pytest.approx(deserved_points(DESERVED[student].earns)), DESERVED[student]


@each(DESERVED)
def test_the_instructor_reads_what_happened_and_nothing_else(student, batch):
    line = batch[1]["lines"][student]
    needs = [need["sentence"] for need in line["needs"]]
    said = list(dict.fromkeys((*line["repairs"], *line["incidents"], *needs)))
    told = DESERVED[student].told
    for sentence in said:
        assert sentence.isprintable()
        assert any(fnmatch.fnmatchcase(sentence, pattern) for pattern in told), sentence
    for pattern in told:
        assert any(fnmatch.fnmatchcase(sentence, pattern) for sentence in said), (pattern, said)


@each(DESERVED)
def test_the_learner_reads_why(student, batch):
    text = " ".join(page(batch[0], student).get_text(" ").split())
    for words in DESERVED[student].learner:
        assert words in text


@each([*DESERVED, *HONEST])
def test_no_page_runs_or_fetches_anything(student, batch):
    found = page(batch[0], student)
    assert not found.find_all(["script", "iframe", "object", "embed", "base", "form", "link"])
    for tag in found.find_all(True):
        for name, value in tag.attrs.items():
            text = re.sub(r"\s", "", " ".join(value) if isinstance(value, list) else value).lower()
            assert not name.lower().startswith("on"), tag
            assert not text.startswith(("javascript:", "vbscript:", "data:text")), tag
            if name in ("src", "srcset", "action", "background", "poster"):
                assert text.startswith("data:image/"), tag
            assert name != "style" or "url(" not in text, tag


@each(HONEST)
def test_an_honest_neighbour_has_full_marks_and_nothing_to_be_told(student, batch):
    _, noticed = batch
    assert {name: noticed["marks"][student][name][0] for name in POINTS} == POINTS
    line = noticed["lines"][student]
    assert (line["repairs"], line["incidents"], line["needs"]) == ([], [], [])


@of_each_user
def test_nothing_of_the_batch_is_lost(batch):
    folder, noticed = batch
    everybody = set(noticed["students"])
    states = {student: line["state"] for student, line in noticed["lines"].items()}
    assert {name for name, state in states.items() if state in ("graded", "not run")} == everybody
    for student in everybody:
        notebook = folder / "autograded" / student / ASSIGNMENT / f"{ASSIGNMENT}.ipynb"
        nbformat.validate(nbformat.read(notebook, as_version=4))
        assert notebook.stat().st_size < LARGEST_NOTEBOOK


@of_each_user
def test_nothing_outlives_its_box_or_gets_out_of_it(batch):
    _, noticed = batch
    assert noticed["left behind"] == []
    assert noticed["changed"] == []
    assert noticed["visits"] == []


@of_each_user
def test_the_marks_of_others_stay_what_they_were(batch):
    _, noticed = batch
    assert noticed["marks"][BYSTANDER] == noticed["bystander before"]
    assert noticed["bystander before"]["explain"] == [1.0, 2.5]


def test_every_attempt_says_what_it_deserves_and_changes_something():
    assert len(DESERVED) >= 75
    for name, one in ATTACKS.items():
        assert one.answers or one.own or one.files, name
        assert set(one.answers) <= set(ANSWERS), name
    for name, deserts in DESERVED.items():
        assert set(deserts.earns) <= {*POINTS, "*"}, name
        assert deserts.because, name


def test_the_page_on_forging_states_the_scores_of_these_submissions():
    text = (ROOT / "docs" / "forging.md").read_text()
    stated = re.findall(r"\[([\d.]+) of ([\d.]+)\]\(\.\./tests/adversarial/(\w+)/(\w+)\.py\)", text)
    assert len(stated) >= 12
    for score, most, kind, name in stated:
        attack = ATTACKS[f"{kind}-{name}"]
        tried = {cell.removesuffix("_answer") for cell in attack.answers} or set(POINTS)
        points = {(attack.deserts.earns.get(cell, POINTS[cell]), POINTS[cell]) for cell in tried}
        earned = {(round(got, 1), of) for got, of in points}
        assert (float(score), float(most)) in earned, name
