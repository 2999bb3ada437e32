"""References and mistakes of the exercises that stop a gradient on one branch."""

import copy
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from grader.trusted.families.calling import past_hooks
from grader.trusted.families.pairs import formula, of_formula
from grader.trusted.key import Key, raises

Function = Callable[[Tensor], Tensor]


class StopGradientBranchKey(Key, task="stop_gradient_branch"):
    def reference(f: Function, g: Function, x: Tensor) -> Tensor:
        with torch.no_grad():
            factor = g(x)
        return f(x) * factor

    def nothing_detached(f, g, x):
        """The values are right, and gradients come through both factors. Detach g(x). Detaching
        does not change a tensor: x.detach() on a line of its own has no effect."""
        return f(x) * g(x)

    def other_factor_detached(f, g, x):
        """You held f(x) constant, so that gradients come through g. It is the other way round."""
        return f(x.detach()) * g(x)

    def everything_detached(f, g, x):
        """The values are right, and no gradient reaches x at all: f(x) was cut off as well, or the
        product was. Detach g(x) alone."""
        return (f(x) * g(x)).detach()

    def factor_lost(f, g, x):
        """y is right, and its gradient is that of f(x) alone: g(x) does not multiply it. A constant
        factor stays in the gradient: multiply f(x) by g(x), detached."""
        y = f(x)
        return y + (y * g(x) - y).detach()

    def flag_set_afterwards(f, g, x):
        """Your result requires grad, and no gradient reaches x: its history begins at a new leaf.
        requires_grad_() makes one of a result without history, and of x.detach(). Compute
        f from x itself, and detach g(x) alone."""
        return (f(x) * g(x)).detach().requires_grad_()

    @raises(r"[Cc]an't detach views in-place")
    def cut_in_place(f, g, x):
        """You called detach_(), with an underscore, on what g returned. g may return a view of x,
        which refuses to be cut off in place. detach() gives another tensor."""
        return f(x) * g(x).detach_()

    def multiplied_in_place(f, g, x):
        """You multiplied f(x) in place. f may return a view of x, and then x holds other values
        afterwards. Write f(x) * g(x), which makes a new tensor."""
        with torch.no_grad():
            factor = g(x)
        return f(x).mul_(factor)

    def halved_gradient(f, g, x):
        """You returned the product of f(x) with itself. The second factor is g(x), held
        constant."""
        return f(x) * f(x).detach()

    def first_factor_dropped(f, g, x):
        """You returned g(x) without its history. f(x) is the other factor, through which gradients
        reach x."""
        return g(x).detach()

    def divided(f, g, x):
        """You divided by g(x). y is the product f(x) * g(x)."""
        return f(x) / g(x).detach()

    def applied_in_a_row(f, g, x):
        """You applied f to g(x). y is the product of f(x) and g(x)."""
        return f(g(x).detach())

    def summed(f, g, x):
        """You added the entries of the product up. y has the shape of f(x): return it as it is."""
        return (f(x) * g(x).detach()).sum()

    def second_factor_dropped(f, x):
        """You returned f(x). g(x) is held constant, and is still a factor of y."""
        return f(x)

    def added(f, g, x):
        """You added the two. y is the product f(x) * g(x)."""
        return f(x) + g(x).detach()


