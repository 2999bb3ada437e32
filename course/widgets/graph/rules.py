"""What the common nodes do to a gradient, in words that are proved before they are said.

A rule is a text and a formula. The text is used only if the formula, computed on the tensors the
node saved, gives the very gradient that was measured; otherwise the number is shown alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch

from course.widgets.frame.values import Value, number, shape_text

MOST_ELEMENTS = 100_000
Tensor = torch.Tensor


@dataclass(frozen=True)
class Operands:
    """What a node kept, by argument (``self``, ``alpha``), and the words for it.

    ``shape`` is that of the input the gradient goes to.
    """

    kept: Mapping[str, Any]
    words: Mapping[str, str]
    shape: tuple[int, ...]


@dataclass(frozen=True)
class Rule:
    """``text`` names the gradient ``{g}`` and operands ``{other}``; ``formula(g, operands)``."""

    text: str
    formula: Callable[[Tensor, Operands], Tensor]


def _signed_dim(kept: Mapping[str, Any], name: str = "dim") -> int:
    """torch shows a negative ``dim`` as an unsigned 64-bit number."""
    dim = int(kept[name])
    return dim - 2**64 if dim >= 2**63 else dim


def _expand(g: Tensor, operands: Operands) -> Tensor:
    return g.expand(operands.shape)


def _mean(g: Tensor, operands: Operands) -> Tensor:
    return (g / torch.Size(operands.shape).numel()).expand(operands.shape)


def _select(g: Tensor, operands: Operands) -> Tensor:
    zeros = g.new_zeros(operands.shape)
    zeros.select(_signed_dim(operands.kept), _signed_dim(operands.kept, "index")).copy_(g)
    return zeros


def _index(g: Tensor, operands: Operands) -> Tensor:
    return g.new_zeros(operands.shape).index_put(
        tuple(operands.kept["indices"]), g, accumulate=True
    )


def _power(g: Tensor, o: Operands) -> Tensor:
    base: Tensor = o.kept["self"]
    exponent: float = o.kept["exponent"]
    return g * exponent * base.pow(exponent - 1)


_PASS = Rule("{g} × 1", lambda g, o: g)
_RESHAPE = Rule("{g} reshaped to {shape}", lambda g, o: g.reshape(o.shape))

RULES: Mapping[str, Mapping[int, Rule]] = {
    "AddBackward0": {0: _PASS, 1: Rule("{g} × {alpha}", lambda g, o: g * o.kept["alpha"])},
    "SubBackward0": {0: _PASS, 1: Rule("{g} × -{alpha}", lambda g, o: -g * o.kept["alpha"])},
    "RsubBackward0": {0: Rule("{g} × -{alpha}", lambda g, o: -g * o.kept["alpha"]), 1: _PASS},
    "RsubBackward1": {0: Rule("{g} × -{alpha}", lambda g, o: -g * o.kept["alpha"])},
    "NegBackward0": {0: Rule("{g} × -1", lambda g, o: -g)},
    "CloneBackward0": {0: _PASS},
    "MulBackward0": {
        0: Rule("{g} × {other}", lambda g, o: g * o.kept["other"]),
        1: Rule("{g} × {self}", lambda g, o: g * o.kept["self"]),
    },
    "DivBackward0": {
        0: Rule("{g} ÷ {other}", lambda g, o: g / o.kept["other"]),
        1: Rule(
            "{g} × -{self} ÷ {other}²", lambda g, o: -g * o.kept["self"] / o.kept["other"] ** 2
        ),
    },
    "PowBackward0": {0: Rule("{g} × {exponent}·{self}^{exponent-1}", _power)},
    "ExpBackward0": {0: Rule("{g} × {result}", lambda g, o: g * o.kept["result"])},
    "LogBackward0": {0: Rule("{g} ÷ {self}", lambda g, o: g / o.kept["self"])},
    "SqrtBackward0": {0: Rule("{g} ÷ (2·{result})", lambda g, o: g / (2 * o.kept["result"]))},
    "SinBackward0": {0: Rule("{g} × cos({self})", lambda g, o: g * o.kept["self"].cos())},
    "CosBackward0": {0: Rule("{g} × -sin({self})", lambda g, o: -g * o.kept["self"].sin())},
    "SigmoidBackward0": {
        0: Rule(
            "{g} × {result}·(1 - {result})",
            lambda g, o: g * o.kept["result"] * (1 - o.kept["result"]),
        )
    },
    "TanhBackward0": {
        0: Rule("{g} × (1 - {result}²)", lambda g, o: g * (1 - o.kept["result"] ** 2))
    },
    "ReluBackward0": {
        0: Rule("{g} where {result} > 0 (else 0)", lambda g, o: g * (o.kept["result"] > 0))
    },
    "SumBackward0": {0: Rule("{g} copied to shape {shape}", _expand)},
    "MeanBackward0": {0: Rule("{g} ÷ {count} copied to shape {shape}", _mean)},
    "ExpandBackward0": {
        0: Rule("{g} summed to shape {shape}", lambda g, o: g.sum_to_size(o.shape))
    },
    "MmBackward0": {
        0: Rule("{g} @ {mat2}ᵀ", lambda g, o: g @ o.kept["mat2"].T),
        1: Rule("{self}ᵀ @ {g}", lambda g, o: o.kept["self"].T @ g),
    },
    "AddmmBackward0": {
        0: _PASS,
        1: Rule("{g} @ {mat2}ᵀ", lambda g, o: g @ o.kept["mat2"].T),
        2: Rule("{mat1}ᵀ @ {g}", lambda g, o: o.kept["mat1"].T @ g),
    },
    "MvBackward0": {
        0: Rule("{g} {vec}ᵀ", lambda g, o: torch.outer(g, o.kept["vec"])),
        1: Rule("{self}ᵀ @ {g}", lambda g, o: o.kept["self"].T @ g),
    },
    "DotBackward0": {
        0: Rule("{g} × {tensor}", lambda g, o: g * o.kept["tensor"]),
        1: Rule("{g} × {self}", lambda g, o: g * o.kept["self"]),
    },
    "TBackward0": {0: Rule("{g} transposed", lambda g, o: g.t())},
    "ViewBackward0": {0: _RESHAPE},
    "UnsafeViewBackward0": {0: _RESHAPE},
    "UnsqueezeBackward0": {0: _RESHAPE},
    "SqueezeBackward0": {0: _RESHAPE},
    "SqueezeBackward1": {0: _RESHAPE},
    "SelectBackward0": {0: Rule("{g} put back into zeros of shape {shape}", _select)},
    "IndexBackward0": {0: Rule("{g} put back into zeros of shape {shape}", _index)},
}


def how(
    node: str, slot: int, received: Tensor, sent: Tensor, operands: Operands
) -> tuple[str, str]:
    """How ``sent`` came from ``received``: ``3 × b = 6`` and ``× b``; empty if no rule is proved.

    ``sent`` has the shape of the input it goes to; where broadcasting had stretched that input, the
    engine has summed the gradient back, and the text says so.
    """
    one_number = received.dim() == 0 and sent.dim() == 0
    g = number(received.item()) if received.dim() == 0 else "the gradient"
    text = ""
    rule = RULES.get(node, {}).get(slot)
    masks = rule is not None and " where " in rule.text  # for one number, × 1 or × 0 says it
    if rule is not None and not (one_number and masks) and _is_small(received, sent):
        text = _proved(rule, g, received, sent, operands)
    if not text and one_number and received.item() != 0:
        text = f"{g} × {number((sent / received).item())}"
    if not text:
        return "", ""
    factor = text.removeprefix(f"{g} ") if text.startswith(f"{g} ") else ""
    if text == "the gradient × 1":
        text = "the gradient unchanged"
    short = Value.of(sent).short()
    return (text if short.startswith("(") else f"{text} = {short}"), factor


def _is_small(*tensors: Tensor) -> bool:
    return all(tensor.numel() <= MOST_ELEMENTS for tensor in tensors)


def _proved(rule: Rule, g: str, received: Tensor, sent: Tensor, operands: Operands) -> str:
    if any(f"{{{name}}}" in rule.text and kept is None for name, kept in operands.kept.items()):
        return ""
    try:
        computed = rule.formula(received, operands)
        text = _fill(rule.text, g, operands)
        if computed.shape != sent.shape:
            computed = computed.sum_to_size(sent.shape)
            text += f" summed to shape {shape_text(operands.shape)}"
    except (RuntimeError, KeyError, TypeError, IndexError):
        return ""  # the node kept something else than the rule expects: say nothing
    return text if torch.allclose(computed.to(sent.dtype), sent, equal_nan=True) else ""


def _fill(text: str, g: str, operands: Operands) -> str:
    words = dict(operands.words)
    exponent = operands.kept.get("exponent")
    if "{exponent-1}" in text and isinstance(exponent, int | float):
        words["exponent-1"] = number(exponent - 1)
        if exponent == 2:
            text = text.replace("^{exponent-1}", "")
    words |= {
        "g": g,
        "shape": shape_text(operands.shape),
        "count": str(torch.Size(operands.shape).numel()),
    }
    for name, word in words.items():
        text = text.replace("{" + name + "}", word)
    if "{" in text:
        raise KeyError(text)
    return text
