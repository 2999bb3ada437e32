"""A task: what `observe` is given, and what it does where nothing else is said."""

import pytest
import torch

from grader.engine.task import Rng, Task, case, draw_inputs
from grader.engine.watch import observe


@pytest.fixture(autouse=True)
def _apart(monkeypatch):
    """Tasks of this module are no exercises of the course."""
    monkeypatch.setattr(Task, "registry", {})


class Drawn:
    """Two numbers, drawn."""

    def draw(self, rng: Rng, case):
        return {"x": rng.normal(1), "w": rng.normal(1)}


def seen(task, function):
    one = task.cases()[0]
    return observe(task, [function], draw_inputs(task, one, "seed", "cpu"), one).observation


def test_observe_calls_by_the_signature_and_names_what_it_returns():
    class Two(Drawn, Task):
        id = "two"
        signatures = ("f(w, x) -> (dx, dw)",)
        CASES = (case("one", n=1, visible=True),)

    task = Task.registry["two"]
    inputs = draw_inputs(task, task.CASES[0], "seed", "cpu")
    found = seen(task, lambda w, x: (x, w))
    assert torch.equal(found.values["dx"], inputs["x"])
    assert torch.equal(found.values["dw"], inputs["w"])
    assert list(seen(task, lambda w, x: x).values) == ["answer"]


def test_a_single_returned_value_goes_by_its_name():
    class One(Drawn, Task):
        id = "one"
        signatures = ("f(x) -> y",)
        CASES = (case("one", visible=True),)

    assert list(seen(Task.registry["one"], lambda x: x).values) == ["y"]


def test_observe_is_given_the_params_of_a_case_that_it_names_unless_draw_returns_them():
    class Settings(Drawn, Task):
        id = "settings"
        signatures = ("f(x) -> y",)
        CASES = (
            case("set", kind="set", x="never", size=7, visible=True),
            case("as usual", size=7),
        )

        def observe(self, f, x, w, kind="usual"):
            return {"y": f(x), "kind": kind}

    task = Task.registry["settings"]
    given = [draw_inputs(task, one, "seed", "cpu") for one in task.cases()]
    assert [set(inputs) for inputs in given] == [{"x", "w", "kind"}, {"x", "w"}]
    assert all(isinstance(inputs["x"], torch.Tensor) for inputs in given)
    assert seen(task, lambda x: x).values["kind"] == "set"
