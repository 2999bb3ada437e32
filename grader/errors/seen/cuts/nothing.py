"""A .grad that is None: emptied, not yet filled, never used, or of a tensor that keeps none."""

from __future__ import annotations

import ast
from dataclasses import replace

from torch import Tensor, nn
from torch.optim import Optimizer

from grader.errors.explanation import Explained
from grader.errors.index import INDEX
from grader.errors.seen.again import kept
from grader.errors.seen.cuts import ahead, closures, empty, silent
from grader.errors.seen.reading import failing, source
from grader.errors.seen.reading.frames import Frame, Frames, file_name
from grader.errors.seen.reading.lookup import looked_up, origin


def read(frames: Frames, told: Explained, message: str) -> Explained | None:
    """Which .grad of the failing line is None, and why."""
    frame = frames.last
    found = empty.without_gradient(frame)
    if found is None:
        hook = _given_to_a_hook(frames, told)
        return hook or _allowed(frames, told) or _not_a_gradient(frame, told)
    spelled, tensor = found
    name = frames.name_of(tensor) or spelled
    if not tensor.requires_grad:
        return _without_grad(frames, frame, told, name, tensor)
    if not tensor.is_leaf:
        maker = tensor.grad_fn.name() if tensor.grad_fn is not None else "an operation"
        own = spelled.split(".")[0].split("[")[0]
        return replace(
            told,
            meaning=f"{spelled} is not a leaf: {maker} computed it, and backward keeps gradients "
            "in leaves only.",
            cure=_leaf_cure(frame, own) if own == spelled else _retaining(spelled),
            place=_assigned_at(frame, own),
        )
    return _leaf_without(frames, frame, told, name, tensor)


def _retaining(spelled: str) -> str:
    return (
        f"Ask torch to keep it, before backward and where {spelled} is set: "
        f"{spelled}.retain_grad(). Or take the gradient as it comes, by "
        f"{spelled}.register_hook(f)."
    )


def _given_to_a_hook(frames: Frames, told: Explained) -> Explained | None:
    """The argument of a function that a backward pass called, and that is none of a Function."""
    frame = frames.last
    if len(frames.own) < 2 or frame.source is None or frame.code_name == "backward":
        return None
    caller = frames.own[-2]
    calls = ("backward", "grad", frame.code_name)
    called = source.calls(caller.source, *calls) if caller.source is not None else []
    here = {name for line, name in called if line == caller.line}
    if not here or frame.code_name in here:
        return None
    for node in failing.on_line(frame):
        if not isinstance(node, ast.Name) or frame.names.get(node.id, "") is not None:
            continue
        if source.assigned(frame.source, node.id):
            continue
        return replace(
            told,
            meaning=f"{node.id} is None: no gradient came to the tensor of this hook. It is one of "
            "several results of an operation, and the pass does not use it; or a custom backward "
            "gave None for it.",
            cure=f"Let None through: where {node.id} is None, return None.",
            place=frame.place,
            section=INDEX["hook_result"].section,
        )
    return None


def _allowed(frames: Frames, told: Explained) -> Explained | None:
    """Gradients that were asked for with allow_unused=True, of which one is None."""
    for frame in reversed(frames.own):
        for node in ast.walk(frame.source) if frame.source is not None else ():
            if not isinstance(node, ast.keyword) or node.arg != "allow_unused":
                continue
            if isinstance(node.value, ast.Constant) and node.value.value is True:
                return replace(
                    told,
                    meaning="allow_unused=True gives None in the place of the gradient of a "
                    "tensor that the result does not depend on.",
                    cure="Pass materialize_grads=True to torch.autograd.grad, which gives zeros; "
                    "or leave that tensor as it is: p if g is None else p - lr * g.",
                    place=frame.place_of(node.value.lineno),
                    sure=False,
                )
    return None


