"""What hints and mistakes say, held against what the lessons teach and what torch does."""

import re

import pytest
import torch
from torch.utils.data import BatchSampler

from grader.diagnosis.comparison import Rules, agree
from grader.engine.catalogue import PUBLIC_SEED, find, tasks
from grader.notebook.checking import verdict_on
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


def told(exercise, answer):
    """The codes of what is said of an answer."""
    return [finding.code for finding in verdict_on(find(exercise), [answer]).findings]


def exp_of_a_copy(x):
    """exp, which saves a copy of x."""

    class Exp(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x.clone())
            return x.exp()

        @staticmethod
        def backward(ctx, arriving):
            return arriving * ctx.saved_tensors[0].exp()

    return Exp.apply(x)


def linear_with_one_gradient_for_all_weights(x, w, b):
    """A linear layer whose gradient of w is one number."""

    class Linear(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x, w, b):
            ctx.save_for_backward(x, w)
            return torch.nn.functional.linear(x, w, b)

        @staticmethod
        def backward(ctx, arriving):
            x, w = ctx.saved_tensors
            of_x, of_w, of_b = ctx.needs_input_grad
            rows = arriving.reshape(-1, len(w))
            return (
                arriving @ w if of_x else None,
                (rows.T @ x.reshape(-1, w.shape[1])).sum() if of_w else None,
                rows.sum(0) if of_b else None,
            )

    return Linear.apply(x, w, b)


@pytest.mark.parametrize(
    ("exercise", "answer", "of_another"),
    [
        ("my_exp", exp_of_a_copy, "copy_saved"),
        ("linear_fn", linear_with_one_gradient_for_all_weights, "weight_transposed"),
        ("torchrun_env", lambda env: (int(env["GLOBAL_RANK"]), 0, 1), "not_in_os_environ"),
    ],
)
def test_a_cause_is_told_of_nothing_that_looks_alike(exercise, answer, of_another):
    codes = told(exercise, answer)
    assert codes
    assert f"{exercise}.{of_another}" not in codes


class EvenBatches(BatchSampler):
    """Batches of nearly one size, where full ones and a shorter last one are asked for."""

    def __init__(self, n, size, drop_last, generator):
        super().__init__(range(n), size, drop_last)
        self.generator = generator

    def __iter__(self):
        order = torch.randperm(len(self.sampler), generator=self.generator)
        order = order[: len(self) * self.batch_size]
        return iter([part.tolist() for part in order.tensor_split(max(1, len(self))) if len(part)])


def test_batches_of_nearly_one_size_are_told_from_full_ones_and_a_rest():
    named = "batch_sampler.parts_of_nearly_one_size_of_full_ones"
    assert told("batch_sampler", EvenBatches) == [named]
