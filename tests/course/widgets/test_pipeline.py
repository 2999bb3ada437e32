"""Chapter 13's picture shows schedules in which nothing runs before what it needs."""

from itertools import pairwise
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course.widgets import explore_pipeline
from course.widgets.frame.notice import Notice
from course.widgets.frame.player import Player
from course.widgets.frame.svg import text_width
from course.widgets.pipeline.picture import CELL, LEFT, PipelinePicture
from course.widgets.pipeline.schedules import gpipe, one_forward_one_backward, whole_batch

SVG = "{http://www.w3.org/2000/svg}"
MAKERS = (gpipe, one_forward_one_backward, whole_batch)
every_schedule = pytest.mark.parametrize("make", MAKERS, ids=lambda make: make.__name__)
sizes = st.integers(1, 5), st.integers(1, 8)


# What it shows could run so.


@given(st.sampled_from(MAKERS), *sizes)
@settings(max_examples=60, deadline=None)
def test_every_pass_runs_once_after_what_it_needs_and_no_stage_does_two_at_once(make, s, m):
    schedule = make(s, m)
    when = {(one.stage, one.kind, one.micro): one.tick for one in schedule.work}
    assert len(when) == len(schedule.work) == 2 * s * m
    assert len({(one.stage, one.tick) for one in schedule.work}) == len(schedule.work)
    for (stage, kind, micro), tick in when.items():
        if kind == "F" and stage > 0:
            assert when[stage - 1, "F", micro] < tick
        if kind == "B":
            before = (stage, "F", micro) if stage == s - 1 else (stage + 1, "B", micro)
            assert when[before] < tick


@given(*sizes)
@settings(max_examples=30, deadline=None)
def test_both_pipelines_have_one_bubble_and_differ_in_what_they_keep(s, m):
    first, in_turns, whole = (make(s, m) for make in MAKERS)
    assert first.ticks == in_turns.ticks == 2 * (m + s - 1)
    assert first.idle(first.ticks) == in_turns.idle(in_turns.ticks) == 2 * s * (s - 1)
    assert whole.ticks == 2 * s * m
    for stage in range(s):
        assert first.most_kept(stage) == m
        assert in_turns.most_kept(stage) == min(m, s - stage)


@given(*sizes)
@settings(max_examples=30, deadline=None)
def test_in_turns_a_stage_takes_one_back_before_the_next_goes_forward(s, m):
    work = sorted(one_forward_one_backward(s, m).work, key=lambda one: one.tick)
    for stage in range(s):
        order = "".join(one.kind for one in work if one.stage == stage)
        first = min(m, s - stage)
        assert order == "F" * first + "BF" * (m - first) + "B" * first


@every_schedule
def test_in_the_end_nothing_is_kept(make):
    schedule = make(3, 4)
    assert [schedule.kept(stage, schedule.ticks) for stage in range(3)] == [[], [], []]


# The steps and the drawing.


def test_the_steps_are_told_in_words():
    picture = PipelinePicture([gpipe(3, 4)])
    told = [picture.picture(0, step).sentence for step in range(picture.last_step(0) + 1)]
    assert told[0].startswith("Step 0 of 12: GPipe: 3 stages, and a batch in 4 micro-batches.")
    assert told[1] == (
        "Step 1 of 12: in tick 0 stage 0 takes micro-batch 0 forward and stages 1 and 2 wait. "
        "So far 2 of 3 places were idle."
    )
    assert told[7].startswith(
        "Step 7 of 12: in tick 6 stage 2 takes micro-batch 0 back and stages 0 and 1 wait."
    )
    assert told[12].endswith(
        "The batch is done: 12 of 36 places were idle, 33%. No stage kept more than 4 "
        "micro-batches at once."
    )


def labelled(drawn):
    """Each box of a drawing with the text that stands in it."""

    def inside(shape, text):
        left, width = float(shape.get("x")), float(shape.get("width"))
        return left < float(text.get("x")) < left + width

    return [
        (shape, text)
        for shape, text in pairwise(drawn)
        if shape.tag == f"{SVG}rect" and text.tag == f"{SVG}text" and inside(shape, text)
    ]


@every_schedule
def test_a_step_draws_what_has_run_up_to_it_and_marks_the_tick_it_speaks_of(make):
    schedule = make(2, 3)
    picture = PipelinePicture([schedule])
    for step in range(schedule.ticks + 1):
        drawn = ElementTree.fromstring(picture.picture(0, step).live())
        cells = [text.text for shape, text in labelled(drawn) if shape.get("height") == "30"]
        ran = [f"{one.kind}{one.micro}" for one in schedule.work if one.tick < step]
        assert sorted(said for said in cells if said != "idle") == sorted(ran)
        assert cells.count("idle") == schedule.idle(step)
        frames = [shape for shape in drawn if "halo-forward" in shape.get("class", "")]
        assert [float(frame.get("x")) for frame in frames] == [LEFT + CELL * (step - 1)][: step > 0]


def test_every_text_fits_into_its_shape():
    for make in MAKERS:
        picture = PipelinePicture([make(5, 8)])
        for step in (0, 6, picture.last_step(0)):
            drawn = picture.picture(0, step)
            for shape, text in labelled(ElementTree.fromstring(drawn.live())):
                assert text_width(text.text, 12) <= float(shape.get("width")), text.text


def test_a_page_without_a_kernel_shows_the_first_backward_pass(monkeypatch):
    monkeypatch.setenv("AUTOGRAD_COURSE_STATIC", "1")
    bundle = explore_pipeline(3, 4)._repr_mimebundle_()
    assert "stage 2 takes micro-batch 0 back" in bundle["text/plain"]


def test_what_cannot_be_shown_is_explained():
    assert isinstance(explore_pipeline(3, 4), Player)
    for stages, micro in ((0, 4), (6, 4), (3, 9)):
        notice = explore_pipeline(stages, micro)
        assert isinstance(notice, Notice)
        assert f"These are {stages} and {micro}" in notice.message
