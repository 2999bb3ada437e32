"""A whole net as a picture: whose a node is, boxes that open, what is not reached."""

import functools
import math
import re

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from course.widgets import explore
from course.widgets.frame import svg
from course.widgets.frame.look import SMALL_FONT_SIZE
from course.widgets.frame.notice import Notice
from course.widgets.graph.walk import in_order, is_leaf_node, reachable
from course.widgets.net.model import MOST_ITEMS, Net, Node
from course.widgets.net.owners import owners_of
from course.widgets.net.picture import NetPicture
from course.widgets.net.reader import read
from course.widgets.net.words import norm_of, weights_of
from tests.fixtures.counted import calls


class Block(nn.Module):
    def __init__(self, width=4):
        super().__init__()
        self.first, self.norm = nn.Linear(width, width, bias=False), nn.LayerNorm(width)
        self.second = nn.Linear(width, width)

    def forward(self, x):
        return x + self.second(self.norm(self.first(x)).relu())


class Tower(nn.Module):
    def __init__(self, blocks):
        super().__init__()
        self.blocks = nn.Sequential(*(Block() for _ in range(blocks)))
        self.head, self.unused = nn.Linear(4, 3), nn.Linear(4, 2)

    def forward(self, x):
        return self.head(self.blocks(x))


def loss_of(net):
    torch.manual_seed(0)
    return nn.functional.cross_entropy(net(torch.randn(5, 4)), torch.tensor([0, 1, 2, 0, 1]))


@pytest.fixture
def tower():
    torch.manual_seed(1)
    return Tower(3)


def recorded(net, run):
    """Which module was running when each node was made, by hooks set before: the truth."""
    stack, truth = [], {}

    def note():
        for node in reachable([t.grad_fn for t in made if t.grad_fn is not None]):
            truth.setdefault(node, stack[-1] if stack else "")

    made, handles = [], []
    for path, module in net.named_modules():

        def enter(module, inputs, path=path):
            made.extend(one for one in inputs if isinstance(one, torch.Tensor))
            note()
            stack.append(path)

        def leave(module, inputs, output):
            made.append(output)
            note()
            stack.pop()

        handles += [module.register_forward_pre_hook(enter), module.register_forward_hook(leave)]
    result = run()
    for handle in handles:
        handle.remove()
    made.append(result)
    note()
    return result, truth


def test_every_operation_on_a_parameter_belongs_to_the_module_that_made_it(tower):
    loss, truth = recorded(tower, lambda: loss_of(tower))
    nodes = in_order(reachable([loss.grad_fn]))
    owners = owners_of(nodes, tower)
    taking = [
        node
        for node in nodes
        if not is_leaf_node(node)
        and any(one is not None and is_leaf_node(one) for one, _ in node.next_functions)
    ]
    assert len(taking) > 10
    assert {node: owners[node] for node in taking} == {node: truth[node] for node in taking}


def test_operations_between_those_of_a_module_are_its_own_and_the_rest_stand_at_most_next_to_it(
    tower,
):
    loss, truth = recorded(tower, lambda: loss_of(tower))
    owners = owners_of(in_order(reachable([loss.grad_fn])), tower)
    relus = [node for node in owners if type(node).__name__ == "ReluBackward0"]
    adds = [node for node in owners if type(node).__name__ == "AddBackward0"]
    assert [owners[node] for node in relus] == [f"blocks.{i}" for i in range(3)]
    assert [owners[node] for node in adds] == [truth[node] for node in adds]


def test_a_parameter_that_is_not_reached_is_named_first_and_last(tower):
    player = explore(loss_of(tower), tower)
    said = "unused.weight and unused.bias are not reached"
    assert said in player.sentence
    player.step = player.last_step
    assert said in player.sentence
    assert "a gradient reached 17 parameters" in player.sentence


def test_frozen_parameters_are_counted_and_not_called_unreached(tower):
    tower.blocks.requires_grad_(False)
    sentence = explore(loss_of(tower), tower).sentence
    assert "15 parameters do not require grad" in sentence
    assert "blocks" not in sentence.split("not reached")[0].split("result it takes.")[1]


