"""A class on a real hub: who can do what, what is handed in and graded, and what is not lost."""

import contextlib
import json
import os
import re
import time
from datetime import date, timedelta

import pytest
from nbgrader.api import Gradebook

from grader.notebook.texts import notebooks
from tests.hub.rooms import COURSE, FOLDER, HUB, LONG_NAME, ROOT, SERVICE, Classroom, View
from tests.project.test_newcomer import kernel

CHAPTER = "01-graphs"
NOTEBOOK = f"exercises/{CHAPTER}/{CHAPTER}.ipynb"
INBOUND = f"{FOLDER}/exchange/{COURSE}/inbound"
SUBMITTED = f"{FOLDER}/course/submitted"


@pytest.fixture(scope="session")
def instructor(hub):
    """The instructor, who released the first chapter."""
    person = hub.person("instructor")
    does(person, f"assignment/{CHAPTER}/release")
    return person


@pytest.fixture
def student(hub, instructor):
    """Students by name, with a server that runs and the assignment fetched."""

    def arrive(name):
        person = hub.person(name).start()
        if not hub.home(name, "exercises", CHAPTER).exists():
            listed = person.post("assignments/fetch", course_id=COURSE, assignment_id=CHAPTER)
            assert listed["success"], listed["value"]
        return person

    return arrive


def does(instructor, what):
    """Press a button of the formgrader, and see that it worked."""
    answer = instructor.formgrader("POST", what)
    assert answer.status_code == 200, answer.text[-1500:]
    assert answer.json()["success"], answer.json()
    return answer.json()["log"]


def solutions():
    """The solution cells of the chapter, by name."""
    solved = notebooks.read(ROOT / "solutions" / CHAPTER / f"{CHAPTER}.md")
    kept = {}
    for cell in solved.cells:
        about = cell.metadata.get("nbgrader", {})
        if about.get("solution"):
            kept[about["grade_id"]] = cell.source
    return kept


MISTAKEN = {"two_path_grad_answer": "def two_path_grad(x, w):\n    return w + 1, w + 1"}


def write(person, answers, path=NOTEBOOK):
    """Open the notebook, write answers into their cells, and save it."""
    notebook = person.contents(NOTEBOOK)
    written = set()
    for cell in notebook["cells"]:
        name = cell["metadata"].get("nbgrader", {}).get("grade_id")
        if name in answers:
            cell["source"] = answers[name]
            written.add(name)
    assert written == set(answers)
    person.contents(path, notebook)


def submit(person):
    return person.post("assignments/submit", course_id=COURSE, assignment_id=CHAPTER)


def arrived(hub, name):
    """What the exchange holds of somebody, oldest first."""
    return sorted(hub.path(INBOUND).glob(f"{name}+{CHAPTER}+*"))


def grade(instructor, name):
    """Collect, grade one student, and say what the gradebook then holds."""
    does(instructor, f"assignment/{CHAPTER}/collect")
    does(instructor, f"submission/{CHAPTER}/{name}/autograde")
    return instructor.formgrader("GET", f"submission/{CHAPTER}/{name}").json()


def test_a_class_goes_from_release_to_feedback(hub, instructor, student):
    right, mistaken = student("student-1"), student("student-2")
    write(right, solutions())
    write(mistaken, solutions() | MISTAKEN)
    validated = {
        person.name: person.post("assignments/validate", path=NOTEBOOK)
        for person in (right, mistaken)
    }
    assert validated["student-1"] == {"success": True, "value": {}} | validated["student-1"]
    assert "failed" not in validated["student-1"]["value"], validated["student-1"]
    failed = validated["student-2"]["value"]["failed"]
    assert ["two_path_grad" in one["source"] for one in failed] == [True]
    assert "only the path" in failed[0]["raw_error"]
    for person in (right, mistaken):
        assert isinstance(submit(person), dict | list)
    does(instructor, f"assignment/{CHAPTER}/collect")
    for person in (right, mistaken):
        does(instructor, f"submission/{CHAPTER}/{person.name}/autograde")
    scores = {
        one["student"]: one for one in instructor.formgrader("GET", f"submissions/{CHAPTER}").json()
    }
    full = scores["student-1"]["max_code_score"]
    assert full > 0
    assert scores["student-1"]["code_score"] == full
    assert scores["student-2"]["code_score"] == full - 8
    does(instructor, f"assignment/{CHAPTER}/generate_feedback")
    does(instructor, f"assignment/{CHAPTER}/release_feedback")
    mistaken.post("assignments/fetch_feedback", course_id=COURSE, assignment_id=CHAPTER)
    pages = [*hub.home("student-2", "exercises", CHAPTER, "feedback").glob("*/*.html")]
    assert len(pages) == 1
    assert "only the path" in pages[0].read_text()


