"""Larger classes: an image without answers, one room in the exchange for each student, and pages
whose snippets can be typed."""

import ast
import fnmatch
import os
import re
import shlex
import subprocess
import sys

import nbformat
import pytest
import yaml
from nbgrader.api import Gradebook
from nbgrader.auth import Authenticator
from nbgrader.coursedir import CourseDirectory
from nbgrader.exchange.default import ExchangeSubmit
from packaging.requirements import Requirement
from traitlets.config import Config

from hub.dependencies import dependencies
from tests.conftest import ROOT, environment

HUB = ROOT / "hub"
KUBERNETES = HUB / "kubernetes"
PAGES = [
    HUB / "tljh.md",
    HUB / "sizing.md",
    KUBERNETES / "README.md",
    ROOT / "docs" / "postgres.md",
]


class Stage:
    """One stage of a Dockerfile: what it is made from, and its instructions in order."""

    def __init__(self, base, name, before):
        self.base, self.name = before.get(base), name
        self.own = []

    def all(self):
        """Every instruction whose result is in the stage's image."""
        return [*(self.base.all() if self.base else []), *self.own]

    def copies(self):
        """The paths that are copied into it, as (stage or None, path)."""
        for word, rest in self.all():
            if word in ("COPY", "ADD"):
                parts = shlex.split(rest)
                origin = [part[7:] for part in parts if part.startswith("--from=")]
                paths = [part for part in parts if not part.startswith("--")][:-1]
                yield from ((origin[0] if origin else None, path) for path in paths)

    def last(self, word):
        return [rest for found, rest in self.all() if found == word][-1]


def stages():
    lines = (HUB / "Dockerfile").read_text().replace("\\\n", " ").splitlines()
    found = {}
    for line in lines:
        word, _, rest = line.strip().partition(" ")
        if word == "FROM":
            base, name = rest.split(" AS ")
            stage = found[name] = Stage(base, name, found)
        elif word and not word.startswith("#") and found:
            stage.own.append((word, rest.strip()))
    return found


STAGES = stages()
INSTRUCTIONS = {"RUN", "COPY", "ENV", "ARG", "USER", "WORKDIR", "EXPOSE", "CMD"}


def test_the_dockerfile_holds_what_docker_knows():
    assert list(STAGES) == ["environment", "course", "sealing", "grader", "student"]
    for stage in STAGES.values():
        assert {word for word, _ in stage.own} <= INSTRUCTIONS
        for word, rest in stage.own:
            if word == "CMD":
                assert ast.literal_eval(rest)[:2] == ["python", "-m"]
            if word == "RUN":
                assert shlex.split(rest)


def test_no_layer_of_the_students_image_ever_held_the_whole_course():
    student = STAGES["student"]
    assert student.base is STAGES["environment"]
    assert set(student.copies()) == {
        (None, "pyproject.toml"),
        (None, "constraints.txt"),
        (None, "hub/dependencies.py"),
        ("sealing", "/srv/student"),
        (None, "hub/settings/python"),
        (None, "hub/settings/student"),
    }
    assert STAGES["sealing"].own == [
        ("RUN", "python -m grader.cli seal /srv/student --course /srv/autograd-course")
    ]


@pytest.mark.parametrize("name", ["student", "grader"])
def test_both_images_run_as_nobody_special(name):
    user = STAGES[name].last("USER")
    assert int(user) >= 1000
    assert f"useradd --uid {user}" in " ".join(rest for _, rest in STAGES[name].own)


def test_a_build_sees_what_it_copies_and_not_what_was_built():
    lines = (HUB / "Dockerfile.dockerignore").read_text().splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    seen = [rule[1:] for rule in rules if rule.startswith("!")]
    for stage in STAGES.values():
        for origin, path in stage.copies():
            if origin is None:
                assert (ROOT / path).exists()
                assert any(path == one or path.startswith(f"{one}/") for one in seen), path
    hidden = [rule for rule in rules if rule != "*" and not rule.startswith("!")]
    for built in ("solutions/01-graphs/01-graphs.ipynb", "course/lessons/01-graphs.ipynb"):
        assert any(fnmatch.fnmatch(built, rule.replace("**/", "*")) for rule in hidden)


def test_the_image_has_the_packages_of_the_course_and_of_the_hub_and_not_the_course():
    wanted = [Requirement(one) for one in dependencies(ROOT / "pyproject.toml", ["hub"])]
    names = {one.name for one in wanted}
    assert {"torch", "nbgrader", "jupyterhub"} <= names
    assert not {"autograd-course", "pytest", "distributed"} & names


