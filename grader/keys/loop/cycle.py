"""References and mistakes of the exercises on the loop itself."""

from collections.abc import Callable, Iterator
from itertools import combinations
from typing import Any

import torch
from torch import Tensor, nn

from grader.trusted.families.calling import past_hooks
from grader.trusted.families.hooks import runs_in_eval_mode
from grader.trusted.families.losses import of_a_given_loss
from grader.trusted.families.pairs import formula, of_formula
from grader.trusted.key import Key, Pair, mistake, raises

Loss = Callable[[Tensor, Tensor], Tensor]
Optimizer = torch.optim.Optimizer
Scheduler = torch.optim.lr_scheduler.LRScheduler


def _grad_of_a_frozen_one() -> Iterator[Callable[..., Any]]:
    """torch.autograd.grad of all parameters, and then one of several ways to use what it gives."""

    def into_grad(parameters, grads, opt):
        for p, grad in zip(parameters, grads, strict=True):
            p.grad = grad
        opt.step()

    def into_grad_if_there(parameters, grads, opt):
        for p, grad in zip(parameters, grads, strict=True):
            p.grad = p.grad if grad is None else grad
        opt.step()

    @torch.no_grad()
    def by_hand(parameters, grads, opt):
        for p, grad in zip(parameters, grads, strict=True):
            if grad is not None:
                p -= opt.param_groups[0]["lr"] * grad

    def unused(parameters, grads, opt):
        """Nothing: new tensors get the names."""

    for use in (into_grad, into_grad_if_there, by_hand, unused):

        def wrong(model, opt, loss_fn, x, y, use=use):
            loss = loss_fn(model(x), y)
            parameters = list(model.parameters())
            grads = torch.autograd.grad(loss, parameters, allow_unused=True)
            use(parameters, grads, opt)
            return loss.item()

        yield mistake(
            f"gradient_of_a_frozen_parameter_{use.__name__}",
            "You asked torch.autograd.grad for the gradient of a frozen parameter, which it "
            "refuses. loss.backward() leaves such parameters out by itself: call it after "
            "opt.zero_grad(), and let opt.step() change the parameters.",
            wrong,
            raises=r"does not require grad",
        )


@formula
def _trained(model, opt, loss_fn, x, y, *, emptied=True):
    """One step along the gradient of this batch: right as it stands."""
    if emptied:
        for parameter in model.parameters():
            parameter.grad = None
    loss = loss_fn(model(x), y)
    loss.backward()
    opt.step()
    return loss.item()


