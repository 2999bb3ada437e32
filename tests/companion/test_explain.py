"""`explain` in code, below a notebook's traceback, and in a terminal; and what bad input gets."""

import functools
import re
import shutil
import subprocess
import sys

import pytest
import torch
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
from torch import nn

from course import explain, watch, why_no_grad
from grader import rooms
from grader.notebook import errors
from tests.conftest import ROOT, environment
from tests.fixtures.counted import calls

TWICE = (
    "import torch\ny = torch.ones(3, requires_grad=True).exp().sum()\ny.backward()\ny.backward()"
)


@pytest.fixture
def shell():
    """An IPython of its own, which is not the running one."""
    shell = InteractiveShell()
    yield shell
    shell.events.callbacks["post_run_cell"].clear()
    shell.history_manager.end_session()


def _run(shell, code):
    with capture_output() as seen:
        shell.run_cell(code)
    texts = [one.data.get("text/plain", "") for one in seen.outputs]
    return seen.stdout + "\n".join(texts)


def test_an_error_in_a_cell_is_explained_once_below_its_traceback(shell):
    assert errors.install(shell)
    assert errors.install(shell)
    said = _run(shell, TWICE)
    assert said.count("backward was called twice on the same result") == 1
    assert said.index("a second time") < said.index("What it means")


def test_other_cells_stay_as_they_are(shell):
    errors.install(shell)
    for code in ("1 / 0", "x = 3", "raise SystemExit", "import torch; torch.ones(2)"):
        assert "What it" not in _run(shell, code)


def test_nothing_is_explained_under_nbgrader(shell, monkeypatch):
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    assert not errors.install(shell)
    assert "What it means" not in _run(shell, TWICE)


def test_nothing_is_explained_in_a_box_or_without_ipython(monkeypatch):
    boxed = type("Shell", (), {"__module__": "grader.box.inside.shell"})
    assert not errors.install(boxed())
    monkeypatch.setattr("grader.notebook.errors.running_shell", lambda: None)
    assert not errors.install()


NOTEBOOK = """
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
for code in ("import grader", "from course import explain"):
    shell.events.callbacks["post_run_cell"].clear()
    shell.run_cell(code)
    print(len(shell.events.callbacks["post_run_cell"]), "at work")
"""


