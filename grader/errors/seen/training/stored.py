"""A state_dict that does not fit: a prefix, a whole checkpoint, or layers of another size."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace

from torch import nn

from grader.errors.explanation import Explained
from grader.errors.seen.modules.made import with_numbers
from grader.errors.seen.reading import failing, source
from grader.errors.seen.reading.frames import Frames, file_name
from grader.errors.seen.reading.lookup import named

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
        part = with_numbers("model", prefix.rstrip("."))
        return replace(
            told,
            meaning=f'The model\'s names begin with "{prefix}", and those in the file do not: it '
            "was saved without what the model is wrapped in.",
            cure=f"Load it into the part inside, {part}.load_state_dict(state). With strict=False "
            "nothing would be loaded, and nothing said.",
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
    if (pairs := _renamed(frames, missing, left)) is not None:
        shown = "; ".join(f"{old} is {new} now" for old, new in list(pairs.items())[:3])
        return replace(
            told,
            meaning=f"The tensors are the same ones under other names: in their order, {shown}. An "
            "attribute of the model was renamed since it was saved.",
            cure=f"Rename them before you load: names = {pairs}, and state = "
            '{".".join([names.get(p, p) for p in key.split(".")]): one for key, one in '
            "state.items()}. Or give the attributes their old names.",
            sure=False,
        )
    if bool(missing) != bool(left) and "size mismatch" not in message:
        return _one_sided(frames, told, missing, left)
    if not missing and not left and (wrong := _SIZES.findall(message)):
        name, saved, wanted = wrong[0]
        return replace(
            told,
            meaning=f"{name} has the shape {saved} in the file and {wanted} in this model.",
            cure="Make the model with the sizes that it was saved with. If this layer is to be "
            f"another, leave its entries out of the state, {_those_of(name)}, "
            "and pass strict=False: sizes are not forgiven, missing names are.",
        )
    return None


def read_given(frames: Frames, told: Explained, message: str) -> Explained | None:
    """What load_state_dict was given, where that is None or a whole model."""
    frame = frames.last
    for call in failing.calls(frame, "load_state_dict"):
        name = ast.unparse(call.args[0]) if call.args else ""
        value = named(call.args[0], frame) if call.args else None
        if "'NoneType'" in message:
            made = source.assigned(frame.source, name) if frame.source is not None else []
            first = [one.lineno for one in made if _is_none(source.value_of(one, name))]  # type: ignore[attr-defined]
            kept = " The other line that sets it did not run." if len(made) > 1 else ""
            return replace(
                told,
                meaning=f"{name} is None: nothing was put there.{kept}",
                cure="Look at the condition of that line, and what it compares: a best loss "
                'begins at float("inf"), a best accuracy at 0.0. Load only where there is one: if '
                f"{name} is not None.",
                place=frame.place_of(first[0]) if first and kept else frame.place,
            )
        if isinstance(value, nn.Module):
            return replace(
                told,
                meaning=f"{name} is a whole model, and load_state_dict takes the tensors of one.",
                cure=f"Write {name}.state_dict() in its place.",
                place=frame.place,
            )
    return None


def _is_none(node: ast.expr | None) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def read_result(frames: Frames, told: Explained, message: str) -> Explained | None:
    """The line that gives a name what load_state_dict returns."""
    found = [
        (
            ast.unparse(node.targets[0]),
            ast.unparse(node.value),
            f"{file_name(file)}, line {node.lineno}",
        )
        for tree, file in frames.files()
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign)
        and isinstance(node.value, ast.Call)
        and failing.name_of(node.value) == "load_state_dict"
    ]
    if len(found) != 1:
        return None
    name, call, place = found[0]
    return replace(told, cure=f"Take {name} = away on that line: {call}.", place=place)


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
    fits = prefix and _counted({one.removeprefix(prefix) for one in longer}) == _counted(shorter)
    return prefix if fits and all(one.startswith(prefix) for one in longer) else ""


def _counted(names: Iterable[str]) -> set[str]:
    """Names without a BatchNorm's count of batches, which a model does not miss."""
    return {one for one in names if not one.endswith("num_batches_tracked")}


def _those_of(name: str) -> str:
    part = name.rpartition(".")[0]
    return f'those of "{part}"' if part else f'"{name}"'


def _one_sided(
    frames: Frames, told: Explained, missing: list[str], left: list[str]
) -> Explained | None:
    """Names of the model alone, or of the file alone."""
    model = frames.given("load_state_dict").get("self")
    if not isinstance(model, nn.Module) or len(missing) == len(model.state_dict()):
        return None
    listed = ", ".join((missing or left)[:4]) + (" and so on" if len(missing or left) > 4 else "")
    if missing:
        return replace(
            told,
            meaning=f"The file has all else, and nothing for {listed}: they may be new in "
            "the model since it was saved.",
            cure="If they are to begin anew, pass strict=False: all that the file has is loaded, "
            "and these keep the values that they were made with.",
        )
    return replace(
        told,
        meaning=f"The model has all that it needs in the file, and no place for {listed}: it had "
        "these when it was saved.",
        cure="If they are no longer wanted, pass strict=False: all else is loaded.",
    )


def _renamed(frames: Frames, missing: list[str], left: list[str]) -> dict[str, str] | None:
    """Which part of a name became which, where shapes and order say that all are the same."""
    names = frames.given("load_state_dict")
    model, state = names.get("self"), names.get("state_dict")
    if not isinstance(model, nn.Module) or not isinstance(state, Mapping):
        return None
    if len(missing) != len(left) or not left:
        return None
    own, pairs = model.state_dict(), dict[str, str]()
    for new, old in zip(missing, left, strict=True):
        parts = list(zip(old.split("."), new.split("."), strict=False))
        apart = [pair for pair in parts if pair[0] != pair[1]]
        same = old.count(".") == new.count(".") and len(apart) == 1
        if not same or old not in state or own[new].shape != getattr(state[old], "shape", None):
            return None
        before, after = apart[0]
        if pairs.setdefault(before, after) != after:
            return None
    return pairs


def _source(prefix: str) -> str:
    known = {
        "module.": "the model was saved as DataParallel or DistributedDataParallel wraps it.",
        "_orig_mod.": "the model was saved as torch.compile wraps it.",
    }
    return known.get(prefix, "it was saved as a part of another module.")
