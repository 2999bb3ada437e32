"""Reference and mistakes of the exercise that predicts flags in one mode or another."""

from typing import Any

import torch
from torch import Tensor

from grader.trusted.families.tables import Rule, flag_pairs, rule_pairs
from grader.trusted.key import Key, raises

Flags = tuple[bool, bool]


def _assigned(program: str, x: Tensor, c: Tensor) -> Tensor:
    names: dict[str, Any] = {"torch": torch, "x": x, "c": c}
    exec(program, names)
    y: Tensor = names["y"]
    return y


def _flags(program: str, x: Tensor, c: Tensor) -> Flags:
    y = _assigned(program, x, c)
    return y.requires_grad, y.is_leaf


def _is_new_leaf(program: str) -> bool:
    return "torch.ones" in program or "Parameter" in program


_FLAG = (
    Rule(
        "no_grad",
        "Your requires_grad is False where no_grad stands in the program, and True elsewhere. "
        "Inference mode counts too, and so do the block that a line stands in and what y is made "
        "from.",
        lambda program, x, c: "no_grad" not in program,
    ),
    Rule(
        "first_block",
        "Your requires_grad is False where the program starts with no_grad, and True elsewhere. "
        "Inference mode counts too, and so do the block that a line stands in and what y is made "
        "from.",
        lambda program, x, c: not program.startswith("with torch.no_grad"),
    ),
    Rule(
        "blocks",
        "Your requires_grad is False where no_grad or inference mode stands in the program, and "
        "True elsewhere. Which block a line stands in counts too, and what y is made from.",
        lambda program, x, c: "no_grad" not in program and "inference" not in program,
    ),
    Rule(
        "asked_for",
        "Your requires_grad is True only where enable_grad or requires_grad=True stands in the "
        "program. An nn.Parameter asks for it by itself, a view of x repeats the flag of x, and "
        "what is computed outside of a block is recorded.",
        lambda program, x, c: "enable_grad" in program or "requires_grad=True" in program,
    ),
    Rule(
        "nothing",
        "Your requires_grad is False always. New leaves that ask for it require grad in every "
        "mode, and what is computed from x outside of the blocks is recorded.",
        lambda program, x, c: False,
    ),
    Rule(
        "everything",
        "Your requires_grad is True always. Results of operations inside no_grad and inference "
        "mode do not require grad, and nor does what is computed from c alone.",
        lambda program, x, c: True,
    ),
)
_LEAF = (
    Rule(
        "new_ones_are_leaves",
        "Your is_leaf is True only for torch.ones and nn.Parameter. What does not require grad is "
        "a leaf as well, and so is x.",
        lambda program, x, c: _is_new_leaf(program),
    ),
    Rule(
        "factories_are_leaves",
        "Your is_leaf is True only for torch.ones. What does not require grad is a leaf as well, "
        "and so are x and an nn.Parameter.",
        lambda program, x, c: "torch.ones" in program,
    ),
    Rule(
        "no_grad_makes_leaves",
        "Your is_leaf is True where no_grad stands in the program, and False elsewhere. What was "
        "recorded outside of the block is none, and what inference mode does not record is one.",
        lambda program, x, c: "no_grad" in program,
    ),
    Rule(
        "first_block_makes_leaves",
        "Your is_leaf is True where the program starts with no_grad, and False elsewhere. What is "
        "computed outside of the block is none, and what inference mode does not record is one.",
        lambda program, x, c: program.startswith("with torch.no_grad"),
    ),
    Rule(
        "nothing_is_a_leaf",
        "Your is_leaf is False always. What does not require grad is a leaf, and so are new "
        "tensors that ask for grad.",
        lambda program, x, c: False,
    ),
)


