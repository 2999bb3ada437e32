"""References and mistakes of the exercises that change leaves."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn

from grader.trusted.key import Key, mistake


class SafeUpdateKey(Key):
    task = "safe_update"

    @staticmethod
    def reference(w: Tensor, g: Tensor, lr: float) -> None:
        with torch.no_grad():
            w.copy_(w - lr * g)

    @mistake
    def name_rebound(w: Tensor, g: Tensor, lr: float) -> Tensor:
        """w is unchanged. `w = w - lr * g` makes a new tensor and lets the name w stand for it
        inside your function; the caller's w knows nothing of it, also inside no_grad(). Write
        into w: w -= lr * g."""
        return w - lr * g

    @mistake(raises=r"leaf Variable that requires grad is being used in an in-place operation")
    def recorded_in_place(w: Tensor, g: Tensor, lr: float) -> None:
        """You edited w in place while autograd records, which it forbids for a leaf that requires
        grad. Put the line inside `with torch.no_grad():`."""
        w -= lr * g

    @mistake
    def hidden_by_data(w: Tensor, g: Tensor, lr: float) -> None:
        """The values are right, but you wrote through .data, which autograd cannot see: a graph
        that saved the old w goes on without complaint and computes wrong gradients. Write into w
        inside `with torch.no_grad():`."""
        w.data.sub_(lr * g)

    @mistake
    def data_replaced(w: Tensor, g: Tensor, lr: float) -> None:
        """You gave w other memory: w.data = ... puts a new tensor in the place of its values. All
        that shared the old memory still sees the old values. Write into w inside
        `with torch.no_grad():`."""
        w.data = w.data - lr * g

    @mistake
    def uphill(w: Tensor, g: Tensor, lr: float) -> None:
        """You added lr * g. The gradient points to where the loss grows: subtract it."""
        SafeUpdateKey.reference(w, g, -lr)

    @mistake
    def lr_forgotten(w: Tensor, g: Tensor, lr: float) -> None:
        """You subtracted g without lr."""
        SafeUpdateKey.reference(w, g, 1.0)

    @mistake
    def other_gradient(w: Tensor, g: Tensor, lr: float) -> None:
        """You took w.grad for the step. The task hands you the gradient to use as g."""
        assert w.grad is not None
        SafeUpdateKey.reference(w, w.grad, lr)

    @mistake
    def grad_cleared(w: Tensor, g: Tensor, lr: float) -> None:
        """The step is right, but you also changed w.grad. Clearing or replacing it is up to the
        caller, who may still need it."""
        SafeUpdateKey.reference(w, g, lr)
        w.grad = None

    @mistake
    def g_scaled_in_place(w: Tensor, g: Tensor, lr: float) -> None:
        """The step is right, but you multiplied g by lr in place: the caller's gradient has other
        values now. Compute lr * g out of place."""
        SafeUpdateKey.reference(w, g.mul_(lr), 1.0)

    @mistake
    def flag_left_off(w: Tensor, g: Tensor, lr: float) -> None:
        """w does not require grad any more: you switched the flag off for the step and left it off.
        no_grad() lets you write into w without touching its flag."""
        w.requires_grad_(False).sub_(lr * g)

    @mistake
    def grad_mode_left_off(w: Tensor, g: Tensor, lr: float) -> None:
        """The step is right, but gradients are no longer recorded after your function:
        torch.set_grad_enabled(False) stays in force. `with torch.no_grad():` ends by itself."""
        torch.set_grad_enabled(False)
        w.sub_(lr * g)


def _freeze(
    module: nn.Module, pattern: str, matches: Callable[[str, str], object]
) -> Iterator[tuple[str, nn.Parameter]]:
    """Freeze the parameters whose names match, and yield them."""
    for name, parameter in module.named_parameters():
        if matches(pattern, name):
            parameter.requires_grad_(False)
            yield name, parameter


def _frozen(
    module: nn.Module, pattern: str, matches: Callable[[str, str], object] = re.search
) -> list[str]:
    return [name for name, _ in _freeze(module, pattern, matches)]


class FlagSetterKey(Key):
    task = "flag_setter"

    @staticmethod
    def reference(module: nn.Module, pattern: str) -> list[str]:
        return _frozen(module, pattern)

    @mistake
    def flag_misspelled(module: nn.Module, pattern: str) -> list[str]:
        """The names are right, and no flag has changed. Either the flag is misspelled: it is
        requires_grad, with an s, and Python accepts any other name in silence. Or you set it on
        another tensor, such as p.data or p.detach()."""
        return [name for name, _ in module.named_parameters() if re.search(pattern, name)]

    @mistake
    def selection_inverted(module: nn.Module, pattern: str) -> list[str]:
        """You froze the parameters that do not match. Freeze the others."""
        return _frozen(module, pattern, lambda wanted, name: not re.search(wanted, name))

    @mistake
    def everything_frozen(module: nn.Module, pattern: str) -> list[str]:
        """You froze every parameter. module.requires_grad_(False) means all of them: call it on the
        parameters that match."""
        module.requires_grad_(False)
        return _frozen(module, pattern)

    @mistake
    def grads_cleared(module: nn.Module, pattern: str) -> list[str]:
        """The flags are right, but you also cleared .grad, which was not asked for."""
        found = list(_freeze(module, pattern, re.search))
        for _, parameter in found:
            parameter.grad = None
        return [name for name, _ in found]

    @mistake
    def others_unfrozen(module: nn.Module, pattern: str) -> list[str]:
        """You set the flag of every parameter, so that one which was frozen before and does not
        match requires grad again. Touch those that match, and no other."""
        for name, parameter in module.named_parameters():
            parameter.requires_grad_(not re.search(pattern, name))
        return _frozen(module, pattern)

    @mistake
    def match_at_start(module: nn.Module, pattern: str) -> list[str]:
        """You found matches at the start of a name alone. re.match looks there and nowhere else;
        re.search looks everywhere."""
        return _frozen(module, pattern, re.match)

    @mistake
    def match_whole_name(module: nn.Module, pattern: str) -> list[str]:
        """You compared the pattern with the whole name, as ==, fnmatch and re.fullmatch do. A match
        anywhere counts: re.search."""
        return _frozen(module, pattern, re.fullmatch)

    @mistake
    def plain_text(module: nn.Module, pattern: str) -> list[str]:
        """You searched for the pattern as plain text. It is a regular expression, in which ^ and $
        stand for the start and the end: use re.search."""
        return _frozen(module, pattern, lambda wanted, name: wanted in name)

    @mistake
    def by_state_dict(module: nn.Module, pattern: str) -> list[str]:
        """You went through state_dict(). Its tensors are detached: setting a flag on them leaves
        the parameters alone. It also lists buffers, and tied parameters once per name."""
        return [name for name in module.state_dict() if re.search(pattern, name)]

    @mistake
    def tied_listed_twice(module: nn.Module, pattern: str) -> list[str]:
        """You listed a tied parameter under each of its names. named_parameters() lists it once,
        under the first."""
        _frozen(module, pattern)
        named = module.named_parameters(remove_duplicate=False)
        return [name for name, _ in named if re.search(pattern, name)]

    @mistake
    def already_frozen_left_out(module: nn.Module, pattern: str) -> list[str]:
        """You left out the names of parameters that were frozen before. All that match belong into
        the list."""
        names = [n for n, p in module.named_parameters() if p.requires_grad]
        return [name for name in _frozen(module, pattern) if name in names]

    @mistake
    def modules_listed(module: nn.Module, pattern: str) -> list[str]:
        """You matched the names of modules. The names asked for are those of parameters, such as
        encoder.bias."""
        found = [(n, m) for n, m in module.named_modules() if re.search(pattern, n)]
        for _, part in found:
            part.requires_grad_(False)
        return [name for name, _ in found]
