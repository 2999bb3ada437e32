"""The tensors of the failing line, by name: what each is, and the change to that very line."""

from __future__ import annotations

import ast
import math
import re
from dataclasses import replace
from typing import Any

from torch import Tensor

from grader.errors.explanation import Explained
from grader.errors.seen.again.passes import start_of
from grader.errors.seen.cuts import many, seeds, several
from grader.errors.seen.reading import failing, returning, source
from grader.errors.seen.reading.frames import Frame, Frames
from grader.errors.seen.reading.lookup import looked_up, named

_SIZE = re.compile(r"of size '\[([\d, ]*)\]'")
_COMPUTED = (
    "If argmax, a comparison or a cast made it, its graph is lost, and the flag does not bring "
    "it back: compute from the scores."
)


def read_input(frames: Frames, told: Explained, message: str) -> Explained | None:
    """The tensor that a gradient is asked for, and the line that is to set its flag."""
    frame = frames.last
    for call in failing.calls(frame, "grad"):
        result, asked = failing.passed(call, 0, "outputs"), failing.passed(call, 1, "inputs")
        entries = asked.elts if isinstance(asked, ast.List | ast.Tuple) else [asked]
        for one in entries:
            value = looked_up(one, frame) if one is not None else None
            if one is None or not isinstance(value, Tensor) or value.requires_grad:
                continue
            return _of_input(frames, told, ast.unparse(one), value, result)
        if (found := several.read(frames, told, asked)) is not None:
            return found
    return None


def _of_input(
    frames: Frames, told: Explained, name: str, value: Tensor, result: ast.expr | None
) -> Explained:
    frame = frames.last
    meaning = f"{name} does not require grad, and its gradient is asked for."
    if not value.is_floating_point() and not value.is_complex():
        return replace(
            told,
            meaning=f"{name} holds {_dtype(value)}, which has no gradient.",
            cure=f"Make it floating first: {name} = {name}.float().requires_grad_(). {_COMPUTED}",
            place=frame.place,
        )
    made = [one for one in _made(frame, name) if one.lineno < frame.line]
    if made and source.calls(made[-1], "detach", "detach_"):
        code = source.in_brackets(made[-1].value)
        return replace(
            told,
            meaning=f"{meaning} detach() made it a leaf without the flag.",
            cure=f"Set the flag there: {name} = {code}.requires_grad_().",
            place=frame.place_of(made[-1].lineno),
        )
    computed = _made(frame, ast.unparse(result)) if result is not None else []
    line = computed[-1].lineno if computed else frame.line
    before = f"in front of `{ast.unparse(computed[-1])}`" if computed else "before it is used"
    return replace(
        told,
        meaning=meaning,
        cure=f"Call {name}.requires_grad_() {before}: only what is recorded leads back to it.",
        place=frame.place_of(line),
    )


def read_seed(frames: Frames, told: Explained, message: str) -> Explained | None:
    """What a backward pass is started with, and the shape of what it starts from."""
    frame = frames.last
    for call in failing.calls(frame, "grad", "backward"):
        is_grad = ast.unparse(call.func).endswith("grad")
        owner = call.func.value if isinstance(call.func, ast.Attribute) else None
        result = failing.passed(call, 0, "outputs") if is_grad else owner
        seed = (
            failing.passed(call, 2, "grad_outputs")
            if is_grad
            else failing.passed(call, 0, "gradient")
        )
        whole = named(result, frame) if result is not None else None
        whole = _started(frames) if whole is None else whole
        if seed is None or result is None or not isinstance(whole, Tensor):
            continue
        given = named(seed, frame)
        given = _seed_of(frames) if given is None else given
        has = f" It has the shape {tuple(given.shape)}." if isinstance(given, Tensor) else ""
        name = ast.unparse(result)
        return replace(
            told,
            meaning=f"{ast.unparse(seed)} is to have the shape of {name}, {tuple(whole.shape)}."
            f"{has}",
            cure=seeds.cure(frame, source.in_brackets(seed), given, name, whole),
            place=frame.place,
        )
    return None


def _seed_of(frames: Frames) -> Any:
    """The one gradient that torch's own backward or grad was given to start from."""
    names = frames.given("backward") or frames.given("grad")
    given = names.get("grad_tensors", names.get("grad_outputs", names.get("gradient")))
    return given[0] if isinstance(given, tuple | list) and len(given) == 1 else given


