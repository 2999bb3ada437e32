"""The rules that chapter 5 shows as programs, run over generated modules against torch."""

import copy
import functools
import re
from typing import NamedTuple

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from grader.authoring.subject import Subject, cell_of, defined
from grader.engine import catalogue
from grader.tasks import hooks as chapter
from tests.fixtures import lesson_texts
from tests.fixtures.lesson_texts import ROOT, prose

rule = functools.cache(lesson_texts.rule)

LESSON = "05-hooks"
quick = settings(deadline=None, max_examples=60, database=None)
pytestmark = pytest.mark.filterwarnings(
    "ignore:Full backward hook is firing", "ignore:For backward"
)


class Named(NamedTuple):
    """A tuple of the learner's own."""

    first: torch.Tensor
    second: torch.Tensor


class Mixed(nn.Module):
    """A sum of what it is given, times a weight, packed in one way or another."""

    def __init__(self, pack, frozen):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(3), requires_grad=not frozen)
        self.pack = pack

    def forward(self, *args, **kwargs):
        given_tensors = [a for a in (*args, *kwargs.values()) if isinstance(a, torch.Tensor)]
        given_tensors += [t for a in args if isinstance(a, list) for t in a]
        return self.pack(self.weight * sum(given_tensors, torch.ones(3)))


PACKS = {
    "tensor": (lambda y: y, lambda out: out),
    "tuple": (lambda y: (y, 2 * y), lambda out: out[0] + out[1]),
    "tuple with more": (lambda y: (None, y, 3), lambda out: out[1]),
    "named tuple": (lambda y: Named(y, 2 * y), lambda out: out.first),
    "nested tuple": (lambda y: ((y,),), lambda out: out[0][0]),
    "list": (lambda y: [y], lambda out: out[0]),
    "dict": (lambda y: {"y": y}, lambda out: out["y"]),
    "data": (lambda y: y.detach(), lambda out: out),
}
ARGUMENTS = {
    "wanted": lambda: torch.ones(3, requires_grad=True),
    "non-leaf": lambda: torch.ones(3, requires_grad=True) * 2,
    "data": lambda: torch.ones(3),
    "number": lambda: 3,
    "nothing": lambda: None,
    "whole numbers": lambda: torch.ones(3, dtype=torch.int64),
    "truth values": lambda: torch.ones(3, dtype=torch.bool),
    "list": lambda: [torch.ones(3, requires_grad=True)],
}


@quick
@given(
    st.lists(st.sampled_from(sorted(ARGUMENTS)), max_size=3),
    st.booleans(),
    st.sampled_from(sorted(PACKS)),
    st.booleans(),
)
def test_when_a_full_hook_is_called_and_with_what_is_what_the_rule_says(
    names, by_keyword, pack, frozen
):
    args = [ARGUMENTS[name]() for name in names]
    wrap, take = PACKS[pack]
    module, seen = Mixed(wrap, frozen), []
    kwargs = {"more": torch.ones(3, requires_grad=True)} if by_keyword else {}

    def look(module, grad_input, grad_output):
        entries = [grad is not None for grad in grad_input]
        seen.append((module.weight.grad is not None, entries))

    module.register_full_backward_hook(look)
    out = module(*args, **kwargs)
    result = take(out)
    if result.requires_grad:
        result.sum().backward()
    when, entries = rule(LESSON, "full_hook")(args, out)
    if when == "never":
        assert seen == []
        return
    (found,) = seen
    assert found[1] == entries
    if not frozen:
        assert found[0] == ("inputs" in when)


def test_a_full_hook_is_called_with_the_arguments_as_the_pre_hooks_left_them():
    layer, seen = nn.Linear(3, 1), []
    layer.register_forward_pre_hook(lambda module, args: (args[0].detach(),))
    layer.register_full_backward_hook(
        lambda module, gin, gout: seen.append((layer.weight.grad, gin))
    )
    args = (torch.ones(2, 3, requires_grad=True),)
    out = layer(*args)
    out.sum().backward()
    left = (args[0].detach(),)
    when, entries = rule(LESSON, "full_hook")(left, out)
    assert "output" in when
    assert seen == [(None, (None,))]
    assert entries == [False]


def layers():
    """One layer: with parameters, some of them frozen, or without."""
    frozen = st.tuples(st.booleans(), st.booleans())

    def linear(flags):
        layer = nn.Linear(3, 3)
        layer.weight.requires_grad_(flags[0])
        layer.bias.requires_grad_(flags[1])
        return layer

    kinds = [nn.Tanh, nn.Sigmoid, nn.Softplus, nn.Identity, nn.Flatten, nn.PReLU]
    plain = st.sampled_from(kinds).map(lambda kind: kind()) | st.builds(lambda: nn.Dropout().eval())
    return st.one_of(frozen.map(linear), plain, st.just(3).map(nn.LayerNorm))


