"""Questions asked another time: other numbers, which text, code, answer and replies all share."""

import ast
import contextlib
import functools
import itertools
import re
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from course.questions import ask, catalogue
from course.questions.entry import question
from course.quiz import Choice, Predict, in_words, predict
from course.quiz.outcome import run, same_text
from course.quiz.program import written
from tests.fixtures.counted import calls
from tests.fixtures.lesson_texts import made

ENTRIES = {entry.id: entry for entries in catalogue._entries().values() for entry in entries}
WITH_NUMBERS = [id for id, entry in ENTRIES.items() if entry.make.__code__.co_argcount]


def asked_by(function):
    """The questions made by `predict` or `choice`, told without running any."""
    return [id for id, entry in ENTRIES.items() if function in entry.make.__code__.co_names]


SAME_ANSWER = {
    "grad-of-d": "no gradient is kept, whatever it is",
    "five-then-ten": "the second pass cannot run",
    "cost-of-all": "three times the work, however wide the net is",
    "layer-product": "one product fits, whatever the shapes are",
    "leaf-retain-late": "no gradient is kept, whatever it is",
    "hook-first-layer": "nothing is computed yet, whatever the shapes are",
    "loop-zero-grad": "None, whatever was there",
    "norm-sum": "the sum of a normalised channel is 0",
    "data-copies": "copies draw the same number, however many they are",
    "data-set-epoch": "one order, however many epochs there are",
    "break-zero-vector": "the length at 0 has no slope, whatever the other one is",
    "break-where": "the logarithm of 0 has run, whatever the other entry is",
}
"""Questions whose right answer no numbers change, and why."""

CONSTANTS = {
    "start-choose": {0, 1},
    "two-paths": {1},
    "two-branches": {1, 10},
    "cost-of-all": {2, 3},
    "broadcast-bias": {1},
    "layer-product": {1},
    "recap-diamond": {3},
    "grad-of-d": {0, 1},
    "arrivals": {1, 2},
    "weighted": {1, 2, 3, 100, 10},
    "both-heads": {4, 5},
    "slope-at-corner": {0, 1},
    "leaf-frozen-middle": {0},
    "leaf-retain-late": {0.5},
    "leaf-frozen-late": {1},
    "leaf-buffer": {0},
    "leaf-edit-before-backward": {1},
    "detach-one-path": {0, 2},
    "clone-in-graph": {1},
    "detach-dot-data": {0, 2},
    "detach-overwritten": {0, 2},
    "modes-larger-batch": {1},
    "modes-constant": {0, 2},
    "modes-recap-constant": {0},
    "modes-frozen-blocks": {0, 1, 2, 3},
    "modes-checkpoint-calls": {0, 1, 2},
    "hook-first-layer": {0},
    "hook-dict-output": {0, 1, 4},
    "hook-recap-again": {1},
    "loop-zero-grad": {0, 2},
    "loop-clear-each": {1},
    "loop-adam-first": {0.001, 0.1, 1, 3, 8},
    "loop-step-writes": {0, 1, 2.13},
    "loop-mean-over": {100},
    "loop-epochs": {0, 1},
    "norm-how-many": {1},
    "norm-affine": {0, 1},
    "norm-momentum": {0},
    "norm-sum": {0, 1},
    "norm-recap-group": {1},
    "function-inside-forward": {2},
    "function-what-arrives": {1, 2},
    "function-how-many": {1},
    "function-too-large": {1},
    "tensors-view-row": {1, 3},
    "tensors-truncated": {0.5},
    "tensors-offset": {0, 1},
    "tensors-every-pair": {1},
    "tensors-tie": {0, 2},
    "tensors-squeeze": {1, 2},
    "tensors-column-row": {1},
    "data-duck": {0, 1, 2},
    "data-used-up": {0},
    "data-set-epoch": {0},
    "scripts-shapes": {1},
    "break-zero-vector": {0, 1, 2},
    "break-where": {0, 1},
    "break-hvp": {0, 2},
    "break-mean-of-norms": {0},
    "break-running": {1},
    "break-both-in-grad": {2},
    "parallel-two-shards": {3},
    "parallel-ring-sends": {2},
    "parallel-bubble": {1, 3},
    "parallel-recap-states": {4},
}
"""Numbers in what a question says that are the same whatever its own numbers are."""