def test_the_norms_are_those_of_a_backward_pass(tower):
    loss = loss_of(tower)
    net = read(loss, tower, "net")
    loss.backward()
    found = {}
    for item in NetPicture(net).views[0].items:
        found |= weights_of(net, item)
    for name, parameter in tower.named_parameters():
        if parameter.grad is not None:
            wanted = parameter.grad.norm().item()
            assert math.isclose(found[name], wanted, rel_tol=1e-5, abs_tol=1e-9), name


def test_exploring_leaves_gradients_the_graph_and_random_numbers_as_they_were(tower):
    loss = loss_of(tower)
    state = torch.get_rng_state()
    explore(loss, tower)
    assert all(parameter.grad is None for parameter in tower.parameters())
    assert torch.equal(torch.get_rng_state(), state)
    loss.backward()  # its saved tensors are still there


def test_a_box_opens_by_a_click_and_its_inside_says_where_it_comes_from(tower):
    player = explore(loss_of(tower), tower)
    assert "data-open" in player.stage.svg
    player.step = 2
    player.stage._handle_custom_msg({"open": "tower.blocks"}, [])
    assert player.sentence.startswith("Step 0 of ")
    assert "tower.blocks:" in player.sentence
    names = [item.name for item in NetPicture(read(loss_of(tower), tower, "tower")).views[1].items]
    assert names == ["0", "1", "2", "head"]
    player.stage._handle_custom_msg({"open": "no such box"}, [])
    assert "tower.blocks:" in player.sentence


def test_a_gradient_of_many_digits_fits_into_its_box():
    net = nn.Sequential(nn.Linear(4, 3), nn.Linear(3, 3))
    picture = NetPicture(read(1e-4 * loss_of(net), net, "net"))
    drawn = picture.picture(0, picture.last_step(0)).body
    boxes = re.findall(
        r'<rect [^>]*width="([\d.]+)"[^>]*/>(?:(?!<rect).)*>(.grad: norm [^<]*)<', drawn
    )
    assert len(boxes) == 2
    for width, told in boxes:
        assert len(told) > len(".grad: norm 0.123")
        assert svg.text_width(told, SMALL_FONT_SIZE) < float(width)


def test_a_net_inside_one_module_is_shown_by_what_is_in_it(tower):
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True, dropout=0.0)
    encoder = nn.TransformerEncoder(layer, 2)
    views = NetPicture(read(encoder(torch.randn(3, 5, 8)).sum(), encoder, "encoder")).views
    assert [item.name for item in views[0].items] == ["layers.0", "layers.1"]
    assert [view.name for view in views][:2] == ["encoder", "encoder.layers.0"]
    wrapped = nn.ModuleDict({"inside": nn.Sequential(tower)})
    views = NetPicture(read(loss_of(tower), wrapped, "net")).views
    names = [item.name for item in views[0].items]
    assert names == ["inside.0.blocks", "inside.0.head", "LogSoftmax → NllLoss"]
    only = nn.Sequential(nn.Linear(4, 3))
    views = NetPicture(read(loss_of(only), only, "net")).views
    assert [item.name for item in views[0].items] == ["0", "LogSoftmax → NllLoss"]


def test_a_module_that_has_only_a_number_is_called_by_its_class_too():
    net = nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 3))
    player = explore(loss_of(net), net)
    player.step = 2
    assert "backward runs Linear 2 (2 nodes)" in player.sentence
    player.step = 3
    assert re.search(r"backward runs Relu .* to Linear 0\.", player.sentence)
    player.stage._handle_custom_msg({"open": "net.2"}, [])
    player.step = 1
    assert "what lies outside, in " in player.sentence


def test_a_large_graph_is_folded_with_the_net_that_is_found_among_the_variables():
    net = Tower(40)
    loss = loss_of(net)
    player = explore(loss)
    assert player.sentence.startswith("Step 0 of ")
    assert "net: 2" in player.sentence
    del net
    told = explore(loss)
    assert isinstance(told, Notice)
    assert "explore(loss, net)" in told.message


