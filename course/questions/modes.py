"""Questions on grad modes and freezing."""

from __future__ import annotations

import torch

from course.questions.entry import question
from course.quiz import Choice, Predict, choice, in_words, predict


@question(few=(16, 32, 64), times=(3, 4, 5, 8))
def modes_larger_batch(few: int = 128, times: int = 10) -> Choice:
    many = few * times

    def larger_batch():
        import weakref

        net = torch.nn.Sequential(
            torch.nn.Linear(64, 256), torch.nn.ReLU(), torch.nn.Linear(256, 10)
        )

        def kept(rows):
            alive = weakref.WeakSet()
            for layer in net:
                layer.register_forward_hook(
                    lambda layer, inputs, output: alive.add(output.untyped_storage())
                )
            y = net(torch.rand(rows, 64))
            return sum(s.nbytes() for s in alive if s is not y.untyped_storage())

        return f"{kept(many) / kept(few):g} times as many"

    return choice(
        f"The net is given {many} images in the place of {few}. How many bytes does a recorded "
        "call keep, beside the images, the weights and the scores?",
        {
            "1 times as many": "The weights are as many as before. What is kept beside them are "
            "outputs of layers, and there are more rows of them.",
            f"{times} times as many": "What is kept are outputs, one row for each image. That is "
            "why a smaller batch helps when memory runs out in training.",
            f"{times**2} times as many": f"Each output has {in_words(times)} times the rows, and "
            "as many numbers in a row as before.",
        },
        run=larger_batch,
    )


@question
def modes_thread() -> Choice:
    def recorded_in_a_thread():
        import threading

        w, found = torch.ones(2, requires_grad=True), []
        with torch.no_grad():
            worker = threading.Thread(target=lambda: found.append((w * 2).requires_grad))
            worker.start()
            worker.join()
        return found == [True]

    return choice(
        "Inside `no_grad` you start a thread, and wait for it. In the thread, `w * 2` is computed, "
        "for a `w` that requires grad.\n\nIs it recorded?",
        {
            "True": "The mode is a property of the thread. A new thread begins in the default "
            "mode, whatever the thread that started it is in.",
            "False": "The block holds for the thread that entered it, and for no other.",
        },
        run=recorded_in_a_thread,
    )


@question
def modes_constant(x1: float = 1.0, x2: float = 5.0, k: int = 1) -> Predict:
    grown, times = ("x", "") if k == 1 else (f"{k} * x", str(k))
    if_recorded, place = ([k, k - 2], "second") if x2 > x1 else ([k - 2, k], "first")

    def constant_maximum():
        x = torch.tensor([x1, x2], requires_grad=True)
        with torch.no_grad():
            largest = x.max()
        y = (grown - largest).sum()
        y.backward()
        return x.grad

    return predict(
        f"`y` is {times}x₁ + {times}x₂ − 2 · largest. What is in `x.grad`?",
        constant_maximum,
        why=f"`largest` is a constant, so the derivative of each term is {k}. Recorded, the "
        f"maximum would send −2 to the {place} entry, and the result would be {if_recorded}.",
        beliefs={
            f"{if_recorded}": "That is the gradient if the maximum is recorded too.",
            "None": "Only the maximum is computed inside the block. The subtraction is recorded.",
            "[0, 0]": "The subtraction is recorded, and it has x as an input.",
            "error": "The result of a no_grad block may be used in recorded operations.",
        },
    )


@question
def modes_built_inside() -> Choice:
    def built_without_recording():
        with torch.no_grad():
            layer = torch.nn.Linear(2, 1)
        layer(torch.ones(1, 2)).sum().backward()
        return layer.weight.grad is not None

    return choice(
        "A layer is made inside `no_grad`. Outside, a loss is computed with it, and `backward()` "
        "is called.\n\nDoes its weight get a gradient?",
        {
            "True": "Its parameters are new leaves, which require grad inside the block too. What "
            "counts is where the loss was computed.",
            "False": "That would be so if the *loss* had been computed inside the block.",
            "RuntimeError": "The loss was computed outside of the block: it was recorded.",
        },
        run=built_without_recording,
    )


@question
def modes_clone_inside() -> Choice:
    def cloned_too_early():
        w = torch.tensor([1.0, 2.0], requires_grad=True)
        with torch.inference_mode():
            features = torch.ones(2).exp().clone()
        return features * w

    return choice(
        "Features are computed in inference mode, and cloned in its last line, inside the block. "
        "Outside, they are multiplied by a weight.\n\nWhat happens?",
        {
            "The product is recorded.": "A clone that is made inside is an inference tensor "
            "itself.",
            "RuntimeError": "The clone is made inside of the block, so it is an inference tensor "
            "too. Move the clone behind the block, or use `no_grad`.",
            "The product does not require grad.": "The weight requires grad and recording is on, "
            "so the product has to be recorded. For that it must save the features.",
        },
        run=cloned_too_early,
    )


