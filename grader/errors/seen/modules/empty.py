"""Tensors of the meta device, which have no values: what made them so, and how they get some."""

from __future__ import annotations

import ast
from dataclasses import replace

from torch import nn

from grader.errors.explanation import Explained
from grader.errors.seen.modules.layers import parts
from grader.errors.seen.reading.frames import Frames


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
    return _left_behind(frames, told)


def _left_behind(frames: Frames, told: Explained) -> Explained | None:
    """A buffer that stayed on meta, since the state that gave the parameters numbers lacks it."""
    for name, part in parts(frames):
        for attribute, value in part.named_buffers(recurse=False):
            if not value.is_meta:
                continue
            inside = name.split(".")
            root = "model" if inside[0] == "self" else inside[0]
            name = ".".join([root, *inside[1:]])
            kept, unsaved = f"{name}.{attribute}", attribute in part._non_persistent_buffers_set
            why = ", and persistent=False keeps it out of every state_dict" if unsaved else ""
            return replace(
                told,
                meaning=f"{kept} lies on the meta device, without numbers, and the parameters do "
                f"not: it was made there, and load_state_dict gave it none{why}.",
                cure=f"Compute it anew once the state is loaded, outside of torch.device("
                f'"meta"): {kept} = ..., as __init__ makes it. Or make {root} outside of '
                'torch.device("meta").',
                place=frames.last.place,
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
    return frames.the_one_line(lambda node: isinstance(node, ast.Constant) and node.value == "meta")