class StraightThroughKey(Key, task="straight_through"):
    def reference(x: Tensor) -> Tensor:
        rounded = x.detach().round()
        return rounded + (x - x.detach())

    def rounded_only(x):
        """The values are right, and the gradient is 0: that of torch.round, almost everywhere. In
        x + (round(x) - x) it stays 0, because x cancels, unless you detach the bracket."""
        return torch.round(x)

    def not_rounded(x):
        """The gradient is right, and nothing is rounded: your result is x. Add the detached
        difference between the rounded values and x."""
        return x.clone()

    def no_history(x):
        """The values are right, and the result has no history, so no gradient reaches x. Detach
        the difference between the rounded values and x, and add it to x itself."""
        return torch.round(x.detach())

    def flag_set_afterwards(x):
        """Your result requires grad, and no gradient reaches x: its history begins at a new leaf.
        requires_grad_() makes one of a result without history, and of x.detach(). Add the
        detached difference to x itself."""
        return torch.round(x.detach()).requires_grad_()

    def wrong_term_detached(x):
        """The gradient has the wrong sign: what arrives goes on with a minus. In
        x + (round(x) - x) that is so where the x that stands alone is detached, and the one in the
        bracket is not. Detach the difference instead."""
        return x.detach() + (torch.round(x) - x)

    def x_not_taken_off(x):
        """You added x to the rounded values. Its value has to be taken off again, without its
        gradient: subtract x.detach()."""
        return torch.round(x).detach() + x

    def difference_turned_round(x):
        """You took x less the rounded values for the difference, so your result is
        2 * x - round(x). Take the rounded values less x, detach that, and add it to x."""
        return x + (x - torch.round(x)).detach()

    def gradient_twice(x):
        """The gradient is 2 where it should be 1: x stands twice outside of what you detached."""
        return 2 * x + (torch.round(x) - 2 * x).detach()

    def arriving_gradient_ignored(x):
        """Your gradient is 1 everywhere, whatever arrives at the result. The backward of a Function
        returns what it is given: grad_output."""
        return _Straight.apply(x, "ones")

    def gradient_limited(x):
        """You limited the gradient that arrives to [-1, 1], as hardtanh does, which many pages add
        to this function. The task asks for the gradient as it arrives."""
        return _Straight.apply(x, "limited")

    def clipped(x):
        """You let gradients pass only where x lies between -1 and 1. The task asks for the gradient
        of the identity, everywhere."""
        return _Straight.apply(x, "clipped")

    def gradient_times_x(x):
        """You multiplied what arrives by x. The identity hands it on as it is."""
        return _Straight.apply(x, "times x")

    def gradient_times_result(x):
        """You multiplied what arrives by the rounded values. The identity hands it on as it is."""
        return _Straight.apply(x, "times result")

    def signs_taken(x):
        """You took the sign of x. torch.round goes to the nearest whole number."""
        return x + (torch.sign(x) - x).detach()

    def rounded_up(x):
        """You rounded up, as torch.ceil does. torch.round goes to the nearest whole number."""
        return x + (torch.ceil(x) - x).detach()

    def halves_rounded_away(x):
        """You round halves away from 0. torch.round takes a half to the even neighbour: 0.5 to 0,
        and 2.5 to 2."""
        away = torch.sign(x) * torch.floor(x.abs() + 0.5)
        return x + (away - x).detach()

    def as_a_factor(x):
        """You multiplied x by round(x) / x, so the gradient is that factor, and nan where x is 0.
        Add the detached difference instead: its derivative is 0, and that of x is 1."""
        return x * (torch.round(x) / x).detach()

    def cast_to_integers(x):
        """You cut off the digits after the point, and no gradient comes through. A cast to integers
        and back does both, and so does torch.trunc without its history. Use torch.round, and add
        the detached difference to x."""
        return x.detach().trunc()

    def difference_alone(x):
        """You returned round(x) - x, detached or not. Add it to x."""
        return (torch.round(x) - x).detach()

    def rounded_down(x):
        """You rounded down, as torch.floor does. torch.round goes to the nearest whole number."""
        return x + (torch.floor(x) - x).detach()

    def cut_towards_zero(x):
        """You cut off the digits after the point, as a cast to integers and torch.trunc do.
        torch.round goes to the nearest whole number."""
        return x + (torch.trunc(x) - x).detach()

    def halves_rounded_up(x):
        """You round halves up, as floor(x + 0.5) does. torch.round takes a half to the even
        neighbour: 0.5 to 0, and 2.5 to 2."""
        return x + (torch.floor(x + 0.5) - x).detach()


