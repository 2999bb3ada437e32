"""References and mistakes of the exercises that change leaves."""

import itertools
import re
from typing import ClassVar

import torch
from torch import Tensor, nn

from grader.trusted.key import Key, raises


class SafeUpdateKey(Key, task="safe_update"):
    sentences: ClassVar = {
        "FLAGS.shares_memory": "{path} lies in other memory than before the call. Write into the "
        "tensor that is there, inside no_grad: .data = ... and set_() put others in the place of "
        "its values."
    }

    def reference(w: Tensor, g: Tensor, lr: float) -> None:
        with torch.no_grad():
            w.copy_(w - lr * g)

    def name_rebound(w, g, lr):
        """w is unchanged. w - lr * g and w.sub(lr * g) make a new tensor, and `w = ...` lets the
        name w stand for it inside your function alone, also inside no_grad(). Write into w:
        w -= lr * g."""
        return w - lr * g

    @raises(r"leaf Variable that requires grad is being used in an in-place operation")
    def recorded_in_place(w, g, lr):
        """You edited w in place while autograd records, which it forbids for a leaf that requires
        grad. Put the line inside `with torch.no_grad():`."""
        w -= lr * g

    def hidden_by_data(w, g, lr):
        """The values are right, but you wrote where autograd cannot see it, as through .data or an
        array of NumPy: a graph that saved the old w goes on without complaint and computes wrong
        gradients. Write into w itself, inside `with torch.no_grad():`."""
        w.data.sub_(lr * g)

    def data_replaced(w, g, lr):
        """You gave w other memory: w.data = ... puts a new tensor in the place of its values. All
        that shared the old memory still sees the old values. Write into w inside
        `with torch.no_grad():`."""
        w.data = w.data - lr * g

    def set_on_other_memory(w, g, lr):
        """You gave w other memory: set_() puts w on the storage of another tensor. All that shared
        the old memory still sees the old values. Write into w: w -= lr * g, inside no_grad."""
        with torch.no_grad():
            w.set_(w - lr * g)

    def uphill(w, g, lr):
        """You added lr * g. The gradient points to where the loss grows: subtract it."""
        SafeUpdateKey.reference(w, g, -lr)

    def lr_forgotten(w, g):
        """You subtracted g without lr."""
        SafeUpdateKey.reference(w, g, 1.0)

    def lr_twice(w, g, lr):
        """You multiplied g by lr twice. The step is lr * g."""
        SafeUpdateKey.reference(w, g, lr * lr)

    def divided_by_lr(w, g, lr):
        """You divided g by lr. The step is lr * g."""
        SafeUpdateKey.reference(w, g, 1 / lr)

    def step_alone_written(w, g, lr):
        """w holds the step alone. Subtract lr * g from the old values of w."""
        with torch.no_grad():
            w.copy_(-lr * g)

    def step_without_its_sign_written(w, g, lr):
        """w holds lr * g alone. Subtract that from the old values of w."""
        with torch.no_grad():
            w.copy_(lr * g)

    def taken_twice(w, g, lr):
        """You took the step twice: w lies 2 * lr * g away from where it was. One line that writes
        into w is enough."""
        SafeUpdateKey.reference(w, g, 2 * lr)

    def scaled_down(w, g, lr):
        """You multiplied w itself by (1 - lr * g). Subtract the step: w - lr * g."""
        with torch.no_grad():
            w.mul_(1 - lr * g)

    @raises(r"slice\(\) cannot be applied to a 0-dim tensor")
    def sliced(w, g, lr):
        """You wrote w[:] = ..., which a tensor of shape () refuses: it has nothing to slice. Write
        w -= lr * g, w.copy_(...) or w[...] = ..."""
        with torch.no_grad():
            w[:] = w - lr * g

    @raises(r"Can't call numpy\(\) on Tensor that requires grad")
    def numpy_of_a_leaf(w, g, lr):
        """You called w.numpy(), which torch refuses for a tensor that requires grad. Write into w
        itself, inside `with torch.no_grad():`."""
        w.numpy()

    def other_gradient(w, lr):
        """You took w.grad for the step. The task hands you the gradient to use as g."""
        SafeUpdateKey.reference(w, w.grad, lr)

    def grad_cleared(w, g, lr):
        """The step is right, but you also changed w.grad. Clearing or replacing it is up to the
        caller, who may still need it."""
        SafeUpdateKey.reference(w, g, lr)
        w.grad = None

    def g_scaled_in_place(w, g, lr):
        """The step is right, but you multiplied g by lr in place: the caller's gradient has other
        values now. Compute lr * g out of place."""
        SafeUpdateKey.reference(w, g.mul_(lr), 1.0)

    def flag_left_off(w, g, lr):
        """w does not require grad any more: you switched the flag off for the step and left it off.
        no_grad() lets you write into w without touching its flag."""
        w.requires_grad_(False).sub_(lr * g)

    def grad_mode_left_off(w, g, lr):
        """The step is right, but gradients are no longer recorded after your function:
        torch.set_grad_enabled(False) stays in force. `with torch.no_grad():` ends by itself."""
        torch.set_grad_enabled(False)
        w.sub_(lr * g)