with_numbers = pytest.mark.parametrize("id", WITH_NUMBERS)


SEEDS = (1, 22, 333, 4_444, 55_555, 2**31 - 1)


def for_some_seeds(test):
    """The same six for each promise: making a question runs its code, and it is made once."""
    return settings(max_examples=len(SEEDS))(given(seed=st.sampled_from(SEEDS))(test))


@functools.cache
def asked_again(id, seed):
    """The question of a seed, and the numbers that it was made of."""
    drawn = []

    @functools.wraps(ENTRIES[id].make)
    def make(**numbers):
        asked = ENTRIES[id].make(**numbers)
        drawn.append((asked, numbers))
        return asked

    again = replace(ENTRIES[id], make=make).ask(seed)
    told = again.options if isinstance(again, Choice) else again.beliefs
    for asked, numbers in reversed(drawn):
        if set(told) == set(asked.options if isinstance(again, Choice) else asked.beliefs):
            return again, numbers
    raise AssertionError(f"{id}: made of no numbers that were drawn")


@functools.cache
def asked_fresh(id, seed):
    """What a lesson asks with the numbers of a seed: it is read, never changed."""
    return ask(id, fresh=seed)


def lessons(id):
    """The numbers of a question in its lesson, by name."""
    make = ENTRIES[id].make
    return dict(zip(make.__code__.co_varnames, make.__defaults__, strict=False))


def values(numbers):
    """All numbers among the drawn ones, without their signs."""
    for value in numbers.values():
        for one in value if isinstance(value, tuple) else (value,):
            if not isinstance(one, str):
                yield abs(float(one))


WORDS = {in_words(number): float(number) for number in range(3, 11)}


def numbers_in(text):
    """The numbers that a text holds, without their signs, in figures or in words from three on."""
    figures = re.findall(r"(?<![\w.])\d+(?:\.\d+)?", text)
    words = re.findall(rf"\b(?:{'|'.join(WORDS)})\b", text.casefold())
    return {*map(float, figures), *(WORDS[word] for word in words)}


# what is shown is what runs


@with_numbers
@for_some_seeds
def test_the_answer_is_what_the_code_shown_gives(id, seed):
    again, _ = asked_again(id, seed)
    if isinstance(again, Choice):
        assert again.answer == again.outcome.text
        return

    def execute():
        *lines, last = ast.parse(again.source).body
        namespace = {"torch": torch}
        exec(compile(ast.Module(lines, []), "lines", "exec"), namespace)
        assert isinstance(last, ast.Expr)
        return eval(compile(ast.Expression(last.value), "last", "eval"), namespace)

    assert run(execute).text == again.outcome.text == again.right
    assert "e+" not in again.right  # it can be worked out, and written down


@with_numbers
@for_some_seeds
def test_the_text_speaks_of_the_numbers_that_run(id, seed):
    """A number in the text is in the code, a product, result or count of such, or listed above."""
    again, numbers = asked_again(id, seed)
    told = again.options if isinstance(again, Choice) else again.beliefs
    code = "" if isinstance(again, Choice) else again.source
    now = set(values(numbers))
    known = now | numbers_in(code) | set().union(*map(numbers_in, told)) | CONSTANTS.get(id, set())
    known |= {one * other for one, other in itertools.product(now, now)}
    known |= {
        value.count(one) for value in numbers.values() if type(value) is tuple for one in value
    }
    assert numbers_in(again.question) <= known
    for name, value in lessons(id).items():
        if isinstance(value, float | int) and not isinstance(value, bool):
            named = numbers_in(made(id).question) - CONSTANTS.get(id, set())
            assert value not in named or numbers[name] in numbers_in(again.question), name


