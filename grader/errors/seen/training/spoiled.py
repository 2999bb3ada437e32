"""A nan that a distribution or a draw found: whether the weights of a model are nan already."""

from __future__ import annotations

import re
from dataclasses import replace

import torch

from grader.errors.explanation import Explained
from grader.errors.seen.reading.frames import Frames, file_name

_SPREAD = re.compile(r"(std|var)\w*\(\): degrees of freedom is <= 0")


def read(frames: Frames, told: Explained, message: str) -> Explained | None:
    """The first parameter that is not finite, and a spread of one number that torch warned of."""
    found = _not_finite(frames)
    if found is None:
        return None
    name, bad = found
    if not _was_trained(frames):
        return replace(
            told,
            meaning=f"{name} holds {bad} already: it was loaded so, or made so. torch.empty gives "
            "memory with any numbers in it.",
            cure="Look at what a load gave it, or give it first numbers: those of a layer of "
            "torch.nn by its reset_parameters(), others by torch.nn.init.",
            sure=False,
        )
    warned = _warned(frames)
    if warned is not None:
        function, place = warned
        return replace(
            told,
            meaning=f"{name} holds {bad} already, so an earlier step wrote it there. torch warned "
            f"that {function}() was asked for the spread of a single number, which is nan.",
            cure=f"Leave the division by {function}() out where there is one number, or pass "
            "correction=0, which gives 0 there: keep a small number in the denominator.",
            place=place,
            sure=False,
        )
    return replace(
        told,
        meaning=f"{name} holds {bad} already: an earlier step wrote it there, from a loss or a "
        "gradient that was nan or inf.",
        cure="Stop at that step: `assert loss.isfinite()` before backward(). If the loss is nan "
        "there, print what it is made of: the std() of a single number is nan, and so are 0 / 0 "
        "and the log of a number below 0. If only gradients are, "
        "torch.autograd.set_detect_anomaly(True) names the node. If the numbers grow first, the "
        "learning rate is too large.",
    )


def _was_trained(frames: Frames) -> bool:
    """Whether there is a trace of a training step: an optimizer, or a gradient."""
    models = [module for _, module in frames.modules()]
    grads = (p.grad for module in models for p in module.parameters())
    return bool(frames.optimizers()) or any(grad is not None for grad in grads)


def _not_finite(frames: Frames) -> tuple[str, str] | None:
    """The first parameter that is not finite, and whether it holds nan or inf."""
    for name, module in frames.modules():
        for path, parameter in module.named_parameters():
            if parameter.is_floating_point() and not parameter.is_meta:
                with torch.no_grad():
                    if not bool(parameter.isfinite().all()):
                        return f"{name}.{path}", "nan" if parameter.isnan().any() else "inf"
    return None


def _warned(frames: Frames) -> tuple[str, str] | None:
    """The line at which a spread was warned of, from the list that Python keeps of warnings."""
    for frame in reversed(frames.own):
        for key in frame.above.get("__warningregistry__", {}):
            found = _SPREAD.match(str(key[0])) if isinstance(key, tuple) else None
            if found is not None:
                return found[1], f"{file_name(frame.file)}, line {key[2]}"
    return None
