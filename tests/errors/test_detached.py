"""A loop's text tells whether what it carries is cut off its old graph in every pass."""

import ast

import pytest

from grader.errors.seen.cuts.detached import is_detached

CUT = (
    "h = h.detach()\ny, h = net(x, h)",
    "y, h = net(x, h.detach())",
    "old = h.data\ny, h = net(x, old)",
    "h.detach_()\ny, h = net(x, h)",
    "for part in h:\n    part.detach_()\ny, h = net(x, h)",
    "if h is not None:\n    h = tuple(part.detach() for part in h)\ny, h = net(x, h)",
    "y, h = net(x, h)\nloss.backward()\nh, c = h.detach().clone(), c",
    "if h is None:\n    h = zeros\nelse:\n    h = h.detach()\ny, h = net(x, h)",
)
KEPT = (
    "y, h = net(x, h)",
    "y, h = net(x, h)\nseen.append(h.detach())",
    "if step % 5 == 0:\n    h = h.detach()\ny, h = net(x, h)",
    "h = (h[0].detach(), h[1])\ny, h = net(x, h)",
    "if h is None:\n    h = zeros\ny, h = net(x, h)",
    "c = c.detach()\ny, (h, c) = net(x, (h, c))",
)


@pytest.mark.parametrize("text", CUT)
def test_a_value_that_every_pass_detaches_is_acquitted(text):
    assert is_detached(ast.parse(text).body, "h")


@pytest.mark.parametrize("text", KEPT)
def test_a_value_that_some_pass_takes_with_its_graph_is_not(text):
    assert not is_detached(ast.parse(text).body, "h")