class TrainStepKey(Key, task="train_step"):
    def reference(model: nn.Module, opt: Optimizer, loss_fn: Loss, x: Tensor, y: Tensor) -> float:
        loss = loss_fn(model(x), y)
        parameters = list(model.parameters())
        trained = [p for p in parameters if p.requires_grad]
        for parameter in parameters:
            parameter.grad = None
        grads = torch.autograd.grad(loss, trained, allow_unused=True)
        for parameter, grad in zip(trained, grads, strict=True):
            parameter.grad = grad
        opt.step()
        return loss.item()

    families = (
        *of_a_given_loss(_trained, 2),
        *_grad_of_a_frozen_one(),
        *past_hooks(reference),
        *runs_in_eval_mode(reference),
    )

    @raises(r"does not require grad and does not have a grad_fn")
    def loss_without_history(model, opt, loss_fn, x, y):
        """The loss has no history: the model ran inside no_grad(), or what it returned was detached
        or made a number before the loss. Let the run be recorded from x to the loss."""
        loss_fn(model(x).detach(), y).backward()

    @raises(r"'float' object has no attribute 'backward'")
    def number_in_place_of_the_loss(model, opt, loss_fn, x, y):
        """The loss is a Python number by the time you call backward(): item() leaves the graph.
        Call backward() on the tensor, and return its item()."""
        loss_fn(model(x), y).item().backward()

    def two_steps(model, opt, loss_fn, x, y):
        """You did two steps, and returned the loss before the second. One call is to do one."""
        TrainStepKey.reference(model, opt, loss_fn, x, y)
        return TrainStepKey.reference(model, opt, loss_fn, x, y)

    def two_steps_and_the_first_loss(model, opt, loss_fn, x, y):
        """The loss is right, and you did two steps. One call is to do one."""
        loss = TrainStepKey.reference(model, opt, loss_fn, x, y)
        TrainStepKey.reference(model, opt, loss_fn, x, y)
        return loss

    def rounded(model, opt, loss_fn, x, y):
        """The step is right, and the loss you returned is rounded. Return it as it is, and round
        where you print it."""
        return round(TrainStepKey.reference(model, opt, loss_fn, x, y), 3)

    def another_optimizer(model, opt, loss_fn, x, y):
        """Your step is one of Adam, at the learning rate of opt. The step is to be one of the
        optimizer that you are given: opt.step()."""
        opt.zero_grad()
        loss = loss_fn(model(x), y)
        loss.backward()
        torch.optim.Adam(model.parameters(), lr=opt.param_groups[0]["lr"]).step()
        return loss.item()

    def own_update_in_groups(model, opt, loss_fn, x, y):
        """Your step takes off each group's learning rate times the gradient and nothing else: you
        subtracted it yourself, made an optimizer of your own, or emptied the state of this one. It
        may do more, such as momentum: let opt.step() change the parameters, and leave its state."""
        opt.zero_grad()
        loss = loss_fn(model(x), y)
        loss.backward()
        with torch.no_grad():
            for group in opt.param_groups:
                for p in group["params"]:
                    if p.grad is not None:
                        p.sub_(group["lr"] * p.grad)
        return loss.item()

    def memory_lost(model, opt, loss_fn, x, y):
        """Your step starts anew at every call, without what opt remembers, such as momentum: you
        made another optimizer of its groups, or emptied its state. Call opt.step()."""
        opt.state.clear()
        return TrainStepKey.reference(model, opt, loss_fn, x, y)

    def clipped(model, opt, loss_fn, x, y):
        """You clipped the gradients to a norm of 1. Nothing is to be clipped here: the step goes
        along the gradient as it is."""
        loss = loss_fn(model(x), y)
        trained = [p for p in model.parameters() if p.requires_grad]
        opt.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(trained, 1.0)
        opt.step()
        return loss.item()

    def old_gradients_added(model, opt, loss_fn, x, y):
        """Your step also went along what .grad held before: backward adds to .grad, and nothing
        emptied it. Call opt.zero_grad() before backward."""
        return _trained(model, opt, loss_fn, x, y, emptied=False)

    def cleared_after_the_step(model, opt, loss_fn, x, y):
        """Your first step also went along what .grad held before: you empty the gradients after the
        step, which helps the next call alone. Call opt.zero_grad() before backward."""
        loss = loss_fn(model(x), y)
        loss.backward()
        opt.step()
        opt.zero_grad()
        return loss.item()

    def nothing_moved(model, loss_fn, x, y):
        """No parameter moved: opt.step() is missing, or there was no gradient when it ran.
        backward() brings gradients, if the loss was not detached from the model, and zero_grad()
        takes them away: the order is zero_grad(), backward(), step()."""
        return loss_fn(model(x), y).item()

    def old_gradients_alone(model, opt, loss_fn, x, y):
        """Your step went along what .grad held before, and this batch's gradient is not used.
        backward() is missing, or you called torch.autograd.grad, which returns gradients and leaves
        .grad as it is."""
        loss = loss_fn(model(x), y)
        opt.step()
        return loss.item()

    def two_backward_passes(model, opt, loss_fn, x, y):
        """Your step went along twice the gradient: two backward passes ran, and the second adds to
        the first, or you doubled the loss. Call backward() once, on the loss as it is."""
        return TrainStepKey.reference(model, opt, lambda p, y: 2 * loss_fn(p, y), x, y) / 2

    def stepped_twice(model, opt, loss_fn, x, y):
        """You called opt.step() twice. One step is asked for."""
        loss = _trained(model, opt, loss_fn, x, y)
        opt.step()
        return loss

    def unused_keeps_its_grad(model, opt, loss_fn, x, y):
        """A parameter that takes no part, or is frozen, moved along an old .grad: you wrote or
        emptied the .grad of the others alone. opt.zero_grad() empties all."""
        loss = loss_fn(model(x), y)
        trained = [p for p in model.parameters() if p.requires_grad]
        grads = torch.autograd.grad(loss, trained, allow_unused=True)
        for parameter, grad in zip(trained, grads, strict=True):
            if grad is not None:
                parameter.grad = grad
        opt.step()
        return loss.item()

    def zeros_in_place_of_none(model, opt, loss_fn, x, y):
        """A parameter that takes no part in the loss has a gradient of zeros in your step instead
        of none, and weight decay moves it. opt.zero_grad() puts None in the place of old gradients,
        and loss.backward() leaves it there: the step passes over such a parameter."""
        opt.zero_grad(set_to_none=False)
        return _trained(model, opt, loss_fn, x, y, emptied=False)

    def first_group_emptied(model, opt, loss_fn, x, y):
        """You emptied the gradients of the first parameter group alone, and those of the others
        were added to. opt.zero_grad() empties every group."""
        for p in opt.param_groups[0]["params"]:
            p.grad = None
        return TrainStepKey.old_gradients_added(model, opt, loss_fn, x, y)

    def unfrozen(model, opt, loss_fn, x, y):
        """You made every parameter require grad, and one of them was frozen. Leave the flags of the
        parameters as they are."""
        model.requires_grad_(True)
        return TrainStepKey.reference(model, opt, loss_fn, x, y)

    def frozen_keeps_its_grad(model, opt, loss_fn, x, y):
        """A frozen parameter moved along an old .grad, which was still there when opt.step() ran.
        Whoever writes or empties the .grad of some parameters alone leaves it to the others:
        opt.zero_grad() empties all."""
        loss = loss_fn(model(x), y)
        trained = [p for p in model.parameters() if p.requires_grad]
        grads = torch.autograd.grad(loss, trained, allow_unused=True)
        for parameter, grad in zip(trained, grads, strict=True):
            parameter.grad = grad
        opt.step()
        return loss.item()

    def divided_by_rows(model, opt, loss_fn, x, y):
        """You divided the loss by the number of rows. loss_fn gives the loss as it is to be, here a
        mean already: start backward from loss_fn(model(x), y)."""
        return _trained(model, opt, lambda p, y: loss_fn(p, y) / len(y), x, y)

    def divided_by_rows_backward(model, opt, loss_fn, x, y):
        """The loss is right, and your step is too small: it follows the gradient divided by the
        number of rows. loss_fn gives the loss as it is to be, here a mean already."""
        loss = TrainStepKey.reference(model, opt, lambda p, y: loss_fn(p, y) / len(y), x, y)
        return loss * len(y)

    @raises(r"differentiated Tensor")
    def gradient_of_every_parameter(model, opt, loss_fn, x, y):
        """torch.autograd.grad refuses a parameter that the loss does not depend on, or that is
        frozen. loss.backward() leaves such parameters out by itself: call it after
        opt.zero_grad()."""
        _step_by_grad(model, opt, loss_fn(model(x), y), list(model.parameters()))

    @raises(r"differentiated Tensor")
    def gradient_of_an_unused_parameter(model, opt, loss_fn, x, y):
        """You asked torch.autograd.grad for the gradient of a parameter that the loss does not
        depend on, which it refuses. loss.backward() leaves such parameters out by itself: call it
        after opt.zero_grad()."""
        trained = [p for p in model.parameters() if p.requires_grad]
        _step_by_grad(model, opt, loss_fn(model(x), y), trained)

    @raises(r"object is not callable")
    def loss_given_to_step(model, opt, loss_fn, x, y):
        """Something was called that is no function. opt.step(...) calls what it is given: it takes
        no loss and no gradients, and reads .grad by itself, so write opt.step(). If yours has empty
        parentheses, look for others: after .grad, or after the loss."""
        opt.zero_grad()
        loss = loss_fn(model(x), y)
        loss.backward()
        opt.step(loss)

    def model_run_twice(model, opt, loss_fn, x, y):
        """You ran the model more than once for a step. In train mode every run moves running
        statistics, and draws other random numbers for dropout. Run it once, and take the loss from
        that run."""
        with torch.no_grad():
            loss = loss_fn(model(x), y).item()
        _trained(model, opt, loss_fn, x, y)
        return loss

    def put_into_train_mode(model, opt, loss_fn, x, y):
        """You called train(), and a part of the model that was in eval mode is in train mode now.
        Leave the model in the mode that it is in: whoever calls you chooses it."""
        model.train()
        return _trained(model, opt, loss_fn, x, y)

    def in_eval_mode(model, opt, loss_fn, x, y):
        """You put the model into eval mode and left it there: dropout would not drop, and batch
        normalization would use its running statistics. A step needs no other mode than the
        model's."""
        model.eval()
        return _trained(model, opt, loss_fn, x, y)

    @raises(r"modified by an inplace operation")
    def step_before_backward(model, opt, loss_fn, x, y):
        """Weights that the graph had saved were changed before backward(): by step(), which would
        go along old gradients there, or by an edit of your own. backward() comes first."""
        loss = loss_fn(model(x), y)
        opt.step()
        opt.zero_grad()
        loss.backward()
        return loss.item()

    def old_step_first(model, opt, loss_fn, x, y):
        """You called step() before everything else, so it went along the gradients of the call
        before, and those of this batch are not used. step() comes last."""
        opt.step()
        opt.zero_grad()
        loss = loss_fn(model(x), y)
        loss.backward()
        return loss.item()

    @raises(r"'NoneType' object has no attribute '(zero_|data|fill_|mul_|detach_|detach)'")
    def zeroed_by_hand(model, opt, loss_fn, x, y):
        """You wrote into every .grad by hand, and one of them is None: that of a parameter which no
        backward pass has reached. opt.zero_grad(), which empties them, knows of that."""
        for p in model.parameters():
            p.grad.zero_()
        return TrainStepKey.old_gradients_added(model, opt, loss_fn, x, y)

    def loss_tensor_returned(model, opt, loss_fn, x, y):
        """The step is right, and you returned the loss as a tensor. Whoever collects it for a
        curve collects its memory too, and perhaps its graph. Return loss.item()."""
        return y.new_tensor(TrainStepKey.reference(model, opt, loss_fn, x, y))

    def loss_after_the_step(model, opt, loss_fn, x, y):
        """The step is right, and the loss you returned was computed after the step, by another
        forward pass. Return the loss that backward started from."""
        _trained(model, opt, loss_fn, x, y)
        return loss_fn(model(x), y).item()

    @raises(r"unsupported operand type.*'NoneType'")
    def own_update_of_none(model, opt, loss_fn, x, y):
        """You computed with every .grad yourself, and one of them is None: that of a parameter
        which takes no part. opt.step() knows of that, and does more where momentum is asked for."""
        opt.zero_grad()
        loss_fn(model(x), y).backward()
        for p in model.parameters():
            opt.param_groups[0]["lr"] * p.grad
        return 0.0

    def own_update(model, opt, loss_fn, x, y):
        """Your step takes off the learning rate times the gradient and nothing else: you subtracted
        it yourself, or made an optimizer of your own. The one that you are given may do more, such
        as momentum, or one learning rate for each group: let opt.step() change the parameters."""
        opt.zero_grad()
        loss = loss_fn(model(x), y)
        loss.backward()
        with torch.no_grad():
            for p in model.parameters():
                if p.grad is not None:
                    p.sub_(opt.param_groups[0]["lr"] * p.grad)
        return loss.item()

    pairs = (
        *of_formula(
            lambda model, opt, loss_fn, x, y: _trained(model, opt, loss_fn, x, y),
            loss_after_the_step,
            old_gradients_added,
            stepped_twice,
            divided_by_rows,
            put_into_train_mode,
            in_eval_mode,
            *families[:2],
        ),
    )


