"""Reference and mistakes of the exercise on what a forward pass keeps."""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn

from grader.trusted.key import Key


def _nodes(y: Tensor) -> Iterator[object]:
    """Every node of the graph behind y, once."""
    seen, waiting = set(), [y.grad_fn]
    while waiting:
        node = waiting.pop()
        if node is not None and node not in seen:
            seen.add(node)
            yield node
            waiting += [fn for fn, _ in node.next_functions]


def _saved_by(node: object) -> Iterator[Tensor]:
    """The tensors that a node of torch's own holds."""
    for name in dir(node):
        if name.startswith("_saved_"):
            value = getattr(node, name)
            values = value if isinstance(value, list | tuple) else [value]
            yield from (one for one in values if isinstance(one, Tensor))


def _own(model: nn.Module) -> set[int]:
    return {t.untyped_storage().data_ptr() for t in (*model.parameters(), *model.buffers())}


def _packed(model: nn.Module, x: Tensor) -> tuple[list[Tensor], Tensor]:
    """Every tensor that the forward pass saves, and its result."""
    kept: list[Tensor] = []

    def pack(t: Tensor) -> Tensor:
        kept.append(t)
        return t

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda t: t):
        y = model(x)
    return kept, y


def _bytes(t: Tensor) -> int:
    return t.untyped_storage().nbytes()


def _of_storages(tensors: list[Tensor], size: Callable[[Tensor], int] = _bytes) -> int:
    """The sizes of the storages, each once, by the first tensor that lies in it."""
    found: dict[int, int] = {}
    for t in tensors:
        found.setdefault(t.untyped_storage().data_ptr(), size(t))
    return sum(found.values())


def _foreign(tensors: list[Tensor], model: nn.Module) -> list[Tensor]:
    own = _own(model)
    return [t for t in tensors if t.untyped_storage().data_ptr() not in own]


def _sum_of_parameters(model: nn.Module) -> int:
    return sum(p.numel() * p.element_size() for p in model.parameters())


