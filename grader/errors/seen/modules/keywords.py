"""An argument that a class of torch does not have: which one was meant, and where it is written."""

from __future__ import annotations

import ast
import difflib
import inspect
import re
from dataclasses import replace

import torch
from torch import nn, optim
from torch.optim import lr_scheduler
from torch.utils import data

from grader.errors.explanation import Explained
from grader.errors.seen.reading.frames import Frames

_TEXT = re.compile(r"^(\w+)\.__init__\(\) got an unexpected keyword argument '(\w+)'")
_HOMES = (optim, nn, lr_scheduler, data, torch.distributions)
_ALSO = {
    "learning_rate": "lr",
    "input_dim": "in_features",
    "output_dim": "out_features",
    "filters": "out_channels",
    "rate": "p",
    "units": "out_features",
    "decay": "weight_decay",
    "l2": "weight_decay",
    "beta1": "betas",
    "beta2": "betas",
    "epsilon": "eps",
    "heads": "num_heads",
    "dim": "embed_dim",
    "bs": "batch_size",
    "workers": "num_workers",
    "epochs": "T_max",
}
"""What other libraries call it."""


def read(frames: Frames, told: Explained, message: str) -> Explained | None:
    """The argument of a near or a known other name, and the one place that writes it."""
    found = _TEXT.search(message)
    if found is None:
        return None
    kind = next((getattr(one, found[1]) for one in _HOMES if hasattr(one, found[1])), None)
    if not isinstance(kind, type):
        return None
    wrong = found[2]
    known = [one for one in inspect.signature(kind).parameters if one not in ("args", "kwargs")]
    meant = _ALSO.get(wrong, "")
    if meant not in known:
        near = difflib.get_close_matches(wrong, known, 1, 0.8)
        meant = near[0] if near else ""
    place = _written(frames, wrong)
    listed = ", ".join(known)
    if not meant:
        return replace(
            told,
            meaning=f"{found[1]} has no argument {wrong}. It takes {listed}.",
            place=place or frames.last.place,
        )
    return replace(
        told,
        meaning=f"{found[1]} has no argument {wrong}. What is meant is called {meant}, it seems.",
        cure=f"Write {meant} in the place of {wrong}. It takes {listed}.",
        place=place or frames.last.place,
        sure=wrong in _ALSO,
    )


def _written(frames: Frames, wrong: str) -> str:
    """The one line of the reader's files that writes the name, as a keyword or as a text."""
    return frames.the_one_line(
        lambda node: (
            (isinstance(node, ast.Constant) and node.value == wrong)
            or (isinstance(node, ast.keyword) and node.arg == wrong)
        )
    )
