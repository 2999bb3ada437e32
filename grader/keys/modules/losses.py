"""Reference and mistakes of the exercise on a loss that compares two distributions."""

from collections.abc import Callable, Iterator
from itertools import combinations
from typing import Any

import torch
from torch import Tensor, nn

from grader.trusted.families.pairs import formula, of_formula
from grader.trusted.key import Key, mistake

F = nn.functional
Scores = Callable[[Tensor], Tensor]


def _softmax(scores: Tensor) -> Tensor:
    return scores.softmax(1)


def _log_softmax(scores: Tensor) -> Tensor:
    return scores.log_softmax(1)


def _mean_of_rows(terms: Tensor) -> Tensor:
    return terms.sum(1).mean()


def _square(t: float) -> float:
    return t * t


def _cut(scores: Tensor) -> Tensor:
    return scores.detach()


def _log_of_softmax(scores: Tensor) -> Tensor:
    return scores.softmax(1).log()


def _as_it_is(scores: Tensor) -> Tensor:
    return scores


@formula
def _distilled(
    student,
    teacher,
    temperature,
    log_q=_log_softmax,
    p=_softmax,
    log_p=_log_softmax,
    reduced=_mean_of_rows,
    factor=_square,
    by_student=1.0,
    by_teacher=1.0,
    given=_cut,
):
    """The loss, written out; what is right stands as a default. `by_student` and `by_teacher` are
    powers of the temperature by which the scores are divided."""
    of_student = student / temperature**by_student
    of_teacher = given(teacher) / temperature**by_teacher
    terms = p(of_teacher) * (log_p(of_teacher) - log_q(of_student))
    return reduced(terms) * factor(temperature)


def _entries(terms: Tensor) -> Tensor:
    return terms.mean()


def _all(terms: Tensor) -> Tensor:
    return terms.sum()


def _mean_of_classes(terms: Tensor) -> Tensor:
    return terms.sum(0).mean()


def _rows(terms: Tensor) -> Tensor:
    return terms.sum(1)


def _columns(scores: Tensor) -> Tensor:
    return scores.softmax(0)


def _log_of_columns(scores: Tensor) -> Tensor:
    return scores.log_softmax(0)


def _one(t: float) -> float:
    return 1.0


def _plain(t: float) -> float:
    return t


def _inverse(t: float) -> float:
    return 1 / (t * t)


def _nothing(scores: Tensor) -> Tensor:
    return torch.zeros_like(scores)


def mean_over_entries(student, teacher, temperature):
    """You divided by the number of entries, N * C, as kl_div does with its default reduction. The
    mean is over the N rows: reduction="batchmean"."""
    return _distilled(student, teacher, temperature, reduced=_entries)


def summed(student, teacher, temperature):
    """You summed over the rows. The loss is their mean."""
    return _distilled(student, teacher, temperature, reduced=_all)


def mean_over_classes(student, teacher, temperature):
    """You summed over the rows and took the mean over the classes. It is the other way round: the
    sum is over the classes, dimension 1, and the mean over the rows."""
    return _distilled(student, teacher, temperature, reduced=_mean_of_classes)


def factor_left_out(student, teacher, temperature):
    """You left out the factor temperature squared. Without it a large temperature makes the
    gradient small, by about that factor."""
    return _distilled(student, teacher, temperature, factor=_one)


def factor_is_the_temperature(student, teacher, temperature):
    """You multiplied by the temperature. The factor is its square."""
    return _distilled(student, teacher, temperature, factor=_plain)


def factor_divides(student, teacher, temperature):
    """You divided by the temperature squared. The loss is multiplied by it."""
    return _distilled(student, teacher, temperature, factor=_inverse)


def student_undivided(student, teacher, temperature):
    """You did not divide the student's scores by the temperature. Both are divided."""
    return _distilled(student, teacher, temperature, by_student=0.0)


def teacher_undivided(student, teacher, temperature):
    """You did not divide the teacher's scores by the temperature. Both are divided."""
    return _distilled(student, teacher, temperature, by_teacher=0.0)


def student_multiplied(student, teacher, temperature):
    """You multiplied the student's scores by the temperature. Both are divided by it."""
    return _distilled(student, teacher, temperature, by_student=-1.0)


def teacher_multiplied(student, teacher, temperature):
    """You multiplied the teacher's scores by the temperature. Both are divided by it."""
    return _distilled(student, teacher, temperature, by_teacher=-1.0)


def probabilities_for_logarithms(student, teacher, temperature):
    """You gave kl_div the student's probabilities. Its first argument is the logarithm of them:
    log_softmax."""
    return _distilled(student, teacher, temperature, log_q=_softmax)


def scores_for_logarithms(student, teacher, temperature):
    """You gave kl_div the student's scores. Its first argument holds logarithms of probabilities:
    log_softmax."""
    return _distilled(student, teacher, temperature, log_q=_as_it_is)


def teacher_not_cut(student, teacher, temperature):
    """The teacher gets a gradient. It is only a target: detach it, or compute it under no_grad."""
    return _distilled(student, teacher, temperature, given=_as_it_is)


