"""Inputs that a layer was not made for: what of their shape is wrong, and which line to change."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

from torch import nn

from grader.errors.explanation import Explained
from grader.errors.seen.modules import cells, dimensioned
from grader.errors.seen.modules.fed import Fed, entry, fed, is_flat, remade
from grader.errors.seen.modules.made import made
from grader.errors.seen.reading import source
from grader.errors.seen.reading.frames import Frames

_NORMS = (nn.modules.batchnorm._BatchNorm, nn.modules.instancenorm._InstanceNorm)
_LAST_FIRST = {1: ".transpose(1, 2)", 2: ".permute(0, 3, 1, 2)", 3: ".permute(0, 4, 1, 2, 3)"}
"""What moves the channels to dimension 1, by how many dimensions follow them."""
_FIRST_LAST = {1: ".transpose(1, 2)", 2: ".permute(0, 2, 3, 1)", 3: ".permute(0, 2, 3, 4, 1)"}
_RGBA, _COLOURS = 4, 3


def read(frames: Frames, told: Explained, message: str) -> Explained | None:
    """The layer that failed, and what its input's shape says."""
    one = fed(frames)
    if one is None:
        return None
    for kinds, rule in _RULES:
        if isinstance(one.layer, kinds):
            return rule(frames, told, one)
    return None


def _changed(frames: Frames, told: Explained, said: str, cure: str) -> Explained:
    return replace(
        told, meaning=said, cure=f"{cure[0].upper()}{cure[1:]}.", place=frames.last.place
    )


def _linear(frames: Frames, told: Explained, one: Fed) -> Explained | None:
    """A Linear: no flatten, no batch, features elsewhere, or another number of them."""
    assert isinstance(one.layer, nn.Linear)
    features, shape = one.layer.in_features, one.shape
    if shape and shape[-1] == features:
        return None
    said = (
        f"{one.meaning} Features come last, so it gets {shape[-1] if shape else 1}, and it was "
        f"made for {features}."
    )
    if is_flat(shape, features):
        return _changed(
            frames,
            told,
            f"{said} Each sample has {features} numbers in all: they are not in one row yet.",
            one.instead(".flatten(1)", "nn.Flatten()"),
        )
    if one.x.numel() == features and (called := entry(frames)) is not None:
        model, name, given, place = called
        return replace(
            told,
            meaning=f"{said} All of it together are {features} numbers, those of one sample: "
            f"{name} has the shape {tuple(given.shape)}, without a batch in front.",
            cure=f"Give a batch of one: {model}({name}.unsqueeze(0)).",
            place=place,
        )
    if len(shape) > 2 and shape[1] == features:
        follow = len(shape) - 2
        moved = one.instead(_FIRST_LAST.get(follow, ".movedim(1, -1)"))
        whole = (
            ""
            if follow == 1
            else " For one vector of each image take its mean first: "
            + (one.instead(".flatten(2).mean(2)", "nn.AdaptiveAvgPool2d(1), nn.Flatten()"))
        )
        cure = f"{moved}.{whole}" if whole else moved
        return _changed(frames, told, f"{said} They stand in dimension 1.", cure)
    flat = " Behind a flatten that is channels times height times width."
    flat = flat if len(shape) == 2 and _is_flattened(frames, one) else ""
    return remade(frames, told, one.layer, said + flat, (0, "in_features", shape[-1]))


def _is_flattened(frames: Frames, one: Fed) -> bool:
    """Whether the failing function, or the Sequential, flattens what it is given."""
    if one.inside:
        around = [names.get("self") for _, names in frames.within]
        sequences = [list(one) for one in around if isinstance(one, nn.Sequential)]
        return any(isinstance(part, nn.Flatten) for parts in sequences for part in parts)
    tree = frames.last.source
    return tree is not None and bool(source.calls(tree, "flatten", "view", "reshape"))


