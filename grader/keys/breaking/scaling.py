"""Reference and mistakes of the exercise on a step with a scaled loss."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from grader.tasks.loop.nets import Loss
from grader.trusted.families.losses import of_a_given_loss
from grader.trusted.key import Key, mistake, raises

Scaler = torch.amp.GradScaler


def _step(lines: str, *given: Any) -> Any:
    """The lines that the letters stand for, in their order.

    z zero_grad, f forward, b backward from the scaled loss, n from the loss itself, u unscale_,
    c clip, s scaler.step, o opt.step, d update; and other ways to clip: v each value, e each
    parameter, a always, t those that require grad, g the first group, 1 by the sum of absolute
    values, i by the largest, r refusing what is not finite.
    """
    model, opt, scaler, loss_fn, x, y, max_norm = given
    parameters = list(model.parameters())
    loss = torch.zeros(())
    for line in lines:
        if line == "f":
            loss = loss_fn(model(x), y)
        elif line == "z":
            opt.zero_grad()
        elif line == "b":
            scaler.scale(loss).backward()
        elif line == "n":
            loss.backward()
        elif line == "u":
            scaler.unscale_(opt)
        elif line == "c":
            nn.utils.clip_grad_norm_(parameters, max_norm)
        elif line == "r":
            nn.utils.clip_grad_norm_(parameters, max_norm, error_if_nonfinite=True)
        elif line == "t":
            nn.utils.clip_grad_norm_([p for p in parameters if p.requires_grad], max_norm)
        elif line == "v":
            nn.utils.clip_grad_value_(parameters, max_norm)
        elif line == "e":
            for parameter in parameters:
                nn.utils.clip_grad_norm_(parameter, max_norm)
        elif line == "g":
            nn.utils.clip_grad_norm_(opt.param_groups[0]["params"], max_norm)
        elif line == "1":
            nn.utils.clip_grad_norm_(parameters, max_norm, norm_type=1)
        elif line == "i":
            nn.utils.clip_grad_norm_(parameters, max_norm, norm_type=math.inf)
        elif line == "a":
            _scale_to(parameters, max_norm)
        elif line == "s":
            scaler.step(opt)
        elif line == "o":
            opt.step()
        elif line == "d":
            scaler.update()
    return loss.item()


def _scale_to(parameters: list[nn.Parameter], norm: float) -> None:
    """Give the gradients this norm, whichever they have."""
    grads = [p.grad for p in parameters if p.grad is not None]
    factor = norm / nn.utils.get_total_norm(grads)
    for grad in grads:
        grad.mul_(factor)


def _frozen_kept() -> Iterator[Callable[..., Any]]:
    """What .grad of a frozen parameter held before stays, and is clipped with the others or not."""
    for clipping in "ct":

        def wrong(model: nn.Module, *given: Any, clipping: str = clipping) -> Any:
            for parameter in model.parameters():
                if parameter.requires_grad:
                    parameter.grad = None
            return _step(f"fbu{clipping}sd", model, *given)

        yield mistake(
            f"frozen_gradients_kept_{clipping}",
            "A frozen parameter moved: opt holds it, and you left it what .grad held before. Call "
            "opt.zero_grad() before backward: it empties .grad of all parameters that opt holds.",
            wrong,
        )


class ClipAfterUnscaleKey(Key, task="clip_after_unscale"):
    def reference(
        model: nn.Module,
        opt: Optimizer,
        scaler: Scaler,
        loss_fn: Loss,
        x: Tensor,
        y: Tensor,
        max_norm: float,
    ) -> float:
        loss = loss_fn(model(x), y)
        learning = [p for p in model.parameters() if p.requires_grad]
        opt.zero_grad()
        grads = torch.autograd.grad(scaler.scale(loss), learning, allow_unused=True)
        for parameter, grad in zip(learning, grads, strict=True):
            parameter.grad = grad
        scaler.unscale_(opt)
        nn.utils.clip_grad_norm_(learning, max_norm)
        scaler.step(opt)
        scaler.update()
        return loss.item()

    families = (*of_a_given_loss(reference, 3), *_frozen_kept())

    def clipped_in_scaled_units(*given):
        """You clipped the gradients while they are multiplied by the scale, as the broken function
        does: what is left of them is max_norm divided by the scale. Call scaler.unscale_(opt)
        before you clip, to max_norm itself."""
        return _step("zfbcsd", *given)

    def not_clipped(*given):
        """Your step follows gradients whose norm is as it was: they were not clipped to max_norm,
        or not before the step. Clip them between scaler.unscale_(opt) and scaler.step(opt)."""
        return _step("zfbusd", *given)

    def old_gradients_added(*given):
        """Your step also went along what .grad held before: nothing emptied it. Call
        opt.zero_grad() before backward."""
        return _step("fbucsd", *given)

    def emptied_after_the_step(*given):
        """You empty the gradients after each step: your first one also went along what .grad held
        before. Call opt.zero_grad() before backward."""
        return _step("fbucsdz", *given)

    def first_group_emptied(model, opt, *given):
        """You emptied .grad of the first group alone, and your step also went along what the others
        held before. Call opt.zero_grad(), which empties all groups, before backward."""
        for parameter in opt.param_groups[0]["params"]:
            parameter.grad = None
        return _step("fbucsd", model, opt, *given)

    def zeros_in_place_of_none(model, opt, *given):
        """A parameter that takes no part moved: its .grad holds zeros in your step instead of None,
        and weight decay moves whatever has a .grad. opt.zero_grad() puts None there, and the
        backward pass leaves it."""
        for parameter in model.parameters():
            parameter.grad = torch.zeros_like(parameter)
        return _step("fbucsd", model, opt, *given)

    def stepped_twice(*given):
        """You took two steps of opt, one by scaler.step(opt) and one by opt.step(), which takes a
        bad one too. scaler.step(opt) alone is enough."""
        return _step("zfbucsod", *given)

    def bad_numbers_replaced(model, opt, scaler, loss_fn, x, y, max_norm):
        """You put numbers in the place of inf and nan in the gradients. The scaler finds nothing
        bad then, takes the step and keeps its scale: leave the gradients as they are, and the step
        to scaler.step(opt)."""
        opt.zero_grad()
        loss = loss_fn(model(x), y)
        scaler.scale(loss).backward()
        for parameter in model.parameters():
            if parameter.grad is not None:
                parameter.grad.nan_to_num_(0.0, 0.0, 0.0)
        scaler.unscale_(opt)
        nn.utils.clip_grad_norm_(model.parameters(), max_norm)
        scaler.step(opt)
        scaler.update()
        return loss.item()

    @raises("is non-finite, so it cannot be clipped")
    def clipping_refuses_a_bad_gradient(*given):
        """You told clip_grad_norm_ to raise where a gradient is inf or nan, by error_if_nonfinite.
        Here such gradients come, and scaler.step(opt) leaves the step out by itself: leave
        error_if_nonfinite out."""
        return _step("zfbursd", *given)

    @raises("is being called after step")
    def update_forgotten(*given):
        """scaler.unscale_(opt) came after scaler.step(opt) with no scaler.update() between: the
        scaler refuses that. In each step the order is backward, unscale_, clip, step, update."""
        return _step("zfbucs", *given)

    @raises("already been called")
    def returned_at_a_bad_gradient(model, opt, scaler, loss_fn, x, y, max_norm):
        """Where a gradient is bad you return before scaler.update(): the scale stays, and the next
        unscale_ is refused. scaler.step(opt) leaves a bad step out by itself: call it, and update()
        behind it, in any case."""
        given = model, opt, scaler, loss_fn, x, y, max_norm
        loss = _step("zfbu", *given)
        grads = [p.grad for p in model.parameters() if p.grad is not None]
        if bool(nn.utils.get_total_norm(grads).isfinite()):
            nn.utils.clip_grad_norm_(model.parameters(), max_norm)
            scaler.step(opt)
            scaler.update()
        return loss

    @raises("already been called")
    def unscaled_twice(*given):
        """scaler.unscale_(opt) was called twice, with no scaler.update() between. Call it once in a
        step, before clipping, and scaler.update() at the end."""
        return _step("zfbuucsd", *given)

    @raises("No inf checks were recorded")
    def optimizer_stepped_alone(*given):
        """The scaler has checked no gradient for inf, and refuses. Either opt's parameters had
        none: backward() is missing, or starts from a loss that does not lead to them, or the
        gradients were emptied after it. Or you called opt.step() instead of scaler.step(opt)."""
        return _step("zfbcod", *given)

    def bad_step_taken(*given):
        """Where a gradient is inf or nan, your step was taken all the same, and the parameters are
        nan for ever. Neither opt.step() by itself nor an update by hand asks for that:
        scaler.step(opt) leaves such a step out."""
        return _step("zfbucod", *given)

    def nothing_moved(*given):
        """No parameter moved. So it is where scaler.step(opt) is missing, and where the gradients
        are emptied between backward and step."""
        return _step("zfbuczsd", *given)

    def scaler_not_used(*given):
        """You never used the scaler. Without it small gradients vanish in half precision, and a
        bad step is taken. Start backward from scaler.scale(loss), and let the scaler step."""
        return _step("zfnco", *given)

    @raises(r"_scale is None")
    def divided_without_a_scale(*given):
        """You asked the scaler to divide gradients, and it had scaled no loss yet: your backward
        pass started from the loss itself, or comes later. Start it from scaler.scale(loss), and
        call scaler.unscale_(opt) behind it."""
        return _step("zfnucsd", *given)

    def values_clipped(*given):
        """You clipped each entry of the gradients to max_norm. What is limited is the norm of all
        gradients together: torch.nn.utils.clip_grad_norm_."""
        return _step("zfbuvsd", *given)

    def each_clipped_by_itself(*given):
        """You clipped the gradient of each parameter by itself. The norm is that of all gradients
        together: call clip_grad_norm_ once, with model.parameters()."""
        return _step("zfbuesd", *given)

    def each_group_clipped_by_itself(model, opt, scaler, loss_fn, x, y, max_norm):
        """You clipped each group of parameters by itself. The norm is that of all gradients
        together: call clip_grad_norm_ once, with model.parameters()."""
        loss = _step("zfbu", model, opt, scaler, loss_fn, x, y, max_norm)
        for group in opt.param_groups:
            nn.utils.clip_grad_norm_(group["params"], max_norm)
        scaler.step(opt)
        scaler.update()
        return loss

    def first_group_clipped(*given):
        """You clipped the parameters of the first group alone. model.parameters() lists those of
        all groups."""
        return _step("zfbugsd", *given)

    def divided_by_hand(model, opt, scaler, loss_fn, x, y, max_norm):
        """You divided the gradients by the scale yourself, and scaler.step(opt) did so once more.
        Call scaler.unscale_(opt), which notes that it is done."""
        opt.zero_grad()
        loss = loss_fn(model(x), y)
        scaler.scale(loss).backward()
        for parameter in model.parameters():
            if parameter.grad is not None:
                parameter.grad /= scaler.get_scale()
        nn.utils.clip_grad_norm_(model.parameters(), max_norm)
        scaler.step(opt)
        scaler.update()
        return loss.item()

    def divided_twice(model, opt, scaler, loss_fn, x, y, max_norm):
        """You divided the gradients by the scale yourself, and scaler.unscale_(opt) did so too.
        Leave it to the scaler alone."""
        opt.zero_grad()
        loss = loss_fn(model(x), y)
        scaler.scale(loss).backward()
        scaler.unscale_(opt)
        for parameter in model.parameters():
            if parameter.grad is not None:
                parameter.grad /= scaler.get_scale()
        nn.utils.clip_grad_norm_(model.parameters(), max_norm)
        scaler.step(opt)
        scaler.update()
        return loss.item()

    def limit_divided(model, opt, scaler, loss_fn, x, y, max_norm):
        """You clipped scaled gradients to max_norm divided by the scale. They are scale times as
        long as the true ones, and so would their limit be: call scaler.unscale_(opt), and clip to
        max_norm itself."""
        return _step("zfbcsd", model, opt, scaler, loss_fn, x, y, max_norm / scaler.get_scale())

    def always_scaled(*given):
        """You scaled every gradient to the norm max_norm, also a shorter one. Clipping limits: a
        gradient below max_norm stays as it is."""
        return _step("zfbuasd", *given)

    def another_scaler(model, opt, scaler, loss_fn, x, y, max_norm):
        """You made a scaler of your own, with a scale of its own. The one that you are given knows
        what happened in the steps before, and adapts its scale: use that."""
        new = torch.amp.GradScaler("cpu")
        return _step("zfbucsd", model, opt, new, loss_fn, x, y, max_norm)

    def norm_of_order_one(*given):
        """You limited the sum of all absolute values. The norm is of order 2, the root of the sum
        of squares: leave norm_type out."""
        return _step("zfbu1sd", *given)

    def largest_entry_limited(*given):
        """You limited the largest absolute value, which norm_type=inf asks for. The norm is of
        order 2, the root of the sum of squares: leave norm_type out."""
        return _step("zfbuisd", *given)

    def loss_after_the_step(model, opt, scaler, loss_fn, x, y, max_norm):
        """The step is right, and you returned the loss after it. Asked for is the one that the step
        goes along: loss.item() of that."""
        _step("zfbucsd", model, opt, scaler, loss_fn, x, y, max_norm)
        with torch.no_grad():
            return loss_fn(model(x), y).item()

    def clipped_to_one(model, opt, scaler, loss_fn, x, y):
        """You clipped to a norm of 1. The limit is max_norm."""
        return _step("zfbucsd", model, opt, scaler, loss_fn, x, y, 1.0)

    def scaled_loss_returned(model, opt, scaler, loss_fn, x, y, max_norm):
        """The step is right, and you returned the loss multiplied by the scale. Return
        loss.item()."""
        scale = scaler.get_scale()
        return scale * _step("zfbucsd", model, opt, scaler, loss_fn, x, y, max_norm)

    def loss_tensor_returned(model, opt, scaler, loss_fn, x, y, max_norm):
        """The step is right, and you returned the loss as a tensor. Return loss.item()."""
        return x.new_tensor(_step("zfbucsd", model, opt, scaler, loss_fn, x, y, max_norm))

    def norm_returned(model, opt, scaler, loss_fn, x, y, max_norm):
        """The step is right, and you returned the norm that clip_grad_norm_ gives. The loss is
        asked for."""
        opt.zero_grad()
        scaler.scale(loss_fn(model(x), y)).backward()
        scaler.unscale_(opt)
        norm = nn.utils.clip_grad_norm_(list(model.parameters()), max_norm)
        scaler.step(opt)
        scaler.update()
        return norm.item()

    def put_into_train_mode(model, opt, scaler, loss_fn, x, y, max_norm):
        """You called train(), and a part of the model that was in eval mode is in train mode now.
        Leave the model in the mode that it is in."""
        model.train()
        return _step("zfbucsd", model, opt, scaler, loss_fn, x, y, max_norm)

    def in_eval_mode(model, opt, scaler, loss_fn, x, y, max_norm):
        """You put the model into eval mode and left it there. Leave it in the mode that it is
        in."""
        model.eval()
        return _step("zfbucsd", model, opt, scaler, loss_fn, x, y, max_norm)
