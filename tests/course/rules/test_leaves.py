"""The rules of lesson 2, as it shows them: programmed literally they say what torch does."""

import itertools
import re
import warnings

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.autograd.graph import get_gradient_edge

from grader.engine.catalogue import find
from grader.notebook.checking import verdict_on
from grader.tasks import leaves as chapter
from tests.fixtures.lesson_texts import LESSONS, headings, rule
from tests.fixtures.raised import error_of

is_leaf = rule("02-leaves", "is_leaf")
keeps_gradient = rule("02-leaves", "keeps_gradient")
edit = rule("02-leaves", "edit")


def in_no_grad(make):
    """The same operation, where nothing is recorded."""

    def unrecorded(a, b):
        with torch.no_grad():
            return make(a, b)

    return unrecorded


# From two tensors of shape (3,) another one.
OPERATIONS = {
    "product": lambda a, b: a * b,
    "sum": lambda a, b: a + b,
    "times 0": lambda a, b: a * 0,
    "exp": lambda a, b: a.exp(),
    "relu": lambda a, b: a.relu(),
    "round": lambda a, b: a.round(),
    "view": lambda a, b: a.view(3),
    "flip": lambda a, b: a.flip(0),
    "repeated": lambda a, b: a[:1].expand(3),
    "overwritten": lambda a, b: a.clone().fill_(2.0),
    "filled": lambda a, b: torch.zeros(3, dtype=a.dtype).copy_(a),
    "clone": lambda a, b: a.clone(),
    "one of several": lambda a, b: torch.stack([a, b]).unbind()[1],
    "greatest": lambda a, b: torch.stack([a, b]).max(0).values,
    "where": lambda a, b: torch.where(a > 0, a, b),
    "cast": lambda a, b: a.to(torch.float32 if a.dtype == torch.float64 else torch.float64),
    "the dtype it has": lambda a, b: a.to(a.dtype),
    "detach": lambda a, b: a.detach(),
    "data": lambda a, b: a.data,
    "a leaf anew": lambda a, b: a.detach().clone().requires_grad_(),
    "parameter": lambda a, b: torch.nn.Parameter(a),
    "like": lambda a, b: torch.zeros_like(a),
    "comparison": lambda a, b: a > b,
    "whole": lambda a, b: a.long(),
    "unrecorded product": in_no_grad(lambda a, b: a * b),
    "unrecorded view": in_no_grad(lambda a, b: a.view(3)),
}

steps = st.lists(
    st.tuples(st.sampled_from(sorted(OPERATIONS)), st.integers(0, 30), st.integers(0, 30)),
    min_size=1,
    max_size=10,
)


def leaves():
    """Data, and two leaves that require grad."""
    made = [torch.tensor([0.5, -1.5, 2.5]) + i for i in range(3)]
    return [made[0], made[1].requires_grad_(), made[2].requires_grad_()]


def run(program):
    """All tensors of a program, floating point ones first in line to be computed with."""
    tensors, floats = [*leaves()], [*leaves()]
    tensors = list(floats)
    for name, i, j in program:
        made = OPERATIONS[name](floats[i % len(floats)], floats[j % len(floats)])
        tensors.append(made)
        if made.is_floating_point():
            floats.append(made)
    return tensors


def behind(root):
    """The ends of all edges of the graph behind a root: a node, and the number of its output."""
    edges = [tuple(get_gradient_edge(root))[:2]]
    for node, _ in edges:
        edges += [e for e in node.next_functions if e[0] is not None and e not in edges]
    return edges


def is_behind(tensor, edges):
    """Whether one of the edges leads to the tensor."""
    if tensor.grad_fn is not None:
        return (tensor.grad_fn, tensor.output_nr) in edges
    return any(getattr(node, "variable", None) is tensor for node, _ in edges)


@given(steps)
@settings(max_examples=150, deadline=None)
def test_a_leaf_is_what_no_recorded_operation_made(program):
    for tensor in run(program):
        assert is_leaf(tensor) == tensor.is_leaf
        assert (tensor.requires_grad, tensor.is_leaf) != (False, False)


