"""Questions on where gradients break."""

from __future__ import annotations

import torch

from course.questions.entry import question
from course.quiz import Choice, Order, Predict, choice, order, predict


@question
def break_zero_vector(good: float = 3.0) -> Predict:
    def gradient_of_two_lengths():
        x = torch.tensor([good, 0.0], requires_grad=True)
        lengths = (x**2).sqrt()  # of two arrows, of one number each
        lengths.sum().backward()
        return x.grad.isfinite().tolist()

    return predict(
        f"Two arrows lie along a line. One has the length {good:g}, one has none. Which entries of "
        "the gradient are finite? Write a list of `True` and `False`.",
        gradient_of_two_lengths,
        why=f"The length is |x|. At {good:g} its slope is 1. At 0 the root sends 1 / (2 · 0), "
        "which is inf, and the square multiplies by its slope 2 · 0, which is 0. That gives nan.",
        beliefs={
            "[True, True]": "So it is with `abs` and `norm`, which send 0. The root and the square "
            "know nothing of each other.",
            "[False, False]": "The two entries do not meet: each has a path of its own. They would "
            "meet in a weight that both were computed from.",
        },
    )


@question
def break_where(good: float = 4.0) -> Predict:
    def the_bad_entry_is_not_chosen():
        d = torch.tensor([0.0, good], requires_grad=True)
        kept = torch.where(d > 0, d.log(), 0.0)
        kept.sum().backward()
        return kept.isfinite().all().item(), d.grad.isfinite().all().item()

    return predict(
        "Is every value finite? Is every entry of the gradient? Write both, as `(True, True)`.",
        the_bad_entry_is_not_chosen,
        why="`where` puts 0 in the place of -inf, so the values are fine. Back it sends 0 to the "
        "logarithm of the entry that it did not choose, and that multiplies by its slope 1 / 0: "
        "0 · inf is nan.",
        beliefs={
            "(True, True)": "That is the hope. But the logarithm of 0 was computed, and its node "
            "multiplies what it gets, a 0, by inf.",
            "(False, False)": "The value of the first entry is the 0 that `where` chose.",
        },
    )


@question
def break_where_born() -> Choice:
    def first_sender():
        def is_bad(gradients):
            return any(g is not None and not g.isfinite().all() for g in gradients)

        found = []
        x = torch.tensor([0.0, 2.0], requires_grad=True)
        loss = (x.sqrt() * 0 + x).sum()
        waiting, met = [loss.grad_fn], set()
        while waiting:
            node = waiting.pop()
            if node in met or node is None:
                continue
            met.add(node)
            waiting += [below for below, _ in node.next_functions]
            if not hasattr(node, "variable"):
                node.register_hook(
                    lambda sent, got, node=node: (
                        found.append(node.name()) if is_bad(sent) and not is_bad(got) else None
                    )
                )
        loss.backward()
        return f"`{found[0]}`"

    return choice(
        "`loss = (x.sqrt() * 0 + x).sum()`, and `x` holds a 0. Which node is the first to get "
        "finite numbers and send one that is not?",
        {
            "`MulBackward0`": "It multiplies the gradient by 0, and sends 0. That is finite.",
            "`SqrtBackward0`": "It gets 0 from the product, and its slope at 0 is inf. So it sends "
            "nan itself: no square stands behind it.",
            "`AddBackward0`": "It sends on what it gets, a 1 to either side.",
            "`AccumulateGrad`": "There nan and 1 have been added. The nan came from above.",
        },
        run=first_sender,
    )


@question
def break_corner() -> Choice:
    def both_at_the_corner():
        h = 1e-6
        x = torch.zeros(1, dtype=torch.float64, requires_grad=True)
        (sent,) = torch.autograd.grad(x.relu().sum(), x)
        with torch.no_grad():
            moved = ((x + h).relu() - (x - h).relu()) / (2 * h)
        return f"central difference {moved.item():g}, autograd {sent.item():g}"

    return choice(
        "ReLU at 0: what does the central difference say, and what does autograd send?",
        {
            "central difference 0.5, autograd 0": "The central difference averages the slopes of "
            "both sides, 0 and 1. For ReLU autograd picks one by convention. So "
            "this check fails, and nobody made a mistake.",
            "central difference 0, autograd 0": "On the right the function moves by h, on the left "
            "not at all. Half of 2h is not nothing.",
            "central difference 0.5, autograd 0.5": "torch does not average here, as `max()` does "
            "at a tie. It picks the slope of one side.",
            "central difference 1, autograd 1": "That is the slope on the right only.",
        },
        run=both_at_the_corner,
    )


