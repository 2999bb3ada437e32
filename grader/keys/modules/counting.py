"""Reference and mistakes of the exercise that counts parameters."""

from torch import Tensor, nn

from grader.keys.modules.walking import walk
from grader.trusted.families.parts import exchanged_parts
from grader.trusted.key import Key, raises


def _unique(model: nn.Module) -> list[Tensor]:
    """Every parameter once, found by its identity."""
    found = {
        id(p): p
        for _, module in walk(model, "", set())
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


def _by_first_two_sizes(model: nn.Module) -> tuple[int, int]:
    sizes = [(p.requires_grad, p.shape[:2].numel()) for p in _unique(model)]
    return sum(size for trained, size in sizes if trained), sum(size for _, size in sizes)


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

    def state_dict_counted_twice(model):
        """Your numbers are those of state_dict(keep_vars=True): it holds buffers, which the total
        counts, and a shared parameter under each of its names. Go through parameters()."""
        return _counted(list(model.state_dict(keep_vars=True).values()))

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

    def first_two_sizes(model):
        """You multiplied the first two sizes of a parameter. A convolution's weight has more of
        them: numel() multiplies all."""
        return _by_first_two_sizes(model)

    @raises("len.. of a 0-d tensor")
    def first_size_alone(model):
        """You counted the rows of a parameter: len() is its first size. numel() says how many
        numbers it holds."""
        found = _unique(model)
        return sum(len(p) for p in found if p.requires_grad), sum(len(p) for p in found)

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

    def told_apart_by_address(model):
        """You told parameters apart by where their numbers lie. Two may share memory, and count
        both: a parameter under several names is one object, and `is` or id() tells. parameters()
        lists it once by itself."""
        return _counted(list({p.data_ptr(): p for p in _unique(model)}.values()))

    def one_of_each_shape(model):
        """You counted one parameter of each shape. Two of one shape are two: a parameter under
        several names is one object, and `is` or id() tells."""
        return _counted(list({p.shape: p for p in _unique(model)}.values()))

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