@with_numbers
def test_each_number_of_a_question_is_one_of_its_program(id):
    """Changed alone, it changes what runs: the program, or where none is shown what is asked."""
    asked, left = made(id), set(lessons(id))
    for numbers in (asked_again(id, seed)[1] for seed in (*SEEDS, *range(40))):
        for name in sorted(left):
            if numbers[name] == lessons(id)[name]:
                continue
            with contextlib.suppress(ValueError):  # with it alone a mistake would be right
                other = ENTRIES[id].make(**{name: numbers[name]})
                shown = "question" if isinstance(asked, Choice) else "source"
                assert getattr(other, shown) != getattr(asked, shown), name
                left.remove(name)
        if not left:
            return
    raise AssertionError(f"{left} can be nothing else")


@with_numbers
def test_no_number_of_the_lesson_is_left_in_what_is_said(id):
    """In text, reasons, beliefs and replies the same numbers stay, but for those listed."""

    def said(asked):
        told = asked.options if isinstance(asked, Choice) else asked.beliefs
        why = "" if isinstance(asked, Choice) else asked.why
        return numbers_in(" ".join([asked.question, why, *told, *told.values()]))

    stay = said(made(id)).intersection(*(said(asked_fresh(id, seed)) for seed in range(12)))
    assert stay == CONSTANTS.get(id, set())


@with_numbers
@for_some_seeds
def test_every_belief_is_wrong_and_no_two_are_one(id, seed):
    again, _ = asked_again(id, seed)
    if isinstance(again, Choice):
        wrong = [option for option in again.options if option != again.answer]
        assert len(wrong) == len(made(id).options) - 1
        return
    assert len(again.beliefs) == len(made(id).beliefs)
    assert not [belief for belief in again.beliefs if again.outcome.agrees(belief)]
    for one, other in itertools.combinations(again.beliefs, 2):
        assert not same_text(one, other)


@with_numbers
@for_some_seeds
def test_a_reason_that_names_the_right_answer_still_does(id, seed):
    asked, (again, _) = made(id), asked_again(id, seed)
    right = numbers_in(asked.right)
    if isinstance(asked, Predict) and right - CONSTANTS.get(id, set()):
        assert numbers_in(again.right) <= numbers_in(again.why) or not right <= numbers_in(
            asked.why
        )


@with_numbers
@for_some_seeds
def test_sums_in_what_is_explained_are_right(id, seed):
    """Every `2 + 3 = 5` of a reason or a reply is worked out."""
    again, _ = asked_again(id, seed)
    told = again.options if isinstance(again, Choice) else again.beliefs
    why = "" if isinstance(again, Choice) else again.why
    for text in (why, again.question, *told.values()):
        plain = text.replace("−", "-").replace("·", "*").replace("`", "")
        for sum_, result in re.findall(r"(?<![\w.)])([\d.(+* /-]+?) = (-?\d+(?:\.\d+)?)", plain):
            if re.search(r"[+*/-]", sum_.strip().lstrip("-")):
                assert eval(sum_.strip(" .")) == pytest.approx(float(result)), text


# how much is asked anew


@pytest.mark.parametrize("id", asked_by("predict"))
def test_a_prediction_is_never_asked_again_of_the_same_program(id):
    assert isinstance(made(id), Predict)
    for seed in range(3):
        assert asked_fresh(id, seed).source != made(id).source


@with_numbers
def test_the_right_answer_is_another_one_for_most_seeds(id):
    rights = [asked_fresh(id, seed).right for seed in range(10)]
    others = sum(right != made(id).right for right in rights)
    assert others == 0 if id in SAME_ANSWER else others >= 9


def test_a_number_draws_the_same_question_each_time():
    one, other = ask("start-predict", fresh=5), ask("start-predict", fresh=5)
    assert (one.source, one.beliefs) == (other.source, other.beliefs)


@pytest.mark.parametrize("id", asked_by("choice"))
def test_a_choice_of_numbers_is_asked_with_other_numbers(id):
    """That is: every option is a number, or a number of times."""
    assert isinstance(made(id), Choice)
    number = r"(about )?(\d[\d,.]*|none|one|two|three|`\([\d, ]*\)`)( times as many)?"
    if all(re.fullmatch(number, option.lower()) for option in made(id).options):
        assert set(asked_fresh(id, 1).options) != set(made(id).options)


