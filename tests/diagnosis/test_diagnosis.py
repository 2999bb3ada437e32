"""From observations to a verdict: a mistake is named or not, and nothing hidden is told."""

import dataclasses
import math
from types import SimpleNamespace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.diagnosis.diagnose import Seen, diagnose
from grader.diagnosis.messages import TEMPLATES
from grader.diagnosis.verdict import Outcome
from grader.engine.observation import Observation, Raised, Unrecordable
from grader.engine.task import Case

F64 = torch.float64
TASK = SimpleNamespace(
    id="probe",
    functions=("probe",),
    arguments=(("x", "w"),),
    signatures=("probe(x, w) -> g",),
    statement="",
    accepts_numbers=False,
)


class Answers:
    """A trusted half made of functions from the case to an observation."""

    def __init__(
        self, reference, mistakes=None, sentences=None, raises=None, complain=None, drawn=None
    ):
        self._reference, self._mistakes = reference, mistakes or {}
        self.sentences = sentences or {}
        self.raises = raises or {}
        self.complain = complain
        self.drawn = drawn or (lambda case: {})
        self.asked = []

    def reference(self, case):
        return seen_as(self._reference(case))

    def inputs(self, case):
        return self.drawn(case)

    def mistakes(self):
        return [(code, f"You did {code}.", self.raises.get(code)) for code in self._mistakes]

    def pairs(self):
        return []

    def mistaken(self, code, case):
        self.asked.append((code, case.name))
        return seen_as(self._mistakes[code](case))

    def complaints(self, case, observation):
        return None if self.complain is None else self.complain(observation)


def seen_as(value):
    return value if isinstance(value, Observation) else Observation({"g": value})


def cases(**settings):
    return [
        Case("first", {"seed": 0}, visible=True, **settings),
        Case("second", {"seed": 1}, weight=2.0, **settings),
        Case("third", {"seed": 2}, **settings),
    ]


def right(case):
    return torch.linspace(1.0, 2.0, 5, dtype=F64) + case["seed"]


def verdict_on(answer, answers, some_cases=None, *, hidden=False):
    """The verdict on an answer given as a function from the case to what was observed."""
    seen = [Seen(case, seen_as(answer(case))) for case in some_cases or cases()]
    return diagnose(TASK, answers, seen, hidden=hidden)


def codes(verdict):
    return [finding.code for finding in verdict.findings]


def only_in(name, wrong, otherwise=right):
    """An answer that is wrong in one case."""
    return lambda case: wrong(case) if case.name == name else otherwise(case)


def cube(case):
    return right(case) ** 3


def root(case):
    return right(case).sqrt()


# Credit


def test_an_answer_right_in_every_case_earns_full_credit():
    verdict = verdict_on(right, Answers(right))
    assert (verdict.outcome, verdict.credit, verdict.findings) == (Outcome.RIGHT, 1.0, ())
    assert [case.passed for case in verdict.cases] == [True] * 3


def test_credit_is_the_weight_of_the_cases_passed():
    verdict = verdict_on(only_in("second", cube), Answers(right))
    assert (verdict.outcome, verdict.credit) == (Outcome.WRONG, 0.5)
    assert [case.passed for case in verdict.cases] == [True, False, True]


def test_there_is_no_credit_unless_the_first_case_passes():
    verdict = verdict_on(only_in("first", cube), Answers(right))
    assert (verdict.outcome, verdict.credit) == (Outcome.WRONG, 0.0)


# Named mistakes


def test_the_one_mistake_that_reproduces_every_case_is_named():
    answers = Answers(right, {"cubed": cube, "rooted": root})
    verdict = verdict_on(cube, answers)
    assert codes(verdict) == ["cubed"]
    assert verdict.findings[0].message == "You did cubed."
    assert verdict.findings[0].case == "first"


def test_a_named_mistake_comes_with_the_numbers_behind_it():
    details = "\n".join(verdict_on(cube, Answers(right, {"cubed": cube})).findings[0].details)
    assert 'In the case "first":' in details
    assert "g: expected [1, 1.25, 1.5, 1.75, 2]" in details
    assert "received [1, 1.953, 3.375, 5.359, 8]" in details
    assert "greatest absolute difference 6 at (4,)" in details
    assert "greatest relative difference 3" in details
    assert "allowed 3e-09" in details


