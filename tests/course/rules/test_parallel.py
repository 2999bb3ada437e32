"""The programs that lesson 13 shows as its rules, run against torch and against schedules."""

from collections import OrderedDict
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import pytest
import torch
import torch.distributed as dist
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn.functional import linear, mse_loss
from torch.nn.parallel import DistributedDataParallel

from course.widgets.pipeline.schedules import gpipe, one_forward_one_backward
from tests.fixtures.lesson_texts import rule

LESSON = "13-parallel"

average_is_right = rule(LESSON, "average_is_right")
next_pass_raises = rule(LESSON, "next_pass_raises")
put_together = rule(LESSON, "put_together")
bubble = rule(LESSON, "bubble")
kept = rule(LESSON, "kept")
numbers_saved = rule(LESSON, "numbers_saved")

few = st.integers(1, 4)


@pytest.fixture(scope="module")
def world_of_one():
    """A process group of this process alone, as DDP wants one."""
    dist.init_process_group("gloo", store=dist.HashStore(), rank=0, world_size=1)
    yield
    dist.destroy_process_group()


def noise(seed, *shape):
    g = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, dtype=torch.float64, generator=g)


@given(st.lists(st.integers(0, 5), min_size=1, max_size=4), st.integers(0, 99))
@example([3, 3, 3], 0)
@example([4, 0], 0)
@settings(max_examples=60, deadline=None)
def test_the_plain_average_is_right_for_shards_of_one_size_alone(sizes, seed):
    assume(sum(sizes) > 0)
    x, y = noise(seed, sum(sizes), 3), noise(seed + 1, sum(sizes), 2)
    w = noise(seed + 2, 2, 3).requires_grad_()

    def gradient(x, y):
        return torch.autograd.grad(mse_loss(linear(x, w), y), w)[0]

    shards = zip(x.split(sizes), y.split(sizes), strict=True)
    average = torch.stack([gradient(*shard) for shard in shards]).mean(0)
    assert torch.allclose(average, gradient(x, y)) == average_is_right(sizes)


class Some(nn.Module):
    """Layers, of which a forward pass uses some."""

    def __init__(self, count, frozen):
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(3, 2) for _ in range(count))
        for i in frozen:
            self.layers[i].requires_grad_(False)

    def forward(self, x, used):
        return x.sum() + sum(self.layers[i](x) for i in used)


@given(st.integers(1, 4), st.data(), st.booleans())
@settings(max_examples=60, deadline=None)
def test_ddp_refuses_the_next_pass_where_a_gradient_never_came(world_of_one, count, data, find):
    subsets = st.sets(st.integers(0, count - 1))
    frozen, frozen_later, used = data.draw(subsets), data.draw(subsets), data.draw(subsets)
    learning = set(range(count)) - frozen
    assume(learning)
    net = Some(count, frozen)
    ddp = DistributedDataParallel(net, find_unused_parameters=find)
    for i in frozen_later:
        net.layers[i].requires_grad_(False)
    x = torch.ones(4, 3, requires_grad=True)  # there is a backward pass, whatever is used
    ddp(x, used).sum().backward()
    with torch.no_grad():
        ddp(x, used)
    if next_pass_raises(learning, used - frozen_later, find):
        for _ in range(2):  # a pass that was refused brings nothing to an end
            with pytest.raises(RuntimeError, match="Expected to have finished reduction"):
                ddp(x, used)
    else:
        ddp(x, used)


@dataclass
class Held:
    """Two results, in a shape that DDP's rule leaves out."""

    one: torch.Tensor
    other: torch.Tensor


class Results(dict):
    """A dict of somebody's own."""


class Pair(tuple):
    """A tuple of somebody's own."""

    @classmethod
    def of(cls, *results):
        return cls(results)


HIDDEN = (Held, Results, Pair)


@pytest.mark.parametrize(
    "results",
    [
        lambda a, b: (a, b),
        lambda a, b: {0: a, 1: b},
        lambda a, b: [a, {0: (b,)}],
        Held,
        lambda a, b: Results({0: a, 1: b}),
        Pair.of,
    ],
)
def test_looking_for_the_unused_helps_where_results_lie_in_tuples_and_dicts(world_of_one, results):
    net = Some(2, ())
    net.forward = lambda x: results(net.layers[0](x), net.layers[1](x))
    ddp = DistributedDataParallel(net, find_unused_parameters=True)
    x = torch.ones(4, 3)
    found = ddp(x)
    (found.one if isinstance(found, Held) else found[0]).sum().backward()
    if isinstance(found, HIDDEN):
        with pytest.raises(RuntimeError, match="Expected to have finished reduction"):
            ddp(x)
    else:
        assert not next_pass_raises({0, 1}, {0}, find_unused=True)
        ddp(x)


