"""The exercise that makes a batch of sequences of different lengths."""

from dataclasses import replace
from operator import is_
from typing import Any

import torch
from torch import Tensor

from grader.engine.lived import with_grad
from grader.engine.observation import flags, gradient
from grader.engine.task import F32, Case, Inputs, Rng, Task, case
from grader.engine.text import type_name


class CollatePad(Task):
    """samples is a list of sequences, of shapes (L_1, d), (L_2, d) and so on. Return batch and
    mask. batch has shape (B, L, d), where B is the number of sequences and L the greatest length,
    and holds each sequence from its beginning, then zeros; it has the sequences' dtype and device.
    mask has shape (B, L) and dtype bool, lies on that device, and is True where a position is real.
    A length may be 0. A sequence may require grad: gradients must reach it. Leave the sequences as
    they are."""

    id = "collate_pad"
    signatures = ("pad_samples(samples) -> (batch, mask)",)
    title, points, difficulty, minutes = "A batch of unequal lengths", 8, 2, 12
    hints = (
        "Read section 11.6. What does the default collate function say about sequences of "
        "different lengths, and what does a mask have to tell?",
        "Fill a tensor of zeros row by row, or look for the function in torch.nn.utils.rnn. The "
        "mask follows from the lengths, not from the values: a real position may hold zeros.",
        "pad_sequence puts the batch first if it is asked to. Compare torch.arange(L) with the "
        "lengths as a column: the result has a row for each sequence.",
    )
    CASES = (
        case("lengths 5, 2 and 7", lengths=[5, 2, 7], visible=True),
        case("a sequence of length 0", lengths=[3, 0, 2], visible=True),
        case("one sequence", lengths=[7]),
        case("equal lengths", lengths=[5, 5]),
        case("real positions of zeros", lengths=[4, 3, 7, 2], zeros=True),
        case("real positions of what else fills padding", lengths=[4, 0, 6, 7], usual=True),
        case("one feature", lengths=[2, 5, 3], features=1),
        case("sequences that require grad", lengths=[3, 5, 2], trained=True, visible=True),
        case("the last sequence alone requires grad", lengths=[3, 5, 2], trained="last"),
        case("whole numbers", lengths=[3, 0, 5], whole=True),
        case("float32", lengths=[2, 5, 3], dtype=F32),
        case("nothing but sequences of length 0", lengths=[0, 0]),
    )

    def meta_case(self) -> Case:
        """The first case, in which the mask is asked for its device as well."""
        first = super().meta_case()
        return replace(first, params={**first.params, "away": True})

    def draw(self, rng: Rng, case: Case) -> Inputs:
        lengths, d = case["lengths"], case.params.get("features", 3)
        rows = rng.apart(0.5, 2.0, sum(lengths), d)
        if case.params.get("zeros"):
            rows[::2] = 0
        if case.params.get("usual"):
            filling = torch.tensor([-1.0, -100.0, torch.nan, -999.0, -torch.inf, torch.inf])
            rows[:] = filling.to(rows)[torch.arange(len(rows)) % len(filling)][:, None]
        if case.params.get("whole"):
            rows = rng.integers(1, 90, *rows.shape)
        drawn: Inputs = {"rows": rows}
        if case.params.get("trained"):
            drawn["v"] = rng.apart(0.5, 2.0, len(lengths), max(lengths), d)
        return drawn

    def observe(self, pad_samples, rows, lengths, v=None, trained=None, away=False):
        parts = rows.split(lengths)
        samples = [part.clone() if v is None else with_grad(part) for part in parts]
        if trained == "last":
            samples[:-1] = [sample.detach() for sample in samples[:-1]]
        given = list(samples)
        pair = pad_samples(given)
        if not isinstance(pair, tuple | list) or len(pair) != 2:
            what = "None" if pair is None else f"a {type_name(type(pair))}"
            raise TypeError(f"{what} is no pair of batch and mask")
        batch, mask = pair
        if away:
            _see_that_both_lie_there(pad_samples, [part.to("meta") for part in parts])
        found: dict[str, Any] = {"batch": batch, "mask": mask}
        if isinstance(mask, Tensor):
            found["mask lies where the sequences lie"] = mask.device == rows.device
        same = len(given) == len(samples) and all(map(is_, given, samples))
        found["the list samples is as it was"] = same
        if v is None:
            return found | flags("batch", batch, "requires_grad")
        grads = {f"d samples[{i}]": gradient(batch, s, v) for i, s in enumerate(samples)}
        return {**found, **grads}


def _see_that_both_lie_there(pad_samples: Any, samples: list[Tensor]) -> None:
    """Call the answer on sequences without values, on the meta device, and ask where both lie.

    Whoever reads a length as a value cannot do so there, which is no mistake: nothing is told then.
    Raises RuntimeError, as torch does where tensors of two devices meet.
    """
    try:
        batch, mask = pad_samples(samples)
    except (NotImplementedError, RuntimeError) as error:
        text = str(error)
        if "meta" not in text or "expected device" in text or "same device" in text:
            raise
        return
    for name, value in {"batch": batch, "mask": mask}.items():
        if isinstance(value, Tensor) and not value.is_meta:
            raise RuntimeError(
                "Expected all tensors to be on the same device, and the sequences lie elsewhere "
                f"than the {name}"
            )
