"""References and mistakes of the exercises that walk over a module."""

from collections.abc import Iterator

from torch import Tensor, nn

from grader.trusted.families.parts import exchanged_parts
from grader.trusted.key import Key


def _walk(module: nn.Module, name: str, seen: set[int]) -> Iterator[tuple[str, nn.Module]]:
    """Every module once, a parent before its children, by going down oneself."""
    if id(module) in seen:
        return
    seen.add(id(module))
    yield name, module
    for part, child in module._modules.items():
        if child is not None:
            yield from _walk(child, f"{name}.{part}" if name else part, seen)


def _has_no_children(module: nn.Module) -> bool:
    """Whether no name of a module's parts holds one: a part may have been taken out, for None."""
    return all(child is None for child in module._modules.values())


def _leaf_names(model: nn.Module) -> list[str]:
    return [name for name, module in _walk(model, "", set()) if _has_no_children(module)]


class NamedLeafsKey(Key, task="named_leafs"):
    reference = _leaf_names

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

    def last_part_of_each_name(model):
        """You cut the names: a module inside another is called by the whole way to it, such as
        "stem.0"."""
        return [name.rpartition(".")[2] for name in _leaf_names(model)]

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

    def those_without_containers(model):
        """You left out what is a container by its type. An empty nn.Sequential has no children:
        ask for children, and not for the type."""
        kinds = (nn.Sequential, nn.ModuleList)
        walked = model.named_modules()
        return [
            name
            for name, m in walked
            if _has_no_children(m) and (not name or not isinstance(m, kinds))
        ]

    def every_sequential_left_out(model):
        """You left out every nn.Sequential. One that is empty has no children: ask for children,
        and not for the type."""
        walked = model.named_modules()
        return [n for n, m in walked if _has_no_children(m) and not isinstance(m, nn.Sequential)]

    def leafs_with_parameters(model):
        """You left out the modules without parameters, such as a ReLU or dropout. They have
        no children either."""
        named = dict(model.named_modules())
        return [n for n in _leaf_names(model) if next(named[n].parameters(), None) is not None]

    def name_of_nothing_taken_for_a_child(model):
        """You counted a name that holds None as a child, as a part that was taken out leaves one in
        _modules. children() goes past it."""
        return [name for name, module in model.named_modules() if not module._modules]

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


def _unique(model: nn.Module) -> list[Tensor]:
    """Every parameter once, found by its identity."""
    found = {
        id(p): p
        for _, module in _walk(model, "", set())
        for p in module._parameters.values()
        if p is not None
    }
    return list(found.values())


def _counted(parameters: list[Tensor]) -> tuple[int, int]:
    trained = sum(p.numel() for p in parameters if p.requires_grad)
    return trained, sum(p.numel() for p in parameters)


def _count(model: nn.Module) -> tuple[int, int]:
    return _counted(_unique(model))


def _each_name(model: nn.Module) -> list[Tensor]:
    return [p for _, p in model.named_parameters(remove_duplicate=False)]


