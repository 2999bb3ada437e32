"""Where work is lost without an error, the line that loses it is named, and whose it is."""

import pytest
import torch
from torch import nn

from course import watch, why_no_grad
from tests.companion import wasted

LINES = [
    (wasted.a_cycle_without_recording, "term_unrecorded", "with torch.set_grad_enabled(recorded)"),
    (wasted.a_batch_in_one_row, "batch_folded", "x.reshape(-1, self.head.in_features)"),
    (wasted.a_judge_that_is_never_emptied, "unemptied", "of_judge.step()"),
    (wasted.a_schedule_of_epochs_in_batches, "schedule_by_batch", "self.by_cosine.step()"),
    (wasted.hard_masks_behind_a_new_leaf, "cut_integer", "return (places > found[:, :1])"),
]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("program", "code", "line"), LINES, ids=[one for _, one, _ in LINES])
def test_the_line_that_loses_the_work_is_named(program, code, line):
    report = program()
    (found,) = (one for one in report.findings if one.code == code)
    assert line in found.place.text, report


def test_of_several_optimizers_the_one_that_is_never_emptied_is_named():
    (found,) = wasted.a_judge_that_is_never_emptied().findings
    assert "of_judge steps in a loop" in found.sentence


def test_of_a_dict_with_numbers_for_keys_the_cure_says_that_they_have_to_be_texts():
    class Relations(nn.Module):
        def __init__(self):
            super().__init__()
            self.by_number = {number: nn.Linear(3, 2) for number in range(2)}
            self.out = nn.Linear(2, 1)

        def forward(self, x):
            return self.out(sum(one(x) for one in self.by_number.values()))

    model = Relations()
    with watch():
        loss = model(torch.rand(4, 3)).sum()
        loss.backward()
    (found,) = (one for one in why_no_grad(model=model).findings if one.code == "in_a_list")
    assert found.cure == "Use nn.ModuleDict, with texts for keys."


def test_a_net_that_was_frozen_behind_its_step_is_not_said_to_have_no_gradient():
    report = wasted.a_net_that_is_frozen_behind_its_step()
    assert report.about.startswith("It was trained in the watched step")
    assert report.codes == ("fine",)