nets = st.recursive(
    layers(),
    lambda inner: st.lists(inner, max_size=3).map(lambda parts: nn.Sequential(*parts)),
    max_leaves=6,
)


def recorded_calls(model, x):
    """What hooks of all kinds hear in one pass; those of a layer's parameters count as one."""
    calls = []

    def told(text):
        if not calls or calls[-1] != text:
            calls.append(text)

    for path, module in model.named_modules():
        name = f"model.{path}" if path else "model"

        def on_output(module, inputs, output, name=name):
            if output.requires_grad:
                text = f"{name}: tensor hook on the output, from a forward hook"
                output.register_hook(lambda grad: told(text))

        def full(module, grad_input, grad_output, name=name):
            without = grad_input[0] is None
            told(f"{name}: full hook" + ", no gradients of inputs" * without)

        module.register_forward_hook(on_output)
        module.register_full_backward_pre_hook(
            lambda module, grads, name=name: told(f"{name}: full pre-hook")
        )
        module.register_full_backward_hook(full)
        for parameter in module.parameters(recurse=False):
            if parameter.requires_grad:
                text = f"{name}: hooks of its parameters"
                parameter.register_hook(lambda grad, text=text: told(text))
                parameter.register_post_accumulate_grad_hook(lambda p, text=text: told(text))
    y = model(x)
    if y.requires_grad:
        y.sum().backward()
    return calls


@settings(quick, max_examples=60)
@given(nets, st.booleans())
def test_hooks_are_called_in_the_order_of_the_rule(model, wanted):
    x = torch.ones(2, 3, requires_grad=wanted)
    said = rule(LESSON, "backward_calls")(model, wanted)
    assert recorded_calls(model, x) == said


def test_every_hook_on_the_wall_exists_and_is_named_once():
    text = next(t for t in (ROOT / "course" / "lessons").glob(f"{LESSON}.md"))
    rows = re.findall(r"^\| `(?:(\w+)\.)?(\w+)(?:\(.*?\))?` \|", prose(text), re.MULTILINE)
    owners = {
        "tensor": torch.Tensor,
        "leaf": torch.Tensor,
        "module": nn.Module,
        "optimizer": torch.optim.Optimizer,
        "": torch.autograd.graph,
    }
    assert len({name for _, name in rows}) == len(rows) == 9
    assert all(hasattr(owners[owner], name) for owner, name in rows)


def _ten_times(module, first, *rest):
    """Ten times the tensors of a hook's first argument, or of the output of a forward hook."""
    if rest and isinstance(rest[0], torch.Tensor):
        return 10 * rest[0]
    return (10 * first[0],)


@pytest.mark.parametrize(
    ("kind", "y", "dx", "dw"),
    [
        ("register_forward_pre_hook", 60, 30, 20),
        ("register_forward_hook", 60, 30, 20),
        ("register_full_backward_pre_hook", 6, 30, 20),
        ("register_full_backward_hook", 6, 30, 2),
    ],
)
def test_what_a_hook_of_a_module_returns_takes_the_place_that_the_wall_names(kind, y, dx, dw):
    """y = w * x with w = 3 and x = 2; times ten where the hook sits."""
    layer, x = nn.Linear(1, 1, bias=False), torch.tensor([2.0], requires_grad=True)
    nn.init.constant_(layer.weight, 3.0)
    getattr(layer, kind)(_ten_times)
    result = layer(x)
    result.backward()
    assert (result.item(), x.grad.item(), layer.weight.grad.item()) == (y, dx, dw)


def test_a_copied_module_has_the_hooks_and_a_copied_parameter_has_none():
    calls = []
    layer = nn.Linear(1, 1)
    layer.register_forward_hook(lambda *_: calls.append("forward"))
    layer.weight.register_hook(lambda grad: calls.append("tensor"))
    copied = copy.deepcopy(layer)
    copied(torch.ones(1)).backward()
    assert calls == ["forward"]


def test_the_model_answer_turns_a_gradient_round_where_its_result_is_edited_too():
    task = catalogue.tasks()["gradient_reversal"]
    source = cell_of(Subject(task, ROOT).solution, f"{task.id}_answer")
    (reverse,) = defined(task, source)
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    reverse(x, 0.5).mul_(3).sum().backward()
    assert x.grad.tolist() == [-1.5, -1.5]
    assert x.tolist() == [1, 2]


def test_hints_name_sections_that_the_chapter_has():
    known = {
        heading.split()[0]
        for text in lesson_texts.LESSONS
        if text.stem in (LESSON,)
        for heading in lesson_texts.headings(text)
    }
    hints = [hint for id in chapter.EXERCISES for hint in catalogue.tasks()[id].hints]
    named = re.findall(r"section (\d\.\d+)", " ".join(hints))
    assert len(named) >= len(chapter.EXERCISES)
    assert set(named) <= known