@pytest.mark.parametrize("name", ["first", "second", "third"])
def test_a_mistake_that_matches_all_cases_but_one_is_not_named(name):
    answers = Answers(right, {"cubed": cube})
    assert codes(verdict_on(only_in(name, right, cube), answers)) == ["PART.cubed"]
    assert codes(verdict_on(only_in(name, root, cube), answers)) != ["cubed"]


def test_of_two_mistakes_that_match_none_is_named():
    answers = Answers(right, {"cubed": cube, "cubed_again": cube})
    assert codes(verdict_on(cube, answers)) == ["WRONG"]


def test_of_two_mistakes_of_one_sentence_that_sentence_is_told():
    class Alike(Answers):
        def mistakes(self):
            return [(code, "You cubed.", None) for code in self._mistakes]

    answers = Alike(right, {"cubed": cube, "cubed_again": cube})
    (finding,) = verdict_on(cube, answers).findings
    assert (finding.code, finding.message) == ("cubed", "You cubed.")


def test_two_mistakes_that_part_in_one_case_leave_one():
    answers = Answers(right, {"cubed": cube, "other": only_in("third", root, cube)})
    assert codes(verdict_on(cube, answers)) == ["cubed"]


def test_a_mistake_is_not_named_where_the_answer_changed_something_besides():
    def meddling(case):
        return Observation({"g": cube(case)}, {"input": "`x` was written to in place"})

    assert codes(verdict_on(meddling, Answers(right, {"cubed": cube}))) == ["SIDE.input", "WRONG"]
    assert codes(verdict_on(meddling, Answers(right, {"meddled": meddling}))) == ["meddled"]


def test_mistakes_are_not_computed_for_a_right_answer():
    answers = Answers(right, {"cubed": cube})
    verdict_on(right, answers)
    assert answers.asked == []


def raised(message, kind="RuntimeError", **more):
    return lambda case: Observation(error=Raised(kind, message, **more))


def test_a_mistake_that_raises_is_named_by_type_and_pattern():
    wrong = {"looped": raised("the loop of 5 ran out")}
    answers = Answers(right, wrong, raises={"looped": r"the loop of \d+"})
    assert codes(verdict_on(raised("the loop of 9 ran out"), answers)) == ["looped"]
    assert codes(verdict_on(raised("another text"), answers)) == ["ERROR.raised"]
    assert codes(verdict_on(raised("the loop of 9", "ValueError"), answers)) == ["ERROR.raised"]
    some = only_in("third", right, raised("the loop of 9 ran out"))
    assert codes(verdict_on(some, answers)) == ["ERROR.raised"]


def test_a_named_mistake_with_an_empty_error_text_is_told():
    answers = Answers(right, {"asserted": raised("", "AssertionError")})
    verdict = verdict_on(raised("", "AssertionError"), answers)
    assert codes(verdict) == ["asserted"]
    assert "AssertionError." in verdict.findings[0].details


# Signatures and plain differences


def test_an_exercise_may_say_a_signature_in_its_own_words():
    answers = Answers(right, sentences={"RATIO.sign": "You forgot that L = 10 - d."})
    verdict = verdict_on(lambda case: -right(case), answers)
    assert codes(verdict) == ["RATIO.sign"]
    assert verdict.findings[0].message == "You forgot that L = 10 - d."


@pytest.mark.parametrize("hidden", [False, True])
def test_an_exercise_says_in_its_own_words_that_a_gradient_is_none(hidden):
    sentences = {"NONE.gradient": "{path} is None: backward returned None for it."}
    verdict = verdict_on(
        lambda case: Observation({"y": right(case), "dx": None}),
        Answers(lambda case: Observation({"y": right(case), "dx": right(case)}), None, sentences),
        hidden=hidden,
    )
    assert codes(verdict) == ["NONE"]
    assert verdict.findings[0].message == "`dx` is None: backward returned None for it."


def test_no_cause_of_a_missing_gradient_is_guessed_beside_another_container():
    verdict = verdict_on(
        lambda case: Observation({"y": list(right(case)), "dx": None}),
        Answers(lambda case: Observation({"y": right(case), "dx": right(case)})),
    )
    assert codes(verdict) == ["FACT.container"]


