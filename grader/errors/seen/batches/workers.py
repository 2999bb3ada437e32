"""Samples that require grad, in a DataLoader with workers: what of the dataset computes them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from grader.errors.explanation import Explained
from grader.errors.seen.reading import opening
from grader.errors.seen.reading.frames import Frames, is_library


def read(frames: Frames, told: Explained, message: str) -> Explained | None:
    """A module or a parameter that the dataset holds, and whether an optimizer holds it too."""
    trained = frames.held()
    for name, dataset in _datasets(frames):
        for path, part in opening.entries(name, dataset, is_library):
            is_module = isinstance(part, nn.Module)
            own = list(part.parameters()) if is_module else [part]
            if not any(isinstance(one, Tensor) and one.requires_grad for one in own):
                continue
            if isinstance(part, Tensor) and not part.is_leaf:
                return replace(
                    told,
                    meaning=f"{told.meaning} {path} was computed with its graph.",
                    cure=f"Detach it where the dataset is made: {path} = {path}.detach(). If what "
                    "computed it is to be trained, keep its inputs in the dataset and compute it "
                    "in the loop.",
                )
            return replace(
                told,
                meaning=f"{told.meaning} They are computed by {path}, which would be copied into "
                "each worker: what a worker computes hands no gradient back to this process.",
                cure=_cure(path, is_module, any(id(one) in trained for one in own)),
            )
    return None


def _cure(path: str, is_module: bool, is_trained: bool) -> str:
    used = f"call {path} on the batch" if is_module else f"use {path} on the batch"
    moved = f"Return from __getitem__ what {path} is given, and {used} in the loop"
    if is_trained:
        return (
            f"{moved}, in this process: an optimizer holds it. A sample.detach() in the dataset "
            f"would run, and leave its .grad None for ever."
        )
    return (
        f"If it is to be trained, {moved[0].lower()}{moved[1:]}, and give it to the optimizer. If "
        "not, compute the sample inside of `with torch.no_grad():`."
    )


def _datasets(frames: Frames) -> Iterator[tuple[str, object]]:
    """Datasets by name, then those that a loader in the frames or in the library holds."""
    for name, value in opening.opened(frames.variables(), is_library):
        if isinstance(value, Dataset):
            yield name, value
        elif isinstance(value, DataLoader):
            yield f"{name}.dataset", value.dataset
    for _, names in frames.within:
        for value in names.values():
            if isinstance(value, Dataset):
                yield "dataset", value
            dataset = getattr(value, "_dataset", None)
            if isinstance(dataset, Dataset):
                yield "dataset", dataset