# What is set of the chart's values, and where: its schema forbids every other name at these places.
PLACES = {
    "": {"hub", "proxy", "ingress", "singleuser", "cull", "prePuller", "scheduling"},
    "hub": {
        *("config", "services", "loadRoles", "extraConfig", "resources", "db", "networkPolicy"),
    },
    "hub.db": {"type", "pvc"},
    "hub.db.pvc": {"storage"},
    "hub.networkPolicy": {"enabled"},
    "proxy": {"service", "chp"},
    "proxy.service": {"type"},
    "proxy.chp": {"networkPolicy"},
    "ingress": {"enabled", "ingressClassName", "hosts", "tls"},
    "singleuser": {
        *("image", "cmd", "defaultUrl", "startTimeout", "extraEnv", "uid", "fsGid", "memory"),
        *("cpu", "storage", "networkPolicy", "cloudMetadata", "profileList"),
        "allowPrivilegeEscalation",
    },
    "singleuser.image": {"name", "tag", "pullPolicy"},
    "singleuser.memory": {"guarantee", "limit"},
    "singleuser.cpu": {"guarantee", "limit"},
    "singleuser.storage": {
        *("type", "capacity", "homeMountPath", "dynamic", "extraVolumes", "extraVolumeMounts"),
    },
    "singleuser.storage.dynamic": {"storageAccessModes"},
    "singleuser.networkPolicy": {"enabled", "egressAllowRules"},
    "singleuser.networkPolicy.egressAllowRules": {
        *("cloudMetadataServer", "privateIPs", "nonPrivateIPs"),
    },
    "singleuser.cloudMetadata": {"blockWithIptables", "ip"},
    "cull": {"enabled", "timeout", "every", "maxAge"},
    "prePuller": {"hook", "continuous", "pullProfileListImages"},
    "scheduling": {"userScheduler", "podPriority", "userPlaceholder"},
    "scheduling.userPlaceholder": {"enabled", "replicas"},
}


@pytest.fixture(scope="module")
def values():
    return yaml.safe_load((KUBERNETES / "values.yaml").read_text())


@pytest.fixture(scope="module")
def grader():
    found = list(yaml.safe_load_all((KUBERNETES / "grader.yaml").read_text()))
    return {(one["kind"], one["metadata"]["name"]): one for one in found}


@pytest.mark.parametrize("place", PLACES)
def test_the_values_name_only_what_the_chart_has(values, place):
    found = values
    for name in filter(None, place.split(".")):
        found = found[name]
    assert set(found) == PLACES[place]


def test_a_students_pod_sees_of_what_is_handed_in_its_own_room_alone(values):
    storage = values["singleuser"]["storage"]
    mounts = {
        one["mountPath"]: (one["subPath"], one.get("readOnly", False))
        for one in storage["extraVolumeMounts"]
    }
    course = "/srv/exchange/autograd-course"
    assert mounts == {
        f"{course}/outbound": ("autograd-course/outbound", True),
        f"{course}/feedback": ("autograd-course/feedback", True),
        f"{course}/inbound": ("autograd-course/inbound/{unescaped_username}", False),
    }
    pattern = re.compile(values["hub"]["config"]["Authenticator"]["username_pattern"])
    for name in ("ada", "s1234567", "ada.lovelace", "x_y-z"):
        assert pattern.match(name)
    for name in ("", ".", "..", "../grace", "ada/..", "ada/", "Ada", "a" * 64):
        assert not pattern.match(name)


def test_a_students_pod_has_few_rights_and_reaches_nobody(values):
    single = values["singleuser"]
    assert single["uid"] == int(STAGES["student"].last("USER"))
    assert single["allowPrivilegeEscalation"] is False
    assert single["networkPolicy"]["enabled"]
    assert set(single["networkPolicy"]["egressAllowRules"].values()) == {False}
    assert single["cmd"] == ast.literal_eval(STAGES["student"].last("CMD"))
    assert values["hub"]["config"]["JupyterHub"]["authenticator_class"] == "null"


def test_a_gpu_is_asked_for_and_never_the_default(values):
    plain, gpu = values["singleuser"]["profileList"]
    assert plain["default"]
    assert "kubespawner_override" not in plain
    assert gpu["kubespawner_override"]["extra_resource_limits"] == {"nvidia.com/gpu": "1"}
    assert gpu["kubespawner_override"]["environment"] == {"AUTOGRAD_COURSE_DEVICE": "cuda"}


def test_the_hubs_python_is_python(values):
    for snippet in values["hub"]["extraConfig"].values():
        ast.parse(snippet)


