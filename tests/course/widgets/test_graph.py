"""Chapter 1's picture tells the truth about a graph, and leaves the learner's graph alone."""

import contextlib
import gc
import importlib.util
import shutil
import warnings
import weakref
from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from course.widgets import explore, show_graph, static_svg
from course.widgets.frame.notice import Notice
from course.widgets.frame.svg import Picture, text_width
from course.widgets.graph import rules as graph_rules
from course.widgets.graph.explorer import SteppedGraph, TorchvizDrawing
from course.widgets.graph.geometry import LABEL_HEIGHT, geometry_of
from course.widgets.graph.model import state_at
from course.widgets.graph.reader import read
from course.widgets.graph.texts import widest_arrows


def leaf(*values, dtype=torch.float32):
    """A leaf that requires grad: a number if one value is given, else a vector."""
    numbers = values[0] if len(values) == 1 else values
    return torch.tensor(numbers, dtype=dtype, requires_grad=True)


def two_paths():
    x, w = leaf(2.0), leaf(1.0)
    a = x + w
    b = w + 1
    return {"x": x, "w": w, "a": a, "b": b, "y": a * b}


def five_neurons():
    a, w1, w2, w3, w4 = map(leaf, (2.0, 3.0, 5.0, 7.0, 11.0))
    b, c = w1 * a, w2 * a
    d = w3 * b + w4 * c
    named = {"a": a, "w1": w1, "w2": w2, "w3": w3, "w4": w4, "b": b, "c": c, "d": d}
    return named | {"y": 10 - d}


def used_twice():
    x = leaf(3.0)
    s = x * x
    return {"x": x, "s": s, "y": s * s * x}


def only_additions():
    x, w = leaf(2.0), leaf(1.0)
    return {"x": x, "w": w, "y": x + w + x}


def network():
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.ReLU(), torch.nn.Linear(4, 1))
    return {"p": next(model.parameters()), "y": model(torch.randn(7, 3)).square().mean()}


def edited_in_place():
    x = leaf(1.0, 2.0, 3.0, 4.0)
    a = x * 2
    a[1:3] += a[0] * 3
    v = a.view(2, 2)
    v[0] = 7
    return {"x": x, "a": a, "v": v, "y": (a * v.sum()).sum()}


def several_outputs():
    x = leaf(1.0, 2.0, 3.0)
    a, b, c = x.unbind()
    return {"x": x, "a": a, "b": b, "c": c, "y": a * b + b * c}


def crossing():
    x, w = leaf(2.0), leaf(3.0)
    a, b = x + w, x * w
    return {"x": x, "w": w, "a": a, "b": b, "y": a * b}


def crowded():
    x, w = leaf(1.0), leaf(2.0)
    parts = [x * w, w * x, x.sin() * w, x / w]
    return {"x": x, "w": w, "y": torch.stack([*parts, x, w, x, w]).sum()}


class Doubled(torch.autograd.Function):
    """Twice its input, with the input saved, and no gradient for the second argument."""

    @staticmethod
    def forward(ctx, x, w):
        ctx.save_for_backward(x)
        return 2 * x + 0 * w

    @staticmethod
    def backward(ctx, grad):
        (x,) = ctx.saved_tensors
        return 2 * grad + 0 * x, None


def custom_function():
    x, w = leaf(3.0), leaf(5.0)
    y = Doubled.apply(x, w) * w
    return {"x": x, "w": w, "y": y}


GRAPHS = [
    two_paths,
    five_neurons,
    used_twice,
    only_additions,
    network,
    edited_in_place,
    several_outputs,
    crossing,
    crowded,
    custom_function,
]
every_graph = pytest.mark.parametrize("build", GRAPHS, ids=lambda build: build.__name__)


def stepped(named, *heads):
    """The graph of ``y``, or of other named results, ready to be stepped."""
    return SteppedGraph(read([named[head] for head in heads or ("y",)], named), "Graph")


def sentences(graph, choice=0):
    """Every sentence of a choice, without its step number."""
    steps = range(graph.last_step(choice) + 1)
    return [graph.picture(choice, step).sentence.split(": ", 1)[1] for step in steps]


