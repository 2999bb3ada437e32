"""References and mistakes of the exercises that predict."""

from collections.abc import Callable

import torch
from torch import Tensor

from grader.trusted.families.tables import flag_pairs, inverted
from grader.trusted.key import Key, mistake, raises


def _value(expression: str, x: Tensor) -> Tensor:
    y = eval(expression, {"x": x.detach().clone().requires_grad_()})
    assert isinstance(y, Tensor)
    return y


def _survives(expression: str, x: Tensor, retain_graph: bool) -> bool:
    y = _value(expression, x)
    y.backward(retain_graph=retain_graph)
    try:
        y.backward()
    except RuntimeError:
        return False
    return True


def _by_sign(name: str, what: str, *signs: str) -> tuple[Callable[..., bool], ...]:
    """The belief that expressions with one of the signs raise, and no other."""

    def believed(expression: str, x: Tensor, retain_graph: bool) -> bool:
        return bool(retain_graph) or not any(sign in expression for sign in signs)

    sentence = (
        f"You let {what} raise, going by the text of the expression. What counts is whether a node "
        "saves a tensor: x * 2, x / x, exp, powers, relu and sin do; x + 1, -x, x.sum(), a view "
        "and a clone do not."
    )
    return (mistake(f"only_{name}_raise", sentence, believed),)


class WillItRaiseKey(Key, task="will_it_raise"):
    families = (
        *inverted(
            _survives,
            "True says that the second call runs, and False that it raises: look at what you "
            "return in the except clause.",
        ),
        *_by_sign("powers", "powers", "**"),
        *_by_sign("stars", "products and powers", "*"),
        *_by_sign("powers_and_exp", "powers and exp", "**", "exp"),
        *_by_sign("stars_and_exp", "products, powers and exp", "*", "exp"),
        *_by_sign("calls", "functions such as exp, sin and sum", "("),
    )
    reference = _survives

    def retain_graph_returned(retain_graph):
        """You answer what retain_graph is. Without it a second pass still runs where no node saved
        a tensor: x + 1, -x and x.sum()."""
        return bool(retain_graph)

    def root_node_only(expression, x, retain_graph):
        """You looked at the last operation alone. The pass goes on to all nodes before it, and one
        of them may have saved a tensor: (x + 1).exp() - 3 raises."""
        y = _value(expression, x)
        saved = any(name.startswith("_raw_saved") for name in dir(y.grad_fn))
        return bool(retain_graph) or not saved

    def only_exp_saves(expression, retain_graph):
        """You let exp alone raise. Products, quotients, powers, relu and sin save tensors as well,
        and the first pass frees them."""
        return bool(retain_graph) or "exp" not in expression

    def products_save_nothing(expression, x, retain_graph):
        """You let x * 2 run twice. The node of a product saves what it multiplies by, even a
        number, and the first pass frees it."""
        return expression == "x * 2" or _survives(expression, x, retain_graph)

    def sums_save_something(expression, x, retain_graph):
        """You let x.sum(), -x, a view or a clone raise. Their nodes save no tensor: what arrives is
        handed on, with a sign or in another shape."""
        simple = expression in ("x.sum()", "-x", "x.view(1)", "x.clone()")
        return not (simple and not retain_graph) and _survives(expression, x, retain_graph)

    def leaf_raises(expression, x, retain_graph):
        """You let the leaf x itself raise. It has no node that could have freed anything: both
        passes add 1 to x.grad."""
        return expression != "x" and _survives(expression, x, retain_graph)

    @raises(r"backward through the graph a second time")
    def error_not_caught(expression, x, retain_graph):
        """The second backward raised, which is what you are asked about, and nothing caught it.
        torch raises RuntimeError here: put the second call into a try block, catch RuntimeError and
        return False."""
        y = _value(expression, x)
        y.backward(retain_graph=retain_graph)
        y.backward()
        return True

    def always_raises():
        """You answer False always. A second pass fails only where a node needs a tensor it saved;
        adding saves nothing, and a leaf has no node at all."""
        return False

    def never_raises():
        """You answer True always. A node that saved tensors, such as that of a product, cannot run
        a second time once they are freed."""
        return True

    def every_non_leaf_raises(expression, retain_graph):
        """You take every computed tensor for one that raises. Only nodes that saved something do:
        x + 1, -x and x.sum() can run backward again."""
        return expression == "x" or retain_graph

    def retain_graph_ignored(expression, x):
        """retain_graph has no effect on your answers. Hand it to the first call: it keeps what that
        pass would free, so that the second one finds it."""
        return _survives(expression, x, False)


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


class RequiresGradTableKey(Key, task="requires_grad_table"):
    families = (*flag_pairs(_computed),)
    reference = _flags

    def computed_is_never_a_leaf_and_x_is(expression, x, c, no_grad):
        """You take c and every result for non-leaves. c is a leaf, because no recorded operation
        made it, and so is each result that does not require grad."""
        return _flags(expression, x, c, no_grad)[0], expression == "x"

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

    def mode_decides(no_grad):
        """You went by no_grad alone. With recording on, c and c + 1 do not require grad, and x is a
        leaf; inside no_grad, x keeps its flag."""
        return not no_grad, bool(no_grad)

    def mode_decides_and_names_are_leaves(expression, no_grad):
        """You took requires_grad for the opposite of no_grad. With recording on, c and what is
        computed from it alone do not require grad; inside no_grad, x keeps its flag."""
        return not no_grad, no_grad or expression in ("x", "c")

    def letter_decides(expression, no_grad):
        """You looked for the letter x in the text, and took is_leaf for the opposite. exp holds an
        x, too; integers and truth values have no gradient; and x is a leaf that requires grad,
        inside no_grad as well."""
        found = "x" in expression and not no_grad
        return found, not found

    def letter_decides_in_every_mode(expression):
        """You looked for the letter x in the text, whatever no_grad is, and took is_leaf for the
        opposite. exp holds an x, too; integers and truth values have no gradient; x is a leaf that
        requires grad; and inside no_grad results do not require grad."""
        return "x" in expression, "x" not in expression

    def letter_decides_and_names_are_leaves(expression, no_grad):
        """You looked for the letter x in the text, and it is in exp, too. Integers and truth values
        do not require grad, x keeps its flag inside no_grad, and every tensor that does not require
        grad is a leaf."""
        return "x" in expression and not no_grad, expression in ("x", "c")

    def letter_decides_and_x_is_a_leaf(expression, no_grad):
        """You looked for the letter x in the text, and it is in exp, too. Integers and truth values
        computed from x do not require grad; inside no_grad x keeps its flag."""
        found = "x" in expression and not no_grad
        return found, not found or expression == "x"

    def never_recorded(expression, x, c, no_grad):
        """You computed everything inside no_grad(), also where no_grad is False. Switch recording
        off only where it is True."""
        return _flags(expression, x, c, True)

    def x_loses_its_flag(expression, x, c, no_grad):
        """You let no_grad switch off the flag of x itself. It decides what is recorded of
        operations; x is an old tensor, and keeps its flag."""
        return (False, True) if no_grad else _flags(expression, x, c, no_grad)

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
        """You take every computed tensor for a non-leaf. A tensor that does not require grad is a
        leaf, even if an operation made it."""
        requires_grad, _ = _flags(expression, x, c, no_grad)
        return requires_grad, expression in ("x", "c")

    def no_grad_ignored(expression, x, c):
        """You did not use no_grad. Inside it nothing is recorded: results do not require grad."""
        return _flags(expression, x, c, False)
