"""What an answer makes on the CPU by itself is found without another device."""

import pytest
import torch

from grader import check
from grader.engine.catalogue import find
from grader.engine.task import draw_inputs
from grader.engine.watch import observe


def observed(answer, x=None):
    """What an answer that is given one tensor does where another device is pretended."""

    class Task:
        id = "probe"
        arguments = (("x",),)
        allows = frozenset({"input", "rng"})

        def observe(self, answer, x):
            return answer(x)

    case = find("two_path_grad").meta_case()
    x = torch.arange(1.0, 4.0) if x is None else x
    return observe(Task(), [answer], {"x": x.double()}, case).observation


def written(body):
    """A function of x, as a learner writes it."""
    names = {"torch": torch}
    exec(f"def answer(x):\n    {body}", names)
    return names["answer"]


@pytest.mark.parametrize(
    "body",
    [
        "return x + torch.ones(3, dtype=x.dtype)",
        "return x @ torch.eye(3, dtype=x.dtype)",
        "return torch.cat([x, torch.zeros(1, dtype=x.dtype)])",
        "return torch.stack([x, torch.tensor([1.0, 2.0, 3.0], dtype=x.dtype)])",
        "return x * torch.ones(3, dtype=x.dtype, device='cpu')",
        "y = x.clone(); y += torch.ones(3, dtype=x.dtype); return y",
        "y = x.clone(); y.addcmul_(y, torch.ones(3, dtype=x.dtype)); return y",
        "return torch.tensor([float(v) for v in x])",
        "y = torch.empty(3, dtype=x.dtype); y.copy_(x); return y",
        "y = torch.zeros(3, dtype=x.dtype); y[0] = x[0]; return [1, {'y': y}]",
    ],
)
def test_a_tensor_made_on_the_cpu_is_a_complaint_of_devices(body):
    error = observed(written(body)).error
    assert error is not None
    assert error.type_name == "RuntimeError"
    assert "device" in error.message


@pytest.mark.parametrize(
    "body",
    [
        "return x + torch.ones(3, dtype=x.dtype, device=x.device)",
        "return x + torch.ones_like(x) + x.new_zeros(3)",
        "return x * torch.tensor(2.0)",
        "return x[torch.arange(3)]",
        "return x[torch.tensor([True, False, True])]",
        "return torch.tensor(x)",
        "return torch.nn.Linear(3, 2).double().to(x.device)(x) * 0",
        "return [float(v) for v in x]",
        "y = x.clone(); y += 1; y.mul_(torch.tensor(2.0)); return y",
        "return torch.func.jacrev(torch.sin)(x)",
    ],
)
def test_what_is_right_on_another_device_is_right(body):
    observation = observed(written(body))
    assert observation.error is None
    assert not observation.effects


def test_what_cannot_be_told_is_not_a_complaint_of_devices():
    error = observed(written("return torch.tensor([1.0, 2.0, 3.0]).to(x)")).error
    assert error is not None
    assert "same device" not in error.message


def test_the_inputs_keep_their_values():
    task, case = find("two_path_grad"), find("two_path_grad").meta_case()
    drawn = draw_inputs(task, case, "a", "cpu")
    assert not any(value.is_meta for value in drawn.values())


def test_every_exercise_is_asked_on_another_device_once_all_else_is_right():
    hard_coded = written(
        "return (x.detach() * torch.ones(x.shape, dtype=x.dtype)).requires_grad_()"
    )
    verdict = check("make_leaf", hard_coded)
    assert [finding.code for finding in verdict.findings] == ["ERROR.device"]
    assert [case.name for case in verdict.cases if not case.passed] == ["another device"]
