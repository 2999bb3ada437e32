"""What is said of lines that cut a graph: what each does, and what is to stand there instead."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import replace

from torch import nn

from grader.errors.explanation import Explained
from grader.errors.seen.again import kept
from grader.errors.seen.cuts import freezing, logic, scores, soft, unheld
from grader.errors.seen.reading.frames import Frame, Frames, file_name

_CURES = (
    (
        "detach() cuts",
        "Hand on the tensor itself, without detach(). If what stands in front of detach() is not "
        "to be trained by this loss, something else has to lead from what is to be trained to the "
        "loss: compute it again without detach().",
    ),
    (
        "item() makes a number",
        "Keep the tensor: take item() only of what is printed or stored, behind backward().",
    ),
    (
        "float() makes a number",
        "Keep the tensor: take float() only of what is printed or stored, behind backward().",
    ),
    (
        "int() makes a number",
        "A place or a count has no gradient: weigh all entries by a smooth function of the tensor, "
        "such as a sigmoid of its distance to each, in the place of cutting at int(...).",
    ),
    (
        "tolist() makes numbers",
        "Compute with the tensor as a whole, without tolist(): torch.where chooses entry by entry.",
    ),
    (
        "no parameter of",
        "The loss comes from frozen parameters alone: call the model that is to be trained in the "
        "place of the frozen one, or unfreeze that.",
    ),
    (
        "sample() draws",
        "Draw by rsample(), through which the gradient goes, where the distribution has it. A "
        "choice among classes has none: weigh the loss by dist.log_prob(action).",
    ),
    ("tensor copies values alone", "Join tensors by torch.stack([...]) in the place of it."),
    (
        "numpy() leaves torch",
        "Compute the same by torch's functions on the tensor itself, without numpy().",
    ),
    (
        "NumPy's arrays have no graph",
        "Compute the same by torch's functions on the tensor itself.",
    ),
    (
        "nothing is recorded",
        "Move what the loss is computed from out of that block; what only draws, chooses or "
        "measures may stay in it.",
    ),
    (
        "is decorated to record nothing",
        "Take the decorator off, and write `with torch.no_grad():` where the function is called to "
        "measure alone.",
    ),
    (
        "integers",
        "For argmax use softmax and its probabilities, or a loss of the scores themselves, such as "
        "cross_entropy: counts and integers have no gradient. Where a place is meant, take the "
        "expected one, for s.argmax(d): (s.softmax(d).movedim(d, -1) * "
        "torch.arange(s.shape[d])).sum(-1).",
    ),
    (
        "truth values",
        "Compute with the probabilities themselves: truth values have no gradient.",
    ),
    (
        "comparison",
        "Compute with the probabilities themselves in the place of the comparison, as a soft Dice "
        "or IoU does, or use a loss of the scores: a comparison has no gradient.",
    ),
)
_MANY = 4
_WHOLE = (
    "Keep every step from the inputs to the loss in torch and outside of such blocks: "
    "torch.stack for torch.tensor, the tensor for its number. For argmax use softmax and its "
    "probabilities: comparisons and counts have no gradient either."
)


def at(frames: Frames, told: Explained, places: Sequence[tuple[str, str]]) -> Explained:
    """The lines, each with what it does, and the cure of the first."""
    places = unheld.without_targets(frames, places)
    told_places = "; ".join(f"{place}: {why}" for place, why in places[:3])
    cures = [cure for words, cure in _CURES if any(words in why for _, why in places)]
    if scored := scores.instead(frames, {place for place, _ in places}):
        cures = [scored]
    elif len(places) == 1 and (measured := unheld.instead(frames, places[0][0])):
        cures = [measured]
    elif all("comparison" in why for _, why in places) and (
        slope := soft.instead(frames, {place for place, _ in places})
    ):
        cures = [slope]
    return replace(
        told,
        meaning=f"The tensor you differentiate was not recorded. Cuts in this code: {told_places}.",
        cure=(" ".join(cures) if 0 < len(cures) < 3 else _WHOLE)
        + logic.instead(frames, {place for place, _ in places}),
        place=places[0][0] if len(places) == 1 else "",
        sure=False,
    )


def switched_off(frames: Frames, told: Explained, frame: Frame) -> Explained:
    """Recording is off at the failing line: the call that switched it off and stays, or a block."""
    meaning = (
        "Recording is switched off where this backward is called. If it was off for the forward "
        "pass too, nothing was recorded."
    )
    calls = _switches(frames)
    if len(calls) == 1:
        return replace(
            told,
            meaning=f"{meaning} set_grad_enabled(False), called as a statement, stays in force "
            "after its function has returned.",
            cure="Write it as a block, `with torch.no_grad():`, which ends by itself; or call "
            "torch.set_grad_enabled(True) where what is measured ends.",
            place=calls[0],
        )
    return replace(
        told,
        meaning=meaning,
        cure="Move the training step out of no_grad, set_grad_enabled(False) or inference mode.",
        place=_block(frame),
    )


UNRECORDED = ", so nothing was recorded"


def frozen(frames: Frames, told: Explained, name: str, frame: Frame) -> Explained:
    """No parameter of a model requires grad: the one line that sets the flags, if it is one."""
    model = next(one for key, one in frames.modules() if key == name)
    lines = freezing.lines(frames, name, model)
    keys = [key for key, _ in model.named_parameters()]
    both = _in_both_branches(frames)
    inside = sorted(lines & freezing.of_classes(model))
    several = f" Set to False on: {', '.join(inside)}." if 1 < len(inside) < _MANY else ""
    by_name = f" named_parameters() gives whole names: {', '.join(keys[-4:])}." if lines else ""
    return replace(
        told,
        meaning=f"No parameter of {name} requires grad{UNRECORDED}."
        f"{several if both is None else ''}{_by_none(frames, keys)}{_by_both(both)}",
        cure=f"Set the flag to True in the branch of what is to be trained: {both[0]}."
        if both is not None
        else f"Unfreeze what is to be trained: {_to_train(frames, name, model)}{by_name}",
        place=lines.pop() if len(lines) == 1 else both[1] if both is not None else frame.place,
    )


def to_be_trained(frames: Frames, every: list[tuple[str, list[nn.Parameter]]]) -> str | None:
    """The one model that the optimizers hold, if all that they hold is frozen."""
    held = frames.held()
    mine = {name: all_ for name, all_ in every if held.intersection(map(id, all_))}
    if len(mine) != 1 or not held:
        return None
    ((name, all_),) = mine.items()
    frozen = held <= set(map(id, all_)) and not any(one.requires_grad for one in all_)
    return name if frozen else None


def _in_both_branches(frames: Frames) -> tuple[str, str] | None:
    """What freezes in the one branch of a condition and in the other: the change, and its line."""
    for tree, file, first in kept.code_of(frames):
        for node in ast.walk(tree):
            if not isinstance(node, ast.If):
                continue
            flags = [
                next((one for one in body if _is_frozen_by(one)), None)
                for body in (node.body, node.orelse)
            ]
            if all(flags) and isinstance(flags[1], ast.Assign):
                place = f"{file_name(file)}, line {first + flags[1].lineno - 1}"
                return f"{ast.unparse(flags[1].targets[0])} = True", place
    return None


def _is_frozen_by(one: ast.stmt) -> bool:
    return isinstance(one, ast.Assign) and ast.unparse(one).endswith(".requires_grad = False")


def _by_both(both: tuple[str, str] | None) -> str:
    return " Both branches of a condition set it to False." if both is not None else ""


def _to_train(frames: Frames, name: str, model: nn.Module) -> str:
    """The part of a model that an optimizer holds, if it holds one part alone."""
    held = frames.held()
    for path, part in model.named_modules():
        mine = {id(one) for one in part.parameters()}
        rest = {id(one) for one in model.parameters()} - mine
        if path and mine and mine == held & (mine | rest):
            return (
                f"{name}.{path}.requires_grad_(True), behind the line that freezes; it is all of "
                f"{name} that the optimizer holds."
            )
    return f"{name}.requires_grad_(True), or one part of it."


def _by_none(frames: Frames, keys: list[str]) -> str:
    """Words on a flag that is set by a part of a name, where no parameter has that part."""
    parts = {
        node.value.left.value
        for tree, _, _ in kept.code_of(frames)
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign)
        and ast.unparse(node.targets[0]).endswith(".requires_grad")
        and isinstance(node.value, ast.Compare)
        and isinstance(node.value.ops[0], ast.In)
        and isinstance(node.value.left, ast.Constant)
        and isinstance(node.value.left.value, str)
    }
    missing = [one for one in parts if not any(one in key for key in keys)]
    return f' None of its names has "{missing[0]}" in it.' if len(missing) == 1 else ""


def _switches(frames: Frames) -> list[str]:
    """Lines that call set_grad_enabled(False) as a statement of its own."""
    return list(
        dict.fromkeys(
            f"{file_name(file)}, line {first + node.lineno - 1}"
            for tree, file, first in kept.code_of(frames)
            for node in ast.walk(tree)
            if isinstance(node, ast.Expr)
            and ast.unparse(node.value).endswith("set_grad_enabled(False)")
        )
    )


def _block(frame: Frame) -> str:
    """The line of the block around the failing line that switches recording off."""
    off = ("no_grad", "inference_mode", "set_grad_enabled")
    tree = frame.source
    for node in ast.walk(tree) if tree is not None else ():
        if not isinstance(node, ast.With) or not node.lineno <= frame.line <= (
            node.end_lineno or 0
        ):
            continue
        if any(one in ast.unparse(item.context_expr) for item in node.items for one in off):
            return frame.place_of(node.lineno)
    return frame.place