def cross_entropy(student, teacher, temperature):
    """You left out log p: that is the cross entropy, which has the same gradient and is larger by
    what the teacher's entropy adds, a constant."""
    return _distilled(student, teacher, temperature, log_p=_nothing)


_PARTS = (
    mean_over_entries,
    summed,
    mean_over_classes,
    factor_left_out,
    factor_is_the_temperature,
    factor_divides,
    student_undivided,
    teacher_undivided,
    student_multiplied,
    teacher_multiplied,
    probabilities_for_logarithms,
    scores_for_logarithms,
    teacher_not_cut,
    cross_entropy,
)


def _raised(eps: float) -> Scores:
    return lambda scores: (scores.softmax(1) + eps).log()


def _added(eps: float) -> Scores:
    return lambda scores: scores.softmax(1) + eps


def _at_least(eps: float) -> Scores:
    return lambda scores: scores.softmax(1).clamp(min=eps)


def _log_at_least(eps: float) -> Scores:
    return lambda scores: _at_least(eps)(scores).log()


def _with_a_small_number() -> Iterator[Callable[..., Any]]:
    """A small number that is to save the logarithm of a softmax."""
    for power in range(5, 13):
        eps = 10.0**-power
        ways: dict[str, dict[str, Scores]] = {
            "small_number": {"log_q": _raised(eps)},
            "small_number_in_both": {"log_q": _raised(eps), "log_p": _raised(eps)},
            "student_at_least": {"log_q": _log_at_least(eps)},
            "added_everywhere": {
                "log_q": _raised(eps),
                "log_p": _raised(eps),
                "p": _added(eps),
            },
            "both_at_least": {
                "log_q": _log_at_least(eps),
                "log_p": _log_at_least(eps),
                "p": _at_least(eps),
            },
        }
        for name, changed in ways.items():

            def wrong(
                student: Tensor, teacher: Tensor, temperature: float, changed: Any = changed
            ) -> Any:
                return _distilled(student, teacher, temperature, **changed)

            yield mistake(
                f"{name}_1e_{power}",
                f"You keep a logarithm finite by 1e-{power}, added to the probabilities of the "
                "student or of both, or as the least of them. Large scores then have a wrong loss "
                "and no gradient: log_softmax needs no such number.",
                wrong,
            )


_EXCHANGED = (
    "You exchanged the two: this is the sum over q * (log q - log p). In kl_div the student's "
    "logarithms come first, and the teacher's probabilities second."
)
_LEFT: dict[str, tuple[str, dict[str, Any]]] = {
    "mean_over_entries": (
        'The mean is over the N rows, and not over all entries: reduction="batchmean".',
        {"reduced": _entries},
    ),
    "factor_left_out": ("The factor temperature squared is missing.", {"factor": _one}),
    "teacher_not_cut": ("The teacher gets a gradient: detach it.", {"given": _as_it_is}),
    "logarithm_of_a_softmax": (
        "And with large scores a probability is rounded to 0 before its logarithm: log_softmax.",
        {"logs": _log_of_softmax},
    ),
}


def _unmended() -> Iterator[Callable[..., Any]]:
    """The arguments exchanged, with every choice among the other bugs that are to be found."""
    for count in range(len(_LEFT) + 1):
        for names in combinations(_LEFT, count):
            changed = {key: value for name in names for key, value in _LEFT[name][1].items()}

            def wrong(
                student: Tensor, teacher: Tensor, temperature: float, changed: Any = changed
            ) -> Tensor:
                return _reversed(student, teacher, temperature, **changed)

            sentence = " ".join([_EXCHANGED, *(_LEFT[name][0] for name in names)])
            yield mistake("_and_".join(["arguments_exchanged", *names]), sentence, wrong)


def _reversed(
    student: Tensor,
    teacher: Tensor,
    temperature: float,
    reduced: Callable[[Tensor], Tensor] = _mean_of_rows,
    factor: Callable[[float], float] = _square,
    given: Callable[[Tensor], Tensor] = _cut,
    logs: Callable[[Tensor], Tensor] = _log_softmax,
) -> Tensor:
    """The sum over q * (log q - log p): log p stands where the student's logarithms belong."""
    of_student, of_teacher = student / temperature, given(teacher) / temperature
    terms = F.kl_div(logs(of_teacher), of_student.softmax(1), reduction="none")
    return reduced(terms) * factor(temperature)


def _right(student, teacher, temperature):
    return _distilled(student, teacher, temperature)


