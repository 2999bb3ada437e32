"""A state_dict that does not fit: a prefix, a whole checkpoint, or layers of another size."""

from __future__ import annotations

import re
from dataclasses import replace

from grader.errors.explanation import Explained
from grader.errors.seen.frames import Frames

_NAMES = re.compile(r'"([^"]+)"')
_SIZES = re.compile(
    r"size mismatch for (\S+): .*?shape torch\.Size\((\[.*?\])\).*?torch\.Size\((\[.*?\])\)"
)
_CHECKPOINT = ("state_dict", "model", "net", "weights", "module")


def read(frames: Frames, told: Explained, message: str) -> Explained | None:
    """What the names and sizes in the error's text say together."""
    missing = _listed(message, "Missing key(s) in state_dict: ")
    left = _listed(message, "Unexpected key(s) in state_dict: ")
    if prefix := _prefix(left, missing):
        return replace(
            told,
            meaning=f'Every name in the file begins with "{prefix}": {_source(prefix)}',
            cure="Take it off, and load what is left: "
            f'{{name.removeprefix("{prefix}"): one for name, one in state.items()}}. With '
            "strict=False nothing would be loaded, and nothing said.",
        )
    if prefix := _prefix(missing, left):
        return replace(
            told,
            meaning=f'The model\'s names begin with "{prefix}", and those in the file do not: it '
            "was saved without what the model is wrapped in.",
            cure="Load it into the part inside, "
            f"model.{prefix.rstrip('.')}.load_state_dict(state). With strict=False nothing would "
            "be loaded, and nothing said.",
        )
    computed = [one for one in (*left, *missing) if "parametrizations." in one]
    if computed and missing and left:
        of_file = any(one in left for one in computed)
        layer = computed[0].partition(".parametrizations.")[0]
        has, lacks = ("the file", "this model") if of_file else ("this model", "the file")
        return replace(
            told,
            meaning=f"In {has} the weight of {layer} is parametrized, as by weight_norm, "
            f"spectral_norm or register_parametrization, and in {lacks} it is not.",
            cure="Parametrize the new model by the same call before you load. To do without, end "
            "it in the model that is saved: torch.nn.utils.parametrize.remove_parametrizations("
            'layer, "weight"), which leaves the computed weight.',
        )
    inside = [one for one in left if any(part in one for part in _CHECKPOINT) and "." not in one]
    if inside and missing:
        return replace(
            told,
            meaning="The file holds a whole checkpoint, of which the model's tensors are one "
            f"entry: {', '.join(left[:4])}.",
            cure=f'Load that entry: model.load_state_dict(checkpoint["{inside[0]}"]).',
        )
    if not missing and not left and (wrong := _SIZES.findall(message)):
        name, saved, wanted = wrong[0]
        return replace(
            told,
            meaning=f"{name} has the shape {saved} in the file and {wanted} in this model.",
            cure="Make the model with the sizes that it was saved with. If this layer is to be "
            f'another, leave its entries out of the state, those of "{name.rpartition(".")[0]}", '
            "and pass strict=False: sizes are not forgiven, missing names are.",
        )
    return None


def _listed(message: str, head: str) -> list[str]:
    """The names behind a heading of the text."""
    line = message.partition(head)[2].partition("\n")[0]
    return _NAMES.findall(line)


def _prefix(longer: list[str], shorter: list[str]) -> str:
    """What stands in front of all of these names, and without which they are those; or nothing."""
    if not longer or not shorter:
        return ""
    tail = next((one for one in shorter if longer[0].endswith(f".{one}")), "")
    prefix = longer[0].removesuffix(tail) if tail else ""
    fits = prefix and {one.removeprefix(prefix) for one in longer} == set(shorter)
    return prefix if fits else ""


def _source(prefix: str) -> str:
    known = {
        "module.": "the model was saved as DataParallel or DistributedDataParallel wraps it.",
        "_orig_mod.": "the model was saved as torch.compile wraps it.",
    }
    return known.get(prefix, "it was saved as a part of another module.")
