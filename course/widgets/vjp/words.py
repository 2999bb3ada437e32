"""Says in words what one step of a vector-Jacobian product shows."""

from __future__ import annotations

from course.widgets.frame.values import number
from course.widgets.frame.words import listed as named
from course.widgets.vjp.reader import Measured, Numbers


def short(value: float) -> str:
    """Three significant digits: a number has to fit into a box."""
    return number(float(f"{value:.3g}"))


def listed(values: Numbers) -> str:
    """``[1, -2, 0.5]``."""
    return f"[{', '.join(map(short, values))}]"


def said(measured: Measured, step: int) -> str:
    """The sentence for a step."""
    n = len(measured.x)
    last = n + 3
    head = f"Step {step} of {last}: "
    if step == 0:
        return head + (
            f"{measured.name} takes x = {listed(measured.x)} and gives y = {listed(measured.y)}. "
            f"Its node is {measured.node}."
        )
    if step == 1:
        return head + _jacobian(measured)
    if step == 2:
        return head + (
            f"a backward pass brings v = {listed(measured.v)}, one number for each output: the "
            "gradient of the loss with respect to y."
        )
    if step < last:
        return head + _column(measured, step - 3)
    return head + _end(measured)


def _jacobian(measured: Measured) -> str:
    rows = measured.jacobian
    zeros = sum(entry == 0 for row in rows for entry in row)
    count = len(rows) * len(rows[0])
    return (
        f"the Jacobian has a row for each of the {len(rows)} outputs and a column for each of the "
        f"{len(rows[0])} inputs, measured by moving one input at a time. {zeros} of its {count} "
        f"entries {'is' if zeros == 1 else 'are'} 0."
    )


def _column(measured: Measured, j: int) -> str:
    terms = [
        f"{short(v)} × {short(row[j])}"
        for v, row in zip(measured.v, measured.jacobian, strict=True)
    ]
    return (
        f"x[{j}] gets the sum over all outputs, v times column {j}: {' + '.join(terms)} = "
        f"{short(measured.product[j])}."
    )


def _end(measured: Measured) -> str:
    counts = (
        f"v times the Jacobian, in {len(measured.x)} numbers, where the Jacobian has "
        f"{len(measured.x) * len(measured.y)}."
    )
    if measured.returned is None:
        return "no gradient came back to x. v times the Jacobian is " + (
            f"{listed(measured.product)}."
        )
    if not measured.differing:
        return f"backward returned {listed(measured.returned)}. It is {counts}"
    places = named([f"x[{j}]" for j in measured.differing])
    return (
        f"backward returned {listed(measured.returned)}, and v times the Jacobian is "
        f"{listed(measured.product)}: they differ for {places}."
    )
