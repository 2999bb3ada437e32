"""Two mistakes in one answer: both are named where their numbers are, and nothing is guessed."""

import pytest

from grader.diagnosis.diagnose import Seen, diagnose
from grader.diagnosis.praise import without_praise
from grader.engine import state
from grader.engine.catalogue import tasks
from grader.engine.observation import Observation, Raised
from grader.trusted.key import key_of
from grader.trusted.live import LiveAnswers
from tests.diagnosis.test_facts import Known, reference, verdict_on

PAIRS = 5
"""How many pairs of one exercise are tried."""


def both_parts(seed):
    return {"dx": reference(seed, 3, 5), "dw": reference(seed + 50, 4)}


def changed(change, part=None):
    def values(seed):
        right = both_parts(seed)
        return {n: change(t) if part in (None, n) else t for n, t in right.items()}

    return values


def shifted(seed):
    return {n: t + reference(seed + 7, *t.shape) for n, t in both_parts(seed).items()}


def curved(seed):
    return {n: t * (1 + reference(seed + 9, *t.shape) ** 2) for n, t in both_parts(seed).items()}


def known(**mistakes):
    return Known(both_parts, mistakes={f"probe.{name}": wrong for name, wrong in mistakes.items()})


def together(one, other, how):
    def values(seed):
        right, a, b = both_parts(seed), one(seed), other(seed)
        return {name: how(a[name], b[name], right[name]) for name in right}

    return values


@pytest.mark.parametrize("how", [lambda a, b, r: a + b - r, lambda a, b, r: a * b / r])
def test_two_mistakes_whose_effects_add_up_or_multiply_are_both_named(how):
    answer = together(shifted, curved, how)
    verdict = verdict_on(answer, known(shifted=shifted, curved=curved))
    (finding,) = verdict.findings
    assert finding.code == "AT_ONCE.shifted+curved"
    assert finding.message == (
        "Your numbers are exactly those of two mistakes made at once: “You did probe.shifted.” "
        "And: “You did probe.curved.”"
    )


def test_what_two_mistakes_do_together_is_not_guessed_where_the_key_makes_both():
    class Making(Known):
        def pairs(self):
            return [("probe.curved+shifted", "You did probe.curved.", "You did probe.shifted.")]

        def mistaken(self, code, case):
            return super().mistaken("probe.curved" if "+" in code else code, case)

    made = Making(both_parts, mistakes={"probe.shifted": shifted, "probe.curved": curved})
    verdict = verdict_on(together(shifted, curved, lambda a, b, r: a + b - r), made)
    assert [finding.code for finding in verdict.findings] == ["WRONG"]


def test_of_two_pairs_that_fit_neither_is_told():
    answer = together(shifted, curved, lambda a, b, r: a + b - r)
    verdict = verdict_on(answer, known(shifted=shifted, curved=curved, twin=curved))
    assert [finding.code for finding in verdict.findings] == ["WRONG"]


def test_a_pair_that_fits_in_one_case_alone_is_not_told():
    def answer(seed):
        return (
            together(shifted, curved, lambda a, b, r: a + b - r)(seed) if seed == 0 else shifted(1)
        )

    verdict = verdict_on(answer, known(shifted=shifted, curved=curved))
    assert not any(finding.code.startswith("AT_ONCE") for finding in verdict.findings)


def test_no_pair_is_sought_where_there_are_counts_alone():
    verdict = verdict_on(
        lambda seed: {"count": 8},
        Known(lambda seed: {"count": 7}, mistakes={"probe.more": lambda seed: {"count": 9}}),
    )
    assert [finding.code for finding in verdict.findings] == ["WRONG.value"]


def test_a_mistake_that_makes_numbers_of_truth_values_is_no_part_of_a_pair():
    def right(seed):
        return {"x": reference(seed, 3, 5), "mask": reference(seed, 3, 5) > 0}

    def as_floats(seed):
        return {**right(seed), "mask": right(seed)["mask"].double()}

    def bent(seed):
        return {**right(seed), "x": right(seed)["x"] * (1 + reference(seed + 9, 3, 5) ** 2)}

    def answer(seed):
        return {**right(seed), "x": right(seed)["x"] + reference(seed + 7, 3, 5)}

    both = {"probe.as_floats": as_floats, "probe.bent": bent}
    verdict = verdict_on(answer, Known(right, mistakes=both))
    assert [finding.code for finding in verdict.findings] == ["WRONG"]


