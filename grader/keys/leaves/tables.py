"""References and mistakes of the exercise that predicts which tensors get a gradient."""

import ast
import re
from typing import Any

import torch
from torch import Tensor

from grader.trusted.key import Key, raises

Names = set[str]


def _run(program, x, w, c, *, retain_all=False):
    """The tensors that a program leaves behind, by name; none if its backward pass raises."""
    names = {"torch": torch, "c": c.clone()}
    names |= {"x": x.detach().clone().requires_grad_(), "w": w.detach().clone().requires_grad_()}
    forward, backward, rest = program.partition("y.backward")
    exec(forward, names)
    if retain_all:
        for value in _tensors(names).values():
            if value.requires_grad:
                value.retain_grad()
    try:
        exec(backward + rest, names)
    except RuntimeError:
        return {}
    return _tensors(names)


def _without_torch(program, x, w, c):
    """The same, with the name torch unknown to the program."""
    if "torch" in program:
        exec("torch", {})
    return _run(program, x, w, c)


def _tensors(names: dict[str, Any]) -> dict[str, Tensor]:
    return {name: value for name, value in names.items() if isinstance(value, Tensor)}


def _filled(tensors: dict[str, Tensor]) -> Names:
    return {n for n, t in tensors.items() if (t.is_leaf or t.retains_grad) and t.grad is not None}


def _of_each_tensor(tensors: dict[str, Tensor], *, last: bool) -> Names:
    """Of the names of each tensor with a gradient the first, or the last."""
    found: dict[int, str] = {}
    filled = _filled(tensors)
    for name, tensor in tensors.items():
        if name in filled and (last or id(tensor) not in found):
            found[id(tensor)] = name
    return set(found.values())


