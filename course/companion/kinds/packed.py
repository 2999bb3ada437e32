"""What hides a tensor from a model or from autograd: an object, a tuple, a state that is loaded."""

from __future__ import annotations

from course.companion.kinds.kind import DETACH, FLAT, FUNCTIONS, MODULES, NONE, kind

PACKED = (
    kind(
        "in_an_object",
        "Parameters in an object that is no module",
        "{name} is an object of {container}, which is no nn.Module: the model does not know the "
        "parameters in it, and parameters() leaves them out.",
        "Derive {container} from nn.Module: super().__init__() first in its constructor, and "
        "forward in the place of __call__.",
        *(MODULES, "Layers in a list do not train", "a layer does not change", FLAT),
    ),
    kind(
        "cut_packed",
        "Cut by a tuple or a list that a Function was given",
        "The gradient's way back to {name} is cut here: apply() of a custom Function sees the "
        "tensors among its arguments, and none in a tuple, a list or a dict that it is given.",
        "Give apply() the tensors themselves, each as an argument of its own, F.apply(*tensors), "
        "and let backward return one gradient for each.",
        *(FUNCTIONS, "Arguments without a gradient", NONE, FLAT),
    ),
    kind(
        "cut_loaded",
        "Results that a model was loaded with",
        "Here load_state_dict() is given what was computed from {name}, and copies its values "
        "alone: what the model gives then leads to its own parameters, and no further.",
        "Where a model is to learn through its adapted weights, compute with them in its place: "
        "torch.func.functional_call(model, weights, (x,)). Where it is not, leave create_graph "
        "out.",
        *(DETACH, "detach: the same memory", FLAT),
    ),
)
