"""Generic signatures: what a wrong value says about the mistake, whatever the exercise.

A signature speaks only if it holds in every failing case; the first that does is taken. Where two
readings of the same numbers fit, neither is taken.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import torch

from grader.diagnosis import truth
from grader.diagnosis.facts import functions, groups, masks, others
from grader.diagnosis.facts.claims import the_one
from grader.diagnosis.misses import (
    Miss,
    Signature,
    close,
    is_given_nonfinite,
    real_pair,
    reals,
)
from grader.diagnosis.multiples import ratio, ratio_channel
from grader.diagnosis.naming import is_gradient
from grader.diagnosis.nearness import close_by, differences, nearly
from grader.diagnosis.shown import article, shown, shown_apart
from grader.engine.observation import FLAGS, Plain

_ENTRY = re.compile(r"\w+\[[\"'](\w+)[\"']\]")
"""An entry of a dict as an exercise names it: `about["shape"]`."""


def recognise(misses: Sequence[Miss], *, facts: bool = True) -> Signature:
    """The first signature that is true in every one of the cases in which one part is wrong.

    Without `facts` nothing is read from the numbers: where an answer has side effects they say
    little.
    """
    for test in _TESTS if facts else _OF_FORM:
        found = test(misses)
        if found is not None and truth.holds(found, misses):
            return found
    return _plain(misses)


def _all(misses: Sequence[Miss], *kinds: str) -> bool:
    return all(miss.kind in kinds for miss in misses)


def _none(misses: Sequence[Miss]) -> Signature | None:
    if not _all(misses, "none"):
        return None
    expected = misses[0].difference.expected
    whole = all(map(truth.nothing_returned, misses))
    if is_gradient(misses[0].difference.name) and isinstance(expected, torch.Tensor):
        return Signature("NONE.gradient.whole" if whole else "NONE.gradient", {})
    if whole:
        return Signature("NONE.returned", {"expected": article(expected)})
    wanted = "a tensor" if isinstance(expected, torch.Tensor) else article(expected)
    return Signature("NONE", {"expected": wanted})


def _type(misses: Sequence[Miss]) -> Signature | None:
    if not _all(misses, "type"):
        return None
    expected, received = misses[0].difference.expected, misses[0].difference.received
    if all(truth.PREDICATES["TYPE.none"](miss, {}) for miss in misses):
        return Signature("TYPE.none", {})
    # A text that was expected, such as what is raised, says more than that it is one.
    wanted = shown(expected) if isinstance(expected, str) else article(expected)
    return Signature("TYPE", {"received": article(received), "expected": wanted})


def _structure(misses: Sequence[Miss]) -> Signature | None:
    if not _all(misses, "structure"):
        return None
    expected, received = misses[0].difference.expected, misses[0].difference.received
    if misses[0].difference.path == "" and not set(expected) & set(received):
        return _other_names(expected, received)
    if isinstance(expected, dict) and isinstance(received, dict):
        other = {name: received[name] for name in received if name not in expected}
        unnamed = misses[0].difference.path == "" and list(other) == ["answer"]
        if list(received) == ["answer"] and "answer" not in expected:
            return _other_names(expected, received)  # a row that holds something else altogether
        if unnamed and other["answer"] is not None:
            # What was returned stands beside what the exercise looked at by itself.
            return _other_names({n: expected[n] for n in expected if n not in received}, other)
        lacking = [f"{shown(name)} is missing" for name in expected if name not in received]
        beyond = [f"{shown(name)} was not asked for" for name in received if name not in expected]
        return Signature("STRUCTURE", {"parts": ", ".join((lacking + beyond)[:4])})
    entries = f"{len(received)} {'entry' if len(received) == 1 else 'entries'}"
    return Signature("STRUCTURE", {"parts": f"{entries} instead of {len(expected)}"})


def _other_names(expected: dict[str, Plain], received: dict[str, Plain]) -> Signature:
    """Other named values than expected: in sum, what was returned and what was wanted."""
    wanted = _group(expected, received)
    if list(received) != ["answer"]:
        values = {"received": _group(received, expected), "expected": wanted}
        return Signature("STRUCTURE.other", values)
    (value,) = received.values()
    code = "NONE.returned" if value is None else "TYPE"
    return Signature(code, {"received": article(value), "expected": wanted})


def _group(parts: dict[str, Plain], beside: dict[str, Plain]) -> str:
    """How a group of named values is called; one value that has no name, by what it is."""
    if list(parts) == ["answer"]:
        value = parts["answer"]
        return f"{shown(value)}" if isinstance(value, str) else article(value)
    known = [
        name
        for name, value in parts.items()
        if ("." not in name or name.rpartition(".")[2] not in FLAGS)
        and not _is_said_of_another(name, value)
    ]
    keys = [key[1] for key in map(_ENTRY.fullmatch, known) if key]
    if keys:  # an exercise looked into the dict that it asks for
        return f"a dict with the keys {', '.join(keys)}"
    names = ", ".join(known)
    if len(known) == 1:
        value = parts[known[0]]
        return f"{known[0]}: {shown(value)}" if isinstance(value, str) else known[0]
    other = beside.get("answer")
    # As many values without names are taken for the named ones, unless a dict is asked for.
    if isinstance(other, tuple | list) and len(other) == len(parts):
        return f"a dict with the keys {names}"
    return f"the pair ({names})" if len(known) == 2 else f"a group of {len(known)} values: {names}"


def _is_said_of_another(name: str, value: Plain) -> bool:
    """Whether a part is a sentence about others, true or false: "batch is an int"."""
    return isinstance(value, bool) and " is " in name


def _transposed(misses: Sequence[Miss]) -> Signature | None:
    genuine = False
    for miss in misses:
        pair = real_pair(miss)
        if pair is None or miss.kind not in ("shape", "value") or pair[0].ndim != 2:
            return None
        if not close(pair[0].T, pair[1], miss):
            return None
        genuine = genuine or min(pair[0].shape) > 1
    # A row against a column is as well a matter of keepdim: that alone says nothing.
    if not genuine:
        return None
    gradient = is_gradient(misses[0].difference.name)
    return Signature("TRANSPOSED.gradient" if gradient else "TRANSPOSED", {})


def _per_sample(misses: Sequence[Miss]) -> Signature | None:
    found = [how for how in ("sum", "mean") if all(_reduces(miss, how) for miss in misses)]
    if len(found) != 1:
        return None
    difference = misses[0].difference
    values: dict[str, object] = {"received": tuple(difference.received.shape)}
    batch = all(m.difference.received.shape[0] == m.case.symbols.get("N") for m in misses)
    return Signature(f"PER_SAMPLE.{found[0]}" + (".batch" if batch else ""), values)


def _reduces(miss: Miss, how: str) -> bool:
    pair = real_pair(miss)
    if pair is None or pair[1].ndim != pair[0].ndim + 1 or pair[1].shape[0] == 0:
        return False
    received = pair[1].double()
    reduced = received.sum(0) if how == "sum" else received.mean(0)
    return close(pair[0], reduced.to(pair[1].dtype), miss)


def _shape(misses: Sequence[Miss]) -> Signature | None:
    if not _all(misses, "shape"):
        return None
    expected, received = misses[0].difference.expected, misses[0].difference.received
    values: dict[str, object] = {
        "received": tuple(received.shape),
        "expected": tuple(expected.shape),
    }
    code = "SHAPE.reshaped" if all(map(_is_reshaped, misses)) else "SHAPE.other"
    return Signature(code, values)


def _is_reshaped(miss: Miss) -> bool:
    pair = real_pair(miss)
    return (
        pair is not None
        and 0 < pair[0].numel() == pair[1].numel()
        and close(pair[0].reshape(-1), pair[1].reshape(-1), miss)
    )


def _nonfinite(misses: Sequence[Miss]) -> Signature | None:
    pairs = reals(misses)
    if pairs is None:
        return None
    counts = [int((~torch.isfinite(g) & torch.isfinite(r)).sum()) for r, g in pairs]
    if not all(counts):
        return None
    code = "NONFINITE.given" if all(map(is_given_nonfinite, misses)) else "NONFINITE"
    return Signature(code, {"count": counts[0], "total": pairs[0][0].numel()})


def _dtype(misses: Sequence[Miss]) -> Signature | None:
    if not _all(misses, "dtype"):
        return None
    dtypes = [
        value.dtype for value in (misses[0].difference.received, misses[0].difference.expected)
    ]
    received, expected = (str(dtype).removeprefix("torch.") for dtype in dtypes)
    code = "DTYPE"
    if not (dtypes[1].is_floating_point or dtypes[1].is_complex):  # no input's dtype that was kept
        code = "DTYPE.other"
    elif (received, expected) == ("float32", "float64"):
        code = "DTYPE.float32"
    return Signature(code, {"received": received, "expected": expected})


def _zero(misses: Sequence[Miss]) -> Signature | None:
    pairs = reals(misses)
    tensors = all(isinstance(miss.difference.expected, torch.Tensor) for miss in misses)
    if pairs is None or not tensors or any(bool((g != 0).any()) for _, g in pairs):
        return None
    return Signature("ZERO.gradient" if is_gradient(misses[0].difference.name) else "ZERO", {})


def _flag(misses: Sequence[Miss]) -> Signature | None:
    if not _all(misses, "flag"):
        return None
    expected, received = misses[0].difference.expected, misses[0].difference.received
    flag = misses[0].difference.path.rpartition(".")[2]
    if flag == "grad_fn" and isinstance(received, str | None):
        return Signature("FLAGS.grad_fn", {"received": received, "expected": expected})
    # Received flags are the opposite of the expected ones: one sentence must hold for all.
    if not all(
        isinstance(m.difference.received, bool) and m.difference.expected is expected
        for m in misses
    ) or not isinstance(expected, bool):
        return Signature("WRONG.flag", {"flag": flag, **_both(received, expected)})
    return Signature(
        f"FLAGS.{flag}",
        {
            "is_or_not": "is" if received else "is not",
            "does_or_not": "does" if received else "does not",
            "has_or_not": "has" if received else "has not got",
            "should": "should" if expected else "should not",
        },
    )


def _plain(misses: Sequence[Miss]) -> Signature:
    """No signature holds: say that it differs, or what stands there instead."""
    difference = misses[0].difference
    values = difference.expected, difference.received
    if misses[0].kind == "shape":  # in other cases it is none: what is said is of the first
        shapes = {"received": tuple(values[1].shape), "expected": tuple(values[0].shape)}
        return Signature("SHAPE.here", shapes)
    if not all(map(_is_long, values)):
        return Signature("WRONG.value", _both(difference.received, difference.expected))
    return Signature("WRONG", {})


def _is_long(value: Plain) -> bool:
    """Whether a value is too much to stand in a sentence: numbers in a tensor, but few integers."""
    return isinstance(value, torch.Tensor) and value.is_floating_point() and value.numel() > 1


def _both(received: Plain, expected: Plain) -> dict[str, object]:
    one, other = shown_apart(received, expected)
    return {"received": one, "expected": other}


def _contents(misses: Sequence[Miss]) -> Signature | None:
    return the_one(misses, groups.containers)


def _order(misses: Sequence[Miss]) -> Signature | None:
    return the_one(misses, groups.orders, groups.keys)


def _reduced(misses: Sequence[Miss]) -> Signature | None:
    return the_one(misses, functions.reductions)


def _known_value(misses: Sequence[Miss]) -> Signature | None:
    return the_one(misses, others.other_parts, others.inputs)


def _of_right(misses: Sequence[Miss]) -> Signature | None:
    """A multiple or a function of the right answer: of two readings neither."""
    multiple = ratio(misses)
    other = the_one(misses, functions.functions, functions.uniform)
    named = multiple is not None and multiple.code != "RATIO.varies"
    return None if named and other else other or multiple


def _input_times(misses: Sequence[Miss]) -> Signature | None:
    return the_one(misses, others.inputs_times)


def _shifted(misses: Sequence[Miss]) -> Signature | None:
    return the_one(misses, functions.shifted)


def _masked(misses: Sequence[Miss]) -> Signature | None:
    return the_one(misses, masks.masks) or the_one(misses, masks.zeros)


Test = Callable[[Sequence[Miss]], Signature | None]

_OF_FORM: tuple[Test, ...] = (_contents, _none, _type, _order, _structure, _shape, _dtype, _flag)
"""What can be said without reading numbers."""

_TESTS: tuple[Test, ...] = (
    _contents,
    _none,
    _type,
    _order,
    _structure,
    _known_value,
    _transposed,
    _per_sample,
    _reduced,
    _shape,
    _nonfinite,
    _dtype,
    _zero,
    _of_right,
    _input_times,
    _masked,
    _shifted,
    ratio_channel,
    nearly,
    _flag,
    close_by,
    differences,
)