def final_grads(graph, choice=0):
    """Every leaf's .grad at the last step, by name, as numbers."""
    steps = graph.graph.programs[choice].steps
    grads = state_at(graph.graph, steps, len(steps) - 1).grads
    return {graph.graph.boxes[box].name: grad and grad.numbers for box, grad in grads.items()}


# The numbers are torch's.


def test_five_neurons_show_the_gradients_of_the_figure():
    assert final_grads(stepped(five_neurons())) == {
        "w1": (-14,),
        "w2": (-22,),
        "w3": (-6,),
        "w4": (-10,),
        "a": (-76,),
    }


def test_two_paths_are_told_step_by_step():
    assert sentences(stepped(two_paths())) == [
        "x and w are leaves that require grad; no operation is recorded yet.",
        "forward computes a = 3 and records AddBackward0, which saves no tensor.",
        "forward computes b = 2 and records AddBackward0, which saves no tensor.",
        "forward computes y = 6 and records MulBackward0, which saves a = 3 and b = 2.",
        "y.backward() begins: y receives 1, its gradient with respect to itself.",
        "MulBackward0 receives 1 and sends 1 × b = 2 to a and 1 × a = 3 to b; "
        "the node's saved tensors are then freed.",
        "AddBackward0 of b receives 3 and sends 3 × 1 = 3 to w; w waits for 1 more.",
        "AddBackward0 of a receives 2 and sends 2 × 1 = 2 to x and 2 × 1 = 2 to w; "
        "w now has all 2: 3 + 2 = 5.",
        "AccumulateGrad of x receives 2 and puts it into x.grad, which was None.",
        "AccumulateGrad of w receives 5 and puts it into w.grad, which was None.",
        "done: x.grad = 2 and w.grad = 5; nodes and edges remain, but the saved tensors are freed, "
        "so a second y.backward() would raise an error.",
    ]


def test_a_previous_grad_is_added_to():
    named = used_twice()
    named["x"].grad = torch.tensor(1.0)
    told = sentences(stepped(named))
    assert "x now has all 3: 81 + 162 + 162 = 405" in told[-3]
    assert told[-2] == "AccumulateGrad of x receives 405 and adds it: x.grad becomes 1 + 405 = 406."


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_broadcast_input_receives_the_sum(dtype):
    x, w = leaf(1.0, 2.0, 3.0, dtype=dtype), leaf(2.0, dtype=dtype)
    graph = stepped({"x": x, "w": w, "y": (w * x).sum()})
    assert final_grads(graph) == {"w": (6,), "x": (2, 2, 2)}
    assert "the gradient × x summed to shape () = 6 to w" in sentences(graph)[5]
    assert graph.graph.boxes[0].values[0].dtype == str(dtype).removeprefix("torch.")


def engine_order(named):
    """The nodes of y in the order a real backward runs them: class, and the leaf's name."""
    names = {id(tensor): name for name, tensor in named.items()}
    order = []
    waiting, seen = [named["y"].grad_fn], set()
    while waiting:
        node = waiting.pop()
        if node not in seen:
            seen.add(node)
            waiting += [following for following, _ in node.next_functions if following]
            leaf_name = names.get(id(node.variable), "") if hasattr(node, "variable") else ""
            turn = type(node).__name__, leaf_name
            node.register_prehook(lambda _, turn=turn: order.append(turn))
    named["y"].backward()
    return order


@every_graph
def test_backward_steps_come_in_the_order_the_engine_uses(build):
    graph = stepped(build()).graph
    shown = [
        (graph.boxes[step.box].node, graph.boxes[step.box].name)
        for step in graph.programs[0].steps
        if step.kind in ("backward", "accumulate")
    ]
    real = engine_order(build())
    assert [kind for kind, _ in shown] == [kind for kind, _ in real]
    assert [name for kind, name in shown if kind == "AccumulateGrad"] == [
        name for kind, name in real if kind == "AccumulateGrad"
    ]


