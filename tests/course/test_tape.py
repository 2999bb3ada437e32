"""The tape of lesson 1: what the lesson builds is what the course imports, and torch agrees."""

import ast
import inspect

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from course import tape
from course.tape import Var
from tests.fixtures.lesson_texts import LESSONS, cells, tags

BUILT = {
    "__init__", "backward", "sent", "__add__", "__mul__", "__matmul__", "relu", "sum", "mean",
    "as_var",
}  # fmt: skip


def definitions(source):
    """The code of each function in a text, by its name, without annotations and docstrings.

    A later one of the same name takes the place of an earlier one.
    """
    found = {}
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef):
            for argument in node.args.args:
                argument.annotation = None
            node.returns = None
            if ast.get_docstring(node):
                node.body = node.body[1:]
            node.body = [_bare(statement) for statement in node.body]
            found[node.name] = ast.unparse(ast.fix_missing_locations(node))
    return found


def _bare(statement):
    """A statement without its annotation."""
    if isinstance(statement, ast.AnnAssign):
        return ast.Assign([statement.target], statement.value)
    return statement


def test_what_the_lesson_builds_is_the_tape_of_the_course():
    (lesson,) = (text for text in LESSONS if text.stem == "01-graphs")
    code = "\n".join(cell.source for cell in cells(lesson) if "tape" in tags(cell))
    built, module = definitions(code), definitions(inspect.getsource(tape))
    assert set(built) == BUILT
    assert built == {name: module[name] for name in BUILT}


OPERATIONS = {
    "plus": lambda a, b, n: a + b, "minus": lambda a, b, n: a - b, "times": lambda a, b, n: a * b,
    "over": lambda a, b, n: a / b, "power": lambda a, b, n: a**b, "number": lambda a, b, n: a + n,
    "left minus": lambda a, b, n: n - a, "left over": lambda a, b, n: n / a,
    "left power": lambda a, b, n: 2.0**a, "squared": lambda a, b, n: a**2,
    "root": lambda a, b, n: a**0.5, "tensor": lambda a, b, n: torch.full((2, 1), n).double() * a,
    "exp": lambda a, b, n: (-a).exp(), "log": lambda a, b, n: a.log(),
    "tanh": lambda a, b, n: a.tanh(), "relu": lambda a, b, n: (a - 1.0).relu() + 0.5,
    "sum": lambda a, b, n: a.sum(), "mean": lambda a, b, n: a.mean(),
    "rows": lambda a, b, n: a.sum(-1, True), "columns": lambda a, b, n: a.mean(0),
    "matmul": lambda a, b, n: a @ b, "left matmul": lambda a, b, n: torch.ones(2, 2).double() @ a,
}  # fmt: skip


@st.composite
def programs(draw):
    """Steps, each of an operation, the earlier results that it takes, and a number."""
    length = draw(st.integers(1, 6))
    earlier = [st.integers(0, i + 3) for i in range(length)]
    number = st.floats(0.5, 2.0)
    kind = st.sampled_from(tuple(OPERATIONS))
    return [tuple(draw(one) for one in (kind, each, each, number)) for each in earlier]


def run(program, leaves):
    """The mean of the last result of a program.

    A step gives its input back if shapes do not go together, and if its numbers are not of a size
    that every operation takes.
    """
    results = list(leaves)
    for kind, i, j, number in program:
        results.append(_step(kind, results[i], results[j], number))
    return results[-1].mean()


def _step(kind, a, b, number):
    matrices = {"matmul": (a, b), "left matmul": (a,)}.get(kind, ())
    try:
        if any(each.data.dim() != 2 for each in matrices):
            return a
        result = OPERATIONS[kind](a, b, number)
    except RuntimeError:
        return a
    easy = (result.data > 1e-2) & (result.data < 1e2)
    return result if easy.all() else a


@given(programs())
def test_the_tape_finds_what_torch_finds(program):
    shapes = ((2, 2), (2, 1), (2,), ())
    values = [torch.rand(shape, dtype=torch.float64) + 0.5 for shape in shapes]
    leaves = [value.clone().requires_grad_() for value in values]
    variables = [Var(value) for value in values]
    result, expected = run(program, variables), run(program, leaves)
    torch.testing.assert_close(result.data, expected.detach())
    result.backward()
    expected.backward()
    for variable, leaf in zip(variables, leaves, strict=True):
        assert (variable.grad is None) == (leaf.grad is None)
        if leaf.grad is not None:
            assert variable.grad.shape == leaf.shape
            torch.testing.assert_close(variable.grad, leaf.grad)


def test_a_tape_may_be_longer_than_functions_can_be_nested():
    start = Var(torch.tensor(1.0))
    t = start
    for _ in range(20_000):
        t = t + 1
    t.backward()
    assert start.grad == 1


def test_passes_add_up_and_gradients_share_no_memory():
    v = Var(torch.tensor([1.0, 2.0]))
    w = Var(torch.tensor([3.0, 4.0]))
    for _ in range(2):
        (v + w).sum().backward()
    assert v.grad.tolist() == w.grad.tolist() == [2, 2]
    v.grad.zero_()
    assert w.grad.tolist() == [2, 2]


def test_a_pass_starts_from_one_number():
    with pytest.raises(ValueError, match="one number; here are 2"):
        Var(torch.ones(2)).backward()


def test_the_tape_leaves_torch_nothing_to_record():
    recorded = torch.ones(2, requires_grad=True)
    v = Var(recorded)
    (v * recorded).sum().backward()
    assert recorded.grad is None
    assert not v.grad.requires_grad
