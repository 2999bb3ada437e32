"""The rules that chapter 4 shows as programs, run over generated programs against torch."""

import functools
import re
from contextlib import ExitStack

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.optim.swa_utils import AveragedModel
from torch.utils.checkpoint import checkpoint

from grader.engine import catalogue
from grader.tasks import modes as chapter
from grader.tasks.modes.tables import GradModeTable
from tests.fixtures import lesson_texts

rule = functools.cache(lesson_texts.rule)

FIRST, SECOND = "04-grad-modes", "04-grad-modes-2"
BLOCKS = {
    "no_grad": torch.no_grad,
    "enable_grad": torch.enable_grad,
    "inference_mode": torch.inference_mode,
    "inference_mode(False)": lambda: torch.inference_mode(False),
}
blocks = st.lists(st.sampled_from(sorted(BLOCKS)), max_size=5)
quick = settings(deadline=None, max_examples=100, database=None)


def entered(names):
    """The blocks of these names around what follows."""
    stack = ExitStack()
    for name in names:
        stack.enter_context(BLOCKS[name]())
    return stack


@quick
@given(blocks)
def test_which_blocks_record_is_what_the_rule_says(names):
    w = torch.ones(2, requires_grad=True)
    with entered(names):
        assert (w * 2).requires_grad is rule(FIRST, "recording")(names)
    assert (w * 2).requires_grad


OPERATIONS = {
    "multiplied": lambda a, b: a * b,
    "added": lambda a, b: a + b,
    "exp": lambda a, _: a.exp(),
    "matmul": lambda a, b: a.reshape(1, -1) @ b,
    "copied": lambda a, _: a.clone(),
}
VIEWS = {
    "sliced": lambda a: a[:2],
    "reshaped": lambda a: a.view(1, 3),
    "transposed": lambda a: a.view(3, 1).t(),
    "itself": lambda a: a.view_as(a),
}
EDITS = {
    "scaled": lambda a, _: a.mul_(2),
    "added": lambda a, b: a.add_(b),
    "filled": lambda a, b: a.copy_(b),
}
LEAVES = {
    "a factory": lambda: torch.ones(3, requires_grad=True),
    "a parameter": lambda: nn.Parameter(torch.ones(3)),
}


def tensors():
    """One tensor of each kind: data, a leaf, a recorded tensor, and one of inference mode."""
    leaf = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
    with torch.inference_mode():
        inferred = torch.ones(3) * 2
        inferred_leaf = torch.ones(3, requires_grad=True)
    return {
        "data": torch.tensor([3.0, 1.0, 2.0]),
        "leaf": leaf,
        "recorded": leaf * 2,
        "inferred": inferred,
        "inferred leaf": inferred_leaf,
        "a slice of data made a leaf": torch.tensor([2.0, 1.0, 3.0, 4.0])[:3].requires_grad_(),
    }


ordinary = st.sampled_from(["data", "leaf", "recorded", "inferred", "a slice of data made a leaf"])


@quick
@given(
    blocks, st.data(), st.sampled_from(["operation", "view", "edit", "leaf"]), ordinary, ordinary
)
def test_the_flags_of_what_a_line_makes_are_those_of_the_rule(names, data, made, first, second):
    given_tensors = tensors()
    if made == "view" and data.draw(st.booleans()):
        first = "inferred leaf"  # the rule leaves it out for operations
    one, other = given_tensors[first], given_tensors[second]
    recorded = rule(FIRST, "recording")(names)
    takes = {"operation": OPERATIONS, "view": VIEWS, "edit": EDITS, "leaf": LEAVES}[made]
    run = takes[data.draw(st.sampled_from(sorted(takes)))]
    binary = run in (OPERATIONS["added"], OPERATIONS["multiplied"], OPERATIONS["matmul"])
    reads = [one, other] if binary or run in (EDITS["added"], EDITS["filled"]) else [one]
    of = [] if made == "leaf" else reads
    said = rule(FIRST, "flags")(made, of, recorded)
    arguments = {"leaf": (), "view": (one,)}.get(made, (one, other))
    with entered(names):
        if any(t.is_inference() for t in of) or (made == "edit" and recorded):
            try:  # torch may refuse the line, and then nothing is made
                result = run(*arguments)
            except RuntimeError:
                return
        else:
            result = run(*arguments)
    assert (result.requires_grad, result.is_leaf) == said


USES = {
    "sum": lambda t, w: t + w,
    "difference": lambda t, w: w - t,
    "product": lambda t, w: t * w,
    "quotient": lambda t, w: w / t,
    "matrix product": lambda t, w: t.view(1, 3) @ w,
    "power": lambda t, w: w**t,
    "larger": lambda t, w: torch.maximum(t, w),
    "put together": lambda t, w: torch.cat([t, w]),
    "interpolated": lambda t, w: torch.lerp(w, t, 0.5),
    "sliced": lambda t, w: t[:2] + w[:2],
    "mean": lambda t, w: t.mean() + w,
    "linear": lambda t, w: nn.functional.linear(t, w.view(1, 3)),
    "loss": lambda t, w: nn.functional.mse_loss(w, t),
}