class WhichGetGradKey(Key, task="which_get_grad"):
    def reference(program: str, x: Tensor, w: Tensor, c: Tensor) -> Names:
        return _filled(_run(program, x, w, c))

    def computed_ones_too(program, x, w, c):
        """You list every tensor that a gradient passes through. It reaches non-leaves, too,
        but is kept in .grad of leaves alone, unless retain_grad() was called before."""
        return _filled(_run(program, x, w, c, retain_all=True))

    def computed_ones_but_y(program, x, w, c):
        """You list what is computed on the way to y. A gradient reaches it, and is kept in .grad of
        leaves alone, unless retain_grad() was called before."""
        known = _filled(_run(program, x, w, c))
        return known | (_filled(_run(program, x, w, c, retain_all=True)) - {"y"})

    def root_listed(program, x, w, c):
        """You list y. The pass starts there with the gradient 1, but y is no leaf: its .grad stays
        None, unless retain_grad() was called on it."""
        return _filled(_run(program, x, w, c)) | {"y"}

    def factor_listed(program, x, w, c):
        """You list c where it is a factor. Its derivative could be computed, but nobody asked for
        it: c does not require grad."""
        more = {"c"} if re.search(r"\bc\b", program) else set()
        return _filled(_run(program, x, w, c)) | more

    def every_requires_grad(program, x, w, c):
        """You list every tensor that requires grad. Non-leaves keep no gradient unless they
        retain it, and a leaf gets one only if y was computed from it."""
        return {n for n, t in _run(program, x, w, c).items() if t.requires_grad}

    def every_grad_leaf(program, x, w, c):
        """You list every leaf that requires grad. A leaf that y does not depend on gets no
        gradient, and a non-leaf that retains its gradient does."""
        return {n for n, t in _run(program, x, w, c).items() if t.is_leaf and t.requires_grad}

    def every_leaf(program, x, w, c):
        """You list every leaf. Tensors that do not require grad are leaves as well, and no gradient
        is kept in them."""
        return {name for name, t in _run(program, x, w, c).items() if t.is_leaf}

    def inputs_alone(program, x, w, c):
        """You looked at x, w and c alone. The variables that the program assigns can have a .grad,
        too: a new leaf, and a tensor that retains its gradient."""
        return WhichGetGradKey.reference(program, x, w, c) & {"x", "w", "c"}

    def inputs_as_given(program, x, w, c):
        """Under x, w and c you looked at the tensors that you were given. A program may assign such
        a name again: look at what it stands for in the end, which the dict knows."""
        given = {"x": x, "w": w, "c": c}
        names = {"torch": torch} | given
        exec(program, names)
        return _filled(_tensors(names) | given)

    def every_meaning_counted(program, x, w, c):
        """You list a name if any tensor that it stood for has a .grad. A name that the program
        assigns again stands for what it was given last: ask the dict at the end."""
        names = {"torch": torch, "c": c.clone()}
        names |= {n: t.detach().clone().requires_grad_() for n, t in (("x", x), ("w", w))}
        stood_for = list(_tensors(names).items())
        for line in ast.parse(program).body:
            exec(compile(ast.Module([line], []), "program", "exec"), names)
            stood_for += _tensors(names).items()
        return {n for n, t in stood_for if _filled({n: t})}

    def names_before_the_pass(program, x, w, c):
        """You looked at what each name stood for when the pass began. A line after it may assign a
        name again, which then stands for another tensor: ask the dict at the end."""
        names = {"torch": torch, "c": c.clone()}
        names |= {n: t.detach().clone().requires_grad_() for n, t in (("x", x), ("w", w))}
        forward, backward, rest = program.partition("y.backward")
        exec(forward, names)
        known = _tensors(names)
        exec(backward + rest, names)
        return _filled(known)

    def first_names_alone(program, x, w, c):
        """Of two names that stand for one tensor you list one. Every name is asked for whose .grad
        is not None."""
        return _of_each_tensor(_run(program, x, w, c), last=False)

    def last_names_alone(program, x, w, c):
        """Of two names that stand for one tensor you list one. Every name is asked for whose .grad
        is not None."""
        return _of_each_tensor(_run(program, x, w, c), last=True)

    def other_names_of_the_given_ones_left_out(program, x, w, c):
        """You left out a second name of x or w. Every name is asked for that stands for a tensor
        whose .grad is not None."""
        known = _run(program, x, w, c)
        given = [known.get(name) for name in ("x", "w", "c")]
        return {
            name
            for name in _filled(known)
            if name in ("x", "w", "c") or not any(known[name] is one for one in given)
        }

    def names_at_line_starts(program, x, w, c):
        """You looked for `name =` at the start of a line. A line inside a block stands further in,
        and `h, k = ...` assigns two names: ask everything in the dict."""
        written = {"x", "w", "c", *re.findall(r"(?m)^(\w+) = ", program)}
        return _filled(_run(program, x, w, c)) & written

    def given_ones_alone(program, x, w, c):
        """You looked at the three tensors that you were given, and at nothing else. What the
        program assigns can have a .grad, too, and the name x may stand for another tensor in the
        end: ask everything in the dict."""
        exec(program, {"torch": torch, "x": x, "w": w, "c": c})
        return _filled({"x": x, "w": w, "c": c})

    @raises(r"only change requires_grad flags of leaf variables")
    def clones_handed_over(program, x, w, c):
        """What you put into the dict was computed from x and w, as clones are, and is no leaf: it
        keeps no .grad, and a line that changes its flag raises. Put x, w and c themselves in."""
        names = {"torch": torch, "x": x.clone(), "w": w.clone(), "c": c.clone()}
        exec(program, names)
        return _filled(_tensors(names))

    def always_x_and_w(program):
        """You answer x and w always. A leaf that requires grad gets a .grad only if y was computed
        from it by recorded operations, and other tensors can have one."""
        return {"x", "w"}

    def inputs_named_in_the_text(program):
        """You list x and w wherever the program names them. What counts is whether recorded
        operations lead from them to y: detach(), no_grad() and integers cut the way."""
        return {name for name in ("x", "w") if re.search(rf"\b{name}\b", program)}

    def all_named_in_the_text(program):
        """You list every input that the program names, c among them. c does not require grad, and
        detach(), no_grad() and integers cut the way from the others."""
        return {name for name in ("x", "w", "c") if re.search(rf"\b{name}\b", program)}

    def those_without(program, x, w, c):
        """You list the tensors whose .grad is None. Asked for are those where it is not None."""
        known = _run(program, x, w, c)
        return known.keys() - _filled(known)

    def nothing_listed(program):
        """You answer the empty set always. A leaf that requires grad, and that y was computed from,
        has a .grad after the pass."""
        return set()

    def zeros_left_out(program, x, w, c):
        """You left out a gradient of zeros. It was computed and is kept: .grad is a tensor of
        zeros, and not None."""
        known = _run(program, x, w, c)
        return {n for n in _filled(known) if known[n].grad.any()}

    def frozen_afterwards(program, x, w, c):
        """You left out a leaf that was frozen after the pass. requires_grad_(False) leaves .grad
        where it is: it decides what later passes do."""
        known = _run(program, x, w, c)
        return {name for name in _filled(known) if known[name].requires_grad}

    def emptied_afterwards(program, x, w, c):
        """You stopped at the pass. A line after it can set .grad to None again: look at the end of
        the program."""
        return WhichGetGradKey.reference(program.replace("w.grad = None", "pass"), x, w, c)

    def tensors_returned(program, x, w, c):
        """You returned the tensors. Their names are asked for, such as "x"."""
        known = _run(program, x, w, c)
        return {known[name] for name in _filled(known)}

    def gradients_returned(program, x, w, c):
        """You returned the gradients themselves. The names of the tensors are asked for, such as
        "x"."""
        known = _run(program, x, w, c)
        return {name: known[name].grad for name in _filled(known)}

    @raises(r"has no attribute '(grad|is_leaf|retains_grad|requires_grad)'")
    def everything_asked_for_grad(program, x, w, c):
        """You asked everything in the dict for .grad, the module torch and __builtins__ among them.
        Keep those that are tensors: isinstance(value, torch.Tensor)."""
        names = {"torch": torch, "x": x, "w": w, "c": c}
        exec(program, names)
        return {name for name, value in names.items() if value.grad is not None}

    @raises(r"name '(torch|x|w|c)' is not defined")
    def names_not_handed_over(program):
        """The program did not find a name. exec knows what stands in the dict that it is given: put
        torch, x, w and c into it, each under its own name."""
        exec(program, {})
        return set()

    @raises(r"name 'torch' is not defined")
    def torch_not_handed_over(program, x, w, c):
        """A program names torch, and the dict that you handed to exec does not know it. Put torch
        into it, beside x, w and c."""
        return _filled(_without_torch(program, x, w, c))

    @raises(r"name 'torch' is not defined")
    def torch_not_handed_over_and_every_requires_grad(program, x, w, c):
        """A program names torch, and the dict that you handed to exec does not know it: put torch
        into it. And you list every tensor that requires grad: a non-leaf keeps no gradient
        unless it retains it, and a leaf gets one only if y was computed from it."""
        return {n for n, t in _without_torch(program, x, w, c).items() if t.requires_grad}

    def frozen_blocks(program, x, w, c):
        """You let c stop the gradient. A factor that does not require grad gets no gradient itself,
        but the other factor does, and passes it on."""
        blocked = program.replace(" * c\n", " * c\nh = h.detach()\n")
        return _filled(_run(blocked, x, w, c))

    def retain_grad_ignored(program, x, w, c):
        """You list leaves alone. A non-leaf on which retain_grad() was called before the
        pass keeps its gradient."""
        known = _run(program, x, w, c)
        return {name for name in _filled(known) if known[name].is_leaf}

    def retained_too_late(program, x, w, c):
        """You list a tensor on which retain_grad() was called after the pass. It takes effect from
        the next pass on: this gradient is gone."""
        known = _run(program, x, w, c)
        return _filled(known) | {name for name, t in known.items() if t.retains_grad}

    def retain_graph_keeps_gradients(program, x, w, c):
        """You take retain_graph=True for retain_grad(). It keeps what the nodes saved, so that
        backward can run again; it keeps no gradient."""
        return _filled(_run(program, x, w, c, retain_all="retain_graph" in program))

    def retain_graph_keeps_those_but_y(program, x, w, c):
        """You take retain_graph=True for retain_grad(). It keeps what the nodes saved, so that
        backward can run again; it keeps no gradient of h."""
        known = _filled(_run(program, x, w, c))
        return known | ({"h"} if "retain_graph" in program else set())

    def detach_ignored(program, x, w, c):
        """You let a gradient pass through detach(). What comes after it has no history, so the
        pass ends there."""
        return WhichGetGradKey.reference(program.replace(").detach()", ")"), x, w, c)

    def no_grad_ignored(program, x, w, c):
        """You let a gradient pass through what was computed in no_grad(). Nothing is recorded in
        there, so the pass finds no way to x."""
        recorded = program.replace("no_grad", "enable_grad")
        return WhichGetGradKey.reference(recorded, x, w, c)

    def alias_fills_original(program, x, w, c):
        """You list x where its detached alias is used. The two share values, and each has a .grad
        of its own: only the alias is part of the graph."""
        more = {"x"} if "x.detach().requires_grad_()" in program else set()
        return WhichGetGradKey.reference(program, x, w, c) | more

    def integers_pass_gradients(program, x, w, c):
        """You let a gradient pass through argmax() or long(). Integers have no derivative, so
        nothing leads back to x from them."""
        more = {"x"} if "argmax" in program or "long" in program else set()
        return WhichGetGradKey.reference(program, x, w, c) | more