class DistillationKey(Key, task="distillation"):
    reference = _right
    families = (*_PARTS, *_unmended(), *_with_a_small_number())
    pairs = tuple(of_formula(_right, *_PARTS))

    def no_temperature(student, teacher, temperature):
        """You did not use the temperature at all. Both scores are divided by it, and the loss is
        multiplied by its square."""
        return _distilled(student, teacher, 1.0)

    def neither_divided(student, teacher, temperature):
        """You did not divide the scores by the temperature. Both are divided."""
        return _distilled(student, teacher, temperature, by_student=0.0, by_teacher=0.0)

    def both_multiplied(student, teacher, temperature):
        """You multiplied the scores by the temperature. Both are divided by it."""
        return _distilled(student, teacher, temperature, by_student=-1.0, by_teacher=-1.0)

    def scores_compared(student, teacher, temperature):
        """You compared the scores by their mean square. Turn them into probabilities first, and
        take the sum over the classes of p * (log p - log q): kl_div."""
        return F.mse_loss(student, teacher.detach())

    def student_cut(student, teacher, temperature):
        """No gradient reaches the student: you detached it, or computed the loss under no_grad.
        Cut the teacher alone."""
        return _distilled(student.detach(), teacher, temperature)

    def not_reduced(student, teacher, temperature):
        """You returned a number for each row. The loss is their mean, of shape ()."""
        return _distilled(student, teacher, temperature, reduced=_rows)

    def over_the_batch(student, teacher, temperature):
        """You normalised over dimension 0: each class over the rows of the batch. The classes are
        dimension 1."""
        return _distilled(
            student,
            teacher,
            temperature,
            log_q=_log_of_columns,
            p=_columns,
            log_p=_log_of_columns,
        )

    def logarithm_of_a_softmax(student, teacher, temperature):
        """With large scores your loss is inf or nan: an exponential overflowed, or a probability
        was rounded to 0 before its logarithm. softmax and log_softmax take off the largest score
        first, and log_softmax takes no logarithm of a probability."""
        q = (student / temperature).softmax(1).log()
        p = (teacher.detach() / temperature).softmax(1)
        return F.kl_div(q, p, reduction="batchmean") * temperature**2

    def logarithms_of_two_softmaxes(student, teacher, temperature):
        """With large scores your loss is inf or nan: an exponential overflowed, or a probability
        was rounded to 0 before its logarithm. softmax and log_softmax take off the largest score
        first, and log_softmax takes no logarithm of a probability."""
        return _distilled(
            student, teacher, temperature, log_q=_log_of_softmax, log_p=_log_of_softmax
        )

    def logarithm_of_the_targets(student, teacher, temperature):
        """With large scores your loss is nan: a probability of the teacher was rounded to 0, its
        logarithm is -inf, and 0 times that is nan. Take log_softmax of the teacher for log p;
        kl_div counts such a class as 0 by itself."""
        return _distilled(student, teacher, temperature, log_p=_log_of_softmax)

    def exchanged_in_logarithms(student, teacher, temperature):
        """You exchanged the two: this is the sum over q * (log q - log p). The student's logarithms
        come first, and the teacher's second."""
        log_q = (student / temperature).log_softmax(1)
        log_p = (teacher.detach() / temperature).log_softmax(1)
        loss = F.kl_div(log_p, log_q, reduction="batchmean", log_target=True)
        return loss * temperature**2

    def infinite_by_torchs_distributions(student, teacher, temperature):
        """Where a probability of the student is rounded to 0, as it is with large scores, your loss
        is inf, as torch.distributions has it, and the gradient of that class is lost. Work with
        log_softmax of both."""
        dist = torch.distributions
        p = dist.Categorical(logits=teacher.detach() / temperature)
        q = dist.Categorical(logits=student / temperature)
        return dist.kl_divergence(p, q).mean() * temperature**2

    def softmax_twice(student, teacher, temperature):
        """You applied softmax twice to the student: log_softmax takes scores."""
        return _distilled(
            student, teacher, temperature, log_q=lambda s: s.softmax(1).log_softmax(1)
        )

    def squared_difference(student, teacher, temperature):
        """You compared the probabilities by their squared difference. The sum over the classes of
        p * (log p - log q) is asked for: kl_div."""
        q = (student / temperature).softmax(1)
        p = (teacher.detach() / temperature).softmax(1)
        return (p - q).square().sum(1).mean() * temperature**2

    def hard_target(student, teacher, temperature):
        """You took the teacher's best class for the target. Its whole distribution is the target:
        softmax, and not argmax."""
        return F.cross_entropy(student / temperature, teacher.argmax(1)) * temperature**2

    def sign_turned(student, teacher, temperature):
        """Your sign is turned round: it is p * (log p - log q), whose sum over the classes is never
        below 0."""
        return -_distilled(student, teacher, temperature)

    def probabilities_said_to_be_logarithms(student, teacher, temperature):
        """You said log_target=True, and gave kl_div the teacher's probabilities. It takes them for
        logarithms then: give it log_softmax of the teacher, or leave log_target out."""
        q = (student / temperature).log_softmax(1)
        p = (teacher.detach() / temperature).softmax(1)
        return F.kl_div(q, p, reduction="batchmean", log_target=True) * temperature**2

    def half_by_logarithms(student, teacher, temperature):
        """You gave kl_div the teacher's logarithms without saying so. With log_target=True it
        takes them; otherwise its second argument holds probabilities."""
        q = (student / temperature).log_softmax(1)
        p = (teacher.detach() / temperature).log_softmax(1)
        return F.kl_div(q, p, reduction="batchmean") * temperature**2
