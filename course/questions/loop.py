"""Questions on the optimizer loop."""

from __future__ import annotations

import torch

from course.questions.entry import question
from course.quiz import Choice, Order, Predict, choice, in_words, order, predict


@question
def loop_in_order() -> Order:
    return order(
        "Put these lines in an order after which `p` has done one step along the gradient of "
        "`p**2`, and along nothing else. More than one order works, and each of them is accepted.",
        {
            "p": "p = torch.tensor([2.0], requires_grad=True); p.grad = torch.ones(1)",
            "opt": "opt = torch.optim.SGD([p], lr=0.25)",
            "clear": "opt.zero_grad()",
            "loss": "loss = (p**2).sum()",
            "back": "loss.backward()",
            "step": "opt.step()",
        },
        {
            ("p", "opt"): "The optimizer is made from `p`.",
            ("p", "loss"): "The loss is computed from `p`.",
            ("opt", "clear"): "`zero_grad` is a method of the optimizer.",
            ("loss", "back"): "A backward pass starts from a loss that exists.",
            (
                "clear",
                "back",
            ): "`p.grad` is not empty at the start. Emptied before backward, it holds "
            "the new gradient alone; after it, nothing or a sum.",
            ("back", "step"): "`step` reads what `backward` wrote.",
        },
        gives="p",
    )


@question
def loop_recap_clear() -> Choice:
    def where_may_clear_stand():
        def end(lines):
            p = torch.tensor([2.0], requires_grad=True)
            opt = torch.optim.SGD([p], lr=0.1)
            for _ in range(3):
                for line in lines.split():
                    if line == "clear":
                        opt.zero_grad()
                    elif line == "forward":
                        loss = (p**2).sum()
                    elif line == "backward":
                        loss.backward()
                    else:
                        opt.step()
            return p.item()

        usual = end("clear forward backward step")
        right = [end("forward clear backward step"), end("forward backward step clear")]
        wrong = end("forward backward clear step")
        return (
            "between `backward` and `step`"
            if [usual] * 2 == right and wrong != usual
            else "nowhere"
        )

    return choice(
        "All gradients are empty before the loop. Where in the loop may `zero_grad()` *not* stand?",
        {
            "at the start": "That is its usual place.",
            "between the forward pass and `backward`": "The forward pass does not look at "
            "gradients.",
            "between `backward` and `step`": "There it throws away what `step` was to use.",
            "at the end": "The next round finds empty gradients all the same.",
            "nowhere": "One place is wrong.",
        },
        run=where_may_clear_stand,
    )


@question
def loop_zero_grad(slope: int = 5) -> Predict:
    def after_zero_grad():
        w = torch.ones(1, requires_grad=True)
        optimizer = torch.optim.SGD([w], lr=0.1)
        (slope * w).sum().backward()
        optimizer.zero_grad()
        return w.grad

    return predict(
        "A backward pass has filled `w.grad`, and the optimizer's `zero_grad()` is called. What is "
        "`w.grad` now?",
        after_zero_grad,
        why="Despite its name, `zero_grad()` writes no zeros: since torch 2.0 it sets `.grad` to "
        "`None` by default. The next backward makes a new tensor. Code that reads `.grad` in "
        "between must expect `None`.",
        beliefs={
            "tensor([0.])": "So it was in older versions, and so it is with "
            "`zero_grad(set_to_none=False)`.",
            f"tensor([{slope}.])": "That is what backward left. `zero_grad()` empties it.",
        },
    )


@question
def loop_clear_each(first: float = 10.0, second: float = 1.0, p0: float = 2.0) -> Predict:
    def cleared_after_every_backward():
        p = torch.tensor([p0], requires_grad=True)
        optimizer = torch.optim.SGD([p], lr=1.0)
        for factor in (first, second):
            (factor * p).sum().backward()
            if factor == first:
                optimizer.zero_grad()
        optimizer.step()
        return p.item()

    one, other = (f"{factor:g}p" if factor != 1 else "p" for factor in (first, second))
    both = f"{p0:g} - {first + second:g}"
    return predict(
        f"Spot the bug. Two losses, {one} and {other}, are to count in one step with learning rate "
        f"1 from p = {p0:g}. The gradients are cleared after the first backward. Where does p end?",
        cleared_after_every_backward,
        why=f"The step follows the second loss alone: {p0:g} - {second:g}. Without the clearing in "
        f"between it is {both}. **Once per step** is the rule: at any moment after one step and "
        "before the first backward of the next.",
        beliefs={
            f"{p0 - first - second}": f"That is {both}, both gradients. The first was cleared "
            "away.",
            f"{p0 - first}": f"That is {p0:g} - {first:g}, the first alone. It is the first that "
            "was cleared.",
        },
    )


