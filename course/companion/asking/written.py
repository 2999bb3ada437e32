"""Lines that no watch saw: the one statement of the reader's own source that can have done it."""

from __future__ import annotations

import ast
import functools
import linecache
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from torch import Tensor, nn

from course.companion.asking import chosen, statements
from course.companion.cut import anew, exchanged, unheld
from course.companion.finding import Finding, found
from course.companion.places import Place, is_library
from course.companion.surroundings import Surroundings

_MOST_LINES = 20_000
_OF_OPTIMIZERS = {"not_in_optimizer", "other_model", "untrained_model"}
_OF_ATTRIBUTES = {"two_in_one", "in_a_list", "plain_tensor", "computed"}
_TABLES = (nn.Embedding, nn.EmbeddingBag)
_FROM_PRETRAINED = (
    "Embedding.from_pretrained freezes the vectors that it is given, unless it is called with "
    "freeze=False."
)
_CELLS = ("ipykernel_", "<ipython-input")

Test = Callable[[ast.AST], bool]


def located(findings: Sequence[Finding], around: Surroundings) -> list[Finding]:
    """The same, with a line where the cause lies outside of the step and one statement fits.

    Where several statements of the reader's files fit, or none, there is no line.
    """
    findings = [_of_replaced(_assigned_since(one, around), around) for one in findings]
    findings = [chosen.part(one, around, functools.partial(_making, around)) for one in findings]
    told = [
        replace(one, place=next(filter(None, lines), one.place or _last_of(one, around)))
        for one in (_of_table(one) if _is_table(one, around) else one for one in findings)
        for lines in [(the_one(test, around) for test in _tests_of(one, around))]
    ]
    return [_made(_of_packed(_of_copied(one), around), around) for one in told]


def _of_packed(one: Finding, around: Surroundings) -> Finding:
    """Of a cut that was not seen: the one line that gives a custom Function tensors in a tuple."""
    place = the_one(statements.packs, around) if one.code == "not_seen" else None
    return one if place is None else found("cut_packed", tensor=one.tensor, place=place, sure=False)


def _made(one: Finding, around: Surroundings) -> Finding:
    """Of a parameter that nothing uses: the one line that makes it."""
    if one.code != "never_used" or one.place is not None or "." not in one.tensor:
        return one
    makes = functools.partial(statements.sets, one.tensor.rpartition(".")[2])
    return one if " " in one.tensor else replace(one, place=the_one(makes, around))


def _of_copied(one: Finding) -> Finding:
    """Of a parameter that nothing uses: that this line copies its numbers, if one does."""
    if one.code != "never_used" or one.place is None:
        return one
    return replace(
        one,
        sentence=f"{one.sentence} This line copies its numbers, and a copy is a tensor of its own.",
        cure=f"Hand on {one.tensor} itself there: without a copy, and without nn.Parameter(...), "
        "which makes a new leaf of the values.",
    )


def _making(around: Surroundings, name: str, kind: str) -> list[tuple[str, ast.AST]]:
    """The statements that make an optimizer of this name, each with its file."""
    return [
        (file, node)
        for file in own_files(around)
        for node in nodes_of(file)
        if statements.makes(name, kind, node)
    ]


def _last_of(one: Finding, around: Surroundings) -> Place | None:
    """The later of the statements that make two optimizers of the same parameters."""
    twice = unheld.held_twice(around) if one.code == "untrained_model" else None
    names = twice[0] if twice is not None else []
    kinds = {name: type(around.optimizers[name]).__name__ for name in names}
    tests = (functools.partial(statements.makes, name, kind) for name, kind in kinds.items())
    places = [place for test in tests if (place := the_one(test, around)) is not None]
    return max(places, default=None) if len({one.file for one in places}) == 1 else None


def _assigned_since(one: Finding, around: Surroundings) -> Finding:
    """Of a model that no optimizer holds: the one load that gave it other parameters, if it did."""
    if one.code not in ("other_model", "untrained_model"):
        return one
    said = one.sentence.replace(",", " ").replace(":", " ")
    model = next((name for name in around.models if f" of {name} " in said), "")
    before = anew.held_before(around, model) if model else None
    place = the_one(statements.assigns, around) if before is not None else None
    if before is None or place is None:
        return one
    return found("held_before", place=place, model=model, optimizer=before[0], count=before[1])


def _of_replaced(one: Finding, around: Surroundings) -> Finding:
    """The same, or that one statement puts new parameters in the place of those that are held."""
    whole = one.code in ("other_model", "untrained_model") and one.tensor in around.models
    if not whole or not exchanged.are_others(around, one.tensor):
        return one
    place = the_one(statements.replaces, around)
    if place is None:
        return one
    name = " and ".join(sorted(around.optimizers))
    holds = "hold" if len(around.optimizers) > 1 else "holds"
    words = {"model": one.tensor, "optimizer": name, "holds": holds}
    return found("parameters_replaced", sure=False, place=place, **words)


def padding_row(tensor: Tensor, name: str, around: Surroundings) -> list[str]:
    """A sentence on the row of an embedding that gets no gradient, if a parameter is its table."""
    for model in around.models.values():
        for part in model.modules():
            if isinstance(part, _TABLES) and part.weight is tensor:
                if part.padding_idx is None or tensor.grad is None:
                    return []
                place = the_one(statements.pads, around)
                at = f" ({place})" if place is not None else ""
                row = part.padding_idx
                return [
                    f"Row {row} of {name} is its padding_idx{at}: it gets no gradient. If {row} is "
                    "the number of something real, leave padding_idx out."
                ]
    return []


