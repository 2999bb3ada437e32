"""JupyterHub for one classroom on one machine. Every setting says why it is there.

Read from top to bottom: who may sign in, how, what they may do, what their servers are started
with, and what the hub keeps. `python -m hub` writes the record that is loaded here and starts the
hub.
"""

import os
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, os.environ["AUTOGRAD_CLASSROOM_PROGRAM"])

from grader.start.paths import PAGE
from hub import runtime as runtimes
from hub.classroom import COURSE, load
from hub.signin import ClassroomPasswords

c = get_config()
room = load(Path(os.environ["AUTOGRAD_CLASSROOM"]))

# --- Who signs in, and how ------------------------------------------------------------------------
# A trial's sign-in: students share one password, so any of them can sign in as any other. Before a
# real class, put PAM, LTI 1.3 or OAuth here: hub/README.md shows each.
c.JupyterHub.authenticator_class = ClassroomPasswords
c.ClassroomPasswords.user_password = room.password
c.ClassroomPasswords.admin_password = room.instructors_password
c.ClassroomPasswords.instructors = set(room.instructors)

# Only the class. The grader's account is not among them: it has a service, and no sign-in.
c.Authenticator.allowed_users = {*room.instructors, *room.students}

# Nobody is the hub's administrator: that role opens every student's server. Instructors have what
# they need of it through their role below.
c.Authenticator.admin_users = set()

# --- Who belongs to what --------------------------------------------------------------------------
# nbgrader reads these names: a course's students are in nbgrader-COURSE, and whoever grades it is
# in formgrade-COURSE. JupyterHub adds these to what its database holds and takes nobody out, so
# once somebody left the class, `python -m hub` starts it with a new database.
c.JupyterHub.load_groups = {
    f"nbgrader-{COURSE}": {"users": room.students},
    f"formgrade-{COURSE}": {"users": room.instructors},
}

# --- Who may do what ------------------------------------------------------------------------------
# Everybody has JupyterHub's own role `user`: their own server, and nothing else. This is all that
# is added to it. The formgrader's service has no role: it asks the hub only who it is that comes.
service = f"service={COURSE}"
c.JupyterHub.load_roles = [
    {
        "name": "instructors",
        "description": "Open the formgrader, and have it listed in Course List",
        "groups": [f"formgrade-{COURSE}"],
        "scopes": [
            f"access:services!{service}",
            f"read:services!{service}",
            f"list:services!{service}",
        ],
    },
]


def server_scopes(spawner: Any) -> list[str]:
    """What the token in a server may do: be the server, and say which groups its owner is in.

    Everything in a server, a notebook's code included, can use this token. JupyterHub grants of
    this list what the owner holds, so that only an instructor's server gets the last two.
    """
    return [
        "access:servers!server",
        "users:activity!user",
        "read:users:name!user",
        "read:users:groups!user",
        f"list:services!{service}",
        f"read:services!{service}",
    ]


c.Spawner.server_token_scopes = server_scopes

# --- Everybody's server ---------------------------------------------------------------------------
c.JupyterHub.spawner_class = "localprocess" if room.accounts else "simple"
c.SimpleLocalProcessSpawner.home_dir_template = f"{room.homes}/{{username}}"

# `classroom.server` runs as the person themselves: it lays the lessons, then becomes their server.
c.Spawner.cmd = [str(room.python), "-m", "classroom.server"]
c.Spawner.notebook_dir = "~"


def is_instructor(spawner: Any) -> bool:
    """Whether a server is an instructor's."""
    return spawner.user.name in room.instructors


def python_path(*folders: Path | str) -> str:
    """Folders to import from, as one variable of the environment."""
    return os.pathsep.join(map(str, folders))


def settings(kind: str) -> str:
    """The folder of Jupyter's settings for one kind of server."""
    return str(room.settings / kind)


# A server sees these variables and no others of the hub's, whose environment holds its secrets.
c.Spawner.env_keep = ["LANG", "LC_ALL"]
EVERYBODY = {
    "PATH": os.pathsep.join([str(room.python.parent), os.defpath]),
    # torch takes every processor for each kernel otherwise, and a class shares them.
    "OMP_NUM_THREADS": "1",
    # Whatever lies in a home's own Python folder stays out of the server's start.
    "PYTHONNOUSERSITE": "1",
    "CLASSROOM_EXCHANGE": str(room.exchange),
    "CLASSROOM_ACCOUNTS": "1" if room.accounts else "",
}