def test_students_have_no_way_into_the_formgrader(hub, student):
    ada = student("student-1")
    for page in ("", "lab", "formgrader", "formgrader/api/assignments", "api/contents"):
        in_a_browser = ada.session.get(f"{hub.address}/{SERVICE}/{page}", timeout=300)
        assert in_a_browser.status_code == 403, (page, in_a_browser.url)
        if page:
            with_a_token = ada.request("GET", page, at=SERVICE)
            assert with_a_token.status_code == 403, (page, with_a_token.url)
    assert ada.formgrader("POST", f"assignment/{CHAPTER}/unrelease").status_code == 403
    assert ada.get("formgrader").status_code == 404
    assert ada.get("formgraders").status_code == 404
    page = ada.get("lab").text
    told = json.loads(re.search(r'id="jupyter-config-data"[^>]*>(.*?)</script>', page, re.S)[1])
    off = json.dumps(told["disabledExtensions"])
    assert "@jupyter/nbgrader:formgrader" in off
    assert "@jupyter/nbgrader:course-list" in off


def test_an_instructor_opens_the_formgrader_and_nobodys_server(hub, instructor, student):
    student("student-1")
    page = instructor.request("GET", "formgrader", at=SERVICE)
    assert page.status_code == 200
    assert page.headers["Content-Security-Policy"].split(";")[0] == "frame-ancestors 'self'"
    assert instructor.request("GET", "user/student-1/api/contents", at=".").status_code == 403
    assert instructor.hub("GET", "users").status_code == 403


def test_a_students_server_holds_a_token_for_nothing_else(hub, student):
    ada = student("student-1")
    token = hub.run_as(
        "root",
        "sh",
        "-c",
        "tr '\\0' '\\n' < /proc/$(pgrep -u student-1 -f jupyterhub.singleuser | head -1)/environ"
        " | sed -n s/^JUPYTERHUB_API_TOKEN=//p",
    ).stdout.strip()
    ada._token = token
    assert ada.hub("GET", "users/student-1").json()["groups"] == [f"nbgrader-{COURSE}"]
    for method, path in (
        ("GET", "users"),
        ("GET", "users/student-2"),
        ("GET", "groups"),
        ("DELETE", "users/student-1/server"),
        ("POST", "users/student-1/tokens"),
        ("POST", "shutdown"),
    ):
        assert ada.hub(method, path, json={}).status_code in (403, 404), path


def runtime(hub, name):
    """Where the sockets of somebody's kernels lie, as the hub's config says."""
    record = hub.record()
    people = [*record["instructors"], record["grader"], *record["students"]]
    [top] = hub.path("/run").glob("autograd-class-*")
    return f"/run/{top.name}/{people.index(name)}"


