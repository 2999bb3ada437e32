"""What the picture of strides says: a tensor, one entry's cell, and the gradient of each cell."""

from __future__ import annotations

from course.widgets.frame.values import number, shape_text
from course.widgets.stride.reader import Looked


def index_text(index: tuple[int, ...]) -> str:
    """``[2, 1]``"""
    return f"[{', '.join(map(str, index))}]"


def sum_text(looked: Looked, index: tuple[int, ...]) -> str:
    """``0 + 2·1 + 1·4``: offset, and for each axis the index times the stride."""
    steps = (f"{i}·{stride}" for i, stride in zip(index, looked.strides, strict=True))
    return " + ".join([str(looked.offset), *steps])


def before(looked: Looked) -> str:
    """The tensor as a whole."""
    memory = (
        "It has a storage of its own: the numbers were copied."
        if looked.is_copy
        else "It looks at the storage of x: no number was moved."
    )
    return (
        f"{looked.made} has shape {shape_text(looked.shape)}, offset {looked.offset} and strides "
        f"{shape_text(looked.strides)}. {memory}"
    )


def entry(looked: Looked, at: int) -> str:
    """One entry, and the cell that it looks at."""
    index, cell = looked.indices()[at], looked.cells[at]
    value = number(looked.entries[at])
    told = f"entry {index_text(index)} lies in cell {sum_text(looked, index)} = {cell}"
    if looked.is_copy:
        return f"{told} of its own storage. It is {value}, copied from cell {looked.sources[at]}."
    others = looked.cells.count(cell) - 1
    look = "looks" if others == 1 else "look"
    shared = f" {others} more {look} at this cell." if others else ""
    return f"{told}, which holds {value}.{shared}"


def arrived(looked: Looked) -> str:
    """What reaches each cell of x."""
    few, most = min(looked.gradient), max(looked.gradient)
    if few == most:
        each = f"every cell of x gets {number(few)}"
    else:
        each = f"the cells of x get from {number(few)} to {number(most)}"
    how = "copied from it" if looked.is_copy else "that look at it"
    return (
        f"a gradient of 1 arrives at each entry of {looked.made}, and {each}: as many as there are "
        f"entries {how}."
    )
