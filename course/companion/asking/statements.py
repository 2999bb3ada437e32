"""What a statement does that takes a gradient away: each asks one node of a parsed file."""

from __future__ import annotations

import ast
from typing import Any

_COPYING = ("clone", "detach", "deepcopy", "Parameter", "tensor")


def replaces(node: ast.AST) -> bool:
    """`setattr(owner, name, nn.Parameter(...))`, `owner._parameters[name] = nn.Parameter(...)`"""
    if isinstance(node, ast.Call):
        given = node.args[-1] if len(node.args) > 1 else None
        into = name_of(node.func) in ("setattr", "register_parameter")
        return into and name_of(getattr(given, "func", None)) == "Parameter"
    targets, value = _assigned(node)
    entry = any(name_of(getattr(one, "value", None)) == "_parameters" for one in targets)
    return entry and name_of(getattr(value, "func", None)) == "Parameter"


def hands_in(first: str, second: str, node: ast.AST) -> bool:
    """`learn(target, online, batch)`: a call that is given both."""
    given = {name_of(one) for one in node.args} if isinstance(node, ast.Call) else set()
    return {first, second} <= given


def sets_zero(path: str, node: ast.AST) -> bool:
    """`nn.init.zeros_(self.down.weight)`, by the last names of a parameter."""
    if not isinstance(node, ast.Call) or name_of(node.func) not in ("zeros_", "zero_"):
        return False
    last = path.split(".")[-2:]
    inside = {name_of(one) for one in ast.walk(node)}
    return all(one in inside for one in last if not one.isdigit())


def pads(node: ast.AST) -> bool:
    """A call with padding_idx=..."""
    return isinstance(node, ast.Call) and any(one.arg == "padding_idx" for one in node.keywords)


def makes(name: str, kind: str, node: ast.AST) -> bool:
    """`opt = torch.optim.SGD(...)`, by the variable's name and the class's."""
    own = name.rpartition(".")[2]
    targets, value = _assigned(node)
    return name_of(getattr(value, "func", None)) == kind and own in map(name_of, targets)


def packs(node: ast.AST) -> bool:
    """`Round.apply((x, y), bits)`: a Function that is given its tensors in a tuple."""
    given = node.args if isinstance(node, ast.Call) and name_of(node.func) == "apply" else []
    function = name_of(getattr(getattr(node, "func", None), "value", None))
    packed = ast.Tuple | ast.List | ast.Dict
    return function[:1].isupper() and any(isinstance(one, packed) and _holds(one) for one in given)


def _holds(node: ast.AST) -> bool:
    """Whether it names anything: a shape is written in numbers."""
    return any(isinstance(one, ast.Name) for one in ast.walk(node))


def sets(attribute: str, node: ast.AST) -> bool:
    """`self.layers = ...`"""
    targets, _ = _assigned(node)
    return any(isinstance(one, ast.Attribute) and one.attr == attribute for one in targets)


def flags(node: ast.AST) -> bool:
    """`loss.requires_grad = True`, `loss.requires_grad_()`, `Variable(loss, requires_grad=True)`"""
    if not isinstance(node, ast.Call):
        return sets_flag(True, node)
    given = {one.arg: one.value for one in node.keywords}
    flag = given.get("requires_grad")
    if name_of(node.func) == "requires_grad_":
        flag = next(iter([*node.args, *given.values()]), ast.Constant(True))
    elif name_of(node.func) != "Variable":
        return False
    return isinstance(flag, ast.Constant) and flag.value is True


def sets_flag(value: bool, node: ast.AST) -> bool:
    """`layer.requires_grad = True`"""
    targets, given = _assigned(node)
    is_value = isinstance(given, ast.Constant) and given.value is value
    return is_value and "requires_grad" in map(name_of, targets)


def freezes(node: ast.AST) -> bool:
    """Whether anything is told that it requires no grad, in any of the three ways."""
    if isinstance(node, ast.Call):
        given = [*node.args, *(one.value for one in node.keywords if one.arg == "requires_grad")]
        flags = name_of(node.func) == "requires_grad_" or len(given) > len(node.args)
        return flags and any(isinstance(one, ast.Constant) and one.value is False for one in given)
    return sets_flag(False, node)


def loads_frozen(node: ast.AST) -> bool:
    """`nn.Embedding.from_pretrained(vectors)`, without freeze=False."""
    if not isinstance(node, ast.Call) or name_of(node.func) != "from_pretrained":
        return False
    of = name_of(getattr(node.func, "value", None))
    given = [*node.args[1:2], *(one.value for one in node.keywords if one.arg == "freeze")]
    is_thawed = any(not (isinstance(one, ast.Constant) and one.value is True) for one in given)
    return of in ("Embedding", "EmbeddingBag") and not is_thawed


def assigns(node: ast.AST) -> bool:
    """`model.load_state_dict(state, assign=True)`"""
    return (
        isinstance(node, ast.Call)
        and name_of(node.func) == "load_state_dict"
        and any(one.arg == "assign" for one in node.keywords)
    )


def evaluates(node: ast.AST) -> bool:
    """`net.eval()`, `net.train(False)`"""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return False
    off = [one for one in node.args if isinstance(one, ast.Constant) and one.value is False]
    return (node.func.attr, len(node.args), len(off)) in (("eval", 0, 0), ("train", 1, 1))


def hooks(node: ast.AST) -> bool:
    """`layer.register_full_backward_hook(...)`, `w.register_hook(...)`"""
    name = name_of(node.func) if isinstance(node, ast.Call) else ""
    return name in ("register_full_backward_hook", "register_backward_hook", "register_hook")


def switches_off(node: ast.AST) -> bool:
    """`torch.set_grad_enabled(False)`"""
    return (
        isinstance(node, ast.Call)
        and name_of(node.func) == "set_grad_enabled"
        and any(isinstance(one, ast.Constant) and one.value is False for one in node.args)
    )


def registers(buffer: str, node: ast.AST) -> bool:
    """`self.register_buffer("scale", ...)`"""
    is_call = isinstance(node, ast.Call) and name_of(node.func) == "register_buffer"
    first = node.args[0] if isinstance(node, ast.Call) and node.args else None
    return is_call and isinstance(first, ast.Constant) and first.value == buffer


def reads(attribute: str, node: ast.AST) -> bool:
    """A call in which `self.attribute` is read, as `zip(self.layers, sizes)`."""
    return isinstance(node, ast.Call) and any(
        isinstance(one, ast.Attribute) and one.attr == attribute for one in ast.walk(node)
    )


def copies(attribute: str, node: ast.AST) -> bool:
    """`Field(self.weights.data.clone())`, `nn.Parameter(self.weights)`: the numbers, once more."""
    if not isinstance(node, ast.Call) or name_of(node.func) not in _COPYING:
        return False
    return any(isinstance(one, ast.Attribute) and one.attr == attribute for one in ast.walk(node))


def called_name(node: ast.AST) -> str:
    """What is called in `net(...)`."""
    return name_of(node.func) if isinstance(node, ast.Call) else ""


def _assigned(node: ast.AST) -> tuple[list[ast.expr], ast.expr | None]:
    if isinstance(node, ast.Assign):
        return node.targets, node.value
    if isinstance(node, ast.AnnAssign):
        return [node.target], node.value
    return [], None


def name_of(node: Any) -> str:
    """The last name of an attribute or a variable, or ""."""
    return str(getattr(node, "attr", "") or getattr(node, "id", ""))
