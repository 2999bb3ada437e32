"""A watch sees a step and changes none of it: values, random numbers, modes, hooks, versions."""

import contextlib
import gc
import linecache
import re
import threading
import warnings
import weakref

import pytest
import torch
from torch import nn
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.data import DataLoader, Dataset

from course import watch, why_no_grad
from course.companion.record import calls
from tests.companion.loops import LOOPS


def flat(value):
    """Everything in a value, tensors as dtype, strides, flags and bytes."""
    if isinstance(value, torch.Tensor):
        version = -1 if value.is_inference() else value._version
        flags = (value.requires_grad, value.is_leaf, version, type(value.grad_fn).__name__)
        bits = value.detach().contiguous().view(torch.uint8) if value.dim() else value.detach()
        return (str(value.dtype), value.stride(), flags, bits.tolist())
    if isinstance(value, dict):
        return {name: flat(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [flat(one) for one in value]
    return value


def left_behind():
    """What torch itself is set to."""
    return (
        torch.get_rng_state().tolist(),
        torch.is_grad_enabled(),
        torch.is_inference_mode_enabled(),
        torch.is_anomaly_enabled(),
        torch._C._len_torch_function_stack(),
        torch._C._len_torch_dispatch_stack(),
        torch.is_autocast_enabled("cpu"),
    )


def run(function):
    torch.manual_seed(5)
    found = flat(function())
    return found, left_behind()


def run_watched(function):
    torch.manual_seed(5)
    with watch() as seen:
        found = flat(function())
    return found, left_behind(), seen


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("function", LOOPS.values(), ids=LOOPS)
def test_a_watched_loop_is_bit_for_bit_what_it_is_without(function):
    function()  # optimizers make their states at the first use
    alone, after = run(function)
    watched, after_watched, seen = run_watched(function)
    assert watched == alone
    assert after_watched == after
    assert len(seen.record) > 0
    assert not seen.record.blind


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("function", LOOPS.values(), ids=LOOPS)
def test_a_right_loop_raises_no_alarm(function):
    torch.manual_seed(5)
    with watch() as seen:
        function()
    assert not [one for one in seen.report().findings if one.sure], seen


def test_a_transformer_in_eval_mode_takes_its_plain_path_under_a_watch():
    """Its fused path, without recording, is torch's for calls that no mode sees."""
    model = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True).eval()
    x = torch.randn(2, 3, 8)
    with torch.no_grad():
        fused = model(x)
        with watch():
            plain = model(x)
    torch.testing.assert_close(plain, fused)


@pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors")
def test_padded_positions_are_zeros_in_the_fused_path_alone():
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
    model, x = nn.TransformerEncoder(layer, 1).eval(), torch.randn(2, 5, 8)
    padded = torch.zeros(2, 5, dtype=torch.bool)
    padded[1, 3:] = True
    with torch.no_grad():
        fused = model(x, src_key_padding_mask=padded)
        with watch():
            plain = model(x, src_key_padding_mask=padded)
    torch.testing.assert_close(plain[~padded], fused[~padded])
    assert not fused[padded].any()
    assert plain[padded].all()


def test_a_watch_keeps_no_tensor_and_no_graph_alive():
    w = torch.ones(3, requires_grad=True)
    with watch():
        h = w.exp()
        h.sum().backward()

    class Marked:
        """Lives as long as the node does."""

    mark = h.grad_fn.metadata["mark"] = Marked()
    node, tensor = weakref.ref(mark), weakref.ref(h)
    del h, mark
    gc.collect()
    assert node() is None
    assert tensor() is None


def test_a_watch_keeps_a_bounded_number_of_calls(monkeypatch):
    monkeypatch.setattr("course.companion.record.noting.MOST_CALLS", 50)
    w = torch.ones(3, requires_grad=True)
    with watch() as seen:
        for _ in range(300):
            loss = (w * 2).sum()
    assert len(seen.record) == 600
    assert len(seen.record.calls) <= 50
    assert len(seen.record.made) <= 110
    assert any("forgot" in note for note in why_no_grad(w, loss, seen=seen).notes)
    assert calls.MOST_CALLS > 1000


def test_a_watch_that_is_left_by_an_exception_is_gone_and_can_be_asked():
    w = torch.ones(3, requires_grad=True)
    seen, loss = watch(), w.sum()

    def step():
        nonlocal loss
        with seen:
            loss = w.detach().sum()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        step()
    assert not torch._C._len_torch_function_stack()
    assert "cut_detach" in why_no_grad(w, loss, seen=seen).codes


def test_an_error_inside_a_watch_is_the_error_without():
    with pytest.raises(RuntimeError, match="does not require grad"), watch():
        torch.ones(3).sum().backward()
    assert not torch._C._len_torch_function_stack()


class Counting(TorchFunctionMode):
    """A mode of somebody else's."""

    def __init__(self):
        super().__init__()
        self.names = []

    def __torch_function__(self, func, types, args=(), kwargs=None):
        self.names.append(func)
        return func(*args, **(kwargs or {}))


class Operators(TorchDispatchMode):
    """The same, one level below."""

    def __init__(self):
        super().__init__()
        self.names = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.names.append(str(func))
        return func(*args, **(kwargs or {}))


def _stepped():
    w = torch.ones(3, requires_grad=True)
    loss = (w.exp() * 2).sum()
    loss.backward()
    return w, loss


@pytest.mark.parametrize("kind", [Counting, Operators])
def test_other_modes_see_the_same_inside_and_outside_of_a_watch(kind):
    with kind() as alone:
        _stepped()
    with kind() as outside, watch():
        _stepped()
    with watch(), kind() as inside:
        _stepped()
    assert outside.names == alone.names == inside.names


def test_a_watch_in_a_watch_sees_what_the_outer_one_sees():
    with watch() as outer, watch() as inner:
        _stepped()
    assert [call.name for _, call in inner.record.every()] == [
        call.name for _, call in outer.record.every()
    ]


def test_another_thread_is_not_seen_and_not_disturbed():
    found = []
    with watch() as seen:
        thread = threading.Thread(target=lambda: found.append(_stepped()[0].grad))
        thread.start()
        thread.join()
    assert len(seen.record) == 0
    assert torch.equal(found[0], torch.ones(3).exp() * 2)


class Squares(Dataset):
    """Made in a worker."""

    def __len__(self):
        return 4

    def __getitem__(self, index):
        return torch.full((2,), float(index)) ** 2


@pytest.mark.filterwarnings("ignore")
def test_workers_of_a_data_loader_work_under_a_watch():
    w = torch.ones(2, requires_grad=True)
    with watch():
        for batch in DataLoader(Squares(), batch_size=2, num_workers=1):
            loss = (batch * w).sum()
            loss.backward()
    assert torch.equal(w.grad, torch.full((2,), 14.0))
    assert why_no_grad(w, loss).codes == ("fine",)


@pytest.mark.filterwarnings("ignore")
def test_compiled_code_runs_as_it_is_and_the_report_says_that_it_was_not_seen():
    torch._dynamo.reset()
    model = nn.Linear(3, 2)
    compiled = torch.compile(model, backend="eager", fullgraph=True)
    x = torch.ones(1, 3)
    expected = model(x)
    with watch() as seen:
        out = compiled(x)
        loss = out.sum()
        loss.backward()
    assert torch.equal(out, expected)
    report = why_no_grad(model.weight, loss, seen=seen)
    assert report.codes == ("fine",)
    assert any("is compiled" in note for note in report.notes)


def test_a_model_of_several_processes_is_said_to_be_seen_in_part():
    class DistributedDataParallel(nn.Module):
        """Stands in for torch's, which needs other processes: its name is looked at."""

        def __init__(self, module):
            super().__init__()
            self.module = module

        def forward(self, x):
            return self.module(x)

    model = DistributedDataParallel(nn.Linear(3, 1))
    loss = model(torch.ones(1, 3)).sum()
    report = why_no_grad(model.module.weight, loss, model=model)
    assert any("other processes" in note for note in report.notes)


# torch's own warnings


def _spreads(x):
    x.std()  # the first spread
    x.std()  # the second spread


def _lines(shown):
    assert {one.filename for one in shown} == {__file__}
    return [linecache.getline(__file__, one.lineno).strip() for one in shown]


@pytest.mark.parametrize("action", ["always", "default", "once"])
def test_a_warning_of_torch_names_the_line_that_it_names_without_a_watch(action):
    x, seen = torch.ones(1), []
    for watched in (False, True):
        globals().get("__warningregistry__", {}).clear()
        warnings.onceregistry.clear()
        with warnings.catch_warnings(record=True) as shown:
            warnings.simplefilter(action)
            with watch() if watched else contextlib.nullcontext():
                for _ in range(2):
                    _spreads(x)
        seen.append(_lines(shown))
    plain, under_a_watch = seen
    assert plain == under_a_watch
    assert len(plain) == {"always": 4, "default": 2, "once": 1}[action]
    assert "the first spread" in plain[0]


def test_a_warning_of_torchs_python_names_the_readers_line_too():
    with warnings.catch_warnings(record=True) as shown:
        warnings.simplefilter("always")
        with watch():
            torch.nn.functional.mse_loss(torch.ones(3, 1), torch.ones(3))  # broadcasts
    assert "# broadcasts" in _lines(shown)[0]


def test_a_filter_for_the_readers_module_holds_under_a_watch():
    with warnings.catch_warnings(record=True) as shown:
        warnings.simplefilter("always")
        warnings.filterwarnings("ignore", module=re.escape(__name__))
        with watch():
            _spreads(torch.ones(1))
    assert not shown
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with watch(), pytest.raises(UserWarning, match="degrees of freedom"):
            _spreads(torch.ones(1))


def test_warnings_are_shown_by_python_itself_once_the_watches_are_left():
    before = warnings._showwarnmsg
    with watch():
        with watch():
            assert warnings._showwarnmsg is not before
        with warnings.catch_warnings(record=True) as shown:
            warnings.simplefilter("always")
            warnings.warn("one of the reader's own", stacklevel=1)
        assert str(shown[0].message) == "one of the reader's own"
    assert warnings._showwarnmsg is before