def test_a_student_reads_nothing_of_others(hub, instructor, student):
    ada = student("student-1")
    write(ada, solutions())
    submit(ada)
    newest = arrived(hub, "student-1")[-1].name
    does(instructor, f"assignment/{CHAPTER}/collect")
    closed = [
        INBOUND,
        f"{INBOUND}/{newest}",
        f"{INBOUND}/{newest}/{CHAPTER}.ipynb",
        f"{FOLDER}/exchange/{COURSE}/feedback",
        f"{FOLDER}/course",
        f"{FOLDER}/instructors",
        f"{FOLDER}/hub",
        "/home/student-1",
        runtime(hub, "student-1"),
        "/home/grader",
        "/mnt/checkout",
    ]
    look = "import os, sys; print([p for p in sys.argv[1:] if os.access(p, os.R_OK)])"
    python = hub.record()["environment"] + "/bin/python"
    assert hub.run_as("student-2", python, "-c", look, *closed).stdout.strip() == "[]"
    assert hub.run_as("root", python, "-c", look, *closed).stdout.strip() != "[]"
    taken = hub.run_as("student-2", "mv", f"{INBOUND}/{newest}", f"{INBOUND}/gone", check=False)
    assert "not permitted" in taken.stderr
    for file in ("jupyterhub.sqlite", "cookie_secret", "classroom.json"):
        assert hub.path(f"{FOLDER}/hub/{file}").stat().st_mode & 0o777 == 0o600, file


def test_no_key_and_no_solution_is_within_a_students_reach(hub):
    python = f"{hub.record()['environment']}/bin/python"
    find = "import importlib.util as u; print(u.find_spec('grader'))"
    assert hub.run_as("student-1", python, "-P", "-c", find).stdout.strip() == "None"
    find = "import grader, importlib.util as u; print(u.find_spec('grader.keys'), grader.__file__)"
    side = f"PYTHONPATH={FOLDER}/student/python"
    said = hub.run_as("student-1", "env", side, python, "-c", find).stdout
    assert said.split() == ["None", f"{FOLDER}/student/python/grader/__init__.py"]
    search = ["grep", "-rlE", r"^ *### END SOLUTION|class \w+Key\(Key\)", FOLDER, "/mnt", ROOT]
    search += ["--exclude-dir=site-packages"]
    assert hub.run_as("student-1", *search, check=False).stdout == ""
    assert hub.run_as("root", *search).stdout.count("\n") > 2


# A process's own listening sockets, as the kernel lists them.
LISTENING = """
import json, os, sys
pid = next(int(p) for p in os.listdir("/proc") if p.isdigit() and int(p) != os.getpid()
           and sys.argv[1] in open(f"/proc/{p}/cmdline").read())
fds = {os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")}
def inodes(table, state, column):
    rows = [line.split() for line in open(f"/proc/{pid}/net/{table}").readlines()[1:]]
    return [row for row in rows if f"socket:[{row[column]}]" in fds and row[state[0]] == state[1]]
tcp = [row for t in ("tcp", "tcp6") for row in inodes(t, (3, "0A"), 9)]
unix = [row[7] for row in inodes("unix", (5, "01"), 6) if len(row) > 7]
print(json.dumps({"tcp": tcp, "unix": unix}))
"""


def test_nobody_else_can_listen_or_speak_to_a_students_kernel(hub, student):
    ada = student("student-1")
    kernel = ada.request("POST", "api/kernels", json={"name": "python3"}).json()["id"]
    seen = None
    until = time.monotonic() + 300
    while not (seen and len(seen["unix"]) >= 5):
        assert time.monotonic() < until, seen
        done = hub.run_as("root", "python3", "-c", LISTENING, f"kernel-{kernel}", check=False)
        seen = json.loads(done.stdout) if done.returncode == 0 else None
    # One port is left: ipykernel takes there what child processes print. It sends nothing on it,
    # and drops what does not begin with a secret of its own.
    assert len(seen["tcp"]) <= 1
    place = runtime(hub, "student-1")
    assert {os.path.dirname(path) for path in seen["unix"] if "kernel-" in path} == {place}
    assert hub.path(place).stat().st_mode & 0o777 == 0o700
    connection = hub.path(f"{place}/kernel-{kernel}.json")
    assert connection.stat().st_mode & 0o777 == 0o600
    assert json.loads(connection.read_text())["transport"] == "ipc"
    knock = "import socket, sys; socket.socket(socket.AF_UNIX).connect(sys.argv[1])"
    refused = hub.run_as("student-2", "python3", "-c", knock, seen["unix"][0], check=False)
    assert "PermissionError" in refused.stderr


