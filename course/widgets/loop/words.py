"""Says in words what one line of the training loop did."""

from __future__ import annotations

from course.widgets.frame.values import number
from course.widgets.loop.model import BACKWARD, CLEAR, FORWARD, Frame, Point, Run


def point(value: Point | float | None) -> str:
    """``(3, 1)``, ``0.5``, ``None``; four significant digits, three for pairs."""
    if value is None:
        return "None"
    if isinstance(value, tuple):
        return f"({', '.join(number(_short(one)) for one in value)})"
    return number(value)


def _short(value: float) -> float:
    """Three significant digits: a pair has to fit into a box."""
    rounded = float(f"{value:.3g}")
    return 0.0 if abs(rounded) < 1e-9 else rounded


def said(run: Run, at: int) -> str:
    """The sentence for a frame."""
    frames, last = run.frames, len(run.frames) - 1
    frame = frames[at]
    if frame.line is None:
        state = "the optimizer's state is empty"
        told = f"before the loop, p is {point(frame.p)}, p.grad is None and {state}."
        return f"Step 0 of {last}: {told}"
    line, before = run.order.lines[frame.line], frames[at - 1]
    told = f"Step {at} of {last}, round {frame.round_}, {line}: {_line(line, before, frame)}"
    if at == last:
        told += f" {_end(run)}"
    return told


def _line(line: str, before: Frame, now: Frame) -> str:
    if line == CLEAR:
        if before.grad is None:
            return "p.grad is None already. p and the optimizer's state stay."
        return f"p.grad was {point(before.grad)} and is None now. p and the optimizer's state stay."
    if line == FORWARD:
        return f"the loss at p = {point(now.p)} is {point(now.loss)}. No gradient is touched."
    if line == BACKWARD:
        return _backward(before.grad, now.grad)
    return _step(before, now)


def _backward(before: Point | None, now: Point | None) -> str:
    assert now is not None
    if before is None:
        return f"writes the gradient {point(now)} into p.grad, which was None. p stays."
    new = (now[0] - before[0], now[1] - before[1])
    return (
        f"adds the gradient {point(new)} to p.grad, which held {point(before)} and holds "
        f"{point(now)} now. p stays."
    )


def _step(before: Frame, now: Frame) -> str:
    if now.grad is None:
        return "p.grad is None, so the optimizer leaves p alone."
    if before.p == now.p:
        return f"reads p.grad = {point(now.grad)}, and p stays."
    moved = f"reads p.grad = {point(now.grad)} and moves p from {point(before.p)} to {point(now.p)}"
    kept = [name for name in now.state if now.state[name] != before.state.get(name)]
    if not kept:
        return f"{moved}. p.grad stays."
    return f"{moved}. It keeps {', '.join(kept)} for the next step. p.grad stays."


def _end(run: Run) -> str:
    losses = [frame.loss for frame in run.frames if frame.loss is not None]
    went = f"The loss went from {point(losses[0])} to {point(losses[-1])}"
    return f"{went}: {run.order.verdict}." if run.order.verdict else f"{went}."