@given(steps, st.sets(st.integers(0, 12)), st.sets(st.integers(0, 12)), st.integers(0, 12))
@settings(max_examples=250, deadline=None)
def test_who_keeps_a_gradient(program, retaining, frozen, which):
    tensors = run(program)
    recorded = [t for t in tensors if not t.is_leaf]
    if not recorded:
        return
    root = recorded[which % len(recorded)].sum()
    tensors.append(root)
    for i in retaining:
        if i < len(tensors) and tensors[i].requires_grad:
            tensors[i].retain_grad()
    for i in frozen:
        if i < len(tensors) and tensors[i].is_leaf:
            tensors[i].requires_grad_(False)
    edges = behind(root)
    said = [keeps_gradient(tensor, is_behind(tensor, edges)) for tensor in tensors]
    root.backward(retain_graph=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a non-leaf's .grad is read
        assert [tensor.grad is not None for tensor in tensors] == said
    kept = [tensor for tensor, keeps in zip(tensors, said, strict=True) if keeps]
    first = [tensor.grad.clone() for tensor in kept]
    root.backward()
    for tensor, grad in zip(kept, first, strict=True):
        torch.testing.assert_close(tensor.grad, 2 * grad)  # added to


EDITS = {
    "add": lambda t, value: t.add_(value),
    "mul": lambda t, value: t.mul_(value),
    "copy": lambda t, value: t.copy_(value),
    "fill": lambda t, value: t.fill_(value[0]),
    "one entry": lambda t, value: t.__setitem__(0, value[1]),
    "a slice": lambda t, value: t.__setitem__(slice(1, 3), value[:2]),
    "augmented": lambda t, value: t.__iadd__(value),
    "a part of it": lambda t, value: t[1:].mul_(value[1:]),
}
WORDS = {
    "data": lambda: torch.ones(3),
    "a leaf": lambda: torch.ones(3, requires_grad=True),
    "a parameter": lambda: torch.nn.Parameter(torch.ones(3)),
    "a non-leaf": lambda: torch.ones(3, requires_grad=True) * 2,
    "detached": lambda: torch.ones(3, requires_grad=True).clone().detach().clone(),
    "in float64": lambda: torch.ones(3, requires_grad=True).double(),
}


@pytest.mark.parametrize("how", EDITS)
def test_what_becomes_of_an_edit_in_place(how):
    for tensor, value, recording in itertools.product(WORDS, WORDS, (True, False)):
        edited, written = WORDS[tensor](), WORDS[value]()
        before = edited.requires_grad, edited.grad_fn
        said = edit(edited, written, recording)
        with torch.set_grad_enabled(recording):
            error = error_of(EDITS[how], edited, written)
        if error:
            assert "leaf Variable that requires grad" in error
            assert said == "refused"
            continue
        assert said != "refused"
        assert (edited.grad_fn is not before[1]) == (said == "recorded")
        if said == "recorded":
            assert not edited.is_leaf
        else:
            assert (edited.requires_grad, edited.grad_fn) == before


def test_the_rule_on_kept_gradients_passes_its_exercise():
    """A program is run up to its pass, and each tensor asked then. What comes after the pass takes
    a gradient away by `.grad = None`, or gives a name to another tensor."""

    def predict_grads(program, x, w, c):
        names = {"torch": torch, "x": x, "w": w, "c": c}
        lines = program.replace(":\n   ", ":").split("\n")
        kept = []
        for line in lines:
            if ".backward(" in line:
                tensors = [t for t in names.values() if isinstance(t, torch.Tensor)]
                edges = behind(names["y"])
                kept += [t for t in tensors if keeps_gradient(t, is_behind(t, edges))]
            elif line.endswith(".grad = None"):
                emptied = names[line.split(".")[0]]
                kept = [t for t in kept if t is not emptied]
            else:
                exec(line, names)
        return {name for name, value in names.items() if any(value is t for t in kept)}

    assert verdict_on(find("which_get_grad"), (predict_grads,)).passed


def test_the_rule_on_leaves_passes_its_exercise():
    def grad_leaves(root):
        if not root.requires_grad:
            return []
        reached = [node.variable for node, _ in behind(root) if hasattr(node, "variable")]
        return [t for t in reached if is_leaf(t) and keeps_gradient(t, reached=True)]

    assert verdict_on(find("leaf_grads"), (grad_leaves,)).passed


@pytest.mark.parametrize("optimizer", [torch.optim.SGD, torch.optim.Adam, torch.optim.AdamW])
def test_an_optimizer_takes_leaves_and_what_retains_its_gradient(optimizer):
    retaining = torch.ones(2, requires_grad=True) * 2
    retaining.retain_grad()
    for make in (*WORDS.values(), lambda: retaining):
        tensor = make()
        if tensor.is_leaf or tensor.retains_grad:
            optimizer([tensor], lr=0.1)
        else:
            with pytest.raises(ValueError, match="can't optimize a non-leaf"):
                optimizer([tensor], lr=0.1)


def test_the_first_hint_names_a_section_that_the_lesson_has():
    (lesson,) = (text for text in LESSONS if text.stem == chapter.CHAPTER)
    known = {heading.split()[0] for heading in headings(lesson)}
    for exercise in chapter.EXERCISES:
        (named,) = re.findall(r"[Ss]ection (\d\.\d+)", find(exercise).hints[0])
        assert named in known, exercise
