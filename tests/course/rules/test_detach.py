"""The rules of lesson 3, as it shows them: programmed literally they say what torch does."""

import re

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from grader.engine.catalogue import find
from grader.notebook.checking import verdict_on
from grader.tasks import detach as chapter
from tests.fixtures.lesson_texts import LESSONS, headings, rule
from tests.fixtures.raised import error_of

outcome = rule("03-detach-clone", "outcome")


# Functions, with their derivatives written by hand, as backward has them: of the input, or of the
# result where torch saves that.
FUNCTIONS = {
    "exp": (torch.exp, lambda x, y: y),
    "sqrt": (torch.sqrt, lambda x, y: 0.5 / y),
    "tanh": (torch.tanh, lambda x, y: 1 - y * y),
    "sigmoid": (torch.sigmoid, lambda x, y: y * (1 - y)),
    "relu": (torch.relu, lambda x, y: (y > 0).to(y.dtype)),
    "abs": (torch.abs, lambda x, y: x.sign()),
    "cube": (lambda x: x**3, lambda x, y: 3 * x**2),
    "square": (torch.square, lambda x, y: 2 * x),
    "product": (lambda x: x * x, lambda x, y: 2 * x),
    "sin": (torch.sin, lambda x, y: x.cos()),
    "log": (torch.log, lambda x, y: 1 / x),
    "double": (lambda x: 2 * x, lambda x, y: torch.full_like(x, 2.0)),
    "sum": (lambda x: x + x, lambda x, y: torch.full_like(x, 2.0)),
    "negative": (torch.neg, lambda x, y: -torch.ones_like(x)),
    "clone": (torch.clone, lambda x, y: torch.ones_like(x)),
    "shifted": (lambda x: 1 - x, lambda x, y: -torch.ones_like(x)),
}
# Ways to get hold of the tensor to edit, and whether the tensor's version counts the edit.
WAYS = {
    "recorded": (lambda t: t, True),
    "in no_grad": (lambda t: t, True),
    "detach": (lambda t: t.detach(), True),
    "data": (lambda t: t.data, False),
    "data of detach": (lambda t: t.detach().data, False),
    "detach of data": (lambda t: t.data.detach(), False),
    "numpy": (lambda t: torch.from_numpy(t.detach().numpy()), False),
    "data in no_grad": (lambda t: t.data, False),
}
PARTS = {
    "all": lambda t: t,
    "the first": lambda t: t[:1],
    "the others": lambda t: t[1:],
    "a view": lambda t: t.view(2, 2),
    "turned": lambda t: t.view(2, 2).t(),
}
# An edit, and the derivative of a recorded one.
EDITS = {
    "add_(1)": (lambda t: t.add_(1), 1.0),
    "mul_(10)": (lambda t: t.mul_(10), 10.0),
    "mul_(1)": (lambda t: t.mul_(1), 1.0),
    "neg_()": (lambda t: t.neg_(), -1.0),
    "zero_()": (lambda t: t.zero_(), 0.0),
    "+=": (lambda t: t.__iadd__(0.25), 1.0),
    "t[...] = 2": (lambda t: t.__setitem__(..., 2.0), 0.0),
}


def nodes_behind(y):
    """The nodes of a graph."""
    nodes = [y.grad_fn]
    for node in nodes:
        nodes += [f for f, _ in node.next_functions if f is not None and f not in nodes]
    return nodes


def is_saved(tensor, nodes):
    """Whether one of the nodes saved a tensor on this tensor's storage."""
    place = tensor.untyped_storage().data_ptr()
    saved = (getattr(node, n) for node in nodes for n in dir(node) if n.startswith("_saved_"))
    return any(
        isinstance(t, torch.Tensor) and t.untyped_storage().data_ptr() == place for t in saved
    )


def by_hand(first, second, x, h, y):
    """The gradient of second(first(x)).sum(), with the numbers as they are now."""
    return FUNCTIONS[second][1](h, y) * FUNCTIONS[first][1](x, h)


names = st.sampled_from(sorted(FUNCTIONS))


@given(
    names, names, st.sampled_from("xhy"), st.sampled_from(sorted(WAYS)),
    st.sampled_from(sorted(PARTS)), st.sampled_from(sorted(EDITS)),
    st.lists(st.sampled_from([0.25, 0.5, 1.5, 2.0]), min_size=4, max_size=4),
)  # fmt: skip
@settings(max_examples=600, deadline=None)
def test_what_an_edit_does_to_a_gradient(first, second, which, way, part, edit, numbers):
    x = torch.tensor(numbers, dtype=torch.float64, requires_grad=True)
    h = FUNCTIONS[first][0](x)
    y = FUNCTIONS[second][0](h)
    expected = by_hand(first, second, x.detach(), h.detach(), y.detach())
    assume(expected.isfinite().all())
    edited = {"x": x, "h": h, "y": y}[which]
    nodes = nodes_behind(y)
    saved = is_saved(edited, nodes)
    reach, counted = WAYS[way]
    recorded = way == "recorded"
    change, slope = EDITS[edit]

    with torch.set_grad_enabled("no_grad" not in way):
        error = error_of(change, PARTS[part](reach(edited)))
    assert not error or "leaf Variable that requires grad" in error
    if recorded and which == "y":  # the edit is a part of the function now
        factors = torch.ones_like(expected)
        PARTS[part](factors).fill_(slope)
        expected = expected * factors
    now = by_hand(first, second, x.detach(), h.detach(), y.detach())
    said = outcome(
        recorded, leaf=which == "x", saved=saved, counted=counted,
        matters=not torch.allclose(now, expected, rtol=1e-9),
    )  # fmt: skip
    if not error:
        error = error_of(y.sum().backward)
        assert not error or "modified by an inplace operation" in error
    if error:
        assert said == "error"
    else:
        right = torch.allclose(x.grad, expected, rtol=1e-9)
        assert said == ("ok" if right else "wrong")


