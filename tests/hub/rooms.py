"""A real classroom for tests: JupyterHub, proxy, servers and Unix users in a view of this machine.

How to use it, in a test or a benchmark that runs as root:

    with classroom(students=2) as room:            # tests have the session's: the fixture `hub`
        ada = room.person("student-1")             # a signed-in browser without a browser
        ada.start()                                # her server runs
        ada.post("assignments/fetch", course_id=COURSE, assignment_id="01-graphs")
        room.address, room.password("student-1")   # to sign in by clicking

The hub is started by `python -m hub`, in a bubblewrap view of the machine. Accounts are made in a
copy of /etc, homes and the classroom lie on filesystems of the view's own, and so do its
processes: all of it is gone with the view. The network is the machine's, so that `room.address`
can be opened from outside. `room.path("/srv/autograd-course")` is the view's folder as root sees it
from outside, and `room.run_as("student-1", "id")` runs a program in there as one of its users.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from urllib.parse import quote

import requests

ROOT = Path(__file__).resolve().parents[2]
COURSE = "autograd-course"
SERVICE = f"services/{COURSE}"
FOLDER = "/srv/autograd-course"
LONG_NAME = "student-with-a-name-as-long-as-i"
"""As many characters as an account may have."""
CHECKOUT = "/mnt/checkout"
"""Where the checkout lies in the view, closed to all but root."""

# Runs commands in the view one after the other, and after each says what it left behind.
_INSIDE = """
import json, os, subprocess, sys
def processes():
    return {int(name) for name in os.listdir("/proc") if name.isdigit()}
print("here", flush=True)
for line in sys.stdin:
    asked = json.loads(line)
    log = open(asked["log"], "a")
    before = processes()
    run = subprocess.Popen(asked["argv"], stdout=log, stderr=log, cwd=asked["cwd"],
                           env=asked["env"], stdin=subprocess.DEVNULL)
    print(json.dumps({"pid": run.pid}), flush=True)
    status = run.wait()
    left = {}
    for pid in processes() - before:
        try:
            line = open(f"/proc/{pid}/cmdline").read().replace("\\0", " ")
            if line:  # one that has ended and waits to be reaped has none
                left[pid] = line
        except OSError:
            pass
    print(json.dumps({"status": status, "left": left}), flush=True)