@question
def break_hvp(a: float = 2.0, b: float = 3.0) -> Predict:
    def along_the_first_axis():
        x = torch.tensor([a, b], requires_grad=True)
        v = torch.tensor([1.0, 0.0])
        (g,) = torch.autograd.grad(x[0] ** 2 * x[1], x, create_graph=True)
        (product,) = torch.autograd.grad((g * v).sum(), x)
        return product.tolist()

    return predict(
        f"f = x₀² x₁ at ({a:g}, {b:g}), and v is the first axis. What is H v?",
        along_the_first_axis,
        why=f"H v is the first column of the Hessian: the gradient of g₀ = 2 x₀ x₁, which is "
        f"(2 x₁, 2 x₀) = ({2 * b:g}, {2 * a:g}).",
        beliefs={
            f"{[2 * a * b, a**2]}": "That is the gradient itself. It has to be differentiated.",
            f"{[2 * b, 0.0]}": "That is the diagonal of H times v, without the mixed one.",
            f"{[2 * a * b, 0.0]}": "That is the gradient times v, entry by entry, before "
            "the second pass.",
        },
    )


@question
def break_mean_of_norms(slope: float = 3.0) -> Predict:
    def two_samples_pull_apart():
        w = torch.zeros((), requires_grad=True)
        targets = torch.tensor([slope, -slope])
        losses = w * targets  # one number for each sample
        each = [torch.autograd.grad(one, w, retain_graph=True)[0] for one in losses]
        (mean,) = torch.autograd.grad(losses.mean(), w)
        return [one.norm().item() for one in each], mean.norm().item()

    return predict(
        "Two samples pull a weight in opposite directions. What is the norm of each one's "
        "gradient, and what is that of the batch's? Write a list, a comma, and a number.",
        two_samples_pull_apart,
        why=f"The gradients are {slope:g} and -{slope:g}. Each has the norm {slope:g}, and their "
        "mean is 0. A small gradient of a batch does not say that its samples agree with the net.",
        beliefs={
            f"([{slope}, {slope}], {slope})": "That is the mean of the norms. The gradients cancel "
            "before the norm is taken.",
            f"([{slope}, {slope}], {2 * slope})": "That is the sum of the norms. The loss is a "
            "mean, and the gradients cancel.",
        },
    )


@question
def break_second() -> Choice:
    def which_is_ignored():
        torch.manual_seed(0)
        x = torch.randn(7, 2, requires_grad=True)
        functions = {
            "`x.relu().sum()`": lambda: x.relu().sum(),
            "`(x @ w).sum()`": lambda: (x @ torch.ones(2, 1, requires_grad=True)).sum(),
            "`(3 * x).sum()`": lambda: (3 * x).sum(),
        }
        for name, function in functions.items():
            (slope,) = torch.autograd.grad(function(), x, create_graph=True)
            if not slope.requires_grad:
                continue
            if torch.autograd.grad(slope.sum(), x, allow_unused=True)[0] is None:
                return name
        return "none"

    return choice(
        "`w` is a parameter. For which function does the second pass along x give None with "
        "`allow_unused=True`?",
        {
            "`x.relu().sum()`": "Its slope is computed from x: which entries are positive. So it "
            "gives zeros, also without the flag.",
            "`(x @ w).sum()`": "Its slope is w, whose graph does not lead to x. The argument is "
            "ignored, and the flag turns the error into None.",
            "`(3 * x).sum()`": "Its slope has no graph at all. That raises whatever the flag says.",
        },
        run=which_is_ignored,
    )


