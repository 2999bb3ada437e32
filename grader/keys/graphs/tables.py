"""Reference and mistakes of the exercise that predicts which flags a result has."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from grader.trusted.families.tables import Rule, flag_pairs, rule_pairs
from grader.trusted.key import Key, mistake


def _computed(expression: str, x: Tensor, c: Tensor, no_grad: bool) -> Tensor:
    with torch.set_grad_enabled(not no_grad):
        value = eval(expression, {"x": x, "c": c, "torch": torch})
    assert isinstance(value, Tensor)
    return value


def _flags(expression: str, x: Tensor, c: Tensor, no_grad: bool) -> tuple[bool, bool]:
    value = _computed(expression, x, c, no_grad)
    return value.requires_grad, value.is_leaf


def _pretend(text: str) -> Callable[..., tuple[bool, bool]]:
    """The flags under the belief that expressions containing `text` hand requires_grad on."""

    def believed(expression: str, x: Tensor, c: Tensor, no_grad: bool) -> tuple[bool, bool]:
        if text in expression and not no_grad:
            return True, False
        return _flags(expression, x, c, no_grad)

    return believed


_FLAG = (
    Rule(
        "mode",
        "Your requires_grad is the opposite of no_grad. With recording on, c and what is computed "
        "from it alone do not require grad; inside no_grad, x keeps its flag.",
        lambda expression, x, c, no_grad: not no_grad,
    ),
    Rule(
        "letter",
        "Your requires_grad goes by the letter x in the text. It is in exp, too; comparisons, "
        "integers and zeros_like(x) do not require grad; and x keeps its flag inside no_grad.",
        lambda expression, x, c, no_grad: "x" in expression and not no_grad,
    ),
    Rule(
        "letter_in_every_mode",
        "Your requires_grad goes by the letter x in the text, in every mode. It is in exp, too; "
        "comparisons, integers and zeros_like(x) do not require grad; and nor do results inside "
        "no_grad.",
        lambda expression, x, c, no_grad: "x" in expression,
    ),
    Rule(
        "start",
        "Your requires_grad goes by an x at the start of the text. Comparisons and integers do not "
        "require grad, an x further on counts as well, and x keeps its flag inside no_grad.",
        lambda expression, x, c, no_grad: expression.startswith("x") and not no_grad,
    ),
    Rule(
        "no_c",
        "Your requires_grad is False wherever c stands in the text. One input that requires grad "
        "is enough, so x + c does; comparisons and integers do not; and x keeps its flag inside "
        "no_grad.",
        lambda expression, x, c, no_grad: "c" not in expression and not no_grad,
    ),
    Rule(
        "dtype",
        "Your requires_grad is True for every floating point result outside of no_grad. c and what "
        "is computed from it alone do not require grad; and x keeps its flag inside no_grad.",
        lambda expression, x, c, no_grad: (
            _computed(expression, x, c, no_grad).is_floating_point() and not no_grad
        ),
    ),
    Rule(
        "dtype_in_every_mode",
        "Your requires_grad is True for every floating point result. One of its inputs has to "
        "require grad, and recording has to be on.",
        lambda expression, x, c, no_grad: _computed(expression, x, c, no_grad).is_floating_point(),
    ),
    Rule(
        "input_is_x",
        "Your requires_grad is True for all that is computed from x. Comparisons, integers and "
        "zeros_like(x) do not require grad, and nor do results inside no_grad.",
        lambda expression, x, c, no_grad: "x" in expression.replace("exp", ""),
    ),
    Rule(
        "recorded_input_is_x",
        "Your requires_grad is True for all that is computed from x outside of no_grad. "
        "Comparisons, integers and zeros_like(x) do not require grad, and nor does what detach() "
        "gives; and x keeps its flag inside no_grad.",
        lambda expression, x, c, no_grad: "x" in expression.replace("exp", "") and not no_grad,
    ),
)
_LEAF = (
    Rule(
        "names_are_leaves",
        "Your is_leaf is True for x and c alone. Every tensor that does not require grad is a "
        "leaf.",
        lambda expression, x, c, no_grad: expression in ("x", "c"),
    ),
    Rule(
        "x_is_the_leaf",
        "Your is_leaf is True for x alone. Every tensor that does not require grad is a leaf, such "
        "as c.",
        lambda expression, x, c, no_grad: expression == "x",
    ),
    Rule(
        "leaf_with_recording_on",
        "Your is_leaf is that of a tensor computed with recording on, also where no_grad is True: "
        "compute inside the block.",
        lambda expression, x, c, no_grad: _computed(expression, x, c, False).is_leaf,
    ),
    Rule(
        "mode_makes_leaves",
        "Your is_leaf is True inside no_grad, and False outside. There, too, x and all that does "
        "not require grad are leaves.",
        lambda expression, x, c, no_grad: no_grad,
    ),
)


def _opposites(rules: Sequence[Rule]) -> tuple[Callable[..., tuple[bool, bool]], ...]:
    """The same rules for requires_grad, with is_leaf as its opposite."""

    def pair(rule: Rule) -> Callable[..., tuple[bool, bool]]:
        return lambda *given: (bool(rule.decides(*given)), not rule.decides(*given))

    sentence = "And is_leaf is not the opposite of requires_grad: x is a leaf that requires grad."
    return tuple(
        mistake(f"{rule.name}_and_its_opposite", f"{rule.sentence} {sentence}", pair(rule))
        for rule in rules
    )


def _consistent(rules: Sequence[Rule]) -> tuple[Callable[..., tuple[bool, bool]], ...]:
    """The same rules for requires_grad, with the right is_leaf for what they say: x and c are
    leaves, and so is what does not require grad."""

    def pair(rule: Rule) -> Callable[..., tuple[bool, bool]]:
        def flags(expression: str, x: Tensor, c: Tensor, no_grad: bool) -> tuple[bool, bool]:
            wants = bool(rule.decides(expression, x, c, no_grad))
            return wants, expression in ("x", "c") or not wants

        return flags

    sentence = "Your is_leaf follows from it."
    return tuple(
        mistake(f"{rule.name}_and_what_follows", f"{rule.sentence} {sentence}", pair(rule))
        for rule in rules
    )


class RequiresGradTableKey(Key, task="requires_grad_table"):
    families = (
        *flag_pairs(_computed),
        *rule_pairs(
            (
                lambda *given: _computed(*given).requires_grad,
                lambda *given: _computed(*given).is_leaf,
            ),
            _FLAG,
            _LEAF,
            frozenset({"names_are_leaves", "x_is_the_leaf"}),
        ),
        *_opposites(_FLAG[1:]),
        *_consistent(_FLAG),
    )
    reference = _flags

    def computed_is_never_a_leaf_and_x_is(expression, x, c, no_grad):
        """You take c and every result for non-leaves. c is a leaf, because no recorded operation
        made it, and so is each result that does not require grad."""
        return _flags(expression, x, c, no_grad)[0], expression == "x"

    def x_cloned(expression, x, c, no_grad):
        """What you put into the dict under x was computed from x, as a clone is. It is no leaf
        where recording is on, and loses the flag where it is off. Put x itself in."""
        with torch.set_grad_enabled(not no_grad):
            x = x.clone()
        return _flags(expression, x, c, no_grad)

    def x_cloned_while_recording(expression, x, c, no_grad):
        """What you put into the dict under x was computed from x, as a clone is: it is no leaf,
        inside no_grad neither. Put x itself in."""
        return _flags(expression, x.clone(), c, no_grad)

    def no_grad_turned_round(expression, x, c, no_grad):
        """You recorded where no_grad is True, and did not record where it is False.
        torch.set_grad_enabled takes True for recording: hand it `not no_grad`."""
        return _flags(expression, x, c, not no_grad)

    def flag_switched_afterwards(expression, x, c, no_grad):
        """You computed with recording on, and said False where no_grad is True. Then is_leaf is
        that of a recorded tensor, and x itself loses a flag that it keeps: compute inside the
        block."""
        requires_grad, is_leaf = _flags(expression, x, c, False)
        return requires_grad and not no_grad, is_leaf

    def never_recorded(expression, x, c, no_grad):
        """You computed everything inside no_grad(), also where no_grad is False. Switch recording
        off only where it is True."""
        return _flags(expression, x, c, True)

    def x_loses_its_flag(expression, x, c, no_grad):
        """You let no_grad switch off the flag of x itself. It decides what is recorded of
        operations; x is an old tensor, and keeps its flag. A tensor that is made with
        requires_grad=True has it, too."""
        return (False, True) if no_grad else _flags(expression, x, c, no_grad)

    def x_alone_loses_its_flag(expression, x, c, no_grad):
        """You let no_grad switch off the flag of x itself. It decides what is recorded of
        operations; x is an old tensor, and keeps its flag."""
        alone = no_grad and expression == "x"
        return (False, True) if alone else _flags(expression, x, c, no_grad)

    def only_x_keeps_its_flag(expression, x, c, no_grad):
        """Inside no_grad you let x alone require grad. A new tensor that asks for it does as well:
        torch.ones(3, requires_grad=True) is no result, and the switch decides about those."""
        return (expression == "x", True) if no_grad else _flags(expression, x, c, no_grad)

    def new_leaf_taken_for_a_result(expression, x, c, no_grad):
        """You take a new tensor that requires grad for a non-leaf. No recorded operation made
        torch.ones(3, requires_grad=True): it is a leaf, as x is. Ask is_leaf, or whether grad_fn is
        None."""
        requires_grad, is_leaf = _flags(expression, x, c, no_grad)
        return requires_grad, is_leaf and (expression == "x" or not requires_grad)

    def shape_taken_for_values(expression, x, c, no_grad):
        """You let torch.zeros_like(x) require grad. It takes the shape and the dtype of x alone: no
        value of x goes into it, and nothing leads back to x."""
        alike = expression == "torch.zeros_like(x)" and not no_grad
        return (True, False) if alike else _flags(expression, x, c, no_grad)

    def complex_never_requires_grad(expression, x, c, no_grad):
        """You say that a complex result does not require grad. Complex tensors can, as floating
        point ones can: it is computed from x by a recorded operation."""
        if _computed(expression, x, c, no_grad).is_complex():
            return False, True
        return _flags(expression, x, c, no_grad)

    def detach_ignored(expression, x, c, no_grad):
        """You let the result of detach() require grad. It shares the values of x and has no
        history: it does not require grad, and is a leaf."""
        return _flags(expression.replace(".detach()", ".view(3)"), x, c, no_grad)

    def copies_are_leaves(expression, x, c, no_grad):
        """You take a clone or an entry of x for a leaf. Both are results of recorded operations,
        and have a grad_fn."""
        copied = expression in ("x.clone()", "x[0]")
        return (True, True) if copied else _flags(expression, x, c, no_grad)

    def copies_lose_the_flag(expression, x, c, no_grad):
        """You say that a clone or an entry of x does not require grad. Both are computed from x by
        recorded operations."""
        copied = expression in ("x.clone()", "x[0]")
        return (False, True) if copied else _flags(expression, x, c, no_grad)

    def text_decides(expression, x, c, no_grad):
        """You looked for the letter x in the text, and found it in exp, too. Ask whether the tensor
        x is an input."""
        if "x" in expression and "c" in expression and "x +" not in expression:
            return True, False
        return _flags(expression, x, c, no_grad)

    def both_must_ask(expression, x, c, no_grad):
        """You let x + c not require grad. One input that requires grad is enough."""
        return (False, True) if expression == "x + c" else _flags(expression, x, c, no_grad)

    def constants_require_grad(expression, x, c, no_grad):
        """You let c, or what is computed from c alone, require grad. It needs an input that does,
        and c does not."""
        alone = expression in ("c + 1", "c.clone()", "c.exp()", "torch.exp(c)") and not no_grad
        return (True, False) if alone else _flags(expression, x, c, no_grad)

    def everything_from_x(expression, x, c, no_grad):
        """You let everything computed from x require grad. Comparisons, argmax and integer casts
        have no gradient, so their results do not."""
        if any(text in expression for text in (">", "==", "argmax", "long")) and not no_grad:
            return True, False
        return _flags(expression, x, c, no_grad)

    def comparison_requires_grad(expression, x, c, no_grad):
        """You let a comparison require grad. Its result is boolean, and only floating point and
        complex tensors can."""
        if any(text in expression for text in (">", "==")) and not no_grad:
            return True, False
        return _flags(expression, x, c, no_grad)

    def argmax_requires_grad(expression, x, c, no_grad):
        """You let argmax require grad. It returns an integer position, which has no derivative."""
        return _pretend("argmax")(expression, x, c, no_grad)

    def cast_requires_grad(expression, x, c, no_grad):
        """You let .long() require grad. A cast to integers cuts the graph."""
        return _pretend("long")(expression, x, c, no_grad)

    def computed_is_never_leaf(expression, x, c, no_grad):
        """You take whatever an operation gave for a non-leaf. Only a recorded result is one: a
        tensor that does not require grad is a leaf."""
        requires_grad, _ = _flags(expression, x, c, no_grad)
        return requires_grad, expression in ("x", "c")

    def no_grad_ignored(expression, x, c):
        """no_grad has no effect on your answers. Inside torch.no_grad() nothing is recorded, and
        results do not require grad. It switches recording off for a `with` block: called on a line
        of its own it does nothing."""
        return _flags(expression, x, c, False)