def runtime(name: str) -> str:
    """Where somebody's connection files and the sockets of their kernels lie.

    Beside nothing else of Jupyter's, and on a short path: a socket's may have 107 characters.
    """
    return str(runtimes.of(Path(os.environ["AUTOGRAD_CLASSROOM_RUNTIME"]), room, name))


c.Spawner.environment = EVERYBODY | {
    # The sealed student side: `check` with recorded observations, without keys and solutions.
    "PYTHONPATH": python_path(room.settings / "python", room.student / "python"),
    "JUPYTER_CONFIG_PATH": lambda spawner: settings(
        "instructor" if is_instructor(spawner) else "student"
    ),
    "JUPYTER_RUNTIME_DIR": lambda spawner: runtime(spawner.user.name),
    "CLASSROOM_LESSONS": str(room.student / "lessons"),
    "LOGNAME": lambda spawner: spawner.user.name,
}


def default_url(spawner: Any) -> None:
    """Open a student's server at the start page."""
    spawner.default_url = "/lab" if is_instructor(spawner) else f"/{PAGE}"


c.Spawner.pre_spawn_hook = default_url
# Where everybody signs in at once, each server takes as long as all of them: twenty took 97 s on
# two processors.
c.Spawner.start_timeout = 300
c.Spawner.http_timeout = 300

# --- The grader's server: formgrader, as a service of the hub -------------------------------------
c.JupyterHub.services = [
    {
        "name": COURSE,
        "url": f"http://127.0.0.1:{os.environ['AUTOGRAD_CLASSROOM_SERVICE_PORT']}",
        "command": [str(room.python), "-m", "classroom.server"],
        "cwd": str(room.course),
        # As root the service runs as the grader; in a trial without accounts, as you.
        **({"user": room.grader} if room.accounts else {}),
        "environment": EVERYBODY
        | {
            "HOME": str(room.home(room.grader)),
            "LOGNAME": room.grader,
            "USER": room.grader,
            "PATH": python_path(room.instructors_side / "bin", EVERYBODY["PATH"]),
            # The full course: keys and judge.
            "PYTHONPATH": python_path(room.settings / "python", room.instructors_side / "python"),
            "JUPYTER_CONFIG_PATH": settings("grader"),
            "JUPYTER_RUNTIME_DIR": runtime(room.grader),
            "JUPYTERHUB_USER": room.grader,  # nbgrader refuses to start without it
            "JUPYTERHUB_DEFAULT_URL": "/lab",
            "CLASSROOM_ROOT": str(room.course),
        },
        # The page that asks "may this service know who you are" is for services of others.
        "oauth_no_confirm": True,
        "timeout": 120,
    }
]

# --- Addresses ------------------------------------------------------------------------------------
# This machine alone. For others to reach it, put nginx or Caddy with a certificate before it, or
# set ssl_key and ssl_cert here: hub/README.md.
c.JupyterHub.bind_url = f"http://127.0.0.1:{room.port}"
c.JupyterHub.hub_bind_url = f"http://127.0.0.1:{os.environ['AUTOGRAD_CLASSROOM_HUB_PORT']}"
c.ConfigurableHTTPProxy.api_url = f"http://127.0.0.1:{os.environ['AUTOGRAD_CLASSROOM_PROXY_PORT']}"
c.ConfigurableHTTPProxy.command = [
    str(room.proxy / "node_modules" / ".bin" / "configurable-http-proxy")
]
# The token between hub and proxy is drawn at each start and is on no disk.
c.ConfigurableHTTPProxy.pid_file = str(room.hub / "proxy.pid")

# --- What the hub keeps ---------------------------------------------------------------------------
# All of it in a folder that only the hub's user can enter, and `python -m hub` starts the hub so
# that what it makes is that user's alone (0600).
c.JupyterHub.cookie_secret_file = str(room.hub / "cookie_secret")
c.JupyterHub.db_url = f"sqlite:///{room.database}"

# --- The end --------------------------------------------------------------------------------------
# Ctrl-C ends everything. A server that does not end when asked is ended: work is on the disk, where
# JupyterLab saved it. `python -m hub` counts afterwards, and ends what is left.
c.JupyterHub.cleanup_servers = True
c.JupyterHub.cleanup_proxy = True
c.LocalProcessSpawner.interrupt_timeout = 2
c.LocalProcessSpawner.term_timeout = 1
c.LocalProcessSpawner.kill_timeout = 1