def _is_table(finding: Finding, around: Surroundings) -> bool:
    """Whether what is frozen is the weight of an Embedding."""
    return finding.code == "frozen" and any(
        finding.tensor == f"{name}.{path}.weight".replace("..", ".")
        for name, model in around.models.items()
        for path, part in model.named_modules()
        if isinstance(part, _TABLES)
    )


def _of_table(finding: Finding) -> Finding:
    """The same, with the way in which such a weight is frozen most often."""
    return replace(finding, cure=f"{finding.cure} {_FROM_PRETRAINED}")


def _tests_of(one: Finding, around: Surroundings) -> Sequence[Test]:
    """What the statement that is looked for is like; where none is, what it may be like else."""
    if one.code in _OF_OPTIMIZERS and len(around.optimizers) == 1:
        ((name, optimizer),) = around.optimizers.items()
        kind = type(optimizer).__name__
        named = functools.partial(statements.makes, name, kind)
        return (named, lambda node: statements.name_of(getattr(node, "func", None)) == kind)
    if one.code in _OF_ATTRIBUTES or (one.code == "no_requires_grad" and "." in one.tensor):
        return (functools.partial(statements.sets, one.tensor.rpartition(".")[2]),)
    if one.code == "frozen" and _is_table(one, around):
        return (lambda node: statements.freezes(node) or statements.loads_frozen(node),)
    if one.code == "flag_of_module":
        return (functools.partial(statements.sets_flag, "requires_grad = True" in one.sentence),)
    if one.code == "buffer":
        return (functools.partial(statements.registers, one.tensor.rpartition(".")[2]),)
    if one.code == "zero_same":
        other = one.sentence.rpartition(" are one")[0].rpartition(".")[2]
        return (functools.partial(statements.sets, other),)
    if one.code == "never_used" and "." in one.tensor and " " not in one.tensor:
        return (functools.partial(statements.copies, one.tensor.rpartition(".")[2]),)
    if one.code == "idle":
        container = one.sentence.rpartition("in ")[2].split()[0].rpartition(".")[2]
        return (functools.partial(statements.reads, container),)
    if one.code == "pattern":
        layer = one.sentence.partition(" is the pattern")[0].rpartition(".")[2]
        return (functools.partial(statements.sets, layer),)
    if one.code == "never_called":
        return (lambda node: statements.called_name(node) == one.tensor.partition(".")[0],)
    if one.code == "swapped":
        both = re.findall(r"(\S+) where (\S+) stands", one.cure)[0]
        return (
            functools.partial(statements.hands_in, *(name.rpartition(".")[2] for name in both)),
        )
    if one.code == "zero_both":
        return (functools.partial(statements.sets_zero, one.tensor),)
    if one.code == "zero_relu_start":
        other = one.sentence.rpartition(", since ")[2].partition(" is all zeros")[0]
        return (functools.partial(statements.sets_zero, one.tensor if " " in other else other),)
    return _PLAIN.get(one.code, ())


_PLAIN: dict[str, Sequence[Test]] = {
    "frozen": (statements.freezes,),
    "loss_is_leaf": (statements.flags,),
    "step_on_frozen": (statements.freezes,),
    "eval_mode": (statements.evaluates,),
    "zero_hook": (statements.hooks,),
    "off_before": (statements.switches_off,),
}


def the_one(test: Test, around: Surroundings) -> Place | None:
    """The one statement for which a test holds; a cell that was run twice counts once."""
    places = {
        place.text: place
        for file in own_files(around)
        for node in nodes_of(file)
        if test(node) and (place := Place(file, getattr(node, "lineno", 0))).text
    }
    lines = {(one.file, one.line) for one in places.values()}
    return next(iter(places.values())) if len(lines) == 1 else None


def own_files(around: Surroundings) -> Iterator[str]:
    """The files of the caller's frames and of the models' classes, and the cells that were run."""
    modules = (
        sys.modules.get(kind.__module__)
        for model in around.models.values()
        for kind in dict.fromkeys(type(part) for part in model.modules())
    )
    files = [*around.files, *(getattr(one, "__file__", None) or "" for one in modules)]
    cells = [name for name in linecache.cache if any(mark in name for mark in _CELLS)]
    for file in dict.fromkeys([*files, *cells]):
        if file and not is_library(file):
            yield file


def nodes_of(file: str) -> tuple[ast.AST, ...]:
    """The assignments and calls of a file."""
    tree = tree_of(file)
    return () if tree is None else _nodes(tree)


@functools.lru_cache(maxsize=64)
def _nodes(tree: ast.Module) -> tuple[ast.AST, ...]:
    kinds = ast.Assign | ast.AnnAssign | ast.Call
    return tuple(node for node in ast.walk(tree) if isinstance(node, kinds))


def tree_of(file: str) -> ast.Module | None:
    """What a file holds, as far as it can be read."""
    return _parsed(file, "".join(linecache.getlines(file)))


@functools.lru_cache(maxsize=64)
def _parsed(file: str, text: str) -> ast.Module | None:
    if text.count("\n") > _MOST_LINES:
        return None
    try:
        return ast.parse(text, file)
    except (SyntaxError, ValueError, RecursionError):
        return None
