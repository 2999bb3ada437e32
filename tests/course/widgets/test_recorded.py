"""A picture's steps are recorded where a book is made, and nowhere else."""

import json

import pytest
import torch

from course.widgets import explore
from course.widgets.frame import player, recorded


@pytest.fixture
def shown(monkeypatch):
    """Display a picture, and get its outputs."""
    outputs = []
    monkeypatch.setattr(player, "display", lambda data, raw: outputs.append(data))

    def display():
        x = torch.tensor(2.0, requires_grad=True)
        picture = explore(x * x + x)
        picture._ipython_display_()
        return picture, outputs

    return display


def test_a_learners_notebook_holds_one_picture(shown, monkeypatch):
    monkeypatch.delenv("AUTOGRAD_COURSE_STEPS", raising=False)
    _, outputs = shown()
    assert all(recorded.MIME not in output for output in outputs)


def test_where_a_book_is_made_every_step_of_every_choice_is_recorded(shown, monkeypatch):
    monkeypatch.setenv("AUTOGRAD_COURSE_STEPS", "1")
    picture, (still, _) = shown()
    steps = json.loads(json.dumps(still[recorded.MIME]))
    assert steps["choices"] == [name for name, _ in picture.what.options]
    assert steps["first"] == [picture.what.value, picture.step]
    assert steps["still"][1] == picture.fallback().sentence
    for choice, frames in enumerate(steps["frames"]):
        picture.what.value = choice
        assert len(frames) == picture.last_step + 1
        for step, (svg, sentence) in enumerate(frames):
            picture.step = step
            assert (svg, sentence) == (picture.stage.svg, picture.sentence)
