"""Exact facts: each is found where it is true in every failing case, and not where one speaks
against it."""

import math
from types import SimpleNamespace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.diagnosis.diagnose import Seen, diagnose
from grader.diagnosis.facts.claims import MOST_ELEMENTS
from grader.engine.observation import Observation
from grader.engine.task import Case
from tests.diagnosis.test_signatures import reference

F64 = torch.float64
TASK = SimpleNamespace(
    id="probe",
    functions=("probe",),
    arguments=(("x", "w", "lam"),),
    signatures=("probe(x, w) -> (dx, dw)",),
    statement="Return two gradients.",
    accepts_numbers=False,
)
seeds = st.integers(0, 2**32 - 1)


class Known:
    """A trusted half: right values and inputs for each seed of a case."""

    sentences: dict = {}  # noqa: RUF012

    def __init__(self, right, drawn=lambda seed: {}, mistakes=None):
        self.right, self.drawn, self.wrong = right, drawn, mistakes or {}

    def reference(self, case):
        return Observation(self.right(case["seed"]))

    def inputs(self, case):
        return self.drawn(case["seed"])

    def mistakes(self):
        return [(code, f"You did {code}.", None) for code in self.wrong]

    def pairs(self):
        return []

    def mistaken(self, code, case):
        return Observation(self.wrong[code](case["seed"]))

    def complaints(self, case, observation):
        return None


def verdict_on(answer, known, *, seed=0, hidden=False, params=None, symbols=None):
    """The verdict on an answer given as a function from a case's seed to named values."""
    cases = [
        Case(
            f"case {i}",
            {"seed": seed + i, **(params or {})},
            symbols=symbols or {},
            visible=not hidden,
        )
        for i in range(3)
    ]
    seen = []
    for case in cases:
        values = answer(case["seed"])
        seen.append(Seen(case, values if isinstance(values, Observation) else Observation(values)))
    return diagnose(TASK, known, seen, hidden=hidden)


def pair(seed):
    return {"dx": reference(seed, 3, 5), "dw": reference(seed + 50, 3, 5)}


def drawn(seed):
    return {"x": reference(seed + 99, 3, 5), "w": reference(seed + 199, 3, 5), "lam": 0.35}


def only(name, change):
    """An answer that is wrong in one part."""
    return lambda seed: {**pair(seed), name: change(pair(seed)[name], drawn(seed))}


TWO = {
    "FACT.other_part": lambda seed: {**pair(seed), "dx": pair(seed)["dw"]},
    "FACT.exchanged": lambda seed: {"dx": pair(seed)["dw"], "dw": pair(seed)["dx"]},
}
ONE = {
    "FACT.input": lambda r, given: given["w"],
    "FACT.of_right": lambda r, given: r.abs(),
    "FACT.mask": lambda r, given: torch.where(given["x"].abs() > 1, 0.0, r),
    "FACT.shifted": lambda r, given: r + 0.25,
    "FACT.uniform": lambda r, given: torch.full_like(r, 4.0),
    "RATIO.known": lambda r, given: given["lam"] * r,
}
ANSWERS = TWO | {code: only("dx", change) for code, change in ONE.items()}


@pytest.mark.parametrize("code", ANSWERS)
@settings(max_examples=15)
@given(seed=seeds)
def test_a_fact_is_told_where_it_is_true_in_every_case(code, seed):
    verdict = verdict_on(ANSWERS[code], Known(pair, drawn), seed=seed)
    assert [finding.code for finding in verdict.findings] == [code]


@pytest.mark.parametrize("code", ANSWERS)
@settings(max_examples=15)
@given(seed=seeds)
def test_a_fact_that_one_case_speaks_against_is_not_told(code, seed):
    def answer(at):
        values = ANSWERS[code](at)
        return values if at != seed + 1 else {**values, "dx": reference(at + 7, 3, 5)}

    verdict = verdict_on(answer, Known(pair, drawn), seed=seed)
    assert code not in [finding.code for finding in verdict.findings]