def is_saved(use):
    """Whether autograd saves an ordinary tensor that is used so."""
    t, w, seen = torch.tensor([1.5, 2.0, 3.0]), torch.ones(3, requires_grad=True), []
    with torch.autograd.graph.saved_tensors_hooks(lambda s: seen.append(s) or s, lambda s: s):
        use(t, w)
    own = t.untyped_storage().data_ptr()
    return any(s.untyped_storage().data_ptr() == own for s in seen)


@pytest.mark.parametrize("inference", [True, False])
@pytest.mark.parametrize("use", USES.values(), ids=USES)
def test_an_inference_tensor_is_refused_where_an_ordinary_one_would_be_saved(use, inference):
    with torch.inference_mode(inference):
        t = torch.tensor([1.5, 2.0, 3.0])
    w = torch.ones(3, requires_grad=True)
    said = rule(FIRST, "refused")(t, "save" if is_saved(use) else "read")
    assert _raises(lambda: use(t, w)) is said
    with torch.no_grad():
        assert not _raises(lambda: use(t, w))


@pytest.mark.parametrize("inference", [True, False])
@pytest.mark.parametrize(
    ("kind", "use"),
    [
        ("edit", lambda t: t.add_(1)),
        ("edit", lambda t: t.copy_(torch.zeros(3))),
        ("edit", lambda t: t[:2].mul_(2)),
        ("edit", lambda t: t.__setitem__(0, 1.0)),
        ("edit", lambda t: t.unsqueeze_(0)),
        ("edit", lambda t: torch.add(torch.zeros(3), 1, out=t)),
        ("edit", lambda t: torch._foreach_add_([t], 1)),
        ("edit", lambda t: torch.no_grad()(t.add_)(1)),
        ("read", lambda t: torch.zeros(3).copy_(t)),
        ("require grad", lambda t: t.requires_grad_()),
        ("read", lambda t: t.sum()),
        ("read", lambda t: t.clone()),
    ],
)
def test_an_inference_tensor_is_neither_edited_nor_trained_outside(kind, use, inference):
    with torch.inference_mode(inference):
        t = torch.ones(3)
    assert _raises(lambda: use(t)) is rule(FIRST, "refused")(t, kind)


@pytest.mark.parametrize("past", [torch.Tensor.detach, lambda t: t.data], ids=["detach", "data"])
def test_an_edit_of_an_inference_tensor_through_detach_or_data_is_let_pass(past):
    with torch.inference_mode():
        t = torch.ones(3)
    past(t).add_(1)
    assert t.eq(2).all()


def test_an_edit_of_an_inference_tensor_raises_when_it_is_done():
    with torch.inference_mode():
        t = torch.ones(3)
    assert _raises(lambda: t.add_(1))
    assert t.eq(2).all()


def test_what_batch_normalization_writes_into_inference_tensors_is_let_pass():
    with torch.inference_mode():
        mean, var = torch.zeros(2), torch.ones(2)
    rows = torch.tensor([[1.0, 2.0], [3.0, 8.0]])
    nn.functional.batch_norm(rows, mean, var, training=True)
    assert torch.allclose(mean, 0.1 * rows.mean(0))


def test_torch_func_records_with_an_inference_tensor_as_with_any_other():
    with torch.inference_mode():
        t = torch.tensor([1.0, 2.0])
    of_factor = torch.func.grad(lambda w: (t * w).sum())(torch.ones(2))
    assert torch.equal(of_factor, t)
    assert torch.equal(torch.func.grad(lambda a: a.square().sum())(t), 2 * t)


def test_what_detach_gives_requires_grad_in_no_mode_and_a_cast_to_the_same_type_gives_the_tensor():
    x = torch.ones(3, requires_grad=True)
    for block in BLOCKS.values():
        with block():
            assert not x.detach().requires_grad
            assert x.float() is x


def _raises(run):
    try:
        run()
    except RuntimeError:
        return True
    return False


@quick
@given(st.lists(st.sampled_from(["trains", "frozen", "no_grad"]), min_size=1, max_size=5))
def test_which_layers_get_gradients_is_what_the_rule_says(how):
    layers = [nn.Linear(2, 2) for _ in how]
    h = torch.ones(1, 2)
    for layer, kind in zip(layers, how, strict=True):
        layer.requires_grad_(kind != "frozen")
        with torch.set_grad_enabled(kind != "no_grad"):
            h = layer(h)
    if h.requires_grad:
        h.sum().backward()
    got = [layer.weight.grad is not None for layer in layers]
    assert got == rule(SECOND, "get_gradients")(how)
    assert h.requires_grad == any(got)


eighths = st.integers(-4, 4).map(lambda n: n / 8)


