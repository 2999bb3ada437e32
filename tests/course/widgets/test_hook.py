"""Chapter 5's picture shows the calls that torch makes, and leaves the learner's model alone."""

from itertools import pairwise
from xml.etree import ElementTree

import pytest
import torch
from torch import nn

from course.widgets import explore_hooks
from course.widgets.frame.notice import Notice
from course.widgets.frame.player import Player
from course.widgets.frame.svg import text_width
from course.widgets.hook.model import HOOKS
from course.widgets.hook.picture import HookPicture
from course.widgets.hook.recorder import record

SVG = "{http://www.w3.org/2000/svg}"


def three_layers():
    return nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 1)), torch.randn(1, 3)


def a_batch():
    return nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 2)), torch.randn(7, 3)


def one_vector():
    return nn.Sequential(nn.Linear(3, 4, bias=False), nn.Sigmoid()), torch.randn(3)


def called_twice():
    act = nn.Tanh()
    return nn.Sequential(nn.Linear(3, 3), act, nn.Linear(3, 3), act), torch.randn(2, 3)


def frozen_container_and_noise():
    inner = nn.Sequential(nn.Linear(3, 4), nn.Tanh()).requires_grad_(False)
    return nn.Sequential(inner, nn.BatchNorm1d(4), nn.Dropout(0.5)), torch.randn(7, 3)


NETS = [three_layers, a_batch, one_vector, called_twice, frozen_container_and_noise]
every_net = pytest.mark.parametrize("build", NETS, ids=lambda build: build.__name__)


def made(build):
    torch.manual_seed(0)
    return build()


def timeline(build):
    model, x = made(build)
    return record(model, x, [name for name, _ in model.named_children()][-1])


def left(model, x):
    torch.manual_seed(0)
    x = x.clone().requires_grad_()
    y = model(x)
    y.sum().backward()
    grads = [p.grad for p in model.parameters() if p.requires_grad]
    return [y, x.grad, *grads]


def agree(values, tensors):
    for value, tensor in zip(values, tensors, strict=True):
        assert value.shape == tuple(tensor.shape)
        assert value.norm == pytest.approx(float(tensor.detach().norm()), rel=1e-5)
        if value.numbers is not None:
            assert value.numbers == pytest.approx(tensor.flatten().tolist(), rel=1e-5)


# What it shows is what torch does.


@every_net
def test_observing_leaves_what_a_run_without_hooks_leaves(build):
    results = timeline(build).runs[0].results
    agree([r.value for r in results], left(*made(build)))
    assert {r.relation for r in results} == {"the same"}


def test_the_calls_come_in_the_order_in_which_torch_makes_them():
    model, x = made(three_layers)
    x.requires_grad_()
    seen = []

    def note(kind, name):
        return lambda *_: seen.append((kind, name))

    def on_output(name, output, shown):
        output.register_hook(note("tensor", shown))
        output.grad_fn.register_prehook(note("node_pre", name))
        output.grad_fn.register_hook(note("node_post", name))

    for name, layer in model.named_children():
        shown = "y" if name == "2" else f"out {name}"
        layer.register_forward_pre_hook(note("forward_pre", name))
        layer.register_forward_hook(note("forward", name))
        layer.register_forward_hook(lambda m, a, y, n=name, s=shown: on_output(n, y, s))
        layer.register_full_backward_pre_hook(note("full_backward_pre", name))
        layer.register_full_backward_hook(note("full_backward", name))
    for name, leaf in [("x", x), *model.named_parameters()]:
        leaf.register_hook(note("tensor", name))
        leaf.register_post_accumulate_grad_hook(note("accumulate", name))
    model(x).sum().backward()

    events = timeline(three_layers).runs[0].events
    assert [(e.kind, e.place) for e in events if "pack" not in e.kind] == seen


def test_saved_tensors_are_packed_and_unpacked_as_torch_does():
    model, x = made(a_batch)
    seen = {"pack": [], "unpack": []}
    hooks = [lambda t, found=found: found.append(t) or t for found in seen.values()]
    with torch.autograd.graph.saved_tensors_hooks(*hooks):
        y = model(x.requires_grad_())
    y.sum().backward()
    events = timeline(a_batch).runs[0].events
    for kind, tensors in seen.items():
        agree([e.received[0] for e in events if e.kind == kind], tensors)


def ten_times(tensors):
    return tuple(None if t is None else 10 * t for t in tensors)


def put_in(change, model):
    """Register the hook of one choice by hand; the names of its layer are those of a_batch."""
    layer, kind = model[2], change.kind
    if kind == "tensor" and change.place == "y":
        layer.register_forward_hook(lambda m, a, y: y.register_hook(lambda g: 10 * g) and None)
    elif kind == "tensor":
        layer.weight.register_hook(lambda g: 10 * g)
    elif kind == "accumulate":
        layer.weight.register_post_accumulate_grad_hook(lambda p: setattr(p, "grad", 10 * p.grad))
    elif kind == "node_post":
        layer.register_forward_hook(
            lambda m, a, y: y.grad_fn.register_hook(lambda gin, gout: ten_times(gin)) and None
        )
    elif kind == "forward":
        layer.register_forward_hook(lambda m, args, y: 10 * y)
    else:
        register = getattr(layer, HOOKS[kind].register)
        register(lambda m, tensors, *rest: ten_times(tensors))


