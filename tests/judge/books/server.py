"""A PostgreSQL server for tests, reached through a socket in a folder of its own."""

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import psycopg
import pytest

PROGRAMS = [*map(str, sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True))]


class Server:
    """A PostgreSQL server that nobody else can reach: a socket in a folder of its own.

    Its time zone is none that a course would choose, so that no time depends on it.
    """

    def __init__(self, program):
        search = os.pathsep.join([*PROGRAMS, os.environ["PATH"]])
        with pytest.MonkeyPatch.context() as patched:
            patched.setenv("PATH", search)
            initdb, postgres = program("initdb"), program("postgres")
        self.folder = tempfile.mkdtemp(prefix="pg-")
        self._user = "postgres" if os.geteuid() == 0 else None  # it refuses to be run by root
        if self._user:
            shutil.chown(self.folder, self._user)
        data = f"{self.folder}/data"
        self._run([initdb, "-D", data, "-U", "class", "-A", "trust", "-E", "UTF8", "-N"])
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": self.folder,
            "fsync": "off",
            "timezone": "Asia/Kolkata",
        }
        chosen = [f"--{name}={value}" for name, value in settings.items()]
        with Path(self.folder, "log").open("wb") as log:
            self._process = subprocess.Popen(
                [postgres, "-D", data, *chosen],
                cwd="/",
                user=self._user,
                extra_groups=[] if self._user else None,
                stdout=log,
                stderr=log,
            )
        until(self._answers, "the server")

    def _run(self, command):
        groups = [] if self._user else None
        subprocess.run(
            command, cwd="/", user=self._user, extra_groups=groups, check=True, capture_output=True
        )

    def _answers(self):
        assert self._process.poll() is None, Path(self.folder, "log").read_text()
        with contextlib.suppress(psycopg.OperationalError):
            self.ask("select 1")
            return True
        return False

    def stop(self):
        self._process.send_signal(signal.SIGINT)  # ends without waiting for those connected
        self._process.wait(300)
        shutil.rmtree(self.folder)

    def ask(self, question, database="postgres"):
        with psycopg.connect(
            host=self.folder, user="class", dbname=database, autocommit=True
        ) as found:
            rows = found.execute(question)
            return rows.fetchall() if rows.description else []

    def database(self, name):
        """The address of a new database."""
        self.ask(f"create database {name}")
        return self.address(name)

    def address(self, name):
        """The address of a database."""
        return f"postgresql+psycopg://class@/{name}?host={self.folder}"


def until(condition, what, seconds=300):
    """Wait for something another process does."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not come about"
        time.sleep(0.02)
