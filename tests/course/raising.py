"""Programs at which torch says what the index lists: errors of training, and warnings.

Each is named after the code of its explanation. Those of all other errors stand in
`tests/errors/test_errors.py`.
"""

import io
import warnings

import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint
from torch.utils.data import DataLoader

from tests.errors.test_errors import CASES

x = torch.ones(3, 2, requires_grad=True)


def said(program):
    """The types and texts of the errors and warnings of one run."""
    found = []
    always = torch.is_warn_always_enabled()
    torch.set_warn_always(True)  # else torch says some of its warnings once in a process
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            program()
        except BaseException as error:
            found.append((type(error).__name__, str(error)))
        finally:
            torch.set_warn_always(always)
    return found + [(one.category.__name__, str(one.message)) for one in caught]


def worker_out():
    for _ in DataLoader([x.detach().clone().requires_grad_() for _ in range(2)], 2, num_workers=1):
        pass


def one_value():
    nn.BatchNorm1d(2)(torch.ones(1, 2))


def target_range():
    F.cross_entropy(x, torch.tensor([0, 1, 2]))


def target_shape():
    F.cross_entropy(x, torch.tensor([0, 1]))


def target_shape_of_two_dimensions():
    F.nll_loss(x, torch.tensor([[0], [1], [0]]))


def target_shape_with_logits():
    F.binary_cross_entropy_with_logits(x, torch.ones(3))


def not_probabilities():
    F.binary_cross_entropy(x * 2, torch.ones(3, 2))


def scaler_order():
    scaler = torch.amp.GradScaler("cpu")
    optimizer = torch.optim.SGD([x])
    scaler.scale(x.sum()).backward()
    scaler.unscale_(optimizer)
    scaler.unscale_(optimizer)


def scaler_order_without_backward():
    scaler = torch.amp.GradScaler("cpu")
    scaler.scale(x.sum())
    scaler.step(torch.optim.SGD([torch.ones(2, requires_grad=True)]))


def state_dict_keys():
    file = io.BytesIO()
    torch.save(nn.Linear(2, 2).state_dict(), file)
    file.seek(0)
    nn.Sequential(nn.Linear(2, 2)).load_state_dict(torch.load(file))


def compiled_twice():
    x = torch.ones(3, requires_grad=True)
    (slope,) = torch.autograd.grad(
        torch.compile(torch.sin, backend="aot_eager")(x).sum(), x, create_graph=True
    )
    slope.sum().backward()


def warned_non_leaf_grad():
    return (x * 2).grad


def warned_cycle():
    (x**2).sum().backward(create_graph=True)
    x.grad = None


def warned_scalar():
    return float((x * 2).sum())


def warned_copy():
    return torch.tensor(x.detach())


def warned_reentrant():
    checkpoint(torch.sin, torch.ones(3), use_reentrant=True)


def warned_use_reentrant():
    checkpoint(torch.sin, x)


def warned_scheduler():
    torch.optim.lr_scheduler.StepLR(torch.optim.SGD([x]), 1).step()


def warned_clip():
    parameters = nn.Linear(2, 2).parameters()
    list(parameters)
    nn.utils.clip_grad_norm_(parameters, 1.0)


def warned_target_size():
    F.mse_loss(x, torch.ones(3, 1))


def warned_hook():
    net = nn.Linear(2, 1)
    net.register_full_backward_hook(lambda *_: None)
    net(torch.ones(3, 2)).sum().backward()


def warned_anomaly():
    with torch.autograd.detect_anomaly(check_nan=True):
        zero = torch.zeros(1, requires_grad=True)
        (zero.sqrt() * 0).sum().backward()


def warned_softmax():
    F.softmax(x)


def warned_kl():
    F.kl_div(x.detach(), torch.ones(3, 2))


PROGRAMS = {
    "worker_out": [worker_out],
    "one_value": [one_value],
    "target_range": [target_range],
    "target_shape": [target_shape, target_shape_of_two_dimensions, target_shape_with_logits],
    "not_probabilities": [not_probabilities],
    "scaler_order": [scaler_order, scaler_order_without_backward],
    "state_dict_keys": [state_dict_keys],
    "compiled_twice": [compiled_twice],
    **{name: [program] for name, program in list(globals().items()) if name.startswith("warned_")},
}
for _case in CASES:
    _code, _raises, _ = _case.values
    PROGRAMS.setdefault(_code, []).append(_raises)