@question
def modes_recap_constant(w0: float = 3.0, k: int = 2) -> Predict:
    def used_later():
        w = torch.tensor(w0, requires_grad=True)
        with torch.no_grad():
            a = w * k
        b = a * w
        b.backward()
        return w.grad

    a = f"{k * w0:g}"
    return predict(
        f"`w` is {w0:g}. Inside `no_grad`, `a = w * {k}`. Outside, `b = a * w`, and `b.backward()` "
        "runs. What is `w.grad`?",
        used_later,
        why=f"`a` is the constant {a}. So b = {a} · w, and its derivative is {a}.",
        beliefs={
            f"{2 * k * w0:g}": f"That is the derivative of {k}w², with `a` recorded too.",
            "0": "`b` was computed outside of the block, and recorded.",
            "None": "`b` was computed outside of the block, and recorded.",
            "error": "What `no_grad` makes can be used later, as a constant.",
        },
    )


@question
def modes_recap_flags() -> Choice:
    def flags_inside():
        x = torch.ones(2, requires_grad=True)
        with torch.no_grad():
            made = {
                "`x + 1`": x + 1,
                "`x[:1]`": x[:1],
                "`torch.ones(2, requires_grad=True)`": torch.ones(2, requires_grad=True),
            }
        (follows,) = [code for code, t in made.items() if not t.requires_grad]
        return follows

    return choice(
        "`x` requires grad. Which of these gives `requires_grad` False inside `no_grad`?",
        {
            "`x + 1`": "The result of an operation that was not recorded.",
            "`x[:1]`": "A view repeats the flag of its base. Still no gradient goes from it to x.",
            "`torch.ones(2, requires_grad=True)`": "A new leaf that asks for grad gets it in every "
            "mode.",
            "all of them": "The mode decides what is recorded of operations. New leaves and views "
            "keep their flags.",
        },
        run=flags_inside,
    )


@question
def modes_recap_inference() -> Choice:
    def uses_of_an_inference_tensor():
        w = torch.ones(2, requires_grad=True)
        with torch.inference_mode():
            t = torch.ones(2) * 2
        uses = {
            "`t + w`": lambda: t + w,
            "`t * w`": lambda: t * w,
            "`t.add_(1)`": lambda: t.add_(1),
            "`t.requires_grad_()`": lambda: t.requires_grad_(),
        }
        allowed = []
        for code, use in uses.items():
            try:
                use()
            except RuntimeError:
                continue
            allowed.append(code)
        (only,) = allowed
        return only

    return choice(
        "`t` was computed in inference mode, and `w` requires grad. One of these runs outside of "
        "it. Which?",
        {
            "`t + w`": "A sum saves neither of its inputs.",
            "`t * w`": "To know the gradient of w, the product must save t. Inference tensors "
            "cannot be saved.",
            "`t.add_(1)`": "An inference tensor counts no edits, so outside of the block none is "
            "allowed.",
            "`t.requires_grad_()`": "An inference tensor cannot become a leaf that is trained. "
            "Clone it first.",
        },
        run=uses_of_an_inference_tensor,
    )


@question
def modes_complete_inference() -> Choice:
    def complete_inference():
        torch.manual_seed(0)
        net = torch.nn.Sequential(torch.nn.Linear(3, 3), torch.nn.Dropout(0.5))
        x = torch.ones(1, 3)
        with torch.inference_mode():
            outputs = [net(x) for _ in range(20)]
        same = all(output.equal(outputs[0]) for output in outputs)
        return "Nothing is wrong." if same else "`net.eval()` is missing."

    return choice(
        "Spot the bug. `net` was just made and holds a dropout layer.\n\n"
        "`with torch.inference_mode(): prediction = net(x)`",
        {
            "Nothing is wrong.": "Run it twice, and you get two predictions for one x.",
            "`net.eval()` is missing.": "A module is in train mode when it is made, so dropout "
            "drops. Inference mode is about recording, and does not change what layers do.",
            "`no_grad` is missing.": "Inference mode records nothing: `no_grad` would add nothing "
            "to it.",
            "`x` must not require grad.": "It may. Nothing is recorded inside the block.",
        },
        run=complete_inference,
    )


