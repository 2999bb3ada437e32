"""Whatever an answer does, the check says so, does not fall over, and leaves the next one alone."""

import contextlib
import copy
import dataclasses
import gc
import inspect
import random
import sys
import tracemalloc
import warnings
from collections import OrderedDict, namedtuple
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from grader import check, exercises
from grader.diagnosis.verdict import Outcome
from grader.engine.catalogue import find
from grader.engine.generators import Generators
from grader.engine.observation import Unrecordable, record, record_all
from grader.engine.raising import describe
from grader.engine.task import Case, draw_inputs
from grader.engine.watch import observe
from grader.notebook.checking import verdict_on

ROOT = Path(__file__).resolve().parents[2]
KEPT = []
"""What an answer keeps alive after it returned."""


def right(x, w):
    return w + 1, x + 2 * w + 1


def settings():
    """What the next check, and the notebook, stand on: read here, not by the grader."""
    return {
        "dtype": torch.get_default_dtype(),
        "device": torch.get_default_device(),
        "grad": torch.is_grad_enabled(),
        "inference": torch.is_inference_mode_enabled(),
        "anomaly": torch.is_anomaly_enabled(),
        "deterministic": torch.are_deterministic_algorithms_enabled(),
        "autocast": torch.is_autocast_enabled("cpu"),
        "warn_always": torch.is_warn_always_enabled(),
        "modes": (torch._C._len_torch_function_stack(), torch._C._len_torch_dispatch_stack()),
        "saved": torch._C._autograd._top_saved_tensors_default_hooks(False),
        "forward_hooks": len(nn.modules.module._global_forward_hooks),
        "streams": (sys.stdout, sys.stderr),
        "limit": sys.getrecursionlimit(),
        "trace": (sys.gettrace(), sys.getprofile()),
        "filters": list(warnings.filters),
        "showwarning": warnings.showwarning,
        "torch": torch.get_rng_state().numpy().tobytes(),
        "python": random.getstate(),
        "numpy": np.random.get_state()[1].tobytes(),
    }


@pytest.fixture(autouse=True)
def _nothing_stays_changed():
    before = settings()
    yield
    if KEPT:
        KEPT.clear()
        gc.collect()
    assert settings() == before
    verdict = check("two_path_grad", right)
    assert verdict.passed, str(verdict)


def codes(answer, exercise="two_path_grad"):
    verdict = check(exercise, answer)
    assert str(verdict)
    assert verdict._repr_html_()
    return [finding.code for finding in verdict.findings]


def doing(effect):
    """The right answer, after doing something else."""

    def answer(x, w):
        result = right(x, w)
        effect(x, w)
        return result

    return answer


# Settings left changed


def enter(make):
    """Enter a context and never leave it."""

    def effect(x, w):
        context = make()
        context.__enter__()
        KEPT.append(context)

    return effect


class Passing(TorchFunctionMode):
    def __torch_function__(self, func, types, args=(), kwargs=None):
        return func(*args, **(kwargs or {}))


class Refusing(TorchFunctionMode):
    def __torch_function__(self, func, types, args=(), kwargs=None):
        raise RuntimeError("no")


class Dispatching(TorchDispatchMode):
    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize(
    ("effect", "code"),
    [
        (lambda x, w: torch.set_grad_enabled(False), "SIDE.grad_mode"),
        (enter(torch.no_grad), "SIDE.grad_mode"),
        (enter(torch.inference_mode), "SIDE.inference_mode"),
        (lambda x, w: torch.set_default_dtype(torch.float64), "SIDE.default_dtype"),
        (lambda x, w: torch.set_default_device("meta"), "SIDE.default_device"),
        (lambda x, w: torch.set_anomaly_enabled(True), "SIDE.anomaly"),
        (enter(torch.autograd.detect_anomaly), "SIDE.anomaly"),
        (lambda x, w: torch.use_deterministic_algorithms(True), "SIDE.deterministic"),
        (lambda x, w: torch.set_autocast_enabled("cpu", True), "SIDE.autocast"),
        (enter(lambda: torch.autocast("cpu")), "SIDE.autocast"),
        (enter(Passing), "SIDE.modes"),
        (enter(Refusing), "SIDE.modes"),
        (enter(Dispatching), "SIDE.modes"),
        (
            enter(lambda: torch.autograd.graph.saved_tensors_hooks(lambda t: t, lambda t: t)),
            "SIDE.hooks",
        ),
        (lambda x, w: nn.modules.module.register_module_forward_hook(print), "SIDE.hooks"),
        (lambda x, w: torch.manual_seed(0), "SIDE.rng"),
        (lambda x, w: torch.randn(2), "SIDE.rng"),
        (lambda x, w: random.seed(0), "SIDE.rng"),
        (lambda x, w: np.random.seed(0), "SIDE.rng"),
    ],
)
def test_a_setting_left_changed_is_named_and_undone(effect, code):
    assert codes(doing(effect)) == [code]