def test_a_mistake_times_a_factor_is_told_with_the_factor():
    verdict = verdict_on(
        lambda seed: {name: -t for name, t in shifted(seed).items()}, known(shifted=shifted)
    )
    (finding,) = verdict.findings
    assert finding.message == (
        "Your numbers are -1 times those of this mistake: “You did probe.shifted.”"
    )


def test_each_wrong_part_is_told_with_the_one_mistake_that_makes_it():
    def in_dx(seed):
        return {**both_parts(seed), "dx": shifted(seed)["dx"]}

    def noise(seed):
        return {"dx": shifted(seed)["dx"], "dw": reference(seed + 23, 4)}

    verdict = verdict_on(noise, known(in_dx=in_dx))
    assert [finding.code for finding in verdict.findings] == ["PART.probe.in_dx", "WRONG"]
    assert verdict.findings[0].message == (
        "`dx` is exactly as this mistake makes it: “You did probe.in_dx.”"
    )
    assert "`dw`" in verdict.findings[1].message


def test_a_mistake_of_which_a_part_is_not_seen_is_not_told_behind_another():
    def answer(seed):
        return {"dx": shifted(seed)["dx"], "dw": reference(seed + 23, 4)}

    verdict = verdict_on(answer, known(shifted=shifted))
    assert [finding.code for finding in verdict.findings] == ["WRONG"]


def test_beside_an_error_the_one_mistake_with_the_other_numbers_is_told():
    def answer(seed):
        if seed == 1:
            return Observation({}, error=Raised("ValueError", "no"))
        return shifted(seed)

    verdict = verdict_on(answer, known(shifted=shifted))
    assert [finding.code for finding in verdict.findings] == ["ERROR.raised", "PART.probe.shifted"]
    assert verdict.findings[1].message.startswith("In the cases that end without an error")


@pytest.mark.parametrize(
    ("sentence", "left"),
    [
        ("The weight is right. You left out the bias.", "You left out the bias."),
        ("The values are right, and the gradient is 0.", "The gradient is 0."),
        ("The output is right, and rm is what it was.", "rm is what it was."),
        ("Your log is right, and dx is not: it was returned.", ""),
        ("You left out w. The right place is here.", "You left out w. The right place is here."),
    ],
)
def test_of_two_mistakes_nothing_is_called_right_that_the_other_may_spoil(sentence, left):
    assert without_praise(sentence) == left


PAIRED = sorted(
    name for name, task in tasks().items() if tuple(key_of(task).two_at_once(task.functions))
)


@pytest.mark.parametrize("exercise", PAIRED)
def test_a_pair_of_one_formula_is_told_as_itself_or_as_what_does_the_same(exercise):
    task = tasks()[exercise]
    answers = LiveAnswers(task, key_of(task), "pairs", "cpu")
    pairs = list(answers.pairs())
    tried = 0
    with state.defaults():
        for code, one, other in pairs[:: max(1, len(pairs) // (2 * PAIRS))]:
            seen = [Seen(case, answers.mistaken(code, case)) for case in task.cases()]
            if any(each.observation.error for each in seen) or tried == PAIRS:
                continue  # among them those whose mistakes change the same thing
            verdict = diagnose(task, answers, seen)
            if verdict.passed:
                continue  # one undoes the other
            tried += 1
            (first, *_) = verdict.findings
            if first.code == f"AT_ONCE.{code.partition('.')[2]}":
                assert without_praise(one) in first.message
                assert without_praise(other) in first.message
            elif first.code.startswith("AT_ONCE."):
                twin = f"{exercise}.{first.code.removeprefix('AT_ONCE.')}"
                for each in seen:
                    same = answers.mistaken(twin, each.case).values
                    assert same.keys() == each.observation.values.keys()
            else:
                told = (f"{exercise}.", "WRONG", "PART.", "FACT.", "RATIO", "STRUCTURE", "TYPE")
                assert first.code.startswith(told)
    assert tried
