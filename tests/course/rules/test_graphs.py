"""The rules of lesson 1, as its own programs: each run over generated programs, against torch."""

import ast
import functools
import warnings
from types import SimpleNamespace

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

from grader import check
from tests.fixtures.lesson_texts import rule

ONE, TWO = "01-graphs", "01-graphs-2"
F64 = torch.float64
the_rule = functools.cache(rule)

# paths


@st.composite
def nets(draw):
    """Steps of a net of numbers: an operation, and which earlier numbers it takes."""
    inputs = draw(st.integers(1, 3))
    length = draw(st.integers(1, 6))
    return inputs, [
        (draw(st.sampled_from("+-*")), *(draw(st.integers(0, inputs + i - 1)) for _ in range(2)))
        for i in range(length)
    ]


@given(nets())
def test_multiplying_along_paths_and_adding_over_paths_is_what_torch_does(net):
    inputs, steps = net
    leaves = [torch.tensor(1.5 + i, dtype=F64, requires_grad=True) for i in range(inputs)]
    values, edges = list(leaves), {}
    for operation, i, j in steps:
        a, b = values[i], values[j]
        edges[len(values)] = {
            "+": [(i, 1), (j, 1)],
            "-": [(i, 1), (j, -1)],
            "*": [(i, b.item()), (j, a.item())],
        }[operation]
        values.append({"+": a + b, "-": a - b, "*": a * b}[operation])
    gradients = torch.autograd.grad(values[-1], leaves, materialize_grads=True)
    for start, gradient in enumerate(gradients):
        by_hand = the_rule(ONE, "path_sum")(edges, start, len(values) - 1)
        assert gradient.item() == pytest.approx(by_hand)
        in_one_walk = the_rule(ONE, "walk_backward")(edges, len(values) - 1)
        assert gradient.item() == pytest.approx(in_one_walk.get(start, 0))


# shapes


@st.composite
def broadcast_shapes(draw):
    """Two shapes that broadcast to one another."""
    full = draw(st.lists(st.integers(1, 3), max_size=3))
    return [
        [draw(st.sampled_from((1, size))) for size in full][draw(st.integers(0, len(full))) :]
        for _ in range(2)
    ]


@given(broadcast_shapes())
def test_the_gradient_of_what_was_broadcast_is_a_sum(shapes):
    a, b = (torch.rand(shape, dtype=F64, requires_grad=True) for shape in shapes)
    result = a * b
    g = torch.rand_like(result)
    result.backward(g)
    unstretched = the_rule(ONE, "unstretched")
    torch.testing.assert_close(unstretched(g * b.detach(), a.shape), a.grad)
    torch.testing.assert_close(unstretched(g * a.detach(), b.shape), b.grad)


@given(st.tuples(*[st.integers(1, 5)] * 3))
def test_the_gradients_of_a_linear_layer_are_three_products(sizes):
    n, i, o = sizes
    x, W, b = (torch.rand(s, dtype=F64, requires_grad=True) for s in ((n, i), (i, o), (o,)))
    g = torch.rand(n, o, dtype=F64)
    (x @ W + b).backward(g)
    by_hand = the_rule(TWO, "linear_gradients")(x.detach(), W.detach(), g)
    for gradient, leaf in zip(by_hand, (x, W, b), strict=True):
        torch.testing.assert_close(gradient, leaf.grad)


# what is recorded

UNARY = (
    "exp", "sin", "abs", "relu", "sum", "mean", "clone", "detach", "long", "argmax", "isnan",
    "round", "sign", "double", "cfloat", "cumsum(0)", "max(0).values", "sort().indices",
    "softmax(0)", "new_zeros(3)", "new_tensor([1.0])", "view(3)", "nan_to_num", "logical_not",
    "histc", "prod", "bool", "data",
)  # fmt: skip
FUNCTIONS = (
    "zeros_like", "ones_like", "rand_like", "empty_like", "exp", "sigmoid", "tensor", "isfinite",
    "square", "neg",
)  # fmt: skip
BINARY = ("{} + {}", "{} * {}", "{} > {}", "{} == {}", "torch.maximum({}, {})", "{}.dot({})")