class _Straight(torch.autograd.Function):
    """Rounds, and hands back another gradient than what arrives."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, how: str) -> Tensor:
        ctx.how = how
        ctx.save_for_backward(x)
        return x.round()

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> tuple[Tensor, None]:
        (x,) = ctx.saved_tensors
        found = {
            "ones": torch.ones_like(x),
            "clipped": grad_output * (x.abs() <= 1),
            "limited": grad_output.clamp(-1, 1),
            "times x": grad_output * x,
            "times result": grad_output * x.round(),
        }
        return found[ctx.how], None


Net = torch.nn.Module


@formula
def _td(value, reward, following, gamma, *, mean=True):
    """The loss from values of shape (N,)."""
    squares = (reward + gamma * following - value) ** 2
    return squares.mean() if mean else squares.sum()


def _in_mode(net: Net, s: Tensor, *, training: bool) -> Tensor:
    """net(s) with all parts in one mode; each has its own again afterwards."""
    modes = [(module, module.training) for module in net.modules()]
    value: Tensor = net.train(training)(s)
    for module, flag in modes:
        module.training = flag
    return value


class TargetNetworkKey(Key, task="target_network"):
    def reference(q: Net, q_target: Net, s: Tensor, r: Tensor, s2: Tensor, gamma: float) -> Tensor:
        with torch.no_grad():
            following = q_target(s2)[:, 0]
        return _td(q(s)[:, 0], r, following, gamma)

    families = past_hooks(reference, "q(s)")

    def target_learns(q, q_target, s, r, s2, gamma):
        """The loss is right, and gradients also come through q_target(s2): the target moves towards
        q while q moves towards it. Compute the target without recording, or detach it."""
        return _td(q(s)[:, 0], r, q_target(s2)[:, 0], gamma)

    def wrong_branch_cut(q, q_target, s, r, s2, gamma):
        """The loss is right, and you cut the wrong branch: gradients come through q_target(s2), and
        none through q(s). q is to learn, and the target to stay."""
        return _td(q(s)[:, 0].detach(), r, q_target(s2)[:, 0], gamma)

    def nothing_learns(q, q_target, s, r, s2, gamma):
        """The loss is right, and no gradient reaches q: both branches were cut, or the loss itself.
        Only what comes from q_target is a constant."""
        return _td(q(s)[:, 0], r, q_target(s2)[:, 0], gamma).detach()

    def target_frozen(q, q_target, s, r, s2, gamma):
        """You switched requires_grad off in q_target. That outlasts your function, and if q_target
        is q itself, nothing learns any more. Detach the target instead."""
        q_target.requires_grad_(False)
        return _td(q(s)[:, 0], r, q_target(s2)[:, 0], gamma)

    def detached_if_another(q, q_target, s, r, s2, gamma):
        """You detached the target only where q_target is another module than q. Where they are one,
        gradients come through q_target(s2) as well: it is a constant there, too."""
        following = q_target(s2)[:, 0]
        return _td(q(s)[:, 0], r, following if q is q_target else following.detach(), gamma)

    def parameters_of_the_target_learn(q, q_target, s, r, s2, gamma):
        """The loss is right, and gradients also come through q_target(s2): the target moves towards
        q while q moves towards it. Compute the target without recording, or detach it."""
        return _td(q(s)[:, 0], r, q_target(s2.detach())[:, 0], gamma)

    def next_state_learns(q, q_target, s, r, s2, gamma):
        """The loss is right, the parameters of q_target get no gradient, and s2 still gets one. If
        a net computed s2, that net moves the target. The target is to be a constant as a whole:
        compute it without recording, or detach it."""
        frozen = copy.deepcopy(q_target).requires_grad_(False)
        return _td(q(s)[:, 0], r, frozen(s2)[:, 0], gamma)

    def target_in_eval_mode(q, q_target, s, r, s2, gamma):
        """You put q_target into eval mode for the target, and its mode back afterwards. Where it
        drops entries in train mode, that is another target. Run it in the mode that it comes in:
        what makes the target a constant is no_grad() or detach()."""
        following = _in_mode(q_target, s2, training=False)[:, 0].detach()
        return _td(q(s)[:, 0], r, following, gamma)

    def target_in_train_mode(q, q_target, s, r, s2, gamma):
        """You put q_target into train mode for the target, and its mode back afterwards. Where it
        drops entries, that is another target. Run it in the mode that it comes in."""
        following = _in_mode(q_target, s2, training=True)[:, 0].detach()
        return _td(q(s)[:, 0], r, following, gamma)

    def value_in_eval_mode(q, q_target, s, r, s2, gamma):
        """You put q into eval mode for q(s), and its mode back afterwards. Where it drops entries
        in train mode, that is another value. Run it in the mode that it comes in."""
        following = q_target(s2)[:, 0].detach()
        return _td(_in_mode(q, s, training=False)[:, 0], r, following, gamma)

    def value_in_train_mode(q, q_target, s, r, s2, gamma):
        """You put q into train mode for q(s), and its mode back afterwards. Where it drops entries,
        that is another value. Run it in the mode that it comes in."""
        following = q_target(s2)[:, 0].detach()
        return _td(_in_mode(q, s, training=True)[:, 0], r, following, gamma)

    def both_in_eval_mode(q, q_target, s, r, s2, gamma):
        """You put both modules into eval mode, and their modes back afterwards. Where one drops
        entries in train mode, that is another loss. Run them in the mode that they come in."""
        following = _in_mode(q_target, s2, training=False)[:, 0].detach()
        return _td(_in_mode(q, s, training=False)[:, 0], r, following, gamma)

    def usual_modes(q, q_target, s, r, s2, gamma):
        """You put q into train mode and q_target into eval mode, and their modes back afterwards.
        Where one drops entries, that is another loss. Run them in the mode that they come in."""
        following = _in_mode(q_target, s2, training=False)[:, 0].detach()
        return _td(_in_mode(q, s, training=True)[:, 0], r, following, gamma)

    def frozen_for_the_call(q, q_target, s, r, s2, gamma):
        """You switched requires_grad of q_target off for the whole computation. Where q_target is q
        itself, q(s) is not recorded either, and nothing learns. Detach the target instead."""
        learning = [p for p in q_target.parameters() if p.requires_grad]
        for p in learning:
            p.requires_grad_(False)
        loss = _td(q(s)[:, 0], r, q_target(s2)[:, 0], gamma)
        for p in learning:
            p.requires_grad_(True)
        return loss

    def rows_mixed(q, q_target, s, r, s2, gamma):
        """You combined shapes (N,) and (N, 1), which gives (N, N): every reward met every state.
        Bring all terms to (N,), with squeeze(1) for example."""
        return _td(q(s), r, q_target(s2).detach(), gamma)

    def value_not_squeezed(q, q_target, s, r, s2, gamma):
        """The target has shape (N,) and q(s) has (N, 1), so their difference is (N, N): every
        target met every value. Squeeze q(s) as well."""
        return _td(q(s), r, q_target(s2)[:, 0].detach(), gamma)

    def target_not_squeezed(q, q_target, s, r, s2, gamma):
        """q(s) was brought to (N,), and the target is (N, N): r has shape (N,), q_target(s2) has
        (N, 1). Squeeze q_target(s2) before you add r."""
        return _td(q(s)[:, 0], r, q_target(s2).detach(), gamma)

    def rows_mixed_and_target_learns(q, q_target, s, r, s2, gamma):
        """You combined shapes (N,) and (N, 1), which gives (N, N): every reward met every state.
        Bring all terms to (N,). Gradients also come through q_target(s2): compute the target
        without recording, or detach it."""
        return _td(q(s), r, q_target(s2), gamma)

    def value_not_squeezed_and_target_learns(q, q_target, s, r, s2, gamma):
        """The target has shape (N,) and q(s) has (N, 1), so their difference is (N, N): squeeze
        q(s) as well. Gradients also come through q_target(s2): compute the target without
        recording, or detach it."""
        return _td(q(s), r, q_target(s2)[:, 0], gamma)

    def target_not_squeezed_and_learns(q, q_target, s, r, s2, gamma):
        """q(s) was brought to (N,), and the target is (N, N): squeeze q_target(s2) before you add
        r. Gradients also come through it: compute the target without recording, or detach it."""
        return _td(q(s)[:, 0], r, q_target(s2), gamma)

    def summed_and_target_learns(q, q_target, s, r, s2, gamma):
        """You summed over the rows, and the loss is the mean. Gradients also come through
        q_target(s2): compute the target without recording, or detach it."""
        return _td(q(s)[:, 0], r, q_target(s2)[:, 0], gamma, mean=False)

    def mean_before_square(q, q_target, s, r, s2, gamma):
        """You squared the mean of the differences. The loss is the mean of their squares: square
        first."""
        return (r + gamma * q_target(s2)[:, 0].detach() - q(s)[:, 0]).mean() ** 2

    def square_forgotten(q, q_target, s, r, s2, gamma):
        """You left out the square: the loss is the mean of (target - q(s)) ** 2."""
        return (r + gamma * q_target(s2)[:, 0].detach() - q(s)[:, 0]).mean()

    def absolute_differences(q, q_target, s, r, s2, gamma):
        """You took absolute values. The loss is the mean of the squares."""
        return (r + gamma * q_target(s2)[:, 0].detach() - q(s)[:, 0]).abs().mean()

    def huber_loss(q, q_target, s, r, s2, gamma):
        """You took the Huber loss, smooth_l1_loss, which grows linearly for large differences. The
        loss asked for is the mean of the squares."""
        target = r + gamma * q_target(s2)[:, 0].detach()
        return torch.nn.functional.smooth_l1_loss(q(s)[:, 0], target)

    def halved(q, q_target, s, r, s2, gamma):
        """You put 1/2 in front. The loss is the mean of the squares, without a factor."""
        return _td(q(s)[:, 0], r, q_target(s2)[:, 0].detach(), gamma) / 2

    def reward_discounted(q, q_target, s, r, s2, gamma):
        """You multiplied the reward by gamma as well. It stands outside of the bracket:
        r + gamma * q_target(s2)."""
        return _td(q(s)[:, 0], gamma * r, q_target(s2)[:, 0].detach(), gamma)

    def reward_forgotten(q, q_target, s, r, s2, gamma):
        """You left out the reward. The target is r + gamma * q_target(s2)."""
        return _td(q(s)[:, 0], 0 * r, q_target(s2)[:, 0].detach(), gamma)

    def nets_exchanged(q, q_target, s, r, s2, gamma):
        """You took q for the target and let q_target learn. It is the other way round: gradients
        come through q(s)."""
        return _td(q_target(s)[:, 0], r, q(s2)[:, 0].detach(), gamma)

    def states_exchanged(q, q_target, s, r, s2, gamma):
        """You exchanged s and s2. The value is q(s), the target comes from q_target(s2)."""
        return _td(q(s2)[:, 0], r, q_target(s)[:, 0].detach(), gamma)

    def states_cut(q, q_target, s, r, s2, gamma):
        """You detached s as well. If s was computed by a net, gradients are to reach it through
        q(s). The target alone is a constant."""
        return _td(q(s.detach())[:, 0], r, q_target(s2)[:, 0].detach(), gamma)

    def negative(q, q_target, s, r, s2, gamma):
        """Your loss has a minus in front. A loss is to be made small: return the mean of the
        squares as it is."""
        return -_td(q(s)[:, 0], r, q_target(s2)[:, 0].detach(), gamma)

    def not_reduced(q, q_target, s, r, s2, gamma):
        """You returned one number for each row. The loss is their mean, of shape ()."""
        return (r + gamma * q_target(s2)[:, 0].detach() - q(s)[:, 0]) ** 2

    def summed(q, q_target, s, r, s2, gamma):
        """You summed over the rows. The loss is the mean."""
        return _td(q(s)[:, 0], r, q_target(s2)[:, 0].detach(), gamma, mean=False)

    def online_net_in_target(q, s, r, s2, gamma):
        """You computed the target with q. It comes from q_target(s2)."""
        return _td(q(s)[:, 0], r, q(s2)[:, 0].detach(), gamma)

    def online_net_in_target_and_learns(q, s, r, s2, gamma):
        """You computed the target with q, and let gradients come through it. It comes from
        q_target(s2), without recording or detached."""
        return _td(q(s)[:, 0], r, q(s2)[:, 0], gamma)

    def same_state_in_target(q, q_target, s, r, gamma):
        """You computed the target at s. It comes from the state after it: q_target(s2)."""
        return _td(q(s)[:, 0], r, q_target(s)[:, 0].detach(), gamma)

    def gamma_forgotten(q, q_target, s, r, s2):
        """You left out gamma. The target is r + gamma * q_target(s2)."""
        return _td(q(s)[:, 0], r, q_target(s2)[:, 0].detach(), 1.0)

    def target_sign(q, q_target, s, r, s2, gamma):
        """You subtracted gamma * q_target(s2) from the reward. It is added."""
        return _td(q(s)[:, 0], r, q_target(s2)[:, 0].detach(), -gamma)

    def reward_subtracted(q, q_target, s, r, s2, gamma):
        """You subtracted the reward. It is added: r + gamma * q_target(s2)."""
        return _td(q(s)[:, 0], -r, q_target(s2)[:, 0].detach(), gamma)

    pairs = (
        *of_formula(
            lambda q, q_target, s, r, s2, gamma: _td(
                q(s)[:, 0], r, q_target(s2)[:, 0].detach(), gamma
            ),
            target_learns,
            rows_mixed,
            value_not_squeezed,
            target_not_squeezed,
            summed,
            halved,
            negative,
            reward_discounted,
            reward_forgotten,
            gamma_forgotten,
            target_sign,
            target_frozen,
            online_net_in_target,
            same_state_in_target,
        ),
    )
