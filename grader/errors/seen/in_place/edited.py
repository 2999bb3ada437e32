"""A saved tensor that was edited in place: which node refuses, and what edited it."""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable
from dataclasses import replace

from torch import Tensor, nn

from grader.errors.explanation import Explained
from grader.errors.seen.again import graph
from grader.errors.seen.again.passes import start_of
from grader.errors.seen.in_place import (
    between,
    buffers,
    entries,
    overwritten,
    redrawn,
    results,
    stepping,
    windows,
)
from grader.errors.seen.modules.layers import parts
from grader.errors.seen.modules.made import made
from grader.errors.seen.reading import ran, source
from grader.errors.seen.reading.frames import Frame, Frames, file_name
from grader.errors.seen.reading.lookup import looked_up


def read(frames: Frames, told: Explained, message: str) -> Explained | None:
    """A parameter that an optimizer holds was stepped; anything else was edited by an operation."""
    _, root = start_of(frames)
    if root is None or root.grad_fn is None:
        return _without_node(frames, told, message)
    refusing = [
        node
        for node in graph.nodes(root.grad_fn)
        if "modified by an inplace" in graph.complaint(node)
    ]
    by_step = stepping.read(frames, told, message, root, refusing)
    if by_step is not None and (by_step.sure or stepping.is_straight(frames)):
        return by_step
    name = refusing[0].name() if refusing else "A node of the graph"
    if (by_other := between.read(frames, told, message, name)) is not None:
        return by_other
    if by_step is not None:
        return by_step
    if not refusing:
        return _without_node(frames, told, message)
    node = refusing[0].name()
    mine = _edits_in_frames(frames) or _edits_of_models(frames)
    if (entry := entries.read(frames, told, node, mine)) is not None:
        return entry
    if (result := results.read(frames, told, message, node)) is not None:
        return result
    edits = mine
    where = f" Edits in this code: {', '.join(edits[:3])}." if edits else ""
    if (over := overwritten.read(frames, told, node, edits)) is not None:
        return over
    if (buffer := _of_buffer(frames, node, edits, message)) is not None:
        meaning, cure, place = buffer
        return replace(told, meaning=meaning, cure=cure, place=place)
    if (again := redrawn.read(frames, told, message, node)) is not None:
        return again
    cure = "Use the out-of-place operation (x = x + 1 for x += 1), or edit a clone."
    place = edits[0] if len(edits) == 1 else ""
    if not edits and (layers := _working_in_place(frames)):
        where = f" Layers that work in place: {', '.join(name for name, _ in layers[:3])}."
        cure = "Make the layer behind the refusing one with inplace=False."
        made_by = {one.place: one.call for _, part in layers if (one := made(frames, part))}
        if len(made_by) == 1 and all(made(frames, part) for _, part in layers):
            ((place, call),) = made_by.items()
            where += " One line makes them."
            cure = f"Make them with inplace=False there: {_out_of_place(call)}."
    if kept := _kept(frames):
        cure = (
            f"What {kept} keeps from step to step is values: write them after this step's "
            f"backward, inside `with torch.no_grad():`, and detached, {kept}[...] = z.detach()."
        )
    return replace(
        told,
        meaning=f"{node} saved a tensor for its backward, and its memory was edited in place "
        f"afterwards.{where}",
        cure=cure,
        place=place,
        sure=True,
    )


def _without_node(frames: Frames, told: Explained, message: str) -> Explained | None:
    """What the code alone says, where the loss has no name and its graph is not at hand."""
    some = "A node of the graph"
    found = results.read(frames, told, message, some) or between.read(frames, told, message, some)
    if found is not None:
        return found
    edits = _edits_in_frames(frames)
    if (buffer := _of_buffer(frames, "A node", edits, message)) is None:
        return None
    meaning, cure, place = buffer
    return replace(told, meaning=meaning, cure=cure, place=place, sure=False)


def _of_buffer(
    frames: Frames, node: str, edits: list[str], message: str
) -> tuple[str, str, str] | None:
    """A tensor that a loop fills and reads again, if it is all that is edited: what is said."""
    found = buffers.filled(frames)
    filled = {place for _, _, place in found}
    if len({name for name, _, _ in found}) != 1 or set(edits) - filled:
        return None
    name, entry, place = found[0]
    cure = (
        f"Collect the parts in a list, parts.append(...), read parts[-1] in the loop, and make "
        f"one tensor after it: {name} = torch.stack(parts)."
    )
    if (window := windows.moved(frames, name)) is not None:
        cure = f"Make the next window anew, in the place of the lines that write into it: {window}."
    elif buffers.is_read_elsewhere(frames, name):
        cure = (
            f"Compute the new value first, and write it into a copy: new = ..., then {name} = "
            f"{name}.clone(), then {entry} = new. What was saved keeps the tensor before it."
        )
    whole = "output 0 of torch::autograd::CopySlices" in message  # no view of what was written
    saved = name if whole else f"a part of {name}, which is a view of its memory"
    return (
        f"{node} saved {saved}, and {entry} = ... wrote into that memory afterwards.",
        cure,
        place,
    )