def test_facts_are_said_in_words_that_name_the_part_and_the_reading():
    told = {
        code: verdict_on(answer, Known(pair, drawn)).findings[0].message
        for code, answer in ANSWERS.items()
    }
    assert told == {
        "FACT.other_part": "`dx` is the right `dw`.",
        "FACT.exchanged": "`dx` and `dw` are exchanged: each is the right value of the other.",
        "FACT.input": "`dx` is the input `w` as it was given.",
        "FACT.of_right": "`dx` is the absolute value of the right answer.",
        "FACT.mask": "`dx` is right except exactly where |`x`| > 1, where it is 0.",
        "FACT.shifted": "`dx` is the right answer plus one number, the same for all its entries "
        "(here 0.25).",
        "FACT.uniform": "`dx` is 4 everywhere, and the right answer is not.",
        "RATIO.known": "`dx` is `lam` (here 0.35) times the right answer.",
    }


def test_a_part_that_is_wrong_where_it_should_be_zero_or_was_rounded_is_told_so():
    flat = lambda seed: {"dx": reference(seed, 3, 5).clamp(min=0)}  # noqa: E731
    leaky = lambda seed: {"dx": torch.nn.functional.leaky_relu(reference(seed, 3, 5))}  # noqa: E731
    for answer, right, said in (
        (leaky, flat, "is right except exactly where it should be 0."),
        (lambda seed: {"dx": reference(seed, 3, 5).half().double()}, only_dx, "to half precision."),
        (lambda seed: {"dx": reference(seed, 3, 5).bfloat16().double()}, only_dx, "to bfloat16."),
    ):
        (finding,) = verdict_on(answer, Known(right)).findings
        assert said in finding.message


def only_dx(seed):
    return {"dx": reference(seed, 3, 5)}


def test_what_would_hand_out_the_formula_is_not_told():
    for change in (lambda r, given: r + given["x"], lambda r, given: r * given["w"]):
        verdict = verdict_on(only("dx", change), Known(pair, drawn))
        assert [finding.code for finding in verdict.findings] == ["WRONG"]


def test_of_two_readings_that_are_equally_short_neither_is_told():
    def alike(seed):
        return {"x": pair(seed)["dw"], "w": drawn(seed)["w"]}

    answer = TWO["FACT.other_part"]
    verdict = verdict_on(answer, Known(pair, alike))
    assert [finding.code for finding in verdict.findings] == ["WRONG"]


def test_beside_an_effect_or_shared_memory_numbers_are_not_read():
    def changing(seed):
        return Observation(TWO["FACT.other_part"](seed), {"input": "`x` has other values"})

    verdict = verdict_on(changing, Known(pair, drawn))
    assert [finding.code for finding in verdict.findings] == ["SIDE.input", "WRONG"]

    def flagged(shares, change):
        return lambda seed: {**change(seed), "dx.shares_memory": shares}

    known = Known(flagged(False, pair), drawn)
    verdict = verdict_on(flagged(True, TWO["FACT.other_part"]), known)
    assert [finding.code for finding in verdict.findings] == ["FLAGS.shares_memory", "WRONG"]


@pytest.mark.parametrize("code", sorted(ANSWERS))
def test_a_fact_of_hidden_cases_tells_no_number_of_theirs(code):
    verdict = verdict_on(ANSWERS[code], Known(pair, drawn), hidden=True)
    assert [finding.code for finding in verdict.findings] == [code]
    assert "0.35" not in str(verdict)
    assert not any("expected" in line for line in verdict.findings[0].details)


def test_a_factor_is_read_as_a_count_a_size_or_a_number_that_was_given():
    def by(factor):
        return lambda seed: {"dx": factor(seed) * pair(seed)["dx"], "dw": pair(seed)["dw"]}

    verdict = verdict_on(by(lambda seed: 1 / 49), Known(pair), symbols={"N": 7})
    assert "is 1/N² (here 0.02041) times" in verdict.findings[0].message

    def rows(seed):
        return {"dx": reference(seed, seed + 4)}

    verdict = verdict_on(lambda seed: {"dx": rows(seed)["dx"] / (seed + 4)}, Known(rows))
    assert verdict.findings[0].message == (
        "`dx` is the right answer divided by the number of its entries (here 4)."
    )
    verdict = verdict_on(by(lambda seed: seed + 3.7), Known(pair))
    assert verdict.findings[0].code == "RATIO.varies"


# Lists, dicts and tables


def tensors(seed):
    return [reference(seed + i, 4) for i in range(4)]