@pytest.mark.parametrize("way", ["detach", "data", "data of detach"])
@pytest.mark.parametrize("compute", ["double", "exp", "cube"])
def test_a_graph_does_not_learn_of_an_edit_through_detach_even_if_what_is_written_requires_grad(
    compute, way
):
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    y = FUNCTIONS[compute][0](x)
    right = FUNCTIONS[compute][1](x.detach(), y.detach().clone())
    saved = is_saved(y, nodes_behind(y))
    reach, counted = WAYS[way]
    reach(y).add_(x)
    said = outcome(recorded=False, leaf=False, saved=saved, counted=counted, matters=True)
    if error_of(y.sum().backward):
        assert said == "error"
    else:
        assert said == ("ok" if torch.equal(x.grad, right) else "wrong")


@pytest.mark.parametrize("compute", ["double", "exp", "relu"])
def test_an_edit_by_a_python_function_is_not_counted(compute):
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    y = FUNCTIONS[compute][0](x)
    right = FUNCTIONS[compute][1](x.detach(), y.detach().clone())
    saved = is_saved(y, nodes_behind(y))
    y.detach().apply_(lambda number: number + 1)
    assert y._version == 0
    y.sum().backward()
    matters = not torch.equal(FUNCTIONS[compute][1](x.detach(), y.detach()), right)
    said = outcome(recorded=False, leaf=False, saved=saved, counted=False, matters=matters)
    assert said == ("ok" if torch.equal(x.grad, right) else "wrong")


@pytest.mark.parametrize("edit", ["t_()", "unsqueeze_(0)", "squeeze_()", "mul_(1)", "add_(0)"])
@pytest.mark.parametrize("compute", ["exp", "cube"])
def test_an_edit_that_changes_no_number_is_counted_too(compute, edit):
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    y = FUNCTIONS[compute][0](x)
    saved = is_saved(y, nodes_behind(y))
    eval(f"y.{edit}", {"y": y})
    said = outcome(recorded=True, leaf=False, saved=saved, counted=True, matters=False)
    if said == "error":
        with pytest.raises(RuntimeError, match="modified by an inplace operation"):
            y.sum().backward()
    else:
        y.sum().backward()


@pytest.mark.parametrize(
    ("edit", "recording"), [("t_()", False), ("squeeze_(0)", False), ("floor_divide_(2)", True)]
)
def test_what_the_rule_leaves_out_ends_another_way(edit, recording):
    """A shape that changes unseen, and an operation without a derivative: nothing was saved."""
    y = 2 * torch.ones(1, 3, requires_grad=True)
    with torch.set_grad_enabled(recording):
        eval(f"y.{edit}", {"y": y})
    assert outcome(recording, leaf=False, saved=False, counted=True, matters=False) == "ok"
    with pytest.raises(RuntimeError):
        y.sum().backward()


# Edits of y that read y too, whether their own node saves the y that they overwrite, and the same
# function without an edit.
OF_ITSELF = {
    "y.mul_(y)": (True, ""),
    "y.mul_(y.detach())": (True, ""),
    "y.div_(y)": (True, ""),
    "y.pow_(y)": (True, ""),
    "y[0].mul_(y[1])": (True, ""),
    "y.mul_(y.clone())": (False, "y * y"),
    "y.add_(y)": (False, "y + y"),
    "y.sub_(y.mean())": (False, "y - y.mean()"),
    "y.square_()": (False, "y**2"),
}


@pytest.mark.parametrize("edit", OF_ITSELF)
def test_an_edit_whose_own_node_saved_what_it_overwrites_is_an_error(edit):
    saved, meant = OF_ITSELF[edit]
    said = outcome(recorded=True, leaf=False, saved=saved, counted=True, matters=True)
    x = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
    y = 2 * x
    eval(edit, {"y": y})
    if said == "error":
        with pytest.raises(RuntimeError, match="modified by an inplace operation"):
            y.sum().backward()
        return
    (right,) = torch.autograd.grad(eval(meant, {"y": 2 * x}).sum(), x)
    y.sum().backward()
    torch.testing.assert_close(x.grad, right)


