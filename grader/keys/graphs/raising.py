"""Reference and mistakes of the exercise that predicts which passes raise."""

import contextlib
from collections.abc import Callable

import torch
from torch import Tensor

from grader.trusted.families.tables import inverted
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


def _saves_anything(node: object) -> bool:
    """Whether a node has an attribute of something saved: a tensor, a number or a shape."""
    return any(name.startswith("_saved") for name in dir(node))


def _is_a_line(expression: str, x: Tensor, *points: float) -> bool:
    """Whether the values at three points with one distance lie on a line."""
    low, middle, high = (_value(expression, torch.full_like(x, point)) for point in points)
    return bool(torch.isclose(low + high, 2 * middle))


def _packed(expression: str, x: Tensor) -> int:
    """How many tensors are handed to the hooks for saved ones while the expression is computed."""
    found: list[Tensor] = []

    def pack(tensor: Tensor) -> Tensor:
        found.append(tensor)
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        _value(expression, x)
    return len(found)


def _by_sign(name: str, what: str, *signs: str) -> tuple[Callable[..., bool], ...]:
    """The belief that expressions with one of the signs raise, and no other."""

    def believed(expression: str, x: Tensor, retain_graph: bool) -> bool:
        return bool(retain_graph) or not any(sign in expression for sign in signs)

    def unaware(expression: str, x: Tensor, retain_graph: bool) -> bool:
        return not any(sign in expression for sign in signs)

    sentence = (
        f"You let {what} raise, going by the text of the expression. What counts is whether a node "
        "saves a tensor: x * 2, x / x, exp, powers, relu and sin do; x + 1, -x, x.sum(), a view "
        "and a clone do not."
    )
    whatever = "And retain_graph=True keeps what is saved: the second pass runs then."
    return (
        mistake(f"only_{name}_raise", sentence, believed),
        mistake(f"only_{name}_raise_always", f"{sentence} {whatever}", unaware),
    )


def _only_these_run(name: str, what: str, *signs: str) -> tuple[Callable[..., bool], ...]:
    """The belief that expressions with one of the signs run twice, and no other."""

    def believed(expression: str, x: Tensor, retain_graph: bool) -> bool:
        return bool(retain_graph) or any(sign in expression for sign in signs)

    sentence = (
        f"You let {what} alone run twice, going by the text. A leaf, x.sum(), -x, a view and a "
        "clone save no tensor either; and one node that saves something is enough to raise, as in "
        "(x + 1).exp() - 3."
    )
    return (mistake(f"only_{name}_run", sentence, believed),)