@question
def break_recap_anomaly() -> Choice:
    def stops():
        losses = {
            "`x.log().sum()` at -1, whose value is nan": lambda: torch.tensor(
                [-1.0], requires_grad=True
            ).log(),
            "`x.sqrt().sum()` at 0, whose gradient is inf": lambda: torch.tensor(
                [0.0], requires_grad=True
            ).sqrt(),
            "`(x.sqrt() * 0).sum()` at 0, whose value is 0": lambda: (
                torch.tensor([0.0], requires_grad=True).sqrt() * 0
            ),
        }
        import warnings

        stopped = []
        for name, make in losses.items():
            with warnings.catch_warnings(), torch.autograd.set_detect_anomaly(True):
                warnings.simplefilter("ignore")
                try:
                    make().sum().backward()
                except RuntimeError:
                    stopped.append(name)
        (only,) = stopped
        return only

    return choice(
        "Which of these does anomaly detection stop?",
        {
            "`x.log().sum()` at -1, whose value is nan": "The value is of the forward pass. The "
            "slope of log at -1 is -1, and no gradient is nan.",
            "`x.sqrt().sum()` at 0, whose gradient is inf": "It looks for nan. An inf passes.",
            "`(x.sqrt() * 0).sum()` at 0, whose value is 0": "The value is fine, and the root "
            "sends 0 · inf, which is nan. That is what it looks for.",
        },
        run=stops,
    )


@question
def break_recap_penalty() -> Choice:
    def without_gradient():
        torch.manual_seed(0)
        net = torch.nn.Sequential(torch.nn.Linear(3, 5), torch.nn.ReLU(), torch.nn.Linear(5, 1))
        x = torch.randn(7, 3, requires_grad=True)
        (slope,) = torch.autograd.grad(net(x).sum(), x, create_graph=True)
        slope.square().sum().backward()
        (name,) = [name for name, p in net.named_parameters() if p.grad is None]
        return f"`{name}`"

    return choice(
        "A penalty on the slope along x of `Sequential(Linear(3, 5), ReLU(), Linear(5, 1))` is the "
        "whole loss. Which parameter has `.grad` None after `backward`?",
        {
            "`0.weight`": "The slope is computed from it.",
            "`0.bias`": "It gets zeros: the slope depends on it in steps, through which ReLUs are "
            "on.",
            "`2.weight`": "The slope is computed from it.",
            "`2.bias`": "It is added behind everything. No slope is computed from it.",
        },
        run=without_gradient,
    )


@question
def break_carried() -> Choice:
    def gradient_of_the_last_loss(cut):
        w = torch.tensor(0.5, requires_grad=True)
        state = torch.tensor(1.0)
        for place in range(4):
            if cut == "every step" or (cut == "every piece" and place % 2 == 0):
                state = state.detach()
            state = state * w
        return torch.autograd.grad(state, w)[0].item()

    def which_differs():
        whole = gradient_of_the_last_loss("nowhere")
        pieces, steps = (gradient_of_the_last_loss(cut) for cut in ("every piece", "every step"))
        terms = [round(value / whole * 4) for value in (pieces, steps)]
        words = {1: "one of 4 terms", 2: "two of 4 terms", 4: "all 4 terms"}
        return f"each piece: {words[terms[0]]}; each step: {words[terms[1]]}"

    return choice(
        "A state is multiplied by w in each of 4 steps, in pieces of 2. The gradient of the last "
        "state along w has 4 equal terms, one for each step. How many are left if you detach the "
        "state before each piece, and how many if you detach it before each step?",
        {
            "each piece: all 4 terms; each step: all 4 terms": "A cut keeps the value and drops "
            "the way back.",
            "each piece: two of 4 terms; each step: one of 4 terms": "Within a piece gradients go "
            "back over its steps. Detach in each step, and nothing is learned across a step: the "
            "net learns to guess from the present move and a state that it cannot shape.",
            "each piece: one of 4 terms; each step: one of 4 terms": "A piece has 2 steps, and the "
            "gradient goes back over both.",
            "each piece: two of 4 terms; each step: two of 4 terms": "In each step only the last "
            "product is left.",
        },
        run=which_differs,
    )