class CountParamsKey(Key, task="count_params"):
    reference = _count
    families = exchanged_parts(_count, "trainable", "total")

    def shared_twice(model):
        """A parameter that stands under two names is counted twice. parameters() lists it once;
        remove_duplicate=False, and sums over the parts, do not."""
        return _counted(_each_name(model))

    def buffers_in_the_total(model):
        """Your total counts buffers, such as the running statistics of a norm. Parameters alone are
        asked for."""
        trained, total = _count(model)
        return trained, total + sum(b.numel() for b in model.buffers())

    def state_dict_counted(model):
        """Your total is that of state_dict(): it holds buffers, and a shared parameter under each
        of its names. Go through parameters()."""
        return _count(model)[0], sum(t.numel() for t in model.state_dict().values())

    def tensors_counted(model):
        """You counted the parameters, and not the numbers in them: numel() of each says how many
        those are."""
        found = _unique(model)
        return sum(p.requires_grad for p in found), len(found)

    def all_of_them_trainable(model):
        """Your first number is the total. Frozen parameters, whose requires_grad is False, are not
        trained."""
        return (_count(model)[1],) * 2

    def trainable_of_them_all(model):
        """Your second number leaves out the frozen parameters. The total counts them too."""
        return (_count(model)[0],) * 2

    def frozen_instead_of_trainable(model):
        """Your first number is that of the frozen parameters. Count those that require grad."""
        trained, total = _count(model)
        return total - trained, total

    def frozen_instead_of_total(model):
        """Your second number is that of the frozen parameters. The total counts all."""
        trained, total = _count(model)
        return trained, total - trained

    def biases_left_out(model):
        """You left out the biases. They are parameters like the weights."""
        found = [p for name, p in model.named_parameters() if "bias" not in name]
        return sum(p.numel() for p in found if p.requires_grad), sum(p.numel() for p in found)

    def bytes_counted(model):
        """You counted bytes: a float64 has 8 of them, and a float32 has 4. Count the numbers, by
        numel()."""
        found = _unique(model)
        trained = sum(p.nbytes for p in found if p.requires_grad)
        return trained, sum(p.nbytes for p in found)

    def own_parameters_alone(model):
        """You counted the parameters that stand on the model itself: recurse=False leaves out those
        of its parts."""
        return _counted(list(model.parameters(recurse=False)))

    def one_level_deep(model):
        """You went one level deep, and the parts of parts are missing. parameters() goes through
        all levels."""
        return _counted([p for part in model.children() for p in part.parameters(recurse=False)])

    def parts_of_the_model(model):
        """You summed over the parts, and parameters that stand on the model itself are missing, or
        a shared one is counted twice. model.parameters() lists each once."""
        return _counted([p for part in model.children() for p in part.parameters()])

    def every_level_again(model):
        """You summed the parameters() of every module, and those of inner modules are counted on
        each level. model.parameters() goes through all levels by itself."""
        return _counted([p for module in model.modules() for p in module.parameters()])

    def by_gradient(model):
        """You took a parameter for trained if it has a .grad. Before the first backward pass none
        has one, and a frozen one may hold an old one: ask for requires_grad."""
        trained = sum(p.numel() for p in _unique(model) if p.grad is not None)
        return trained, _count(model)[1]

    def by_mode(model):
        """You asked a module for its mode. It says how layers work, and not whether they are
        trained: ask each parameter for requires_grad."""
        found = {
            id(p): p
            for module in model.modules()
            if module.training
            for p in module.parameters(recurse=False)
        }
        return sum(p.numel() for p in found.values()), _count(model)[1]

    def weights_and_biases(model):
        """Parameters are missing that stand on a container, or are called neither weight nor bias.
        model.parameters() lists all of them."""
        found = {
            id(p): p
            for module in model.modules()
            for p in (getattr(module, "weight", None), getattr(module, "bias", None))
            if p is not None
        }
        return _counted(list(found.values()))

    def matrices_without_biases(model):
        """You left out parameters of one dimension. Biases and the weights of norms count as
        well."""
        return _counted([p for p in _unique(model) if p.ndim != 1])

    def same_numbers_once(model):
        """You took parameters that hold the same numbers for one. New norms all begin alike: a
        shared parameter is one object, and `is` or id() tells."""
        found = []
        for p in _unique(model):
            if not any(p.shape == other.shape and bool((p == other).all()) for other in found):
                found.append(p)
        return _counted(found)

    def nothing_left_for_the_first(model):
        """Your first number is 0. If you went through one parameters() for both sums: it is an
        iterator, and gives everything once. Call it anew, or keep a list."""
        return 0, _count(model)[1]

    def nothing_left_for_the_second(model):
        """Your second number is 0. If you went through one parameters() for both sums: it is an
        iterator, and gives everything once. Call it anew, or keep a list."""
        return _count(model)[0], 0

    def unfrozen(model):
        """You made every parameter require grad. Leave the model as it is."""
        found = _count(model)
        model.requires_grad_(True)
        return found
