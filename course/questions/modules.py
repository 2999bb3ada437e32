"""Questions on modules, state dicts and losses."""

from __future__ import annotations

import torch

from course.questions.entry import question
from course.quiz import Choice, Order, Predict, choice, order, predict


@question
def module_super() -> Choice:
    def without_the_call():
        class Net(torch.nn.Module):
            def __init__(self):
                self.layer = torch.nn.Linear(3, 2)

        is_a_module = issubclass(Net, torch.nn.Module)
        try:
            Net()
        except AttributeError:
            return "inherits, and cannot be made" if is_a_module else "does not inherit"
        return "works"

    return choice(
        "*super().\\_\\_init\\_\\_() is what makes a class inherit from nn.Module.* `Net` leaves "
        "the call out, and assigns a layer in its `__init__`. What is true?",
        {
            "inherits, and cannot be made": "The line `class Net(nn.Module)` inherits. The call "
            "runs the parent's initialiser, which makes the tables of parameters, buffers and "
            "parts. Without them the first layer has no place to go, and torch raises.",
            "does not inherit": "The class statement settles that: `issubclass` says True.",
            "works": "It would, for a class whose parent prepares nothing. A module has tables to "
            "be made.",
        },
        run=without_the_call,
    )


@question
def module_made() -> Choice:
    def a_relu_of_a_tensor():
        return type(torch.nn.ReLU(torch.tensor(-2.0))).__name__

    return choice(
        "Of which type is `torch.nn.ReLU(torch.tensor(-2.0))`?",
        {
            "Tensor": "That is what `torch.relu` gives, with a small r.",
            "ReLU": "`nn.ReLU` is a class, and its bracket makes a module. The tensor went in as "
            "the setting `inplace`, and nothing was computed. `nn.ReLU()(x)` computes.",
            "Parameter": "Nobody made one: a ReLU has nothing to train.",
        },
        run=a_relu_of_a_tensor,
    )


@question
def module_in_a_list(listed: int = 4, heads: int = 3) -> Predict:
    def what_the_optimizer_gets():
        net = torch.nn.Module()
        net.body = [torch.nn.Linear(5, 5) for _ in range(listed)]
        net.heads = torch.nn.ModuleList([torch.nn.Linear(5, 1) for _ in range(heads)])
        return len(list(net.parameters()))

    return predict(
        f"`body` is a plain list of {listed} linear layers, and `heads` an `nn.ModuleList` of "
        f"{heads}. Each layer has weight and bias. How many tensors will an optimizer get?",
        what_the_optimizer_gets,
        why=f"Those of the {heads} heads alone, a weight and a bias of each: {2 * heads}. An "
        "attribute that is a list is no module, and nobody looks into it.",
        beliefs={
            f"{2 * (listed + heads)}": "A plain list is not registered: its layers are missing.",
            f"{heads}": "A linear layer has two parameters: weight and bias.",
            f"{listed + heads}": "You counted layers. Each has two parameters, and those in the "
            "plain list are not found.",
            f"{2 * listed}": "It is the other way round: the ModuleList is registered.",
        },
    )


@question
def module_times() -> Choice:
    def a_parameter_times_a_number():
        net = torch.nn.Module()
        net.weight = torch.nn.Parameter(torch.randn(3, 3)) * 0.1
        net.bias = torch.nn.Parameter(torch.zeros(3))
        return " and ".join(name for name, _ in net.named_parameters())

    return choice(
        "Small first weights are wanted: `net.weight = nn.Parameter(torch.randn(3, 3)) * 0.1`, and "
        "`net.bias = nn.Parameter(torch.zeros(3))`. Which parameters has the module `net`?",
        {
            "weight and bias": "A Parameter times a number is a tensor that was computed, and no "
            "Parameter.",
            "bias": "The product is a plain attribute. Write `nn.Parameter(0.1 * torch.randn(3, "
            "3))`: whatever is done to the numbers is done first.",
            "weight": "It is the other way round: the weight was computed.",
        },
        run=a_parameter_times_a_number,
    )