"""


def small_checkout(folder):
    """A checkout of one chapter: sealing all of them, and their gradebook, takes a minute."""
    # What is compiled comes along, but for what another process is about to write.
    left = shutil.ignore_patterns("*.pyc.*", ".ipynb_checkpoints", "*.ipynb")
    for name in ("hub", "grader", "course", "solutions"):
        shutil.copytree(ROOT / name, folder / name, ignore=left)
    shutil.copytree(ROOT / "exercises" / "01-graphs", folder / "exercises" / "01-graphs")
    for name in ("nbgrader_config.py", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, folder)
    for chapters, kept in (
        (("grader/keys", "grader/tasks"), {"graphs", "__init__.py"}),
        (("solutions",), {"01-graphs"}),
        (("course/lessons",), {"00-start-here.md", "01-graphs.md", "01-graphs-2.md"}),
    ):
        for chapter in chapters:
            for path in (folder / chapter).iterdir():
                if path.name not in kept:
                    shutil.rmtree(path) if path.is_dir() else path.unlink()


class View:
    """A view of this machine with accounts, homes and processes of its own."""

    def __init__(self, exchange_mib=64, whole=False, closed=True):
        self.own = Path(tempfile.mkdtemp(prefix="autograd-course-hub-"))
        checkout = ROOT
        if not whole:
            checkout = self.own / "checkout"
            small_checkout(checkout)
        self.log = self.own / "log"
        self.log.touch()
        subprocess.run(["cp", "-a", "/etc", self.own / "etc"], check=True)
        emptied = [ROOT] if _is_open(ROOT) else []
        arguments = ["bwrap", "--dev-bind", "/", "/", "--unshare-pid", "--proc", "/proc"]
        arguments += ["--die-with-parent", "--cap-add", "ALL"]
        arguments += [
            word for path in emptied for word in ("--perms", "0755", "--tmpfs", str(path))
        ]
        arguments += _reachable([sys.base_prefix, sys.prefix], emptied)
        arguments += ["--bind", self.own / "etc", "/etc"]
        for folder, mode in (
            ("/home", "0755"),
            ("/srv", "0755"),
            ("/run", "0755"),
            ("/mnt", "0700" if closed else "0755"),
        ):
            arguments += ["--perms", mode, "--tmpfs", folder]
        arguments += ["--ro-bind", checkout, CHECKOUT]
        arguments += ["--perms", "0755", "--dir", FOLDER]
        arguments += ["--perms", "0755", "--size", str(exchange_mib << 20)]
        arguments += ["--tmpfs", f"{FOLDER}/exchange"]
        arguments += ["--bind", self.log, self.log]
        read, write = os.pipe()
        self._bwrap = subprocess.Popen(
            [*map(str, arguments), "--info-fd", str(write), "--", sys.executable, "-c", _INSIDE],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            pass_fds=[write],
            text=True,
        )
        os.close(write)
        with os.fdopen(read) as info:
            self.pid = json.load(info)["child-pid"]
        assert self._bwrap.stdout.readline() == "here\n"  # everything is mounted

    def path(self, inside):
        """A path of the view, from outside."""
        return Path(f"/proc/{self.pid}/root{inside}")

    def start(self, *argv, cwd=CHECKOUT, env=None):
        """Start a command in the view; `ended` waits for its end."""
        asked = {"argv": [*map(str, argv)], "cwd": cwd, "env": env or _ENVIRONMENT}
        self._bwrap.stdin.write(json.dumps(asked | {"log": str(self.log)}) + "\n")
        self._bwrap.stdin.flush()
        return json.loads(self._bwrap.stdout.readline())["pid"]

    def ended(self):
        """The status of the command that was started, and the processes it left in the view."""
        return json.loads(self._bwrap.stdout.readline())

    def run_as(self, name, *argv, check=True, **options):
        """Run a program in the view as one of its users, in their home."""
        entry = ["nsenter", f"--target={self.pid}", "--mount", "--pid", "--"]
        become = ["setpriv", f"--reuid={name}", f"--regid={name}", "--init-groups", "--"]
        home = f"/home/{name}" if name != "root" else "/"
        there = ["env", "-i", f"HOME={home}", f"PATH={_ENVIRONMENT['PATH']}"]
        there += ["sh", "-c", 'cd "$HOME" && exec "$@"', "sh"]
        done = subprocess.run(
            [*entry, *become, *there, *map(str, argv)],
            capture_output=True,
            text=True,
            timeout=300,
            **options,
        )
        if check:
            assert done.returncode == 0, done.stdout + done.stderr
        return done

    def kill(self, pid, number):
        """Send a signal to a process by its number in the view."""
        self.run_as("root", "kill", f"-{number}", pid)

    def close(self):
        self._bwrap.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._bwrap.wait(timeout=2)
        self._bwrap.kill()
        self._bwrap.wait()
        self._bwrap.stdout.close()
        shutil.rmtree(self.own)


_ENVIRONMENT = {
    "PATH": os.pathsep.join([os.path.dirname(sys.executable), os.environ.get("PATH", os.defpath)]),
    "LANG": "C.UTF-8",
    "OMP_NUM_THREADS": "1",
    "PYTHONDONTWRITEBYTECODE": "1",
    **{k: v for k, v in os.environ.items() if k.lower().startswith("npm_") or k.endswith("_proxy")},
}

HUB = [sys.executable, "-m", "hub", "--environment", sys.prefix]


def _is_open(path):
    return all(one.stat().st_mode & 0o001 for one in (path, *path.parents))


def _reachable(paths, emptied):
    """bubblewrap's arguments that bring these folders where everybody can reach them."""
    arguments, hidden = [], set(map(str, emptied))
    for path in map(Path, paths):
        closed = [one for one in path.parents if not one.stat().st_mode & 0o001]
        top = closed[-1] if closed else next((p for p in path.parents if str(p) in hidden), None)
        if top is None:
            continue
        if str(top) not in hidden:
            hidden.add(str(top))
            arguments += ["--perms", "0755", "--tmpfs", str(top)]
        between = [p for p in path.parents if p.is_relative_to(top) and p != top][::-1]
        arguments += [word for p in between for word in ("--perms", "0755", "--dir", str(p))]
        arguments += ["--ro-bind", str(path), str(path)]
    return arguments


