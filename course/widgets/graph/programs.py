"""The programs a learner can step through: forward, then one backward pass per output."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from course.widgets.frame.values import Value
from course.widgets.graph.model import Box, Pass, Program, Ran, Step

Grads = Mapping[int, Value | None]


def programs_of(
    boxes: Sequence[Box],
    passes: Sequence[Pass],
    names: Sequence[str],
    grads: Sequence[Grads],
) -> tuple[Program, ...]:
    """One program that frees the saved tensors, and one that keeps them.

    Of several passes the last one frees them in either program.

    ``grads[0]`` holds every leaf's ``.grad`` before the first pass, ``grads[i]`` after pass ``i``.
    Without a measured pass there is one program: the forward steps.
    """
    forward = [Step("start")]
    forward += [Step("forward", i) for i, box in enumerate(boxes) if box.kind == "tensor"]
    if not passes:
        return (Program("forward", tuple(forward)),)
    return tuple(_program(boxes, forward, passes, names, grads, retain) for retain in (False, True))


def _program(
    boxes: Sequence[Box],
    forward: Sequence[Step],
    passes: Sequence[Pass],
    names: Sequence[str],
    grads: Sequence[Grads],
    retain: bool,
) -> Program:
    steps, calls, freed = list(forward), [], set[int]()
    refused = False
    for index, (one, name) in enumerate(zip(passes, names, strict=True)):
        last_of_several = len(passes) > 1 and index == len(passes) - 1
        keeps = retain and not last_of_several
        call = f"{name}.backward({'retain_graph=True' if keeps else ''})"
        calls.append(call)
        if refused:
            continue
        steps.append(Step("seed", one.head, Ran(one.head, (one.seed,)), call, frees=not keeps))
        for ran in one.turns:
            if ran.box in freed:
                steps.append(Step("refused", ran.box, call=call))
                refused = True
                break
            steps.append(_turn(boxes, ran, call, not keeps, grads[index], grads[index + 1]))
            if not keeps and boxes[ran.box].saved:
                freed.add(ran.box)
    if not refused:
        steps.append(Step("end", call=calls[-1], frees=bool(freed)))
    return Program("; ".join(calls), tuple(steps))


def _turn(
    boxes: Sequence[Box], ran: Ran, call: str, frees: bool, before: Grads, after: Grads
) -> Step:
    if boxes[ran.box].kind == "leaf":
        return Step("accumulate", ran.box, ran, call, frees, before[ran.box], after[ran.box])
    return Step("backward", ran.box, ran, call, frees)
