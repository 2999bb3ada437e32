"""All parameters at once: which get no gradient that is right, and what to say of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from torch import Tensor

from course.companion.asking import gone, inquiry
from course.companion.cut import unheld
from course.companion.finding import Finding, counted
from course.companion.kinds.kind import ARRIVES
from course.companion.record import passes, tracing
from course.companion.record.calls import Record
from course.companion.record.reach import Reach
from course.companion.record.sizes import MOST_NODES
from course.companion.surroundings import Surroundings
from course.companion.zeros import afterwards, births, following

MOST_MEASURED = 12
MEANT = {*ARRIVES, "zero_start", "zero_number", "zero_cancels", "constant_in_derivative"}
"""Small and zero gradients that right programs have too: said of a tensor that one asks about."""
DETACHED = "This loss is detached from the graph, and its backward was seen before."


@dataclass
class _Parameters:
    """Those that are asked about, sorted by what became of their gradients."""

    count: int
    frozen: int
    away: dict[str, Tensor] = field(default_factory=dict)
    """The loss does not lead back to them."""
    bad: dict[str, Tensor] = field(default_factory=dict)
    """It does, and there is no gradient, or one that is zero or not finite."""
    left_out: int = 0
    """Of models that nothing trains: target networks."""
    is_held_by_none: bool = True
    """Whether no optimizer holds those, rather than one that does not step."""
    most: int = MOST_MEASURED
    """How many are looked at one by one."""
    is_left_out_reached: bool = False
    """Whether a loss of the step gave those that are left out gradients all the same."""

    @property
    def looked_at(self) -> list[str]:
        """The names of those whose gradients were searched for."""
        return [*self.away, *list(self.bad)[: self.most]]


def every(
    loss: Tensor | None, around: Surroundings, record: Record | None, several: bool
) -> tuple[str, list[Finding]]:
    """What to say of all parameters; `several` says that any of several watched losses counts."""
    named = around.parameters | around.loose
    parameters = {names[0]: named[names[0]] for names in _by_tensor(named)}
    if not parameters:
        return "No model is found here: why_no_grad(tensor, loss), or model=...", []
    asked = {name: one for name, one in parameters.items() if one.requires_grad}
    if loss is not None and was_differentiated(loss, record):
        if not any(map(is_bad, asked.values())):
            each = f"Each of {counted(len(asked), 'parameter')} has a gradient."
            return f"{DETACHED} {each}", []
        loss = None
    if loss is None and record is not None and gone.is_seen(record, around):
        return _without_loss(asked, len(parameters), around, record)
    if loss is None:
        return "No loss is found here: why_no_grad(tensor, loss).", []
    if (dead := inquiry.without_graph(loss, "every parameter", None, record)) is not None:
        return "The loss leads back to nothing.", dead
    reach = Reach(loss)
    sorted_ = _sorted(asked, len(parameters), around, reach, record, several)
    told = [
        *_of_away(sorted_, loss, around, record),
        *_of_bad(sorted_, loss, reach, around, record),
    ]
    told = [(name, one) for name, one in told if one.code not in MEANT]
    return _headline(sorted_, told), _grouped(told)


def _by_tensor(named: dict[str, Tensor]) -> list[list[str]]:
    """The names of each tensor: a layer that two models share has several."""
    names: dict[int, list[str]] = {}
    for name, one in named.items():
        names.setdefault(id(one), []).append(name)
    return list(names.values())


def _sorted(
    asked: dict[str, Tensor],
    count: int,
    around: Surroundings,
    reach: Reach,
    record: Record | None,
    several: bool,
) -> _Parameters:
    left = _targets(around, reach, record)
    kept = {name: one for name, one in asked.items() if id(one) not in left}
    away = {name: one for name, one in kept.items() if one not in reach}
    if several:
        away = {name: one for name, one in away.items() if is_bad(one)}
    bad = {name: one for name, one in kept.items() if name not in away and is_bad(one)}
    most = MOST_MEASURED if len(reach.nodes) < MOST_NODES else 1
    none = not left & around.held
    return _Parameters(count, count - len(asked), away, bad, len(left), none, most)


def _without_loss(
    asked: dict[str, Tensor], count: int, around: Surroundings, record: Record
) -> tuple[str, list[Finding]]:
    """The same, where the losses of the watched step are gone."""
    stepped = {one for event in record.events_of("step") for one in event.about.held()}
    held = around.held & stepped or around.held
    rest = {name: one for name, one in asked.items() if id(one) not in held and held}
    bad = {name: one for name, one in asked.items() if name not in rest and is_bad(one)}
    reached = any(one.grad is not None for one in rest.values())
    sorted_ = _Parameters(
        count, count - len(asked), {}, bad, len(rest), is_left_out_reached=reached
    )
    looked_at = [(name, bad[name]) for name in sorted_.looked_at]
    told = [(name, one) for name, p in looked_at for one in gone.why_bad(record, p, name, around)]
    told = [(name, one) for name, one in told if one.code not in MEANT]
    return _headline(sorted_, told), _grouped(told)


def _of_away(
    asked: _Parameters, loss: Tensor, around: Surroundings, record: Record | None
) -> list[tuple[str, Finding]]:
    told = []
    for number, (name, parameter) in enumerate(asked.away.items()):
        other = passes.loss_of(parameter, around, record, loss)
        if other is not None:
            findings = _of_other(parameter, other[1], name, around, record)
        elif parameter.grad is not None and (
            passes.has_passed(parameter, record)
            or afterwards.was_given(record, parameter)
            or tracing.is_run_again(record, parameter)
        ):
            continue  # by a loss that is gone, by hand, or by the pass of a checkpoint
        else:
            findings = inquiry.lost(parameter, loss, name, around, record, number >= asked.most)
        told += [(name, one) for one in findings]
    return told


def _of_other(
    parameter: Tensor, loss: Tensor, name: str, around: Surroundings, record: Record | None
) -> list[Finding]:
    """Of a parameter that another loss gave its gradient: what became of it there."""
    reach = Reach(loss)
    gradients = births.Births(record, loss, reach, around.name_of)
    return inquiry.measured(parameter, gradients, reach, name, record)


def _of_bad(
    asked: _Parameters, loss: Tensor, reach: Reach, around: Surroundings, record: Record | None
) -> list[tuple[str, Finding]]:
    if not asked.bad:
        return []
    gradients = births.Births(record, loss, reach, around.name_of)
    return [
        (name, one)
        for name, parameter in list(asked.bad.items())[: asked.most]
        for one in inquiry.measured(parameter, gradients, reach, name, record)
    ]


def _headline(asked: _Parameters, told: Sequence[tuple[str, Finding]]) -> str:
    emptied = _emptied(told, asked.bad)
    told_of = {name for name, one in told if one.code != "idle"}
    lacking = sum(name in told_of for name in asked.looked_at) - emptied
    lacking += max(0, len(asked.bad) - asked.most) if told_of else 0
    all_ = counted(asked.count, "parameter")
    about = f"No gradient of {all_} is lost."
    if lacking:
        about = (
            f"Of {all_} {lacking:,} {_plural('gets', 'get', lacking)} no gradient that is right."
        )
    if _all_zero(asked) and not told_of.intersection(asked.looked_at):
        first = next(iter(asked.bad or asked.away))
        each = counted(len(asked.away) + len(asked.bad), "parameter")
        about = f"All that arrives at {each} is exactly 0."
        about += f" Ask about one of them: why_no_grad({first}, loss)."
    else:
        about += _of_zeros(asked, told_of)
    if emptied:
        about += f" {emptied:,} had one until it was emptied."
    if asked.frozen:
        about += f" {asked.frozen:,} {_plural('is', 'are', asked.frozen)} frozen."
    if asked.left_out:
        verb = _plural("is", "are", asked.left_out)
        holder = "optimizer" if asked.is_held_by_none else "optimizer that steps"
        away = "" if asked.is_left_out_reached else " and no loss leads to"
        about += f" {asked.left_out:,} that no {holder} holds{away} {verb} left out."
    if len(asked.bad) > asked.most:
        of = "of them" if lacking else f"of {len(asked.bad):,} that are 0 or next to it"
        about += f" {asked.most} {of} {_plural('is', 'are', asked.most)} looked at."
    return about


def _all_zero(asked: _Parameters) -> bool:
    bad = [*asked.away.values(), *asked.bad.values()]
    zero = len(bad) == asked.count - asked.frozen - asked.left_out
    return bool(bad) and zero and all(inquiry.size_of_grad(one) == 0 for one in bad)


def _of_zeros(asked: _Parameters, told_of: set[str]) -> str:
    """A sentence on gradients that are 0 and of which nothing else is said."""
    bad = {**asked.away, **asked.bad}
    zero = [one for one in asked.looked_at if one not in told_of]
    zero = [one for one in zero if inquiry.size_of_grad(bad[one]) == 0]
    if not zero:
        return ""
    has = _plural("has", "have", len(zero))
    return f" {len(zero):,} {has} a gradient of 0, which can be right: ask about {zero[0]}."


def _plural(one: str, several: str, count: int) -> str:
    return one if count == 1 else several


def was_differentiated(loss: Tensor, record: Record | None) -> bool:
    """Whether a loss without a graph is what is left of one whose backward was watched."""
    if loss.requires_grad or record is None:
        return False
    roots = passes.roots(record)
    made_at = record.source_of(loss)
    if made_at is None:  # outside of the watch, as by a detach() after it
        return bool(roots)
    made = (record.call(one) for one in record.before([made_at], past_derived=False) if one >= 0)
    return any(call is not None and call.sequence in roots for call in made)


def is_bad(tensor: Tensor) -> bool:
    """Whether a tensor has no gradient, or one of zeros, or one that is not finite."""
    size = inquiry.size_of_grad(tensor)
    return size is None or not following.TINY < size < float("inf")


def _targets(around: Surroundings, reach: Reach, record: Record | None) -> set[int]:
    """Parameters of models that nothing trains beside one that is trained: a target network's.

    An optimizer that does not step, beside one that does, trains nothing in this step.
    """
    steps = record.events_of("step") if record is not None else []
    stepped = {one for event in steps for one in event.about.held()}
    held = around.held
    held = held & stepped or held
    trained = bool(reach.leaves & held)
    rest: set[int] = set()
    for model in around.models.values():
        own = {id(one): one for one in model.parameters() if one.requires_grad}
        reached = any(one in reach for one in own.values())
        given = (one.grad is not None for key, one in own.items() if key in held)
        trained = trained or any(given)
        if not reached and not own.keys() & held:
            rest |= own.keys()
    return rest if trained else set()


def _emptied(told: Sequence[tuple[str, Finding]], bad: dict[str, Tensor]) -> int:
    """How many of these gradients were there, and emptied."""
    codes: dict[str, set[str]] = {}
    for name, one in told:
        codes.setdefault(name, set()).add(one.code)
    looked_at = [codes.get(name, set()) for name in bad if name in codes]
    if not looked_at or any(one != {"emptied"} for one in looked_at):
        return 0
    return sum(one.grad is None for one in bad.values())


def _grouped(told: Sequence[tuple[str, Finding]]) -> list[Finding]:
    """Findings of one kind and place, as one that names all its tensors."""
    names: dict[tuple[str, object], dict[str, None]] = {}
    first: dict[tuple[str, object], Finding] = {}
    for name, one in told:
        names.setdefault((one.code, one.place), {})[name] = None
        first.setdefault((one.code, one.place), one)
    return [_renamed(one, list(names[key])) for key, one in first.items()]


def _renamed(one: Finding, names: list[str]) -> Finding:
    if len(names) == 1:
        return one
    told = unheld.listed(names)
    return Finding(
        one.kind,
        one.sentence.replace(names[0], told, 1),
        one.cure.replace(names[0], "each of them"),
        one.sure,
        one.place,
        told,
    )
