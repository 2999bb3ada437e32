"""References and mistakes of the exercises on the paths through a graph."""

import torch
from torch import Tensor

from grader.trusted.key import Key

Pair = tuple[Tensor, Tensor]


class TwoPathGradKey(Key, task="two_path_grad"):
    def reference(x: Tensor, w: Tensor) -> Pair:
        x, w = x.clone().requires_grad_(), w.clone().requires_grad_()
        dx, dw = torch.autograd.grad(((x + w) * (w + 1)).sum(), (x, w))
        return dx, dw

    def x_left_out(w):
        """Your dw is that of (w + 1) * w: x is missing in it. Along the path through the second
        factor the first one, x + w, is the derivative."""
        return w + 1, 2 * w + 1

    def first_path_only(w):
        """You followed only the path from w through a = x + w. w also reaches y through
        b = w + 1: add the derivative along that path."""
        return w + 1, w + 1

    def paths_subtracted(x, w):
        """You took one path from w off the other. Derivatives are added where paths meet: both
        factors of a product count with a plus."""
        return w + 1, (w + 1) - (x + w)

    def second_path_only(x, w):
        """You followed only the path from w through b = w + 1. w also reaches y through
        a = x + w: add the derivative along that path."""
        return w + 1, x + w

    def product_of_paths(x, w):
        """You multiplied the two paths from w to y. Derivatives are multiplied along a path, and
        added where paths meet."""
        return w + 1, (w + 1) * (x + w)

    def forgot_plus_one(x, w):
        """You took the second factor for w. It is w + 1, so a gets the gradient w + 1."""
        return w.clone(), x + 2 * w

    def swapped(x, w):
        """You returned (dw, dx). The answer is the pair (dx, dw)."""
        return x + 2 * w + 1, w + 1

    def dx_taken_for_one(x, w):
        """Your dx is 1, the derivative of the factor x + w alone. It is multiplied by the other
        factor: dx = w + 1."""
        return torch.ones_like(x), x + 2 * w + 1

    def dx_by_division(x, w):
        """You divided the product by its factor x + w, which is nan where that is 0. The derivative
        by a factor of a product is the other factor: dx = w + 1."""
        dx = (x + w) * (w + 1) / (x + w)
        return dx, x + w + 1 + w

    def both_by_division(x, w):
        """You divided the product by a factor, which is nan where that is 0. The derivative by a
        factor of a product is the other factor: w + 1 along one path, x + w along the other."""
        product = (x + w) * (w + 1)
        return product / (x + w), product / (x + w) + product / (w + 1)

    def dx_by_division_and_dw_from_it(x, w):
        """You divided the product by its factor x + w, which is nan where that is 0. The derivative
        by a factor of a product is the other factor: dx = w + 1."""
        dx = (x + w) * (w + 1) / (x + w)
        return dx, dx + (x + w)

    def square_of_w(x, w):
        """Your dw is w + x + 1, so w was counted once. y holds w * w, whose derivative is 2 * w:
        follow both paths from w and add them."""
        return w + 1, x + w + 1

    def both_are_dx_and_more(x, w):
        """You gave both the derivative dw. x reaches y through the first factor alone: its
        derivative is w + 1."""
        return x + 2 * w + 1, x + 2 * w + 1

    def values_returned(x, w):
        """You returned the two factors, x + w and w + 1. Those are values; the derivative through a
        factor is the other factor."""
        return x + w, w + 1

    def y_itself(x, w):
        """You returned y. Its derivatives are asked for, one for each entry of x and of w."""
        y = ((x + w) * (w + 1)).sum()
        return y, y

    def own_factor_twice(x, w):
        """Your dw is twice w + 1, the derivative along the first path. Along the second, through
        b = w + 1, the derivative is the other factor, x + w."""
        return w + 1, 2 * (w + 1)

    def other_factor_twice(x, w):
        """Your dw is twice x + w, the derivative along the second path. Along the first, through
        a = x + w, the derivative is the other factor, w + 1."""
        return w + 1, 2 * (x + w)

    def averaged(x, w):
        """You differentiated the mean. y is the sum, so nothing is divided by n."""
        return (w + 1) / len(x), (x + 2 * w + 1) / len(x)

    def added_up(x, w):
        """You added the entries of each gradient up. A gradient has the shape of its tensor: leave
        one number for each entry."""
        return (w + 1).sum(), (x + 2 * w + 1).sum()


def _edges(a: Tensor, w1: Tensor, w2: Tensor, w3: Tensor, w4: Tensor) -> dict[str, Tensor]:
    names = ("a", "w1", "w2", "w3", "w4")
    leaves = [t.clone().requires_grad_() for t in (a, w1, w2, w3, w4)]
    a, w1, w2, w3, w4 = leaves
    loss = 10 - (w3 * (w1 * a) + w4 * (w2 * a))
    return dict(zip(names, torch.autograd.grad(loss, leaves), strict=True))