@pytest.mark.parametrize("seed", [torch.manual_seed, random.seed, np.random.seed])
def test_seeding_is_seen_though_all_was_seeded_alike_before(seed):
    own = Generators()
    own.keep()
    seed(7)
    told = codes(doing(lambda x, w: seed(7)))
    own.put_back()
    assert told == ["SIDE.rng"]


@pytest.mark.parametrize(
    "effect",
    [
        lambda x, w: sys.setrecursionlimit(5000),
        lambda x, w: setattr(sys, "stdout", None),
        lambda x, w: sys.stdout.close(),
        lambda x, w: sys.settrace(lambda *_: None),
        lambda x, w: sys.setprofile(lambda *_: None),
        lambda x, w: warnings.simplefilter("error"),
        lambda x, w: warnings.filterwarnings("ignore", "anything"),
        lambda x, w: setattr(warnings, "showwarning", None),
        lambda x, w: torch.set_warn_always(False),
    ],
)
def test_settings_of_python_are_undone_without_a_word(effect):
    assert codes(doing(effect)) == []


def test_a_recursion_limit_too_low_for_anything_is_undone():
    def answer(x, w):
        result = right(x, w)
        try:
            for limit in range(1000, 1, -1):
                sys.setrecursionlimit(limit)
        except RecursionError:
            return result

    assert check("two_path_grad", answer).passed


def test_settings_are_undone_when_the_answer_raises_as_well():
    def answer(x, w):
        torch.set_grad_enabled(False)
        torch.set_default_device("meta")
        raise ValueError("after all")

    assert codes(answer) == ["ERROR.raised", "SIDE.default_device", "SIDE.grad_mode"]


def test_a_notebook_may_have_settings_of_its_own():
    def answer(x, w):
        assert torch.is_grad_enabled()
        assert not torch.is_inference_mode_enabled()
        assert torch.get_default_dtype() is torch.float32
        return right(x, w)

    torch.set_default_device("meta")
    torch.set_default_dtype(torch.float64)
    torch.use_deterministic_algorithms(True, warn_only=True)
    try:
        with torch.inference_mode(), torch.autocast("cpu"):
            assert check("two_path_grad", answer).passed
            assert torch.is_inference_mode_enabled()
            assert torch.is_autocast_enabled("cpu")
        assert str(torch.get_default_device()) == "meta"
        assert torch.get_default_dtype() is torch.float64
        assert torch.is_deterministic_algorithms_warn_only_enabled()
    finally:
        torch.set_default_device(None)
        torch.set_default_dtype(torch.float32)
        torch.use_deterministic_algorithms(False)


# Inputs


@pytest.mark.parametrize(
    ("effect", "code", "told"),
    [
        (lambda x, w: x.add_(1), "SIDE.input", "`x` has other values after the call"),
        (lambda x, w: w.zero_(), "SIDE.input", "`w` has other values after the call"),
        (lambda x, w: x.add_(1).sub_(1), "SIDE.input", "`x` was written to in place"),
        (lambda x, w: x.data.add_(1), "SIDE.input", "`x` has other values after the call"),
        (lambda x, w: x.resize_(2), "SIDE.input", "the shape of `x` is now (2,), and was (5,)"),
        (lambda x, w: x.unsqueeze_(0), "SIDE.input", "the shape of `x` is now (1, 5)"),
        (lambda x, w: setattr(x, "data", x.float()), "SIDE.input", "the dtype of `x` is now torch"),
        (
            lambda x, w: x.set_(torch.zeros(3).double()),
            "SIDE.input",
            "the shape of `x` is now (3,)",
        ),
        (
            lambda x, w: x.requires_grad_().register_hook(lambda g: None),
            "SIDE.hooks",
            "`x` has 1 more than before the call",
        ),
        (
            lambda x, w: w.requires_grad_().register_post_accumulate_grad_hook(lambda w: None),
            "SIDE.hooks",
            "`w` has 1 more than before the call",
        ),
    ],
)
def test_a_changed_input_is_named(effect, code, told):
    def answer(x, w):
        result = tuple(part.clone() for part in right(x, w))
        effect(x, w)
        return result

    verdict = check("two_path_grad", answer)
    messages = {finding.code: finding.message for finding in verdict.findings}
    assert told in messages[code]