@st.composite
def expressions(draw, depth=3):
    """The text of a torch expression in x, which requires grad, and c, which does not."""
    if depth == 0 or draw(st.booleans()):
        return draw(st.sampled_from("xc"))
    kind = draw(st.sampled_from(("unary", "function", "binary")))
    inner = draw(expressions(depth - 1))
    if kind == "unary":
        operation = draw(st.sampled_from(UNARY))
        call = "" if "(" in operation or operation == "data" else "()"
        return f"({inner}).{operation}{call}"
    if kind == "function":
        return f"torch.{draw(st.sampled_from(FUNCTIONS))}({inner})"
    return "(" + draw(st.sampled_from(BINARY)).format(f"({inner})", draw(expressions(0))) + ")"


def value_of(expression, x, c):
    """What an expression gives: a tensor, or several."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch.tensor of a tensor
        return eval(expression, {"x": x, "c": c, "torch": torch})


def recorded_by_the_rule(expression, x, c, recording=True):
    """Whether each result of an expression is recorded, by the lesson's rule alone."""
    is_recorded = the_rule(ONE, "is_recorded")

    def recorded(node):
        if isinstance(node, ast.Name):
            return [node.id == "x"]
        parts = {
            ast.Call: lambda: [node.func.value, *node.args],
            ast.Attribute: lambda: [node.value],
            ast.Subscript: lambda: [node.value],
            ast.BinOp: lambda: [node.left, node.right],
            ast.Compare: lambda: [node.left, *node.comparators],
            ast.UnaryOp: lambda: [node.operand],
        }[type(node)]()
        tensors = [part for part in parts if {"x", "c"} & named(part)]
        inputs = [SimpleNamespace(requires_grad=recorded(part)[0]) for part in tensors]
        where = node.func if isinstance(node, ast.Call) else node
        operation = where.attr if isinstance(where, ast.Attribute) else type(node).__name__
        results = value_of(ast.unparse(node), x.detach(), c)
        results = [results] if isinstance(results, torch.Tensor) else results
        return [is_recorded(operation, inputs, r.dtype, recording) for r in results]

    return recorded(ast.parse(expression, mode="eval").body)


def named(node):
    """The names in an expression."""
    return {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}


SEVERAL = ("max(0)", "sort()", "frexp()")
several = expressions().flatmap(
    lambda inner: st.sampled_from([f"({inner}).{call}" for call in SEVERAL])
)
ONCE = [
    *(f"{x}.{name}" if "(" in name or name == "data" else f"{x}.{name}()"
      for name in (*UNARY, *SEVERAL) for x in "xc"),
    *(f"torch.{name}({x})" for name in FUNCTIONS for x in "xc"),
    *(text.format(a, b) for text in BINARY for a in "xc" for b in "xc"),
    "torch.full_like(x, 2.0)", "torch.randn_like(x)", "torch.randint_like(x, 5)", "x.new_ones(3)",
    "x.new_full((3,), 2.0)", "x.new_empty(3)", "torch.linspace(x[0], x[1], 3)", "x[0]", "x.T",
    "torch.logspace(x[0], x[1], 3)", "(x + c).detach_()", "x // 2",
]  # fmt: skip


@pytest.mark.parametrize("expression", ONCE)
def test_each_operation_is_recorded_as_the_rule_says(expression):
    for recording in (True, False):
        _compare(expression, recording)


def test_a_parameter_made_of_a_tensor_is_a_leaf_of_its_own():
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    parameter = torch.nn.Parameter(x)
    assert parameter.grad_fn is None
    assert not the_rule(ONE, "is_recorded")("Parameter", [x], parameter.dtype)