def test_saved_tensors_are_freed_node_by_node_as_the_picture_shows():
    def build():
        x = leaf(2.0)
        a = x * x
        b = torch.exp(a)
        return {"x": x, "a": a, "b": b, "y": b * x}

    saves = {"y": "_saved_self", "b": "_saved_result", "a": "_saved_self"}
    real = build()
    nodes = {name: real[name].grad_fn for name in saves}
    seen = {}

    def still_saved(name):
        with contextlib.suppress(RuntimeError):
            return getattr(nodes[name], saves[name]) is not None
        return False

    for name, node in nodes.items():
        node.register_prehook(
            lambda _, name=name: seen.update({name: {n for n in saves if not still_saved(n)}})
        )
    real["y"].backward()
    freed_at_the_end = {name for name in saves if not still_saved(name)}

    graph = stepped(build()).graph
    steps = graph.programs[0].steps
    for position, step in enumerate(steps):
        if step.kind == "backward":
            before = state_at(graph, steps, position - 1).freed
            assert {graph.boxes[i].name for i in before} == seen[graph.boxes[step.box].name]
    last = state_at(graph, steps, len(steps) - 1).freed
    assert {graph.boxes[i].name for i in last} == freed_at_the_end == set(saves)
    kept = graph.programs[1].steps
    assert not state_at(graph, kept, len(kept) - 1).freed


def two_heads():
    a = leaf(1.0, 2.0, 3.0)
    c = a**2 * 2
    return {"a": a, "c": c, "d": c.mean(), "e": c.sum()}


def test_a_second_head_stops_where_torch_stops():
    graph = stepped(two_heads(), "d", "e")
    assert graph.choices[0] == "d.backward(); e.backward()"
    refused = graph.graph.programs[0].steps[-1]
    assert refused.kind == "refused"
    real = two_heads()
    real["d"].backward()
    with pytest.raises(RuntimeError, match="backward through the graph a second time"):
        real["e"].backward()
    assert final_grads(graph)["a"] == tuple(real["a"].grad.tolist())
    started = []
    for node in (real["e"].grad_fn, real["c"].grad_fn):
        node.register_prehook(lambda _, node=node: started.append(type(node).__name__))
    with pytest.raises(RuntimeError):
        real["e"].backward()
    assert graph.graph.boxes[refused.box].node == started[-1]


def test_two_heads_on_a_kept_graph_add_up():
    graph = stepped(two_heads(), "d", "e")
    assert graph.choices[1] == "d.backward(retain_graph=True); e.backward()"
    real = two_heads()
    real["d"].backward(retain_graph=True)
    real["e"].backward()
    assert final_grads(graph, choice=1)["a"] == pytest.approx(real["a"].grad.tolist())


def test_an_add_only_graph_says_that_it_can_run_again():
    named = only_additions()
    assert sentences(stepped(named))[-1].endswith(
        "no node saved a tensor, so y.backward() could run again."
    )
    named["y"].backward()
    named["y"].backward()  # and it is so


def test_a_second_head_whose_nodes_saved_nothing_could_run_again():
    a = leaf(1.0, 2.0)
    named = {"a": a, "d": (a**2).sum(), "e": a.sum()}
    assert sentences(stepped(named, "d", "e"))[-1].endswith(
        "no node on the way of e.backward() saved a tensor, so it could run again."
    )
    for name in "dee":
        named[name].backward()


def test_an_edit_through_a_view_is_kept_and_freed_though_it_is_no_tensor():
    p = leaf(2.0, 3.0)
    edited = p.clone()
    edited[0].add_(1)
    named = {"p": p, "edited": edited, "d": edited.sum(), "e": (edited + 1).sum()}
    told = sentences(stepped(named, "d", "e"))
    assert any("records CopySlices, which saves the edit." in sentence for sentence in told)
    assert "CopySlices needs" in told[-1]
    named["d"].backward()
    with pytest.raises(RuntimeError, match="second time"):
        named["e"].backward()


def test_a_compiled_function_cannot_run_backward_again():
    x = leaf(1.0, 2.0)
    y = torch.compile(lambda t: (t + 1).sum(), backend="aot_eager")(x)
    told = sentences(stepped({"x": x, "y": y}))
    assert any("CompiledFunctionBackward, which saves what it needs" in text for text in told)
    assert told[-1].endswith("so a second y.backward() would raise an error.")
    y.backward()
    with pytest.raises(RuntimeError):
        y.backward()