def test_inputs_of_a_table_may_not_require_grad_afterwards():
    def answer(expression, x, c, no_grad):
        c.requires_grad_()
        c.grad = torch.ones_like(c)
        return False, True

    assert {"SIDE.requires_grad", "SIDE.grad"} <= set(codes(answer, "requires_grad_table"))


def test_a_gradient_made_in_inference_mode_is_no_obstacle():
    def answer(x, w):
        with torch.inference_mode():
            x.grad = torch.ones_like(x)
        return right(x, w)

    assert codes(answer) == []


def test_nan_among_the_inputs_is_no_change():
    task = find("two_path_grad")
    case = task.cases()[0]
    inputs = draw_inputs(task, case, "seed", "cpu")
    inputs["x"][0] = float("nan")
    assert not observe(task, [right], inputs, case).observation.effects


# How an answer may end


class Odd(BaseException):
    __module__ = "__main__"  # as in a notebook


class Mute(Exception):
    __module__ = "__main__"

    def __str__(self):
        raise Odd


class Lying(Exception):
    __module__ = "__main__"

    def __str__(self):
        return type("Text", (str,), {"__getitem__": None, "splitlines": None})("told")


def raising(error):
    def answer(x, w):
        raise error

    return answer


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (ValueError("too small"), "ValueError: too small."),
        (SystemExit(3), "SystemExit: 3. exit() and sys.exit() end the program"),
        (Odd("quite"), "Odd: quite."),
        (GeneratorExit(), "GeneratorExit."),
        (StopIteration(5), "StopIteration: 5."),
        (StopAsyncIteration(), "StopAsyncIteration."),
        (MemoryError(), "MemoryError."),
        (Mute(), "Mute: (its text cannot be read: Odd)."),
        (Lying(), "Lying: told."),
        (KeyError("a"), "KeyError: 'a'."),
        (ValueError("x" * 10_000_000), "ValueError: xxx"),
        (ValueError("\ud800 lone"), "ValueError: ? lone."),
        (type("Nameless", (Exception,), {"__module__": "__main__"})("\n\n"), "Nameless."),
        (type("", (Exception,), {"__module__": "__main__"})("nameless"), "value: nameless."),
        (ExceptionGroup("several", [ValueError(1)]), "ExceptionGroup: several (1 sub-exception)."),
    ],
    ids=lambda value: type(value).__name__,
)
def test_every_exception_is_told(error, told):
    verdict = check("two_path_grad", raising(error))
    assert verdict.outcome is Outcome.WRONG
    assert f"two_path_grad raised {told}" in verdict.findings[0].message
    assert len(str(verdict)) < 3000


def test_the_line_of_the_learners_own_code_is_shown():
    def answer(x, w):
        return torch.stack([x, "w"])

    def through_the_library(x, w):
        return sorted([x, w], key=lambda t: 1 / 0)

    (finding,) = check("two_path_grad", answer).findings
    assert any('in answer: return torch.stack([x, "w"])' in line for line in finding.details)
    (finding,) = check("two_path_grad", through_the_library).findings
    assert any("in <lambda>: return sorted" in line for line in finding.details)


def test_a_recursion_without_end_is_told():
    def answer(x, w):
        return answer(x, w)

    assert codes(answer) == ["ERROR.recursion"]


def test_an_interrupt_ends_in_a_verdict_of_its_own():
    verdict = check("two_path_grad", raising(KeyboardInterrupt()))
    assert verdict.outcome is Outcome.WRONG
    assert "did not finish" in verdict.headline
    assert [finding.code for finding in verdict.findings] == ["CHECK.did_not_finish"]
    assert verdict.findings[0].case == "5 numbers"


