"""What happens in memory at each step, as one sentence."""

from __future__ import annotations

from collections.abc import Sequence

from course.widgets.frame.words import listed
from course.widgets.memory.model import Frame, Handle, Story

EMPTY = Frame((), ())


def step_sentence(story: Story, position: int) -> str:
    """What statement ``position`` did, with its number."""
    statement, last = story.code[position], len(story.code) - 1
    if position >= len(story.frames):
        told = f"{statement} raises {story.error}. {_why_refused(story)}"
    elif position == last:
        told = f"{statement} gives {_outcome(story)}"
    else:
        before = story.frames[position - 1] if position else EMPTY
        told = f"{statement}: {_changes(before, story.frames[position])}."
    return f"Step {position} of {last}: {told}"


def still_sentence(frame: Frame) -> str:
    """Who shares memory with whom, and who does not."""
    parts = []
    for strip in frame.strips:
        names = [handle.name for handle in frame.on(strip.number)]
        if len(names) > 1:
            parts.append(f"{listed(names)} share storage {strip.number}")
        elif names:
            parts.append(f"{names[0]} has storage {strip.number} to itself")
    return f"{'; '.join(parts)}."


def _outcome(story: Story) -> str:
    grads, without = story.grads, story.grads_without
    if story.ending == "wrong":
        return f"{grads}. Without the edit: {without}. No error: silently wrong."
    if story.ending == "recorded":
        same = "as without it" if grads == without else f"without it: {without}"
        return f"{grads} ({same}). The edit is part of the graph, so this is right."
    return f"{grads}{', as without the edit: no harm done.' if without else '.'}"


def _why_refused(story: Story) -> str:
    edited = [copy for copy in story.frames[-1].saved if copy.counted]
    if story.ending == "refused" and edited:
        copy = edited[-1]
        return (
            f"{copy.node} saved {copy.name or 'a tensor'} at version {copy.then}, "
            f"and it is at version {copy.now}."
        )
    return "Nothing after this line runs."


def _changes(before: Frame, after: Frame) -> str:
    notes = [*_new_handles(before, after), *_edits(before, after), *_new_saved(before, after)]
    return "; ".join(notes) or "nothing changes in memory"


def _new_handles(before: Frame, after: Frame) -> list[str]:
    known = {(handle.key, handle.names) for handle in before.handles}
    notes = []
    for handle in after.handles:
        if (handle.key, handle.names) in known:
            continue
        others = [h.name for h in after.on(handle.strip) if h.key != handle.key]
        if len(handle.names) > 1:
            notes.append(f"{handle.name} are two names for one object")
        elif others:
            notes.append(f"{handle.name} shares storage {handle.strip} with {listed(others)}")
        elif before.strip(handle.strip) is not None:
            notes.append(f"{handle.name} is on storage {handle.strip}")
        else:
            notes.append(f"{handle.name} has storage {handle.strip} to itself")
    return notes


def _edits(before: Frame, after: Frame) -> list[str]:
    """Which storages hold other values now, which versions count it, and which do not."""
    notes = []
    versions = {handle.key: handle.version for handle in before.handles}
    for strip in after.strips:
        old = before.strip(strip.number)
        if old is None or old.values == strip.values:
            continue
        here = [handle for handle in after.on(strip.number) if handle.key in versions]
        here += [h for h in after.on(strip.number) if h.key not in versions and h.version]
        counted = [h for h in here if h.version > versions.get(h.key, 0)]
        unaware = [h for h in here if h not in counted]
        notes.append(f"storage {strip.number} now holds [{', '.join(strip.values)}]")
        if counted:
            notes.append(f"the edit counts for {_at_versions(counted)}")
        if unaware:
            notes.append(f"{_at_versions(unaware)} did not notice it")
        notes += [
            f"{copy.node} cannot tell that the {copy.name or 'tensor'} it saved has changed"
            for copy in after.saved
            if copy.strip == strip.number and copy.changed and not copy.counted
        ]
    return notes


def _at_versions(handles: Sequence[Handle]) -> str:
    """``y and d, now at version 1``; each with its own where they differ."""
    names = [handle.name for handle in handles]
    versions = {handle.version for handle in handles}
    if len(versions) == 1:
        return f"{listed(names)} (version {versions.pop()})"
    return listed([f"{handle.name} (version {handle.version})" for handle in handles])


def _new_saved(before: Frame, after: Frame) -> list[str]:
    known = {copy.key for copy in before.saved}
    return [
        f"{copy.node} saved {copy.name or 'a tensor'} at version {copy.then}"
        for copy in after.saved
        if copy.key not in known
    ]
