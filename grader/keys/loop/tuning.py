"""Reference and mistakes of the exercise that trains a new head."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from grader.trusted.families.losses import of_a_given_loss
from grader.trusted.key import Key, raises

Loss = Callable[[Tensor, Tensor], Tensor]
Batches = list[tuple[Tensor, Tensor]]


def _train(model, loss_fn, batches, lr, trained, *, kind=torch.optim.SGD, **settings):
    """Train as the modes and flags stand."""
    opt = kind(trained, lr=lr, **{"weight_decay": 0.1, **settings})
    for x, y in batches:
        opt.zero_grad()
        loss_fn(model(x), y).backward()
        opt.step()


def _place(model, head):
    """Put the head in its place, in train mode. Returns the body."""
    model.head = head
    model.train()
    return model.body


def _freeze(model, head):
    """Put the head in its place, and freeze the body in eval mode. Returns the body."""
    return _place(model, head).requires_grad_(False).eval()


class FinetuneKey(Key, task="finetune"):
    def reference(
        model: nn.Module, head: nn.Module, loss_fn: Loss, batches: Batches, lr: float
    ) -> None:
        body = _freeze(model, head)
        with torch.no_grad():
            features = [(body(x), y) for x, y in batches]
        _train(head, loss_fn, features, lr, head.parameters())

    families = (*of_a_given_loss(reference, 2),)

    def first_batch_alone(model, head, loss_fn, batches, lr):
        """You trained on the first batch alone: your function returns inside the loop, after its
        first round. Let the loop come to its end."""
        FinetuneKey.reference(model, head, loss_fn, batches[:1], lr)

    def statistics_put_back(model, head, loss_fn, batches, lr):
        """The body is as it was, and the head was trained on other features: the running statistics
        moved while the batches went through, and were put back at the end. In eval mode they never
        move: call body.eval() before the loop."""
        body = _place(model, head).requires_grad_(False)
        before = {name: value.clone() for name, value in body.state_dict().items()}
        _train(model, loss_fn, batches, lr, head.parameters())
        body.load_state_dict(before)
        body.eval()

    def flag_of_the_body_alone(model, head, loss_fn, batches, lr):
        """You set body.training = False, which is a flag of the body itself: its parts stay in
        train mode, and the running statistics moved. Call body.eval(), which reaches every
        part."""
        body = _place(model, head).requires_grad_(False)
        body.training = False
        _train(model, loss_fn, batches, lr, head.parameters())

    def modes_exchanged(model, head, loss_fn, batches, lr):
        """You exchanged the modes: the body is in train mode, so its running statistics moved, and
        the head is in eval mode. Call body.eval() and head.train()."""
        _place(model, head).requires_grad_(False)
        head.eval()
        _train(model, loss_fn, batches, lr, head.parameters())

    def norms_alone_in_eval_mode(model, head, loss_fn, batches, lr):
        """Part of the body is still in train mode: you put its norms into eval mode alone. Dropout
        drops in train mode, too: call eval() on the whole body."""
        body = _place(model, head).requires_grad_(False)
        for part in body.modules():
            if next(part.buffers(recurse=False), None) is not None:
                part.eval()
        _train(model, loss_fn, batches, lr, head.parameters())

    def head_as_it_came(model, head, loss_fn, batches, lr):
        """A head that arrives in eval mode stays in it. It is to be in train mode: call
        head.train(), or model.train() after the head is in its place."""
        modes = [(part, part.training) for part in head.modules()]
        FinetuneKey.reference(model, head, loss_fn, batches, lr)
        for part, mode in modes:
            part.training = mode

    def momentum_added(model, head, loss_fn, batches, lr):
        """The body is right, and the head was trained with momentum. Learning rate and weight decay
        are given; leave all else of SGD as it is."""
        _freeze(model, head)
        _train(model, loss_fn, batches, lr, head.parameters(), momentum=0.9)

    def every_batch_twice(model, head, loss_fn, batches, lr):
        """The head was trained on every batch more than once. One step for each batch is asked
        for."""
        FinetuneKey.reference(model, head, loss_fn, [*batches, *batches], lr)

    def adam(model, head, loss_fn, batches, lr):
        """The body is right, and the head was trained by another optimizer. A torch.optim.SGD with
        weight decay 0.1 is asked for."""
        _freeze(model, head)
        _train(model, loss_fn, batches, lr, head.parameters(), kind=torch.optim.Adam)

    def adamw(model, head, loss_fn, batches, lr):
        """The body is right, and the head was trained by another optimizer. A torch.optim.SGD with
        weight decay 0.1 is asked for."""
        _freeze(model, head)
        _train(model, loss_fn, batches, lr, head.parameters(), kind=torch.optim.AdamW)

    def statistics_moved(model, head, loss_fn, batches, lr):
        """The body's parameters stayed, and its running statistics moved: in train mode a norm
        updates them in every forward pass, frozen or not. Put the body into eval mode, after any
        model.train()."""
        _place(model, head).requires_grad_(False)
        _train(model, loss_fn, batches, lr, head.parameters())

    def eval_too_late(model, head, loss_fn, batches, lr):
        """The body is in eval mode at the end, and its running statistics moved all the same: it
        was in train mode while the batches went through. Call body.eval() before the loop, after
        any model.train()."""
        FinetuneKey.statistics_moved(model, head, loss_fn, batches, lr)
        model.body.eval()

    def mode_given_back(model, head, loss_fn, batches, lr):
        """The training is right, and the body is in train mode at the end: the next forward pass
        would move its running statistics. Leave it in eval mode."""
        FinetuneKey.reference(model, head, loss_fn, batches, lr)
        model.train()

    def head_in_eval_mode(model, head, loss_fn, batches, lr):
        """The training is right, and the head is in eval mode: model.eval() reaches every part.
        Call it on the body alone, or call head.train() afterwards."""
        FinetuneKey.reference(model, head, loss_fn, batches, lr)
        model.eval()

    def rate_zero(model, head, loss_fn, batches, lr):
        """The body's values stay, and its parameters require grad at the end: it got the learning
        rate 0, or was left out of the optimizer, or was thawed afterwards. Call
        requires_grad_(False) on the body before the loop, and leave it so."""
        _place(model, head).requires_grad_(True).eval()
        _train(model, loss_fn, batches, lr, head.parameters())

    def rate_zero_in_train_mode(model, head, loss_fn, batches, lr):
        """You gave the body the learning rate 0, or left it out of the optimizer. It still requires
        grad, and its running statistics moved, as they do in train mode. Call
        requires_grad_(False) and eval() on the body."""
        _place(model, head)
        _train(model, loss_fn, batches, lr, head.parameters())

    def nothing_frozen(model, head, loss_fn, batches, lr):
        """The body was trained, its parameters and its running statistics. Call
        requires_grad_(False) and eval() on it, and give the optimizer the head alone."""
        _place(model, head)
        _train(model, loss_fn, batches, lr, model.parameters())

    def eval_takes_no_gradients_away(model, head, loss_fn, batches, lr):
        """The body was trained: eval() changes what its layers compute, and leaves gradients and
        optimizer alone. Call requires_grad_(False) on the body as well."""
        _place(model, head).eval()
        _train(model, loss_fn, batches, lr, model.parameters())

    def one_step_for_all(model, head, loss_fn, batches, lr):
        """The body is right, and the head took one step, along the last batch alone: step() stands
        after the loop. One step for each batch is asked for."""
        _freeze(model, head)
        _train(model, loss_fn, batches[-1:], lr, head.parameters())

    def a_tenth_of_the_decay(model, head, loss_fn, batches, lr):
        """The body is right, and the head was trained with weight decay 0.01. It should be 0.1."""
        _freeze(model, head)
        _train(model, loss_fn, batches, lr, head.parameters(), weight_decay=0.01)

    def a_tenth_of_the_rate(model, head, loss_fn, batches, lr):
        """The body is right, and the head was trained with a tenth of lr. Use lr as it is."""
        _freeze(model, head)
        _train(model, loss_fn, batches, lr / 10, head.parameters())

    def old_gradients_followed(model, head, loss_fn, batches, lr):
        """A frozen weight moved: it still held an old .grad when the optimizer got it, and nothing
        emptied it before the first step. Give the optimizer the head alone."""
        _freeze(model, head)
        opt = torch.optim.SGD(model.parameters(), lr=lr, weight_decay=0.1)
        for x, y in batches:
            loss_fn(model(x), y).backward()
            opt.step()
            opt.zero_grad()

    def head_not_placed(model, head, loss_fn, batches, lr):
        """The new head was trained, and model.head is still the old one. Assign the new one:
        model.head = head."""
        old = model.head
        FinetuneKey.reference(model, head, loss_fn, batches, lr)
        model.head = old

    def head_forgotten(model, head, loss_fn, batches, lr):
        """model.head is still the old one, and the new head did not move: the batches went through
        the old one. Assign the new one before the loop: model.head = head."""
        model.body.requires_grad_(False).eval()
        model.head.train()
        head.train()

    def head_forgotten_in_its_mode(model, head, loss_fn, batches, lr):
        """model.head is still the old one, and the new head did not move and is in the mode in
        which it came. Assign the new one before the loop: model.head = head."""
        model.body.requires_grad_(False).eval()
        model.head.train()

    def old_head_trained(model, head):
        """The new head is in its place, and did not move. Either it had no gradients when step()
        ran: backward() is missing or comes after it, or zero_grad() stands between them. Or step()
        is missing. Or the optimizer holds other parameters, such as the old head's: it knows
        parameters, and no names."""
        _freeze(model, head)

    @raises(r"does not require grad and does not have a grad_fn")
    def head_frozen_too(model, head, loss_fn, batches, lr):
        """The loss has no history. Either the new head is frozen along with the body, or what it
        returns was computed inside no_grad(), or detached. Freeze the body alone, and let the
        head's run be recorded."""
        _place(model, head)
        model.requires_grad_(False)
        _train(model, loss_fn, batches, lr, head.parameters())

    def decay_forgotten(model, head, loss_fn, batches, lr):
        """The body is right, and the head was trained without weight decay. It should be 0.1."""
        _freeze(model, head)
        _train(model, loss_fn, batches, lr, head.parameters(), weight_decay=0.0)

    def gradients_never_emptied(model, head, loss_fn, batches, lr):
        """The body is right, and the head's gradients were never emptied: each step followed the
        sum of all so far. Call opt.zero_grad() for every batch."""
        _freeze(model, head)
        opt = torch.optim.SGD(head.parameters(), lr=lr, weight_decay=0.1)
        for x, y in batches:
            loss_fn(model(x), y).backward()
            opt.step()
