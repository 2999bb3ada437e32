"""Chapter 2's picture says of every tensor what torch says of it, and leaves it as it was."""

import warnings
from xml.etree import ElementTree

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from course.widgets import explore_leaves
from course.widgets.frame.notice import Notice
from course.widgets.frame.player import Player
from course.widgets.frame.svg import text_width
from course.widgets.leaf.model import read_leaves
from course.widgets.leaf.picture import LeafPicture

SVG = "{http://www.w3.org/2000/svg}"


def leaf(*values):
    """A leaf that requires grad: a number if one value is given, else a vector."""
    return torch.tensor(values[0] if len(values) == 1 else values, requires_grad=True)


def one_of_each_kind():
    x, w, c = leaf(2.0), leaf(1.0), torch.tensor(5.0)
    h = x * w
    g = h * c
    g.retain_grad()
    return {"x": x, "w": w, "c": c, "h": h, "g": g, "y": g + w}


def long_names_and_vectors():
    first_layer_weight, second_layer_weight = leaf(1.0, 2.5, 3.25), leaf(1e-4, 2e-4, 12345.678)
    hidden_activation = first_layer_weight * second_layer_weight
    return {
        "first_layer_weight": first_layer_weight,
        "second_layer_weight": second_layer_weight,
        "hidden_activation": hidden_activation,
        "y": hidden_activation.sum(),
    }


def network():
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.ReLU(), torch.nn.Linear(4, 1))
    named = {f"model.{name}": p for name, p in model.named_parameters()}
    hidden = model[:2](torch.randn(7, 3))
    return named | {"hidden": hidden, "y": model[2](hidden).square().mean()}


def several_outputs():
    x = leaf(1.0, 2.0, 3.0)
    a, b, c = x.unbind()
    return {"x": x, "a": a, "b": b, "c": c, "y": a * b}


def scaled_leaf():
    w = torch.tensor([1.0, 2.0], requires_grad=True) * 0.1
    return {"w": w, "y": (w**2).sum()}


def grad_from_before():
    named = one_of_each_kind()
    for name in ("x", "c", "g"):
        named[name].grad = torch.tensor(100.0)
    return named


GRAPHS = [one_of_each_kind, long_names_and_vectors, network, several_outputs, scaled_leaf]
GRAPHS.append(grad_from_before)
every_graph = pytest.mark.parametrize("build", GRAPHS, ids=lambda build: build.__name__)


def pictured(named):
    """The picture of ``y``, ready to be stepped."""
    return LeafPicture(read_leaves(named["y"], named), "Leaves")


def shown_after(picture, choice):
    """The ``.grad`` of every named tensor in the last step, as numbers and norm."""
    leaves = picture.leaves
    values = {
        kept.name: leaves.after(leaves.runs[choice], place) for place, kept in leaves.kept.items()
    }
    return {name: value for name, value in values.items() if name}


def agrees(value, tensor):
    """Whether a remembered value is that of a tensor, or both are missing."""
    if value is None or tensor is None or value.numbers is None:
        return value is tensor or value.shape == tuple(tensor.shape)
    return value.numbers == pytest.approx(tensor.flatten().tolist())


def grad_of(tensor):
    return tensor.grad if tensor.is_leaf or tensor.retains_grad else None


# What it says is what torch does.


@every_graph
@pytest.mark.parametrize("choice", [0, 1], ids=["as it is", "retaining"])
def test_the_grads_after_the_run_are_those_of_torch(build, choice):
    picture, real = pictured(build()), build()
    if choice:
        for tensor in real.values():
            if tensor.requires_grad:
                tensor.retain_grad()  # nothing happens to a leaf
    real["y"].backward()
    shown = shown_after(picture, choice)
    for name, value in shown.items():
        assert agrees(value, grad_of(real[name])), name
    assert set(shown) >= {name for name, tensor in real.items() if tensor.requires_grad}


@given(*[st.booleans() for _ in range(5)])
def test_every_tensor_is_called_what_torch_calls_it(x_learns, w_learns, cuts, retains, scales):
    """Two inputs, a computed tensor that may be detached or retained, a leaf that may be scaled."""
    x, w, v = torch.tensor(2.0), torch.tensor(3.0), leaf(5.0)
    x.requires_grad_(x_learns)
    w.requires_grad_(w_learns)
    if scales:
        v = v * 2
    h = x * w
    if cuts:
        h = h.detach()
    if retains and h.requires_grad:
        h.retain_grad()
    named = {"x": x, "w": w, "v": v, "h": h, "y": h * v}
    picture = pictured(named)
    boxes = picture.graph.boxes
    for step, box in enumerate(boxes, start=1):
        said = picture.picture(0, step).sentence
        if box.name:
            tensor = named[box.name]
            assert f"{box.name} is {'' if tensor.is_leaf else 'not '}a leaf" in said
            assert ("does not require grad" in said) == (not tensor.requires_grad)
            assert (f"{box.name}.retain_grad()" in said) == tensor.retains_grad
    named["y"].backward()
    for name, value in shown_after(picture, 0).items():
        assert agrees(value, grad_of(named[name])), name