@pytest.mark.parametrize("results", [Held, lambda a, b: Results(enumerate([a, b])), Pair.of])
def test_results_in_a_class_of_ones_own_do_where_the_loss_uses_all(world_of_one, results):
    net = Some(3, ())
    net.forward = lambda x: results(net.layers[0](x), net.layers[1](x))  # and never the third
    ddp = DistributedDataParallel(net, find_unused_parameters=True)
    x = torch.ones(4, 3)
    found = ddp(x)
    assert isinstance(found, HIDDEN)
    used = (found.one, found.other) if isinstance(found, Held) else (found[0], found[1])
    torch.stack(used).sum().backward()
    ddp(x)


class Sealed:
    """Two results in an object of somebody's own."""

    def __init__(self, one, other):
        self.one, self.other = one, other


@pytest.mark.parametrize("find", [True, False])
def test_results_in_an_object_are_taken_for_unused_where_ddp_looks_for_these(world_of_one, find):
    net = Some(2, ())
    net.forward = lambda x: Sealed(net.layers[0](x), net.layers[1](x))
    ddp = DistributedDataParallel(net, find_unused_parameters=find)
    found = ddp(torch.ones(4, 3))
    loss = (found.one + found.other).sum()
    if find:
        with pytest.raises(RuntimeError, match="Expected to mark a variable ready only once"):
            loss.backward()
    else:
        loss.backward()


class Named(NamedTuple):
    """Two results with names."""

    one: torch.Tensor
    other: torch.Tensor


@pytest.mark.parametrize("results", [Named, lambda a, b: OrderedDict(enumerate([a, b]))])
def test_looking_for_the_unused_knows_the_tuples_and_dicts_of_pythons_library(
    world_of_one, results
):
    net = Some(2, ())
    net.forward = lambda x: results(net.layers[0](x), net.layers[1](x))
    ddp, x = DistributedDataParallel(net, find_unused_parameters=True), torch.ones(4, 3)
    ddp(x)[0].sum().backward()
    ddp(x)


@pytest.mark.parametrize("of", ["an earlier pass", "a parameter alone"])
def test_a_backward_pass_that_goes_past_the_last_results_leaves_ddp_waiting(world_of_one, of):
    """Why the rule asks that every backward() comes through the results of that pass."""
    net, x = Some(2, ()), torch.ones(4, 3)
    ddp = DistributedDataParallel(net, find_unused_parameters=True)
    earlier = ddp(x, {0})
    ddp(x, {0, 1})
    started = earlier if of == "an earlier pass" else net.layers[0].weight
    started.sum().backward()
    with pytest.raises(RuntimeError, match="Expected to have finished reduction"):
        ddp(x, {0})


def test_the_error_gives_names_where_the_debug_level_is_info(world_of_one):
    before = dist.get_debug_level()
    dist.set_debug_level(dist.DebugLevel.INFO)
    try:
        ddp, x = DistributedDataParallel(Some(2, ())), torch.ones(4, 3)
        ddp(x, {0}).sum().backward()
        with pytest.raises(RuntimeError, match=r"for rank 0: layers\.1\.") as at:
            ddp(x, {0})
    finally:
        dist.set_debug_level(before)
    assert "Parameter indices which did not receive grad for rank 0: 2 3" in str(at.value)


def test_every_backward_pass_since_the_forward_pass_counts_and_autograd_grad_does_not(world_of_one):
    net = Some(2, ())
    net.forward = lambda x: (net.layers[0](x), net.layers[1](x))
    ddp, x = DistributedDataParallel(net), torch.ones(4, 3)
    first, _ = ddp(x)
    torch.autograd.grad(first.sum(), list(net.layers[0].parameters()))
    assert not next_pass_raises({0, 1}, set(), find_unused=False)
    first, second = ddp(x)
    first.sum().backward(retain_graph=True)
    second.sum().backward()
    assert not next_pass_raises({0, 1}, {0, 1}, find_unused=False)
    ddp(x)


class SendsNone(torch.autograd.Function):
    """The identity, whose backward has no gradient to send."""

    @staticmethod
    def forward(ctx, x):
        return x.clone()

    @staticmethod
    def backward(ctx, g):
        return None


def test_a_backward_pass_that_arrives_with_none_has_arrived(world_of_one):
    net = Some(2, ())
    ddp, x = DistributedDataParallel(net), torch.ones(4, 3)
    SendsNone.apply(ddp(x, {0})).sum().backward()
    assert net.layers[0].weight.grad is None
    assert next_pass_raises({0, 1}, {0}, find_unused=False)
    with pytest.raises(RuntimeError, match="Expected to have finished reduction"):
        ddp(x, {0})