@question
def break_running(rounds: int = 3, slope: int = 4) -> Predict:
    def backward_on_the_running_total():
        w = torch.zeros(1, requires_grad=True)
        total = 0
        for _ in range(rounds):
            total = total + (slope * w).sum()
            total.backward(retain_graph=True)
        return w.grad.item()

    every = slope * rounds * (rounds + 1) / 2
    return predict(
        "Somebody got the error of the second backward pass, and added `retain_graph=True`. The "
        f"loss has the slope {slope}, and there are {rounds} rounds without `zero_grad`. What is "
        "`w.grad`?",
        backward_on_the_running_total,
        why=f"Each round goes back through all losses so far: {slope} · (1 + … + {rounds}) = "
        f"{every:g}. The early rounds count again and again, and no error says so. The cure was to "
        "start from the loss of the round.",
        beliefs={
            f"{float(slope * rounds)}": "That is what the losses of the rounds would give, each "
            "once.",
            f"{float(slope)}": "`.grad` adds up, and each pass starts from the whole total.",
        },
    )


@question
def break_both_in_grad(at: float = 2.0, weight: float = 1.0) -> Predict:
    def penalised():
        import warnings

        w = torch.tensor(at, requires_grad=True)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            (w**2).backward(create_graph=True)
        penalty = weight * w.grad**2
        penalty.backward()
        return w.grad.item()

    return predict(
        f"The penalty {weight:g} · (2w)² at w = {at:g} has the derivative {8 * weight * at:g}. The "
        "loss itself is not to count. What is in `w.grad`?",
        penalised,
        why=f"The first pass left its gradient 2w = {2 * at:g} there, and the second adds its "
        f"{8 * weight * at:g}. `torch.autograd.grad` returns the first one and leaves `.grad` as "
        "it is.",
        beliefs={
            f"{8 * weight * at}": "That is the derivative of the penalty. `.grad` was not empty.",
            f"{2 * at}": "That is what the first pass left. The second adds to it.",
        },
    )


@question
def break_reentrant() -> Choice:
    def who_is_cut():
        import warnings

        from torch.utils.checkpoint import checkpoint

        def learns(x):
            layer = torch.nn.Linear(3, 5)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                y = checkpoint(layer, x, use_reentrant=True)
            return y.requires_grad

        data = torch.randn(7, 3)
        behind = torch.nn.Linear(3, 3)(data)
        flagged = data.clone().requires_grad_()
        cases = {
            "the first layer, on data": learns(data),
            "a layer behind one that learns": learns(behind),
            "the first layer, on data with `requires_grad_()`": learns(flagged),
        }
        (cut,) = [name for name, is_recorded in cases.items() if not is_recorded]
        return cut

    return choice(
        "`checkpoint(layer, x, use_reentrant=True)`: which layer does not learn?",
        {
            "the first layer, on data": "No input requires grad, so this kind records nothing.",
            "a layer behind one that learns": "Its input requires grad. So a net may work for "
            "years, until somebody freezes what comes before.",
            "the first layer, on data with `requires_grad_()`": "This is a way around it, and it "
            "costs a gradient of the data. `use_reentrant=False` needs none.",
        },
        run=who_is_cut,
    )


@question(scale=(256.0, 512.0, 2048.0))
def break_clipped(scale: float = 1024.0, norm: int = 6, limit: int = 2) -> Predict:
    def clipped_in_the_wrong_place():
        w = torch.zeros(1, requires_grad=True)
        optimizer = torch.optim.SGD([w], lr=1.0)
        scaler = torch.amp.GradScaler("cpu", init_scale=scale)
        scaler.scale((norm * w).sum()).backward()
        torch.nn.utils.clip_grad_norm_([w], limit)
        scaler.unscale_(optimizer)
        scaler.step(optimizer)
        return round(-w.item() * scale, 3)

    return predict(
        f"The gradient is {norm}, the limit {limit}, the scale {scale:g}. `unscale_` is there, one "
        f"line too late. By how much does w move, times {scale:g}?",
        clipped_in_the_wrong_place,
        why=f"Clipping sees {norm * scale:g} and makes {limit} of it. Then that is divided by "
        f"{scale:g}, and so the step is far too small.",
        beliefs={
            f"{float(min(limit, norm) * scale)}": "So it is with `unscale_` before clipping.",
            f"{float(norm * scale)}": "That is what clipping saw. It cuts that down.",
        },
    )