class GradModeTableKey(Key, task="grad_mode_table"):
    families = (
        *flag_pairs(_assigned),
        *rule_pairs(
            (
                lambda *given: _assigned(*given).requires_grad,
                lambda *given: _assigned(*given).is_leaf,
            ),
            _FLAG,
            _LEAF,
        ),
    )
    reference = _flags

    def x_cloned(program, x, c):
        """What you put into the dict under x was computed from x, as a clone is: it is no leaf, and
        nor is another name for it. Put x itself in."""
        return _flags(program, x.clone(), c)

    def x_detached(program, x, c):
        """You put a detached x, or one without the flag, into the dict: nothing requires grad then.
        Put x itself in."""
        return _flags(program, x.detach(), c)

    def c_requires_grad(program, x, c):
        """You let c require grad. It does not, and nor does what is computed from c alone."""
        alone = "x" not in program.replace("exp", "") and not _is_new_leaf(program)
        recorded = alone and "enable_grad" in program
        return (True, False) if recorded else _flags(program, x, c)

    def text_decides(program, x, c):
        """You looked for the letter x in the text, and found it in exp, too. Ask whether the tensor
        x is an input."""
        return (True, False) if "c.exp()" in program else _flags(program, x, c)

    def never_recorded(program, x, c):
        """You ran the whole program inside no_grad(), so also what stands outside of its blocks.
        The program switches by itself: run it as it is."""
        with torch.no_grad():
            return _flags(program, x, c)

    def x_loses_its_flag(program, x, c):
        """You let no_grad switch off the flag of x itself. It decides what is recorded of
        operations; `y = x` is another name for an old tensor, which keeps its flag."""
        return (False, True) if program.endswith("y = x") else _flags(program, x, c)

    def blocks_decide(program):
        """You went by the blocks in the text: with no_grad or inference mode nothing requires grad
        and all are leaves, without them the opposite. What y is made from counts too, and which
        block the line stands in."""
        off = "no_grad" in program or "inference" in program
        return not off, off

    def blocks_and_the_letter_decide(program):
        """You went by the text: nothing requires grad where no_grad or inference mode stands in it,
        and elsewhere what names an x does; and is_leaf is the opposite. There is an x in exp, too;
        which block a line stands in counts, and what y is made from."""
        off = "no_grad" in program or "inference" in program
        wants = "x" in program and not off
        return wants, not wants

    def flags_of_x(program, x, c):
        """You returned the flags of x. Those of y are asked for: names["y"] after exec."""
        return x.requires_grad, x.is_leaf

    @raises(r"name '(torch|x|c|y)' is not defined")
    def names_not_handed_over(program):
        """A name is not defined. exec knows what stands in the dict that it is given, and leaves y
        there: put torch, x and c into it, and read y from it."""
        exec(program, {})
        return y  # noqa: F821

    def everything_is_false(program, x, c):
        """You say that nothing made inside a block requires grad. Results of operations do not. New
        leaves that ask for it do, views of x repeat its flag, and an edit in place leaves the flag
        and the history that were there."""
        made_inside = program.splitlines()[-1].startswith(" ") or "h.add_" in program
        return (False, True) if made_inside else _flags(program, x, c)

    def blocks_ignored(program, x, c):
        """You did not look at the blocks. Inside no_grad and inference mode operations are not
        recorded: their results do not require grad."""
        recorded = program.replace("no_grad", "enable_grad")
        return _flags(recorded.replace("inference_mode", "enable_grad"), x, c)

    def new_leaves_lose_the_flag(program, x, c):
        """You let no_grad switch off requires_grad=True and nn.Parameter. The modes decide what is
        recorded of operations; a new leaf that asks for grad gets its flag in every mode."""
        return (False, True) if _is_new_leaf(program) else _flags(program, x, c)

    def factories_lose_the_flag(program, x, c):
        """You let the modes switch off requires_grad=True in torch.ones. They decide what is
        recorded of operations; a new leaf that asks for grad gets its flag in every mode."""
        return (False, True) if "torch.ones" in program else _flags(program, x, c)

    def parameters_lose_the_flag(program, x, c):
        """You let no_grad switch off the flag of an nn.Parameter. It decides what is recorded of
        operations; a new parameter requires grad in every mode."""
        return (False, True) if "Parameter" in program else _flags(program, x, c)

    def views_lose_the_flag(program, x, c):
        """You say that a view of x made inside a block does not require grad. It repeats the flag
        of x, although nothing was recorded: no gradient goes from it to x."""
        copied = program.replace("y = x[:2]", "y = x[:2] * 1")
        return _flags(copied.replace("x.view(1, 3)", "x * 1"), x, c)

    def views_are_computed(program, x, c):
        """You say that a view of x is no leaf. Outside of the blocks that is so. Inside, the view
        was not recorded: it has no grad_fn, and what has none is a leaf."""
        viewed = "y = x[:2]" in program or "x.view" in program
        return (True, False) if viewed else _flags(program, x, c)

    def every_view_is_computed(program, x, c):
        """You say that a view made inside a block requires grad and is no leaf. It was not
        recorded, so it has no grad_fn and is a leaf; and it repeats the flag of what it looks
        at."""
        viewed = "[:2]" in program or "x.view" in program
        return (True, False) if viewed else _flags(program, x, c)

    def edits_lose_the_history(program, x, c):
        """You say that an edit inside no_grad takes the history of h away. The edit is not
        recorded, and what was recorded before stays: h keeps its grad_fn."""
        return (False, True) if "h.add_(1)" in program else _flags(program, x, c)

    def computed_is_never_a_leaf(program, x, c):
        """You take everything that an operation makes for a non-leaf. What does not require grad is
        a leaf, even if an operation made it."""
        requires_grad, is_leaf = _flags(program, x, c)
        return requires_grad, is_leaf and (requires_grad or _is_new_leaf(program))

    def enable_grad_ignored(program, x, c):
        """You let no_grad win over an enable_grad inside it. Of two blocks the inner one counts:
        there recording is on again."""
        return _flags(program.replace("enable_grad", "no_grad"), x, c)

    def outer_block_wins(program, x, c):
        """You let the outer one of two blocks win. The inner one counts; only inference mode is not
        undone by an enable_grad inside it."""
        first, *rest = program.splitlines()
        nested = bool(rest) and rest[0].strip().startswith("with")
        return _flags("\n".join((first, "    if True:", *rest[1:])) if nested else program, x, c)

    def inference_mode_undone(program, x, c):
        """You let enable_grad undo inference mode. It cannot: inside, operations give inference
        tensors, which do not require grad."""
        return _flags(program.replace("inference_mode", "no_grad"), x, c)

    def constants_stay_off(program, x, c):
        """You say that what is computed later from such a tensor does not require grad either. It
        is a constant from then on: combined with x, outside of the block, the result is
        recorded."""
        later = program.endswith(("y = h * x", "y = h + x"))
        return (False, True) if later else _flags(program, x, c)

    def decorator_ignored(program, x, c):
        """You overlooked the decorator: the whole body of f runs inside no_grad, whoever calls
        it."""
        return _flags(program.replace("@torch.no_grad()\n", ""), x, c)

    def decorator_stays_in_force(program, x, c):
        """You let the decorator switch recording off for the rest of the program. It holds while f
        runs, and not outside of it."""
        later = "@torch.no_grad" in program and "f(x)" not in program.splitlines()[-1]
        return (False, True) if later else _flags(program, x, c)