def checked(person):
    """What a check says in a kernel of somebody's own server."""
    server = f"{person.room.address}/user/{person.name}", person.token(note="kernel")
    with kernel(server, "lessons/lesson-01-graphs.ipynb") as execute:
        execute("from grader import check")
        return json.dumps(execute(_RIGHT))


_RIGHT = "check('two_path_grad', lambda x, w: (w + 1, x + 2 * w + 1))"


def test_a_kernel_runs_a_check_for_an_account_whose_name_is_as_long_as_can_be(hub):
    assert len(LONG_NAME) == 32
    assert "data-outcome='right'" in checked(hub.person(LONG_NAME).start())


def test_a_student_begins_at_a_start_page_of_what_is_there(hub, student):
    ada = student("student-1")
    begin = ada.session.get(f"{hub.address}/user/student-1/", timeout=300)
    assert begin.url == f"{hub.address}/user/student-1/start.html"
    assert "0 Start here" in begin.text
    links = re.findall(r'href="/user/student-1/lab/tree/([^"#]*)', begin.text)
    assert NOTEBOOK in links  # it was fetched
    for link in {*links}:
        assert ada.get(f"api/contents/{link}", params={"content": 0}).status_code == 200, link
    other = hub.person("student-2").session.get(begin.url, timeout=300)
    assert other.status_code == 403
    page = ada.get("lab").text
    told = json.loads(re.search(r'id="jupyter-config-data"[^>]*>(.*?)</script>', page, re.S)[1])
    assert "autograd-course" in [one["name"] for one in told["federated_extensions"]]
    server = f"{hub.address}/user/student-1", ada.token(note="kernel")
    with kernel(server, "review.ipynb") as execute:  # nothing is imported in it
        assert "data-outcome='right'" in json.dumps(execute(_RIGHT))
        assert "visible cases right" in json.dumps(execute("progress()"))
        assert "Nothing is due today" in json.dumps(execute("review()"))
        execute("check('two_path_grad', lambda x, w: (w, w))")
    record = hub.home("student-1", ".local/share/autograd-course/record.json")
    due = (date.today() - timedelta(1)).isoformat()
    record.write_text(re.sub(r'"due": "[^"]*"', f'"due": "{due}"', record.read_text()))
    assert "To review today" in ada.get("start.html").text
    with kernel(server, "review.ipynb") as execute:
        assert "review/" in json.dumps(execute("review()"))  # from the release in the exchange
    record.unlink()


def test_the_newest_submission_counts_and_comes_when_the_exchange_says(
    hub, instructor, student, tmp_path
):
    bob = student("student-3")
    write(bob, MISTAKEN)
    submit(bob)
    write(bob, solutions())
    submit(bob)
    first, second = arrived(hub, "student-3")[-2:]
    # As the student could: a time of their own, in the file and in the name.
    (second / "timestamp.txt").write_text("2020-01-01 00:00:00.000000 UTC")
    second.rename(second.with_name(f"student-3+{CHAPTER}+2020-01-01 00:00:00.000000 UTC+x"))
    due = {"duedate_notimezone": "2021-01-01 00:00:00", "duedate_timezone": "UTC"}
    instructor.formgrader("PUT", f"assignment/{CHAPTER}", json=due)
    try:
        found = grade(instructor, "student-3")
        copied = tmp_path / "gradebook.db"
        copied.write_bytes(hub.path(f"{FOLDER}/course/gradebook.db").read_bytes())
        with Gradebook(f"sqlite:///{copied}", COURSE) as gradebook:
            assert gradebook.find_submission(CHAPTER, "student-3").total_seconds_late > 0
    finally:
        instructor.formgrader("PUT", f"assignment/{CHAPTER}", json={})
    assert found["code_score"] == found["max_code_score"]
    told = hub.path(f"{SUBMITTED}/student-3/{CHAPTER}/timestamp.txt").read_text()
    assert told.startswith(time.strftime("%Y-%m-", time.gmtime()))
    assert first.exists()


