"""Tensors of the meta device, which have no values: what made them so, and how they get some."""

from __future__ import annotations

import ast
from dataclasses import replace

from torch import nn

from grader.errors.explanation import Explained
from grader.errors.seen.reading.frames import Frames, file_name


def read(frames: Frames, told: Explained, message: str) -> Explained | None:
    """The model whose parameters lie on meta."""
    for name, module in frames.modules():
        empty = [part for part, one in module.named_parameters() if one.is_meta]
        if not empty:
            continue
        every = " lies" if len(empty) == 1 else f" and {len(empty) - 1} more parameters lie"
        return replace(
            told,
            meaning=f"{name}.{empty[0]}{every} on the meta device, with shapes and without "
            "numbers.",
            cure=_cure(name, module),
            place=_made(frames) or frames.last.place,
        )
    return None


def _cure(name: str, module: nn.Module) -> str:
    root = "model" if name == "self" else name
    return (
        f"With saved numbers: {root}.load_state_dict(state, assign=True), in the place of "
        f'{root}.to("cpu"), which has none to copy. For a new training make the model outside of '
        f'torch.device("meta"). {root}.to_empty(device="cpu") gives memory with any numbers in '
        "it, so load or initialize them after that."
    )


def _made(frames: Frames) -> str:
    """The one line of the reader's files that names the meta device."""
    lines = {
        f"{file_name(file)}, line {node.lineno}"
        for tree, file in frames.files()
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and node.value == "meta"
    }
    return lines.pop() if len(lines) == 1 else ""