LISTS = {
    "FACT.reversed": lambda right: right[::-1],
    "FACT.first_only": lambda right: right[:1],
    "FACT.first_alone": lambda right: [right[0], *(torch.zeros_like(t) for t in right[1:])],
    "FACT.without_first": lambda right: right[1:],
    "FACT.without_last": lambda right: right[:-1],
    "FACT.all_the_first": lambda right: right[:1] * len(right),
    "FACT.all_the_last": lambda right: right[-1:] * len(right),
    "FACT.surplus": lambda right: [*right, right[0]],
    "FACT.in_front": lambda right: [right[1], *right],
    "FACT.container": torch.stack,
}


@pytest.mark.parametrize("code", LISTS)
def test_a_list_is_read_as_a_whole(code):
    known = Known(lambda seed: {"grads": tensors(seed)})
    verdict = verdict_on(lambda seed: {"grads": LISTS[code](tensors(seed))}, known)
    assert [finding.code for finding in verdict.findings] == [code]
    assert "`grads`" in verdict.findings[0].message


def test_a_loop_that_ends_after_its_first_round_is_told_in_lists_rows_and_parts():
    known = Known(lambda seed: {"grads": tensors(seed)})
    verdict = verdict_on(lambda seed: {"grads": tensors(seed)[:1]}, known)
    assert "Does a loop end after its first round?" in verdict.findings[0].message

    def parts(seed):
        return {name: reference(seed + i, 4) for i, name in enumerate("abc")}

    def first(seed):
        return {name: t if name == "a" else None for name, t in parts(seed).items()}

    verdict = verdict_on(first, Known(parts))
    assert verdict.findings[0].code == "FACT.first_part_alone"

    def loss_and_gradients(seed):
        return {"loss": reference(seed), **parts(seed)}

    def loss(seed):
        return dict.fromkeys(parts(seed)) | {"loss": reference(seed)}

    (told,) = verdict_on(loss, Known(loss_and_gradients)).findings
    assert told.message == "`loss` is right, and every other value is zero or None."

    def rows(seed):
        return {"J": reference(seed, 4, 5)}

    def row(seed):
        J = rows(seed)["J"]
        J[1:] = 0
        return {"J": J}

    verdict = verdict_on(row, Known(rows))
    assert verdict.findings[0].message == (
        "`J` is right in its first row alone; elsewhere it is 0. Does a loop end after its first "
        "round?"
    )


def test_a_loop_is_asked_about_only_where_something_looks_like_its_end():
    two = Known(lambda seed: {"items": tensors(seed)[:2]})
    (told,) = verdict_on(lambda seed: {"items": tensors(seed)[:1]}, two).findings
    assert told.message == "`items` has the right entries, but the last is missing."

    def rows(seed):
        return {"J": reference(seed, 4, 5)}

    def other_rows(seed):
        J = rows(seed)["J"]
        J[1:] = reference(seed + 9, 3, 5)
        return {"J": J}

    (told,) = verdict_on(other_rows, Known(rows)).findings
    assert told.message == "`J` is right in its first row alone."


def test_keys_that_are_missing_or_were_not_asked_for_are_named_where_the_rest_is_right():
    known = Known(lambda seed: {"state": dict(zip("abcd", tensors(seed), strict=True))})
    few = lambda seed: {"state": dict(zip("abc", tensors(seed), strict=False))}  # noqa: E731
    verdict = verdict_on(few, known)
    assert verdict.findings[0].message == "What `state` holds is right. Missing: 'd'."
    many = lambda seed: {"state": dict(zip("abcde", tensors(seed) * 2, strict=False))}  # noqa: E731
    verdict = verdict_on(many, known)
    assert verdict.findings[0].code == "FACT.keys_surplus"


TEXTS = ("x * 2", "x + 1", "x.exp()", "x[0]")


def table(seed):
    return {text: (i % 2 == 0, i > 1) for i, text in enumerate(TEXTS)}


ROWS = {
    "FACT.pairs_swapped": lambda right: {text: (b, a) for text, (a, b) in right.items()},
    "FACT.always": lambda right: dict.fromkeys(right, (True, True)),
}


WORDS = {"Linear": "equal", "Dropout": "different", "BatchNorm1d": "raises", "ReLU": "equal"}


