"""Reference and mistakes of the exercise on a state dict that fits in part."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from grader.trusted.key import Key, raises

State = dict[str, Tensor]


def _same_shape(own: Tensor, other: Tensor) -> bool:
    return own.shape == other.shape


def _load(
    model: nn.Module,
    state: State,
    fits: Callable[[Tensor, Tensor], bool] = _same_shape,
    kinds: tuple[str, ...] = ("parameters", "buffers"),
    once: bool = False,
    unsaved: bool = False,
) -> list[str]:
    """Copy what fits, entry by entry; the names of the model's entries that kept their own."""
    own = {
        name: tensor
        for kind in kinds
        for name, tensor in getattr(model, f"named_{kind}")(remove_duplicate=once)
        if unsaved or name in model.state_dict()
    }
    loaded = [n for n, tensor in own.items() if n in state and fits(tensor, state[n])]
    with torch.no_grad():
        for name in loaded:
            own[name].copy_(state[name].reshape(own[name].shape))
    return [name for name in model.state_dict() if name not in loaded]


def _fitting(model: nn.Module, state: State) -> State:
    own = model.state_dict()
    return {n: t for n, t in state.items() if n in own and own[n].shape == t.shape}


class LoadMatchingKey(Key, task="load_matching"):
    reference = _load

    def unsaved_buffers_loaded(model, state):
        """You loaded a buffer that model.state_dict() does not have: named_buffers() lists those
        that are not saved as well. Go by state_dict(): whatever else the model has keeps what it
        holds."""
        return _load(model, state, unsaved=True)

    @raises(r"size mismatch|Unexpected key")
    def loaded_strictly(model, state):
        """You loaded the whole state: load_state_dict refuses names that are missing or unknown,
        and shapes that differ. Leave out what does not fit, and say strict=False."""
        result = model.load_state_dict(state)
        return list(result.missing_keys)

    @raises(r"size mismatch")
    def strict_false_alone(model, state):
        """strict=False forgives names that are missing or unknown. A shape that differs raises all
        the same: leave such entries out before you load."""
        return list(model.load_state_dict(state, strict=False).missing_keys)

    @raises(r"(?s)^(?!.*(size mismatch|Unexpected key)).*Missing key")
    def what_fits_strictly(model, state):
        """You chose what fits, and loaded it strictly: then names of the model are missing. Say
        strict=False as well."""
        model.load_state_dict(_fitting(model, state))
        return []

    def parameters_alone(model, state):
        """You loaded the parameters alone. Buffers, such as the running statistics of a norm, stand
        in state_dict() too."""
        return _load(model, state, kinds=("parameters",))

    def parameters_alone_and_only_those_named(model, state):
        """You loaded and named the parameters alone. Buffers, such as the running statistics of a
        norm, stand in state_dict() too."""
        parameters = dict(model.named_parameters(remove_duplicate=False))
        return [n for n in _load(model, state, kinds=("parameters",)) if n in parameters]

    def parameters_alone_under_one_name(model, state):
        """You loaded the parameters alone. Buffers, such as the running statistics of a norm, stand
        in state_dict() too. And named_parameters() gives a parameter under its first name alone:
        go by state_dict()."""
        return _load(model, state, kinds=("parameters",), once=True)

    def missing_keys_trusted(model, state):
        """The model holds what it should, and your list lacks num_batches_tracked: load_state_dict
        counts it as missing only where the dict that it loads has a version, and a dict of your own
        has none. Take the names in model.state_dict() that you did not load."""
        result = model.load_state_dict(_fitting(model, state), strict=False)
        return list(result.missing_keys)

    def buffers_alone(model, state):
        """You loaded the buffers alone. The parameters stand in state_dict() too."""
        return _load(model, state, kinds=("buffers",))

    def one_name_of_two(model, state):
        """The model holds what it should, and your list has names that were loaded. A module that
        stands in the model under two names has entries under both in state_dict(), and
        named_parameters() and named_buffers() give the first alone: go by state_dict()."""
        return _load(model, state, once=True)

    def frozen_left_out(model, state):
        """You left out the parameters that do not require grad. They are loaded like all others:
        the flag says what is trained, and not what is kept."""
        frozen = {name for name, p in model.named_parameters() if not p.requires_grad}
        return _load(model, {n: t for n, t in state.items() if n not in frozen})

    def other_dtypes_left_out(model, state):
        """You left out entries of another dtype. copy_ and load_state_dict turn them into the
        model's own: the shape alone decides."""
        own = dict(_own(model))
        alike = {n: t for n, t in state.items() if n in own and own[n].dtype == t.dtype}
        return _load(model, alike)

    def single_numbers_left_out(model, state):
        """You left out entries of shape (), such as the count of batches of a norm. They stand in
        state_dict() like all others."""
        return _load(model, {n: t for n, t in state.items() if t.ndim})

    def as_many_numbers(model, state):
        """You compared how many numbers a tensor holds. Two shapes may hold as many, and mean
        something else: compare the shapes."""
        return _load(model, state, lambda own, other: own.numel() == other.numel())

    def axes_of_one_forgiven(model, state):
        """You loaded a tensor that has an axis of length 1 more than the model's, as the weight of
        a convolution with kernel 1 has. Its shape is another: compare the shapes themselves, and
        not squeezed ones, or some of the sizes and a count."""
        return _load(model, state, lambda own, other: own.squeeze().shape == other.squeeze().shape)

    def sizes_in_any_order(model, state):
        """You compared the sizes without their order: (5, 2) has those of (2, 5), and is another
        shape. Compare the shapes themselves."""
        return _load(model, state, lambda own, other: sorted(own.shape) == sorted(other.shape))

    def last_size_and_count(model, state):
        """You loaded a row of shape (1, 2) for a bias of shape (2,): it has as many numbers, and
        the same last size, and its shape is another. Compare the shapes themselves."""
        return _load(
            model,
            state,
            lambda own, other: own.numel() == other.numel() and own.shape[-1:] == other.shape[-1:],
        )

    def first_size_and_count(model, state):
        """You loaded a tensor of shape (2, 5, 1) for one of shape (2, 5): it has as many numbers,
        and the same first sizes, and its shape is another. Compare the shapes themselves."""
        return _load(
            model,
            state,
            lambda own, other: own.numel() == other.numel() and own.shape[:1] == other.shape[:1],
        )

    def broadcast(model, state):
        """You loaded a tensor that broadcasts: copy_ spreads one row over all. Compare the shapes
        first."""

        def fits(own: Tensor, other: Tensor) -> bool:
            try:
                return torch.broadcast_shapes(own.shape, other.shape) == own.shape
            except RuntimeError:
                return False

        own, kept = dict(_own(model)), []
        with torch.no_grad():
            for name in model.state_dict():
                if name in state and fits(own[name], state[name]):
                    own[name].copy_(state[name])
                else:
                    kept.append(name)
        return kept

    def as_many_dimensions(model, state):
        """You compared how many dimensions a tensor has. Compare the shapes."""
        own, kept = dict(_own(model)), []
        with torch.no_grad():
            for name in model.state_dict():
                if name in state and state[name].ndim == own[name].ndim:
                    own[name].copy_(state[name])
                else:
                    kept.append(name)
        return kept

    def nothing_loaded(model, state):
        """The model holds what it held before: nothing was loaded. `p = state[name]` only gives the
        name p to another tensor, and an entry of the dict that state_dict() gave is no part of the
        model. Write into the tensors that are there, by copy_ or load_state_dict."""
        fitting = _fitting(model, state)
        return [name for name in model.state_dict() if name not in fitting]

    def state_cut_down(model, state):
        """You took entries out of state, which belongs to whoever called you. Make a dict of your
        own."""
        kept, fitting = _load(model, state), _fitting(model, state)
        for name in set(state) - set(fitting):
            del state[name]
        return kept

    def state_used_up(model, state):
        """You took what you loaded out of state, which belongs to whoever called you. Read it, and
        leave it as it is."""
        kept = _load(model, state)
        for name in _fitting(model, state):
            del state[name]
        return kept

    def other_entries_in_state(model, state):
        """You put other tensors into state, of the model's dtype perhaps. It belongs to whoever
        called you: make a dict of your own."""
        kept = _load(model, state)
        state.update({name: tensor.clone() for name, tensor in state.items()})
        return kept

    def nothing_named(model, state):
        """You loaded what fits, and returned nothing. Return the list of the names in
        model.state_dict() that were not loaded."""
        _load(model, state)

    def names_of_what_was_loaded(model, state):
        """You returned the names that were loaded. Those that were not are asked for."""
        kept = _load(model, state)
        return [name for name in model.state_dict() if name not in kept]

    def names_of_what_was_loaded_as_state_has_them(model, state):
        """You returned the names that were loaded, in the order of state. Those of the model that
        were not are asked for."""
        _load(model, state)
        return list(_fitting(model, state))

    def head_left_out_by_its_name(model, state):
        """You left the head out by its name. It fits where it was made for as many classes: compare
        the shapes."""
        return _load(model, {n: t for n, t in state.items() if not n.startswith("head")})

    def unknown_names(model, state):
        """You returned the names in state that were passed over. The names in model.state_dict()
        that were not loaded are asked for."""
        fitting = _fitting(model, state)
        _load(model, state)
        return [name for name in state if name not in fitting]

    def unknown_to_the_model(model, state):
        """You returned the names in state that model does not have. The names in
        model.state_dict() that were not loaded are asked for."""
        _load(model, state)
        own = model.state_dict()
        return [name for name in state if name not in own]

    def missing_names_alone(model, state):
        """Your list lacks the names whose shape did not fit. They were not loaded either."""
        _load(model, state)
        return [name for name in model.state_dict() if name not in state]

    def other_shapes_alone(model, state):
        """Your list lacks the names that state does not have. They were not loaded either."""
        return [name for name in _load(model, state) if name in state]

    def sorted_names(model, state):
        """You sorted the names. They stand in the order of model.state_dict()."""
        return sorted(_load(model, state))

    def as_a_set(model, state):
        """You returned a set, which has no order. Return a list in the order of
        model.state_dict()."""
        return set(_load(model, state))

    def result_of_load_state_dict(model, state):
        """You returned what load_state_dict returns. Its missing_keys are part of it, and a list of
        names is asked for."""
        return model.load_state_dict(_fitting(model, state), strict=False)

    def assigned(model, state):
        """The model's parameters are other objects now: you put tensors of state, or new ones, in
        their place, and an optimizer still holds the old. Copy the values into those that are
        there."""
        kept = _load(model, state)
        model.load_state_dict(_fitting(model, state), strict=False, assign=True)
        return kept

    def data_replaced(model, state):
        """You let .data, or the tensors themselves, be those of state: from then on the two share
        memory, and have its dtype. Copy the values."""
        kept = _load(model, state)
        own = dict(_own(model))
        for name, tensor in _fitting(model, state).items():
            own[name].data = tensor
        return kept

    def data_replaced_under_one_name(model, state):
        """You let .data, or the tensors themselves, be those of state: from then on the two share
        memory, and have its dtype. Copy the values. And named_parameters() and named_buffers() give
        what stands under two names once: go by state_dict()."""
        kept = _load(model, state, once=True)
        own = dict(model.named_parameters()) | dict(model.named_buffers())
        for name in own.keys() & _fitting(model, state).keys():
            own[name].data = state[name]
        return kept

    def unfrozen(model, state):
        """You changed requires_grad of the model's parameters. Loading does not: leave the flags as
        they are."""
        kept = _load(model, state)
        model.requires_grad_(True)
        return kept

    def loaded_ones_frozen(model, state):
        """You froze what you loaded. That is another decision: leave the flags as they are."""
        kept = _load(model, state)
        for name, parameter in model.named_parameters():
            if name not in kept:
                parameter.requires_grad_(False)
        return kept

    def zeroed_where_nothing_fits(model, state):
        """You changed entries that were not loaded. They keep what they hold."""
        kept, own = _load(model, state), dict(_own(model))
        with torch.no_grad():
            for name in kept:
                own[name].zero_()
        return kept

    def put_into_eval_mode(model, state):
        """You put the model into eval mode. Loading leaves the modes as they are."""
        kept = _load(model, state)
        model.eval()
        return kept

    def by_position(model, state):
        """You went by position, and not by name: state may stand in another order, lack entries, or
        have more of them."""
        own, kept = dict(_own(model)), []
        with torch.no_grad():
            for name, tensor in zip(model.state_dict(), state.values(), strict=False):
                if own[name].shape == tensor.shape:
                    own[name].copy_(tensor)
                else:
                    kept.append(name)
        return kept

    def by_the_end_of_the_name(model, state):
        """You loaded entries whose name ends alike. The whole name has to be that of the model:
        "module.head.weight" is another."""
        renamed = {name.removeprefix("module."): tensor for name, tensor in state.items()}
        return _load(model, renamed)


def _own(model: nn.Module) -> list[tuple[str, Tensor]]:
    both = (model.named_parameters, model.named_buffers)
    return [entry for named in both for entry in named(remove_duplicate=False)]
