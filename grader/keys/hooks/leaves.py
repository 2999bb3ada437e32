"""References and mistakes of the exercises on hooks of leaves."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from grader.trusted.key import Key, raises

Leaves = Sequence[Tensor]


def _attach(params: Leaves, change: Callable[[Tensor], Tensor | None]) -> list[Any]:
    return [p.register_hook(change) for p in params if p.requires_grad]


def _remembering(params, c, first):
    """Hooks that run when .grad is complete, and limit by how much it grew; it was `first(p)`."""

    def remembering(p):
        old = torch.zeros_like(p) if first(p) is None else first(p).clone()

        def hook(p):
            p.grad.copy_(old + (p.grad - old).clamp(-c, c))
            old.copy_(p.grad)

        return hook

    leaves = [p for p in params if p.requires_grad]
    return [p.register_post_accumulate_grad_hook(remembering(p)) for p in leaves]


_LAST: dict[str, float] = {}
"""What the calls of a mistake share."""


class ClipByHookKey(Key, task="clip_by_hook"):
    def reference(params: Leaves, c: float) -> list[Any]:
        return _attach(params, lambda g: torch.where(g.abs() > c, c * g.sign(), g))

    def clipped_the_sum(params, c):
        """You limited the sum: after two passes .grad holds at most c, and each of them may bring
        as much. Limit what one pass brings, whatever .grad holds. register_hook gets just that; a
        hook that runs after accumulation sees the total."""

        def clip(p):
            if p.grad is not None:
                p.grad.clamp_(-c, c)

        return [p.register_post_accumulate_grad_hook(clip) for p in params if p.requires_grad]

    @raises(r"post accumulate grad hooks should return None")
    def post_hook_returned(params, c):
        """Your hook runs after the pass was added to .grad, and what it returns is refused. There
        it would also limit the sum of several passes: use register_hook, which gets the gradient of
        one pass and returns another."""
        leaves = [p for p in params if p.requires_grad]
        return [p.register_post_accumulate_grad_hook(lambda p: p.grad) for p in leaves]

    def clipped_the_sum_wider(params, c):
        """You limited the sum in .grad, to [-2c, 2c]. A pass by itself comes
        through with up to 2c, and what two passes brought cannot be told apart any more. Use
        register_hook, which gets the gradient of one pass."""

        def clip(p):
            p.grad.clamp_(-2 * c, 2 * c)

        leaves = [p for p in params if p.requires_grad]
        return [p.register_post_accumulate_grad_hook(clip) for p in leaves]

    def limited_by_the_passes_so_far(params, c):
        """You limited the sum in .grad, to c times the number of passes. That
        is no sum of limited passes: one that brings little makes room for one that brings much. Use
        register_hook, which gets the gradient of one pass."""

        def counting() -> Callable[[Tensor], None]:
            passes = [0]

            def clip(p: Tensor) -> None:
                passes[0] += 1
                if p.grad is not None:
                    p.grad.clamp_(-c * passes[0], c * passes[0])

            return clip

        leaves = [p for p in params if p.requires_grad]
        return [p.register_post_accumulate_grad_hook(counting()) for p in leaves]

    def twice_the_limit(params, c):
        """You limited to [-2c, 2c]. The limits of each pass are -c and c."""
        return _attach(params, lambda g: g.clamp(-2 * c, 2 * c))

    def bent(params, c):
        """Your limit bends what lies within it, as tanh does. Entries from -c to c stay as they
        are: clamp leaves them alone."""
        return _attach(params, lambda g: c * torch.tanh(g / c))

    def matrices_alone(params, c):
        """Only entries of two or more dimensions have a hook. Every entry that requires grad is to
        have one, whatever its shape."""
        return _attach([p for p in params if p.ndim > 1], lambda g: g.clamp(-c, c))

    def vectors_alone(params, c):
        """Only entries of one dimension have a hook. Every entry that requires grad is to have one,
        whatever its shape."""
        vectors = [p for p in params if p.ndim == 1 and p.requires_grad]
        return _attach(vectors, lambda g: g.clamp(-c, c))

    def none_for_the_frozen(params, c):
        """Your list has a None in the place of an entry that does not require grad. Leave such an
        entry out: whoever ends the clipping calls remove() on everything in the list."""
        return [
            p.register_hook(lambda g: g.clamp(-c, c)) if p.requires_grad else None for p in params
        ]

    def handles_in_a_dict(params, c):
        """You returned a dict. A list of the handles is asked for: whoever ends the clipping calls
        remove() on everything in it."""
        leaves = [p for p in params if p.requires_grad]
        return dict(zip(leaves, _attach(params, lambda g: g.clamp(-c, c)), strict=True))

    def handles_in_a_set(params, c):
        """You returned a set. A list of the handles is asked for, one for each entry that requires
        grad."""
        return set(_attach(params, lambda g: g.clamp(-c, c)))

    @raises(r"expected Variable, but hook returned")
    def hook_returned_no_tensor(params, c):
        """Your hook returned something that is no tensor, such as a NumPy array or a number. What
        it returns takes the place of the gradient: compute with torch, for example
        g.clamp(-c, c)."""
        return _attach(params, lambda g: c)

    @raises(r"nested_tensorlist")
    def clipped_now_by_torch(params, c):
        """You clipped at once, and registered no hook: clip_grad_value_ limits the .grad that is
        there now, and fails where no entry has one. Later passes come through as they are.
        register_hook is called in every pass from now on."""
        torch.nn.utils.clip_grad_value_(params, c)
        return []

    def clipped_by_norm(params, c):
        """You made the whole gradient shorter until its norm is c. Here each entry has the limits
        -c and c of its own."""
        return _attach(params, lambda g: g * min(1.0, c / float(g.norm())))

    def clipped_by_norm_and_a_little(params, c):
        """You made the whole gradient shorter until its norm is c. Here each entry has the limits
        -c and c of its own."""
        return _attach(params, lambda g: g * min(1.0, c / (float(g.norm()) + 1e-6)))

    def sign_times_the_limit(params, c):
        """Every entry of your gradient is -c or c: its sign times the limit. What lies between the
        limits stays as it is."""
        return _attach(params, lambda g: c * g.sign())

    def above_alone(params, c):
        """You limited large gradients and not large negative ones. The limits are -c and c."""
        return _attach(params, lambda g: g.clamp(max=c))

    def hook_returned_nothing(params):
        """Nothing was limited, and your handles are there. Either the hook returns None, which
        leaves the gradient as it is: clamp makes a new tensor, which the hook has to return. Or the
        hook is never called: register it on the entry itself, with register_hook."""
        return _attach(params, lambda g: None)

    def edited_in_place(params, c):
        """Your .grad is right, and the tensor that was handed to the hook is changed. It belongs to
        others too, so that their gradient is now limited as well. Use clamp, not clamp_."""
        return _attach(params, lambda g: g.clamp_(-c, c))

    def limit_of_the_last_call(params, c):
        """Your hooks limit to the c of the last call of your function, for whichever leaves that
        was: all calls share one name for it. Each has a limit of its own: a function made inside
        yours sees its c."""
        _LAST["c"] = c
        return _attach(params, lambda g: g.clamp(-_LAST["c"], _LAST["c"]))

    def below_alone(params, c):
        """You limited large negative gradients and not large ones. The limits are -c and c."""
        return _attach(params, lambda g: g.clamp(min=-c))

    def negatives_lost(params, c):
        """You limited to [0, c], so that negative gradients become 0. The limits are -c and c."""
        return _attach(params, lambda g: g.clamp(0, c))

    def at_one(params):
        """You limited to [-1, 1]. The limits are -c and c."""
        return _attach(params, lambda g: g.clamp(-1, 1))

    def zeroed_beyond(params, c):
        """You made zeros of what lies beyond the limits. It is to become -c or c: clamp does
        that."""
        return _attach(params, lambda g: torch.where(g.abs() > c, 0.0, g))

    def scaled_to_the_limit(params, c):
        """You scaled the whole gradient so that its largest entry is c. Entries within the limits
        stay as they are: limit each by itself, with clamp."""
        return _attach(params, lambda g: g / g.abs().max() * c)

    def scaled_where_it_is_exceeded(params, c):
        """Where an entry exceeds the limit you scaled the whole gradient, until its largest entry
        is c. Entries within the limits stay as they are: limit each by itself, with clamp."""
        return _attach(params, lambda g: g * min(1.0, c / float(g.abs().max())))

    def first_pass_alone(params, c):
        """Only the first pass is limited. Your hook removes itself, or counts its calls: it has to
        stay until its handle is removed."""
        seen: dict[int, int] = {}

        def first(p: Tensor) -> Callable[[Tensor], Tensor]:
            def hook(g: Tensor) -> Tensor:
                seen[id(p)] = seen.get(id(p), 0) + 1
                return g.clamp(-c, c) if seen[id(p)] == 1 else g

            return hook

        return [p.register_hook(first(p)) for p in params if p.requires_grad]

    def old_grad_remembered(params, c):
        """You remembered .grad from the pass before, to tell what a pass adds. Whoever empties
        .grad in between makes the difference wrong. A hook by register_hook gets what one pass
        adds: nothing has to be remembered."""

        return _remembering(params, c, lambda p: p.grad)

    def remembered_from_zero(params, c):
        """You remembered .grad from the pass before, to tell what a pass adds, and took it for zero
        at the start. It may hold something when you are called, and be emptied later. A hook by
        register_hook gets what one pass adds: nothing has to be remembered."""
        return _remembering(params, c, lambda p: None)

    def clipped_now(params, c):
        """You limited the .grad that is there now, and registered no hook, so that later passes
        come through as they are. register_hook is called in every pass from now on."""
        for p in params:
            if p.grad is not None:
                p.grad.clamp_(-c, c)
        return []

    def clipped_now_to_nothing(params, c):
        """You registered no hook, so that later passes come through as they are. register_hook is
        called in every pass from now on: one for each entry that requires grad."""
        return []

    def empty_left_out(params, c):
        """You left out entries whose .grad is None. It is None before the first pass and after
        every emptying: ask for requires_grad."""
        return _attach([p for p in params if p.grad is not None], lambda g: g.clamp(-c, c))

    def last_entry_alone(params, c):
        """Only the last entry of params has a hook: you registered it, or kept its handle, after
        the loop. Do both for every entry, inside the loop."""
        return _attach([p for p in params if p.requires_grad][-1:], lambda g: g.clamp(-c, c))

    def first_entry_alone(params, c):
        """Only the first entry of params has a hook. Look for a `return` or a `break` inside the
        loop: it ends the loop in its first round."""
        return _attach(params[:1], lambda g: g.clamp(-c, c))

    @raises(r"'NoneType' object has no attribute '(clamp|clip|data|detach|clone|abs|minimum)")
    def grad_read_in_the_hook(params, c):
        """Your hook reads p.grad. When it runs, this pass has not been added yet, so that .grad is
        None or holds earlier passes; and p may be another entry by then, the last of the loop. What
        this pass brings is the argument of the hook."""
        leaves = [p for p in params if p.requires_grad]
        return [p.register_hook(lambda g, p=p: p.grad.clamp(-c, c)) for p in leaves]

    def no_handles(params, c):
        """You returned nothing. Without the handles nobody can remove your hooks: return the list
        of what register_hook gave you."""
        _attach(params, lambda g: g.clamp(-c, c))

    def last_handle_alone(params, c):
        """You returned one handle. There is one for each hook, and all of them are needed to remove
        them: return the list."""
        return _attach(params, lambda g: g.clamp(-c, c))[-1]

    @raises(r"cannot register a hook on a tensor that doesn't require grad")
    def frozen_not_skipped(params, c):
        """You registered a hook on a frozen entry, which torch refuses. Leave out what does not
        require grad."""
        return [p.register_hook(lambda g: g.clamp(-c, c)) for p in params]


Optimizer = torch.optim.Optimizer


def _frozen(weight, rows, saved, optimizer, recorded=False):
    """Hooks that zero part of each gradient, and put part of the weight back after each step."""

    def mask(grad: Tensor) -> Tensor:
        grad = grad.clone()
        grad[rows] = 0
        return grad

    def put_back(*_: Any) -> None:
        with torch.set_grad_enabled(recorded):
            weight[rows] = saved

    return [weight.register_hook(mask), optimizer.register_step_post_hook(put_back)]


def _multiplied(weight: Tensor, rows: Tensor) -> Any:
    """A hook that multiplies the gradient of the rows by 0."""
    free = torch.ones_like(weight)
    free[rows] = 0
    return weight.register_hook(lambda grad: grad * free)


def _put_back(weight, rows, optimizer):
    """The second of these hooks alone, in a list."""
    masked, back = _frozen(weight, rows, _kept(weight, rows), optimizer)
    masked.remove()
    return [back]


def _kept(weight: Tensor, rows: Any) -> Tensor:
    return weight.detach()[rows].clone()


class FreezeByHookKey(Key, task="freeze_by_hook"):
    def reference(weight: Tensor, rows: Tensor, optimizer: Optimizer) -> list[Any]:
        frozen = torch.zeros(len(weight), 1, dtype=torch.bool, device=weight.device)
        frozen[rows] = True
        start = weight.detach().clone()

        def put_back(*_: Any) -> None:
            with torch.no_grad():
                weight.copy_(torch.where(frozen, start, weight))

        masked = weight.register_hook(lambda grad: grad.masked_fill(frozen, 0))
        return [masked, optimizer.register_step_post_hook(put_back)]

    def inf_times_zero(weight, rows, optimizer):
        """You multiply the gradient by a mask. Where inf or nan arrives, that times 0 is nan, and
        backward adds it to weight.grad. Write zeros: grad.index_fill(0, rows, 0), or
        torch.where."""
        return [_multiplied(weight, rows), *_put_back(weight, rows, optimizer)]

    def inf_times_zero_and_nothing_put_back(weight, rows):
        """Two things are wrong. You multiply the gradient by a mask: where inf or nan arrives, that
        times 0 is nan. And step() still moves the rows, by weight decay and by the momentum of
        earlier steps. Write zeros, and put the rows back after each step from a copy of their
        values."""
        return [_multiplied(weight, rows)]

    def moved_all_the_same(weight, rows):
        """The gradient of the rows is zero, and step() still moves them. Weight decay adds to the
        gradient after your hook, and momentum remembers earlier steps. Put the rows back after each
        step, in a hook of the optimizer, from a copy of their values; detach() without clone()
        makes none, and moves along."""
        return [weight.register_hook(lambda grad: grad.index_fill(0, rows, 0))]

    def gradient_not_masked(weight, rows, optimizer):
        """The rows stay as they are, and their gradient is not zero. Either there is no hook on
        weight, or it does not return the masked gradient."""
        return _put_back(weight, rows, optimizer)

    def mask_handle_missing(weight, rows, optimizer):
        """The gradient of the rows is zero after your handles are removed: the handle of the hook
        on weight is not among them. Return the handles of both hooks."""
        return _frozen(weight, rows, _kept(weight, rows), optimizer)[1:]

    def nothing_registered(weight):
        """You registered no hook: what you change once, in .grad or in weight, holds until the next
        pass or step. Register one hook on weight and one on the optimizer, and return their
        handles."""
        return []

    def inverted(weight, rows, optimizer):
        """You froze the other rows. Those whose numbers stand in rows are to be frozen."""
        others = torch.ones(len(weight), dtype=torch.bool, device=weight.device)
        others[rows] = False
        return _frozen(weight, others, _kept(weight, others), optimizer)

    def columns(weight, rows, optimizer):
        """You froze columns. The first index of weight is the row: weight[rows], and not
        weight[:, rows]."""
        at = (slice(None), rows)
        return _frozen(weight, at, _kept(weight, at), optimizer)

    def whole_weight_put_back(weight, rows, optimizer):
        """The whole weight stands still: you put back all of it after each step. Put back the rows
        whose numbers stand in rows, and let the others train."""
        masked, back = _frozen(weight, rows, _kept(weight, rows), optimizer)
        back.remove()
        everything = slice(None)
        return [masked, *_put_back(weight, everything, optimizer)]

    def one_row_frozen(weight, rows, optimizer):
        """You froze one row, the first that rows names, and the others train. Freeze all whose
        numbers stand in rows."""
        return list(_frozen(weight, rows[:1], _kept(weight, rows[:1]), optimizer))

    def one_row_put_back(weight, rows, optimizer):
        """One of the rows stays as it is, and the others move: you put back the first alone. Put
        back all whose numbers stand in rows."""
        masked, back = _frozen(weight, rows, _kept(weight, rows), optimizer)
        back.remove()
        return [masked, *_put_back(weight, rows[:1], optimizer)]

    def last_row_alone(weight, rows, optimizer):
        """Only the last of the rows is frozen. A function made in a loop looks its row up when it
        is called, and by then the loop has ended. One hook is enough for all of them: index with
        rows."""
        last = rows[-1:]
        return _frozen(weight, last, _kept(weight, last), optimizer)

    def old_gradient_emptied(weight, rows, optimizer):
        """Backward is to add zeros to the rows of weight.grad, and you wrote zeros there: what
        .grad held before is lost. A hook by register_hook gets what this pass brings, before it is
        added."""

        def empty(weight):
            weight.grad[rows] = 0

        masked = weight.register_post_accumulate_grad_hook(empty)
        return [masked, *_put_back(weight, rows, optimizer)]

    def columns_masked(weight, rows, optimizer):
        """The rows are put back, and your hook makes zeros of columns of the gradient. The first
        index is the row: grad[rows], and not grad[:, rows]."""
        at = (slice(None), rows)
        masked, back = _frozen(weight, at, _kept(weight, at), optimizer)
        back.remove()
        return [masked, *_put_back(weight, rows, optimizer)]

    def first_rows(weight, rows, optimizer):
        """You froze the first rows, as many as rows has entries. Those whose numbers stand in rows
        are to be frozen: weight[rows], and not weight[:len(rows)]."""
        at = slice(len(rows))
        return _frozen(weight, at, _kept(weight, at), optimizer)

    def first_rows_masked(weight, rows, optimizer):
        """The rows are put back, and your hook makes zeros of the first rows of the gradient, as
        many as rows has entries. Zero those whose numbers stand in rows: grad[rows]."""
        at = slice(len(rows))
        masked, back = _frozen(weight, at, _kept(weight, at), optimizer)
        back.remove()
        return [masked, *_put_back(weight, rows, optimizer)]

    def decay_cancelled(weight, rows, optimizer):
        """You took weight decay off the rows, and momentum still moves them: it remembers the steps
        before you were called. Put the rows back after each step, whatever moved them."""

        def cancel(*_):
            decay = optimizer.param_groups[0]["weight_decay"]
            weight.grad[rows] = -decay * weight.detach()[rows]

        masked = FreezeByHookKey.moved_all_the_same(weight, rows)
        return [*masked, optimizer.register_step_pre_hook(cancel)]

    def mask_inverted(weight, rows, optimizer):
        """Your mask is the wrong way round: the gradient of the rows passes, and that of all others
        is zero. Zero those whose numbers stand in rows."""
        stopped = torch.ones(len(weight), 1, dtype=torch.bool, device=weight.device)
        stopped[rows] = False
        masked = weight.register_hook(lambda grad: grad.masked_fill(stopped, 0))
        return [masked, *_put_back(weight, rows, optimizer)]

    def edited_in_place(weight, rows, optimizer):
        """Another parameter has a gradient of zero in these rows as well. Either your hook writes
        into the tensor that it is handed, which a pass may hand to others too: return an edited
        clone. Or a hook of yours stands on other parameters: weight alone has one."""

        def mask(grad: Tensor) -> Tensor:
            grad[rows] = 0
            return grad

        return [weight.register_hook(mask), *_put_back(weight, rows, optimizer)]

    def nothing_frozen(weight):
        """Nothing is frozen: the gradient of the rows is not zero, and step() moves them. A hook
        on weight must return the masked gradient, and a hook of the optimizer must put the rows
        back after each step."""
        return [weight.register_hook(lambda grad: None)]

    def settings_switched_off(weight, rows, optimizer):
        """You switched weight decay or momentum off. They belong to a group of parameters, and so
        all other rows train in another way. Leave them on, and put the rows back after each
        step."""
        for group in optimizer.param_groups:
            group["weight_decay"] = group["momentum"] = 0.0
        return FreezeByHookKey.moved_all_the_same(weight, rows)

    def decay_switched_off(weight, rows, optimizer):
        """You switched weight decay off. It belongs to a group of parameters, and so all other rows
        train in another way; momentum still moves the frozen ones. Leave it on, and put the rows
        back after each step."""
        for group in optimizer.param_groups:
            group["weight_decay"] = 0.0
        return FreezeByHookKey.moved_all_the_same(weight, rows)

    def settings_switched_off_and_put_back(weight, rows, optimizer):
        """The rows stand still, and you switched weight decay or momentum off besides. They belong
        to a group of parameters, and so all other rows train in another way. Leave them on: rows
        that are put back after each step need no more."""
        for group in optimizer.param_groups:
            group["weight_decay"] = group["momentum"] = 0.0
        return _frozen(weight, rows, _kept(weight, rows), optimizer)

    def decay_switched_off_and_put_back(weight, rows, optimizer):
        """The rows stand still, and you switched weight decay off besides. It belongs to a group of
        parameters, and so all other rows train in another way. Leave it on: rows that are put back
        after each step need no more."""
        for group in optimizer.param_groups:
            group["weight_decay"] = 0.0
        return _frozen(weight, rows, _kept(weight, rows), optimizer)

    def memory_emptied_and_put_back(weight, rows, optimizer):
        """The rows stand still, and you emptied what the optimizer remembers of the whole weight,
        such as its momentum: the next step of all other rows is another one. Leave its state alone:
        rows that are put back after each step need no more."""
        optimizer.state[weight].clear()
        return _frozen(weight, rows, _kept(weight, rows), optimizer)

    def momentum_emptied(weight, rows, optimizer):
        """You emptied the momentum of the rows, and weight decay still moves them: it is added to
        their gradient after your hook. Put the rows back after each step, whatever moved them."""
        buffer = optimizer.state[weight].get("momentum_buffer")
        if buffer is not None:
            buffer[rows] = 0
        return FreezeByHookKey.moved_all_the_same(weight, rows)

    def momentum_emptied_each_time(weight, rows, optimizer):
        """You empty the momentum of the rows before each step, and weight decay still moves them:
        it is added to their gradient after your hook. Put the rows back after each step, whatever
        moved them."""

        def empty(*_):
            buffer = optimizer.state[weight].get("momentum_buffer")
            if buffer is not None:
                buffer[rows] = 0

        masked = FreezeByHookKey.moved_all_the_same(weight, rows)
        return [*masked, optimizer.register_step_pre_hook(empty)]

    def decay_cancelled_and_momentum_emptied(weight, rows, optimizer):
        """You keep the rows still by what SGD adds to a step: weight decay, and a buffer of
        momentum. Another optimizer, such as Adam, has other memory, which still moves them. Put the
        rows back after each step, whatever moved them."""

        def cancel(*_):
            group = next(g for g in optimizer.param_groups if any(p is weight for p in g["params"]))
            weight.grad[rows] = -group["weight_decay"] * weight.detach()[rows]
            buffer = optimizer.state[weight].get("momentum_buffer")
            if buffer is not None:
                buffer[rows] = 0

        masked = FreezeByHookKey.moved_all_the_same(weight, rows)
        return [*masked, optimizer.register_step_pre_hook(cancel)]

    def noted_too_late(weight, rows, optimizer):
        """You noted the rows after the first step, which had moved them already. They are to stay
        as they are when your function is called: copy them there."""
        noted = []

        def put_back(*_):
            with torch.no_grad():
                noted.append(weight[rows].clone())
                weight[rows] = noted[0]

        masked = FreezeByHookKey.moved_all_the_same(weight, rows)
        return [*masked, optimizer.register_step_post_hook(put_back)]

    def put_back_too_early(weight, rows, optimizer):
        """You put the rows back before each step, and the step moves them. Use
        register_step_post_hook, which is called after it."""
        saved = _kept(weight, rows)

        def put_back(*_):
            with torch.no_grad():
                weight[rows] = saved

        masked = FreezeByHookKey.moved_all_the_same(weight, rows)
        return [*masked, optimizer.register_step_pre_hook(put_back)]

    def rows_emptied(weight, rows, optimizer):
        """You wrote zeros into the rows. They are to stay as they are now: keep a copy, and write
        that back."""
        return _frozen(weight, rows, 0.0, optimizer)

    def one_handle(weight, rows, optimizer):
        """You returned one handle, and not a list. Return the handles of all your hooks, in a
        list."""
        return _frozen(weight, rows, _kept(weight, rows), optimizer)[0]

    @raises(r"shape mismatch: value tensor of shape|expanded size of the tensor")
    def whole_copy_into_the_rows(weight, rows, optimizer):
        """You write a copy of another shape into the rows, such as one of the whole weight. Take
        the same rows of the copy: weight[rows] = kept[rows]."""
        return _frozen(weight, rows, weight.detach().clone(), optimizer)

    @raises(r"only change requires_grad flags of leaf variables")
    def flag_of_rows(weight, rows):
        """You switched requires_grad off for weight[rows]. That is a new tensor, computed from
        weight, and the flag belongs to a whole tensor: rows have none. That is what a hook is
        for."""
        weight[rows].requires_grad_(False)

    @raises(r"positional arguments? but 3 were given")
    def step_hook_with_fewer_arguments(weight, optimizer):
        """The optimizer calls its hook as f(optimizer, args, kwargs). Yours takes another number of
        arguments: write it with three."""
        return [optimizer.register_step_post_hook(lambda optimizer: None)]

    @raises(r"does not require grad and does not have a grad_fn")
    def whole_weight(weight, optimizer):
        """You switched requires_grad off, which freezes the whole weight: the flag belongs to a
        tensor and not to its rows. That is what a hook is for."""
        weight.requires_grad_(False)
        return [optimizer.register_step_post_hook(lambda *_: None)]

    @raises(r"leaf Variable that requires grad")
    def put_back_was_recorded(weight, rows, optimizer):
        """You write the rows back while autograd records, and a leaf that requires grad must not be
        edited then. Hooks of an optimizer run outside its no_grad: write your own."""
        return _frozen(weight, rows, _kept(weight, rows), optimizer, recorded=True)

    def handle_missing(weight, rows, optimizer):
        """The rows stand still after your handles are removed: what holds them back has no handle
        among those you returned. Register a hook on the weight and one on the optimizer, and return
        the handles of both."""
        return _frozen(weight, rows, _kept(weight, rows), optimizer)[:1]

    def no_handles(weight, rows, optimizer):
        """You returned nothing, so that nobody can end the freezing. Return the list of the
        handles."""
        _frozen(weight, rows, _kept(weight, rows), optimizer)
