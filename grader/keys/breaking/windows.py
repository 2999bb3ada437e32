"""Reference and mistakes of the exercise on training in windows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from grader.tasks.loop.nets import Loss
from grader.trusted.families.losses import of_a_given_loss
from grader.trusted.families.pairs import every_two
from grader.trusted.key import Key, raises

State = tuple[Tensor, ...]
Result = tuple[list[Any], State]


def _detached(state: State, first: int | None = None) -> State:
    """The state without its graph, or its first tensors alone."""
    return (*(t.detach() for t in state[:first]), *(state[first:] if first is not None else ()))


def _of_all(opt: Optimizer) -> None:
    opt.zero_grad()


def _of_the_first_group(opt: Optimizer) -> None:
    for parameter in opt.param_groups[0]["params"]:
        parameter.grad = None


def _to_zeros(opt: Optimizer) -> None:
    for group in opt.param_groups:
        for parameter in group["params"]:
            parameter.grad = torch.zeros_like(parameter)


def _of_the_trained(opt: Optimizer) -> None:
    for group in opt.param_groups:
        for parameter in group["params"]:
            if parameter.requires_grad:
                parameter.grad = None


@dataclass(frozen=True)
class _Way:
    """How a sequence is trained on: right as it stands."""

    emptied: Callable[[Optimizer], None] | None = _of_all
    cut_every_step: bool = False
    starts_anew: bool = False
    starts_from_zeros: bool = False
    steps: int = 1
    first_cut: bool = True
    cut: int | None = None
    retained: bool = False
    mean: bool = False
    last_loss_alone: bool = False
    short_dropped: bool = False
    window: Callable[[int, int], int] = lambda k, steps: k

    def train(
        self,
        model: Callable[..., Any],
        opt: Optimizer,
        loss_fn: Loss,
        xs: Tensor,
        ys: Tensor,
        state: State,
        k: int,
    ) -> Result:
        """The losses and the last state."""
        losses: list[Any] = []
        first, k = state, self.window(k, len(xs))
        for x, y in zip(xs.split(k), ys.split(k), strict=True):
            if self.short_dropped and len(x) < k:
                break
            if losses or self.first_cut:
                state = _detached(first if self.starts_anew else state, self.cut)
            if self.starts_from_zeros:
                state = tuple(torch.zeros_like(t) for t in state)
            if self.emptied is not None:
                self.emptied(opt)
            terms = []
            for t in range(len(x)):
                state = _detached(state) if self.cut_every_step else state
                prediction, state = model(x[t], state)
                terms.append(loss_fn(prediction, y[t]))
            loss = terms[-1] if self.last_loss_alone else torch.stack(terms).sum()
            if self.mean:
                loss = loss / len(terms)
            loss.backward(retain_graph=self.retained)
            for _ in range(self.steps):
                opt.step()
            losses.append(loss.item())
        return losses, _detached(state)


_WAYS = {
    "grads_not_emptied": (
        _Way(emptied=None),
        "Each step also went along what .grad held before: nothing emptied it. Call "
        "opt.zero_grad() once in every window, before backward.",
    ),
    "grads_of_the_first_group_emptied": (
        _Way(emptied=_of_the_first_group),
        "You emptied .grad of the first group alone, and the steps of the others also went along "
        "what theirs held before. Call opt.zero_grad(), which empties all groups.",
    ),
    "zeros_in_place_of_none": (
        _Way(emptied=_to_zeros),
        "A parameter that takes no part moved: its .grad holds zeros in your step instead of None, "
        "and weight decay moves whatever has a .grad. opt.zero_grad() puts None there, and "
        "loss.backward() leaves it.",
    ),
    "frozen_grads_kept": (
        _Way(emptied=_of_the_trained),
        "A frozen parameter moved: opt holds it, and you left it what .grad held before. Call "
        "opt.zero_grad(), which empties .grad of all parameters that opt holds.",
    ),
    "cut_at_every_step": (
        _Way(cut_every_step=True),
        "You detached the state at every step, so no gradient goes back over time at all. Detach "
        "it once for a window, at its start.",
    ),
    "state_not_carried": (
        _Way(starts_anew=True),
        "Every window of yours starts from the state that was handed in. It starts from the values "
        "with which the window before it ended: carry them on, detached.",
    ),
    "state_of_zeros": (
        _Way(starts_from_zeros=True),
        "Every window of yours starts from a state of zeros. The first one starts from the state "
        "that is handed in, and each of the others from the values with which the window before it "
        "ended: detach them, and carry them on.",
    ),
    "two_steps_a_window": (
        _Way(steps=2),
        "You took two steps of opt in every window. Take one, after the backward pass of the "
        "window.",
    ),
    "first_state_not_cut": (
        _Way(first_cut=False),
        "All windows are right but for one thing: the state that is handed in may come from a "
        "recorded computation, and the first backward pass of yours goes back into that. Detach "
        "the state at the start of every window, the first one too.",
    ),
    "mean_over_the_window": (
        _Way(mean=True),
        "You took the mean over the steps of a window. Its loss is the sum: a short last window "
        "counts less then.",
    ),
    "last_loss_alone": (
        _Way(last_loss_alone=True),
        "Your loss of a window is that of its last step alone. Add up the losses of all its steps.",
    ),
    "short_window_dropped": (
        _Way(short_dropped=True),
        "You left out the last window where it is shorter than k. It is trained on as well: "
        "range(0, T, k) counts it, and a slice ends by itself.",
    ),
    "one_long_window": (
        _Way(window=lambda k, steps: steps),
        "You trained on the whole sequence as one window: k is not used. Cut it every k steps, and "
        "take a step of opt each time.",
    ),
    "windows_of_one": (
        _Way(window=lambda k, steps: 1),
        "You took a step of opt after every step of the sequence. Take one for each window of k, "
        "along the sum of its losses.",
    ),
    "windows_too_long": (
        _Way(window=lambda k, steps: k + 1),
        "Your windows have k + 1 steps. Window number w goes from w * k up to, and without, "
        "(w + 1) * k.",
    ),
}


def _sentence(name: str) -> Callable[..., Any]:
    way, said = _WAYS[name]

    def wrong(*given: Any) -> Result:
        return way.train(*given)

    wrong.__name__, wrong.__doc__ = name, said
    return wrong


class TruncatedBpttKey(Key, task="truncated_bptt"):
    def reference(
        model: nn.Module,
        opt: Optimizer,
        loss_fn: Loss,
        xs: Tensor,
        ys: Tensor,
        state: State,
        k: int,
    ) -> Result:
        return _Way().train(model, opt, loss_fn, xs, ys, state, k)

    @raises("backward through the graph a second time")
    def state_not_cut(model, opt, loss_fn, xs, ys, state, k):
        """Your backward pass goes back into the window before, whose graph is used up: by the
        state, if you carry it on as it is or cloned, or by a loss that goes on from that window's.
        Detach every tensor of the state at the start of a window, and start the sum of the losses
        anew. retain_graph=True is no cure: the step of opt has changed what that graph saved."""
        return _Way(cut=0).train(model, opt, loss_fn, xs, ys, state, k)

    @raises("backward through the graph a second time")
    def first_tensor_cut(model, opt, loss_fn, xs, ys, state, k):
        """You detached the first tensor of the state alone. A state may have several, and each
        leads back into the window before: tuple(t.detach() for t in state)."""
        return _Way(cut=1).train(model, opt, loss_fn, xs, ys, state, k)

    @raises("modified by an inplace operation")
    def graph_retained(model, opt, loss_fn, xs, ys, state, k):
        """You kept the graph of the window before, by retain_graph=True, and the next pass goes
        back into it: there it meets parameters that the step of opt has changed. Detach the state
        at the start of a window, start the sum of the losses anew, and retain nothing."""
        return _Way(cut=0, retained=True).train(model, opt, loss_fn, xs, ys, state, k)

    def one_step_too_far(model, opt, loss_fn, xs, ys, state, k):
        """Your windows overlap: each goes on to the first step of the next one, which is trained on
        twice. A window ends in front of step a + k."""
        losses = []
        for at in range(0, len(xs), k):
            window = slice(at, at + k + 1)
            (loss,), state = _Way().train(
                model, opt, loss_fn, xs[window], ys[window], _detached(state), k + 1
            )
            losses.append(loss)
        return losses, state

    def put_into_train_mode(model, opt, loss_fn, xs, ys, state, k):
        """You called train(), and the model was in eval mode. Leave it in the mode that it is
        in."""
        model.train()
        return _Way().train(model, opt, loss_fn, xs, ys, state, k)

    def left_in_eval_mode(model, opt, loss_fn, xs, ys, state, k):
        """You put the model into eval mode and left it there. Leave it in the mode that it is
        in."""
        model.eval()
        return _Way().train(model, opt, loss_fn, xs, ys, state, k)

    @raises("'tuple' object has no attribute 'detach'")
    def tuple_detached(state):
        """A state is a tuple of tensors, and a tuple has no detach(). Detach each of them:
        tuple(t.detach() for t in state)."""
        state.detach()

    def detached_in_place(model, opt, loss_fn, xs, ys, state, k):
        """detach_() cuts the caller's own state off the graph that it comes from. detach() gives a
        tensor of yours, and leaves the caller's as it is."""
        for t in state:
            t.detach_()
        return _Way().train(model, opt, loss_fn, xs, ys, state, k)

    def window_at_once(model, opt, loss_fn, xs, ys, state, k):
        """You gave loss_fn all predictions of a window at once, and multiplied by the number of
        steps. That is the sum over the steps for a loss that is a mean, and another loss may be
        none: call it once for each step, and add up."""
        losses = []
        for x, y in zip(xs.split(k), ys.split(k), strict=True):
            state, predictions = _detached(state), []
            opt.zero_grad()
            for one in x:
                prediction, state = model(one, state)
                predictions.append(prediction)
            loss = loss_fn(torch.stack(predictions), y) * len(x)
            loss.backward()
            opt.step()
            losses.append(loss.item())
        return losses, _detached(state)

    def grads_emptied_once(model, opt, loss_fn, xs, ys, state, k):
        """You emptied the gradients once, before the first window. From the second on your steps
        follow the sum of all windows so far: call opt.zero_grad() in every window."""
        opt.zero_grad()
        return _Way(emptied=None).train(model, opt, loss_fn, xs, ys, state, k)

    def emptied_after_the_step(model, opt, loss_fn, xs, ys, state, k):
        """You empty the gradients after each step: your first one also went along what .grad held
        before. Call opt.zero_grad() before backward."""
        return _Way().train(model, _EmptiesBehind(opt), loss_fn, xs, ys, state, k)

    def steps_added_up(model, opt, loss_fn, xs, ys, state, k):
        """You took a step of opt after every step of the sequence, and added up the losses of a
        window. Take one for each window, along the sum of its losses."""
        losses, last = _Way(window=lambda k, steps: 1).train(model, opt, loss_fn, xs, ys, state, k)
        return [sum(losses[at : at + k]) for at in range(0, len(xs), k)], last

    def rest_not_trained_on(model, opt, loss_fn, xs, ys, state, k):
        """You train where the count of steps is a multiple of k, and a last window that is shorter
        never gets there: the state went through it, and no step of opt was taken. It is a window
        too: range(0, T, k) counts it."""
        whole = len(xs) // k * k
        losses = []
        if whole:
            losses, state = _Way().train(model, opt, loss_fn, xs[:whole], ys[:whole], state, k)
        for x in xs[whole:]:
            _, state = model(x, _detached(state))
        return losses, _detached(state)

    def state_thrown_away(model, opt, loss_fn, xs, ys, state, k):
        """You threw the state away that model returned: every step began with the one that was
        handed in. Give it to the next step."""

        def forgetful(x, given):
            return model(x, given)[0], given

        return _Way().train(forgetful, opt, loss_fn, xs, ys, state, k)

    def state_kept_within_a_window(model, opt, loss_fn, xs, ys, state, k):
        """Within a window you did not carry the state on: each of its steps began with the state
        that the window began with. Give every step the state that the one before it returned."""
        losses = []
        for x, y in zip(xs.split(k), ys.split(k), strict=True):
            state = _detached(state)
            opt.zero_grad()
            given = [model(x[t], state) for t in range(len(x))]
            loss = torch.stack([loss_fn(p, y[t]) for t, (p, _) in enumerate(given)]).sum()
            loss.backward()
            opt.step()
            losses.append(loss.item())
            state = given[-1][1]
        return losses, _detached(state)

    def losses_of_the_steps(model, opt, loss_fn, xs, ys, state, k):
        """The training is right, and your list holds a loss for each step of the sequence. One for
        each window is asked for, the sum over its steps."""
        terms = []

        def noting(prediction, y):
            terms.append(loss_fn(prediction, y))
            return terms[-1]

        _, last = _Way().train(model, opt, noting, xs, ys, state, k)
        return [term.item() for term in terms], last

    def first_window_alone(model, opt, loss_fn, xs, ys, state, k):
        """You trained on the first window alone. Look for a `return` or a `break` inside the loop:
        it ends the loop in its first round."""
        return _Way().train(model, opt, loss_fn, xs[:k], ys[:k], state, k)

    def one_step_at_the_end(model, opt, loss_fn, xs, ys, state, k):
        """The gradients of all windows were added up for one step of opt at the end. Take a step
        after each window, along its loss alone."""
        losses = []
        opt.zero_grad()
        for x, y in zip(xs.split(k), ys.split(k), strict=True):
            state, total = _detached(state), x.new_zeros(())
            for t in range(len(x)):
                prediction, state = model(x[t], state)
                total = total + loss_fn(prediction, y[t])
            total.backward()
            losses.append(total.item())
        opt.step()
        return losses, _detached(state)

    def nothing_moved(model, opt, loss_fn, xs, ys, state, k):
        """No parameter moved: backward() or opt.step() is missing, or the gradients were emptied
        between the two, or backward() starts from a loss that does not lead to the parameters that
        opt holds, as that of a copy of the model does not."""
        return _Way().train(model, _Still(), loss_fn, xs, ys, state, k)

    def losses_added_up(*given):
        """The training is right, and each of your losses holds those of the windows before it as
        well. Start the sum anew in every window."""
        losses, state = TruncatedBpttKey.reference(*given)
        return [sum(losses[: n + 1]) for n in range(len(losses))], state

    def losses_are_tensors(model, opt, loss_fn, xs, ys, state, k):
        """The training is right, and your list holds tensors, which may keep the graph of their
        window. Append loss.item(), a Python float."""
        losses, last = TruncatedBpttKey.reference(model, opt, loss_fn, xs, ys, state, k)
        return [xs.new_tensor(loss) for loss in losses], last

    def total_loss(*given):
        """The training is right, and you returned one loss, the sum over all windows. A list with
        one for each window is asked for."""
        losses, state = TruncatedBpttKey.reference(*given)
        return sum(losses), state

    def first_state_returned(model, opt, loss_fn, xs, ys, state, k):
        """You returned the state that was handed in. The last one is asked for, with which the last
        window ends."""
        losses, _ = TruncatedBpttKey.reference(model, opt, loss_fn, xs, ys, state, k)
        return losses, state

    def state_before_the_last_window(model, opt, loss_fn, xs, ys, state, k):
        """You returned the state with which the last window began. Return the one with which it
        ends."""
        states = [state]

        def noting(x, given):
            prediction, following = model(x, given)
            states.append(_detached(following))
            return prediction, following

        losses, _ = _Way().train(noting, opt, loss_fn, xs, ys, state, k)
        return losses, states[(len(xs) - 1) // k * k]

    def last_state_recorded(*given):
        """All numbers are right, and the state that you return requires grad: it keeps the graph of
        the last window alive. Detach it, too."""
        losses, state = TruncatedBpttKey.reference(*given)
        return losses, tuple(t.requires_grad_() for t in state)

    def losses_alone(*given):
        """You returned the losses alone. Return the pair (losses, state)."""
        return TruncatedBpttKey.reference(*given)[0]

    families = (*map(_sentence, _WAYS), *of_a_given_loss(reference, 2))
    pairs = (*every_two(lambda way, *given: way.train(*given), _WAYS),)


class _EmptiesBehind:
    """An optimizer that empties the gradients after its step, and not when it is asked to."""

    def __init__(self, opt: Optimizer) -> None:
        self.opt = opt

    def zero_grad(self) -> None:
        """Nothing."""

    def step(self) -> None:
        """A step, and no gradients behind it."""
        self.opt.step()
        self.opt.zero_grad()


class _Still:
    """An optimizer that does nothing."""

    def zero_grad(self) -> None:
        """Nothing."""

    def step(self) -> None:
        """Nothing."""