def _leaf_without(
    frames: Frames, frame: Frame, told: Explained, name: str, tensor: Tensor
) -> Explained | None:
    """A leaf that requires grad: nobody filled it, or somebody emptied it."""
    order = _order(frame)
    before = [name for line, name in order if line < frame.line]
    filled = any(other.grad is not None for other in _parameters(frames) if other is not tensor)
    if filled and not _is_emptied(frame, tensor):
        return replace(
            told,
            meaning=f"{name}.grad is None while others have a gradient: the loss does not depend "
            f"on {name}, or the recording was cut between them.",
            cure="If it is used, ask why_no_grad (from course import why_no_grad) with it and the "
            "loss: to skip it would leave it untrained. If it is not, use it in the forward pass, "
            "or skip what has no gradient: if p.grad is not None.",
            place=frame.place,
        )
    if (late := ahead.read(frames, told, name)) is not None:
        return late
    if before and before[-1] == "zero_grad":
        line = max(line for line, called in order if called == "zero_grad" and line < frame.line)
        return replace(
            told,
            meaning=f"{name}.grad was emptied: zero_grad() sets every .grad to None.",
            cure="Read gradients after backward and before zero_grad(). With "
            "zero_grad(set_to_none=False) you would read zeros.",
            place=frame.place_of(line),
        )
    if (emptied := _emptied_elsewhere(frames)) is not None:
        return replace(
            told,
            meaning=f"{name}.grad is None: zero_grad(), behind backward and step, sets every .grad "
            "to None.",
            cure="Read gradients after backward and before zero_grad(): call zero_grad() at the "
            "beginning of a step, in front of backward.",
            place=emptied,
            sure=False,
        )
    every = [name for one in frames.own for _, name in _order(one)]
    if "backward" not in every and "grad" not in every:
        return replace(
            told,
            meaning=f"{name}.grad is None: no backward pass has filled it yet.",
            cure="Call loss.backward() first, and read .grad after it.",
            place=frame.place,
            sure=len(frames.own) == 1,
        )
    if "backward" in before:
        return replace(
            told,
            meaning=f"{name}.grad is None after backward: the loss does not depend on {name}, or "
            "the recording was cut between them.",
            cure="Ask why_no_grad (from course import why_no_grad) with the tensor and the loss.",
            place=frame.place,
        )
    return None


def _emptied_elsewhere(frames: Frames) -> str | None:
    """The one zero_grad that ends a function which calls backward before it."""
    found = set()
    for tree, file, first in kept.code_of(frames):
        order = source.calls(tree, "backward", "zero_grad")
        is_last = order[-1:] and order[-1][1] == "zero_grad"
        if (
            isinstance(tree, ast.Module)
            and is_last
            and any(name == "backward" for _, name in order)
        ):
            found.add(f"{file_name(file)}, line {first + order[-1][0] - 1}")
    return found.pop() if len(found) == 1 else None


def _without_grad(
    frames: Frames, frame: Frame, told: Explained, name: str, tensor: Tensor
) -> Explained:
    own = name.split(".")[0].split("[")[0]
    tree = frame.source
    inside = source.assigned(tree, own) if tree is not None else []
    if tree is not None and any(source.reads(one, own) for one in inside):
        return replace(
            told,
            meaning=f"{name} does not require grad: a later line made a new tensor of this name, "
            "outside of the recording.",
            cure=_leaf_cure(frame, own),
            place=_assigned_at(frame, own),
        )
    return replace(
        told,
        meaning=f"{name} does not require grad, so backward leaves its .grad None.",
        cure=f"Create it with requires_grad=True, or call {name}.requires_grad_() before it is "
        "used."
        if tensor.is_floating_point()
        else f"Make it floating first: {name}.float().requires_grad_().",
        place=frame.place,
    )