RULED = {
    "AddBackward0": lambda x, m: torch.add(x, x.sin(), alpha=3),
    "SubBackward0": lambda x, m: torch.sub(x, x.sin(), alpha=3),
    "RsubBackward0": lambda x, m: torch.rsub(x, x.sin(), alpha=3),
    "RsubBackward1": lambda x, m: 10 - x,
    "NegBackward0": lambda x, m: -x,
    "CloneBackward0": lambda x, m: x.clone(),
    "MulBackward0": lambda x, m: x * x.sin(),
    "DivBackward0": lambda x, m: x / x.cos(),
    "PowBackward0": lambda x, m: x**3,
    "ExpBackward0": lambda x, m: x.exp(),
    "LogBackward0": lambda x, m: x.log(),
    "SqrtBackward0": lambda x, m: x.sqrt(),
    "SinBackward0": lambda x, m: x.sin(),
    "CosBackward0": lambda x, m: x.cos(),
    "SigmoidBackward0": lambda x, m: x.sigmoid(),
    "TanhBackward0": lambda x, m: x.tanh(),
    "ReluBackward0": lambda x, m: (x - 0.6).relu(),
    "SumBackward0": lambda x, m: x.sum(),
    "MeanBackward0": lambda x, m: x.mean(),
    "ExpandBackward0": lambda x, m: x.expand(2, 3),
    "MmBackward0": lambda x, m: m @ m.sin(),
    "AddmmBackward0": lambda x, m: torch.addmm(m, m, m.sin()),
    "MvBackward0": lambda x, m: m @ x,
    "DotBackward0": lambda x, m: x.dot(x.sin()),
    "TBackward0": lambda x, m: m.t(),
    "ViewBackward0": lambda x, m: m.view(9),
    "UnsafeViewBackward0": lambda x, m: m[None].expand(2, 3, 3) @ m,
    "UnsqueezeBackward0": lambda x, m: x[None],
    "SqueezeBackward0": lambda x, m: x[None].squeeze(),
    "SqueezeBackward1": lambda x, m: x[None].squeeze(0),
    "SelectBackward0": lambda x, m: m[:, -1],
    "IndexBackward0": lambda x, m: x[[0, 2, 2]],
}


def test_every_rule_has_an_example():
    assert set(RULED) == set(graph_rules.RULES)


@pytest.mark.parametrize("node", RULED)
def test_every_rule_is_proved_by_its_example(node):
    x, m = leaf(0.5, 0.7, 0.9), leaf(*((0.1, 0.2, 0.3), (0.5, 0.7, 0.4), (0.8, 0.6, 0.9)))
    result = RULED[node](x, m)
    weights = torch.linspace(1, 2, result.numel()).view(result.shape)
    graph = stepped({"x": x, "m": m, "y": (result * weights).sum()}).graph
    sends = [
        (graph.edges[send.edge].slot, send.how)
        for step in graph.programs[0].steps
        if step.kind == "backward" and graph.boxes[step.box].node == node
        for send in step.ran.sends
    ]
    assert set(graph_rules.RULES[node]) <= {slot for slot, how in sends if how}


def test_a_rule_that_does_not_hold_is_not_said(monkeypatch):
    wrong = graph_rules.Rule("{g} × 1000", lambda g, operands: g * 1000)
    monkeypatch.setitem(graph_rules.RULES, "MulBackward0", {0: wrong, 1: wrong})
    told = sentences(stepped(two_paths()))[5]
    assert "1000" not in told
    assert "sends 1 × 2 = 2 to a" in told  # the measured factor still stands


def test_a_hook_that_changes_a_gradient_is_reported():
    x = leaf(2.0)
    a = x * x
    a.register_hook(lambda grad: 10 * grad)
    told = sentences(stepped({"x": x, "a": a, "y": a * 3}))
    assert any("receives 30 (a hook changed 3 to 30) and sends 30 × x = 60" in one for one in told)