class Classroom:
    """The running hub of a view."""

    def __init__(self, view, students, folder=FOLDER, become=()):
        self.view, self.students, self.folder, self.become = view, students, folder, become
        self.path, self.run_as = view.path, view.run_as
        self.port = _free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self.pid = None

    def open(self, *options, timeout=300):
        """Start the hub, and wait until it answers and the formgrader is there."""
        self.pid = self.view.start(
            *(*self.become, *HUB, "--folder", self.folder),
            *("--port", self.port, "--students", self.students, *options),
        )
        _wait(self._answers, timeout, lambda: self.said()[-5000:])

    def end(self, number=2):
        """End the hub with a signal (2 is Ctrl-C): its status, what is left, and the seconds."""
        started = time.monotonic()
        self.view.kill(self.pid, number)
        ended = self.view.ended()
        return ended["status"], ended["left"], time.monotonic() - started

    def said(self):
        """What the hub and everything under it wrote."""
        return self.view.log.read_text(errors="replace")

    def record(self):
        """What `python -m hub` keeps of the classroom, passwords included."""
        return json.loads(self.path(f"{self.folder}/hub/classroom.json").read_text())

    def password(self, name):
        record = self.record()
        return record["instructors_password" if name in record["instructors"] else "password"]

    def person(self, name):
        """Somebody who signed in."""
        person = Person(self, name)
        person.sign_in(self.password(name))
        return person

    def home(self, name, *parts):
        """A path in somebody's home, from outside."""
        return self.path(f"/home/{name}").joinpath(*parts)

    def _answers(self):
        assert self.path(f"/proc/{self.pid}").exists(), self.said()[-5000:]
        for page in ("hub/api", f"{SERVICE}/api"):
            try:
                if requests.get(f"{self.address}/{page}", timeout=5).status_code != 200:
                    return False
            except requests.RequestException:
                return False
        return True


class Person:
    """Somebody at their browser: cookies, and what JupyterLab would send with them."""

    def __init__(self, room, name):
        self.room, self.name = room, name
        self.session = requests.Session()

    def sign_in(self, password):
        page = f"{self.room.address}/hub/login"
        self.session.get(page, timeout=300)
        form = {"username": self.name, "password": password}
        form["_xsrf"] = self.session.cookies.get("_xsrf", path="/hub/")
        answer = self.session.post(page, data=form, timeout=300, allow_redirects=False)
        assert answer.status_code == 302, answer.text[-2000:]

    def token(self, **asked):
        """A token of JupyterHub's, with all that its owner may do, or the `scopes` named."""
        form = {"_xsrf": self.session.cookies.get("_xsrf", path="/hub/")}
        answer = self.session.post(
            f"{self.room.address}/hub/api/users/{self.name}/tokens",
            params=form,
            json=asked,
            headers={"Referer": f"{self.room.address}/hub/token"},
            timeout=300,
        )
        assert answer.status_code == 201, answer.text
        return answer.json()["token"]

    def start(self):
        """Start this person's server unless it runs, and go on once it does."""
        if not self._is_ready():
            answer = self.hub("POST", f"users/{self.name}/server", json={})
            said = f"{answer.text}\n{self.room.said()[-5000:]}"
            assert answer.status_code in (201, 202), said
        _wait(self._is_ready, 300, lambda: self.room.said()[-5000:])
        return self

    def stop(self):
        answer = self.hub("DELETE", f"users/{self.name}/server")
        assert answer.status_code in (202, 204), answer.text

    def hub(self, method, path, **options):
        """A request to the hub's API, with this person's token."""
        return self._request(method, f"hub/api/{path}", **options)

    def request(self, method, path, *, at=None, **options):
        """A request to this person's server, or to another place such as SERVICE."""
        return self._request(method, f"{at or f'user/{self.name}'}/{path}", **options)

    def get(self, path, **options):
        return self.request("GET", path, **options)

    def post(self, place, *, at=None, **form):
        """nbgrader's answer: it is 200 for a failure too, so look at its `success`."""
        answer = self.request("POST", place, at=at, data=form, timeout=300)
        assert answer.status_code == 200, f"{answer.status_code} {answer.text[-2000:]}"
        return answer.json()

    def formgrader(self, method, path, **options):
        """A request to the formgrader's API."""
        return self.request(method, f"formgrader/api/{path}", at=SERVICE, timeout=300, **options)

    def contents(self, path, notebook=None):
        """Read a file of this person's server as JupyterLab does, or save a notebook into it."""
        place = f"api/contents/{quote(path)}"
        if notebook is None:
            return self.get(place, params={"content": 1}).json()["content"]
        body = {"type": "notebook", "format": "json", "content": notebook}
        answer = self.request("PUT", place, json=body)
        assert answer.status_code in (200, 201), answer.text
        return None

    def _request(self, method, path, *, timeout=300, **options):
        if not hasattr(self, "_token"):
            self._token = self.token(note="test")
        return requests.request(
            method,
            f"{self.room.address}/{path}",
            headers={"Authorization": f"token {self._token}"},
            timeout=timeout,
            **options,
        )

    def _is_ready(self):
        return self.hub("GET", f"users/{self.name}").json()["servers"].get("", {}).get("ready")


@contextlib.contextmanager
def classroom(students=2, **view):
    """A classroom that is open, until the block ends."""
    made = View(**view)
    try:
        room = Classroom(made, students)
        room.open()
        yield room
    finally:
        made.close()


def _wait(ready, seconds, said):
    until = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < until, f"not in {seconds} s:\n{said()}"
        time.sleep(0.1)


def _free_port():
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