def _not_a_gradient(frame: Frame, told: Explained) -> Explained | None:
    """None from a function without a return, or of a layer made without a bias."""
    for node in failing.on_line(frame):
        if not isinstance(node, ast.Attribute) or node.attr != "bias":
            continue
        if isinstance(looked_up(node.value, frame), nn.Module):
            name = source.spelled(node)
            return replace(
                told,
                meaning=f"{name} is None: the layer was made with bias=False.",
                cure=f"Test it first: if {name} is not None.",
                place=frame.place,
            )
    if (batch := silent.of_loader(frame, told)) is not None:
        return batch
    for node in failing.on_line(frame):
        if isinstance(node, ast.Name) and node.id in frame.names and frame.names[node.id] is None:
            if (closed := closures.of_result(frame, told, node.id)) is not None:
                return closed
            if (given := silent.of_call(frame, told, node.id)) is not None:
                return given
            return replace(
                told,
                meaning=f"{node.id} is None. A function without return gives None, and so does "
                "backward().",
                cure=f"Look at the line that made {node.id}.",
                place=frame.place,
            )
    return None


def _is_step(statement: ast.AST) -> bool:
    """`w = w - lr * w.grad`, and no other computation."""
    value = getattr(statement, "value", None)
    return isinstance(value, ast.BinOp) and isinstance(value.op, ast.Sub)


def _order(frame: Frame) -> list[tuple[int, str]]:
    tree = frame.source
    return source.calls(tree, "backward", "zero_grad", "grad") if tree is not None else []


def _is_emptied(frame: Frame, tensor: Tensor) -> bool:
    """Whether the last call before the failing line is a zero_grad() of what holds the tensor."""
    calls = [
        node
        for node in (ast.walk(frame.source) if frame.source is not None else ())
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in ("backward", "zero_grad", "grad")
        and node.lineno < frame.line
    ]
    last = max(calls, key=lambda node: node.lineno, default=None)
    if last is None or not isinstance(last.func, ast.Attribute) or last.func.attr != "zero_grad":
        return False
    holder = looked_up(last.func.value, frame)
    if isinstance(holder, nn.Module):
        return any(one is tensor for one in holder.parameters())
    groups = holder.param_groups if isinstance(holder, Optimizer) else []
    return any(one is tensor for group in groups for one in group["params"])


def _parameters(frames: Frames) -> list[Tensor]:
    found = [one for _, module in frames.modules() for one in module.parameters()]
    return found + [one for _, one in frames.tensors() if one.is_leaf and one.requires_grad]


def _assigned_at(frame: Frame, name: str) -> str:
    tree = frame.source
    inside = source.assigned(tree, name) if tree is not None else []
    return frame.place_of(inside[-1].lineno) if inside else frame.place  # type: ignore[attr-defined]


def _is_between(made: ast.expr, frame: Frame) -> bool:
    """Whether a result is computed from a model or a tensor that has a name of its own."""
    values = [looked_up(one, frame) for one in ast.walk(made) if isinstance(one, ast.Name)]
    return any(isinstance(one, nn.Module) for one in values) or origin(made, frame) is not None


def _leaf_cure(frame: Frame, name: str) -> str:
    tree = frame.source
    inside = source.assigned(tree, name) if tree is not None else []
    if any(source.reads(one, name) and not _is_step(one) for one in inside):
        return (
            f"Make it a leaf again at the end of each pass, behind all that changes it: {name} = "
            f"{name}.detach().requires_grad_()."
        )
    if any(source.reads(one, name) for one in inside):
        return (
            f"Update it in place: with torch.no_grad(): {name} -= lr * {name}.grad. Then {name} "
            f"stays the leaf it was; set {name}.grad = None before the next backward. The same "
            "goes for whatever else is updated so."
        )
    made = source.value_of(inside[-1], name) if inside else None
    if made is not None and _is_between(made, frame):
        return _retaining(name)
    return (
        "Set requires_grad as the last thing, after .to(), .cuda(), a cast and every other "
        f"operation: {name} = {name}.detach().requires_grad_(). Or call {name}.retain_grad() "
        "before backward."
    )