def test_a_node_that_sends_nothing_leaves_the_grad_none():
    x = leaf(1.0, 2.0)
    n = torch.linalg.vector_norm(x * 2, 0)  # a count: its node sends nothing in place of zeros
    told = static_svg(n)
    assert isinstance(told, Picture)
    assert "done: x.grad = None;" in told.sentence
    n.backward()
    assert x.grad is None


def test_a_leaf_that_stopped_requiring_grad_drops_what_it_receives():
    x = leaf(2.0)
    y = x * x
    x.requires_grad_(False)
    told = sentences(stepped({"x": x, "y": y}))
    assert "receives 4 and drops it, because x.requires_grad is now False" in told[-2]
    y.backward()
    assert x.grad is None  # and it is so


def test_inputs_without_grad_are_shown_by_name_where_the_node_kept_them():
    w, a, b = leaf(3.0), torch.tensor(2.0), torch.tensor(1.0)
    graph = stepped({"w": w, "a": a, "b": b, "y": w * a + b}).graph
    constants = [box for box in graph.boxes if box.kind == "constant"]
    assert [(box.name, box.values[0] and box.values[0].short()) for box in constants] == [
        ("a", "2"),
        ("", None),  # an addition keeps nothing: torch itself no longer knows b
    ]


# The learner's graph is as it was.


OPERATIONS = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "sin": lambda a, b: a.sin(),
    "tanh": lambda a, b: a.tanh(),
    "square": lambda a, b: a**2 / 4,
    "sum": lambda a, b: a.sum(),
    "mean": lambda a, b: a.mean(),
    "relu": lambda a, b: (a - 0.5).relu(),
    "index": lambda a, b: a[..., None][[0, 0]].sum(),
    "view": lambda a, b: a.reshape(-1)[0],
}


@st.composite
def expressions(draw):
    """A recipe: dtype, leaves (shape, earlier .grad), and operations on what exists so far."""
    leaves = draw(
        st.lists(st.tuples(st.sampled_from([(), (3,)]), st.booleans()), min_size=1, max_size=3)
    )
    operations = draw(
        st.lists(
            st.tuples(
                st.sampled_from(
                    [
                        "add",
                        "sub",
                        "mul",
                        "sin",
                        "tanh",
                        "square",
                        "sum",
                        "index",
                        "view",
                        "relu",
                        "mean",
                    ]
                ),
                st.integers(0, 99),
                st.integers(0, 99),
            ),
            min_size=1,
            max_size=9,
        )
    )
    return draw(st.sampled_from([torch.float32, torch.float64])), leaves, operations


def built(recipe):
    """The recipe's leaves, with .grad where it says so, and its result of one element."""
    dtype, shapes, operations = recipe
    leaves = []
    for number, (shape, has_grad) in enumerate(shapes):
        values = torch.arange(1, 1 + torch.Size(shape).numel(), dtype=dtype).view(shape)
        leaves.append((0.3 * values + 0.1 * number).requires_grad_())
        leaves[-1].grad = torch.full(shape, 0.5, dtype=dtype) if has_grad else None
    made = list(leaves)
    for name, one, other in operations:
        a, b = made[one % len(made)], made[other % len(made)]
        made.append(OPERATIONS[name](a, b))
    return leaves, made[-1].sum() + made[len(leaves)].sum()


@given(recipe=expressions(), retain=st.booleans())
def test_shown_grads_are_torchs_and_the_learners_state_is_untouched(recipe, retain):
    leaves, y = built(recipe)
    before = [None if one.grad is None else (one.grad, one.grad.clone()) for one in leaves]
    versions = [(one._version, one._backward_hooks) for one in leaves]
    rng = torch.get_rng_state()
    names = {f"leaf{i}": one for i, one in enumerate(leaves)} | {"y": y}

    graph = SteppedGraph(read([y], names), "Graph")

    for one, old, flags in zip(leaves, before, versions, strict=True):
        assert one.grad is (old and old[0])
        assert old is None or torch.equal(*old)
        assert (one._version, one._backward_hooks) == flags
    assert torch.equal(torch.get_rng_state(), rng)

    expected = torch.autograd.grad(y, leaves, retain_graph=True, allow_unused=True)
    shown = final_grads(graph, int(retain))
    for i, (one, gradient) in enumerate(zip(leaves, expected, strict=True)):
        if gradient is not None:
            total = gradient if one.grad is None else one.grad + gradient
            assert shown[f"leaf{i}"] == pytest.approx(total.flatten().tolist(), nan_ok=True)
    y.backward()  # the learner's own backward still works, and gives what was shown
    for i, one in enumerate(leaves):
        if f"leaf{i}" in shown:
            assert shown[f"leaf{i}"] == pytest.approx(one.grad.flatten().tolist(), nan_ok=True)