def test_one_cannot_hand_in_as_somebody_else(hub, instructor, student):
    victim, forger = student("student-1"), student("student-2")
    write(victim, solutions())
    submit(victim)
    write(forger, MISTAKEN)
    submit(forger)
    mine = arrived(hub, "student-2")[-1].name
    theirs = f"student-1+{CHAPTER}+2099-01-01 00:00:00.000000 UTC+x"
    hub.run_as("student-2", "cp", "-r", f"{INBOUND}/{mine}", f"{INBOUND}/{theirs}")
    # And one whose notebook is a link to what the grader alone may read.
    linked = f"{INBOUND}/student-2+{CHAPTER}+2099-01-01 00:00:00.000000 UTC+y"
    hub.run_as("student-2", "mkdir", linked)
    hub.run_as(
        "student-2",
        "ln",
        "-s",
        f"{SUBMITTED}/student-1/{CHAPTER}/{CHAPTER}.ipynb",
        f"{linked}/{CHAPTER}.ipynb",
    )
    log = does(instructor, f"assignment/{CHAPTER}/collect")
    assert "was handed in by student-2" in log
    does(instructor, f"submission/{CHAPTER}/student-1/autograde")
    found = instructor.formgrader("GET", f"submission/{CHAPTER}/student-1").json()
    assert found["code_score"] == found["max_code_score"]
    copied = hub.path(f"{SUBMITTED}/student-2/{CHAPTER}/{CHAPTER}.ipynb")
    assert copied.is_symlink()
    does(instructor, f"submission/{CHAPTER}/student-2/autograde")
    assert instructor.formgrader("GET", f"submission/{CHAPTER}/student-2").json()["code_score"] == 0
    hub.run_as("root", "rm", "-r", f"{INBOUND}/{theirs}", linked)


def test_what_cannot_be_graded_is_refused_and_what_can_be_put_right_is(hub, instructor, student):
    eve = student("student-4")
    folder = hub.home("student-4", "exercises", CHAPTER)
    write(eve, solutions())
    whole = (folder / f"{CHAPTER}.ipynb").read_bytes()

    (folder / f"{CHAPTER}.ipynb").write_bytes(whole + b" " * 50_000_000)
    refused = submit(eve)
    assert not refused["success"]
    assert "has 50 MB, and 10 MB is the most" in refused["value"]

    (folder / f"{CHAPTER}.ipynb").unlink()
    refused = submit(eve)
    assert not refused["success"]
    assert "holds no notebook" in refused["value"]
    assert arrived(hub, "student-4") == []

    hub.run_as(
        "student-4", "sh", "-c", f"cat > exercises/{CHAPTER}/mine.ipynb", input=whole.decode()
    )
    submit(eve)
    assert [path.name for path in arrived(hub, "student-4")[0].glob("*.ipynb")] == [
        f"{CHAPTER}.ipynb"
    ]
    found = grade(instructor, "student-4")
    assert found["code_score"] == found["max_code_score"]


def test_a_full_exchange_loses_nothing_and_tells_the_student(hub, instructor, student):
    kim = student("student-3")
    write(kim, solutions())
    submit(kim)
    before = arrived(hub, "student-3")
    ballast = hub.path(f"{FOLDER}/exchange/ballast")
    try:
        fill(ballast)
        refused = submit(kim)
    finally:
        ballast.unlink()
    assert not refused["success"]
    assert "the disk that submissions are written to is full" in refused["value"]
    assert arrived(hub, "student-3") == before
    assert [*hub.path(INBOUND).glob(".under-way-*")] == []
    submit(kim)
    assert len(arrived(hub, "student-3")) == len(before) + 1
    assert grade(instructor, "student-3")["code_score"] > 0


def fill(file):
    """Write into a file until there is no room left."""
    with file.open("wb", buffering=0) as opened, contextlib.suppress(OSError):
        while True:
            opened.write(bytes(4096))