@quick
@given(
    st.none() | eighths,
    st.none() | eighths,
    eighths,
    st.sampled_from([0, 0.5]),
    st.sampled_from([0, 0.5]),
    st.sampled_from([0, 0.5]),
)
def test_a_parameter_stands_still_where_the_rule_says(earlier, grad, value, momentum, decay, lr):
    """`earlier` is the gradient of a step before, from which momentum has its speed."""
    w = nn.Parameter(torch.tensor([value]))
    others = [{"params": [nn.Parameter(torch.ones(3))], "weight_decay": 0.25}]
    optimizer = torch.optim.SGD(
        [{"params": [w]}, *others], lr=lr, momentum=momentum, weight_decay=decay
    )
    if earlier is not None:
        w.grad = torch.tensor([earlier])
        optimizer.step()
    w.grad = None if grad is None else torch.tensor([grad])
    before = w.detach().clone()
    said = rule(SECOND, "stands_still")(w, optimizer)
    optimizer.step()
    assert torch.equal(before, w.detach()) is said


def test_an_averaged_model_copies_buffers_unless_it_is_told_to_average_them():
    for averages in (False, True):
        model = nn.BatchNorm1d(2)
        average = AveragedModel(model, use_buffers=averages)
        for rows in ([[0.0, 1.0], [2.0, 3.0]], [[4.0, 4.0], [8.0, 9.0]]):
            model(torch.tensor(rows))
            average.update_parameters(model)
        assert average.module.running_mean.equal(model.running_mean) is not averages


def test_a_checkpoint_gives_the_gradients_and_moves_statistics_twice():
    torch.manual_seed(0)
    rows = torch.randn(7, 3)
    plain, again = (nn.Sequential(nn.BatchNorm1d(3), nn.Linear(3, 2)) for _ in range(2))
    again.load_state_dict(plain.state_dict())
    plain(rows).sum().backward()
    checkpoint(again, rows, use_reentrant=False).sum().backward()
    for one, other in zip(plain.parameters(), again.parameters(), strict=True):
        assert torch.equal(one.grad, other.grad)
    assert (plain[0].num_batches_tracked, again[0].num_batches_tracked) == (1, 2)


BY_HAND = {
    "x * 2": ("operation", ["x"]),
    "c + 1": ("operation", ["c"]),
    "c * 2": ("operation", ["c"]),
    "c.exp()": ("operation", ["c"]),
    "x * 3": ("operation", ["x"]),
    "h * x": ("operation", ["h", "x"]),
    "h + x": ("operation", ["h", "x"]),
    "f(x) + c": ("operation", ["f(x)", "c"]),
    "torch.ones(3, requires_grad=True)": ("leaf", []),
    "torch.nn.Parameter(c)": ("leaf", []),
    "x[:2]": ("view", ["x"]),
    "x.view(1, 3)": ("view", ["x"]),
    "(x * 2)[:2]": ("view", ["x * 2"]),
    "h.add_(1)": ("edit", ["h"]),
}
PROGRAMS = [program for case in GradModeTable.CASES for program in case["programs"]]


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_rules_answer_every_program_of_the_exercise_on_flags(program):
    names = {
        "torch": torch,
        "x": torch.tensor([1.0, 2.0, 3.0], requires_grad=True),
        "c": torch.tensor([2.0, 1.0, 3.0]),
    }
    exec(program, names)
    y = names["y"]
    deciding = next(line for line in reversed(program.splitlines()) if line.strip() != "y = h")
    inside = deciding.startswith(" ")
    around = re.findall(r"^ *with torch\.(\w+)\(\):", program, re.MULTILINE) if inside else []
    expression = deciding.strip().removeprefix("y = ")
    if expression == "x":  # what was there before stays as it is
        assert y is names["x"]
        return
    made, reads = BY_HAND[expression]
    with entered(around):
        of = [eval(text, names) for text in reads]
    recorded = rule(FIRST, "recording")(around)
    assert rule(FIRST, "flags")(made, of, recorded) == (y.requires_grad, y.is_leaf)


def test_an_averaged_model_is_the_plain_average_unless_it_is_told_otherwise():
    model = nn.Linear(1, 1, bias=False)
    average = AveragedModel(model)
    for weight in (1.0, 5.0, 6.0):
        nn.init.constant_(model.weight, weight)
        average.update_parameters(model)
    assert average.module.weight.item() == pytest.approx(4.0)


def test_hints_name_sections_that_the_chapter_has():
    known = {
        heading.split()[0]
        for text in lesson_texts.LESSONS
        if text.stem in (FIRST, SECOND)
        for heading in lesson_texts.headings(text)
    }
    hints = [hint for id in chapter.EXERCISES for hint in catalogue.tasks()[id].hints]
    named = re.findall(r"section (\d\.\d+)", " ".join(hints))
    assert len(named) >= len(chapter.EXERCISES)
    assert set(named) <= known