@every_graph
def test_the_learner_can_explore_twice_and_then_run_backward(build):
    named = build()
    first, second = stepped(named), stepped(named)
    assert sentences(first) == sentences(second)
    named["y"].backward()


def test_a_retained_grad_of_a_result_is_put_back():
    x = leaf(2.0)
    a = x * x
    a.retain_grad()
    y = a * 3
    stepped({"x": x, "y": y})
    assert a.grad is None
    y.backward(retain_graph=True)
    kept = a.grad
    stepped({"x": x, "y": y})
    assert a.grad is kept
    assert a.grad.item() == 3


def test_the_random_generator_and_grad_mode_are_put_back():
    class Noisy(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x.clone()

        @staticmethod
        def backward(ctx, grad):
            return grad * torch.rand(())

    y = Noisy.apply(leaf(2.0))
    torch.manual_seed(3)
    state = torch.get_rng_state()
    with torch.no_grad():
        stepped({"y": y})
        assert not torch.is_grad_enabled()
    assert torch.is_grad_enabled()
    assert torch.equal(torch.get_rng_state(), state)


def test_hooks_on_saved_tensors_are_not_run_to_look():
    unpacked = []
    x = leaf(2.0)
    with torch.autograd.graph.saved_tensors_hooks(lambda t: t, lambda t: unpacked.append(t) or t):
        y = x * x
    read([y], {"x": x}, run_backward=False)
    assert not unpacked
    stepped({"x": x, "y": y})
    assert len(unpacked) == 2  # self and other, once, by the one backward


def test_nothing_of_the_graph_is_kept_alive():
    named = two_paths()
    graph = stepped(named)
    gone = [weakref.ref(tensor) for tensor in named.values()]
    nodes = [weakref.ref(graph), named["y"].grad_fn.name()]
    named.clear()
    gc.collect()
    assert [reference() for reference in gone] == [None] * 5
    assert nodes[0]() is graph


def test_no_warning_reaches_the_learner():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for build in GRAPHS:
            stepped(build())


# Whatever cannot be stepped is explained.


def test_a_graph_whose_saved_tensors_are_gone_says_why_and_what_to_do():
    named = two_paths()
    named["y"].backward()
    notice = explore(named["y"], names=named)
    assert "frees the tensors its nodes saved" in notice.message
    assert "retain_graph=True" in notice.message
    assert "Compute it anew in every step" in notice.message
    assert 'class="shape freed"' in notice.picture.static()


def test_a_tensor_edited_in_place_after_it_was_saved_is_explained():
    x = leaf(2.0, 3.0)
    e = x.exp()
    y = (e * e).sum()
    e.add_(1)
    notice = explore(y)
    assert "edited in place" in notice.message
    assert "edit a clone" in notice.message
    assert "edited in place" in notice.picture.static()


def test_an_error_in_the_learners_own_backward_is_shown():
    class Broken(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x.clone()

        @staticmethod
        def backward(ctx, grad):
            raise ValueError("no rule yet")

    x = leaf(2.0)
    y = Broken.apply(x)
    assert "ValueError: no rule yet" in explore(y).message
    assert x._backward_hooks is None


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: leaf(2.0), "is a leaf"),
        (lambda: torch.tensor(2.0) * 3, "does not require grad"),
        (lambda: (leaf(2.0) * 3).item(), "is a float, not a tensor"),
        (lambda: leaf(1.0, 2.0) * 3, "has shape (2,)"),
        (lambda: leaf(1.0) * (1 + 2j), "is complex"),
        (lambda: sum([leaf(1.0) * i for i in range(300)]), "up to 200"),
    ],
)
def test_what_has_no_picture_gets_a_sentence(make, words):
    y = make()
    notice = explore(y)
    assert isinstance(notice, Notice)
    assert words in notice.message
    assert str(notice).startswith(("y ", "the result ", "This graph has"))
    assert "text/html" in notice._repr_mimebundle_()