def _freeze(module, pattern, matches):
    """Freeze the parameters whose names match, and yield them."""
    for name, parameter in module.named_parameters():
        if matches(pattern, name):
            parameter.requires_grad_(False)
            yield name, parameter


def _some(pairs):
    return itertools.islice(pairs, 1)


def _frozen(module, pattern, matches=re.search):
    return [name for name, _ in _freeze(module, pattern, matches)]


class FlagSetterKey(Key, task="flag_setter"):
    def reference(module: nn.Module, pattern: str) -> list[str]:
        return _frozen(module, pattern)

    def flag_misspelled(module, pattern):
        """The names are right, and no flag has changed. Either the flag is misspelled: it is
        requires_grad, with an s, and Python accepts any other name in silence. Or what you changed
        is not the parameter but another tensor, such as p.data or p.detach()."""
        return [name for name, _ in module.named_parameters() if re.search(pattern, name)]

    def selection_inverted(module, pattern):
        """You froze the parameters that do not match. Freeze the others."""
        return _frozen(module, pattern, lambda wanted, name: not re.search(wanted, name))

    def everything_frozen(module, pattern):
        """You froze every parameter, also those that do not match; your list is right. Set the flag
        where the name goes into the list. module.requires_grad_(False) would mean all of them."""
        module.requires_grad_(False)
        return _frozen(module, pattern)

    def everything_frozen_and_listed(module, pattern):
        """You froze and listed every parameter. Take those alone whose name holds a match of
        pattern: re.search(pattern, name)."""
        return _frozen(module, pattern, lambda *_: True)

    def ended_after_the_first(module, pattern):
        """You froze the first parameter that matches and no other. Look for a `return` or a `break`
        inside the loop."""
        return [name for name, _ in _some(_freeze(module, pattern, re.search))]

    def eval_for_freezing(module, pattern):
        """You put parts of the module into eval mode. That changes what dropout and batch
        normalization do, and freezes no parameter. Switch requires_grad of the parameters off."""
        module.eval()
        return [name for name, _ in module.named_parameters() if re.search(pattern, name)]

    def parameters_replaced(module, pattern):
        """You put new, frozen parameters into the module. An optimizer still holds the old ones,
        whose flag and .grad are as they were. Switch requires_grad of those that are there off."""
        names = [name for name, _ in module.named_parameters() if re.search(pattern, name)]
        for name in names:
            owner, _, last = name.rpartition(".")
            new = nn.Parameter(module.get_parameter(name).detach().clone(), requires_grad=False)
            setattr(module.get_submodule(owner), last, new)
        return names

    def whole_part_frozen(module, pattern):
        """The names are right, and you froze the whole part that holds a match, with what does not
        match. Switch requires_grad of the parameter itself off."""
        names = [name for name, _ in module.named_parameters() if re.search(pattern, name)]
        for name in names:
            module.get_submodule(name.rpartition(".")[0]).requires_grad_(False)
        return names

    def capitals_ignored(module, pattern):
        """You took capitals and small letters for the same. pattern says which of them is meant:
        use re.search without re.IGNORECASE."""
        return _frozen(module, pattern, lambda wanted, name: re.search(wanted, name, re.IGNORECASE))

    def direct_children_only(module, pattern):
        """You went one level deep: the parameters of parts inside parts, or those of the module
        itself, are missing. named_parameters() of the module lists all of them."""
        found = []
        for prefix, part in module.named_children():
            for name, parameter in part.named_parameters(recurse=False):
                if re.search(pattern, f"{prefix}.{name}"):
                    parameter.requires_grad_(False)
                    found.append(f"{prefix}.{name}")
        return list(dict.fromkeys(found))

    def last_names_only(module, pattern):
        """You looked at the end of a name alone, or at its last part, such as bias. A name in
        named_parameters() is longer, encoder.bias, and may hold a match anywhere:
        re.search(pattern, name)."""
        return _frozen(module, pattern, lambda wanted, name: re.search(wanted, name.split(".")[-1]))

    def parameters_returned(module, pattern):
        """You returned the parameters. Their names are asked for, as a list."""
        return [parameter for _, parameter in _freeze(module, pattern, re.search)]

    def names_forgotten(module, pattern):
        """The flags are right, and you returned None. Return the list of the names."""
        _frozen(module, pattern)

    def flag_turned_on(module, pattern):
        """You set requires_grad to True. Freezing is the opposite: False."""
        for name, parameter in module.named_parameters():
            if re.search(pattern, name):
                parameter.requires_grad_(True)
        return [name for name, _ in module.named_parameters() if re.search(pattern, name)]

    def grads_cleared(module, pattern):
        """The flags are right, but you also cleared .grad, which was not asked for."""
        found = list(_freeze(module, pattern, re.search))
        for _, parameter in found:
            parameter.grad = None
        return [name for name, _ in found]

    def others_unfrozen(module, pattern):
        """You set the flag of every parameter, so that one which was frozen before and does not
        match requires grad again. Touch those that match, and no other."""
        for name, parameter in module.named_parameters():
            parameter.requires_grad_(not re.search(pattern, name))
        return _frozen(module, pattern)

    def match_at_start(module, pattern):
        """You found matches at the start of a name alone. re.match looks there and nowhere else;
        re.search looks everywhere."""
        return _frozen(module, pattern, re.match)

    def anything_put_in_front(module, pattern):
        """You put .* in front of the pattern and looked at the start of a name. In a|b the .*
        belongs to a alone, and b is sought at the start: re.search needs nothing in front."""
        return _frozen(module, pattern, lambda wanted, name: re.match(".*" + wanted, name))

    def match_whole_name(module, pattern):
        """You passed over names that hold a match: re.search(pattern, name) finds one anywhere. ==,
        fnmatch and re.fullmatch compare the pattern with the whole name, and re.search with its
        arguments exchanged finds hardly anything. named_parameters() lists the parameters of parts
        as well, unless recurse=False."""
        return _frozen(module, pattern, re.fullmatch)

    def plain_text(module, pattern):
        """You searched for the pattern as plain text. It is a regular expression, in which ^ and $
        stand for the start and the end: use re.search."""
        return _frozen(module, pattern, lambda wanted, name: wanted in name)

    def by_state_dict(module, pattern):
        """You went through state_dict(). Its tensors are detached: setting a flag on them leaves
        the parameters alone. It also lists buffers, and tied parameters once per name."""
        return [name for name in module.state_dict() if re.search(pattern, name)]

    def tied_listed_twice(module, pattern):
        """You listed a tied parameter under each of its names. named_parameters() lists it once,
        under the first."""
        _frozen(module, pattern)
        named = module.named_parameters(remove_duplicate=False)
        return [name for name, _ in named if re.search(pattern, name)]

    def already_frozen_left_out(module, pattern):
        """You left out the names of parameters that were frozen before. All that match belong into
        the list."""
        names = [n for n, p in module.named_parameters() if p.requires_grad]
        return [name for name in _frozen(module, pattern) if name in names]

    def modules_listed(module, pattern):
        """You matched the names of modules. The names asked for are those of parameters, such as
        encoder.bias."""
        found = [(n, m) for n, m in module.named_modules() if re.search(pattern, n)]
        for _, part in found:
            part.requires_grad_(False)
        return [name for name, _ in found]