def test_a_missing_operation_of_torch_is_not_taken_for_starting_code():
    def library(x, w):
        return torch.equal(x.to("meta"), x.to("meta"))

    def forgotten(x, w):
        class Net(nn.Module):
            pass

        return Net()(x)

    def own(x, w):
        raise NotImplementedError

    assert check("two_path_grad", library).outcome is Outcome.WRONG
    assert codes(forgotten) == ["ERROR.no_forward"]
    assert check("two_path_grad", own).outcome is Outcome.NOT_ATTEMPTED


# What an answer may return


class Deceiving(torch.Tensor):
    __module__ = "__main__"

    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        return True

    def __eq__(self, other):
        return True

    __hash__ = None


class Disguised:
    """Says that it is a tensor."""

    @property
    def __class__(self):
        return torch.Tensor


class Breaking:
    @property
    def __class__(self):
        raise Odd


class Meta(type):
    @property
    def __name__(cls):
        raise Odd

    @property
    def __module__(cls):
        raise Odd


class Evasive(metaclass=Meta):
    __slots__ = ()


class Int(int):
    def __eq__(self, other):
        return True

    __hash__ = int.__hash__


Pair = namedtuple("Pair", "dx dw")


def nest(depth, value=1.0):
    for _ in range(depth):
        value = [value]
    return value


def endless():
    whole = []
    whole.extend([whole] * 100)
    return whole


def parts(value):
    """Answers with the value in the place of dx, of dw, and of everything."""
    return [
        lambda x, w: (value(x), right(x, w)[1]),
        lambda x, w: [right(x, w)[0], value(x)],
        lambda x, w: value(x),
    ]


@pytest.mark.parametrize(
    "value",
    [
        lambda x: x.to_sparse(),
        lambda x: x.diag().to_sparse_csr(),
        lambda x: torch.quantize_per_tensor(x.float(), 0.1, 0, torch.qint8),
        lambda x: torch.nested.nested_tensor([x, x]),
        lambda x: x.to_mkldnn() if x.dtype is torch.float32 else x.float().to_mkldnn(),
        lambda x: x.to(torch.float8_e4m3fn),
        lambda x: x * 1j,
        lambda x: x.to(torch.complex32),
        lambda x: (x * 1j).conj(),
        lambda x: torch._neg_view(x),
        lambda x: x.bfloat16(),
        lambda x: x.half(),
        lambda x: x.to("meta"),
        lambda x: x.to(torch.uint16),
        lambda x: x > 0,
        lambda x: x.numpy(),
        lambda x: x.numpy()[0],
        lambda x: np.float32(1),
        lambda x: np.bool_(True),
        lambda x: np.complex128(1),
        lambda x: np.array([None, object()]),
        lambda x: x.expand(10**9, *x.shape),
        lambda x: torch.empty(0).set_(torch.UntypedStorage(0)),
        lambda x: x.as_subclass(Deceiving),
        lambda x: nn.Parameter(x),
        lambda x: nn.UninitializedParameter(),
        lambda x: nn.ReLU(),
        lambda x: nn.ReLU,
        lambda x: x.sum,
        lambda x: x.max(0),
        lambda x: x.shape,
        lambda x: Disguised(),
        lambda x: Breaking(),
        lambda x: Evasive(),
        lambda x: type("", (), {})(),
        lambda x: Int(3),
        lambda x: 10**2000,
        lambda x: float("nan"),
        lambda x: "text" * 10**6,
        lambda x: "\ud800",
        lambda x: b"bytes",
        lambda x: (i for i in range(3)),
        lambda x: iter([x]),
        lambda x: range(10**9),
        lambda x: {x, 1},
        lambda x: {(1, 2): x},
        lambda x: {x: 1},
        lambda x: {None: 1, True: 2, 0.5: 3, "a": x, 10**2000: 4},
        lambda x: dict.fromkeys(range(10**5)),
        lambda x: set(range(10**5)),
        lambda x: [0] * 10**6,
        lambda x: [x] * 10**5,
        lambda x: nest(5000),
        lambda x: endless(),
        lambda x: [torch.zeros(4_000_000)] * 1000,
        lambda x: ["text" * 10**5] * 1000,
        lambda x: Ellipsis,
        lambda x: None,
        lambda x: torch.autograd.Function,
        lambda x: torch.float32,
    ],
)
def test_no_returned_value_breaks_the_check(value):
    for answer in parts(value):
        verdict = check("two_path_grad", answer)
        assert verdict.outcome is Outcome.WRONG
        assert len(str(verdict)) < 5000
        assert str(verdict).encode()