def test_one_of_each_kind_is_told_tensor_by_tensor():
    picture = pictured(one_of_each_kind())
    assert picture.choices == ["y.backward()", "h.retain_grad(); y.retain_grad(); y.backward()"]
    told = [picture.picture(0, step).sentence.split(": ", 1)[1] for step in range(8)]
    assert told[0].startswith("before y.backward(), x and w are leaves that require grad, c is a ")
    assert told[2].endswith("AccumulateGrad node for it: y.backward() fills w.grad with 11.")
    assert told[3:6] == [
        "h is not a leaf: MulBackward0 made it. y.backward() brings it 5 and hands "
        "the gradient on; h.grad stays None.",
        "c is a leaf because it does not require grad. The graph has no node for it, "
        "and nothing is sent to it: c.grad stays None.",
        "g is not a leaf: MulBackward0 made it. y.backward() brings it 1, and because "
        "of g.retain_grad() g.grad becomes 1.",
    ]
    assert told[7].endswith("and g.grad = 1; what arrived at h and y was handed on and not kept.")


def test_a_leaf_that_stopped_requiring_grad_drops_what_arrives():
    x = leaf(2.0)
    named = {"x": x, "y": x * x}
    x.requires_grad_(False)
    assert "is dropped and x.grad stays None" in pictured(named).picture(0, 1).sentence
    named["y"].backward()
    assert x.grad is None  # and it is so


def test_a_gradient_of_zeros_is_told_from_none():
    w, v = leaf(2.0), leaf(3.0, 4.0)
    w.grad, v.grad = torch.tensor(5.0), torch.tensor([6.0, 7.0])
    count = torch.linalg.vector_norm(v * 2, 0)  # a count: its node sends nothing
    picture = pictured({"w": w, "v": v, "y": w * 0 + count})
    told = [picture.picture(0, step).sentence for step in range(picture.last_step(0) + 1)]
    assert any("adds to w.grad, which goes from 5 to 5." in one for one in told)
    assert any("this pass sends nothing there: v.grad stays [6, 7]." in one for one in told)


# Where no pass can be measured, it shows what is there.


def test_after_a_pass_it_shows_the_grads_that_are_there():
    named = one_of_each_kind()
    named["y"].backward()
    picture = pictured(named)
    assert picture.choices == ["as it is now"]
    said = picture.picture(0, picture.last_step(0)).sentence
    assert said.endswith("now: x.grad = 5, w.grad = 11 and g.grad = 1.")


def test_a_result_of_any_shape_can_be_looked_at():
    x = leaf(1.0, 2.0)
    picture = pictured({"x": x, "y": x * 2})
    assert picture.choices == ["as it is now"]
    assert "y is not a leaf" in picture.picture(0, picture.last_step(0) - 1).sentence


def test_what_has_no_graph_is_explained():
    assert "is a leaf that requires grad" in explore_leaves(leaf(2.0)).message
    assert "because it does not require grad" in explore_leaves(torch.tensor(2.0)).message
    large = explore_leaves(sum([leaf(1.0)] * 300))
    assert isinstance(large, Notice)
    assert "301 nodes" in large.message


# The learner's tensors are as they were, and the picture can be read.


@every_graph
def test_looking_changes_nothing_and_warns_of_nothing(build):
    named = build()
    before = {name: (t.retains_grad, grad_of(t)) for name, t in named.items()}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        picture = pictured(named)
        for choice in range(len(picture.choices)):
            for step in range(picture.last_step(choice) + 1):
                picture.picture(choice, step).live()
    for kept in picture.leaves.kept.values():
        assert not kept.name or agrees(kept.grad, grad_of(named[kept.name])), kept.name
    for name, tensor in named.items():
        assert (tensor.retains_grad, grad_of(tensor)) == before[name]
    named["y"].backward()  # the graph is still there


@every_graph
def test_every_grad_fits_under_its_tensor(build):
    picture = pictured(build())
    for choice in range(len(picture.choices)):
        drawn = ElementTree.fromstring(picture.picture(choice, picture.last_step(choice)).live())
        for unit in drawn.iter(f"{SVG}g"):
            widths = [float(shape.get("width")) for shape in unit.iter(f"{SVG}rect")]
            for text in unit.iter(f"{SVG}text"):
                if ".grad" in text.text:
                    assert text_width(text.text, 12) <= max(widths)


def test_a_slot_is_dashed_until_it_is_filled():
    picture = pictured(one_of_each_kind())
    assert picture.picture(0, 0).live().count("stroke-dasharray") == 3  # x, w and g
    assert picture.picture(0, 7).live().count("stroke-dasharray") == 0
    assert picture.picture(1, 0).live().count("stroke-dasharray") == 5


def test_a_notebook_finds_the_names_and_a_page_without_a_kernel_shows_the_last_step(monkeypatch):
    monkeypatch.setenv("AUTOGRAD_COURSE_STATIC", "1")
    w = leaf(3.0)
    product = w * 2
    player = explore_leaves(product)
    assert isinstance(player, Player)
    bundle = player._repr_mimebundle_()
    assert set(bundle) == {"text/plain", "text/html", "image/svg+xml"}
    assert bundle["text/plain"].endswith(
        "after product.backward(): w.grad = 2; what arrived at product was handed on and not kept."
    )