@question(lr=(0.1, 0.2, 0.25, 0.4), small=(0.001, 0.01), large=(100.0, 1000.0))
def loop_adam_first(lr: float = 0.5, small: float = 0.001, large: float = 1000.0) -> Predict:
    def first_step_of_adam():
        sizes = []
        for gradient in (small, large):
            p = torch.zeros(1, dtype=torch.float64, requires_grad=True)
            p.grad = torch.tensor([gradient], dtype=torch.float64)
            torch.optim.Adam([p], lr=lr).step()
            sizes.append(round(abs(p.item()), 3))
        return sizes

    uncorrected = [round(0.1 * lr, 3)] * 2, [round(0.1 / 0.001**0.5 * lr, 3)] * 2
    return predict(
        f"Adam with lr={lr} does a first step along the gradient {small}, and in another run along "
        f"{large:g}. How long are the two steps, to three digits?",
        first_step_of_adam,
        why="At the first step the corrected averages are g and g², and g / sqrt(g²) is 1 or -1. "
        "**The size of a gradient cancels**, as long as it is far above `eps` = 1e-8; the learning "
        "rate alone is left.",
        beliefs={
            f"{[round(lr * small, 5), lr * large]}": "That is SGD, whose step grows with the "
            "gradient.",
            f"{uncorrected[0]}": "That would be 1 - b1 times lr: the bias correction takes this "
            "factor off.",
            f"{uncorrected[1]}": "That is 0.1 / sqrt(0.001) times lr, a step without the bias "
            "correction.",
        },
    )


@question
def loop_recap_momentum() -> Choice:
    def what_is_in_an_optimizer():
        w = torch.ones(2, requires_grad=True)
        optimizer = torch.optim.SGD([w], lr=0.1, momentum=0.9)
        empty = not optimizer.state
        w.grad = torch.ones(2)
        optimizer.step()
        filled = "momentum_buffer" in optimizer.state[w]
        told = isinstance(optimizer.defaults, dict) and optimizer.defaults["momentum"] == 0.9
        return "`state`" if empty and filled and told else "`defaults`"

    return choice(
        "Where does SGD keep the momentum that it has gathered for a parameter?",
        {
            "`defaults`": "A dict of the hyperparameters for groups that say nothing else, such as "
            "`momentum=0.9`.",
            "`param_groups`": "A list of dicts: which parameters, with which settings.",
            "`state`": "What is remembered of each parameter, filled at the first step. To "
            "go on later, it must be saved.",
            "`.grad`": "It belongs to the parameter, and is emptied every round.",
        },
        run=what_is_in_an_optimizer,
    )


@question(p0=(20.0, 30.0, 40.0), lr=(0.1, 0.5), decay=(0.1, 0.2, 0.5))
def loop_decay_none(p0: float = 10.0, lr: float = 0.1, decay: float = 0.5) -> Predict:
    def decay_with_and_without_grad():
        ends = []
        for grad in (None, torch.zeros(1)):
            p = torch.tensor([p0], requires_grad=True)
            p.grad = grad
            torch.optim.SGD([p], lr=lr, weight_decay=decay).step()
            ends.append(p.item())
        return ends

    decayed = round(p0 - lr * decay * p0, 4)
    return predict(
        f"Two parameters are {p0:g}. One has `.grad = None`, the other a `.grad` of zeros. SGD "
        f"with lr {lr} and weight decay {decay} does a step. What are they now?",
        decay_with_and_without_grad,
        why="To SGD `None` means: leave this one out. Zeros are a gradient, and decay is added to "
        "it. So `zero_grad(set_to_none=False)` is not quite the same as the default.",
        beliefs={
            f"{[decayed, decayed]}": "The first is left out: it has no gradient.",
            f"{[p0, p0]}": "The second has a gradient, and decay is added to it.",
        },
    )


@question(runs=((True, False), (False, True, False), (True, False, True)))
def loop_step_writes(runs: tuple[bool, ...] = (False, True)) -> Predict:
    def counted_by_the_version():
        counted = []
        for fused in runs:
            w = torch.tensor([2.0], requires_grad=True)
            optimizer = torch.optim.SGD([w], lr=0.5, fused=fused)
            w.grad, before = torch.ones(1), w._version
            optimizer.step()
            counted.append(w._version - before)
        return counted

    told = {False: "once as it does by default", True: "once with `fused=True`"}
    *others, last = (told[fused] for fused in runs)
    return predict(
        f"SGD does a step on the CPU, {', '.join(others)} and {last}. By how "
        "much does the version counter of the parameter go up, each time?",
        counted_by_the_version,
        why="The default step is an in-place operation inside `no_grad`, and in-place operations "
        "are counted. In torch 2.13 the fused kernel writes past the counter: the number in memory "
        "changes, and **autograd is not told**.",
        beliefs={
            f"{[1 for _ in runs]}": "That is what to expect of an in-place write. The fused kernel "
            "is not counted in torch 2.13.",
            f"{[0 for _ in runs]}": "That would be a write through `.data`, which the parameter's "
            "counter does not see. The default step is counted.",
            f"{[int(fused) for fused in runs]}": "The other way round.",
        },
    )