def test_two_thousand_nodes_are_shown_and_stepped_for_a_few_calls_a_node():
    net = Tower(330)
    loss = loss_of(net)
    nodes = len(NetPicture(read(loss, net, "net")).net.nodes)
    assert nodes > 2000
    shown = []
    assert calls(lambda: shown.append(explore(loss, net))) < 1000 * nodes
    (player,) = shown
    for step in range(player.last_step + 1):
        assert calls(functools.partial(setattr, player, "step", step)) < 50 * nodes


def test_what_cannot_be_explored_with_a_net_is_said(tower):
    loss = loss_of(tower)
    with torch.no_grad():
        unrecorded = loss_of(tower)
    assert "one result and the one net" in explore(tower).message
    assert "one result and the one net" in explore(loss, loss, tower).message
    assert "does not require grad" in explore(unrecorded, tower).message
    assert "shape (5, 3)" in explore(tower(torch.ones(5, 4)), tower).message
    loss.backward()
    assert "frees" in explore(loss, tower).message


def test_a_module_that_is_called_again_on_its_own_result_is_one_box():
    torch.manual_seed(0)
    net = nn.ModuleDict({"cell": nn.Linear(3, 3), "head": nn.Linear(3, 1)})
    x = torch.randn(2, 3)
    for _ in range(4):
        x = net["cell"](x).tanh()
    view = NetPicture(read(net["head"](x).sum(), net, "net")).views[0]
    assert [item.name for item in view.items] == ["cell", "Tanh", "head", "Sum"]
    assert all(source < target for source, target in view.edges)


def test_a_leaf_that_a_small_graph_does_not_reach_is_named():
    x, c = (torch.tensor(v, requires_grad=True) for v in (2.0, 3.0))
    player = explore(x * x, names={"x": x, "c": c})
    assert player.sentence.endswith("c is not reached: no recorded way leads here from it.")
    player.step = player.last_step
    assert "c is not reached" in player.sentence


def test_a_leaf_behind_a_detach_is_not_said_to_have_no_part_in_the_number():
    x, c = (torch.tensor(v, requires_grad=True) for v in (2.0, 3.0))
    sentence = explore(x * c.detach(), names={"x": x, "c": c}).sentence
    assert sentence.endswith("c is not reached: no recorded way leads here from it.")


@st.composite
def nets(draw):
    """A graph of nodes in an order, each taking from earlier ones, owned by nested modules."""
    count = draw(st.integers(1, 40))
    paths = ["", "a", "a.b", "a.b.c", "d", "d.0", "d.1", "e"]
    nodes = []
    for index in range(count):
        some = draw(st.sets(st.integers(0, index - 1), max_size=3)) if index else set()
        sends = tuple((one, draw(st.sampled_from([None, 1.0]))) for one in sorted(some))
        nodes.append(Node("XBackward0", draw(st.sampled_from(paths)), sends))
    return Net("net", "Net", tuple(nodes), dict.fromkeys(paths, "M"), 0, (), 0)


@settings(max_examples=40)
@given(nets())
def test_every_view_holds_each_of_its_nodes_once_and_runs_from_inputs_to_results(net):
    views = net.views()
    whole = next(iter(views.values()))
    held = [index for item in whole.items for index in item.nodes]
    assert sorted(held) == list(range(len(net.nodes)))
    opened = {item.opens for view in views.values() for item in view.items} - {""}
    assert opened == set(views) - {"net"}
    for view in views.values():
        inside = [item for item in view.items if not item.is_outside]
        assert len(inside) <= MOST_ITEMS
        nodes = [index for item in inside for index in item.nodes]
        assert len(nodes) == len(set(nodes))
        for a, item in enumerate(inside):
            assert not any(net.between(other, item) for other in inside[a + 1 :])
    picture = NetPicture(net)
    for choice in range(len(picture.choices)):
        for step in range(picture.last_step(choice) + 1):
            assert picture.picture(choice, step).sentence.startswith(f"Step {step} of")


def test_the_norm_of_several_gradients_is_that_of_all_their_numbers():
    assert norm_of([3.0, None, 4.0]) == 5.0
    assert norm_of([None]) is None
