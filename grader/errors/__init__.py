"""What autograd's well-known errors and warnings mean, and how to cure them."""

from __future__ import annotations

import builtins
import re

from grader.errors import trail
from grader.errors.around.datasets import DATASETS
from grader.errors.around.loading import LOADING
from grader.errors.around.processes import PROCESSES
from grader.errors.around.running import DEVICES, LOADERS
from grader.errors.around.stored import STORED
from grader.errors.autograd.backward import BACKWARD
from grader.errors.autograd.beyond import BEYOND
from grader.errors.autograd.compiled import COMPILED
from grader.errors.autograd.functions import FUNCTIONS, MODULES
from grader.errors.autograd.tensors import EDITS, FLAGS
from grader.errors.autograd.transforms import TRANSFORMS
from grader.errors.autograd.written import WRITTEN
from grader.errors.explanation import Explained, Explanation
from grader.errors.models.classes import CLASSES
from grader.errors.models.containers import CONTAINERS
from grader.errors.models.layers import LAYERS
from grader.errors.models.losses import LOSSES
from grader.errors.models.networks import NETWORKS
from grader.errors.models.sampling import SAMPLING
from grader.errors.models.sequences import SEQUENCES
from grader.errors.training.optimizers import OPTIMIZERS
from grader.errors.training.schedules import SCHEDULES
from grader.errors.training.steps import TRAINING
from grader.errors.training.warned import WARNED
from grader.errors.values.arrays import ARRAYS
from grader.errors.values.indexing import INDEXING
from grader.errors.values.joining import JOINING
from grader.errors.values.linear import LINEAR
from grader.errors.values.mishaps import CALLS, OPERANDS, VALUES
from grader.errors.values.operations import OPERATIONS
from grader.errors.values.resizing import RESIZING
from grader.errors.values.shapes import INDICES, KINDS, SHAPES

__all__ = [
    "EXPLANATIONS",
    "Explained",
    "Explanation",
    "explain",
    "explain_error",
    "explain_text",
    "is_known",
]

EXPLANATIONS = (
    *BEYOND,
    *(*BACKWARD, *EDITS, *FLAGS, *FUNCTIONS, *MODULES, *TRAINING, *OPERANDS),
    *(*LOADERS, *DEVICES),
    *(*INDICES, *SHAPES, *KINDS, *VALUES, *CALLS),
    *(*DATASETS, *INDEXING, *JOINING, *ARRAYS, *LINEAR),
    *(*OPTIMIZERS, *SCHEDULES, *SAMPLING, *LOSSES),
    *(*NETWORKS, *LAYERS, *SEQUENCES, *RESIZING, *CONTAINERS),
    *(*LOADING, *OPERATIONS),
    *(*TRANSFORMS, *CLASSES, *WRITTEN, *STORED, *PROCESSES, *COMPILED),
    *WARNED,
)

_OF_PYTHON = {
    name
    for name, kind in vars(builtins).items()
    if isinstance(kind, type) and issubclass(kind, BaseException)
}
_OF_TORCH = {
    "AcceleratorError",
    "BackendCompilerFailed",
    "DistStoreError",
    "GuardOnDataDependentSymNode",
    "InductorError",
    "InvalidBackend",
    "InvalidCxxCompiler",
    "TorchRuntimeError",
    "CheckpointError",
    "GradcheckError",
    "OutOfMemoryError",
    "DistNetworkError",
    "UnpicklingError",
    "Unsupported",
    "UserError",
    "_LinAlgError",
}
_READ = 2000
"""How much of an error's text is read: a text of any length may come from a learner."""
_NAMED = re.compile(r"(?:^|\s)(?:[\w.]+\.)?(\w*(?:Error|Warning|Exception|SystemExit)): ")


def explain(type_name: str, message: str, way: str = "") -> Explanation | None:
    """The explanation of an error by its type's name and text, or None if it is not known.

    `way` is its trail, where there is one: what is known by the way it went is asked first.
    """
    text = _shortened(message)
    fitting = [entry for entry in EXPLANATIONS if entry.fits(type_name, text, way)]
    return next((one for one in fitting if one.where), next(iter(fitting), None))


def explain_text(text: str) -> Explanation | None:
    """The explanation of what was pasted: a traceback, its last line, or a warning.

    A type that the text names decides. Without one, whatever fits the text alone is taken if all
    that fit are one and the same.
    """
    short, way = _shortened(text.strip()), trail.in_text(text)
    named = list(_NAMED.finditer(short))
    for found in reversed(named):
        if (entry := explain(found[1], short[found.end() :], way)) is not None:
            return entry
    if named:
        return None
    fitting = [
        one
        for one in EXPLANATIONS
        if one.pattern and not one.where and re.search(one.pattern, short, re.S)
    ]
    return fitting[0] if len(fitting) == 1 else None


def explain_error(error: BaseException) -> Explained | None:
    """The explanation of an error that was caught, made exact by the frames it went through.

    Reads the local variables of the traceback, and changes nothing. None for an error that is not
    known.
    """
    from grader.errors.seen import made_exact, recognised  # torch, which a text does not need

    found = explain(type(error).__name__, str(error), trail.of_error(error))
    if found is None:
        code = recognised(error)
        if code is None:
            return None
        found = _known(code)
    return made_exact(found, error, _known)


def _known(code: str) -> Explanation:
    return next(one for one in EXPLANATIONS if one.code == code)


def is_known(type_name: str) -> bool:
    """Whether an exception of this name is one of Python's or torch's own."""
    return type_name in _OF_PYTHON or type_name in _OF_TORCH


def _shortened(text: str) -> str:
    """A long text's beginning and end: of a worker's error the cause stands last."""
    return text if len(text) <= _READ else f"{text[: _READ // 2]}\n…\n{text[-_READ // 2 :]}"