@pytest.mark.parametrize("id", sorted(ENTRIES.keys() - set(WITH_NUMBERS)))
def test_without_numbers_a_question_is_the_same_in_another_order(id):
    asked, again = made(id), asked_fresh(id, 1)
    if isinstance(asked, Choice):
        assert (again.question, again.options, again.answer) == (
            asked.question,
            asked.options,
            asked.answer,
        )
    else:
        assert (again.question, again.lines) == (asked.question, asked.lines)


@with_numbers
def test_a_question_comes_back_at_once(id):
    """Calls are counted, a tenth of a second's; the first of three may import what it needs."""
    cost = [calls(functools.partial(ask, id, fresh=seed)) for seed in range(3)]
    assert min(cost) < 100_000


# how numbers are drawn


def test_numbers_are_drawn_again_where_a_mistake_would_be_right_or_two_would_be_one():
    @question(a=(2, 3, 4), b=(2, 5))
    def added(a: int = 9, b: int = 8):
        def add():
            return a + b

        beliefs = {f"{a * b}": "You multiplied.", f"{a}": "One alone.", f"{b}": "The other."}
        return predict("What is it?", add, why="They add.", beliefs=beliefs)

    sources = {added.ask(seed).source for seed in range(100)}
    assert sources == {"3 + 2", "4 + 2", "2 + 5", "3 + 5", "4 + 5"}


def test_a_question_that_no_other_numbers_fit_is_asked_as_it_is():
    @question(a=(2,))
    def doubled(a: int = 3):
        def double():
            return a * 2

        return predict("What is it?", double, why="Twice.", beliefs={f"{a + 2}": "You added."})

    assert doubled.ask(1).source == "3 * 2"


def test_without_a_pool_numbers_are_whole_different_and_of_the_kind_of_the_lessons():
    @question
    def three(a: float = 1.0, b: int = 1, c: int = 1):
        def values():
            return [a, b, c]

        return predict("What is it?", values, why="It is.")

    for seed in range(50):
        a, b, c = three.ask(seed).outcome.value
        assert [type(one) for one in (a, b, c)] == [float, int, int]
        assert len({a, b, c}) == 3
        assert {a, b, c} <= set(range(2, 10))


@pytest.mark.parametrize(
    ("pools", "make", "said"),
    [
        ({"lr": (1, 2)}, lambda a=1: a, "has no parameter called ['lr']"),
        ({}, lambda a=1, code="x": a, "needs a pool for ['code']"),
        ({}, lambda a=True: a, "needs a pool for ['a']"),
        ({}, lambda a: a, "needs a pool for ['a']"),
        ({}, lambda a=1, b=1, c=1, d=1, e=1, f=1, g=1, h=1, i=1: a, "more than 8 numbers"),
    ],
)
def test_numbers_that_could_not_be_drawn_are_refused_when_a_question_is_written(pools, make, said):
    with pytest.raises(ValueError, match=re.escape(said)):
        question(**pools)(make)


# a program with its numbers written in


def program(k, tail="x.sum()"):
    def of_numbers():
        x = torch.tensor([k, k * 2.0])  # é k
        return (lambda y: tail * k)(x)

    return of_numbers


def test_numbers_are_written_into_the_text_and_code_as_it_is():
    source, same = written(program(3.0))
    assert source.splitlines()[1:] == [
        "    x = torch.tensor([3.0, 3.0 * 2.0])  # é k",
        "    return (lambda y: x.sum() * 3.0)(x)",
    ]
    assert same() == 27


@pytest.mark.parametrize("value", [None, [1.0], torch])
def test_a_program_that_needs_more_than_numbers_is_refused(value):
    with pytest.raises(ValueError, match="the program shown needs k, which is no number"):
        written(program(value))


@pytest.mark.parametrize(("number", "words"), [(1, "one"), (8.0, "eight"), (10, "ten"), (11, "11")])
def test_a_small_number_is_said_in_words(number, words):
    assert in_words(number) == words