def test_importing_the_course_in_a_notebook_is_enough():
    done = subprocess.run(
        [sys.executable, "-c", NOTEBOOK],
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    assert done.stdout.count("1 at work") == 2


def test_the_last_error_is_explained_and_without_one_it_is_said(monkeypatch):
    monkeypatch.delattr(sys, "last_exc", raising=False)
    monkeypatch.delattr(sys, "last_value", raising=False)
    assert "There is no error to explain" in str(explain())
    with pytest.raises(RuntimeError) as raised:
        torch.ones(3).sum().backward()
    monkeypatch.setattr(sys, "last_value", raised.value, raising=False)
    assert explain().explained.code == "no_graph"
    assert explain(raised.value).explained.code == "no_graph"
    try:
        torch.ones(3, requires_grad=True).backward()
    except RuntimeError:
        assert explain().explained.code == "not_scalar"


def test_a_warning_is_explained_by_its_text():
    answer = explain(
        "UserWarning: Detected call of `lr_scheduler.step()` before `optimizer.step()`"
    )
    assert answer.explained.code == "warned_scheduler"
    assert "optimizer.step() first" in answer._repr_html_()


@pytest.mark.parametrize("value", ["nothing known", KeyError("w"), KeyError, 3, object()])
def test_what_cannot_be_explained_is_said_in_a_sentence(value):
    answer = explain(value)
    assert answer.explained is None
    assert str(answer).endswith(".") or str(answer).endswith(").")
    assert "<p>" in answer._repr_html_()


def test_the_terminal_explains_a_text_without_loading_torch():
    program = (
        "import sys\nsys.argv = ['autograd-course', 'explain', sys.argv[1]]\n"
        "from grader.cli import main\n"
        "try:\n    main()\nexcept SystemExit as end:\n    print('status', end.code)\n"
        "print('torch' in sys.modules)"
    )
    text = "RuntimeError: grad can be implicitly created only for scalar outputs"
    done = subprocess.run(
        [sys.executable, "-c", program, text],
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    assert "Reduce to one number first" in done.stdout
    assert done.stdout.endswith("False\n")


def test_a_terminal_says_what_it_does_not_know(command):
    status, said = command("explain", "something else went wrong")
    assert status == 1
    assert "none of autograd's well-known errors" in said


# What bad input gets


@pytest.mark.parametrize("value", [3, 2.5, "w", None.__class__, [torch.ones(2)], print])
def test_a_question_about_something_else_gets_a_sentence(value):
    loss = torch.ones(3, requires_grad=True).sum()
    assert str(why_no_grad(value, loss)).endswith(".")
    assert "is to be a tensor" in str(why_no_grad(torch.ones(2, requires_grad=True), value))


def test_an_integer_a_freed_graph_and_another_loss_get_an_answer():
    w, other = torch.ones(3, requires_grad=True), torch.ones(3, requires_grad=True)
    assert why_no_grad(torch.tensor([1, 2]), w.sum()).codes == ("integer",)
    loss = (w * 2).exp().sum()
    loss.backward()
    w.grad = None
    assert why_no_grad(w, loss).codes == ("emptied",)
    another = other.sum()
    assert why_no_grad(w, another).codes[0] in ("other_loss", "not_reached")


def test_tensors_of_every_layout_and_kind_get_an_answer():
    embedding = nn.Embedding(5, 3, sparse=True)
    wave = torch.ones(2, dtype=torch.cfloat, requires_grad=True)
    shape = torch.ones(2, device="meta", requires_grad=True)
    with watch():
        losses = [embedding(torch.tensor([1])).sum(), (wave * 2).abs().sum(), shape.sum()]
        for loss in losses:
            loss.backward()
    assert why_no_grad(embedding.weight, losses[0]).codes == ("fine",)
    assert why_no_grad(wave, losses[1]).codes == ("fine",)
    assert why_no_grad(shape, losses[2]).codes == ()
    several = torch.ones(3, requires_grad=True)
    assert why_no_grad(several, several.exp()).codes == ("no_backward",)
    assert why_no_grad(several, several).codes == ("loss_is_leaf",)


def test_a_question_without_model_and_loss_says_what_is_missing():
    assert "why_no_grad(tensor, loss)" in str(why_no_grad())
    assert "why_no_grad" in str(why_no_grad(torch.ones(3, requires_grad=True)))


def test_a_model_of_ten_thousand_modules_costs_no_more_than_ten_of_a_thousand():
    cost = {}
    for modules in (1_000, 10_000):
        model = nn.Sequential(*(nn.Linear(1, 1) for _ in range(modules)))
        loss = model[modules // 10 * 9 :](torch.ones(1, 1)).sum()
        assert why_no_grad(model[0].weight, loss).codes == ("not_reached",)
        for asked in (model[0].weight, model):
            cost[modules, asked is model] = calls(functools.partial(why_no_grad, asked, loss))
    for whole in (False, True):
        assert cost[10_000, whole] < 11 * cost[1_000, whole] < 11 * 500 * 1_000


def test_a_report_is_text_and_html_and_names_line_cure_and_lesson():
    w = torch.ones(3, requires_grad=True)
    with watch():
        loss = w.exp().detach().requires_grad_().sum()
        loss.backward()
    report = why_no_grad(w, loss)
    text, page = str(report), report._repr_html_()
    for part in ("test_explain.py, line", "Cure", "Lesson 3"):
        assert part.lower() in text.lower()
        assert part.lower() in page.lower()


def test_measuring_a_gradient_leaves_every_grad_as_it_was():
    w = torch.ones(3, requires_grad=True)
    h = w.exp()
    h.retain_grad()
    loss = (h * 0).sum()
    assert why_no_grad(w, loss).codes == ("zero_factor",)
    assert w.grad is None
    assert h.grad is None
    loss.backward()


def test_a_notebook_in_a_workspace_gets_a_link_to_the_lesson(tmp_path, monkeypatch):
    (tmp_path / "lessons").mkdir()
    (tmp_path / "lessons" / "lesson-02-leaves.ipynb").touch()
    (tmp_path / "own").mkdir()
    monkeypatch.chdir(tmp_path / "own")
    page = why_no_grad(torch.ones(3), torch.ones(3, requires_grad=True).sum())._repr_html_()
    assert 'href="../lessons/lesson-02-leaves.ipynb#cell-id=2-5-the-flag-and-freezing"' in page


class AutoEncoder(nn.Module):
    """The net that the README shows."""

    def __init__(self):
        super().__init__()
        self.encoder, self.decoder = nn.Linear(4, 2), nn.Linear(2, 4)

    def forward(self, x):
        code = self.encoder(x).detach()
        return self.decoder(code)


def test_the_report_that_the_readme_quotes_is_what_is_said():
    net = AutoEncoder()
    with watch():
        loss = net(torch.ones(1, 4)).sum()
    quoted = re.search(r"(?ms)^```\n(The loss does not.*?)^```", (ROOT / "README.md").read_text())[
        1
    ]
    said = str(why_no_grad(net.encoder.weight, loss)).splitlines()
    for line in quoted.splitlines():
        if "train.py, line 12" in line:
            assert said[2].endswith(line.partition(":")[2])
        else:
            assert line in said


def test_the_companion_works_on_a_students_side(tmp_path):
    side = tmp_path / "python"
    for part in (ROOT / "course", *rooms.parts(rooms.STUDENT_SIDE)):
        target = side / part.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        if part.is_dir():
            shutil.copytree(part, target, ignore=shutil.ignore_patterns("*.py[co]"))
        else:
            shutil.copy(part, target)
    program = (
        f"import sys\nsys.path.insert(0, {str(side)!r})\n"
        "import torch\nfrom course import explain, watch, why_no_grad\n"
        "w = torch.ones(3, requires_grad=True)\n"
        "with watch():\n    loss = w.detach().sum()\n"
        "print(why_no_grad(w, loss))\n"
        "print(explain('element 0 of tensors does not require grad'))\n"
        "import grader\nprint(grader.__file__)"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", program],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert str(tmp_path) in done.stdout
    assert "cut: detach()" in done.stdout
    assert "1.8 Which results are recorded" in done.stdout