class ActivationMemoryKey(Key, task="activation_memory"):
    def reference(model: nn.Module, x: Tensor) -> int:
        y = model(x)
        own = _own(model)
        storages = {}
        for node in _nodes(y):
            for t in _saved_by(node):
                storages[t.untyped_storage().data_ptr()] = t.untyped_storage().nbytes()
        return sum(size for place, size in storages.items() if place not in own)

    def parameters_counted(model, x):
        """You counted the storages of the parameters that the graph saves as well. They are there
        whether a batch is large or small: leave out every storage that belongs to a parameter or a
        buffer. A transposed weight lies in the weight's."""
        kept, _ = _packed(model, x)
        return _of_storages(kept)

    def hooks_left_out(model, x):
        """You called forward by itself, and hooks on the model did not run: what they compute
        belongs to the graph of model(x). Call the model."""
        kept: list[Tensor] = []

        def pack(t: Tensor) -> Tensor:
            kept.append(t)
            return t

        with torch.autograd.graph.saved_tensors_hooks(pack, lambda t: t):
            y = model.forward(x)
        return _of_storages(_foreign(kept, model)) if y is not None else 0

    def storages_known_by_first_entry(model, x):
        """You told storages apart by what each tensor has for itself: the place of its own first
        entry, data_ptr(), or its id(). Several tensors may lie in one storage: take
        untyped_storage().data_ptr()."""
        kept, _ = _packed(model, x)
        return sum({t.data_ptr(): _bytes(t) for t in _foreign(kept, model)}.values())

    def parameters_known_by_identity(model, x):
        """You know a parameter by the saved tensor itself: by `is`, by id(), or as an nn.Parameter.
        What is saved of a weight is another tensor in the same storage, often the transposed one.
        Compare untyped_storage().data_ptr()."""
        kept, _ = _packed(model, x)
        own = {id(p) for p in (*model.parameters(), *model.buffers())}
        return _of_storages([t for t in kept if id(t) not in own])

    def x_made_to_require_grad(model, x):
        """You handed the model an x that requires grad. Then the graph keeps more: what the
        gradient of x needs. Call the model on x as it is."""
        kept, _ = _packed(model, x.detach().requires_grad_())
        return _of_storages(_foreign(kept, model))

    def x_cut_off(model, x):
        """You called the model with x.detach(). Where x requires grad, the graph of model(x) keeps
        more: what the gradient of x needs. Call the model on x as it is."""
        kept, _ = _packed(model, x.detach())
        return _of_storages(_foreign(kept, model))

    def kilobytes(model, x):
        """You returned whole kilobytes. The number of bytes is asked for."""
        return ActivationMemoryKey.reference(model, x) // 1024

    def parameters_known_by_kind(model, x):
        """You left out what is an nn.Parameter. What a layer saves of its weight is often the
        transposed one, a plain tensor in the same storage; and buffers are left out too. Compare
        untyped_storage().data_ptr()."""
        kept, _ = _packed(model, x)
        return _of_storages([t for t in kept if not isinstance(t, nn.Parameter)])

    def parameters_known_by_place(model, x):
        """You left out what begins where a parameter begins: data_ptr() of a tensor is the place of
        its own first entry. Where a layer uses a part of its weight, that part begins elsewhere in
        the same storage. Compare untyped_storage().data_ptr()."""
        kept, _ = _packed(model, x)
        own = {t.data_ptr() for t in (*model.parameters(), *model.buffers())}
        return _of_storages([t for t in kept if t.data_ptr() not in own])

    def buffers_counted(model, x):
        """You left out the parameters and counted the buffers: BatchNorm saves its running
        statistics too. They are there in any case."""
        kept, _ = _packed(model, x)
        own = {p.untyped_storage().data_ptr() for p in model.parameters()}
        return _of_storages([t for t in kept if t.untyped_storage().data_ptr() not in own])

    def counted_as_often_as_saved(model, x):
        """You counted a tensor as often as it is saved. The result of a ReLU is saved by the ReLU
        and by the layer behind it, and lies in memory once: count each storage once."""
        kept, _ = _packed(model, x)
        return sum(map(_bytes, _foreign(kept, model)))

    def counted_as_often_as_saved_numel(model, x):
        """You counted a tensor as often as it is saved, by its own entries. It lies in memory once:
        count each storage once, and whole."""
        kept, _ = _packed(model, x)
        return sum(t.numel() * t.element_size() for t in _foreign(kept, model))

    def everything_counted_as_often_as_saved(model, x):
        """You added up all that is saved: parameters as well, and a tensor as often as it is saved.
        Count each storage once, and leave out those of parameters and buffers."""
        kept, _ = _packed(model, x)
        return sum(map(_bytes, kept))

    def everything_counted_as_often_as_saved_numel(model, x):
        """You added up the entries of all that is saved: parameters as well, and a tensor as often
        as it is saved. Count each storage once, and whole, and leave out those of parameters and
        buffers."""
        kept, _ = _packed(model, x)
        return sum(t.numel() * t.element_size() for t in kept)

    def elements_instead_of_bytes(model, x):
        """You counted numbers instead of bytes. A float64 takes 8 bytes, a float32 takes 4:
        multiply by element_size(), or take nbytes() of the storage."""
        kept, _ = _packed(model, x)
        return _of_storages(_foreign(kept, model), lambda t: _bytes(t) // t.element_size())

    def elements_of_the_tensor(model, x):
        """You counted the entries of the saved tensors, instead of the bytes of their storages.
        A float64 takes 8 bytes; and a view keeps its whole storage in memory."""
        kept, _ = _packed(model, x)
        return _of_storages(_foreign(kept, model), lambda t: t.numel())

    def four_bytes_each(model, x):
        """You took 4 bytes for every number. That is the size of a float32; ask
        the storage: nbytes()."""
        kept, _ = _packed(model, x)
        return _of_storages(_foreign(kept, model), lambda t: 4 * (_bytes(t) // t.element_size()))

    def four_bytes_for_each_entry(model, x):
        """You took 4 bytes for every entry of the saved tensors. That is the size of a float32, and
        a view keeps its whole storage in memory: ask the storage, nbytes()."""
        kept, _ = _packed(model, x)
        return _of_storages(_foreign(kept, model), lambda t: 4 * t.numel())

    def eight_bytes_each(model, x):
        """You took 8 bytes for every number. That is the size of a float64; ask
        the storage: nbytes()."""
        kept, _ = _packed(model, x)
        return _of_storages(_foreign(kept, model), lambda t: 8 * (_bytes(t) // t.element_size()))

    def views_by_their_entries(model, x):
        """You counted the entries of a saved tensor. If it is a view, the whole storage stays in
        memory: take untyped_storage().nbytes()."""
        kept, _ = _packed(model, x)
        return _of_storages(_foreign(kept, model), lambda t: t.numel() * t.element_size())

    def places_of_tensors(model, x):
        """You counted a storage as often as tensors that lie in different places of it are saved.
        Two parts of one tensor are two tensors, and data_ptr() of each is where its own first entry
        lies. Know a storage by untyped_storage().data_ptr()."""
        kept, _ = _packed(model, x)
        own = {t.data_ptr() for t in (*model.parameters(), *model.buffers())}
        found = {t.data_ptr(): _bytes(t) for t in kept}
        return sum(size for place, size in found.items() if place not in own)

    def places_of_tensors_and_their_entries(model, x):
        """You told tensors apart by data_ptr() of the tensor, and counted their entries. Where the
        first entry lies says nothing of the storage, and a view keeps all of it in memory: take
        data_ptr() and nbytes() of untyped_storage()."""
        kept, _ = _packed(model, x)
        own = {t.data_ptr() for t in (*model.parameters(), *model.buffers())}
        found = {t.data_ptr(): t.numel() * t.element_size() for t in kept}
        return sum(size for place, size in found.items() if place not in own)

    def integers_left_out(model, x):
        """You left out what is no floating-point tensor. Max pooling saves the places of its
        maxima as integers, and they take memory too."""
        kept, _ = _packed(model, x)
        return _of_storages([t for t in _foreign(kept, model) if t.is_floating_point()])

    def x_copied(model, x):
        """Of x you counted its own entries: you called the model with a copy, or left x's storage
        out of account. Where x is a part of a larger tensor, the graph keeps all of that in memory:
        call model(x), and count whole storages, with untyped_storage().nbytes()."""
        kept, _ = _packed(model, x.clone())
        return _of_storages(_foreign(kept, model))

    def x_left_out(model, x):
        """You left x out. Where the graph saves it, it stays in memory as long as the graph does:
        count it like any other storage."""
        kept, _ = _packed(model, x)
        here = x.untyped_storage().data_ptr()
        return _of_storages(
            [t for t in _foreign(kept, model) if t.untyped_storage().data_ptr() != here]
        )

    def x_always_counted(model, x):
        """You counted x in any case. The graph keeps it only where an operation saves it: a frozen
        first layer does not."""
        kept, _ = _packed(model, x)
        return _of_storages(_foreign([*kept, x], model))

    def result_counted(model, x):
        """You counted the result of the model. The graph keeps it only where an operation saves it,
        as a tanh does; a linear layer does not save its own result."""
        kept, y = _packed(model, x)
        return _of_storages(_foreign([*kept, y], model))

    def results_of_modules(model, x):
        """You added up the results of the modules. What is kept are the tensors that operations
        save: a linear layer saves its input and not its result, a ReLU its result, and under
        no_grad nothing is kept. Use torch.autograd.graph.saved_tensors_hooks."""
        kept = []
        leaves = [part for part in model.modules() if next(part.children(), None) is None]
        handles = [p.register_forward_hook(lambda m, a, out: kept.append(out)) for p in leaves]
        model(x)
        for handle in handles:
            handle.remove()
        return sum(map(_bytes, kept))

    def inputs_of_modules(model, x):
        """You added up what goes into the modules. What is kept are the tensors that operations
        save: a frozen first layer does not save its input, a ReLU saves its result, and what two of
        them save lies in memory once. Use torch.autograd.graph.saved_tensors_hooks."""
        kept = []
        leaves = [part for part in model.modules() if next(part.children(), None) is None]
        handles = [p.register_forward_pre_hook(lambda m, a: kept.append(a[0])) for p in leaves]
        model(x)
        for handle in handles:
            handle.remove()
        return sum(t.numel() * t.element_size() for t in kept)

    def result_alone(model, x):
        """You measured the result of the model. What is kept are the tensors that operations save
        on the way to it. Use torch.autograd.graph.saved_tensors_hooks."""
        y = model(x)
        return y.numel() * y.element_size()

    def parameters_taken_off(model, x):
        """You took the size of all parameters off what is saved. Not all of them are saved, such as
        a bias: leave out each storage that is a parameter's or a buffer's."""
        kept, _ = _packed(model, x)
        return _of_storages(kept) - _sum_of_parameters(model)

    def leaves_left_out(model, x):
        """You left out leaves. x may be one, and so is what comes from a part without recording:
        they take memory. Leave out what lies in the storages of parameters and buffers."""
        kept, _ = _packed(model, x)
        return _of_storages([t for t in kept if not t.is_leaf])

    def learning_leaves_left_out(model, x):
        """You left out leaves that require grad. x may be one, and takes memory; and what a layer
        saves of its weight is often the transposed one, which is no leaf. Leave out what lies in
        the storages of parameters and buffers."""
        kept, _ = _packed(model, x)
        return _of_storages([t for t in kept if not (t.is_leaf and t.requires_grad)])

    def shapes_of_parameters_left_out(model, x):
        """You left out what has the shape of a parameter. An activation may have that shape, too,
        and a transposed weight has another one: compare untyped_storage().data_ptr()."""
        kept, _ = _packed(model, x)
        shapes = {t.shape for t in (*model.parameters(), *model.buffers())}
        return _of_storages([t for t in kept if t.shape not in shapes])

    def frozen_parameters_and_buffers_counted(model, x):
        """You left out the parameters that require grad alone. Those that are frozen, and the
        buffers, are there in any case, too."""
        kept, _ = _packed(model, x)
        learning = [p for p in model.parameters() if p.requires_grad]
        own = {p.untyped_storage().data_ptr() for p in learning}
        return _of_storages([t for t in kept if t.untyped_storage().data_ptr() not in own])

    def parameters_of_parts_counted(model, x):
        """You left out what the first parts of the model hold themselves. Parts may stand in parts:
        model.parameters() and model.buffers() give all of them."""
        kept, _ = _packed(model, x)
        known = (
            t
            for part in model.children()
            for t in (*part.parameters(recurse=False), *part.buffers(recurse=False))
        )
        own = {t.untyped_storage().data_ptr() for t in known}
        return _of_storages([t for t in kept if t.untyped_storage().data_ptr() not in own])

    def recorded_results_of_modules(model, x):
        """You added up the results of the modules that require grad. What is kept are the tensors
        that operations save: a linear layer saves its input and not its result, and x may be among
        them. Use torch.autograd.graph.saved_tensors_hooks."""
        kept: list[Tensor] = []
        leaves = [part for part in model.modules() if next(part.children(), None) is None]
        handles = [p.register_forward_hook(lambda m, a, out: kept.append(out)) for p in leaves]
        model(x)
        for handle in handles:
            handle.remove()
        return _of_storages([t for t in kept if t.requires_grad])

    def in_train_mode(model, x):
        """You put the model into train mode for the call. In another mode it keeps other things, as
        dropout its mask: call it in the mode that each part is in."""
        return _in_mode(model, x, train=True)

    def in_eval_mode(model, x):
        """You put the model into eval mode for the call. In another mode it keeps other things, as
        dropout no mask: call it in the mode that each part is in."""
        return _in_mode(model, x, train=False)

    def called_twice(model, x):
        """The number is right, and you called the model twice: its running statistics have taken
        the batch in twice. Call it once."""
        model(x)
        return ActivationMemoryKey.reference(model, x)

    def frozen_parameters_counted(model, x):
        """You left out the parameters that require grad, and counted those that are frozen. They
        are there in any case, too."""
        kept, _ = _packed(model, x)
        known = [*(p for p in model.parameters() if p.requires_grad), *model.buffers()]
        own = {t.untyped_storage().data_ptr() for t in known}
        return _of_storages([t for t in kept if t.untyped_storage().data_ptr() not in own])

    def gradients_counted(model, x):
        """You added as many bytes as the parameters have. They themselves are there in any case,
        and their gradients come with the backward pass: neither is an activation."""
        kept, _ = _packed(model, x)
        return _of_storages(_foreign(kept, model)) + _sum_of_parameters(model)

    def without_recording(model):
        """You found nothing that is saved. Under no_grad no graph is made, and hooks see what is
        saved inside of their `with` alone: call the model there, while operations are recorded."""
        return 0

    def size_of_the_parameters(model):
        """You returned the bytes of the parameters. What grows with the batch is what operations
        save: use torch.autograd.graph.saved_tensors_hooks."""
        return _sum_of_parameters(model)

    def as_a_tensor(model, x):
        """The number is right. Return it as an int: .item() gives one."""
        return torch.tensor(ActivationMemoryKey.reference(model, x))

    def as_a_float(model, x):
        """The number is right, and it is a float. An int is asked for, as nbytes() gives it."""
        return float(ActivationMemoryKey.reference(model, x))

    def in_kilobytes(model, x):
        """You divided by 1024. Return bytes."""
        return ActivationMemoryKey.reference(model, x) / 1024


def _in_mode(model: nn.Module, x: Tensor, *, train: bool) -> int:
    """The right number for another mode, and every part in its own again."""
    modes = [(part, part.training) for part in model.modules()]
    model.train(train)
    kept, _ = _packed(model, x)
    for part, mode in modes:
        part.training = mode
    return _of_storages(_foreign(kept, model))