def test_inference_tensors_and_right_subclasses_of_containers_are_right():
    def in_inference_mode(x, w):
        with torch.inference_mode():
            return right(x, w)

    assert check("two_path_grad", in_inference_mode).passed
    assert check("two_path_grad", lambda x, w: Pair(*right(x, w))).passed
    assert check("two_path_grad", lambda x, w: [nn.Parameter(part) for part in right(x, w)]).passed

    def ordered(a, w1, w2, w3, w4):
        grads = {"w4": -w2 * a, "w3": -w1 * a, "w2": -w4 * a, "w1": -w3 * a}
        return OrderedDict(grads, a=-w3 * w1 - w4 * w2)

    assert check("edge_products", ordered).passed


def test_a_value_without_numbers_is_not_right():
    assert codes(lambda x, w: tuple(part.to("meta") for part in right(x, w))) == ["TYPE"]


def test_a_tensor_that_says_it_equals_everything_is_not_believed():
    verdict = check("two_path_grad", lambda x, w: (x.as_subclass(Deceiving), w))
    assert "a Deceiving, a subclass of Tensor" in verdict.findings[0].message


def test_a_hard_coded_device_is_found_without_another_device():
    def answer(x, w):
        ones = torch.ones(len(w), dtype=w.dtype)
        return w + ones, x + 2 * w + ones

    assert codes(answer) == ["ERROR.device"]


def test_a_recorded_value_shares_nothing_with_what_was_returned():
    value = {"t": torch.zeros(3), "l": [1]}
    kept = record(value)
    value["t"].add_(1)
    value["l"].append(2)
    assert kept["l"] == [1]
    assert kept["t"].tolist() == [0, 0, 0]
    assert kept["t"].is_leaf


def test_what_is_recorded_of_one_observation_is_bounded_as_a_whole():
    tracemalloc.start()
    kept = record_all({"big": [torch.zeros(4_000_000)] * 100, "text": ["x" * 10**5] * 100})
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    tensors = [value for value in kept["big"] if isinstance(value, torch.Tensor)]
    assert sum(t.numel() * t.itemsize for t in tensors) <= 32 * 1024 * 1024
    assert sum(len(value) for value in kept["text"] if isinstance(value, str)) <= 200_000
    assert peak < 10_000_000
    assert isinstance(kept["big"][-1], Unrecordable)


# Prints and warnings


def test_a_hundred_megabytes_of_output_are_counted_and_not_kept():
    def answer(x, w):
        line = "x" * 999_999
        for _ in range(25):
            print(line)
            sys.stderr.write(line)
        return right(x, w)

    tracemalloc.start()
    verdict = check("two_path_grad", answer)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert verdict.passed
    assert len(verdict.printed) < 5000
    assert "49,995,879 more characters" in verdict.printed
    assert peak < 30_000_000


def test_what_is_printed_is_shown_and_does_not_count(capfd):
    def answer(x, w):
        print("looking at", x.shape)
        sys.stderr.writelines(["a\n", "b\n"])
        return right(x, w)

    verdict = check("two_path_grad", answer)
    assert verdict.passed
    assert "looking at torch.Size([5])\na\nb" in verdict.printed
    assert capfd.readouterr() == ("", "")


def test_a_warning_of_torch_is_shown_each_time_and_not_on_stderr(capfd):
    def non_leaf(x, w):
        y = x.clone().requires_grad_() * 2
        assert y.grad is None
        return right(x, w)

    def given_once(x, w):
        torch.ones(2, dtype=torch.complex64).to(torch.float32)
        return right(x, w)

    for _ in range(2):
        (told,) = check("two_path_grad", non_leaf).warned
        assert told.startswith("The .grad attribute of a Tensor that is not a leaf")
        assert "Triggered internally" not in told
        (told,) = check("two_path_grad", given_once).warned
        assert told == "Casting complex values to real discards the imaginary part"
    assert capfd.readouterr() == ("", "")


