"""The shape behind one of torch's own layers, by the formula of its kind."""

from __future__ import annotations

import math

from torch import nn

Shape = tuple[int, ...]
_CONVS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
_BACK = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
_POOLS = (nn.MaxPool1d, nn.MaxPool2d, nn.MaxPool3d, nn.AvgPool1d, nn.AvgPool2d, nn.AvgPool3d)
_KEEPING = (
    *(nn.ReLU, nn.GELU, nn.SiLU, nn.Tanh, nn.Sigmoid, nn.LeakyReLU, nn.ELU, nn.Dropout, nn.PReLU),
    *(nn.Identity, nn.LayerNorm, nn.BatchNorm1d, nn.BatchNorm2d, nn.Softmax, nn.LogSoftmax),
    *(nn.GroupNorm, nn.InstanceNorm2d, nn.BatchNorm3d, nn.Dropout2d, nn.Mish, nn.Softplus),
)


def behind(layer: nn.Module, inner: Shape) -> Shape | None:
    """The shape of what a layer gives; None of a kind, or of a setting, that is not known here."""
    if isinstance(layer, _KEEPING):
        return inner
    if isinstance(layer, nn.Linear) and inner and inner[-1] == layer.in_features:
        return (*inner[:-1], layer.out_features)
    if isinstance(layer, nn.Embedding):
        return (*inner, layer.embedding_dim)
    if type(layer) is nn.Sequential:
        shape: Shape | None = inner
        for one in layer:
            shape = behind(one, shape) if shape is not None else None
        return shape
    if isinstance(layer, nn.Upsample):
        return _upsampled(layer, inner)
    if isinstance(layer, (*_CONVS, *_BACK, *_POOLS)):
        return _slid(layer, inner)
    return None


def called(name: str, inner: Shape, settings: dict[str, float | None]) -> Shape | None:
    """The shape behind a function that resizes or pools, by its settings as numbers."""
    sides = len(inner) - 2
    if name == "interpolate" and settings.keys() == {"scale_factor"}:
        factor = settings["scale_factor"]
        return None if factor is None else (*inner[:2], *(int(n * factor) for n in inner[2:]))
    if name.startswith(("max_pool", "avg_pool")) and settings.keys() <= {"kernel_size", "stride"}:
        size, step = (
            settings.get("kernel_size"),
            settings.get("stride", settings.get("kernel_size")),
        )
        if size is None or step is None or sides < 1:
            return None
        return (*inner[:2], *(int((n - size) // step) + 1 for n in inner[2:]))
    return None


def _upsampled(layer: nn.Upsample, inner: Shape) -> Shape | None:
    sides = len(inner) - 2
    if sides < 1:
        return None
    if layer.size is not None:
        return (*inner[:2], *_each(layer.size, sides))
    factors = _each(layer.scale_factor, sides)
    return (*inner[:2], *(math.floor(n * f) for n, f in zip(inner[2:], factors, strict=True)))


def _slid(layer: nn.Module, inner: Shape) -> Shape | None:
    """Of a convolution, its transpose, or a pooling, whose window slides over each side."""
    sides = int(type(layer).__name__[-2])
    if len(inner) != sides + 2 or isinstance(layer.padding, str):
        return None
    step = layer.stride if layer.stride is not None else layer.kernel_size
    given = [layer.kernel_size, step, layer.padding, getattr(layer, "dilation", 1)]
    settings = zip(*(_each(one, sides) for one in given), strict=True)
    if isinstance(layer, _BACK):
        more = _each(layer.output_padding, sides)
        found = [
            (n - 1) * s - 2 * p + d * (k - 1) + 1 + extra
            for n, (k, s, p, d), extra in zip(inner[2:], settings, more, strict=True)
        ]
        return (inner[0], layer.out_channels, *found)
    if getattr(layer, "ceil_mode", False):
        return None
    found = [
        (n + 2 * p - d * (k - 1) - 1) // s + 1
        for n, (k, s, p, d) in zip(inner[2:], settings, strict=True)
    ]
    return (inner[0], getattr(layer, "out_channels", inner[1]), *found)


def _each(value: object, sides: int) -> tuple[int, ...]:
    """A setting of each side: one number goes for all."""
    return tuple(value) if isinstance(value, tuple | list) else (value,) * sides  # type: ignore[return-value]