def _started(frames: Frames) -> Tensor | None:
    """The one tensor that torch's own backward or grad started from."""
    roots = frames.given("backward").get("tensors", frames.given("grad").get("outputs"))
    one = roots[0] if isinstance(roots, tuple) and len(roots) == 1 else roots
    return one if isinstance(one, Tensor) else None


def read_scalar(frames: Frames, told: Explained, message: str) -> Explained | None:
    """The result that has more than one element, and the line with one number in its place."""
    frame, root = start_of(frames)
    for call in failing.calls(frame, "backward"):
        owner = call.func.value if isinstance(call.func, ast.Attribute) else None
        computed = isinstance(owner, ast.BinOp | ast.UnaryOp) and frame is frames.last
        whole = _started(frames) if computed else root
        if owner is None or whole is None or not (computed or looked_up(owner, frame) is root):
            continue
        name = source.in_brackets(owner)
        why = many.why(frames, whole) or many.Why(_why_many(frame, name))
        one = many.in_front(frame, name) or (
            f"Write {name}.mean().backward(), or {name}.sum().backward()."
        )
        return replace(
            told,
            meaning=f"{name} has the shape {tuple(whole.shape)}: backward() starts from one "
            f"number, and this holds {whole.numel()}. {why.words}",
            cure=f"{why.cure} Or: {one[0].lower()}{one[1:]}"
            if why.cure
            else f"{one} To weigh its entries yourself pass v of that shape: {name}.backward(v).",
            place=why.place or frame.place,
        )
    return _scalar_of_grad(frame, told) or _scalar_of_call(frames, told)


def _why_many(frame: Frame, name: str) -> str:
    """What made a result of several numbers: a part of a tensor, or a loss that is not reduced."""
    made = [one for one in _made(frame, name) if one.lineno < frame.line]
    value = made[-1].value if made else None
    if isinstance(value, ast.Subscript):
        whole = looked_up(value.value, frame)
        shape = f", of the shape {tuple(whole.shape)}," if isinstance(whole, Tensor) else ""
        part, owner = ast.unparse(value), ast.unparse(value.value)
        return f"{part} on line {made[-1].lineno} is a part of {owner}{shape} and no number."
    return 'A loss made with reduction="none" gives one for each sample.'


def _scalar_of_grad(frame: Frame, told: Explained) -> Explained | None:
    """`torch.autograd.grad(y, x)` of a y with more than one element."""
    for call in failing.calls(frame, "grad"):
        result = failing.passed(call, 0, "outputs")
        if isinstance(result, ast.List | ast.Tuple):
            result = result.elts[0] if len(result.elts) == 1 else None
        whole = looked_up(result, frame) if result is not None else None
        if result is None or not isinstance(whole, Tensor) or whole.numel() == 1:
            continue
        name = source.in_brackets(result)
        return replace(
            told,
            meaning=f"{ast.unparse(result)} has the shape {tuple(whole.shape)}: grad() starts from "
            f"one number, and this holds {whole.numel():,}.",
            cure=f"Give it one number: {name}.sum(), which gives each sample the gradient of its "
            f"own entry where samples do not mix, or {name}.mean(). To weigh the entries yourself "
            f"pass grad_outputs=v, of that shape: torch.ones_like({name}) is their sum.",
            place=frame.place,
        )
    return None


def _scalar_of_call(frames: Frames, told: Explained) -> Explained | None:
    """`criterion(x, y).backward()`: the function that returns more than one number, and where."""
    roots = frames.given("backward").get("tensors")
    root = roots[0] if isinstance(roots, tuple) and len(roots) == 1 else None
    frame = frames.last
    for call in failing.calls(frame, "backward"):
        made = call.func.value if isinstance(call.func, ast.Attribute) else None
        if not isinstance(made, ast.Call) or not isinstance(root, Tensor):
            continue
        name, place = f"{ast.unparse(made.func)}(...)", frame.place
        cure = (
            f"Write {name}.mean().backward(), or {name}.sum().backward(). To weigh its entries "
            f"yourself pass v of that shape: {name}.backward(v)."
        )
        if (end := returning.of_call(made, frame)) is not None:
            place = end.place
            cure = f"Let it return one number: return {source.in_brackets(end.value)}.mean()."
        return replace(
            told,
            meaning=f"{name} returns the shape {tuple(root.shape)}: backward() starts from one "
            f"number, and this holds {root.numel()}.",
            cure=cure,
            place=place,
        )
    return None