def _kept(frames: Frames) -> str | None:
    """The attribute whose entries this code or a model's forward writes: kept between steps."""
    for frame in reversed(frames.own):
        for inside in _written(frame.source):
            if isinstance(inside, ast.Attribute) and isinstance(looked_up(inside, frame), Tensor):
                return ast.unparse(inside)
    for _, model in frames.modules():
        for part in model.modules():
            code = source.own_code(type(part))
            for inside in _written(code[0]) if code is not None else ():
                name = getattr(inside, "attr", "")
                if isinstance(getattr(part, name, None) if name else None, Tensor):
                    return ast.unparse(inside)
    return None


def _written(tree: ast.AST | None) -> list[ast.expr]:
    """What an assignment writes entries of: `self.bank` in `self.bank[i] = z`."""
    targets = [
        target
        for node in (ast.walk(tree) if tree is not None else ())
        if isinstance(node, ast.Assign)
        for target in node.targets
    ]
    return [one.value for one in targets if isinstance(one, ast.Subscript)]


def _edits_in_frames(frames: Frames) -> list[str]:
    """Lines that edit a tensor in place and may have run, the innermost frame's first."""
    return [
        frame.place_of(line)
        for number, frame in reversed(list(enumerate(frames.own)))
        for line in _edits(frame)
        if ran.when(frames, number, line) != ran.NEVER
    ]


def _edits(frame: Frame) -> list[int]:
    """Lines of a frame's code that edit a tensor in place."""
    tree = frame.source
    found = _edited_lines(tree, lambda node: _is_tensor(node, frame)) if tree is not None else []
    return [line for line in found if not _edits_no_tensor(tree, line, frame)]


def _edits_no_tensor(tree: ast.AST | None, line: int, frame: Frame) -> bool:
    """Whether all methods in `_` on a line are of what is known and is no tensor."""
    nodes = [one for one in ast.walk(tree or ast.Pass()) if getattr(one, "lineno", 0) == line]
    owners = [
        looked_up(one.func.value, frame)
        for one in nodes
        if isinstance(one, ast.Call)
        and isinstance(one.func, ast.Attribute)
        and _is_method_in_place(one)
    ]
    return bool(owners) and all(one is not None and not isinstance(one, Tensor) for one in owners)


def _edits_of_models(frames: Frames) -> list[str]:
    """Lines that edit in place in the forward of the models that can be named."""
    kinds = {type(part) for _, model in frames.modules() for part in model.modules()}
    found = []
    for kind in kinds:
        if (code := source.own_code(kind)) is not None:
            tree, file, first = code
            lines = _edited_lines(tree, lambda node: True)
            found += [f"{file_name(file)}, line {first + line - 1}" for line in lines]
    return sorted(found)


def _working_in_place(frames: Frames) -> list[tuple[str, nn.Module]]:
    """Layers made with inplace=True."""
    return [(name, part) for name, part in parts(frames) if getattr(part, "inplace", False) is True]


def _out_of_place(call: ast.Call) -> str:
    """The call that makes a layer, without the True of its flag; what decides it becomes False."""
    written = copy.deepcopy(call)
    written.args = [one for one in written.args if ast.unparse(one) != "True"]
    given = [one for one in written.keywords if one.arg != "inplace"]
    is_plain = all(ast.unparse(one.value) == "True" for one in written.keywords if one not in given)
    off = [] if is_plain else [ast.keyword("inplace", ast.Constant(False))]
    written.keywords = [*given, *off]
    return ast.unparse(written)


_NO_EDITS = (
    *("requires_grad_", "retain_grad_", "detach_", "share_memory_", "unscale_"),
    *("clip_grad_norm_", "clip_grad_value_", "clip_grads_with_norm_"),
)
"""Methods and functions in `_` that change no number which a backward pass needs."""


def _is_method_in_place(node: ast.AST) -> bool:
    """`x.mul_(2)`; neither `x.grad.zero_()` nor `x.data.clamp_(0)`, which is not counted."""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return False
    name, owner = node.func.attr, node.func.value
    if not name.endswith("_") or name.endswith("__") or name in _NO_EDITS:
        return False
    return getattr(owner, "attr", "") not in ("grad", "data", "init")


def _works_in_place(node: ast.AST) -> bool:
    """`F.relu(x, inplace=True)`, but not the layer of that name, which edits when it is called."""
    if not isinstance(node, ast.Call):
        return False
    name = getattr(node.func, "attr", getattr(node.func, "id", ""))
    return name.islower() and any(
        one.arg == "inplace" and isinstance(one.value, ast.Constant) and one.value.value is True
        for one in node.keywords
    )


def _edited_lines(tree: ast.AST, is_tensor: Callable[[ast.AST], bool]) -> list[int]:
    found: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.AugAssign) and is_tensor(node.target):
            found.add(node.lineno)
        elif _is_method_in_place(node) or _works_in_place(node):
            found.add(node.lineno)  # type: ignore[attr-defined]
        elif isinstance(node, ast.Assign) and any(
            isinstance(one, ast.Subscript) and is_tensor(one.value) for one in node.targets
        ):
            found.add(node.lineno)
    return sorted(found)


def _is_tensor(node: ast.AST, frame: Frame) -> bool:
    value = looked_up(node.value if isinstance(node, ast.Subscript) else node, frame)
    return isinstance(value, Tensor)
