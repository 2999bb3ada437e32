"""Registers every kind of hook on copies of a network, runs it, and notes each call."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from course.widgets.frame.values import Value
from course.widgets.hook.model import FACTOR, Change, Event, Result, Run, Timeline

_OWN_HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
Found = dict[str, Tensor | None]


class UnsuitableError(ValueError):
    """The network is none of which a timeline can be drawn; the text says why."""


def record(model: nn.Sequential, x: Tensor, at: str) -> Timeline:
    """Run copies of ``model`` on copies of ``x``: once with hooks that observe, then once for each
    kind of hook with one at the layer named ``at`` that gives ten times its tensors.

    Raises:
        UnsuitableError: if a layer does not take and return one tensor.
        RuntimeError: what the network raises under hooks.
    """
    names = [name for name, _ in model.named_children()]
    order = [names[list(model.children()).index(layer)] for layer in model]
    observing, found = _Recorder(model, x, None).run()
    runs = [Run(None, tuple(observing), _results(found, found))]
    for change in _changes(model, at, order):
        events, changed = _Recorder(model, x, change).run()
        runs.append(Run(change, tuple(_compared(events, observing)), _results(changed, found)))
    lanes = ["x"]
    for position, name in enumerate(order):
        last = position == len(order) - 1
        lanes += [name, "y" if last else f"out {name}"]
    return Timeline(tuple(lanes), tuple(runs))


def _changes(model: nn.Sequential, at: str, order: Sequence[str]) -> list[Change]:
    output = "y" if order[-1] == at else f"out {at}"
    parameters = [f"{at}.{name}" for name, p in model.get_submodule(at).named_parameters()
                  if p.requires_grad]  # fmt: skip
    changes = [
        Change("forward_pre", at),
        Change("forward", at),
        Change("pack", at),
        Change("full_backward_pre", at),
        Change("tensor", output),
        Change("node_post", at),
        Change("full_backward", at),
    ]
    if parameters:
        changes += [Change("tensor", parameters[0]), Change("accumulate", parameters[0])]
    return changes


class _Recorder:
    """One run of a copy of a network with hooks on everything."""

    def __init__(self, model: nn.Sequential, x: Tensor, change: Change | None) -> None:
        self.model, self.change = copy.deepcopy(model), change
        for module in self.model.modules():
            for kind in _OWN_HOOKS:  # the copies of the learner's own hooks
                getattr(module, kind).clear()
        self.x = x.detach().clone().requires_grad_()
        self.layers = list(self.model)
        self.names = {layer: name for name, layer in self.model.named_children()}
        self.events: list[Event] = []
        self.calls: list[nn.Module] = []
        self.left_to_pass: dict[str, list[int]] = {"full_backward_pre": [], "full_backward": []}

    def run(self) -> tuple[list[Event], Found]:
        """Forward, backward, and what both left."""
        for layer in self.names:
            self._watch_layer(layer)
        for name, parameter in self._leaves().items():
            self._watch_leaf(name, parameter)
        devices = [self.x.device] if self.x.is_cuda else []
        with torch.random.fork_rng(devices=devices), torch.enable_grad():
            torch.manual_seed(0)  # dropout chooses alike in every run
            with torch.autograd.graph.saved_tensors_hooks(self._pack, self._unpack):
                y = self.model(self.x)
            y.sum().backward()
        grads: Found = {f"{name}.grad": leaf.grad for name, leaf in self._leaves().items()}
        return self.events, {"y": y.detach(), **grads}

    def _leaves(self) -> dict[str, Tensor]:
        learning = {n: p for n, p in self.model.named_parameters() if p.requires_grad}
        return {"x": self.x, **learning}

    def _note(
        self, kind: str, place: str, lane: int, tensors: Sequence[Any], leaf: bool = False
    ) -> tuple[Any, ...] | None:
        """Note one call; ten times the tensors if this is the hook that changes something."""
        values = tuple(Value.of(t) if isinstance(t, Tensor) else None for t in tensors)
        event = Event(kind, place, lane, leaf, values)
        self.events.append(event)
        if self.change != Change(kind, place):
            return None
        # torch.add saves no tensor, so that the change itself adds no call of pack.
        new = tuple(None if t is None else torch.add(t, t, alpha=FACTOR - 1) for t in tensors)
        returned = tuple(Value.of(t) if isinstance(t, Tensor) else None for t in new)
        self.events[-1] = replace(event, returned=returned)
        return new

    def _position(self) -> int:
        """The place in the network of the layer that runs."""
        return len(self.calls) - 1

    def _watch_layer(self, layer: nn.Module) -> None:
        name = self.names[layer]

        def before(module: nn.Module, args: tuple[Any, ...]) -> Any:
            self.calls.append(module)
            return self._note("forward_pre", name, 2 * self._position() + 1, args)

        def after(module: nn.Module, args: tuple[Any, ...], output: Any) -> Any:
            if not isinstance(output, Tensor) or output.grad_fn is None:
                raise UnsuitableError(f"layer {name} does not return one tensor with a history")
            position = self._position()
            changed = self._note("forward", name, 2 * position + 1, (output,))
            self._watch_output(output, position)
            return None if changed is None else changed[0]

        def arriving(module: nn.Module, grad_output: Any) -> Any:
            lane = self._backward_lane("full_backward_pre", module)
            return self._note("full_backward_pre", name, lane, grad_output)

        def leaving(module: nn.Module, grad_input: Any, grad_output: Any) -> Any:
            lane = self._backward_lane("full_backward", module)
            return self._note("full_backward", name, lane, grad_input)

        layer.register_forward_pre_hook(before)
        layer.register_forward_hook(after)
        layer.register_full_backward_pre_hook(arriving)
        layer.register_full_backward_hook(leaving)

    def _backward_lane(self, kind: str, module: nn.Module) -> int:
        """The lane of a layer in the backward pass, which meets its calls from the last on."""
        places = [i for i, called in enumerate(self.calls) if called is module]
        met = self.left_to_pass[kind]
        position = next(i for i in reversed(places) if i not in met)
        met.append(position)
        return 2 * position + 1

    def _watch_output(self, output: Tensor, position: int) -> None:
        layer = self.names[self.calls[position]]
        lane, last = 2 * position + 1, position == len(self.layers) - 1
        name, node = "y" if last else f"out {layer}", output.grad_fn
        assert node is not None

        def post(grad_inputs: Any, grad_outputs: Any) -> Any:
            return self._note("node_post", layer, lane, grad_inputs)

        output.register_hook(self._tensor_hook(name, lane + 1, leaf=False))
        node.register_prehook(lambda grads: self._note("node_pre", layer, lane, grads))
        node.register_hook(post)

    def _watch_leaf(self, name: str, leaf: Tensor) -> None:
        owner = name.partition(".")[0]
        lanes = [2 * i + 1 for i, layer in enumerate(self.layers) if self.names[layer] == owner]
        lane = lanes[0] if name != "x" else 0

        def accumulated(tensor: Tensor) -> None:
            new = self._note("accumulate", name, lane, (tensor.grad,), leaf=True)
            if new is not None and tensor.grad is not None:
                tensor.grad.copy_(new[0])

        leaf.register_hook(self._tensor_hook(name, lane, leaf=True))
        leaf.register_post_accumulate_grad_hook(accumulated)

    def _tensor_hook(self, name: str, lane: int, leaf: bool) -> Callable[[Tensor], Tensor | None]:
        def hook(grad: Tensor) -> Tensor | None:
            changed = self._note("tensor", name, lane, (grad,), leaf)
            return None if changed is None else changed[0]

        return hook

    def _pack(self, tensor: Tensor) -> tuple[Tensor, str, int]:
        position = self._position()
        name, lane = self.names[self.calls[position]], 2 * position + 1
        with torch.no_grad():
            changed = self._note("pack", name, lane, (tensor,))
        return (tensor if changed is None else changed[0], name, lane)

    def _unpack(self, packed: tuple[Tensor, str, int]) -> Tensor:
        tensor, name, lane = packed
        self._note("unpack", name, lane, (tensor,))
        return tensor


def _compared(events: Sequence[Event], observing: Sequence[Event]) -> list[Event]:
    """The events, each marked if its tensors are others than in the observing run."""
    if [(e.kind, e.place) for e in events] != [(e.kind, e.place) for e in observing]:
        raise UnsuitableError("the hooks are not called in the same order in every run")
    return [
        replace(event, differs=event.received != other.received)
        for event, other in zip(events, observing, strict=True)
    ]


def _results(found: Found, without: Found) -> tuple[Result, ...]:
    def value(tensor: Tensor | None) -> Value | None:
        return None if tensor is None else Value.of(tensor)

    return tuple(
        Result(name, value(tensor), value(without[name]), _relation(tensor, without[name]))
        for name, tensor in found.items()
    )


def _relation(one: Tensor | None, other: Tensor | None) -> str:
    if one is None or other is None:
        return "the same" if one is other else "other"
    if torch.allclose(one, other):
        return "the same"
    return f"{FACTOR} times" if torch.allclose(one, FACTOR * other) else "other"