@pytest.mark.parametrize(
    ("code", "received", "said"),
    [
        ("FACT.confused", ("equal", "different", "different", "equal"), "wherever 'raises' is"),
        ("FACT.confused_some", ("different", "different", "raises", "equal"), "is 'different', w"),
        ("FACT.too_often", ("different", "different", "different", "equal"), "is 'different'."),
        ("FACT.words_exchanged", ("different", "equal", "raises", "different"), "wherever"),
        ("FACT.words_exchanged_some", ("different", "equal", "raises", "equal"), "Every wrong"),
        (
            "FACT.renamed",
            ("same", "different", "error", "same"),
            "'same' wherever 'equal' is right",
        ),
        ("FACT.capitals", ("Equal", "Different", "RAISES", "equal"), "capital"),
    ],
)
def test_what_a_table_takes_for_what_is_told_where_it_is_always_the_same(code, received, said):
    answer = lambda seed: dict(zip(WORDS, received, strict=True))  # noqa: E731
    verdict = verdict_on(answer, Known(lambda seed: WORDS), params={"layers": tuple(WORDS)})
    (finding,) = verdict.findings
    assert (finding.code, said in finding.message) == (code, True)
    hidden = verdict_on(answer, Known(lambda seed: WORDS), hidden=True)
    assert not any("'" in finding.message for finding in hidden.findings)


def test_flags_of_one_name_that_are_wrong_in_one_direction_are_told_of_the_whole_table():
    right = {
        "x": {"requires_grad": True, "is_leaf": True},
        "x * 2": {"requires_grad": True, "is_leaf": False},
        "c": {"requires_grad": False, "is_leaf": True},
    }
    never = {text: {**row, "requires_grad": False} for text, row in right.items()}
    known = Known(lambda seed: right)
    params = {"texts": tuple(right)}
    (finding,) = verdict_on(lambda seed: never, known, params=params).findings
    assert finding.message == "Every wrong `requires_grad` is False, where True is right."
    mixed = {**never, "c": {"requires_grad": True, "is_leaf": True}}
    (finding,) = verdict_on(lambda seed: mixed, known, params=params).findings
    assert finding.code != "FACT.columns"
    other = {**never, "c": None}
    verdict = verdict_on(lambda seed: other, known, params=params)
    assert all(finding.code != "FACT.columns" for finding in verdict.findings)


def test_a_row_of_one_value_where_several_are_asked_for_is_told_by_what_it_is():
    right = {text: {"inference": True, "requires_grad": True} for text in ("x", "c")}
    one = {text: {"answer": True} for text in right}
    params = {"texts": tuple(right)}
    (finding,) = verdict_on(lambda seed: one, Known(lambda seed: right), params=params).findings
    said = "the answer is a bool. Expected was the pair (inference, requires_grad)."
    assert finding.message == f"For each of `x`, `c`, {said}"


def test_sets_that_hold_too_much_or_too_little_are_told_apart():
    right = {"y = x * w": "w, x", "y = x": "x", "y = 1": "no name"}
    larger = {"y = x * w": "w, x, y", "y = x": "x, y", "y = 1": "no name"}
    for one, other, code in (
        (right, larger, "FACT.sets_larger"),
        (larger, right, "FACT.sets_smaller"),
    ):
        known = Known(lambda seed, one=one: one)
        verdict = verdict_on(lambda seed, other=other: other, known, params={"p": tuple(right)})
        assert [finding.code for finding in verdict.findings] == [code]


def test_a_multiple_of_an_input_is_told():
    known = Known(pair, drawn)
    name = next(n for n, value in drawn(0).items() if value.shape == pair(0)["dx"].shape)
    verdict = verdict_on(lambda seed: {**pair(seed), "dx": 2 * drawn(seed)[name]}, known)
    assert verdict.findings[0].message == f"`dx` is 2 times the input `{name}`."


def test_a_gradient_that_is_right_to_a_hundredth_is_called_close():
    def near(seed):
        return {**pair(seed), "dx": pair(seed)["dx"] + 1e-3 * reference(seed + 5, 3, 5)}

    assert verdict_on(near, Known(pair, drawn)).findings[0].code == "FACT.close"


@pytest.mark.parametrize("code", ROWS)
def test_a_fault_of_every_row_of_a_table_is_told_once(code):
    asked = {"expressions": TEXTS}
    verdict = verdict_on(lambda seed: ROWS[code](table(seed)), Known(table), params=asked)
    assert [finding.code for finding in verdict.findings] == [code]