@given(expressions() | several, st.booleans())
def test_a_chain_of_operations_is_recorded_as_the_rule_says(expression, recording):
    _compare(expression, recording)


def _compare(expression, recording):
    """Let torch run an expression, and the rule decide about it."""
    x = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
    c = torch.tensor([4.0, 5.0, 6.0])
    try:
        with torch.set_grad_enabled(recording):
            results = value_of(expression, x, c)
    except (RuntimeError, IndexError):
        return  # torch does not do this to such shapes and dtypes
    results = [results] if isinstance(results, torch.Tensor) else results
    if results[0] is x:
        return  # nothing was made
    by_rule = recorded_by_the_rule(expression, x, c, recording)
    assert [result.grad_fn is not None for result in results] == by_rule
    for result, recorded in zip(results, by_rule, strict=True):
        assert result.is_leaf == (not recorded)
        assert result.requires_grad == (
            recorded or (result._is_view() and result._base.requires_grad)
        )


def test_the_rule_of_what_is_recorded_passes_the_exercise():
    def predict_flags(expression, x, c, no_grad):
        if expression in ("x", "c"):  # made by you: the flag is what you said
            return expression == "x", True
        if "{" not in expression and expression.startswith("torch.ones("):
            return "requires_grad=True" in expression, True
        (recorded,) = recorded_by_the_rule(expression, x, c, recording=not no_grad)
        return recorded, not recorded

    assert check("requires_grad_table", predict_flags).passed


# passes

STEPS = {
    "exp": lambda a, b: (a / 9).exp(), "square": lambda a, b: (a / 9) ** 2, "neg": lambda a, b: -a,
    "plus": lambda a, b: a + b, "times": lambda a, b: a * b / 9, "minus": lambda a, b: 10 - a,
    "less": lambda a, b: b - a, "larger": torch.maximum, "beside": lambda a, b: torch.cat([a, b]),
    "joined": lambda a, b: torch.stack([a, b]), "picked": lambda a, b: a.ravel()[torch.tensor([0])],
    "relu": lambda a, b: a.relu(), "sum": lambda a, b: a.sum() / 9, "clone": lambda a, b: a.clone(),
    "mean": lambda a, b: a.mean(0, keepdim=True), "first": lambda a, b: a.reshape(-1)[0],
    "halves": lambda a, b: a.reshape(1, -1).unbind(0)[0], "cut": lambda a, b: a.detach(),
    "row": lambda a, b: a.expand(3, *a.shape).sum(0), "sorted": lambda a, b: a.sort(-1)[0],
    "split": lambda a, b: torch.stack([p.sum() for p in a.reshape(-1, 1).unbind(0)]),
    "more": lambda a, b: a + 1, "flip": lambda a, b: a.flip(0) if a.dim() else a,
    "edited": lambda a, b: _edited(a, 1.0), "written over": lambda a, b: _edited(a, b.sum() / 9),
}  # fmt: skip


def _edited(a, number):
    """A copy of a, to whose first entry a number was added in place, through a view."""
    copy = a.clone()
    copy.view(-1)[0].add_(number)
    return copy


def earlier(last):
    """The number of an earlier result, mostly of a late one, so that steps share results."""
    return st.integers(max(0, last - 1), last) | st.integers(0, last)


@st.composite
def programs(draw, steps=tuple(STEPS)):
    """A program of torch: which of three leaves require grad, and its steps on what came before."""
    flags = draw(st.tuples(*[st.booleans()] * 3).filter(any))
    length = draw(st.integers(1, 6))
    return flags, [
        (draw(st.sampled_from(steps)), draw(st.integers(max(0, i), i + 2)), draw(earlier(i + 2)))
        for i in range(length)
    ]