class WillItRaiseKey(Key, task="will_it_raise"):
    families = (
        *inverted(
            _survives,
            "True says that the second call runs, and False that it raises: look at what you "
            "return in the except clause.",
        ),
        *_by_sign("powers", "powers", "**")[:1],
        *_by_sign("stars", "products and powers", "*"),
        *_by_sign("powers_and_exp", "powers and exp", "**", "exp"),
        *_by_sign("stars_and_exp", "products, powers and exp", "*", "exp"),
        *_only_these_run("sums", "sums and differences", "+", "-"),
        *_only_these_run("plus", "sums", "+"),
        *_by_sign("arithmetic", "products, quotients, powers and exp", "*", "/", "exp"),
        *_by_sign("calls", "functions such as exp, sin and sum", "("),
    )
    reference = _survives

    @raises(r"element 0 of tensors does not require grad")
    def nothing_recorded(expression, x):
        """You ran the expression inside no_grad(), or on an x that does not require grad: nothing
        is recorded, so that the first call of backward raises, too. Hand x itself over, or a copy
        that requires grad, and let the expression be recorded."""
        eval(expression, {"x": x.detach()}).backward()

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

    def root_attributes_counted(expression, x, retain_graph):
        """You looked at the last operation alone, and for every attribute that begins with _saved.
        Some hold a number or a shape, as those of x + 1 and x.sum(), which no pass frees; and the
        nodes before it count as well. Run both passes, or look for _raw_saved in all nodes."""
        return bool(retain_graph) or not _saves_anything(_value(expression, x).grad_fn)

    def all_attributes_counted(expression, x, retain_graph):
        """You took every attribute that begins with _saved for a tensor. Some hold a number or a
        shape, as those of x + 1 and x.sum(), and no pass frees them. Tensors stand behind those
        that begin with _raw_saved."""
        nodes = [_value(expression, x).grad_fn]
        for node in nodes:
            nodes.extend(n for n, _ in getattr(node, "next_functions", ()) if n is not None)
        return bool(retain_graph) or not any(map(_saves_anything, nodes))

    def only_exp_saves(expression, retain_graph):
        """You let exp alone raise. Products, quotients, powers, relu and sin save tensors as well,
        and the first pass frees them."""
        return bool(retain_graph) or "exp" not in expression

    def products_save_nothing(expression, x, retain_graph):
        """You let x * 2 run twice. The node of a product saves what it multiplies by, even a
        number, and the first pass frees it."""
        return expression == "x * 2" or _survives(expression, x, retain_graph)

    def linear_ones_run(expression, x, retain_graph):
        """You let an expression run twice where y is a line in x, as x * 2 and x / x are. What
        counts is what the nodes save: a product saves what it multiplies by, and the first pass
        frees it."""
        return bool(retain_graph) or _is_a_line(expression, x, 0.3, 1.1, 1.9)

    def linear_ones_run_on_both_sides_of_0(expression, x, retain_graph):
        """You let an expression run twice where y is a line in x, as x * 2 and x / x are. What
        counts is what the nodes save: a product saves what it multiplies by, and the first pass
        frees it."""
        return bool(retain_graph) or _is_a_line(expression, x, -1.3, 0.2, 1.7)

    def saving_counted_by_hooks(expression, x, retain_graph):
        """You counted what is saved while y is computed. A number, as in x * 2, is saved without a
        call of saved_tensors_hooks, and what detach() cuts off is saved and no pass goes there. Run
        both passes, and see."""
        return bool(retain_graph) or not _packed(expression, x)

    def cut_off_part_raises(expression, x, retain_graph):
        """You let an expression raise that saved something behind detach(). No pass goes there:
        start at y, and look at the nodes that next_functions lead to."""
        return "detach" not in expression and _survives(expression, x, retain_graph)

    def sums_save_something(expression, x, retain_graph):
        """You let x.sum(), -x, a view or a clone raise. Their nodes save no tensor: what arrives is
        handed on, with a sign or in another shape."""
        simple = expression in ("x.sum()", "-x", "x.view(1)", "x.clone()")
        return not (simple and not retain_graph) and _survives(expression, x, retain_graph)

    def leaf_raises(expression, x, retain_graph):
        """You let the leaf x itself raise. Its node, AccumulateGrad, saved nothing that could have
        been freed: both passes add 1 to x.grad."""
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
        the nodes of an addition and of a leaf save none."""
        return False

    def seen_by_the_gradient(expression, x, retain_graph):
        """You looked whether the second pass changed x.grad. Where the gradient is 0, as that of
        round is, it runs and changes nothing. Ask whether the call raises: `try`, and `except
        RuntimeError`."""
        y = eval(expression, {"x": x})
        y.backward(retain_graph=retain_graph)
        first = x.grad.clone()
        with contextlib.suppress(RuntimeError):
            y.backward()
        return not torch.equal(first, x.grad)

    def never_raises():
        """You answer True always. A node that saved tensors, such as that of a product, cannot run
        a second time once they are freed."""
        return True

    def every_non_leaf_raises(expression, retain_graph):
        """You take every non-leaf for one that raises. Only nodes that saved something do:
        x + 1, -x and x.sum() can run backward again."""
        return expression == "x" or retain_graph

    def retain_graph_ignored(expression, x):
        """retain_graph has no effect on your answers. It belongs into the first of two calls: it
        keeps what that pass would free, so that the second one finds it. A third is not asked
        about."""
        return _survives(expression, x, False)
