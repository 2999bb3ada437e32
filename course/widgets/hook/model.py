"""What a run of a small network told its hooks, as plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from course.widgets.frame.values import Value

FACTOR = 10
FORWARD = ("forward_pre", "pack", "forward")


@dataclass(frozen=True)
class Hook:
    """One kind of hook: its name, the method that registers it, what it gets, what it may do."""

    name: str
    register: str
    receives: str
    effect: str


HOOKS: Mapping[str, Hook] = {
    "forward_pre": Hook(
        "forward pre-hook",
        "register_forward_pre_hook",
        "args",
        "replaces the inputs of the module",
    ),
    "pack": Hook(
        "pack hook",
        "saved_tensors_hooks: pack",
        "tensor",
        "is kept in place of the tensor",
    ),
    "forward": Hook(
        "forward hook",
        "register_forward_hook",
        "output",
        "replaces the output of the module",
    ),
    "full_backward_pre": Hook(
        "full backward pre-hook",
        "register_full_backward_pre_hook",
        "grad_output",
        "replaces the gradients of the outputs",
    ),
    "tensor": Hook(
        "tensor hook",
        "Tensor.register_hook",
        "grad",
        "replaces the gradient of the tensor",
    ),
    "node_pre": Hook(
        "node pre-hook",
        "Node.register_prehook",
        "grad_outputs",
        "replaces what the node receives",
    ),
    "unpack": Hook(
        "unpack hook",
        "saved_tensors_hooks: unpack",
        "packed",
        "is what the node computes with",
    ),
    "node_post": Hook(
        "node hook",
        "Node.register_hook",
        "grad_inputs",
        "replaces what the node sends on",
    ),
    "accumulate": Hook(
        "post-accumulate hook",
        "register_post_accumulate_grad_hook",
        ".grad",
        "has to be None; .grad itself may be edited",
    ),
    "full_backward": Hook(
        "full backward hook",
        "register_full_backward_hook",
        "grad_input",
        "replaces the gradients of the inputs",
    ),
}
"""Every kind of hook that is registered, by the name used in the code."""


@dataclass(frozen=True)
class Change:
    """The one hook of a run that changes something: ten times what it is called with."""

    kind: str
    place: str

    @property
    def title(self) -> str:
        """What stands in the control above the picture."""
        if self.kind == "accumulate":
            does = f"makes .grad {FACTOR} times as large"
        else:
            does = f"returns {FACTOR} times what it gets"
        return f"{HOOKS[self.kind].name} of {self.place} {does}"


@dataclass(frozen=True)
class Event:
    """One call of one hook: on what, in which lane of the picture, with which tensors.

    `returned` is empty for None. `differs` says that the tensors are others than in the run in
    which all hooks observe.
    """

    kind: str
    place: str
    lane: int
    leaf: bool
    received: tuple[Value | None, ...]
    returned: tuple[Value | None, ...] = ()
    differs: bool = False

    @property
    def is_forward(self) -> bool:
        """Whether it belongs to the forward pass."""
        return self.kind in FORWARD


@dataclass(frozen=True)
class Result:
    """One number or gradient that the run left, and how it stands to the run without a change."""

    name: str
    value: Value | None
    without: Value | None
    relation: str


@dataclass(frozen=True)
class Run:
    """One forward and one backward pass, call by call."""

    change: Change | None
    events: tuple[Event, ...]
    results: tuple[Result, ...]


@dataclass(frozen=True)
class Timeline:
    """The runs of one network, and its lanes from left to right: x, a layer, its output, ..."""

    lanes: tuple[str, ...]
    runs: tuple[Run, ...]
