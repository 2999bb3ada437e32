"""Two mistakes of one formula, made at once."""

from dataclasses import dataclass

import pytest

from grader.trusted.families.pairs import NotAPair, every_two, formula, of_formula


@dataclass(frozen=True)
class Line:
    """slope * x + offset."""

    slope: float = 3.0
    offset: float = 1.0


def at(line, x):
    return line.slope * x + line.offset


def test_every_two_changes_of_different_fields_are_made_in_one():
    changes = {
        "flat": (Line(slope=0.0), "You left out x."),
        "low": (Line(offset=0.0), "You left out the 1."),
        "steep": (Line(slope=9.0), "You squared."),
    }
    made = {pair.name: pair for pair in every_two(at, changes)}
    assert sorted(made) == ["flat+low", "low+steep"]
    assert made["low+steep"].function(2) == 18
    assert (made["flat+low"].one, made["flat+low"].other) == (
        "You left out x.",
        "You left out the 1.",
    )


@formula
def straight(x, *, slope=3.0, offset=1.0):
    return slope * x + offset


def flat(x):
    """You left out x."""
    return straight(x, slope=0.0)


def low(x):
    """You left out the 1."""
    return straight(x, offset=0.0)


def doubled(x):
    """You doubled the result."""
    return 2 * straight(x)


def by_hand(x):
    """You did not go by the formula."""
    return 7


def made(*mistakes):
    (pair,) = of_formula(lambda x: straight(x), *mistakes)
    return pair


def test_two_mistakes_change_different_arguments_of_a_formula():
    assert straight(2) == 7
    assert made(flat, low).function(2) == 0
    assert made(flat, low).one == "You left out x."


def test_what_a_mistake_does_around_the_formula_stays_around_both():
    assert made(doubled, low).function(2) == made(low, doubled).function(2) == 12


@pytest.mark.parametrize("mistakes", [(flat, flat), (flat, by_hand), (by_hand, flat)])
def test_two_that_change_the_same_or_pass_the_formula_by_are_no_pair(mistakes):
    with pytest.raises(NotAPair):
        made(*mistakes).function(2)
    assert straight(2) == 7  # and the formula is itself again
