"""Reference and mistakes of the exercise that walks over a module, for names."""

from collections.abc import Callable, Iterator

from torch import nn

from grader.trusted.key import Key, mistake


def walk(module: nn.Module, name: str, seen: set[int]) -> Iterator[tuple[str, nn.Module]]:
    """Every module once, a parent before its children, by going down oneself."""
    if id(module) in seen:
        return
    seen.add(id(module))
    yield name, module
    for part, child in module._modules.items():
        if child is not None:
            yield from walk(child, f"{name}.{part}" if name else part, seen)


def _has_no_children(module: nn.Module) -> bool:
    """Whether no name of a module's parts holds one: a part may have been taken out, for None."""
    return all(child is None for child in module._modules.values())


def _leaf_names(model: nn.Module) -> list[str]:
    return [name for name, module in walk(model, "", set()) if _has_no_children(module)]


def _by_calling_itself(model: nn.Module, joined: Callable[[str, str], str]) -> list[str]:
    """The names that a walk finds which forgets what it has seen, and where it began."""
    found: list[str] = []
    for name, child in model.named_children():
        below = [joined(name, one) for one in _by_calling_itself(child, joined)]
        found += [name] if _has_no_children(child) else below
    return found


Kinds = tuple[type[nn.Module], ...]
Left = Callable[[nn.Module, Kinds], list[str]]

_LISTS: Kinds = (nn.Sequential, nn.ModuleList)
_CONTAINERS: dict[str, Kinds] = {"": _LISTS, "_with_dicts": (*_LISTS, nn.ModuleDict)}
"""What an answer may take for all kinds of containers."""

_BY_CONTAINERS: dict[str, tuple[Left, str]] = {
    "those_without_containers": (
        lambda model, kinds: [
            name
            for name, m in model.named_modules()
            if _has_no_children(m) and (not name or not isinstance(m, kinds))
        ],
        "You left out what is a container by its type. An empty nn.Sequential has no children: ask "
        "for children, and not for the type.",
    ),
    "containers_and_the_model_left_out": (
        lambda model, kinds: [
            name for name, m in model.named_modules() if m is not model and not isinstance(m, kinds)
        ],
        "You left out the model itself and what is a container by its type. A model without "
        'children is listed, as "", and so is an empty nn.Sequential: ask for children, and not '
        "for the type.",
    ),
    "every_container_left_out": (
        lambda model, kinds: [
            name for name, m in model.named_modules() if not isinstance(m, kinds)
        ],
        "You left out every nn.Sequential and nn.ModuleList by its type. An empty one has no "
        "children, and a module of another type may have some, such as a Linear that was given an "
        "adapter. Ask each module for its children.",
    ),
}

_LEFT_OUT: dict[str, tuple[str, Kinds]] = {
    "sequentials": ("an empty nn.Sequential", (nn.Sequential,)),
    "module_lists": ("an empty nn.ModuleList", (nn.ModuleList,)),
    "module_dicts": ("an empty nn.ModuleDict", (nn.ModuleDict,)),
    "lists_and_dicts": (
        "an empty nn.ModuleList and an empty nn.ModuleDict",
        (nn.ModuleList, nn.ModuleDict),
    ),
    "parameter_lists": ("an nn.ParameterList", (nn.ParameterList,)),
    "identities": ("an nn.Identity", (nn.Identity,)),
}
"""Modules without children, and the types by which an answer passes them over."""


def _by_type() -> Iterator[Callable[..., list[str]]]:
    for name, (left, sentence) in _BY_CONTAINERS.items():
        for ending, kinds in _CONTAINERS.items():

            def wrong(model: nn.Module, left: Left = left, kinds: Kinds = kinds) -> list[str]:
                return left(model, kinds)

            yield mistake(name + ending, sentence, wrong)
    for name, (what, kinds) in _LEFT_OUT.items():

        def passed_over(model: nn.Module, kinds: Kinds = kinds) -> list[str]:
            walked = model.named_modules()
            return [n for n, m in walked if _has_no_children(m) and not isinstance(m, kinds)]

        yield mistake(
            f"{name}_left_out",
            f"You left out {what}, by its type. No children are in there: ask each module for its "
            "children, and not for its type.",
            passed_over,
        )


