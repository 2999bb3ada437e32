"""What the companion can find, as data, by code: for its findings and for an index of symptoms."""

from course.companion.kinds import (
    around,
    cut,
    factors,
    fed,
    gradients,
    moved,
    packed,
    tensors,
    training,
    zeros,
)
from course.companion.kinds.kind import Kind

__all__ = ["KINDS", "Kind"]

KINDS = {
    kind.code: kind
    for kind in (
        *(*tensors.FLAGS, *tensors.REACH, *cut.CUTS, *packed.PACKED),
        *(*gradients.PASSES, *zeros.ZEROS, *factors.FACTORS, *around.AROUND, *gradients.NANS),
        *(*training.REGISTERED, *moved.MOVED, *training.ORDER, *fed.FED, *training.STATES),
    )
}
