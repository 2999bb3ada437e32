"""What is said of a schedule that goes on: the rates are those of one that never stopped."""

import copy

import pytest
import torch
from torch.optim import lr_scheduler as S

FIRST, EPOCHS = 0.8, 8
SCHEDULES = {
    "LambdaLR": lambda opt, **last: S.LambdaLR(opt, _halves, **last),
    "MultiplicativeLR": lambda opt, **last: S.MultiplicativeLR(opt, lambda epoch: 0.5, **last),
    "ExponentialLR": lambda opt, **last: S.ExponentialLR(opt, 0.5, **last),
    "StepLR": lambda opt, **last: S.StepLR(opt, 2, 0.1, **last),
    "MultiStepLR": lambda opt, **last: S.MultiStepLR(opt, [2, 4], 0.1, **last),
    "ConstantLR": lambda opt, **last: S.ConstantLR(opt, 0.1, 3, **last),
    "LinearLR": lambda opt, **last: S.LinearLR(opt, 0.1, 1.0, 5, **last),
    "PolynomialLR": lambda opt, **last: S.PolynomialLR(opt, 10, **last),
    "CosineAnnealingLR": lambda opt, **last: S.CosineAnnealingLR(opt, 10, **last),
    "CosineAnnealingWarmRestarts": lambda opt, **last: S.CosineAnnealingWarmRestarts(
        opt, 3, **last
    ),
    "OneCycleLR": lambda opt, **last: S.OneCycleLR(opt, FIRST, total_steps=10, **last),
}


def _halves(epoch):
    return 0.5**epoch


def _new():
    return torch.optim.SGD([torch.ones(1, requires_grad=True)], lr=FIRST, momentum=0.9)


def _rates(optimizer, scheduler, epochs):
    rates = []
    for _ in range(epochs):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return rates


@pytest.mark.filterwarnings("ignore:Detected call of")
@pytest.mark.parametrize("done", [1, 3, 4])
@pytest.mark.parametrize("name", SCHEDULES)
def test_a_schedule_that_is_loaded_or_stepped_again_goes_on_as_it_would_have(name, done):
    make, old = SCHEDULES[name], _new()
    schedule = make(old)
    _rates(old, schedule, done)
    saved = copy.deepcopy((old.state_dict(), schedule.state_dict()))
    wanted = _rates(old, schedule, EPOCHS - done)

    loaded = _new()
    scheduler = make(loaded)
    loaded.load_state_dict(saved[0])
    scheduler.load_state_dict(saved[1])
    assert _rates(loaded, scheduler, EPOCHS - done) == pytest.approx(wanted)

    stepped = _new()
    scheduler = make(stepped)
    for _ in range(done):
        scheduler.step()
    assert _rates(stepped, scheduler, EPOCHS - done) == pytest.approx(wanted)


def test_a_first_rate_that_is_set_by_hand_gives_most_schedules_wrong_rates():
    done, right = 4, []
    for name, make in SCHEDULES.items():
        old = _new()
        wanted = _rates(old, make(old), EPOCHS)[done:]
        for last in (done - 1, done):
            new = _new()
            new.param_groups[0]["initial_lr"] = FIRST
            try:
                scheduler = make(new, last_epoch=last)
            except KeyError:  # OneCycleLR wants more of the old group
                continue
            if _rates(new, scheduler, EPOCHS - done) == pytest.approx(wanted):
                right.append(name)
    assert len(set(right)) < len(SCHEDULES) / 2, right