def test_nearness_is_not_told_beside_a_part_that_is_far_off():
    signs, other = torch.tensor([1.0, -1, 1, 1, -1]), torch.tensor([3.0, 1, 4, 1, 5])
    near = {"loss": lambda case: right(case) * (1 + 1e-7 * signs.double())}
    far = {"w": lambda case: other.double() - 7 * case["seed"]}
    both = Answers(lambda case: Observation({"loss": right(case), "w": right(case)}))
    alone = Answers(lambda case: Observation({"loss": right(case)}))

    def answer(parts):
        return lambda case: Observation({name: part(case) for name, part in parts.items()})

    assert codes(verdict_on(answer(near), alone)) == ["NEARLY"]
    assert codes(verdict_on(answer(near | far), both)) == ["WRONG"]


def test_a_dict_that_is_asked_for_is_called_one():
    about = Answers(lambda case: Observation({'about["shape"]': "(5,)", 'about["dtype"]': "int"}))
    verdict = verdict_on(lambda case: Observation({"answer": "(5,)"}), about)
    assert "a dict with the keys shape, dtype" in verdict.findings[0].message


def test_a_plain_difference_says_how_many_entries_and_how_far():
    finding = verdict_on(cube, Answers(right)).findings[0]
    assert finding.code == "WRONG"
    assert finding.message == "`g` differs from the right answer."
    assert any(
        line.startswith("4 of 5 entries differ; greatest absolute difference 6 at (4,)")
        for line in finding.details
    )


def test_values_with_one_signature_share_one_finding():
    def both(factor):
        return lambda case: Observation({"dx": factor * right(case), "dw": factor * cube(case)})

    verdict = verdict_on(both(-1), Answers(both(1)))
    assert codes(verdict) == ["RATIO.sign"]
    assert verdict.findings[0].message.startswith("Each of `dx`, `dw` is -1 times")
    verdict = verdict_on(both(3), Answers(both(1)))
    assert codes(verdict) == ["RATIO.constant"]


def test_a_value_right_in_a_case_does_not_hinder_the_signature_of_the_others():
    answer = only_in("first", right, lambda case: 2 * right(case))
    assert codes(verdict_on(answer, Answers(right))) == ["RATIO.twice"]


def test_complaints_are_told_in_the_words_of_the_key():
    answers = Answers(right, complain=lambda seen: [("probe.unsorted", "It is not sorted.")])
    verdict = verdict_on(right, answers)
    assert codes(verdict) == ["probe.unsorted"]
    assert verdict.findings[0].message == "It is not sorted."
    assert verdict_on(right, Answers(right, complain=lambda seen: [])).passed


def test_no_return_and_a_wrong_number_of_values_are_told():
    two = Answers(lambda case: Observation({"dx": right(case), "dw": right(case)}))
    verdict = verdict_on(lambda case: Observation({"answer": None}), two)
    assert codes(verdict) == ["NONE.returned"]
    assert verdict.findings[0].message == (
        "The answer is None. Is a `return` missing? Expected was the pair (dx, dw)."
    )
    verdict = verdict_on(lambda case: Observation({"answer": right(case)}), two)
    assert codes(verdict) == ["TYPE"]
    assert verdict.findings[0].message == (
        "The answer is a tensor of shape (5,). Expected was the pair (dx, dw)."
    )
    verdict = verdict_on(lambda case: Observation({"answer": (1, 2)}), two)
    assert "a tuple of 2. Expected was a dict with the keys dx, dw." in str(verdict)


# Outcomes and errors


def stub(case):
    return Observation(error=Raised("NotImplementedError", "", own_raise=True))


def test_the_released_stub_is_not_attempted_and_a_missing_operation_of_torch_is_wrong():
    assert verdict_on(stub, Answers(right)).outcome is Outcome.NOT_ATTEMPTED
    library = raised("Could not run 'aten::sum' with arguments from ...", "NotImplementedError")
    assert verdict_on(library, Answers(right)).outcome is Outcome.WRONG
    assert verdict_on(only_in("third", stub), Answers(right)).outcome is Outcome.WRONG