def test_many_warnings_are_cut_and_odd_ones_do_not_break_the_check():
    class Strange(UserWarning):
        def __str__(self):
            return self.args[0]

    def answer(x, w):
        for i in range(1000):
            warnings.warn(f"number {i}\nsecond line", stacklevel=1)
        with contextlib.suppress(TypeError):
            warnings.warn(Strange(None), stacklevel=1)
        return right(x, w)

    verdict = check("two_path_grad", answer)
    assert verdict.passed
    assert verdict.warned == tuple(f"number {i}" for i in range(5))


def test_numpys_generator_goes_on_as_if_an_answer_had_not_drawn_from_it():
    def drawing(x, w):
        np.random.rand()
        return x + w, x

    before = np.random.get_state()
    try:
        np.random.seed(3)
        np.random.randn()  # the other one of a pair is kept for the next call
        expected = np.random.RandomState()
        expected.set_state(np.random.get_state())
        assert "SIDE.rng" in [one.code for one in check("two_path_grad", drawing).findings]
        assert np.random.randn(3).tolist() == expected.randn(3).tolist()
    finally:
        np.random.set_state(before)


# Modules


def made_model():
    with torch.random.fork_rng():
        return nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2), nn.Dropout())


def effects_on(model, answer, inside=contextlib.nullcontext):
    """The effects of an answer that is given a model, called within what an exercise puts back."""

    class Task:
        id = "probe"
        arguments = (("model",),)
        allows = frozenset()

        def observe(self, answer, **inputs):
            with inside():
                answer(model)
            return 1

    case = find("two_path_grad").cases()[0]
    return dict(observe(Task(), [answer], {}, case).observation.effects)


@torch.no_grad()
def fill(model):
    for parameter in model.parameters():
        parameter.grad = torch.ones_like(parameter)


@pytest.mark.parametrize(
    ("change", "effect", "told"),
    [
        (lambda m: m[2].eval(), "training", "training flags changed: 2"),
        (lambda m: m[0].register_forward_hook(print), "hooks", "1 hooks more than before the call"),
        (lambda m: m[1]._forward_hooks.clear(), "hooks", "1 hooks fewer than before the call"),
        (
            lambda m: m[0].weight.register_hook(print),
            "hooks",
            "`0.weight` has 1 more than before the call",
        ),
        (
            lambda m: m[0].bias.register_post_accumulate_grad_hook(print),
            "hooks",
            "`0.bias` has 1 more than before the call",
        ),
        (
            lambda m: m[0].weight.data.mul_(2),
            "parameters",
            "`0.weight` has other values after the call",
        ),
        (
            lambda m: m[1].num_batches_tracked.add_(1),
            "buffers",
            "`1.num_batches_tracked` has other values after the call",
        ),
        (
            lambda m: m[0].requires_grad_(False),
            "parameters.requires_grad",
            "requires_grad of `0.weight` is now False; requires_grad of `0.bias` is now False",
        ),
        (
            lambda m: m[0](torch.ones(1, 2)).sum().backward(),
            "parameters.grad",
            ".grad of `0.weight` was changed; .grad of `0.bias` was changed",
        ),
        (
            lambda m: m[1].zero_grad(),
            "parameters.emptied",
            ".grad of `1.weight` was emptied; .grad of `1.bias` was emptied",
        ),
        (
            lambda m: m[1].weight.grad.zero_(),
            "parameters.emptied",
            ".grad of `1.weight` was emptied",
        ),
        (
            lambda m: setattr(m, "0", copy.deepcopy(m[0])),
            "parts",
            "`0`, `0.weight`, `0.bias`: another object",
        ),
        (
            lambda m: setattr(m, "new", torch.nn.ReLU()),
            "parts",
            "`new`: added",
        ),
        (
            lambda m: delattr(m, "0"),
            "parts",
            "`0`, `0.weight`, `0.bias`: taken out",
        ),
    ],
)
def test_what_a_module_is_left_with_is_named_and_told_from_a_tensors(change, effect, told):
    model = made_model()
    fill(model)
    model[1].register_forward_hook(print)
    assert effects_on(model, change) == {effect: told}