@question
def loop_negative_loss() -> Choice:
    def raw_scores():
        good, y = torch.tensor([[9.0, 0.0, 0.0]]), torch.tensor([0])
        wrong = torch.nn.functional.nll_loss(good, y)
        right = torch.nn.functional.cross_entropy(good, y)
        return "raw scores went into `nll_loss`" if wrong < 0 < right else "the sign is wrong"

    return choice(
        "Spot the bug. A classifier trains without an error. From step to step the score of the "
        "right class rises. The printed loss is -14.2 and falling. What is the likely cause?",
        {
            "the sign is wrong": "It would fall below zero as well, but it would push the score of "
            "the right class down. This one rises.",
            "raw scores went into `nll_loss`": "It returns minus the right score. Minus the "
            "logarithm of a probability is never below zero.",
            "the learning rate is too large": "No learning rate makes cross entropy negative.",
        },
        run=raw_scores,
    )


@question(
    targets=(
        (1, -100, -100, -100, 0, 1),
        (0, 1, -100, 1, -100, -100, 1, 1),
        (-100, 1, -100, 0, 1, 0),
    ),
    columns=(2, 3, 4, 5),
)
def loop_mean_over(
    targets: tuple[int, ...] = (0, 1, 1, -100, -100, 0, 1), columns: int = 3
) -> Predict:
    rows, ignored, listed = len(targets), targets.count(-100), str(list(targets))

    def divided_by_what():
        cross_entropy, mse_loss = torch.nn.functional.cross_entropy, torch.nn.functional.mse_loss
        scores = torch.tensor([[1.0, 0.0]] * rows)
        y = torch.tensor(listed)
        a, b = torch.ones(rows, columns), torch.zeros(rows, columns)
        of_scores = cross_entropy(scores, y, reduction="sum") / cross_entropy(scores, y)
        of_numbers = mse_loss(a, b, reduction="sum") / mse_loss(a, b)
        return round(of_scores.item()), round(of_numbers.item())

    return predict(
        f"A batch of {rows} rows. {in_words(ignored).title()} of the {rows} targets are -100, "
        "which `cross_entropy` ignores. By which number does its mean divide the sum, and by which "
        f"does `mse_loss` divide for two tensors of shape `({rows}, {columns})`?",
        divided_by_what,
        why=f"`cross_entropy` divides by the {rows - ignored} targets that count, `mse_loss` by "
        f"all {rows * columns} entries. **A mean is over what the loss counts**, and neither "
        f"number is the {rows} of the rows.",
        beliefs={
            f"({rows}, {rows})": "Rows are what you see. The losses count targets and entries.",
            f"({rows}, {rows * columns})": f"The {in_words(ignored)} targets that are ignored are "
            "not in the mean, either.",
            f"({rows - ignored}, {rows})": "`mse_loss` makes no difference between rows and "
            "columns: it averages over all entries.",
        },
    )


@question(size=(16, 32, 64), steps=(4, 5, 6, 10), epochs=(2, 3, 4))
def loop_epochs(size: int = 128, steps: int = 8, epochs: int = 2) -> Predict:
    samples = size * steps

    def sees_how_much():
        from torch.utils.data import DataLoader

        w = torch.zeros(1, requires_grad=True)
        optimizer = torch.optim.SGD([w], lr=1.0)
        loader = DataLoader(torch.ones(samples), batch_size=size)
        for _ in range(epochs):
            for batch in loader:
                optimizer.zero_grad()
                (w * batch.mean()).sum().backward()
                optimizer.step()
        return abs(w.item())

    return predict(
        f"{samples} samples in batches of {size}, {in_words(epochs)} epochs. Each step moves w by "
        "1, from 0. How far does w get?",
        sees_how_much,
        why=f"An epoch is {samples} / {size} = {steps} steps, and {in_words(epochs)} epochs are "
        f"{epochs * steps}. **Weights go on** from step to step and from epoch to epoch: nothing "
        "resets them but you.",
        beliefs={
            f"{float(steps)}": "That is one epoch. The second one goes on from where the first "
            "ended.",
            f"{float(epochs)}": "A step is done for every batch, not for every epoch.",
            "1.0": "Nothing resets w between two steps.",
        },
    )