class EdgeProductsKey(Key, task="edge_products"):
    reference = _edges

    def both_paths_for_w4(a, w1, w2, w3, w4):
        """Your dL/dw4 is the sum over two paths, which is dL/da. w4 reaches L by one path: its
        derivative is -c."""
        grads = _edges(a, w1, w2, w3, w4)
        return grads | {"w4": grads["a"]}

    def sign_dropped(a, w1, w2, w3, w4):
        """Every derivative has the wrong sign. You forgot that L = 10 - d: the last edge
        multiplies by -1."""
        return {name: -grad for name, grad in _edges(a, w1, w2, w3, w4).items()}

    def upper_branch_only(a, w1, w2, w3, w4):
        """Your dL/da follows only the branch through b. a also reaches L through c: add
        -(w4 * w2)."""
        return _edges(a, w1, w2, w3, w4) | {"a": -(w3 * w1)}

    def lower_branch_only(a, w1, w2, w3, w4):
        """Your dL/da follows only the branch through c. a also reaches L through b: add
        -(w3 * w1)."""
        return _edges(a, w1, w2, w3, w4) | {"a": -(w4 * w2)}

    def product_of_paths(a, w1, w2, w3, w4):
        """You multiplied the two paths from a to L. Derivatives are multiplied along a path, and
        added where paths meet."""
        return _edges(a, w1, w2, w3, w4) | {"a": -(w3 * w1 * w4 * w2)}

    def product_of_signed_paths(a, w1, w2, w3, w4):
        """You multiplied the two paths from a to L. Derivatives are multiplied along a path, and
        added where paths meet."""
        return _edges(a, w1, w2, w3, w4) | {"a": w3 * w1 * w4 * w2}

    def stopped_at_the_middle(a, w1, w2, w3, w4):
        """Your dL/dw1, dL/dw2 and dL/da stop at b and c. Go on to L: b reaches it through w3, c
        through w4, and the last edge multiplies by -1."""
        return _edges(a, w1, w2, w3, w4) | {"a": w1 + w2, "w1": a.clone(), "w2": a.clone()}

    def upper_weights_exchanged(a, w1, w2, w3, w4):
        """You mixed up w3 and w4 on the way to w1, w2 and a. b goes on through w3, and c through
        w4."""
        return _edges(a, w1, w2, w4, w3) | {"w3": -w1 * a, "w4": -w2 * a}

    def crossed_on_the_way_from_a(a, w1, w2, w3, w4):
        """Your dL/da crosses the two paths: w1 leads to b, which goes on through w3, and w2 to c,
        which goes on through w4. Multiply what lies on one path: -(w3 * w1 + w4 * w2)."""
        return _edges(a, w1, w2, w3, w4) | {"a": -(w1 * w4 + w2 * w3)}

    def last_weights_exchanged(a, w1, w2, w3, w4):
        """Your dL/dw3 and dL/dw4 are exchanged. w3 stands in front of b, and w4 in front of c."""
        return _edges(a, w1, w2, w3, w4) | {"w3": -w2 * a, "w4": -w1 * a}

    def first_weights_exchanged(a, w1, w2, w3, w4):
        """Your dL/dw1 and dL/dw2 are exchanged. w1 makes b, which goes on through w3; w2 makes c,
        which goes on through w4."""
        return _edges(a, w1, w2, w3, w4) | {"w1": -w4 * a, "w2": -w3 * a}

    def differentiated_d(a, w1, w2, w3, w4):
        """Your dL/da has the wrong sign, and the others are right. The last edge, L = 10 - d,
        multiplies every path by -1."""
        return _edges(a, w1, w2, w3, w4) | {"a": w3 * w1 + w4 * w2}

    def sign_lost_for_the_first(a, w1, w2, w3, w4):
        """Your dL/dw1 and dL/dw2 have the wrong sign, and the others are right. The last edge,
        L = 10 - d, multiplies every path by -1."""
        return _edges(a, w1, w2, w3, w4) | {"w1": w3 * a, "w2": w4 * a}

    def sign_lost_for_the_last(a, w1, w2, w3, w4):
        """Your dL/dw3 and dL/dw4 have the wrong sign, and the others are right. The last edge,
        L = 10 - d, multiplies every path by -1."""
        return _edges(a, w1, w2, w3, w4) | {"w3": w1 * a, "w4": w2 * a}

    def sign_lost_for_a(a, w1, w2, w3, w4):
        """The path from a through c has the wrong sign, and the one through b is right. The last
        edge, L = 10 - d, multiplies both by -1: -(w3 * w1 + w4 * w2)."""
        return _edges(a, w1, w2, w3, w4) | {"a": -w3 * w1 + w4 * w2}

    def sign_lost_on_the_way_through_b(a, w1, w2, w3, w4):
        """The path from a through b has the wrong sign, and the one through c is right. The last
        edge, L = 10 - d, multiplies both by -1: -(w3 * w1 + w4 * w2)."""
        return _edges(a, w1, w2, w3, w4) | {"a": w3 * w1 - w4 * w2}

    def own_weight_kept(a, w1, w2, w3, w4):
        """Your dL/dw1 and dL/dw2 hold w1 and w2. Those are db/da and dc/da. The derivative of a
        product by one factor is the other one: db/dw1 is a, and so is dc/dw2."""
        return _edges(a, w1, w2, w3, w4) | {"w1": -w3 * w1, "w2": -w4 * w2}

    def last_weights_kept(a, w1, w2, w3, w4):
        """Your dL/dw3 and dL/dw4 still hold the factors w3 and w4. The derivative of a product by
        one factor is the other one: that of w3 * b by w3 is b, and that of w4 * c by w4 is c."""
        return _edges(a, w1, w2, w3, w4) | {"w3": -w3 * w1 * a, "w4": -w4 * w2 * a}

    def a_kept(a, w1, w2, w3, w4):
        """Your dL/da still holds the factor a: it is -d. The derivative of w1 * a by a is w1, so a
        falls out of both paths."""
        return _edges(a, w1, w2, w3, w4) | {"a": -(w3 * w1 + w4 * w2) * a}

    def a_left_out_at_the_last(a, w1, w2, w3, w4):
        """Your dL/dw3 and dL/dw4 lack the factor a. w3 multiplies b, which is w1 * a, and w4
        multiplies c, which is w2 * a."""
        return _edges(a, w1, w2, w3, w4) | {"w3": -w1, "w4": -w2}

    def constant_kept(a, w1, w2, w3, w4):
        """You kept the 10 of L = 10 - d. The derivative of a constant is 0: only -d is left."""
        return {name: 10 + grad for name, grad in _edges(a, w1, w2, w3, w4).items()}

    def added_up_over_passes(a, w1, w2, w3, w4):
        """Your gradients grow from one key to the next: every pass added to .grad. One pass fills
        all five, or use torch.autograd.grad."""
        found = _edges(a, w1, w2, w3, w4)
        return {name: (i + 1) * grad for i, (name, grad) in enumerate(found.items())}

    def divided_by_a(a, w1, w2, w3, w4):
        """Your dL/da is -d / a, which is nan where a is 0. It does not depend on a: add the
        products along the two paths, -(w3 * w1 + w4 * w2)."""
        d = w3 * w1 * a + w4 * w2 * a
        return _edges(a, w1, w2, w3, w4) | {"a": -d / a}

    def divided_by_each(a, w1, w2, w3, w4):
        """Your derivatives are -d / a, -d / w1 and so on. That is right where every path leads
        through the number, as for a. A weight has one path: dL/dw1 is -w3 * a, and w2 and w4 have
        no part in it. And where the number is 0 the quotient is nan."""
        d = w3 * w1 * a + w4 * w2 * a
        given = {"a": a, "w1": w1, "w2": w2, "w3": w3, "w4": w4}
        return {name: -d / value for name, value in given.items()}

    def values_returned(a, w1, w2, w3, w4):
        """You returned the five numbers themselves. The derivatives of L with respect to them are
        asked for."""
        return {"a": a, "w1": w1, "w2": w2, "w3": w3, "w4": w4}

    def weights_added(a, w1, w2, w3, w4):
        """Along a path from a to L you added the weights. Derivatives are multiplied along a path,
        and added where paths meet."""
        return _edges(a, w1, w2, w3, w4) | {"a": -(w1 + w3 + w2 + w4)}

    def first_edge_left_out(a, w1, w2, w3, w4):
        """Your dL/dw1 and dL/dw2 are the weights w3 and w4 alone, with the sign. The first edge
        counts too: b = w1 * a, so db/dw1 is a."""
        return _edges(a, w1, w2, w3, w4) | {"w1": -w3, "w2": -w4}

    def second_edge_left_out(a, w1, w2, w3, w4):
        """Your dL/dw1 and dL/dw2 are both -a: the first edge and the last, without the one between.
        That counts too: d = w3 * b + w4 * c, so dd/db is w3 and dd/dc is w4."""
        return _edges(a, w1, w2, w3, w4) | {"w1": -a, "w2": -a}

    def divided_by_inner_weights(a, w1, w2, w3, w4):
        """Your dL/dw1 and dL/dw2 are quotients with w1 and w2 below, nan where those are 0. Neither
        depends on its own weight: they are -w3 * a and -w4 * a."""
        quotients = {"w1": -w3 * (w1 * a) / w1, "w2": -w4 * (w2 * a) / w2}
        return _edges(a, w1, w2, w3, w4) | quotients

    def first_key_only(a, w1, w2, w3, w4):
        """You returned the derivative for a and no other. Give an entry to w1, w2, w3 and w4 as
        well; a `return` inside a loop ends it in its first round."""
        return {"a": _edges(a, w1, w2, w3, w4)["a"]}
