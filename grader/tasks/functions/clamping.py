"""The exercise on a clamp that lets gradients through."""

from grader.engine.task import F32, Case, Inputs, Rng, Task, case
from grader.tasks.functions.inputs import given_as
from grader.tasks.functions.watching import KEPT, OWN, called, sent_back


class ClampSte(Task):
    """Return x clamped to the numbers lo and hi, as x.clamp(lo, hi) is, with the gradient of the
    identity: what arrives at the result goes to x unchanged, outside of the bounds as well. x may
    hold inf, and lo may be above hi. Leave x as it is."""

    id = "clamp_ste"
    signatures = ("clamp_ste(x, lo, hi) -> y",)
    title, points, difficulty, minutes = "Clamp, and let gradients through", 6, 2, 8
    prerequisites = ("my_exp",)
    hints = (
        "Read section 8.3, on arguments without a gradient. How many values does backward return, "
        "and which are None?",
        "Which derivative do you want to pretend? Nothing has to be saved for it.",
        "forward returns the clamped x. backward hands on what it got for x, and None for "
        "each of the two bounds.",
    )
    CASES = (
        case("7 numbers, some on a bound", lo=-0.5, hi=0.75, visible=True),
        case("inf among them", lo=-0.5, hi=0.75, infinite=True),
        case("lo above hi", lo=0.75, hi=-0.5),
        case("bounds that are whole numbers", lo=-1, hi=1),
        case("a bound that is 0", lo=0, hi=0.75),
        case("bounds that float32 rounds", lo=-0.3, hi=0.7, beside=True),
        case("lo equals hi", lo=0.25, hi=0.25),
        case("a column", lo=-0.5, hi=0.75, shape=(7, 1)),
        case("float32", lo=-0.75, hi=0.5, dtype=F32),
        case("a leaf with a .grad from before", lo=-0.5, hi=0.75, kind="in use"),
        case("x does not require grad", lo=-0.5, hi=0.75, kind="frozen"),
    )

    def draw(self, rng: Rng, case: Case) -> Inputs:
        x = rng.apart(0.1, 0.4, 7)
        x[1], x[2] = rng.uniform(1.5, 2.0), -rng.uniform(1.5, 2.0)
        if not case.params.get("beside"):
            x[3], x[4] = case["lo"], case["hi"]
        if case.params.get("infinite"):
            x[5], x[6] = float("inf"), -float("inf")
        shape = case.params.get("shape", (7,))
        return {"x": x.reshape(shape), "v": rng.apart(0.5, 2.0, *shape)}

    def observe(self, clamp_ste, x, v, lo, hi, kind="computed"):
        given, leaf = given_as(x, kind)
        found = called(lambda: clamp_ste(given, lo, hi), {"x": given})
        del found[OWN], found[KEPT]  # any way is welcome
        return {**found, **sent_back(found["y"], {"x": leaf}, v)}