def _step_by_grad(model, opt, loss, parameters, *, allow_unused=False):
    """A step along what torch.autograd.grad gives for these parameters."""
    opt.zero_grad()
    grads = torch.autograd.grad(loss, parameters, allow_unused=allow_unused)
    for parameter, grad in zip(parameters, grads, strict=True):
        parameter.grad = grad
    opt.step()


Batches = list[tuple[Tensor, Tensor]]
Line = Callable[..., Any]


def _epoch(lines: str, after: str = "") -> Callable[..., list[Any]]:
    """An epoch of the lines that the letters stand for, and then of those in `after`.

    z zero_grad, f forward, b backward, c clip, s step, d scheduler, l log, t log the tensor; and
    wrong ways to clip: v each value, i the greatest entry, e each parameter, g the first group,
    a always, r no nested parameters.
    """

    def epoch(
        model: nn.Module,
        opt: Optimizer,
        sched: Scheduler,
        loss_fn: Loss,
        batches: Batches,
        max_norm: float,
    ) -> list[Any]:
        losses: list[Any] = []
        loss = torch.zeros(())
        known: dict[str, Line] = {
            "z": lambda: opt.zero_grad(),
            "b": lambda: loss.backward(),
            "c": lambda: _clip(model, max_norm),
            "v": lambda: nn.utils.clip_grad_value_(model.parameters(), max_norm),
            "i": lambda: nn.utils.clip_grad_norm_(model.parameters(), max_norm, torch.inf),
            "e": lambda: [nn.utils.clip_grad_norm_(p, max_norm) for p in model.parameters()],
            "g": lambda: _clip_grads(opt.param_groups[0]["params"], max_norm),
            "r": lambda: _clip_grads(list(model.parameters(recurse=False)), max_norm),
            "a": lambda: _clip_grads(list(model.parameters()), max_norm, always=True),
            "s": lambda: opt.step(),
            "d": lambda: sched.step(),
            "l": lambda: losses.append(loss.item()),
            "t": lambda: losses.append(loss),
        }
        for x, y in batches:
            for line in lines:
                if line == "f":
                    loss = loss_fn(model(x), y)
                else:
                    known[line]()
        for line in after:
            known[line]()
        return losses

    return epoch