def test_an_error_of_autograd_is_explained_with_its_cure():
    text = "grad can be implicitly created only for scalar outputs"
    (finding,) = verdict_on(raised(text), Answers(right)).findings
    assert finding.code == "ERROR.not_scalar"
    assert finding.message.startswith(f"probe raised RuntimeError: {text}. backward() starts")
    assert "y.sum()" in finding.message


NO_GRAPH = "element 0 of tensors does not require grad"
NO_OPERAND = "unsupported operand type(s) for +: 'NoneType' and 'int'"
WORDS = SimpleNamespace(**(vars(TASK) | {"statement": 'Return "error" where the edit raises.'}))


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        (Raised("RuntimeError", NO_GRAPH), "Look at what it was computed from"),
        (Raised("TypeError", NO_OPERAND), "Print the operands"),
        (Raised("RuntimeError", "Trying to backward through the graph a second time"), "catch it"),
        (Raised("RuntimeError", NO_GRAPH, line="line 2 of the text that was run"), "A line of the"),
    ],
)
def test_an_error_is_called_the_answer_only_where_torch_may_have_been_asked(error, advice):
    def failed(case):
        return Observation(error=error)

    seen = [Seen(case, failed(case)) for case in cases()]
    answers = Answers(lambda case: Observation({"word": "error"}))
    (finding,) = diagnose(WORDS, answers, seen).findings
    assert ("catch it" in finding.message) == (advice == "catch it")
    assert advice in finding.message


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (Raised("ValueError", "too small"), "probe raised ValueError: too small."),
        (Raised("ValueError", "too small!"), "probe raised ValueError: too small!"),
        (Raised("ValueError", ""), "probe raised ValueError."),
        (Raised("ValueError", "\n\n  second line\nthird"), "probe raised ValueError: second line."),
        (Raised("MyError", "own", known_type=False), "probe raised MyError: own."),
        (
            Raised("ValueError", "late", by_learner=False),
            "What probe returned cannot be used: ValueError: late.",
        ),
    ],
)
def test_an_unknown_error_is_told_by_its_type_and_first_line(error, told):
    (finding,) = verdict_on(lambda case: Observation(error=error), Answers(right)).findings
    assert (finding.code, finding.message) == ("ERROR.raised", told)


def test_the_line_that_raised_is_shown():
    error = Raised("ValueError", "x", line="line 3, in probe: return 1 / 0")
    (finding,) = verdict_on(lambda case: Observation(error=error), Answers(right)).findings
    assert finding.details == ('In the case "first":', "line 3, in probe: return 1 / 0")


def test_a_hard_coded_device_is_the_one_thing_that_fails_on_the_meta_device():
    every = [*cases(), Case("another device", device="meta")]

    def on_meta(text):
        return lambda case: raised(text)(case) if case.device == "meta" else right(case)

    hard_coded = on_meta("Tensor on device cpu is not on the expected device meta!")
    verdict = verdict_on(hard_coded, Answers(right), every)
    assert codes(verdict) == ["ERROR.device"]
    assert "t.device" in verdict.findings[0].message
    read = on_meta("Tensor.item() cannot be called on meta tensors")
    assert verdict_on(read, Answers(right), every).passed


def test_every_known_effect_has_a_sentence_and_an_unknown_one_is_not_repeated():
    for code in TEMPLATES:
        if code.startswith("SIDE."):
            effect = {code.removeprefix("SIDE."): "`x` was changed"}
            verdict = verdict_on(
                lambda case, e=effect: Observation({"g": right(case)}, e), Answers(right)
            )
            assert codes(verdict) == [code]
            assert "`x` was changed" in verdict.findings[0].message
    verdict = verdict_on(
        lambda case: Observation({"g": right(case)}, {"CANARY": "detail"}), Answers(right)
    )
    assert codes(verdict) == ["SIDE.other"]


# Hidden cases


def hidden_cases(**settings):
    return [Case(f"case {i}", {"seed": i}, **settings) for i in range(3)]


def everything_told(verdict):
    return "\n".join([str(verdict), verdict._repr_html_(), repr(dataclasses.astuple(verdict))])


