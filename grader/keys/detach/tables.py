"""Reference and mistakes of the exercise that predicts what an edit does to a gradient."""

import itertools
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from grader.tasks.detach.tables import CUBE, EXP
from grader.trusted.families.tables import constant, exchanged
from grader.trusted.key import Key, mistake, raises


def _grad(compute: str, edit: str, x: Tensor) -> Tensor:
    """x.grad after the lines and the pass. Raises RuntimeError where they do."""
    names: dict[str, Any] = {"torch": torch, "x": x}
    exec(compute, names)
    exec(edit, names)
    names["y"].sum().backward()
    assert x.grad is not None
    return x.grad


def _result(compute: str, edit: str, x: Tensor) -> Tensor:
    """y after the lines. Raises RuntimeError where they do."""
    names: dict[str, Any] = {"torch": torch, "x": x}
    exec(compute, names)
    exec(edit, names)
    y: Tensor = names["y"]
    return y


def _fresh(x: Tensor) -> Tensor:
    return x.detach().clone().requires_grad_()


def _outcome(compute: str, edit: str, x: Tensor) -> str:
    expected = _grad(compute, "", _fresh(x))
    try:
        received = _grad(compute, edit, _fresh(x))
    except RuntimeError:
        return "error"
    return "ok" if torch.equal(expected, received) else "wrong"


def _is_hidden(edit: str) -> bool:
    return ".data" in edit


def _is_detached(edit: str) -> bool:
    return ".detach().add_" in edit


def _by_text() -> tuple[Callable[..., str], ...]:
    """Words chosen by the text of the edit: one for .data, one for detach() or no_grad(), one for
    every other edit in place, and the last for all that is left."""
    words = ("ok", "error", "wrong")
    return tuple(
        _going_by(*chosen)
        for chosen in itertools.product(words, repeat=4)
        if len(set(chosen)) > 1 and chosen not in _KNOWN
    )


def _going_by(data: str, bypass: str, recorded: str, rest: str) -> Callable[..., str]:
    def word(compute: str, edit: str, x: Tensor) -> str:
        if ".data" in edit:
            return data
        if "detach" in edit or "no_grad" in edit:
            return bypass
        return recorded if "_(" in edit else rest

    sentence = (
        f'You say "{data}" for .data, "{bypass}" for detach() and no_grad(), "{recorded}" for '
        f'others in place and "{rest}" for the rest, as if the text decided. What counts is '
        "whether the operation saved the edited tensor. If it did, an edit through .data is not "
        "noticed, and the others are."
    )
    return mistake(f"{data}_{bypass}_{recorded}_{rest}_by_text", sentence, word)


_KNOWN = frozenset({("wrong", "error", "error", "ok"), ("wrong", "ok", "ok", "ok")})