def test_a_large_graph_is_summed_up_in_words():
    x = leaf(1.0)
    y = x
    for _ in range(300):
        y = y * 1.0
    assert explore(y).details == ("300 × MulBackward0", "1 × AccumulateGrad")


def test_a_result_of_one_element_may_have_any_shape():
    x = torch.ones(1, 1, requires_grad=True)
    assert sentences(stepped({"x": x, "y": x * 2}))[-2].startswith(
        "AccumulateGrad of x receives [[2]]"
    )


# The picture.


def test_names_are_found_where_explore_is_called():
    x, params, layers = leaf(2.0), {"w": leaf(3.0)}, [leaf(5.0)]
    model = torch.nn.Linear(1, 1)
    y = x * params["w"] * layers[0] * model.weight.sum() * model.bias.sum()
    found = {box.name for box in explore(y)._stepped.graph.boxes if box.kind == "leaf"}
    assert found == {"x", "params['w']", "layers[0]", "model.weight", "model.bias"}


def test_names_given_win_over_names_found():
    x = leaf(2.0)
    y = x * x
    assert (
        "z.backward() begins: z receives 1"
        in sentences(explore(y, names={"z": y, "input": x})._stepped)[2]
    )


@every_graph
def test_a_graph_can_be_broken_into_lines_at_every_gap(build):
    """Columns and gaps follow each other; boxes lie in columns, and numbers on arrows in gaps."""
    graph = stepped(build()).graph
    geometry = geometry_of(graph)
    bands = geometry.bands
    assert len(bands) % 2 == 1
    assert all(one.right == other.left for one, other in pairwise(bands))
    for unit in geometry.units:
        [column] = [b for b in bands[::2] if b.left - 1 <= unit.x and unit.right <= b.right + 1]
        assert column.top <= unit.y - 15
        assert unit.y + unit.below <= column.bottom
    for index, (x, y) in enumerate(geometry.labels):
        if index in widest_arrows(graph):
            [gap] = [band for band in bands[1::2] if band.left <= x <= band.right]
            assert gap.top <= y - LABEL_HEIGHT / 2
            assert y + LABEL_HEIGHT / 2 <= gap.bottom


@every_graph
def test_nothing_overlaps_and_nothing_is_clipped(build):
    graph = stepped(build()).graph
    geometry = geometry_of(graph)
    for i, one in enumerate(geometry.units):
        assert one.x >= 0
        assert one.right <= geometry.width
        assert one.y - 15 >= 0
        assert one.y + one.below <= geometry.height
        for other in geometry.units[i + 1 :]:
            apart = one.right <= other.x or other.right <= one.x
            assert apart or one.y + one.below <= other.y - 15 or other.y + other.below <= one.y - 15
    for edge, curves in zip(
        graph.edges, zip(geometry.forward, geometry.backward, strict=True), strict=True
    ):
        for x, y in (point for curve in curves for point in curve.points[1:-1]):
            assert 0 <= y <= geometry.height
            for unit in geometry.units:
                if unit not in (geometry.units[edge.source], geometry.units[edge.target]):
                    beside = not unit.x <= x <= unit.right
                    assert beside or y < unit.y - 15 or y > unit.y + unit.below
    boxes = []
    for edge, length in widest_arrows(graph).items():
        (x, y), width = geometry.labels[edge], text_width("x" * length) + 14
        boxes.append((x - width / 2, y - LABEL_HEIGHT / 2, x + width / 2, y + LABEL_HEIGHT / 2))
    for i, (left, top, right, bottom) in enumerate(boxes):
        for unit in geometry.units:
            apart = right <= unit.x or unit.right <= left
            assert apart or bottom <= unit.y - 15 or unit.y + unit.below <= top
        for other in boxes[i + 1 :]:
            apart = right <= other[0] or other[2] <= left
            assert apart or bottom <= other[1] or other[3] <= top