def test_each_choice_leaves_what_its_hook_alone_leaves():
    runs = timeline(a_batch).runs
    tried = [run for run in runs[1:] if run.change.kind != "pack"]
    assert len(tried) == 8
    for run in tried:
        model, x = made(a_batch)
        put_in(run.change, model)
        agree([r.value for r in run.results], left(model, x))


def test_what_each_kind_reaches_is_told():
    told = {
        (run.change.kind, run.change.place): {
            r.name for r in run.results if r.relation != "the same"
        }
        for run in timeline(a_batch).runs[1:]
    }
    before, own = {"x.grad", "0.weight.grad", "0.bias.grad"}, {"2.weight.grad", "2.bias.grad"}
    assert told["full_backward_pre", "2"] == told["tensor", "y"] == before | own
    assert told["full_backward", "2"] == before  # too late for the layer's own parameters
    assert told["pack", "2"] == before | {"2.weight.grad"}  # wrong, without a word


def test_a_layer_that_stands_twice_is_called_in_both_places():
    events = timeline(called_twice).runs[0].events
    lanes = {k: [e.lane for e in events if (e.kind, e.place) == (k, "1")] for k in HOOKS}
    assert lanes["forward_pre"] == lanes["forward"] == [3, 7]
    assert lanes["full_backward_pre"] == lanes["full_backward"] == [7, 3]


# The learner's model, tensor and random numbers are as they were.


@every_net
def test_looking_changes_nothing(build):
    model, x = made(build)
    calls, state = [], {name: value.clone() for name, value in model.state_dict().items()}
    model[0].register_forward_hook(lambda *_: calls.append(1))
    hooks, random = [len(m._forward_hooks) for m in model.modules()], torch.get_rng_state()
    assert isinstance(explore_hooks(model, x), Player)
    assert calls == []
    assert hooks == [len(m._forward_hooks) for m in model.modules()]
    assert not any(m._backward_hooks or m._forward_pre_hooks for m in model.modules())
    assert torch.equal(torch.get_rng_state(), random)
    assert all(value.equal(state[name]) for name, value in model.state_dict().items())
    assert all(t.grad is None for t in [x, *model.parameters()])
    assert not x.requires_grad


def test_what_cannot_be_drawn_is_explained_and_leaves_no_hook():
    model, x = made(three_layers)
    for given, said in (
        ((model, torch.ones(1, 5)), "cannot be multiplied"),
        ((nn.Sequential(nn.Linear(3, 4), nn.ReLU(inplace=True)), x), "modified inplace"),
        ((nn.Sequential(nn.LSTM(3, 4)), x), "does not return one tensor"),
        ((nn.Sequential(nn.Embedding(3, 4)), torch.tensor([1])), "floating point"),
        ((nn.Sequential(*[nn.Tanh()] * 5), x), "1 to 4 layers"),
        ((model, x, "fc"), "no layer 'fc': its layers are 0, 1, 2"),
    ):
        notice = explore_hooks(*given)
        assert isinstance(notice, Notice)
        assert said in notice.message
        assert not any(m._forward_hooks or m._backward_hooks for m in given[0].modules())


# The picture can be read.


@every_net
def test_no_text_reaches_into_the_next_column(build):
    picture = HookPicture(timeline(build))
    for choice in range(len(picture.choices)):
        drawn = ElementTree.fromstring(picture.picture(choice, picture.last_step(choice)).live())
        rows = {}
        for text in drawn.iter(f"{SVG}text"):
            if text.get("text-anchor") == "start":
                rows.setdefault(text.get("y"), []).append((float(text.get("x")), text.text))
        for row in rows.values():
            for (x, content), (following, _) in pairwise(sorted(row)):
                assert x + text_width(content, 12) <= following
            assert max(x + text_width(content, 12) for x, content in row) <= picture.width


def test_every_step_is_said_and_a_changed_call_is_marked_by_a_sign():
    picture = HookPicture(timeline(three_layers))
    last = picture.last_step(0)
    told = [picture.picture(7, step).sentence for step in range(last + 1)]
    assert told[0].endswith("the full backward hook of 2 returns 10 times what it gets.")
    assert len(set(told)) == last + 1
    assert told[-1].startswith(
        f"Step {last} of {last}: done: x.grad, 0.weight.grad and 0.bias.grad"
    )
    assert " ≠<" not in picture.picture(0, last).live()
    differing = sum("not what it is without the change" in said for said in told)
    assert picture.picture(7, last).live().count(" ≠<") == differing > 0


def test_a_page_without_a_kernel_shows_the_whole_timeline(monkeypatch):
    monkeypatch.setenv("AUTOGRAD_COURSE_STATIC", "1")
    bundle = explore_hooks(*made(three_layers))._repr_mimebundle_()
    assert set(bundle) == {"text/plain", "text/html", "image/svg+xml"}
    assert all(f">{hook.name} · " in bundle["image/svg+xml"] for hook in HOOKS.values())