def _clip(model: nn.Module, max_norm: float) -> None:
    """What clip_grad_norm_ does, by its formula."""
    _clip_grads(list(model.parameters()), max_norm)


def _clip_grads(parameters: list[nn.Parameter], max_norm: float, always: bool = False) -> None:
    """The same for some parameters; `always` also where the norm is smaller."""
    grads = [p.grad for p in parameters if p.grad is not None]
    norm = float(sum(float(g.square().sum()) for g in grads)) ** 0.5
    factor = max_norm / (norm + 1e-6)
    for grad in grads:
        grad.mul_(factor if always else min(1.0, factor))


_RIGHT = {"empty": "z", "clip": "bc", "step": "sd", "after": ""}
"""The lines of an epoch around the forward pass and the log, in an order that is right."""

_LINES: dict[str, dict[str, str]] = {
    "never_emptied": {"empty": ""},
    "clipping_without_effect": {"clip": "cb"},
    "values_clipped": {"clip": "bv"},
    "each_clipped_by_itself": {"clip": "be"},
    "scheduler_first": {"step": "ds"},
    "scheduler_missing": {"step": "s"},
    "scheduler_once": {"step": "s", "after": "d"},
}
"""What some mistakes put in their place."""


def _two_lines(key: dict[str, Any]) -> Iterator[Pair]:
    """Every two of these mistakes, by their sentences in the key."""
    for one, other in combinations(_LINES, 2):
        if _LINES[one].keys().isdisjoint(_LINES[other]):
            lines = _RIGHT | _LINES[one] | _LINES[other]
            text = lines["empty"] + "f" + lines["clip"] + "l" + lines["step"]
            said = [" ".join(key[name].__doc__.split()) for name in (one, other)]
            epoch = _epoch(text, lines["after"])
            yield Pair(f"{one}+{other}", said[0], said[1], epoch)