@question(layers=(4, 5), frozen=(1, 2))
def modes_frozen_blocks(layers: int = 3, frozen: int = 1) -> Choice:
    def past_a_frozen_layer():
        net = torch.nn.Sequential(
            *(torch.nn.Linear(3, 3) for _ in range(layers - 1)), torch.nn.Linear(3, 1)
        )
        net[frozen].requires_grad_(False)
        net(torch.ones(1, 3)).sum().backward()
        return ", ".join(f"net[{i}]" for i in range(layers) if net[i].weight.grad is not None)

    def listed(*left_out):
        return ", ".join(f"net[{i}]" for i in range(layers) if i not in left_out)

    told = f"`net[{frozen}]`, one of {in_words(layers)} linear layers, is frozen."
    if layers == 2 * frozen + 1:
        told = f"The middle one of {in_words(layers)} linear layers is frozen."
    return choice(
        f"{told}\n\nWhich layers of `net` hold a gradient in their weight after `backward()`?",
        {
            listed(*range(frozen + 1)): "The gradient of `net[0]` goes *through* the frozen layer, "
            "by its numbers, which are still there.",
            listed(frozen): "A frozen layer gets no gradient itself. It hands gradients on, "
            "multiplied by its weight, like any constant factor.",
            listed(): "The frozen layer keeps no gradient: its weight does not require grad.",
        },
        run=past_a_frozen_layer,
    )


@question(lr=(0.1, 0.25, 0.5))
def modes_recap_stale(w0: float = 1.0, slope: int = 2, lr: float = 0.5) -> Predict:
    def stale_gradient():
        w = torch.nn.Parameter(torch.tensor(w0))
        optimizer = torch.optim.SGD([w], lr=lr)
        (slope * w).backward()
        w.requires_grad_(False)
        optimizer.step()
        return w.detach()

    return predict(
        f"`w` is {w0:g}, the learning rate is {lr}. `({slope} * w).backward()` runs, then `w` is "
        "frozen by `requires_grad_(False)`, and then `optimizer.step()` runs, plain SGD. What is "
        "`w`?",
        stale_gradient,
        why=f"`.grad` holds {slope} from before, and freezing does not clear it. The step "
        f"subtracts {lr} · {slope}.",
        beliefs={
            f"{w0:g}": "Freezing alone does not stop the optimizer: it looks at `.grad`, and that "
            f"still holds {slope}.",
            "error": "The optimizer does not look at `requires_grad`.",
        },
    )


@question(
    middle=(
        "nn.Sigmoid(), nn.Linear(3, 3)",
        "nn.Linear(3, 3), nn.Tanh()",
        "nn.Tanh(), nn.Linear(3, 3), nn.Sigmoid()",
    )
)
def modes_checkpoint_calls(middle: str = "nn.Sigmoid()") -> Predict:
    def calls_of_layers():
        from torch.utils.checkpoint import checkpoint

        nn = torch.nn
        block = nn.Sequential(nn.Linear(3, 3), middle, nn.Linear(3, 3))
        calls = []
        for i, layer in enumerate(block):
            layer.register_forward_hook(lambda layer, inputs, output, i=i: calls.append(i))
        checkpoint(block, torch.ones(2, 3), use_reentrant=False).sum().backward()
        return calls

    once = list(range(2 + middle.count("nn.")))
    return predict(
        "Each time a layer returns, its number goes into the list, in the forward and in the "
        "backward pass. What is the list?",
        calls_of_layers,
        why="The block runs once forward. In the backward pass it runs forward again, and stops "
        "as soon as all that had been saved is there. The last layer saves its input and its "
        "weight, so it need not compute.",
        beliefs={
            f"{once}": "Nothing was kept, so something has to be computed again.",
            f"{once + once}": "Nearly. The second run stops as soon as all that had been saved "
            "is there: the last layer's input is.",
            f"{once + once[::-1]}": "The second run is a forward pass too.",
        },
    )


@question
def modes_recap_eval() -> Choice:
    def flag_of_an_output():
        net = torch.nn.Linear(2, 1)
        net.eval()
        return net(torch.ones(1, 2)).requires_grad

    return choice(
        "`net.eval()` was called on a linear layer. What is `net(x).requires_grad`, for an x that "
        "does not require grad?",
        {
            "True": "The weight requires grad and recording is on. `eval()` changes what some "
            "layers compute. Autograd does not look at it.",
            "False": "It would be inside `no_grad`, or if the parameters were frozen.",
        },
        run=flag_of_an_output,
    )


@question
def modes_recap_norm() -> Choice:
    def norm_in_eval():
        norm = torch.nn.BatchNorm1d(2).eval()
        out = norm(torch.tensor([[1.0, 2.0], [3.0, 5.0]]))
        out.square().sum().backward()
        return "They get gradients." if norm.weight.grad is not None else "They get none."

    return choice(
        "A batch normalization layer is in eval mode, and a loss is computed through it. What "
        "happens to its weight and bias in `backward()`?",
        {
            "They get gradients.": "Eval mode changes which mean and variance it uses. Its "
            "parameters are as trainable as before; freeze them if you do not want that.",
            "They get none.": "That is freezing: `norm.requires_grad_(False)`.",
            "It raises an error.": "Batch normalization in eval mode can be recorded and run "
            "backward.",
        },
        run=norm_in_eval,
    )
