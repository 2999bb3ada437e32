"""Parameters that no optimizer holds, some of a model's or all of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn

from course.companion.cut import anew, exchanged
from course.companion.finding import Finding, found
from course.companion.record.calls import Record
from course.companion.record.reach import Reach
from course.companion.surroundings import Surroundings, held

MOST_NAMED = 3
_WHOLE = ("other_model", "untrained_model")


def outside_optimizers(
    around: Surroundings,
    loss: Tensor | None = None,
    only: Tensor | None = None,
    record: Record | None = None,
) -> list[Finding]:
    """Parameters that require grad and have no place in any optimizer that there is.

    `only` asks about one tensor. Of one that is part of no model this is said only if the
    optimizer trains something else that `loss` leads back to.
    """
    if not around.optimizers:
        return []
    if only is not None and id(only) in around.held:
        if only.grad is not None and only.grad.any():
            return []
        every = outside_optimizers(around, loss, record=record)
        return [one for one in every if one.code in ("swapped", "detached_instead")]
    if only is not None and not (only.is_leaf and only.requires_grad):
        return []
    reach = Reach(loss) if loss is not None and loss.grad_fn is not None else None
    models = around.models
    if only is not None:
        mine = {n: one for n, one in models.items() if any(only is p for p in one.parameters())}
        if not mine:
            return _beside(only, around, reach)
        models = mine
    filled = _copied_into(record)
    models = {
        n: one
        for n, one in models.items()
        if not any(id(p) in filled for p in one.parameters())  # its values come from elsewhere
    }
    told = [
        _swapped(one, around, record)
        for name in models
        for one in _of_model(name, around, reach, only)
    ]
    if record is not None and record.events_of("filled"):  # one model's may be given to another
        told = [one for one in told if one.code not in _WHOLE]
    return told


def _swapped(one: Finding, around: Surroundings, record: Record | None) -> Finding:
    """The same; or, of a whole model, that it stands in another one's place."""
    if one.code not in _WHOLE:
        return one
    other = exchanged.swapped(around, one.tensor, around.held, record)
    return other or one


_WRITES = {"copy_", "lerp_", "add_"}
_BARE = {"data", "detach"}


def _copied_into(record: Record | None) -> set[int]:
    """The ids of the leaves into which a watched step wrote what other parameters hold.

    That is a copy, or the mean that a target network follows by, under no_grad or through .data.
    """
    if record is None:
        return set()
    written: list[tuple[int | None, tuple[int | None, ...]]] = [
        (_leaf(record, call.sources[0]), call.sources[1:])
        for _, call in record.every()
        if call.name in _WRITES and call.sources
    ]
    sets = ((event.about[0](), event.about[1]) for event in record.events_of("set"))
    written += [(record.source_of(leaf), (value,)) for leaf, value in sets if leaf is not None]
    into = {leaf for leaf, values in written if _is_of_others(record, leaf, values)}
    return {key for key, (_, number) in record.made.items() if number in into}


def _leaf(record: Record, number: int) -> int:
    """The number of a leaf, seen through its .data."""
    while number >= 0 and (call := record.call(number)) is not None and call.name in _BARE:
        number = call.sources[0]
    return number


def _is_of_others(record: Record, leaf: int | None, values: Sequence[int | None]) -> bool:
    """Whether values were computed from another parameter than the leaf that they go into."""
    known = [one for one in values if one is not None]
    if leaf is None or leaf >= 0 or not known:
        return False
    behind = (one for one in record.before(known, past_derived=False) if one < 0 and one != leaf)
    return any(isinstance(record.sources[-1 - one](), nn.Parameter) for one in behind)


def _beside(tensor: Tensor, around: Surroundings, reach: Reach | None) -> list[Finding]:
    """Of a tensor of no model: whether the loss leads to it and to something that is trained."""
    if reach is None or not reach.leaves & around.held:
        return []
    return [found("not_in_optimizer", tensor=around.name_of(tensor), **_holders(around))]


def _of_model(
    name: str, around: Surroundings, reach: Reach | None, only: Tensor | None
) -> list[Finding]:
    """What no optimizer holds of a model: some of it, or all of it."""
    holding = around.held
    parameters = list(around.models[name].named_parameters())
    trained = [(n, p) for n, p in parameters if p.requires_grad]
    missing = {f"{name}.{path}": one for path, one in trained if id(one) not in holding}
    if not missing:
        return []
    holders = _holders(around)
    which = " that require grad" if any(id(one) in holding for _, one in parameters) else ""
    if len(missing) < len(trained):
        told = [around.name_of(only)] if only is not None else list(missing)
        new = anew.made_anew(around, name, told)
        rest = [one for one in told if one not in new]
        findings = list({id(one): one for one in new.values()}.values())
        if rest:
            findings.append(found("not_in_optimizer", tensor=listed(rest), **holders))
        return findings
    if not _trains(around, holding, reach):
        if not around.models[name].training and holding == set(map(id, around.loose.values())):
            return []  # an input is fitted to a model that is only asked
        sure = len(around.models) == 1
        return [found("other_model", tensor=name, model=name, which=which, sure=sure, **holders)]
    arrives = any(one.grad is not None or (reach and one in reach) for one in missing.values())
    if not arrives:
        return []  # a target network, or a part that is not to be trained
    twice = held_twice(around)
    shared = f" ({' and '.join(twice[0])} both hold those of {twice[1]})" if twice else ""
    words = {"which": which, "shared": shared, **holders}
    return [found("untrained_model", tensor=name, model=name, sure=bool(twice), **words)]


def _trains(around: Surroundings, holding: set[int], reach: Reach | None) -> bool:
    """Whether the optimizers hold something that this step gives gradients to."""
    known = {id(p): p for one in around.models.values() for p in one.parameters()}
    if any(one in known and known[one].grad is not None for one in holding):
        return True
    return reach is not None and bool(reach.leaves & holding)


def held_twice(around: Surroundings) -> tuple[list[str], str] | None:
    """Two optimizers that hold the same parameters, and whose these are."""
    holders: dict[int, list[str]] = {}
    for name, optimizer in around.optimizers.items():
        for one in held(optimizer):
            holders.setdefault(id(one), []).append(name)
    for name, model in around.models.items():
        for one in model.parameters():
            names = sorted(set(holders.get(id(one), ())))
            if len(names) == 2:
                return names, name
    return None


def _holders(around: Surroundings) -> dict[str, Any]:
    """The optimizers by name, and the verbs that go with one or with several."""
    several = len(around.optimizers) > 1
    return {
        "optimizer": " and ".join(sorted(around.optimizers)),
        "holds": "hold" if several else "holds",
        "does": "do" if several else "does",
    }


def listed(names: list[str]) -> str:
    """`a`, `a and b`, `a, b, c and 7 more`."""
    if len(names) <= MOST_NAMED:
        return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
    return f"{', '.join(names[:MOST_NAMED])} and {len(names) - MOST_NAMED} more"