class OrderTheLinesKey(Key, task="order_the_lines"):
    reference = _epoch("fzbclsd")

    families = (*of_a_given_loss(reference, 3), *past_hooks(reference))

    def first_batch_alone(model, opt, sched, loss_fn, batches, max_norm):
        """You trained on the first batch alone. Look for a `return` or a `break` inside the loop:
        it ends the loop in its first round."""
        return _epoch("fzbclsd")(model, opt, sched, loss_fn, batches[:1], max_norm)

    def losses_after_the_step(*given):
        """The training is right, and your losses were computed after the step, by another forward
        pass. Keep the loss that backward started from."""
        return _epoch("fzbcsdfl")(*given)

    def mean_of_the_losses(*given):
        """The training is right, and you returned one number, the mean of the losses. The list of
        all of them is asked for."""
        losses = _epoch("fzbclsd")(*given)
        return sum(losses) / len(losses)

    def values_clipped(*given):
        """You clipped each entry of the gradients to max_norm. What is limited is the norm of all
        gradients together: torch.nn.utils.clip_grad_norm_."""
        return _epoch("fzbvlsd")(*given)

    def each_clipped_by_itself(*given):
        """You clipped the gradient of each parameter by itself. The norm is that of all gradients
        together: call clip_grad_norm_ once, with model.parameters()."""
        return _epoch("fzbelsd")(*given)

    def greatest_entry_clipped(*given):
        """You clipped the norm that is the greatest entry. The norm of clip_grad_norm_ is the root
        of the sum of squares unless you say otherwise: leave out norm_type."""
        return _epoch("fzbilsd")(*given)

    def first_group_clipped(*given):
        """You clipped the parameters of the first group alone. model.parameters() lists those of
        all groups."""
        return _epoch("fzbglsd")(*given)

    def direct_parameters_clipped(*given):
        """You clipped the parameters that stand on the model itself alone. Those of nested parts
        belong to the norm as well: model.parameters() lists all levels."""
        return _epoch("fzbrlsd")(*given)

    def always_scaled(*given):
        """You scaled every gradient to the norm max_norm, also a shorter one. Clipping limits: a
        gradient below max_norm stays as it is."""
        return _epoch("fzbalsd")(*given)

    def never_emptied(*given):
        """From the second batch on, your step follows the sum of this batch's gradient and what was
        left of the earlier ones. Empty the gradients once for every batch, not once for all."""
        return _epoch("fbclsd")(*given)

    def nothing_moved(*given):
        """No parameter moved: opt.step() is missing, or there were no gradients when it ran. Then
        zero_grad() stands between backward() and step(), or it empties them before a step() that
        comes too early, or the loss was detached from the model."""
        return _epoch("fld")(*given)

    @raises(r"modified by an inplace operation")
    def step_before_backward(*given):
        """Weights that the graph had saved were changed before backward(), by step() or by an edit
        of your own. backward() comes first."""
        return _epoch("flszbcd")(*given)

    @raises(r"local variable")
    def loss_not_there_yet():
        """A line uses the loss before there is one. The forward pass computes it: backward() and
        the list of losses come after it."""
        raise UnboundLocalError("cannot access local variable 'loss'")

    def one_batch_late(*given):
        """Your step() comes before the forward pass: it follows the gradient of the batch before,
        and the gradient of the last batch is never used. step() follows clipping."""
        return _epoch("szflbcd")(*given)

    def clipping_without_effect(*given):
        """Your steps follow gradients that were not clipped. Clip after backward(), which computes
        them, and before step(), which uses them."""
        return _epoch("zflbsd")(*given)

    def scheduler_first(*given):
        """The scheduler changes the learning rate before the optimizer has used it: the first
        learning rate is skipped. sched.step() comes after opt.step()."""
        return _epoch("zdflbcs")(*given)

    def scheduler_twice(*given):
        """You called sched.step() twice for a batch. Once is asked for: the learning rate changes
        too fast."""
        return _epoch("zflbcsdd")(*given)

    def stepped_twice(*given):
        """You called opt.step() twice for a batch. Once is asked for: the second step follows the
        same gradient again."""
        return _epoch("zflbcssd")(*given)

    def scheduler_missing(*given):
        """The learning rate never changed: sched.step() is missing. Call it for every batch."""
        return _epoch("zflbcs")(*given)

    def scheduler_between_batches(model, opt, sched, loss_fn, batches, max_norm):
        """The training is right, and the scheduler took one step too few: it stepped between the
        batches. It steps after the last one as well."""
        losses = []
        for i, batch in enumerate(batches):
            if i:
                sched.step()
            losses += _epoch("fzbcls")(model, opt, sched, loss_fn, [batch], max_norm)
        return losses

    def scheduler_once(*given):
        """You called sched.step() once, at the end. Here the learning rate changes after every
        batch: the line belongs into the loop."""
        return _epoch("zflbcs", "d")(*given)

    def losses_are_tensors(*given):
        """The training is right, and your list holds tensors. A loss that was not detached keeps
        its graph alive as long as the list does. Append loss.item()."""
        return _epoch("zftbcsd")(*given)

    def last_loss_alone(*given):
        """The training is right, and you kept the last loss alone. Append every loss inside the
        loop."""
        return _epoch("zfbcsd", "l")(*given)

    pairs = (*_two_lines(locals()),)