def run(program):
    """The tensors of a program: three leaves of shapes (2, 3), (3,) and (), then one per step."""
    flags, steps = program
    tensors = [
        (torch.arange(1.0, 1 + size).reshape(shape) / 4).to(F64).requires_grad_(flag)
        for size, shape, flag in zip((6, 3, 1), ((2, 3), (3,), ()), flags, strict=True)
    ]
    for step, i, j in steps:
        try:
            tensors.append(STEPS[step](tensors[i], tensors[j]))
        except (RuntimeError, IndexError):  # these shapes do not go together
            tensors.append(tensors[i] + 1)
    return tensors


def one_number(program):
    """The tensors of a program, and a number made of the last of them."""
    tensors = run(program)
    return tensors, tensors[-1] if tensors[-1].numel() == 1 else tensors[-1].sum()


@settings(max_examples=300)
@given(programs())
def test_a_backward_pass_by_hand_finds_what_torch_finds(program):
    tensors, root = one_number(program)
    if not root.requires_grad:
        return
    by_hand = the_rule(TWO, "backward_by_hand")(root)
    tensors_again, root_again = one_number(program)
    root_again.backward()
    for leaf, same in zip(tensors[:3], tensors_again, strict=False):
        assert (by_hand.get(leaf) is None) == (same.grad is None)
        if same.grad is not None:
            torch.testing.assert_close(by_hand[leaf], same.grad)


@pytest.mark.parametrize("other", [torch.float32, F64, torch.bfloat16, torch.int64])
def test_a_backward_pass_by_hand_gives_each_leaf_a_gradient_of_its_dtype(other):
    leaf = torch.tensor([1.0, 2.0], requires_grad=True)
    factor = torch.tensor([3.0, 5.0]).to(other)
    by_hand = the_rule(TWO, "backward_by_hand")((leaf * factor + factor).sum())[leaf]
    (leaf * factor + factor).sum().backward()
    torch.testing.assert_close(by_hand, leaf.grad)


def test_the_backward_pass_by_hand_does_not_know_a_leafs_grad_dtype():
    leaf = torch.tensor([1.0, 2.0], requires_grad=True)
    leaf.grad_dtype = F64
    root = (leaf * torch.tensor([3.0, 5.0], dtype=F64)).sum()
    assert the_rule(TWO, "backward_by_hand")(root)[leaf].dtype == torch.float32
    root.backward()
    assert leaf.grad.dtype == F64


@given(programs(), st.sets(st.integers(0, 8)))
def test_a_gradient_is_kept_where_the_rule_says(program, asked):
    tensors, root = one_number(program)
    for i in asked & set(range(len(tensors))):
        if tensors[i].requires_grad:
            tensors[i].retain_grad()
    if not root.requires_grad:
        return
    alive = [t for t in tensors if t.requires_grad]
    on_the_way = torch.autograd.grad(root, alive, allow_unused=True, retain_graph=True)
    root.backward()
    reached = {id(t) for t, g in zip(alive, on_the_way, strict=True) if g is not None}
    keeps = the_rule(TWO, "keeps_gradient")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # reading .grad of a non-leaf
        for tensor in tensors:
            wanted = keeps(tensor) and id(tensor) in reached
            assert (tensor.grad is not None) == wanted


@settings(max_examples=300)
@given(programs(), st.booleans())
@example(((True, False, False), [("picked", 0, 0)]), False)  # saved in a tuple, and nothing else
@example(((True, False, False), [("edited", 0, 0)]), False)  # no tensor, but the edit
def test_a_second_pass_raises_where_something_was_saved(program, keep):
    _, root = one_number(program)
    if not root.requires_grad:
        return
    raises = the_rule(TWO, "second_pass_raises")(root) and not keep
    root.backward(retain_graph=keep)
    if raises:
        with pytest.raises(RuntimeError, match="second time"):
            root.backward()
    else:
        root.backward()


def test_the_rule_of_the_second_pass_passes_the_exercise():
    def second_backward_ok(expression, x, retain_graph):
        root = eval(expression, {"x": x})
        return retain_graph or not the_rule(TWO, "second_pass_raises")(root)

    assert check("will_it_raise", second_backward_ok).passed
