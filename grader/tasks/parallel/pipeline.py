"""The exercise on a pipeline's schedule."""

from grader.engine.task import Case, Inputs, Rng, Task, case


class MicroBatchPipeline(Task):
    """A net is cut into stages, and a batch into micro micro-batches. Every forward and every
    backward pass of one micro-batch through one stage takes one tick, and a stage does one thing at
    a time. Stage s can start a forward pass one tick after stage s - 1 has done it, and a backward
    pass one tick after stage s + 1 has; the last stage starts its first backward pass in the tick
    after its last forward pass. Forward passes go in the order 0, 1, 2, ...; backward passes go the
    other way, the last micro-batch first. Everything runs as early as it can.

    Return a list of rows, one for each stage: what it does in each tick from first to last, "F0"
    for the forward pass of micro-batch 0, "B0" for its backward pass, and "" where it is idle. All
    rows have one length."""

    id = "micro_batch_pipeline"
    signatures = ("schedule(stages, micro) -> rows",)
    title, points, difficulty, minutes = "The schedule of a pipeline", 8, 3, 15
    hints = (
        "Read the section on pipelines, and step through its picture. In which tick does stage s "
        "run the forward pass of micro-batch 0?",
        "How many ticks does it take until the last stage has done its last forward pass? The "
        "backward half is the forward half in a mirror.",
        "Stage s runs F m in tick s + m. From the tick in which the last stage turns round, the "
        "same distances count backwards. Fill rows of idle ticks with what you work out.",
    )
    CASES = (
        case("3 stages, 4 micro-batches", stages=3, micro=4, visible=True),
        case("more stages than micro-batches", stages=5, micro=2, visible=True),
        case("one micro-batch", stages=3, micro=1),
        case("one stage", stages=1, micro=3),
        case("one of each", stages=1, micro=1),
        case("2 stages, 11 micro-batches", stages=2, micro=11),
        case("as many of both as are drawn"),
    )

    def draw(self, rng: Rng, case: Case) -> Inputs:
        if "stages" in case.params:
            return {}
        return {"stages": int(rng.integers(3, 7)), "micro": int(rng.integers(3, 10))}

    def observe(self, schedule, stages, micro):
        return {"rows": schedule(stages, micro)}