def read_assigned(frames: Frames, told: Explained, message: str) -> Explained | None:
    """`p.grad = ...` with a value of another shape or dtype."""
    frame = frames.last
    for node in ast.walk(frame.source) if frame.source is not None else ():
        if not isinstance(node, ast.Assign) or not _reaches(node, frame):
            continue
        target = node.targets[0]
        if not isinstance(target, ast.Attribute) or target.attr != "grad":
            continue
        owner, value = ast.unparse(target.value), ast.unparse(node.value)
        if "of size" not in message:
            cure = f"Write {owner}.grad = {_as_tensor(value, message)}.to({owner})."
            if "of type float" in message or "of type int" in message:
                cure = f"Write {owner}.grad = torch.full_like({owner}, {value})."
        elif _keeps_its_entries(message):
            cure = f"Write {owner}.grad = ({value}).reshape({owner}.shape)."
        elif (kept := _of_other_shape(node.value, frame, message)) is not None:
            return replace(
                told,
                meaning=f"{kept} has the shape {_shapes(message)[0]}, and {owner} "
                f"{_shapes(message)[1]}: it was kept for a parameter that another one has taken "
                "the place of.",
                cure=f"Compute {kept} anew from the parameters as they are now, behind the line "
                f"that makes {owner} anew; or, where that cannot be, leave out what has another "
                f"shape: if {kept}.shape == {owner}.shape.",
                place=frame.place,
            )
        else:
            cure = (
                f"{value} has to have the shape of {owner}: undo what changed it, by a "
                "transpose, or a sum where it was broadcast. reshape would give its entries to "
                "others."
            )
        return replace(told, cure=cure, place=frame.place)
    return None


def _shapes(message: str) -> list[tuple[int, ...]]:
    """The shape of a gradient, and that of the tensor it was given to."""
    return [tuple(int(n) for n in re.findall(r"\d+", one)) for one in _SIZE.findall(message)]


def _of_other_shape(value: ast.expr, frame: Frame, message: str) -> str | None:
    """An entry of what is kept that has the shape of the gradient: `self.ref[name]`.

    Not where the two shapes are those of a transpose, or of a sum that is missing.
    """
    given, wanted = _shapes(message)
    spread = len(given) > len(wanted) or any(one == 1 for one in wanted)
    if len(given) != len(wanted) or sorted(given) == sorted(wanted) or spread:
        return None
    for node in ast.walk(value):
        if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name | ast.Attribute):
            holder, key = looked_up(node.value, frame), looked_up(node.slice, frame)
            one = holder.get(key) if isinstance(holder, dict) else None
            if isinstance(one, Tensor) and tuple(one.shape) == given:
                return ast.unparse(node)
    return None


def _as_tensor(value: str, message: str) -> str:
    """What was assigned, as a tensor: a list is none yet."""
    return f"({value})" if "of type" not in message else f"torch.as_tensor({value})"


def _keeps_its_entries(message: str) -> bool:
    """Whether a reshape gives each entry to its own place: of a flat gradient, or by a 1."""
    sizes = [[int(n) for n in re.findall(r"\d+", one)] for one in _SIZE.findall(message)]
    if len(sizes) != 2:
        return False
    given, wanted = sizes
    if len(given) == 1 and given[0] == math.prod(wanted):
        return True
    return [n for n in given if n != 1] == [n for n in wanted if n != 1]


def _dtype(value: Tensor) -> str:
    return str(value.dtype).removeprefix("torch.")


def _made(frame: Frame, name: str) -> list[ast.Assign]:
    found = source.assigned(frame.source, name) if frame.source is not None else []
    return [one for one in found if isinstance(one, ast.Assign)]


def _reaches(node: ast.expr | ast.stmt, frame: Frame) -> bool:
    return node.lineno <= frame.line <= (node.end_lineno or node.lineno)
