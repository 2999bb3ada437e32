"""What the companion can find, as data, by code: for its findings and for an index of symptoms."""

from course.companion.kinds import gradients, tensors, training
from course.companion.kinds.kind import Kind

__all__ = ["KINDS", "Kind"]

KINDS = {
    kind.code: kind
    for kind in (
        *(*tensors.FLAGS, *tensors.REACH, *tensors.CUTS),
        *(*gradients.PASSES, *gradients.SIZES),
        *(*training.REGISTERED, *training.ORDER, *training.FED, *training.STATES),
    )
}