def test_the_graders_pod_runs_without_rights_and_only_the_hub_reaches_it(values, grader):
    pod = grader["Deployment", "grader"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert pod["securityContext"]["runAsUser"] == int(STAGES["grader"].last("USER"))
    assert pod["securityContext"]["runAsUser"] != values["singleuser"]["uid"]
    assert pod["automountServiceAccountToken"] is False
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    given = {one["name"] for one in container["env"]}
    settings = (KUBERNETES / "settings" / "nbgrader_config.py").read_text()
    settings += (HUB / "settings" / "grader" / "nbgrader_config.py").read_text()
    fixed = STAGES["grader"].all()
    baked = " ".join(rest for word, rest in fixed if word == "ENV")
    for name in re.findall(r'os\.environ\["(\w+)"\]', settings):
        assert name in given or f"{name}=" in baked, name
    policy = grader["NetworkPolicy", "grader"]["spec"]
    assert set(policy["policyTypes"]) == {"Ingress", "Egress"}
    reached_by = [one["podSelector"]["matchLabels"] for one in policy["ingress"][0]["from"]]
    assert reached_by == [
        {"app": "jupyterhub", "component": "proxy"},
        {"app": "jupyterhub", "component": "hub"},
    ]
    service = values["hub"]["services"]["autograd-course"]["url"]
    assert service == f"http://grader:{grader['Service', 'grader']['spec']['ports'][0]['port']}"


def test_the_volumes_that_pods_share_can_be_shared(values, grader):
    claimed = {volume["persistentVolumeClaim"]["claimName"] for volume in _claims(values, grader)}
    for name in claimed:
        spec = grader["PersistentVolumeClaim", name]["spec"]
        assert spec["accessModes"] == ["ReadWriteMany"]


def _claims(values, grader):
    volumes = [
        *values["singleuser"]["storage"]["extraVolumes"],
        *grader["Deployment", "grader"]["spec"]["template"]["spec"]["volumes"],
    ]
    return [volume for volume in volumes if "persistentVolumeClaim" in volume]


@pytest.fixture
def rooms(tmp_path, monkeypatch):
    """An exchange whose students have a room each, and nbgrader's settings for both sides."""
    for place in (KUBERNETES / "settings" / "python", HUB / "settings" / "python"):
        monkeypatch.syspath_prepend(place)
    exchange, course = tmp_path / "exchange", tmp_path / "course"
    released = exchange / "autograd-course" / "outbound" / "ps1"
    released.mkdir(parents=True)
    nbformat.write(nbformat.v4.new_notebook(), released / "ps1.ipynb")
    course.mkdir()
    monkeypatch.setenv("PATH", environment()["PATH"])  # nbgrader runs `alembic` by name
    with Gradebook(f"sqlite:///{course}/gradebook.db", "autograd-course") as gradebook:
        gradebook.add_assignment("ps1")
    yield exchange, course
    for name in [one for one in sys.modules if one.split(".")[0] in ("classroom", "pods")]:
        del sys.modules[name]


def settings(exchange, root, **more):
    config = Config()
    config.CourseDirectory.root = str(root)
    config.CourseDirectory.course_id = "autograd-course"
    config.CourseDirectory.assignment_id = "ps1"
    config.Exchange.root = str(exchange)
    config.ExchangeCollect.check_owner = False
    config.merge(Config(more))
    return config


def hand_in(exchange, name, claims=None):
    """Submit from a pod that sees of inbound its own room only, by whatever name it says it has."""
    home = exchange.parent / f"home-{name}"
    (home / "ps1").mkdir(parents=True, exist_ok=True)
    nbformat.write(nbformat.v4.new_notebook(metadata={"by": name}), home / "ps1" / "ps1.ipynb")
    seen = exchange.parent / f"pod-{name}" / "autograd-course"
    room = exchange / "autograd-course" / "inbound" / name
    room.mkdir(parents=True, exist_ok=True)
    if not seen.exists():
        seen.mkdir(parents=True)
        (seen / "inbound").symlink_to(room)
        (seen / "outbound").symlink_to(exchange / "autograd-course" / "outbound")
    config = settings(seen.parent, home)
    config.Exchange.assignment_dir = str(home)
    config.Exchange.cache = str(home / "cache")
    config.CourseDirectory.student_id = claims or name
    directory = CourseDirectory(config=config)
    os.environ["LOGNAME"] = claims or name
    who = Authenticator(config=config)
    ExchangeSubmit(coursedir=directory, authenticator=who, config=config).start()


def collect(exchange, course, **more):
    from pods.collecting import CollectRooms

    config = settings(exchange, course, **more)
    who, directory = Authenticator(config=config), CourseDirectory(config=config)
    CollectRooms(coursedir=directory, authenticator=who, config=config).start()
    return {
        path.parts[-3]: nbformat.read(path, 4).metadata["by"]
        for path in (course / "submitted").glob("*/ps1/ps1.ipynb")
    }


def test_whose_a_submission_is_says_the_room_it_lies_in(rooms, monkeypatch):
    monkeypatch.setenv("LOGNAME", "nobody")
    exchange, course = rooms
    hand_in(exchange, "ada")
    hand_in(exchange, "grace")
    hand_in(exchange, "mallory", claims="ada")
    hand_in(exchange, "mallory")
    alone = {"CourseDirectory": {"student_id": "grace"}}
    assert collect(exchange, course, **alone) == {"grace": "grace"}
    assert collect(exchange, course) == {name: name for name in ("ada", "grace", "mallory")}


def snippets(page, language):
    return re.findall(rf"^```{language}\n(.*?)^```$", page.read_text(), re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_pages_snippets_can_be_read(page):
    for snippet in snippets(page, "python"):
        ast.parse(snippet)
    for snippet in snippets(page, "yaml"):
        yaml.safe_load(snippet)
    for snippet in snippets(page, "sh"):
        read = subprocess.run(["sh", "-n"], input=snippet, capture_output=True, text=True)
        assert read.returncode == 0, read.stderr


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_pages_say_what_was_not_run(page):
    assert "not run" in page.read_text() or "never run" in page.read_text()


def test_what_the_pages_link_to_exists():
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"