@pytest.mark.parametrize(
    ("change", "inside", "effect"),
    [
        (lambda m: torch.manual_seed(0), torch.random.fork_rng, "rng"),
        (lambda m: torch.rand(1), torch.random.fork_rng, "rng"),
        (lambda m: torch.set_grad_enabled(False), torch.enable_grad, "grad_mode"),
        (lambda m: torch.set_grad_enabled(True), torch.no_grad, "grad_mode"),
    ],
)
def test_what_the_exercise_itself_puts_back_is_read_before(change, inside, effect):
    assert list(effects_on(made_model(), change, inside)) == [effect]


def test_recording_left_off_spoils_nothing_that_the_exercise_does_afterwards():
    recorded = []

    def answer(model):
        torch.set_grad_enabled(False)

    class Task:
        id = "probe"
        arguments = (("n",),)
        allows = frozenset()

        def observe(self, answer, **inputs):
            answer(1)
            recorded.append(torch.is_grad_enabled())
            return 1

    effects = observe(Task(), [answer], {}, find("two_path_grad").cases()[0]).observation.effects
    assert list(effects) == ["grad_mode"]
    assert recorded == [True]


def probe(body):
    """A task whose `observe` has this body, standing where the course's tasks stand."""
    source = (
        "class Probe:\n"
        "    id, arguments, allows = 'probe', (('n',),), frozenset()\n"
        f"    def observe(self, answer, **inputs):\n        {body}\n"
    )
    namespace = {"torch": torch}
    exec(compile(source, str(ROOT / "grader/tasks/probe.py"), "exec"), namespace)
    return namespace["Probe"]()


def ended(body, answer):
    """The exception that an answer to such a task ended in."""
    case = find("two_path_grad").cases()[0]
    return observe(probe(body), [answer], {}, case).observation.error


class Unwritten(nn.Module):
    def __init__(self, n):
        raise NotImplementedError


class Unfinished(nn.Module):
    def __init__(self, n):
        super().__init__()


class Dividing(Unfinished):
    def forward(self, x):
        return 1 / 0


@pytest.mark.parametrize(
    ("answer", "kind", "own"),
    [
        (Unwritten, "NotImplementedError", True),
        (Unfinished, "NotImplementedError", False),
        (Dividing, "ZeroDivisionError", False),
    ],
)
def test_an_exception_of_a_class_is_the_learners(answer, kind, own):
    error = ended("return answer(3)(torch.ones(3))", answer)
    assert (error.type_name, error.own_raise, error.by_learner) == (kind, own, True)


@pytest.mark.parametrize("run", [exec, eval])
def test_an_exception_out_of_a_text_that_the_answer_ran_is_told_apart(run):
    error = ended("return answer(3)", lambda n: run("1 / 0", {}))
    assert (error.in_text, error.by_learner) == (True, True)
    assert error.line == "line 1 of the text that was run"
    assert not ended("return answer(3)", lambda n: 1 / 0).in_text


def test_an_exception_outside_the_answer_is_told_apart():
    assert ended("return len(answer(3))", lambda n: 1 / 0).by_learner
    assert not ended("return len(answer(3))", lambda n: n).by_learner
    error = describe(ValueError("no frames"))
    assert (error.line, error.by_learner) == ("", False)


@pytest.mark.parametrize("exercise", [exercise.id for exercise in exercises()])
def test_every_exercise_survives_an_answer_that_returns_nonsense(exercise, same_answers):
    task = find(exercise)
    for value in (object(), {"a": 1}, (torch.ones(2), None, "a")):
        answers = [lambda *args, value=value: value for _ in task.functions]
        verdict = verdict_on(task, answers)
        assert verdict.outcome is Outcome.WRONG
        assert verdict.findings


def test_no_exercise_waits_for_what_its_cases_are_set_by():
    """`case(..., scale=...)` sets the tolerance: an input of that name would keep its default."""
    settings = {field.name for field in dataclasses.fields(Case)}
    for exercise in exercises():
        inputs = inspect.signature(find(exercise.id).observe).parameters.values()
        assert not settings & {one.name for one in inputs if one.default is not one.empty}