def test_wrong_rows_of_a_table_are_told_in_one_finding_that_names_what_is_asked():
    def answer(seed):
        return {text: (a, True) for text, (a, b) in table(seed).items()}

    verdict = verdict_on(answer, Known(table), params={"expressions": TEXTS})
    (finding,) = verdict.findings
    assert finding.message == "Wrong in this case: 2 of its 4 answers."
    assert "x * 2: expected (True, False), received (True, True)" in finding.details
    assert "Right in every answer that was asked for: `dx`." in verdict.notes


# One mistake in part


def test_a_mistake_that_gives_the_wrong_values_alone_is_told_as_such():
    def mistaken(seed):
        return {"dx": reference(seed + 3, 3, 5), "dw": reference(seed + 4, 3, 5)}

    known = Known(pair, drawn, {"probe.both": mistaken})
    verdict = verdict_on(lambda seed: {**pair(seed), "dx": mistaken(seed)["dx"]}, known)
    (finding,) = verdict.findings
    assert finding.code == "PART.probe.both"
    assert finding.message == (
        "The values that are wrong are exactly those of this mistake: “You did probe.both.” "
        "It makes `dw` wrong as well, and there you are right."
    )
    twice = Known(pair, drawn, {"probe.both": mistaken, "probe.other": mistaken})
    verdict = verdict_on(lambda seed: {**pair(seed), "dx": mistaken(seed)["dx"]}, twice)
    assert [finding.code for finding in verdict.findings] == ["WRONG"]


# Whatever comes


NUMBERS = [torch.arange(3.0, dtype=F64), torch.zeros(2, 2), torch.tensor(1), torch.empty(0), None]
NUMBERS += [torch.ones(2, dtype=torch.complex128), 1.5, 10**400, True, "text", math.nan]
anything = st.recursive(
    st.sampled_from(NUMBERS),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(st.sampled_from("abc"), inner, max_size=3)
    ),
    max_leaves=8,
)
changes = st.sampled_from(
    [
        lambda value: value[::-1],
        lambda value: value[:1],
        lambda value: [*value, *value],
        lambda value: [value],
        lambda value: list(value.values()),
        lambda value: dict(zip(value, reversed(list(value.values())), strict=True)),
        lambda value: -value,
        lambda value: value * 0,
        lambda value: None,
    ]
)


@settings(max_examples=200, deadline=None)
@given(anything, changes, anything)
def test_every_pair_of_values_gets_a_verdict(right, change, other):
    try:
        received = change(right)
    except (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError):
        received = other
    known = Known(lambda seed: {"dx": right, "dw": right}, drawn)
    verdict = verdict_on(lambda seed: {"dx": received, "dw": right}, known)
    assert str(verdict)
    assert verdict._repr_html_()


# What is right, and how much is read


def test_what_is_right_is_said_as_well():
    verdict = verdict_on(only("dx", lambda r, given: r + given["x"]), Known(pair, drawn))
    assert "Right in every case: `dw`." in verdict.notes
    assert "Right in every case: `dw`." in str(verdict)
    assert "Right in every case: <code>dw</code>." in verdict._repr_html_()

    def in_one(seed):
        return only("dx", lambda r, given: r + given["x"])(seed) if seed == 0 else pair(seed)

    verdict = verdict_on(in_one, Known(pair, drawn))
    assert 'Right in "case 1", "case 2".' in verdict.notes
    assert 'There is no credit while the first case, "case 0", fails.' in verdict.notes


def test_two_numbers_are_told_in_as_many_digits_as_it_takes():
    known = Known(lambda seed: {"mean": -0.53884})
    verdict = verdict_on(lambda seed: {"mean": -0.53878}, known)
    assert verdict.findings[0].message == "`mean` is -0.53878, expected -0.53884."


def test_what_is_larger_than_the_search_allows_is_compared_and_not_read():
    size = MOST_ELEMENTS

    def long(seed):
        return {"dx": torch.linspace(-1, 1, size, dtype=F64) + seed}

    verdict = verdict_on(lambda seed: {"dx": long(seed)["dx"].abs()}, Known(long))
    assert [finding.code for finding in verdict.findings] == ["WRONG"]
