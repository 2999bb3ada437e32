"""Mistakes of predictions: flags, truth values and words by a rule that does not hold."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from grader.trusted.key import mistake

Mistakes = tuple[Callable[..., Any], ...]
Flags = tuple[bool, bool]


def flag_pairs(value: Callable[..., Tensor]) -> Mistakes:
    """Wrong rules for (requires_grad, is_leaf). `value` takes the reference's arguments and gives
    the tensor whose flags are asked for."""

    def swapped(*given: Any) -> Flags:
        t = value(*given)
        return t.is_leaf, t.requires_grad

    def leaf_is_the_opposite(*given: Any) -> Flags:
        t = value(*given)
        return t.requires_grad, not t.requires_grad

    def leaf_like_the_flag(*given: Any) -> Flags:
        t = value(*given)
        return t.requires_grad, t.requires_grad

    def flag_from_the_node(*given: Any) -> Flags:
        t = value(*given)
        return t.grad_fn is not None, t.is_leaf

    def node_taken_for_a_leaf(*given: Any) -> Flags:
        t = value(*given)
        return t.requires_grad, t.grad_fn is not None

    def everything_is_a_leaf(*given: Any) -> Flags:
        return value(*given).requires_grad, True

    return (
        mistake(
            "swapped",
            "You returned (is_leaf, requires_grad). The answer is the pair "
            "(requires_grad, is_leaf).",
            swapped,
        ),
        mistake(
            "leaf_is_the_opposite",
            "Your is_leaf is the opposite of requires_grad. x is both: a leaf, and it requires "
            "grad; a clone of it is not. A tensor is no leaf only if it has a grad_fn.",
            leaf_is_the_opposite,
        ),
        mistake(
            "leaf_like_the_flag",
            "You take is_leaf and requires_grad for the same. A tensor that does not require grad "
            "is a leaf as well, and a recorded result requires grad and is none.",
            leaf_like_the_flag,
        ),
        mistake(
            "flag_from_the_node",
            "You took requires_grad from grad_fn. A leaf that requires grad has no grad_fn: read "
            "requires_grad itself.",
            flag_from_the_node,
        ),
        mistake(
            "node_taken_for_a_leaf",
            "Your is_leaf is the opposite of the right one. A tensor with a grad_fn was computed "
            "and is no leaf; one without is a leaf.",
            node_taken_for_a_leaf,
        ),
        mistake(
            "everything_is_a_leaf",
            "You call every tensor a leaf. What an operation made and autograd recorded has a "
            "grad_fn, and is none.",
            everything_is_a_leaf,
        ),
    )


@dataclass(frozen=True)
class Rule:
    """A belief that decides one thing in a prediction, and the sentence on where it is wrong."""

    name: str
    sentence: str
    decides: Callable[..., Any]


def rule_pairs(
    right: tuple[Callable[..., bool], Callable[..., bool]],
    first: Sequence[Rule],
    second: Sequence[Rule],
    known: frozenset[str] = frozenset(),
) -> Mistakes:
    """Two answers, each by a rule: every rule of the first with every rule of the second, and
    either with what is right. `known` are names of pairs that are mistakes already."""

    def pair(one: Callable[..., bool], other: Callable[..., bool]) -> Callable[..., Flags]:
        return lambda *given: (bool(one(*given)), bool(other(*given)))

    exact = [Rule("", "", function) for function in right]
    made = []
    for one in (exact[0], *first):
        for other in (exact[1], *second):
            name = "_and_".join(part for part in (one.name, other.name) if part)
            if name and name not in known:
                sentence = " ".join(part for part in (one.sentence, other.sentence) if part)
                made.append(mistake(name, sentence, pair(one.decides, other.decides)))
    return tuple(made)


def inverted(reference: Callable[..., bool], question: str) -> Mistakes:
    """True where False is right, and the other way round."""

    def turned_round(*given: Any) -> bool:
        return not reference(*given)

    sentence = f"Each of your answers is the opposite of the right one. {question}"
    return (mistake("inverted", sentence, turned_round),)


def constant(**words: str) -> Mistakes:
    """Always the same word, whatever is asked: `constant(ok="sentence")`."""

    def always(word: str) -> Callable[..., str]:
        return lambda *given: word

    return tuple(mistake(f"always_{w}", said, always(w)) for w, said in words.items())


def exchanged(reference: Callable[..., str], one: str, other: str) -> Mistakes:
    """Two words, each in the place of the other."""
    turned = {one: other, other: one}

    def words_exchanged(*given: Any) -> str:
        found = reference(*given)
        return turned.get(found, found)

    sentence = f'You say "{one}" where "{other}" is right, and the other way round.'
    return (mistake(f"{one}_and_{other}_exchanged", sentence, words_exchanged),)