def test_a_hub_that_ends_in_mid_submission_loses_nothing_and_leaves_no_process(
    hub, instructor, student
):
    lee = student("student-3")
    write(lee, solutions())
    submit(lee)
    before = arrived(hub, "student-3")
    lee.request("POST", "api/kernels", json={"name": "python3"})
    # Many small files, so that handing in takes a while; the server is ended in the middle of it.
    many = f"cd exercises/{CHAPTER} && mkdir many && cd many && seq 4000 | xargs touch"
    hub.run_as("student-3", "sh", "-c", many)
    cut_off(hub, lee)
    status, left, seconds = hub.end()
    assert (status, left) == (0, {})
    assert seconds < 300
    assert arrived(hub, "student-3") == before
    hub.open()
    assert [*hub.path(INBOUND).glob(".under-way-*")] == []
    hub.run_as("student-3", "rm", "-r", f"exercises/{CHAPTER}/many")
    lee = student("student-3")
    submit(lee)
    assert len(arrived(hub, "student-3")) == len(before) + 1
    assert grade(instructor, "student-3")["code_score"] > 0


def cut_off(hub, person):
    """Submit, and kill the person's server while the submission is being written."""
    import threading

    def hand_in():
        person.request("POST", "assignments/submit", data=asked)

    asked = {"course_id": COURSE, "assignment_id": CHAPTER}
    before = len(arrived(hub, person.name))
    server = hub.run_as("root", "pgrep", "-u", person.name, "-f", "jupyterhub.singleuser").stdout
    thread = threading.Thread(target=hand_in)
    thread.start()
    until = time.monotonic() + 300
    while not [*hub.path(INBOUND).glob(".under-way-*/many")]:
        assert time.monotonic() < until
    hub.run_as("root", "kill", "-9", server.split()[0])
    thread.join()
    assert len(arrived(hub, person.name)) == before


def test_an_open_checkout_is_refused_before_anything_is_made(hub_programs):
    view = View(closed=False)
    try:
        view.start(*HUB, "--prepare")
        assert view.ended()["status"] == 1
        said = view.log.read_text()
        assert "Students could read /mnt/checkout/grader/keys" in said
        assert "chmod o-rx /mnt/checkout" in said
        assert view.run_as("root", "id", "student-1", check=False).returncode != 0
    finally:
        view.close()


def test_a_trial_without_root_works_from_a_long_path_and_leaves_nothing(hub_programs):
    view = View(closed=False)
    try:
        view.run_as("root", "useradd", "--create-home", "trial")
        become = ["setpriv", "--reuid=trial", "--regid=trial", "--clear-groups"]
        become += ["env", "HOME=/home/trial"]
        folder = f"/home/trial/{'a-folder-deep-in-folders/' * 6}classroom"
        assert len(folder) > 150
        room = Classroom(view, 1, folder, become)
        room.open("--follow")
        assert "nothing is protected" in room.said()
        does(room.person("instructor"), f"assignment/{CHAPTER}/release")
        ada = room.person("student-1").start()
        ada.post("assignments/fetch", course_id=COURSE, assignment_id=CHAPTER)
        listed = submit(ada)
        assert listed["success"], listed
        assert [one["status"] for one in listed["value"]] == ["fetched", "submitted"]
        assert "data-outcome='right'" in checked(ada)
        until = time.monotonic() + 300  # graded, with no more to do, and said once it is handed out
        while f"{CHAPTER} · student-1 · " not in room.said():
            assert time.monotonic() < until, room.said()[-3000:]
            time.sleep(0.1)
        assert [*view.path(f"{folder}/exchange/{COURSE}/feedback").glob("*.html")]
        does(room.person("instructor"), f"assignment/{CHAPTER}/collect")
        place = f"{folder}/course/submitted/student-1/{CHAPTER}/{CHAPTER}.ipynb"
        assert view.path(place).is_file()
        status, left, seconds = room.end()
        assert (status, left) == (0, {})
        assert seconds < 300
        trial = view.run_as("trial", "id", "-u").stdout.strip()
        owned = ["find", "/tmp", "-maxdepth", "1", "-name", "autograd-class-*", "-uid", trial]
        assert view.run_as("root", *owned).stdout == ""
    finally:
        view.close()
