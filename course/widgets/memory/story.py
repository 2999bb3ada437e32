"""Runs a few lines on real tensors, looks at memory after each, and tells how it ends."""

from __future__ import annotations

import ast
import textwrap
import warnings
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch

from course.widgets.frame.values import Value
from course.widgets.memory.model import Ending, Frame, Story
from course.widgets.memory.reader import MemoryReader

Names = dict[str, Any]


def statements(code: str) -> tuple[str, ...]:
    """The statements of ``code``, each on one line.

    Raises:
        SyntaxError: if it is not Python.
    """
    source = textwrap.dedent(code).strip()
    parts = [ast.get_source_segment(source, node) or "" for node in ast.parse(source).body]
    return tuple(": ".join(line.strip(" :") for line in part.splitlines()) for part in parts)


def tell(program: str, edit: str, backward: str) -> Story:
    """Run program, edit and backward pass in names of their own, and once more without the edit.

    An edit that raises ends the story; an error of torch in the pass is how it ends.
    """
    code = (*statements(program), *statements(edit), *statements(backward))
    without = _run(Story("without an edit", (*statements(program), *statements(backward)), ()))[0]
    if not edit:
        return replace(without, ending="stopped" if without.error else "")
    first = len(statements(program))
    story, recorded = _run(Story("; ".join(statements(edit)), code, ()), first)
    story = replace(story, grads_without=without.grads)
    return replace(story, ending=_ending(story, recorded))


def _ending(story: Story, recorded: bool) -> Ending:
    if story.error:
        return "refused" if len(story.frames) == len(story.code) - 1 else "stopped"
    if recorded:
        return "recorded"
    return "right" if story.grads == story.grads_without else "wrong"


def _run(story: Story, first_edit: int | None = None) -> tuple[Story, bool]:
    """The story with its frames, and whether a graph was changed by the edits."""
    names: Names = {"torch": torch}
    reader, frames, recorded = MemoryReader(), [Frame((), ())], False
    before: Mapping[str, Any] = {}
    for position, statement in enumerate(story.code):
        if position == first_edit:
            before = _graphs(names)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                exec(statement, names)
        except RuntimeError as error:
            told = f"{type(error).__name__}: {_first_sentence(error)}"
            return replace(story, frames=tuple(frames[1:]), error=told), recorded
        last = position == len(story.code) - 1
        if not last:
            after = _graphs(names)
            recorded = any(after.get(name) is not node for name, node in before.items())
        # The pass frees what was saved: its frame shows what was there when it ran.
        tensors = _tensors(names)
        frames.append(frames[-1] if last else reader.look(tensors))
    return replace(story, frames=tuple(frames[1:]), grads=_grads(_tensors(names))), recorded


def _tensors(names: Names) -> dict[str, torch.Tensor]:
    return {name: value for name, value in names.items() if isinstance(value, torch.Tensor)}


def _graphs(names: Names) -> dict[str, Any]:
    return {name: tensor.grad_fn for name, tensor in _tensors(names).items()}


def _grads(tensors: Mapping[str, torch.Tensor]) -> str:
    """``x.grad = [2, 4]`` for every leaf that requires grad."""
    leaves = {name: t for name, t in tensors.items() if t.is_leaf and t.requires_grad}
    return ", ".join(
        f"{name}.grad = {'None' if leaf.grad is None else Value.of(leaf.grad).words()}"
        for name, leaf in leaves.items()
    )


def _first_sentence(error: RuntimeError) -> str:
    return str(error).splitlines()[0].split(": [")[0].split(". ")[0].rstrip(".")