@question
def break_compiled() -> Choice:
    def what_stays():
        def f(t):
            return (t**3).sum()

        w = torch.tensor([1.0, 2.0], requires_grad=True)
        compiled = torch.compile(f, backend="aot_eager")
        same = torch.equal(*(torch.autograd.grad(g(w), w)[0] for g in (f, compiled)))
        (slope,) = torch.autograd.grad(f(w), w, create_graph=True)
        twice = torch.autograd.grad(slope.sum(), w)[0] is not None
        try:
            (slope,) = torch.autograd.grad(compiled(w), w, create_graph=True)
            torch.autograd.grad(slope.sum(), w)
            twice_compiled = True
        except RuntimeError:
            twice_compiled = False
        return {
            (True, True, False): "the gradient, and not the gradient of the gradient",
            (True, True, True): "both",
            (False, True, False): "neither",
        }[same, twice, twice_compiled]

    return choice(
        "`f(w) = (w**3).sum()` is compiled, with a backend that writes a backward program too. "
        "What can you still get from `compiled(w)`?",
        {
            "both": "That would need a derivative of the backward program. Nobody has written one.",
            "the gradient, and not the gradient of the gradient": "The backward pass is a program "
            "of its own. torch has none for its derivative, and says so.",
            "neither": "Training is what it is made for.",
        },
        run=what_stays,
    )


@question
def break_recap_order() -> Order:
    return order(
        "Put the lines of a step in mixed precision in an order that moves `w` by 1, the limit, "
        "and leaves the scaler ready for the next step. More than one order works.",
        {
            "begin": "w = torch.zeros(1, requires_grad=True)",
            "optimizer": "optimizer = torch.optim.SGD([w], lr=1.0)",
            "scale": "scaler = torch.amp.GradScaler('cpu', init_scale=1024.0); "
            "scaler.scale((5 * w).sum()).backward()",
            "unscale": "scaler.unscale_(optimizer)",
            "clip": "torch.nn.utils.clip_grad_norm_([w], 1.0)",
            "step": "scaler.step(optimizer)",
            "update": "scaler.update()",
        },
        {
            ("begin", "optimizer"): "The optimizer is made from `w`.",
            ("begin", "scale"): "The loss is computed from `w`.",
            ("optimizer", "unscale"): "There is no optimizer yet.",
            ("scale", "unscale"): "There is no gradient yet.",
            ("unscale", "clip"): "The limit is meant for the true gradient.",
            ("clip", "step"): "The step reads what clipping leaves.",
            ("step", "update"): "`update` forgets what was unscaled, and asks what the step met.",
        },
        gives="round(w.item(), 3)",
    )


@question
def break_recap_keep() -> Choice:
    def which_keeps():
        import weakref

        def is_kept(keep):
            w = torch.ones(1000, requires_grad=True)
            hidden = w.exp()
            seen = weakref.ref(hidden.untyped_storage())
            loss = hidden.square().sum()
            loss.backward()
            kept = keep(loss, hidden)
            del hidden, loss
            return seen() is not None, kept

        ways = {
            "`log.append(loss)`": lambda loss, hidden: loss,
            "`log.append(hidden.detach())`": lambda loss, hidden: hidden.detach(),
            "`log.append(hidden.mean().item())`": lambda loss, hidden: hidden.mean().item(),
        }
        (name,) = [name for name, keep in ways.items() if is_kept(keep)[0]]
        return name

    return choice(
        "After `loss.backward()` one of these lines keeps the large tensor `hidden` in memory. "
        "Which?",
        {
            "`log.append(loss)`": "The nodes stay, and have freed what they saved.",
            "`log.append(hidden.detach())`": "It left the graph, and it is the same memory.",
            "`log.append(hidden.mean().item())`": "A Python number holds no tensor.",
        },
        run=which_keeps,
    )
