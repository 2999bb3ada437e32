"""Hooks of tensors, as chapter 5 tells of them: what they get, and when they are silent."""

import functools
import subprocess
import sys

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fixtures import lesson_texts

rule = functools.cache(lesson_texts.rule)

LESSON = "05-hooks"
quick = settings(deadline=None, max_examples=60, database=None)

HOOKS = {
    "observes": lambda grad: None,
    "adds": lambda grad: grad + 1,
    "scales": lambda grad: grad * 10,
    "limits": lambda grad: grad.clamp(-2, 2),
    "turns round": lambda grad: -grad,
}
hooks_in_a_row = st.lists(st.sampled_from(sorted(HOOKS)), max_size=4)


@quick
@given(hooks_in_a_row, st.lists(st.integers(-4, 4), min_size=1, max_size=3), st.integers(0, 4))
def test_what_hooks_of_a_tensor_leave_is_what_the_rule_says(names, factors, place):
    """The gradient of z is the sum over its uses; retain_grad is called among the hooks."""
    hooks = [HOOKS[name] for name in names]
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    z = x * 3
    for number, hook in enumerate([*hooks, None]):
        if number == min(place, len(hooks)):
            z.retain_grad()
        if hook is not None:
            z.register_hook(hook)
    sum((z * factor).sum() for factor in factors).backward()
    left = rule(LESSON, "after_hooks")(hooks, torch.full((2,), float(sum(factors))))
    assert torch.equal(z.grad, left)
    assert torch.equal(x.grad, left * 3)


@quick
@given(hooks_in_a_row, st.lists(st.integers(-4, 4), min_size=1, max_size=4))
def test_each_pass_adds_to_a_leaf_what_its_hooks_leave(names, passes):
    hooks = [HOOKS[name] for name in names]
    w, totals = torch.tensor([1.0, 2.0], requires_grad=True), []
    for hook in hooks:
        w.register_hook(hook)
    w.register_post_accumulate_grad_hook(lambda leaf: totals.append(leaf.grad.clone()))
    total = torch.zeros(2)
    for factor in passes:
        (w * factor).sum().backward()
        total = total + rule(LESSON, "after_hooks")(hooks, torch.full((2,), float(factor)))
        assert torch.equal(totals[-1], total)


# An edit of a tensor, and what it makes of a gradient of 2 for the first entry.
EDITS = {
    "itself": (lambda z: z.mul_(5), 10),
    "a part": (lambda z: z[:1].mul_(5), 10),
    "a view of all": (lambda z: z.view(-1).mul_(5), 10),
    "an entry": (lambda z: z.__setitem__(0, 5.0), 0),
}


@pytest.mark.parametrize("early", [False, True])
@pytest.mark.parametrize(
    ("edited", "is_view"), [*((edited, False) for edited in EDITS), ("itself", True)]
)
def test_a_hook_stays_with_the_values_before_an_edit(edited, early, is_view):
    """What is registered later goes with the new ones; a view is edited by its own name alone."""
    base, calls = torch.tensor([1.0, 2.0, 3.0], requires_grad=True) * 1, []
    z, (edit, old) = base[:2] if is_view else base, EDITS[edited]
    z.retain_grad()
    if early:
        z.register_hook(lambda grad: calls.append(("old", grad[0].item())))
    edit(z)
    z.register_hook(lambda grad: calls.append(("new", grad[0].item())))
    (z * 2).sum().backward()
    assert calls == [("new", 2), ("old", old)][: 2 if early and not is_view else 1]
    assert z.grad.eq(2).all()


EDITED = """
import torch
base = torch.ones(3, requires_grad=True) * 1
view = base[:2]
{edit}
print("edited", flush=True)
{first}
view.register_hook(print)
print("registered")
"""


@pytest.mark.parametrize("edit", ["base.mul_(2)", "view[0] = 7.0"])
@pytest.mark.parametrize(
    ("first", "ends"), [("", True), ("view.grad_fn", False), ("view = base[:2]", False)]
)
def test_a_hook_on_a_view_that_was_edited_by_another_name_can_end_the_process(edit, first, ends):
    """If torch has not made the view's node anew: the lesson says so of 2.13."""
    command = [sys.executable, "-c", EDITED.format(edit=edit, first=first)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr
    if ends and torch.__version__.startswith("2.13."):
        assert done.returncode
        assert done.stdout.split() == ["edited"]
    else:
        assert done.stdout.split() == ["edited", "registered"] or ends


def test_a_hook_that_joins_another_on_a_view_is_silent_after_an_edit_of_the_base():
    calls = []
    base = torch.ones(3, requires_grad=True) * 1
    view = base[:2]
    view.register_hook(calls.append)
    base.mul_(2)
    view.register_hook(calls.append)
    view.sum().backward()
    assert calls == []


def test_a_hook_of_a_leaf_is_called_too_where_there_was_nothing_to_add():
    leaf, calls = torch.tensor([3.0, 0.0], requires_grad=True), []
    leaf.register_post_accumulate_grad_hook(lambda leaf: calls.append(leaf.grad))
    torch.linalg.vector_norm(leaf, 0).backward()
    assert calls == [None]
    root = (leaf * 2).sum()
    leaf.requires_grad_(False)
    root.backward()
    assert calls == [None, None]


def test_a_hook_of_several_tensors_is_called_once_and_of_leaves_not_by_autograd_grad():
    calls, hook = [], torch.autograd.graph.register_multi_grad_hook
    a, b, c = (torch.tensor(float(i), requires_grad=True) for i in (2, 3, 4))
    hook([a, b], lambda grads: calls.append(grads))
    (c * 2).backward()
    assert calls == []
    (a * 2).backward()
    (a * b).backward()
    assert calls == [[2, None], [3, 2]]
    with pytest.raises(RuntimeError, match="not supported"):
        torch.autograd.grad(a * b, a)
    p, q = c * 2, c * 3
    hook([p, q], lambda grads: calls.append(grads))
    torch.autograd.grad(p * q, c)
    assert calls[2:] == [[12, 8]]


def test_a_hook_of_several_tensors_refuses_only_leaves_that_are_asked_for():
    calls, hook = [], torch.autograd.graph.register_multi_grad_hook
    a = torch.tensor(2.0, requires_grad=True)
    z = a * 3
    hook([a, z], lambda grads: calls.append(grads))
    torch.autograd.grad(z * 5, z)
    assert calls == [[None, 5]]
    (z * 5).backward()
    assert calls[1:] == [[15, 5]]
    with pytest.raises(RuntimeError, match="not supported"):
        torch.autograd.grad(a * 3 * 5, a)


def test_a_hook_of_several_tensors_does_not_count_the_root():
    calls, hook = [], torch.autograd.graph.register_multi_grad_hook
    z = torch.tensor(2.0, requires_grad=True) * 3
    root = z * 5
    alone = hook([root], lambda grads: calls.append(grads))
    root.backward(retain_graph=True)
    assert calls == []
    alone.remove()
    hook([z, root], lambda grads: calls.append(grads))
    root.backward()
    assert calls == [[None, 1], [5, None]]