class DetectSilentCorruptionKey(Key, task="detect_silent_corruption"):
    families = (
        *constant(
            ok='You answer "ok" always. Where the operation saved the tensor that is edited, the '
            "pass raises or the gradient is wrong.",
            error='You answer "error" always. An edit of a tensor that nothing saved does no harm, '
            "unless it is a recorded one of a leaf; and one through .data raises nothing.",
            wrong='You answer "wrong" always. Where the tensor was saved, an edit that autograd '
            "can see raises; and one of a tensor that nothing saved does no harm.",
        ),
        *_by_text(),
        *exchanged(_outcome, "wrong", "error"),
        *exchanged(_outcome, "ok", "wrong"),
    )
    reference = _outcome

    def grad_not_emptied(compute, edit, x):
        """You say "wrong" where nothing is wrong. If you compare x.grad with another gradient, the
        two differ for another reason: one that is not emptied holds that of an earlier run as well.
        Run with the edit and without it, each on a fresh clone of x, and compare the two gradients,
        by torch.equal or torch.allclose."""
        found = _outcome(compute, edit, x)
        return "wrong" if found == "ok" else found

    def edit_made_in_no_grad(compute, edit, x):
        """You ran the edit inside no_grad(). There a leaf may be edited that refuses it where
        autograd records, and what the edit computes has no history. Run the line as it is."""
        return _outcome(compute, f"with torch.no_grad():\n    {edit}", x)

    def values_compared(compute, edit, x):
        """You compared the values of y with and without the edit. What counts is x.grad: an edit
        may change y and leave the gradient right."""
        try:
            y, edited = _result(compute, "", _fresh(x)), _result(compute, edit, _fresh(x))
        except RuntimeError:
            return "error"
        return "ok" if torch.equal(y, edited) else "wrong"

    def data_wrong_underscore_error(edit):
        """You say "wrong" for .data, and "error" for every other edit in place, as one who goes by
        the text of the edit, or by _version alone. What counts too is whether the operation saved
        the tensor that is edited."""
        if ".data" in edit:
            return "wrong"
        return "error" if "_(" in edit else "ok"

    def data_wrong_rest_ok(edit):
        """You say "wrong" for .data, and "ok" for all others, as if the text of the edit decided.
        An edit that autograd can see raises where the operation saved the tensor that is
        edited."""
        return "wrong" if ".data" in edit else "ok"

    def clones_are_ok_by_text(edit):
        """You say "wrong" for .data, "ok" for a clone and a new y, and "error" for all others, as
        one who goes by the text of the edit, or by _version alone. What counts too is whether the
        operation saved the tensor that is edited."""
        if ".data" in edit:
            return "wrong"
        return "ok" if "clone" in edit or "y = " in edit else "error"

    def no_grad_hides(compute, edit, x):
        """You expect a wrong gradient from edits inside no_grad(). They are not recorded, but they
        are counted: where the tensor was saved, backward raises."""
        harmful = "no_grad" in edit and _outcome(compute, edit, x) == "error"
        return "wrong" if harmful else _outcome(compute, edit, x)

    def detach_hides(compute, edit, x):
        """You expect a wrong gradient from edits through detach(). It shares the version counter
        with the tensor it came from: where that was saved, backward raises."""
        harmful = _is_detached(edit) and _outcome(compute, edit, x) == "error"
        return "wrong" if harmful else _outcome(compute, edit, x)

    @raises(r"modified by an inplace operation|leaf Variable that requires grad")
    def error_not_caught(compute, edit, x):
        """An edit or a pass raised, which is what you are asked about, and nothing caught it. Put
        both into a try block, catch RuntimeError and return "error"."""
        expected, received = _grad(compute, "", _fresh(x)), _grad(compute, edit, _fresh(x))
        return "ok" if torch.equal(expected, received) else "wrong"

    @raises(r"leaf Variable that requires grad")
    def edit_not_in_try(compute, edit, x):
        """The edit itself can raise, as x.add_(1) does, and yours stands outside of the try block.
        Put the edit inside as well, and return "error"."""
        if edit == "x.add_(1)":
            _grad(compute, edit, _fresh(x))
        return _outcome(compute, edit, x)

    @raises(r"element 0 of tensors does not require grad")
    def nothing_recorded(compute, edit, x):
        """You ran the lines inside no_grad(), or on an x that does not require grad, so that
        nothing is recorded and no pass can start from y. Run them on
        x.detach().clone().requires_grad_(), without a block around them."""
        _result(compute, "", x.detach().clone()).sum().backward()

    @raises(r"must be Tensor, not NoneType")
    def run_on_a_clone_of_x(compute, edit, x):
        """A gradient that you compare is None: the pass did not end at the tensor whose .grad you
        read. A clone of x is computed and keeps none: run the lines on
        x.detach().clone().requires_grad_(), a leaf, and read the .grad of that very tensor."""
        clone = x.clone()
        _result(compute, "", clone).sum().backward()
        return "ok" if torch.equal(clone.grad, clone.grad) else "wrong"

    @raises(r"name 'torch' is not defined")
    def torch_not_in_names(compute, edit, x):
        """The edit names torch, and the dict that you handed to exec does not know it. Put torch
        and x into it."""
        if "torch" in edit:
            exec(edit, {"x": x})
        return _outcome(compute, edit, x)

    @raises(r"name 'x' is not defined")
    def x_not_in_names(compute, edit, x):
        """The line names x, and the dict that you handed to exec does not know it. Put torch and x
        into it."""
        exec(compute, {"torch": torch})
        return _outcome(compute, edit, x)

    def torch_not_known(compute, edit, x):
        """You answer "error" for every line that names torch. If you let torch try, the dict that
        you hand to exec does not know the name, and an `except` that catches everything hides the
        NameError: put torch into the dict, and catch RuntimeError alone."""
        return "error" if "torch" in compute + edit else _outcome(compute, edit, x)

    def data_is_safe(compute, edit, x):
        """You never say "wrong". Where the operation saved the tensor, an edit through .data makes
        the gradient wrong, and nothing warns you. If you let torch try, compare x.grad with that of
        a run without the edit, each run on a fresh clone of x: one x.grad, read twice, equals
        itself."""
        return "ok" if _is_hidden(edit) else _outcome(compute, edit, x)

    def data_is_noticed(compute, edit, x):
        """You expect an error from edits through .data. They do not count in the version that
        autograd compares, so it goes on and computes a wrong gradient."""
        seen = edit.replace(".detach().data", ".detach()").replace(".data", ".detach()")
        return _outcome(compute, seen, x)

    def detach_shields_data(compute, edit, x):
        """You expect that detach() before .data makes the edit visible. What counts is the last
        step: .data starts a version counter of its own, and the edit is hidden."""
        return _outcome(compute, edit.replace(".detach().data", ".detach()"), x)

    def detach_always_raises(compute, edit, x):
        """You expect an error from every edit through detach(). There is one only if the operation
        saved the edited tensor: x ** 3 saves x, and 2 * x + 1 neither x nor y."""
        return "error" if _is_detached(edit) else _outcome(compute, edit, x)

    def every_bypass_raises(compute, edit, x):
        """You expect an error from every edit through detach() or inside no_grad(). There is one
        only if the operation saved the edited tensor: x ** 3 saves x, and 2 * x + 1 neither x nor
        y."""
        bypass = _is_detached(edit) or "no_grad" in edit
        return "error" if bypass else _outcome(compute, edit, x)

    def detach_copies(compute, edit, x):
        """You take detach() for a copy. It uses the same memory, and the same version counter: an
        edit of it is an edit of the tensor it came from."""
        return "ok" if _is_detached(edit) else _outcome(compute, edit, x)

    def no_grad_is_safe(compute, edit, x):
        """You take edits inside no_grad() for harmless. They are not recorded, and they are
        counted: if the tensor was saved, backward raises."""
        return "ok" if "no_grad" in edit else _outcome(compute, edit, x)

    def outputs_always_saved(compute, edit, x):
        """You expect harm from every edit of y. x ** 3 saves x, and 2 * x + 1 neither x nor y:
        their gradients do not look at y again."""
        return _outcome(EXP if "y." in edit else compute, edit, x)

    def inputs_always_saved(compute, edit, x):
        """You expect harm from every edit of x. exp and relu save y, and 2 * x + 1 neither x nor y:
        their gradients do not look at x again."""
        return _outcome(CUBE if "x." in edit else compute, edit, x)

    def recorded_edits_raise(compute, edit, x):
        """You expect an error from every recorded edit in place. One of a non-leaf is
        allowed as long as no operation saved it, as y of x ** 3."""
        return "error" if edit == "y.add_(1)" else _outcome(compute, edit, x)

    def recorded_edits_are_safe(compute, edit, x):
        """You take recorded edits of y for harmless. Autograd records y.add_(1) and still needs the
        old y where the operation saved it: backward raises."""
        return "ok" if edit == "y.add_(1)" else _outcome(compute, edit, x)

    def leaf_edit_allowed(compute, edit, x):
        """You let x.add_(1) pass. x is a leaf that requires grad, and autograd forbids to edit one
        in place while it records."""
        return "ok" if edit == "x.add_(1)" else _outcome(compute, edit, x)

    def errors_called_wrong(compute, edit, x):
        """You say "wrong" where autograd raises. An error is the good case: there is no wrong
        gradient, because the edit was noticed."""
        found = _outcome(compute, edit, x)
        return "wrong" if found == "error" else found

    def first_entry_compared(compute, edit, x):
        """You compared the first entries of the two gradients alone. An edit may spoil another one:
        compare all, with torch.equal or torch.allclose."""
        try:
            received = _grad(compute, edit, _fresh(x))
        except RuntimeError:
            return "error"
        return "ok" if _grad(compute, "", _fresh(x))[0] == received[0] else "wrong"

    def differences_passed_over(compute, edit, x):
        """You took two gradients for equal whose entries differ by 1/64, up and down. Compare them
        entry by entry, with torch.equal, or with torch.allclose and no tolerance of your own."""
        try:
            received = _grad(compute, edit, _fresh(x))
        except RuntimeError:
            return "error"
        right = _grad(compute, "", _fresh(x))
        return "ok" if torch.allclose(right, received, atol=0.5) else "wrong"

    def compared_after_the_edit(compute, edit, x):
        """Your run without the edit started from an x that the edit had changed already. Give each
        run a clone of its own."""
        edited = _fresh(x)
        try:
            received = _grad(compute, edit, edited)
        except RuntimeError:
            return "error"
        return "ok" if torch.equal(_grad(compute, "", _fresh(edited)), received) else "wrong"