@question
def loop_clip_and_schedule() -> Order:
    return Order(
        "Put the lines of one round in order; `p.grad` is empty at the start. The gradient is 4, "
        "it is clipped to a norm of 1, and the step is to use the learning rate 0.5 before the "
        "scheduler halves it.",
        {
            "loss": "loss = (p**2).sum()",
            "back": "loss.backward()",
            "clip": "torch.nn.utils.clip_grad_norm_([p], 1.0)",
            "step": "opt.step()",
            "schedule": "sched.step()",
        },
        {
            ("loss", "back"): "A backward pass starts from a loss that exists.",
            ("back", "clip"): "What is clipped is what backward has written.",
            ("clip", "step"): "`step` reads `.grad`: clipped afterwards, it has no effect.",
            (
                "step",
                "schedule",
            ): "The scheduler writes the learning rate that `step` reads. Called "
            "first, it skips the first rate.",
        },
        gives="round(p.item(), 3), opt.param_groups[0]['lr']",
        setup="import torch\n"
        "p = torch.tensor([2.0], requires_grad=True)\n"
        "opt = torch.optim.SGD([p], lr=0.5)\n"
        "sched = torch.optim.lr_scheduler.ExponentialLR(opt, gamma=0.5)",
    )


@question
def loop_frozen_stats() -> Choice:
    def what_undoes_eval():
        model = torch.nn.Sequential(torch.nn.BatchNorm1d(3), torch.nn.Linear(3, 1))
        model[0].requires_grad_(False).eval()
        model.train()
        before = model[0].running_mean.clone()
        model(torch.ones(7, 3))
        moved = not torch.equal(model[0].running_mean, before)
        return "its running statistics move again" if moved else "nothing: it is frozen"

    return choice(
        "Spot the bug. A body with BatchNorm was frozen with `requires_grad_(False)` and `eval()`. "
        "At the start of each epoch the loop calls `model.train()`. What happens to the body?",
        {
            "nothing: it is frozen": "Its parameters are. Its buffers do not ask for "
            "requires_grad.",
            "its running statistics move again": "`model.train()` reaches every part. Call "
            "`body.eval()` after it, each time.",
            "it requires grad again": "`train()` changes modes, and no flags.",
        },
        run=what_undoes_eval,
    )


@question
def loop_save_line() -> Choice:
    def which_line_saves():
        import io
        import pickle

        layer, opened = torch.nn.Linear(3, 1), []
        for what in (layer, layer.state_dict()):
            file = io.BytesIO()
            torch.save(what, file)
            file.seek(0)
            try:
                opened.append(torch.load(file))
            except pickle.UnpicklingError:
                opened.append(None)
        by_state = opened[0] is None and torch.equal(opened[1]["weight"], layer.weight)
        return "`torch.save(model.state_dict(), file)`" if by_state else "both"

    return choice(
        "Which of these lines writes a file that `torch.load(file)` opens, with nothing else said?",
        {
            "`torch.save(model, file)`": "It writes a pickle of your class, and `torch.load` "
            "refuses it unless you say that you trust it, as `weights_only=False` does.",
            "`torch.save(model.state_dict(), file)`": "Tensors under names. Reading them needs no "
            "class of yours and runs no code.",
            "both": "Since torch 2.6 `torch.load` takes weights alone unless you say otherwise.",
        },
        run=which_line_saves,
    )


@question
def loop_best_weights(w0: float = 3.0, lr: float = 1.0) -> Predict:
    def best_so_far():
        import copy

        layer = torch.nn.Linear(1, 1, bias=False)
        torch.nn.init.constant_(layer.weight, w0)
        best, copied = layer.state_dict(), copy.deepcopy(layer.state_dict())
        layer.weight.grad = torch.ones(1, 1)
        torch.optim.SGD(layer.parameters(), lr=lr).step()
        return best["weight"].item(), copied["weight"].item()

    return predict(
        f"Spot the bug. The weight is {w0:g}. `best` is the `state_dict()`, `copied` a deep copy "
        f"of it. Then a step takes {lr:g} off the weight. What do the two hold?",
        best_so_far,
        why="The values of a `state_dict()` **share memory** with the live parameters, which step "
        "changes in place. Use `copy.deepcopy` or clone each value. Writing to a file copies as "
        "well.",
        beliefs={
            f"{(w0, w0)}": "The state_dict is a new dict of old memory.",
            f"{(w0 - lr, w0 - lr)}": "A deep copy has memory of its own.",
        },
    )
