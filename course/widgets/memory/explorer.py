"""What a notebook calls for chapter 3's picture: show_memory(a, b), explore_edits(...)."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import torch

from course.widgets.frame.names import names_in
from course.widgets.frame.notice import Notice
from course.widgets.frame.player import Player
from course.widgets.frame.svg import Picture
from course.widgets.frame.words import listed
from course.widgets.memory.model import Story
from course.widgets.memory.picture import MemoryPicture, Verdict
from course.widgets.memory.reader import MemoryReader
from course.widgets.memory.story import tell
from course.widgets.memory.words import step_sentence, still_sentence

_VERDICTS = {
    "": ("the gradient without an edit", "leaf"),
    "right": ("no harm: the gradient is the same as without the edit", "leaf"),
    "recorded": ("right: the edit is part of the graph", "leaf"),
    "wrong": ("silently wrong", "label label-now"),
    "refused": ("refused: the backward pass raises", "accumulate"),
    "stopped": ("refused: this line raises", "accumulate"),
}


class SteppedStories:
    """Stories as the choices of a Player, one step for each statement."""

    def __init__(self, stories: Sequence[Story]) -> None:
        self.stories = stories
        self._pictures = [
            MemoryPicture(story.frames, story.code, f"Memory: {story.title}") for story in stories
        ]

    @property
    def choices(self) -> Sequence[str]:
        """The edits."""
        return [story.title for story in self.stories]

    def last_step(self, choice: int) -> int:
        """The number of the statement that ended the story."""
        story = self.stories[choice]
        return min(len(story.frames), len(story.code) - 1)

    def picture(self, choice: int, step: int) -> Picture:
        """One step, drawn."""
        story = self.stories[choice]
        verdict = self._verdict(story) if step == self.last_step(choice) else None
        return self._pictures[choice].draw(step, step_sentence(story, step), verdict)

    @staticmethod
    def _verdict(story: Story) -> Verdict:
        word, style = _VERDICTS[story.ending]
        if story.error:
            return Verdict(word, story.error.split(":")[0], style)
        without = story.grads_without
        both = f"{story.grads} · without the edit: {without}" if without else story.grads
        return Verdict(word, both, style)


def explore_edits(
    program: str, *edits: str, backward: str = "y.sum().backward()", start: str = ""
) -> Player:
    """Step through a program, an edit of it, and its backward pass, and see what the edit breaks.

    Everything is run on real tensors, in names of its own, and once more without the edit, to
    compare the gradients of the leaves. Your variables are neither read nor changed.

    Args:
        program: the lines before the edit, such as ``"x = torch.ones(2, requires_grad=True)"``.
        edits: what to choose from; the first choice is no edit at all.
        backward: the line that starts the backward pass.
        start: the edit to begin with, which is also the one that a page without a kernel shows.

    Raises:
        ValueError: if ``start`` is none of the edits.
        Exception: what the lines raise, except for RuntimeError, which the picture shows.
    """
    chosen = ("", *edits)
    player = Player(
        SteppedStories([tell(program, edit, backward) for edit in chosen]), label="edit"
    )
    player.what.value = chosen.index(start)
    return player


def show_memory(*tensors: torch.Tensor) -> Picture | Notice:
    """Draw who shares memory with whom: storages, and on them the tensors given.

    Tensors are called by the names of your variables. Nothing is run, and nothing is changed.
    """
    found = names_in(sys._getframe(1))
    named: dict[str, torch.Tensor] = {}
    for position, tensor in enumerate(tensors):
        if not isinstance(tensor, torch.Tensor):
            return Notice(f"show_memory draws tensors, and got a {type(tensor).__name__}.")
        dense = tensor.layout == torch.strided and tensor.device.type != "meta"
        # Storages without memory all have the address 0, and share nothing.
        if not dense or tensor.untyped_storage().nbytes() == 0:
            return Notice("show_memory draws dense tensors that hold numbers.")
        names = [name for name, other in found.items() if other is tensor]
        named |= dict.fromkeys(names or [f"tensor {position + 1}"], tensor)
    if not named:
        return Notice("show_memory(a, b) needs the tensors to compare.")
    frame = MemoryReader().look(named, follow=False)
    title = f"Memory of {listed([handle.name for handle in frame.handles])}"
    return MemoryPicture([frame], (), title).draw(0, still_sentence(frame))