def test_a_second_backward_pass_is_told_only_where_the_exchange_is_not_done(world_of_one):
    x = torch.ones(4, 3)
    for used in ({0, 1}, {0}):
        ddp = DistributedDataParallel(Some(2, ()))
        loss = ddp(x, used).sum()
        loss.backward(retain_graph=True)
        if used == {0, 1}:
            loss.backward()
        else:
            with pytest.raises(RuntimeError, match="mark a variable ready only once"):
                loss.backward()


def combined(parts, how, axis):
    return sum(parts) if how == "sum" else torch.cat(parts, axis)


@given(st.sampled_from(["out", "in"]), few, few, few, st.integers(0, 99))
@settings(max_examples=60, deadline=None)
def test_a_layer_in_parts_is_put_together_as_the_rule_says(cut, ranks, rows, width, seed):
    out, into = (width * ranks, 3) if cut == "out" else (3, width * ranks)
    x, w = noise(seed, rows, into), noise(seed + 1, out, into)
    gy = noise(seed + 2, rows, out)
    xs = [x] * ranks if cut == "out" else x.chunk(ranks, 1)
    ws = w.chunk(ranks, 0 if cut == "out" else 1)
    gys = gy.chunk(ranks, 1) if cut == "out" else [gy] * ranks
    outputs, gradients = [], []
    for own_x, own_w, own_gy in zip(xs, ws, gys, strict=True):
        leaf = own_x.clone().requires_grad_()
        outputs.append(linear(leaf, own_w))
        gradients += torch.autograd.grad(outputs[-1], leaf, own_gy)
    how = put_together(cut)
    torch.testing.assert_close(combined(outputs, how["output"], 1), linear(x, w))
    torch.testing.assert_close(combined(gradients, how["gradient of x"], 1), gy @ w)


@given(st.integers(1, 6), st.integers(1, 9))
@settings(max_examples=40, deadline=None)
def test_bubble_and_kept_activations_are_those_of_the_schedules(stages, micro):
    for name, make in (("GPipe", gpipe), ("1F1B", one_forward_one_backward)):
        schedule = make(stages, micro)
        idle = schedule.idle(schedule.ticks) / (stages * schedule.ticks)
        assert idle == pytest.approx(bubble(stages, micro))
        for stage in range(stages):
            assert schedule.most_kept(stage) == kept(stages, micro, stage, name)


def ended(schedule, backward):
    """When a schedule is over in which a forward pass takes 1 and a backward pass `backward`.

    Every stage keeps its order, and does each piece as soon as what it needs is there.
    """
    done, free = {}, [0.0] * schedule.stages
    for one in sorted(schedule.work, key=lambda work: work.tick):
        if one.kind == "F":
            needs = (one.stage - 1, "F", one.micro)
        elif one.stage == schedule.stages - 1:
            needs = (one.stage, "F", one.micro)
        else:
            needs = (one.stage + 1, "B", one.micro)
        start = max(free[one.stage], done.get(needs, 0.0))
        free[one.stage] = done[one.stage, one.kind, one.micro] = start + (
            1 if one.kind == "F" else backward
        )
    return max(free)


@given(st.integers(1, 6), st.integers(1, 9), st.sampled_from([1.5, 2.0, 3.0]))
@settings(max_examples=40, deadline=None)
def test_the_share_of_the_bubble_stays_where_a_backward_pass_takes_longer(stages, micro, backward):
    for make in (gpipe, one_forward_one_backward):
        busy = micro * (1 + backward)
        share = 1 - busy / ended(make(stages, micro), backward)
        assert share == pytest.approx(bubble(stages, micro))


@given(st.integers(1, 6), st.lists(st.integers(1, 6), min_size=2, max_size=5))
@settings(max_examples=40, deadline=None)
def test_the_numbers_saved_are_those_that_the_hooks_see(rows, widths):
    layers = []
    for into, out in pairwise(widths):
        layers += [nn.Linear(into, out), nn.ReLU()]
    net = nn.Sequential(*layers[:-1])
    own = {p.untyped_storage().data_ptr() for p in net.parameters()}
    found = {}

    def pack(t):
        storage = t.untyped_storage()
        if storage.data_ptr() not in own:
            found[storage.data_ptr()] = storage.nbytes() // t.element_size()
        return t

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda t: t):
        out = net(torch.randn(rows, widths[0]))
    assert out.requires_grad
    assert sum(found.values()) == numbers_saved(rows, widths)