@question
def module_levels(inner: int = 3, beside: int = 4) -> Predict:
    def two_walks():
        part = torch.nn.Sequential(*(torch.nn.Linear(2, 2) for _ in range(inner)))
        net = torch.nn.Sequential(part, *(torch.nn.ReLU() for _ in range(beside)))
        return len(list(net.children())), len(list(net.modules()))

    direct = beside + 1
    return predict(
        f"A Sequential of {inner} layers stands in another, beside {beside} ReLUs. How many "
        "modules do `children()` and `modules()` give?",
        two_walks,
        why=f"The children are the {direct} direct parts. `modules()` gives the net itself, these "
        f"{direct}, and the {inner} layers inside: {direct + inner + 1} in all.",
        beliefs={
            f"{(direct, direct + inner)}": "You left out the net itself, which `modules()` gives "
            "first.",
            f"{(inner + beside, direct + inner + 1)}": "`children()` goes one level deep, and the "
            "inner Sequential is one child.",
            f"{(direct, inner + beside)}": "`modules()` gives containers, too: the inner "
            "Sequential, and the net itself.",
        },
    )


@question
def module_forward_called(calls: int = 3, direct: int = 2) -> Predict:
    def how_often_the_hook_runs():
        layer, seen = torch.nn.Linear(2, 2), []
        layer.register_forward_hook(lambda module, inputs, output: seen.append(output))
        x = torch.ones(1, 2)
        for _ in range(calls):
            layer(x)
        for _ in range(direct):
            layer.forward(x)
        return len(seen)

    return predict(
        "A forward hook notes what it sees. How often does it run?",
        how_often_the_hook_runs,
        why=f"The {calls} calls of `layer(x)` run the hook. `forward` is your own method and no "
        "more: what stands around it, hooks among it, belongs to the call.",
        beliefs={
            f"{calls + direct}": "`layer.forward(x)` computes the same, and no hook runs.",
            f"{direct}": "It is the other way round: `layer(x)` runs hooks, `layer.forward(x)` "
            "does not.",
        },
    )


@question
def module_classmethod() -> Choice:
    def what_cls_is():
        class Net(torch.nn.Module):
            @classmethod
            def small(cls):
                return cls()

        class Other(Net):
            pass

        return f"{type(Other.small()).__name__}, {hasattr(torch.nn.Module, 'small')}"

    return choice(
        "`Net` has a class method `small`, which returns `cls()`, and `Other` derives from `Net`. "
        "Of which type is `Other.small()`, and does `nn.Module` have `small` now?",
        {
            "Other, False": "A class method gets the class that it is called on. It belongs to the "
            "class in which it stands and to what derives from it, and to nothing above.",
            "Net, False": "That would be so if it said `Net()`. `cls` is the class before the dot.",
            "Other, True": "A class method adds nothing to any other class: it is written in the "
            "class that has it.",
            "Net, True": "`cls` is the class before the dot, and no class above gets anything.",
        },
        run=what_cls_is,
    )


@question
def module_moved() -> Choice:
    def two_moves():
        net, x = torch.nn.Linear(2, 1), torch.ones(2)
        net.to(torch.float64)
        x.to(torch.float64)
        moved = {"net": net.weight.dtype, "x": x.dtype}
        return " and ".join(name for name, dtype in moved.items() if dtype == torch.float64)

    return choice(
        "`net` is a module and `x` a tensor. Two lines run: `net.to(torch.float64)` and "
        "`x.to(torch.float64)`. Which of the two is float64 afterwards?",
        {
            "net": "`net.to` changes the module that you have, and returns that same module. "
            "`x.to` returns another tensor, which nobody kept. With devices it is the same: write "
            "`x = x.to(device)`.",
            "x": "It is the other way round.",
            "net and x": "`to` leaves the tensor that it is called on as it is, and gives you "
            "another one.",
        },
        run=two_moves,
    )


