"""What is said where a step gave a number and its loss is gone: as far as a watch kept it."""

import pytest

from tests.companion import without_loss


@pytest.mark.parametrize("code", without_loss.WRONG)
def test_a_cause_is_named_with_its_line_though_the_loss_is_gone(code):
    hand_on, line = without_loss.WRONG[code]
    one, all_ = without_loss.asked(hand_on)
    for report in (one, all_):
        assert report.codes[:1] == (code,), report
        assert line in report.findings[0].place.text, report
    assert "is gone" in one.about


def test_a_layer_that_is_not_used_is_named_too():
    _, all_ = without_loss.asked(lambda code: code, spare=True)
    assert all_.codes == ("never_used",)
    assert "model.spare.weight and model.spare.bias" in str(all_)


def test_a_step_that_is_right_is_no_alarm():
    one, all_ = without_loss.asked(lambda code: code)
    assert one.codes == ("fine",)
    assert all_.codes == ()
    assert "No gradient of 6 parameters is lost." in all_.about


def test_a_custom_function_that_lets_gradients_through_is_no_alarm():
    one, all_ = without_loss.asked(without_loss.estimated(lambda x: x.abs() <= 9))
    assert one.codes == ("fine",)
    assert all_.codes == ()


@pytest.mark.parametrize(
    "asked",
    [
        without_loss.an_adapter_that_begins_at_zero,
        without_loss.a_branch_whose_normalization_begins_at_zero,
    ],
)
def test_a_factor_that_begins_at_zero_is_no_alarm(asked):
    one, all_ = asked()
    assert one.codes == ("zero_start",), one
    assert all_.codes == (), all_


def test_a_way_that_was_detached_is_named_where_the_others_cancel():
    lost, kept = without_loss.noise_that_is_scored_alone()
    assert set(lost.codes) == {"cut_detach", "zero_parts"}, lost
    place = next(one.place for one in lost.findings if one.code == "cut_detach")
    assert "score.detach() if detached" in place.text, lost
    assert kept.codes == ("fine",), kept


def test_a_gradient_that_many_sigmoids_made_small_is_named():
    one, all_ = without_loss.many_sigmoids()
    for report in (one, all_):
        assert report.codes == ("vanishing",), report
        assert "up to 15 of them" in str(report), report


def test_small_gradients_of_which_nothing_is_said_are_not_called_lost():
    _, report = without_loss.small_for_a_reason_of_its_own()
    assert report.codes == (), report
    assert "No gradient of 28 parameters is lost." in report.about, report
    assert "12 of 28 that are 0 or next to it are looked at." in report.about, report


def test_a_small_gradient_that_nothing_explains_is_told_by_its_size():
    one = without_loss.small_for_a_reason_of_its_own()[0]
    assert one.codes == ()
    assert "and no call that was seen says why" in one.about