@pytest.mark.parametrize("edit", ["sin_()", "square_()", "abs_()", "mul_(w)", "exp_()", "relu_()"])
def test_what_a_recorded_edit_overwrites_is_copied_where_its_formula_needs_it(edit):
    w = torch.ones(2, requires_grad=True)
    y = 2 * torch.tensor([1.0, 2.0], requires_grad=True)
    eval(f"y.{edit}", {"y": y, "w": w})
    saves_its_result = "_saved_result" in dir(y.grad_fn)
    assert saves_its_result or torch.equal(y.grad_fn._saved_self, torch.tensor([2.0, 4.0]))
    assert is_saved(y, [y.grad_fn]) is saves_its_result


# Tensors that are no factors, and saved all the same: positions, classes and masks.
POSITIONS = {
    "index": (lambda t, i: t[i], torch.tensor([0, 1])),
    "gather": (lambda t, i: t.gather(0, i), torch.tensor([0, 1])),
    "take": (lambda t, i: t.take(i), torch.tensor([0, 1])),
    "embedding": (lambda t, i: torch.nn.functional.embedding(i, t[:, None]), torch.tensor([0, 1])),
    "class": (torch.nn.functional.cross_entropy, torch.tensor(0)),
    "mask": (lambda t, m: t[m], torch.tensor([True, True, False])),
    "where": (lambda t, m: torch.where(m, t, 0.0), torch.tensor([True, True, False])),
}


@pytest.mark.parametrize("kind", POSITIONS)
def test_an_edit_of_saved_positions_is_an_error_and_a_hidden_one_is_not(kind):
    use, where = POSITIONS[kind]
    for counted in (True, False):
        x, places = torch.tensor([1.0, 2.0, 3.0], requires_grad=True), where.clone()
        y = use(x, places)
        edited = places if counted else places.data
        edited.copy_(edited.flip(0) if edited.dim() else edited + 1)
        said = outcome(recorded=False, leaf=False, saved=True, counted=counted, matters=True)
        assert (said == "error") == bool(error_of(y.sum().backward))


@pytest.mark.parametrize("edit", ["acosh_", "asinh_", "atanh_"])
def test_an_edit_whose_formula_needs_the_old_numbers_may_have_no_derivative(edit):
    y = torch.tensor([0.5, 0.25], requires_grad=True) * 1
    getattr(y, edit)()
    with pytest.raises(RuntimeError, match="inplace version of"):
        y.sum().backward()


def test_what_batch_normalization_writes_into_its_averages_is_not_counted():
    norm, x = torch.nn.BatchNorm1d(2).eval(), torch.tensor([[1.0, 2.0], [5.0, 9.0]])
    x.requires_grad_()
    (right,) = torch.autograd.grad(norm(x).sum(), x)
    y, version = norm(x), norm.running_var._version
    saved = is_saved(norm.running_var, nodes_behind(y))
    norm.train()(10 * x.detach())
    assert norm.running_var._version == version
    said = outcome(recorded=False, leaf=False, saved=saved, counted=False, matters=True)
    y.sum().backward()
    assert said == ("ok" if torch.allclose(x.grad, right) else "wrong") == "wrong"


def test_the_rule_passes_its_exercise():
    """The five questions are answered from the two lines, and the rule's word is the answer."""

    def edit_outcome(compute, edit, x):
        names = {"x": x, "torch": torch}
        exec(compute, names)
        y = names["y"]
        function = {"exp": "exp", "**": "cube", "2 *": "double", "relu": "relu"}
        (name,) = (name for text, name in function.items() if text in compute)
        target, nodes = {"x": x, "y": y}[edit.split(":")[-1].strip()[0]], nodes_behind(y)
        in_place = "_(" in edit and "clone" not in edit
        before = FUNCTIONS[name][1](x.detach(), y.detach())
        now = FUNCTIONS[name][1](*((t.detach() + (t is target)) for t in (x, y)))
        return outcome(
            recorded=in_place and not any(w in edit for w in ("detach", "data", "no_grad")),
            leaf=target is x,
            saved=in_place and is_saved(target, nodes),
            counted=".data" not in edit,
            matters=not torch.allclose(before, now),
        )

    assert verdict_on(find("detect_silent_corruption"), (edit_outcome,)).passed


def test_the_first_hint_names_a_section_that_the_lesson_has():
    (lesson,) = (text for text in LESSONS if text.stem == chapter.CHAPTER)
    known = {heading.split()[0] for heading in headings(lesson)}
    for exercise in chapter.EXERCISES:
        (named,) = re.findall(r"[Ss]ection (\d\.\d+)", find(exercise).hints[0])
        assert named in known, exercise


def test_a_recorded_target_is_moved_towards_the_value():
    """As the statement of target_network says of the function that it shows."""
    g = torch.Generator().manual_seed(0)
    q, q_target = (torch.randn(3, 1, generator=g).requires_grad_() for _ in range(2))
    s, s2, r = (torch.randn(7, n, generator=g) for n in (3, 3, 1))
    value, following = s @ q, s2 @ q_target
    loss = ((r + 0.9 * following - value) ** 2).mean()
    at_q, at_target = torch.autograd.grad(loss, (value, following))
    above = (r + 0.9 * following > value).float() * 2 - 1
    assert torch.equal(at_target.sign(), above)  # against the gradient: down, where it is above
    assert torch.equal(at_q.sign(), -above)