@question
def module_strict() -> Choice:
    def another_head():
        old, new = torch.nn.Linear(4, 3), torch.nn.Linear(4, 2)
        try:
            new.load_state_dict(old.state_dict(), strict=False)
        except RuntimeError:
            return "It raises."
        return "It loads what fits."

    return choice(
        "A state dict was saved with 3 classes, and the new model has 2. What does "
        "`load_state_dict(state, strict=False)` do?",
        {
            "It loads what fits.": "`strict=False` forgives names that are missing or unknown. "
            "Here the names are the same, and the shapes differ.",
            "It raises.": "A shape that differs raises here too, after what fits was copied. "
            "Leave those entries out of the dict first.",
            "It cuts the rows off.": "It copies a tensor as a whole, or not at all.",
        },
        run=another_head,
    )


@question
def module_order() -> Order:
    return order(
        "Put the lines in an order in which the old body trains on with a new head. More than one "
        "order works.",
        {
            "old": "old = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.Linear(3, 5))",
            "save": "state = old.state_dict()",
            "model": "net = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.Linear(3, 5))",
            "load": "net.load_state_dict(state)",
            "head": "net[1] = torch.nn.Linear(3, 7)",
            "opt": "opt = torch.optim.SGD(net.parameters(), lr=0.1)",
        },
        {
            ("old", "save"): "There is nothing to save yet.",
            ("save", "load"): "There is nothing to load yet.",
            ("model", "load"): "There is no model to load it into.",
            ("load", "head"): "The state has a head of 5 rows, and the new one has 7: it raises.",
            ("head", "opt"): "The optimizer would hold the old head, and the new one would never "
            "move.",
        },
        gives="torch.equal(net[0].weight, old[0].weight) and "
        "any(p is net[1].weight for p in opt.param_groups[0]['params'])",
    )


@question
def module_broadcast(n: int = 7) -> Predict:
    def every_pair():
        prediction, target = torch.zeros(n, 1), torch.zeros(n)
        return ((prediction - target) ** 2).numel()

    return predict(
        f"A net predicts one number for each of {n} rows, as a column, and there are {n} targets. "
        "A mean over how many squares is the loss?",
        every_pair,
        why=f"A column of {n} and a row of {n} broadcast to {n} by {n}: every prediction is "
        f"compared with every target, {n * n} squares.",
        beliefs={
            f"{n}": "That is what was meant. It takes equal shapes, a column each.",
            f"{2 * n}": "Broadcasting repeats, and does not append.",
        },
    )


@question
def module_kl() -> Choice:
    def a_distribution_against_itself():
        p = torch.tensor([[0.25, 0.75]])
        loss = torch.nn.functional.kl_div(p, p, reduction="batchmean")
        return "below 0" if loss < 0 else "0" if loss == 0 else "above 0"

    return choice(
        "The divergence of a distribution from itself is 0. `p` holds probabilities. What is "
        '`F.kl_div(p, p, reduction="batchmean")`?',
        {
            "0": "It would be, for `F.kl_div(p.log(), p, ...)`: the first argument is a logarithm.",
            "below 0": "torch takes the first argument for logarithms: p · (log p - p) is summed, "
            "and that is below 0, as log p is below p. A divergence is never below 0: a sign "
            "that the logarithm is missing.",
            "above 0": "The logarithm of a probability is below the probability itself, so every "
            "term is negative.",
        },
        run=a_distribution_against_itself,
    )


@question
def module_recap_moves() -> Choice:
    def what_moves():
        net = torch.nn.Module()
        net.layers = [torch.nn.Linear(2, 2)]
        net.shift = torch.zeros(2)
        net.register_buffer("mask", torch.ones(2), persistent=False)
        net.to(torch.float64)
        moved = {
            "layers": net.layers[0].weight.dtype,
            "shift": net.shift.dtype,
            "mask": net.mask.dtype,
        }
        return ", ".join(name for name, dtype in moved.items() if dtype == torch.float64)

    return choice(
        "`layers` is a list with a linear layer, `shift` a plain tensor, and `mask` a buffer with "
        "`persistent=False`. Which of them follows `net.to(torch.float64)`?",
        {
            "mask": "A buffer moves, persistent or not. The other two are registered nowhere.",
            "layers, mask": "A module does not look into a list.",
            "shift, mask": "A plain tensor stays what it is.",
            "layers, shift, mask": "Only what is registered moves.",
        },
        run=what_moves,
    )