def test_the_same_graph_gives_the_same_picture():
    named = network()
    assert static_svg(named["y"]).static() == static_svg(named["y"]).static()


def test_each_state_is_told_by_more_than_colour():
    drawn = static_svg(two_paths()["y"], names=two_paths())
    assert drawn.static().count(">freed<") == 2
    before = static_svg(two_paths()["y"], step=4).static()
    assert before.count(">saved<") == 2
    for word in ("leaf", "no grad", "AccumulateGrad", "MulBackward0"):
        assert f">{word}<" in before


def test_static_svg_shows_the_step_asked_for_and_by_default_the_last():
    named = two_paths()
    y = named["y"]
    assert static_svg(y, step=0).sentence.startswith("Step 0 of 10")
    assert static_svg(y).sentence.startswith("Step 10 of 10: done")
    kept = static_svg(y, retain_graph=True)
    assert isinstance(kept, Picture)
    assert "are kept" in kept.sentence


# The controls, and pages without a kernel.


def test_the_controls_stand_above_the_picture_in_the_order_of_every_picture():
    player = explore(two_paths()["y"])
    controls, stage = player.children
    what, steps = controls.children
    assert what is player.what
    in_order = (player.back, player.slider, player.on, player.play, player.reset)
    assert steps.children == in_order
    assert stage is player.stage
    assert list(player.what.options) == [
        ("output.backward()", 0),
        ("output.backward(retain_graph=True)", 1),
    ]


def test_moving_the_slider_moves_the_picture_and_its_sentence():
    named = two_paths()
    y, a, b = named["y"], named["a"], named["b"]
    player = explore(y, names={"a": a, "b": b})
    assert player.sentence.startswith("Step 0 of 10")
    first = player.stage.svg
    player.slider.value = 5
    assert player.sentence.startswith(
        "Step 5 of 10: MulBackward0 receives 1 and sends 1 × b = 2 to a and 1 × a = 3 to b"
    )
    assert player.stage.svg != first
    player.what.value = 1
    assert not player.sentence.endswith("freed.")
    player.reset.click()
    assert player.step == player.play.value == 0
    assert player.sentence.startswith("Step 0 of 10")


def test_explore_can_start_with_the_graph_kept():
    player = explore(two_paths()["y"], retain_graph=True)
    player.step = player.last_step
    assert "the saved tensors are kept" in player.sentence


def test_the_output_holds_a_picture_for_pages_without_a_kernel():
    bundle = explore(two_paths()["y"])._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in bundle
    assert bundle["text/plain"].startswith("Step 10 of 10: done")
    assert 'role="img"' in bundle["text/html"]
    assert bundle["image/svg+xml"].startswith("<svg")


@pytest.mark.parametrize("variable", ["AUTOGRAD_COURSE_STATIC", "NBGRADER_EXECUTION"])
def test_feedback_and_the_book_hold_the_still_picture_alone(monkeypatch, variable):
    monkeypatch.setenv(variable, "1")
    assert set(explore(two_paths()["y"])._repr_mimebundle_()) == {
        "text/plain",
        "text/html",
        "image/svg+xml",
    }


# show_graph


def test_show_graph_draws_with_torchviz_where_graphviz_is_installed(program):
    program("dot")
    drawing = show_graph(two_paths()["y"])
    assert isinstance(drawing, TorchvizDrawing)
    assert "MulBackward0" in drawing.source
    assert 'role="img"' in drawing._repr_mimebundle_()["text/html"]


def test_show_graph_without_graphviz_draws_our_way_and_says_how_to_install_it(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    named = two_paths()
    notice = show_graph(named["y"] * torch.ones(3), names=named)  # any shape: no backward runs
    assert notice.message.startswith("Graphviz is not installed; to draw with it: ")
    assert notice.picture.sentence == "The recorded graph: 4 operations from x and w to the result."
    named["y"].backward()


def test_show_graph_without_torchviz_does_the_same(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *rest: None)
    assert "pip install torchviz" in show_graph(two_paths()["y"]).message


def test_show_graph_explains_what_has_no_graph():
    assert "is a leaf" in show_graph(leaf(2.0)).message
