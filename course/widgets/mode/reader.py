"""Runs a program in a mode and measures, line by line, what was made, recorded and saved."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from course.widgets.frame.values import Value
from course.widgets.graph.saved import class_name
from course.widgets.mode.programs import Mode, Program


@dataclass(frozen=True)
class Made:
    """The tensor that a line made or edited, and what autograd saved meanwhile.

    ``grad_fn`` is "" for none, ``saved`` is in the order of names. ``held`` is how many bytes the
    saved tensors add to what autograd holds already and to what was given before. ``error`` is the
    text of what the line raised; then there is no tensor.
    """

    name: str
    value: Value | None = None
    grad_fn: str = ""
    requires_grad: bool = False
    is_leaf: bool = True
    is_inference: bool = False
    saved: tuple[str, ...] = ()
    held: int = 0
    error: str = ""


@dataclass(frozen=True)
class Given:
    """A tensor, or the parameters of a module, that were there before the block."""

    name: str
    requires_grad: bool
    numbers: int


@dataclass(frozen=True)
class Run:
    """What one mode makes of a program."""

    mode: Mode
    given: tuple[Given, ...]
    made: tuple[Made, ...]

    def held(self, lines: int) -> int:
        """How many bytes autograd holds after the first ``lines`` lines."""
        return sum(made.held for made in self.made[:lines])


def run(program: Program, mode: Mode) -> Run:
    """Run ``program`` on the CPU in ``mode``, with the same random numbers every time.

    Nothing outside changes: neither the random generator nor the grad mode.
    """
    names: dict[str, Any] = {"torch": torch, "nn": nn}
    with (
        torch.random.fork_rng(devices=[]),
        torch.device("cpu"),
        torch.inference_mode(False),
        torch.enable_grad(),
    ):
        torch.default_generator.manual_seed(4)
        exec(program.given, names)
        for module in names.values():
            if isinstance(module, nn.Module) and mode.evaluates:
                module.eval()
        watcher = _Watcher(names)
        given = tuple(_given(names))
        with mode.block():
            made = [watcher.line(line) for line in program.inside]
        made += [watcher.line(line) for line in program.after]
    return Run(mode, given, tuple(made))


class _Watcher:
    """Runs lines one by one among the same names, and keeps account of what autograd saves."""

    def __init__(self, names: dict[str, Any]) -> None:
        self.names = names
        # The tensors are kept, so that no new one is made in the memory of an old one.
        self.known = [tensor for _, tensor in _tensors(names)]
        self.storages = set(map(_storage, self.known))

    def line(self, code: str) -> Made:
        """Run one line."""
        name = code.partition(" =")[0] if " = " in code else code.partition(".")[0]
        packed: list[torch.Tensor] = []

        def pack(tensor: torch.Tensor) -> torch.Tensor:
            packed.append(tensor)
            return tensor

        try:
            with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
                exec(code, self.names)
        except RuntimeError as error:
            return Made(name, error=f"{type(error).__name__}: {error}")
        tensor = self.names[name]
        held = self._new_bytes(packed)
        return Made(
            name=name,
            value=Value.of(tensor),
            grad_fn="" if tensor.grad_fn is None else class_name(tensor.grad_fn),
            requires_grad=tensor.requires_grad,
            is_leaf=tensor.is_leaf,
            is_inference=tensor.is_inference(),
            saved=tuple(sorted({self._called(t) for t in packed if t.numel()})),
            held=held,
        )

    def _new_bytes(self, packed: Sequence[torch.Tensor]) -> int:
        """The bytes of the storages among ``packed`` that were not held before."""
        new = {_storage(t): t.untyped_storage().nbytes() for t in packed}
        fresh = {key: size for key, size in new.items() if key not in self.storages}
        self.storages |= set(fresh)
        self.known += packed
        return sum(fresh.values())

    def _called(self, tensor: torch.Tensor) -> str:
        """The name of the tensor on whose memory a saved one lies, or its shape."""
        same = [name for name, known in _tensors(self.names) if _storage(known) == _storage(tensor)]
        return same[0] if same else f"a {tuple(tensor.shape)} tensor without a name"


def _storage(tensor: torch.Tensor) -> int:
    return tensor.untyped_storage().data_ptr()


def _tensors(names: dict[str, Any]) -> Iterator[tuple[str, torch.Tensor]]:
    """Every tensor by a name, those of modules too, buffers included."""
    for name, value in list(names.items()):
        if isinstance(value, torch.Tensor):
            yield name, value
        elif isinstance(value, nn.Module):
            for own, tensor in (*value.named_parameters(), *value.named_buffers()):
                yield f"{name}.{own}", tensor


def _given(names: dict[str, Any]) -> Iterator[Given]:
    """What stands ready before the block: tensors, and modules by their parameters."""
    for name, value in names.items():
        if isinstance(value, torch.Tensor):
            yield Given(name, value.requires_grad, value.numel())
        elif isinstance(value, nn.Module) and list(value.parameters()):
            wanted = any(parameter.requires_grad for parameter in value.parameters())
            yield Given(name, wanted, sum(parameter.numel() for parameter in value.parameters()))