def _convolution(frames: Frames, told: Explained, one: Fed) -> Explained | None:
    """A convolution: channels last, none, other ones, or images in rows."""
    assert isinstance(one.layer, nn.modules.conv._ConvNd)
    channels, shape = one.layer.in_channels, one.shape
    follow = len(one.layer.kernel_size)
    wanted = {1: "length", 2: "height, width", 3: "depth, height, width"}[follow]
    said = f"{one.meaning} It wants (batch, {channels}, {wanted})."
    if len(shape) == follow + 2:
        return _channels(frames, told, one, said)
    if (other := dimensioned.read(frames, told, one)) is not None:
        return other
    if len(shape) == follow + 1:
        if shape[0] == channels:
            return None
        if channels == 1:
            said = f"{said} The channel is missing."
            return _changed(
                frames, told, said, one.instead(".unsqueeze(1)", "nn.Unflatten(0, (-1, 1))")
            )
        if shape[-1] == channels:
            moved = one.instead(".movedim(-1, 0).unsqueeze(0)")
            return _changed(
                frames, told, f"{said} Here the channels come last, and there is no batch.", moved
            )
        return None
    if len(shape) == 2 and shape[1] % channels == 0:
        side = math.isqrt(shape[1] // channels)
        if follow == 2 and side > 1 and channels * side * side == shape[1]:
            size = f"({channels}, {side}, {side})"
            said = f"{said} Each image lies in a row of {shape[1]} numbers."
            return _changed(
                frames,
                told,
                said,
                one.instead(f".unflatten(1, {size})", f"nn.Unflatten(1, {size})"),
            )
    if len(shape) == follow + 3:
        said = f"{said} It has a dimension more."
        return _changed(
            frames,
            told,
            said,
            f"Join the first two, {one.name}.flatten(0, 1), and take them apart behind the layer: "
            f"out.unflatten(0, {shape[:2]})",
        )
    if len(shape) == follow and channels == 1:
        return _changed(
            frames, told, f"{said} Batch and channel are missing.", one.instead("[None, None]")
        )
    return None


def _channels(frames: Frames, told: Explained, one: Fed, said: str) -> Explained | None:
    assert isinstance(one.layer, nn.modules.conv._ConvNd)
    wanted, shape, follow = one.layer.in_channels, one.shape, len(one.layer.kernel_size)
    got = shape[1]
    if shape[-1] == wanted != shape[-2]:
        moved = one.instead(_LAST_FIRST[follow])
        return _changed(frames, told, f"{said} The {wanted} channels come last here.", moved)
    if (got, wanted) == (_RGBA, _COLOURS) and follow == 2:
        cure = one.instead("[:, :3]")
        return _changed(frames, told, f"{said} A fourth one says how opaque a pixel is.", cure)
    elsewhere = [at for at, size in enumerate(shape) if size == wanted and at > 1]
    if len(elsewhere) == 1:
        moved = one.instead(f".movedim({elsewhere[0]}, 1)")
        said = f"{said} The {wanted} channels stand in dimension {elsewhere[0]} here."
        return _changed(frames, told, said, moved)
    found = remade(frames, told, one.layer, said, (0, "in_channels", got))
    if follow == 2 and {got, wanted} == {1, _COLOURS}:
        grey = ".expand(-1, 3, -1, -1)" if got == 1 else ".mean(1, keepdim=True)"
        what = (
            "grey images, with one channel, and it was made for colours"
            if got == 1
            else "colours, three channels, and it was made for grey images"
        )
        return replace(
            found,
            meaning=found.meaning.replace(said, f"{said} These are {what}."),
            cure=f"{found.cure} To keep the layer, {one.instead(grey)}.",
        )
    return found


def _batch_norm(frames: Frames, told: Explained, one: Fed) -> Explained | None:
    """A norm of channels: another 1d or 2d, channels last, or another number of them."""
    channels, shape = int(one.layer.num_features), one.shape  # type: ignore[arg-type]
    kind = type(one.layer).__name__
    takes = {"1": (2, 3), "2": (4,), "3": (5,)}[kind[-2]] if kind[-1] == "d" else ()
    said = f"{one.meaning} Channels are dimension 1, and it was made for {channels}."
    if takes and len(shape) not in takes and len(shape) > 1:
        if shape[0] == channels and len(shape) + 1 in takes:
            said = f"{said} The batch is missing."
            return _changed(frames, told, said, one.instead(".unsqueeze(0)"))
        fitting = f"{kind[:-2]}{max(1, len(shape) - 2)}d"
        call = made(frames, one.layer)
        return replace(
            told,
            meaning=f"{one.meaning} A {kind} takes inputs of {' or '.join(map(str, takes))} "
            f"dimensions, and this one has {len(shape)}.",
            cure=f"Make it as nn.{fitting}({channels})."
            if call is None
            else f"On the line named here write {fitting} in the place of {kind}.",
            place=call.place if call is not None else "",
        )
    if len(shape) > 2 and shape[-1] == channels:
        there, back = _LAST_FIRST[len(shape) - 2], _FIRST_LAST[len(shape) - 2]
        cure = f"Move them there and back: {one.called}({one.name}{there}){back}"
        return _changed(frames, told, f"{said} Here they come last.", cure)
    return (
        remade(frames, told, one.layer, said, (0, "num_features", shape[1]))
        if len(shape) > 1
        else None
    )


def _layer_norm(frames: Frames, told: Explained, one: Fed) -> Explained | None:
    """A LayerNorm over channels that come first, or over another number of features."""
    assert isinstance(one.layer, nn.LayerNorm)
    over, shape = tuple(one.layer.normalized_shape), one.shape
    said = f"{one.meaning} It normalizes the last dimensions, {over}."
    if len(over) == 1 and len(shape) in (3, 4, 5) and shape[1] == over[0]:
        there, back = _FIRST_LAST[len(shape) - 2], _LAST_FIRST[len(shape) - 2]
        return _changed(
            frames,
            told,
            f"{said} The {over[0]} channels stand in dimension 1.",
            f"Move them there and back: {one.called}({one.name}{there}){back}. Or make it "
            f"nn.GroupNorm(1, {over[0]}), which takes channels in dimension 1",
        )
    size = shape[-1] if len(over) == 1 else shape[-len(over) :]
    return remade(frames, told, one.layer, said, (0, "normalized_shape", size)) if shape else None


def _group_norm(frames: Frames, told: Explained, one: Fed) -> Explained | None:
    assert isinstance(one.layer, nn.GroupNorm)
    channels, shape = one.layer.num_channels, one.shape
    said = f"{one.meaning} Channels are dimension 1, and it was made for {channels}."
    if len(shape) < 2 or shape[1] == channels:
        return None
    if shape[-1] == channels and len(shape) in (3, 4, 5):
        there, back = _LAST_FIRST[len(shape) - 2], _FIRST_LAST[len(shape) - 2]
        cure = f"Move them there and back: {one.called}({one.name}{there}){back}"
        return _changed(frames, told, f"{said} Here they come last.", cure)
    return remade(frames, told, one.layer, said, (1, "num_channels", shape[1]))


def _recurrent(frames: Frames, told: Explained, one: Fed) -> Explained | None:
    """An RNN: single numbers without their dimension, features elsewhere, or other ones."""
    assert isinstance(one.layer, nn.RNNBase)
    features, shape = one.layer.input_size, one.shape
    order = "(batch, length, features)" if one.layer.batch_first else "(length, batch, features)"
    said = f"{one.meaning} It takes {order}, and was made for {features} features."
    if not shape or shape[-1] == features:
        return None
    if len(shape) == 2 and features == 1:
        said = f"{said} Here a feature of one number has no dimension."
        return _changed(
            frames, told, said, one.instead(".unsqueeze(-1)", "nn.Unflatten(1, (-1, 1))")
        )
    if len(shape) == 3 and shape[-1] == 1:
        said = f"{said} Each step has one number: {features} is another size than that."
        return remade(frames, told, one.layer, said, (0, "input_size", 1))
    found = remade(frames, told, one.layer, said, (0, "input_size", shape[-1]))
    if len(shape) == 3 and shape[1] == features:
        moved = one.instead(".transpose(1, 2)")
        return replace(found, cure=f"If dimension 1 holds the features, {moved}. {found.cure}")
    return found


def _attention(frames: Frames, told: Explained, one: Fed) -> Explained | None:
    """Attention, alone or in a transformer, that is given another number of features."""
    assert isinstance(one.layer, nn.MultiheadAttention)
    features, shape = one.layer.embed_dim, one.shape
    if not shape or shape[-1] == features or not one.call:
        return None
    if one.layer.batch_first and len(shape) == 3:
        shape = (shape[1], shape[0], shape[2])  # as it was before the layer turned it
    return _changed(
        frames,
        told,
        f"{one.call} was made for {features} features, the last dimension, and {one.name} has the "
        f"shape {shape}.",
        f"Map them first: self.project = nn.Linear({shape[-1]}, {features}) in __init__, and "
        f"{one.call}(self.project({one.name})). Where {shape[-1]} is right, make the attention for "
        f"that number instead, one that its heads divide",
    )


Rule = Callable[[Frames, Explained, Fed], Explained | None]
_RULES: tuple[tuple[type | tuple[type, ...], Rule], ...] = (
    (nn.Linear, _linear),
    (nn.modules.conv._ConvNd, _convolution),
    (_NORMS, _batch_norm),
    (nn.LayerNorm, _layer_norm),
    (nn.GroupNorm, _group_norm),
    (nn.RNNBase, _recurrent),
    (nn.RNNCellBase, cells.read),
    (nn.MultiheadAttention, _attention),
)