class NamedLeafsKey(Key, task="named_leafs"):
    reference = _leaf_names
    families = tuple(_by_type())

    def containers_told_by_their_type(model):
        """You left out what is a container by its type, and a module of any type may hold others: a
        Linear that was given an adapter, for one. Ask each for its children."""
        walked = model.named_modules()
        return [n for n, m in walked if not (isinstance(m, _LISTS) and len(m))]

    def last_name(model):
        """A module that stands under several names is listed under the last of them. The first
        alone is asked for, which named_modules() gives."""
        names = {m: name for name, m in model.named_modules(remove_duplicate=False)}
        return [name for m, name in names.items() if _has_no_children(m)]

    def own_classes_left_out(model):
        """You left out a module whose class is none of torch's. It has no children: ask each module
        for its children, and not for its type."""
        walked = model.named_modules()
        return [
            n for n, m in walked if _has_no_children(m) and type(m).__module__.startswith("torch.")
        ]

    def all_modules(model):
        """You listed every module: the model itself and its containers as well. Ask each whether it
        has children."""
        return [name for name, _ in model.named_modules()]

    def all_but_the_model_itself(model):
        """You left out the name "" alone. Containers inside the model have children as well, and
        are no leafs; and a model without children is one itself."""
        return [name for name, _ in model.named_modules() if name]

    def model_itself_left_out(model):
        """You never list "". A model that has no children itself is a module without children, and
        its name is ""."""
        return [name for name in _leaf_names(model) if name]

    def one_level(model):
        """You looked one level deep: named_children() gives the direct parts alone. named_modules()
        goes through all levels."""
        return [name for name, _ in model.named_children()]

    def one_level_without_children(model):
        """You looked one level deep: named_children() gives the direct parts alone. named_modules()
        goes through all levels."""
        return [name for name, part in model.named_children() if _has_no_children(part)]

    def one_level_or_the_model_itself(model):
        """You looked one level deep: named_children() gives the direct parts alone. named_modules()
        goes through all levels."""
        direct = [name for name, part in model.named_children() if _has_no_children(part)]
        return [""] if _has_no_children(model) else direct

    def last_part_of_each_name(model):
        """You cut the names: a module inside another is called by the whole way to it, such as
        "stem.0"."""
        return [name.rpartition(".")[2] for name in _leaf_names(model)]

    def last_part_of_each_name_but_the_model(model):
        """You cut the names: a module inside another is called by the whole way to it, such as
        "stem.0". And a model without children is listed, as "": named_modules() begins with it."""
        return [name.rpartition(".")[2] for name in _leaf_names(model) if name]

    def every_part_again(model):
        """You went down by calling yourself for each child: the names are cut, where a module is
        called by the whole way to it, such as "stem.0"; a module with several names is listed under
        each; and a model without children is missing, whose name is "". named_modules() does all of
        this."""
        return _by_calling_itself(model, lambda name, below: below)

    def every_part_again_by_its_whole_name(model):
        """You went down by calling yourself for each child: a module with several names is listed
        under each, and a model without children is missing, whose name is "". named_modules() does
        both."""
        return _by_calling_itself(model, lambda name, below: f"{name}.{below}")

    def every_name(model):
        """A module that stands under several names is listed under each of them. named_modules()
        lists it once, unless remove_duplicate=False."""
        walked = model.named_modules(remove_duplicate=False)
        return [name for name, module in walked if _has_no_children(module)]

    def those_with_parameters(model):
        """You listed modules that have parameters of their own. A ReLU has none, and is a
        module without children; a container may have some."""
        walked = model.named_modules()
        return [name for name, module in walked if list(module.parameters(recurse=False))]

    def leafs_with_parameters(model):
        """You left out the modules without parameters, such as a ReLU or dropout. They have
        no children either."""
        named = dict(model.named_modules())
        return [n for n in _leaf_names(model) if next(named[n].parameters(), None) is not None]

    def name_of_nothing_taken_for_a_child(model):
        """You counted a name that holds None as a child, as a part that was taken out leaves one in
        _modules. children() goes past it."""
        return [name for name, module in model.named_modules() if not module._modules]

    def names_of_nothing_taken_out(model):
        """Your names are right, and you took names out of the model, those that hold None. It
        belongs to whoever called you: go past them, and leave them there."""
        for module in model.modules():
            for name in [name for name, child in module._modules.items() if child is None]:
                del module._modules[name]
        return _leaf_names(model)

    def types(model):
        """You returned the types of the modules. Their names in the model are asked for."""
        named = dict(model.named_modules())
        return [type(named[name]).__name__ for name in _leaf_names(model)]

    def containers(model):
        """You listed the modules that have children, and those that have none are asked for."""
        return [name for name, m in model.named_modules() if not _has_no_children(m)]

    def names_of_parameters(model):
        """You listed names of parameters. The names of modules are asked for: named_modules()."""
        return [name for name, _ in model.named_parameters()]

    def iterator_taken_for_a_truth_value(model):
        """Your list is empty. If you asked `not part.children()`: that is an iterator, which counts
        as true even if nothing is in it. Make it a list first."""
        return [name for name, module in model.named_modules() if not module.children()]

    def names_that_begin_no_other(model):
        """You looked which names begin other names. "head" begins "header" too, and has no part in
        it: ask the modules for their children."""
        names = [name for name, _ in model.named_modules()]
        return [n for n in names if not any(m != n and m.startswith(n) for m in names)]

    def names_without_names_below(model):
        """You looked which names go on behind a dot. A container whose parts all stand under
        another name first has no such name, and has children: ask the modules."""
        names = [name for name, _ in model.named_modules()]
        below = {n: f"{n}." if n else "" for n in names}
        return [n for n in names if not any(m != n and m.startswith(below[n]) for m in names)]

    def sorted_names(model):
        """You sorted the names. They stand in the order in which named_modules() gives them."""
        return sorted(_leaf_names(model))

    def as_a_set(model):
        """You returned a set, which has no order. Return a list."""
        return set(_leaf_names(model))

    def names_and_modules(model):
        """You returned pairs of name and module. The names alone are asked for."""
        named = dict(model.named_modules())
        return [(name, named[name]) for name in _leaf_names(model)]
