"""What hints and mistakes say, held against what the lessons teach and what torch does."""

import re

import torch

from grader.diagnosis.comparison import Rules, agree
from grader.engine.catalogue import PUBLIC_SEED, tasks
from grader.trusted.key import key_of
from grader.trusted.live import LiveAnswers

CALLED_A_COPY = re.compile(
    r"detached cop(y|ies)\b|\bcop(y|ies)\b[^.;]*\bdetached\b|"
    r"\bcopy\b( that is a leaf|: \w+\.detach\(\)\.requires)|"
    r"\bdetach\b[^.;]*\b(copy|make new) (numbers|values)"
)

ONE_CAUSE_OF_SEVERAL = re.compile(
    r"function returns inside the loop|All is well unless [^.;]* interrupted"
)
"""A loop ends by `break` as well, and `except RuntimeError` does not see KeyError either."""


def rejected_in(exercise, mistake):
    """The float64 cases in which a mistake does something else than the reference."""
    task = tasks()[exercise]
    answers = LiveAnswers(task, key_of(task), PUBLIC_SEED, "cpu")
    return [
        case.name
        for case in task.cases()
        if case.dtype is torch.float64
        and not agree(
            answers.mistaken(f"{exercise}.{mistake}", case),
            answers.reference(case),
            Rules.of(task, case),
        )
    ]


def test_nothing_calls_a_detached_tensor_a_copy():
    """It lies in the same memory, says lesson 3, and an edit of one is an edit of both."""
    told = [
        (task.id, text)
        for task in tasks().values()
        for text in (*task.hints, *(m.message for m in key_of(task).mistakes(task.functions)))
    ]
    assert [(name, text) for name, text in told if CALLED_A_COPY.search(text)] == []


def test_no_sentence_names_one_cause_where_several_do_the_same():
    told = [
        mistake.code
        for task in tasks().values()
        for mistake in key_of(task).mistakes(task.functions)
        if ONE_CAUSE_OF_SEVERAL.search(mistake.message)
    ]
    assert told == []


def test_dropout_of_everything_is_the_same_in_training_twice():
    eval_forgotten = key_of(tasks()["train_or_eval"]).eval_forgotten
    assert eval_forgotten("nn.Dropout(1.0)", (7, 3)) == "equal"
    assert eval_forgotten("nn.BatchNorm1d(3)", (7, 3)) == "equal"
    assert eval_forgotten("nn.Dropout(0.5)", (67, 61)) == "different"


def test_a_second_pass_refuses_what_is_linear_and_not_straight_pieces():
    """The slope of ReLU and of abs leads to x, and its derivative is zeros."""
    assert rejected_in("hvp", "linear_f_refused") == ["f is linear"]
    assert rejected_in("hvp", "learned_f_refused") == ["f is linear, and its weights learn"]


def test_a_clamp_by_numbers_that_cancel_keeps_nothing_of_the_bound_of_a_very_large_one():
    by_detach = key_of(tasks()["clamp_ste"]).by_detach
    assert by_detach(torch.tensor([1e20, 0.0]), -0.3, 0.7).tolist() == [0, 0]


def test_a_result_that_holds_nan_is_not_said_to_be_edited():
    """nan is not equal to itself, and a tensor that holds it is as it was all the same."""
    for exercise, mistake, made in (
        ("relu_at_zero", "computed_with_infinity", "inf among them"),
        ("clamp_ste", "by_detach", "inf among them"),
    ):
        task = tasks()[exercise]
        answers = LiveAnswers(task, key_of(task), PUBLIC_SEED, "cpu")
        (case,) = [case for case in task.cases() if case.name == made]
        found = answers.mistaken(f"{exercise}.{mistake}", case).values
        assert found["y"].isnan().any()
        assert found["y after the backward passes"] == "as it was"
