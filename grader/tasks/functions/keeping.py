"""The exercise on a Function that keeps its result where nobody looks after it."""

from grader.engine.lived import with_grad
from grader.engine.observation import flags, gradient
from grader.engine.task import F32, Case, Inputs, Rng, Task, case
from grader.tasks.functions.watching import (
    KEPT,
    another_call,
    called,
    is_freed,
    is_wrong_unnoticed,
    sent_back,
)


class KeptResult(Task):
    """scaled_tanh(x, k) returns ScaledTanh.apply(x, k), where k is a number and ScaledTanh is an
    autograd.Function: tanh(k * x), whose gradient reaches x. The result is freed as soon as nobody
    holds it. After x or the result was edited in place, a backward pass gives the right gradient
    or raises torch's error about it, and never a wrong gradient. x and what arrives stay as they
    are."""

    id = "kept_result"
    signatures = ("scaled_tanh(x, k) -> y",)
    title, points, difficulty, minutes = "Spot the bug: a result that outlives its step", 8, 3, 10
    prerequisites = ("my_exp",)
    hints = (
        "Read section 8.4, on what a Function keeps. What differs between an attribute of ctx and "
        "save_for_backward?",
        "Run the broken one, edit y in place under no_grad, and compare the gradient with that of "
        "torch.tanh(k * x). Which of the two says something?",
        "A number may be an attribute of ctx. The tensor goes through ctx.save_for_backward, and "
        "backward takes it out of ctx.saved_tensors.",
    )
    CASES = (
        case("7 numbers, edited and dropped", shape=(7,), k=1.5, kept=True, visible=True),
        case("a matrix, edited and dropped", shape=(3, 7), k=0.5, kept=True),
        case("a matrix, a whole number", shape=(3, 7), k=2),
        case("float32", shape=(7,), k=-1.5, dtype=F32),
        case("numbers far from 0", shape=(7,), k=2, far=True),
        case("a leaf with a .grad from before", shape=(7,), k=0.7, in_use=True),
        case("x does not require grad", shape=(7,), k=0.7, wanted=False),
    )

    def draw(self, rng: Rng, case: Case) -> Inputs:
        x = rng.apart(0.3, 0.9, *case["shape"])
        if case.params.get("far"):  # small slopes, and exponentials that are inf
            x[:4], x[4:] = 6 * x[:4], 1500 * x[4:]
        return {"x": x, "v": rng.apart(1.5, 2.0, *case["shape"])}

    def observe(self, scaled_tanh, x, v, k, kept=False, in_use=False, wanted=True):
        leaf = with_grad(x) if in_use else x.requires_grad_(wanted)
        given = leaf if in_use or not wanted else leaf * 1
        found = called(lambda: scaled_tanh(given, k), {"x": given})
        if not wanted:
            return {"y": found["y"], **flags("y", found["y"], "requires_grad")}
        del found[KEPT]  # x or the result: either is right
        another_call(scaled_tanh, given, 2 * k)
        found |= sent_back(found["y"], {"x": leaf}, v, given)
        if kept:

            def of_x():
                h = leaf * 1
                return scaled_tanh(h, k), h

            def of_y():
                y = scaled_tanh(leaf * 1, k)
                return y, y

            for name, call in {"x": of_x, "y": of_y}.items():
                word = f"a wrong gradient, unnoticed, after {name} was edited"
                found[word] = is_wrong_unnoticed(call, leaf, v)
            found["freed when nobody holds it"] = is_freed(lambda: scaled_tanh(leaf * 1, k))

            def after_a_pass():
                y = scaled_tanh(leaf * 1, k)
                gradient(y, leaf, v.clone())
                return y

            found["freed after a pass, when nobody holds it"] = is_freed(after_a_pass)
        return found
