"""Views that are edited, as lesson 3 tells of them: which refuse, and which an edit outlives."""

import itertools

import pytest
import torch

from tests.course.rules.test_detach import WAYS
from tests.fixtures.lesson_texts import rule
from tests.fixtures.raised import error_of

refuses = rule("03-detach-clone", "refuses")

VIEWS = {
    "a slice": lambda t: t[:2],
    "one row": lambda t: t[0],
    "turned": lambda t: t.t(),
    "narrow": lambda t: t.narrow(0, 1, 1),
    "view": lambda t: t.view(8),
    "diagonal": lambda t: t.diagonal(),
    "unbind": lambda t: t.unbind()[1],
    "chunk": lambda t: t.chunk(2)[0],
    "split": lambda t: t.split([1, 3])[1],
    "a loop": lambda t: next(iter(t)),
    "unpacked": lambda t: (lambda first, *_: first)(*t),
    "a slice of unbind": lambda t: t.unbind()[0][:1],
}
SEVERAL = {"unbind", "chunk", "split", "a loop", "unpacked", "a slice of unbind"}
BASES = {
    "data": lambda: torch.ones(4, 2),
    "a leaf": lambda: torch.ones(4, 2, requires_grad=True),
    "a parameter": lambda: torch.nn.Parameter(torch.ones(4, 2)),
    "a non-leaf": lambda: torch.ones(4, 2, requires_grad=True) * 2,
    "a slice of data made a leaf": lambda: torch.ones(5, 2)[:4].requires_grad_(),
}


@pytest.mark.parametrize("recording", [True, False])
@pytest.mark.parametrize("made_in_no_grad", [True, False])
@pytest.mark.parametrize("base", BASES)
def test_which_views_refuse_an_edit(base, made_in_no_grad, recording):
    written = torch.ones(()), torch.ones((), requires_grad=True)
    for view, value, part_of_it in itertools.product(VIEWS, written, (False, True)):
        whole = BASES[base]()
        with torch.set_grad_enabled(not made_in_no_grad):
            part = VIEWS[view](whole)
        if part_of_it:
            part = part[..., :1]
        recorded = recording and (part.requires_grad or value.requires_grad)
        of_a_leaf = whole.is_leaf and whole.requires_grad
        said = refuses(recorded, of_a_leaf, view in SEVERAL, made_in_no_grad)
        with torch.set_grad_enabled(recording):
            error = error_of(part.add_, value)
        assert bool(error) == said, (view, value, part_of_it)


@pytest.mark.parametrize("made_in_no_grad", [True, False])
@pytest.mark.parametrize("way", ["in no_grad", "detach", "data", "numpy"])
@pytest.mark.parametrize("base", BASES)
def test_which_views_do_not_survive_an_edit_of_their_base(base, way, made_in_no_grad):
    reach, counted = WAYS[way]
    for view in VIEWS:
        whole = BASES[base]()
        with torch.set_grad_enabled(not made_in_no_grad):
            part = VIEWS[view](whole)
        with torch.no_grad():
            reach(whole).mul_(2)
        of_these_kinds = view in SEVERAL or made_in_no_grad
        said = part.requires_grad and of_these_kinds and counted
        assert bool(error_of(torch.neg, part)) == said, view
