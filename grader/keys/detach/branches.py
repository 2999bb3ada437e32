"""References and mistakes of the exercises that stop a gradient on one branch."""

from collections.abc import Callable

import torch
from torch import Tensor

from grader.trusted.key import Key

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

    def flag_set_afterwards(f, g, x):
        """No gradient reaches x. You cut off both factors, and requires_grad_() on a tensor without
        history makes a new leaf, where gradients end. Detach g(x) alone."""
        return (f(x) * g(x)).detach().requires_grad_()

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
        difference to the rounded values."""
        return x.clone()

    def no_history(x):
        """The values are right, and the result has no history, so no gradient reaches x. Detach
        the difference between the rounded values and x, and add it to x itself."""
        return torch.round(x.detach())

    def flag_set_afterwards(x):
        """No gradient reaches x. You cut the rounded values off, and requires_grad_() on a tensor
        without history makes a new leaf, where gradients end. Add the detached difference to x."""
        return torch.round(x.detach()).requires_grad_()

    def wrong_term_detached(x):
        """The gradient has the wrong sign. You detached the x that stands alone; the one in
        round(x) - x is left, with a minus. Detach the difference instead."""
        return x.detach() + (torch.round(x) - x)

    def x_not_taken_off(x):
        """You added x to the rounded values. Its value has to be taken off again, without its
        gradient: subtract x.detach()."""
        return torch.round(x).detach() + x

    def gradient_twice(x):
        """The gradient is 2 where it should be 1: x stands twice outside of what you detached."""
        return 2 * x + (torch.round(x) - 2 * x).detach()

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


Net = torch.nn.Module


def _td(value, reward, following, gamma, *, mean=True):
    """The loss from values of shape (N,)."""
    squares = (reward + gamma * following - value) ** 2
    return squares.mean() if mean else squares.sum()


class TargetNetworkKey(Key, task="target_network"):
    def reference(q: Net, q_target: Net, s: Tensor, r: Tensor, s2: Tensor, gamma: float) -> Tensor:
        with torch.no_grad():
            following = q_target(s2)[:, 0]
        return _td(q(s)[:, 0], r, following, gamma)

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

    def rows_mixed(q, q_target, s, r, s2, gamma):
        """You combined shapes (N,) and (N, 1), which gives (N, N): every reward met every state.
        Bring all terms to (N,), with squeeze(1) for example."""
        return _td(q(s), r, q_target(s2).detach(), gamma)

    def not_reduced(q, q_target, s, r, s2, gamma):
        """You returned one number for each row. The loss is their mean, of shape ()."""
        return (r + gamma * q_target(s2)[:, 0].detach() - q(s)[:, 0]) ** 2

    def summed(q, q_target, s, r, s2, gamma):
        """You summed over the rows. The loss is the mean."""
        return _td(q(s)[:, 0], r, q_target(s2)[:, 0].detach(), gamma, mean=False)

    def online_net_in_target(q, s, r, s2, gamma):
        """You computed the target with q. It comes from q_target(s2)."""
        return _td(q(s)[:, 0], r, q(s2)[:, 0].detach(), gamma)

    def same_state_in_target(q, q_target, s, r, gamma):
        """You computed the target at s. It comes from the state after it: q_target(s2)."""
        return _td(q(s)[:, 0], r, q_target(s)[:, 0].detach(), gamma)

    def gamma_forgotten(q, q_target, s, r, s2):
        """You left out gamma. The target is r + gamma * q_target(s2)."""
        return _td(q(s)[:, 0], r, q_target(s2)[:, 0].detach(), 1.0)

    def target_sign(q, q_target, s, r, s2, gamma):
        """You subtracted gamma * q_target(s2) from the reward. It is added."""
        return _td(q(s)[:, 0], r, q_target(s2)[:, 0].detach(), -gamma)