CANARY = "CANARY"
NUMBER = 424343.0
canaries = st.sampled_from(
    [
        CANARY,
        NUMBER,
        int(NUMBER),
        complex(NUMBER, NUMBER),
        torch.full((3,), NUMBER, dtype=F64),
        torch.full((3,), NUMBER, dtype=torch.float32),
        torch.full((3,), NUMBER, dtype=torch.complex128),
        torch.full((1, int(NUMBER)), 1.0),
        torch.full((1, 3), NUMBER, dtype=F64),
        torch.full((4, 3), NUMBER, dtype=F64),
        torch.tensor([NUMBER, math.nan, math.inf], dtype=F64),
        torch.zeros(3, dtype=F64),
        torch.tensor([int(NUMBER)] * 3),
        torch.empty(int(NUMBER), device="meta"),
        Unrecordable(CANARY),
        None,
        True,
    ]
)
plain = st.recursive(
    canaries,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.lists(inner, max_size=3).map(tuple),
        st.dictionaries(st.sampled_from([CANARY, "a", NUMBER]), inner, max_size=3),
        st.just(frozenset({CANARY, NUMBER})),
    ),
    max_leaves=6,
)
errors = st.builds(
    Raised,
    st.sampled_from([CANARY, "ValueError", "RuntimeError", "NotImplementedError"]),
    st.sampled_from(
        [
            f"{CANARY} {NUMBER}",
            f"{CANARY} grad can be implicitly created only for scalar outputs",
            f"Tensor on device {CANARY} is not on the expected device meta!",
        ]
    ),
    st.booleans(),
    st.booleans(),
    st.just(f"line 4243, in {CANARY}: {CANARY}"),
    st.booleans(),
)
names = st.sampled_from(["g", "answer", "w.is_leaf", "w.grad_fn", CANARY])
observed = st.builds(
    Observation,
    st.dictionaries(names, plain, max_size=3),
    st.dictionaries(
        st.sampled_from(["input", "rng", "default_dtype", "hooks", "training", CANARY]),
        st.just(f"{CANARY} {NUMBER}"),
        max_size=2,
    ),
    st.one_of(st.none(), errors),
)
expected_values = st.fixed_dictionaries(
    {},
    optional={
        "g": plain,
        "answer": plain,
        "w.is_leaf": st.booleans(),
        "w.grad_fn": st.sampled_from(["MulBackward0", None]),
    },
)


def leaks(verdict):
    told = everything_told(verdict)
    return [mark for mark in (CANARY, "4243", "4.243") if mark in told]


@settings(max_examples=300)
@given(expected_values, st.lists(observed, min_size=3, max_size=3))
def test_nothing_of_a_hidden_case_is_told(expected, answers):
    answers_of = {f"case {i}": answer for i, answer in enumerate(answers)}
    trusted = Answers(lambda case: Observation(expected), {"mistaken": lambda case: answers[0]})
    verdict = verdict_on(lambda case: answers_of[case.name], trusted, hidden_cases(), hidden=True)
    assert not leaks(verdict)


SECRETS = {
    "RATIO.constant": lambda r: 4.243 * r,
    "RATIO.times_count": lambda r: 4243 * r,
    "RATIO.over_count": lambda r: r / 4243,
    "RATIO.unbiased": lambda r: r * math.sqrt(4242 / 4243),
    "RATIO_CHANNEL": lambda r: r * torch.tensor([4.243, 42.43, 2.0], dtype=F64),
    "PER_SAMPLE.sum": lambda r: r.repeat(4243, 1, 1) / 4243,
    "SHAPE.reshaped": lambda r: r.flatten(),
    "SHAPE.other": lambda r: r.repeat(4243, 1),
    "NONFINITE": lambda r: r * math.nan,
    "NEARLY": lambda r: r.float().double(),
    "DTYPE": lambda r: r.float(),
    "WRONG": lambda r: r**3,
    "TRANSPOSED": lambda r: r.T,
}


