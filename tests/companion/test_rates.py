"""A learning rate of 0: an alarm where nothing can have moved, a note where it may be meant."""

import torch

from course import watch, why_no_grad
from tests.companion.programs import net


def _warmed(begin, steps, scheduled=True, by_hand=False):
    """Steps of a warm-up from a beginning, whose scheduler moves after each of them or never."""
    model = net(3, 2)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.1)
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: (begin + step) / 5)
    if by_hand:
        optimizer.param_groups[0]["lr"] = 0.0
    with watch() as seen:
        for _ in range(steps):
            optimizer.zero_grad()
            loss = model(torch.ones(4, 3)).pow(2).mean()
            loss.backward()
            optimizer.step()
            if scheduled:
                scheduler.step()
    return why_no_grad(model, loss), str(seen)


def test_the_first_step_of_a_warm_up_is_noted_and_no_alarm():
    report, seen = _warmed(0, 1, scheduled=False)
    assert report.codes == ()
    for told in (str(report), seen):
        assert "Note: optimizer stepped with a learning rate of 0 at test_rates.py" in told
        assert "which LambdaLR set by <lambda>(0) at test_rates.py" in told
        assert "(step + 1) / total in the place of step / total" in told


def test_a_warm_up_that_goes_on_is_neither():
    report, seen = _warmed(0, 3)
    assert report.codes == ()
    assert "learning rate" not in str(report) + seen
    report, _ = _warmed(1, 1, scheduled=False)
    assert "learning rate of 0" not in str(report)


def test_a_warm_up_that_does_not_go_on_moves_nothing():
    report, _ = _warmed(0, 3, scheduled=False)
    assert report.codes == ("zero_rate",)
    assert "which LambdaLR set" in report.findings[0].sentence
    assert report.findings[0].place.text == "optimizer.step()"


def test_a_rate_that_no_scheduler_set_is_an_alarm_beside_one():
    report, _ = _warmed(1, 1, scheduled=False, by_hand=True)
    assert report.codes == ("zero_rate",)
    assert "LambdaLR" not in report.findings[0].sentence


def test_a_rate_of_one_group_is_noted():
    one, other = net(3, 2), net(2, 1)
    optimizer = torch.optim.SGD(one.parameters(), lr=0.1)
    optimizer.add_param_group({"params": list(other.parameters()), "lr": 0.0})
    with watch():
        loss = other(one(torch.ones(4, 3))).pow(2).mean()
        loss.backward()
        optimizer.step()
    report = why_no_grad(one, loss)
    assert report.codes == ()
    assert "The learning rate of group 1 of optimizer was 0 in every watched step, at" in str(
        report
    )


def test_a_rate_of_0_is_noted_of_a_step_that_was_not_watched():
    model = net(3, 2)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
    loss = model(torch.ones(4, 3)).pow(2).mean()
    loss.backward()
    report = why_no_grad(model[0].weight, loss)
    assert report.codes == ("fine",)
    assert "The learning rate of optimizer is 0 now: a step moves nothing." in str(report)
    optimizer.step()