@pytest.mark.parametrize("signature", SECRETS)
def test_a_signature_of_hidden_cases_is_named_without_its_numbers(signature):
    def secret(case):
        rng = torch.Generator().manual_seed(case["seed"])
        return 424.3 + torch.rand(
            4243 if signature == "NONFINITE" else 7, 3, generator=rng, dtype=F64
        )

    verdict = verdict_on(
        lambda case: SECRETS[signature](secret(case)),
        Answers(secret),
        hidden_cases(symbols={"N": 4243}),
        hidden=True,
    )
    assert codes(verdict) == [signature]
    assert not leaks(verdict)


def test_a_named_mistake_on_hidden_cases_is_named_without_its_numbers():
    verdict = verdict_on(cube, Answers(right, {"cubed": cube}), hidden_cases(), hidden=True)
    assert codes(verdict) == ["cubed"]
    assert verdict.findings[0].details == ('In the hidden case "case 0".',)


def test_of_an_error_on_hidden_inputs_the_type_is_told_if_it_is_a_known_one():
    for name, told in (("ValueError", "ValueError"), (CANARY, "an exception of its own")):
        answer = raised("4243", name, line="line 4243")
        (finding,) = verdict_on(answer, Answers(right), hidden_cases(), hidden=True).findings
        assert finding.message == f"probe raised {told}."


def test_what_was_seen_in_the_visible_case_is_told_among_hidden_ones():
    (finding,) = verdict_on(cube, Answers(right), hidden=True).findings
    assert any("4 of 5 entries" in line for line in finding.details)
    assert finding.details[0] == 'In the case "first":'


def test_nothing_is_hidden_from_whoever_checks_an_answer_of_their_own():
    (finding,) = verdict_on(only_in("second", cube), Answers(right)).findings
    assert finding.details[0] == 'In the case "second":'
    assert any("expected" in line for line in finding.details)


def test_of_a_dict_in_the_place_of_a_pair_only_what_is_returned_is_expected():
    plan = Answers(lambda case: Observation({"batch": 7, "lr": 0.5, "batch is an int": True}))
    verdict = verdict_on(lambda case: Observation({"answer": {"batch": 7, "lr": 0.5}}), plan)
    assert (
        verdict.findings[0].message
        == "The answer is a dict of 2. Expected was the pair (batch, lr)."
    )


def test_a_word_that_is_wrong_is_told_and_what_differs_beside_it():
    started = Answers(lambda case: Observation({"program": "this", "module": "lab.train"}))
    verdict = verdict_on(lambda case: Observation({"program": "that", "module": "--lr"}), started)
    assert verdict.findings[0].message == (
        "`program` is 'that', expected 'this'; `module` differs from the right answer as well."
    )


def test_hooks_that_were_taken_away_are_not_said_to_be_left():
    def answer(case):
        effects = {"hooks": "1 hooks fewer than before the call"}
        return Observation({"g": right(case)}, effects)

    (told,) = verdict_on(answer, Answers(right)).findings
    assert told.code == "SIDE.hooks.fewer"
    assert "left" not in told.message


@pytest.mark.parametrize("value", [None, torch.zeros(3, dtype=F64)])
def test_beside_no_value_or_another_shape_a_missing_gradient_has_no_cause_of_its_own(value):
    beside = {"grad of x": None, "rows": 5}
    known = Answers(
        lambda case: Observation({"y": right(case), **beside, "grad of x": right(case)})
    )
    verdict = verdict_on(lambda case: Observation({"y": value, **beside}), known)
    assert not any("Possible causes" in finding.message for finding in verdict.findings)
    assert any("`y`" in finding.message for finding in verdict.findings)


def test_parts_in_the_precision_of_float32_are_told_once_and_a_right_0_lends_no_digits():
    def exact(case):
        return Observation({"g": [1 / 3, 100 / 7, 0.0]})

    def near(case):
        return Observation({"g": [1 / 3 + 1e-8, 100 / 7 + 2e-5, 1e-8]})

    (finding,) = verdict_on(near, Answers(exact)).findings
    assert finding.code == "NEARLY"
    assert "`g[0]`" in finding.message
    assert "`g[1]`" in finding.message
    assert "`g[2]`" not in finding.message
    assert "about 5 digits" in finding.message


def test_a_right_0_that_is_missed_by_little_is_different_and_not_near():
    verdict = verdict_on(lambda case: 1e-8, Answers(lambda case: 0.0))
    assert codes(verdict) == ["WRONG"]
