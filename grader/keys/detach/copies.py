"""References and mistakes of the exercises on what is a copy."""

import copy
import operator
from collections.abc import Callable

import torch
from torch import Tensor, nn

from grader.engine.observation import shares_memory
from grader.trusted.families.tables import Mistakes, Rule, rule_pairs
from grader.trusted.key import Key, mistake


def _word(a: Tensor, b: Tensor, shared: bool) -> str:
    if a is b:
        return "same"
    return "shared" if shared else "separate"


def _root(t: Tensor) -> Tensor:
    return t if t._base is None else t._base


def _span(t: Tensor) -> tuple[int, int]:
    """First and last address that a tensor's entries reach."""
    reach = sum((n - 1) * step for n, step in zip(t.shape, t.stride(), strict=True))
    return t.data_ptr(), t.data_ptr() + reach * t.element_size()


_SAME = (
    Rule(
        "equal_is_same",
        'You say "same" where the values agree. A clone has equal values in other memory: one '
        "object is a is b.",
        torch.equal,
    ),
    Rule(
        "first_entry_is_same",
        'You say "same" where data_ptr() agrees, the address of the first entry. detach() gives a '
        "second tensor that agrees in it: one object is a is b.",
        lambda a, b: a.data_ptr() == b.data_ptr(),
    ),
    Rule(
        "nothing_is_same",
        'You never say "same". Ask first whether a is b.',
        lambda a, b: False,
    ),
)
_SHARED = (
    Rule(
        "equal_is_shared",
        'You say "shared" by the values, where they agree. A clone has equal values in other '
        "memory, and a slice other values in the same: compare untyped_storage().data_ptr().",
        torch.equal,
    ),
    Rule(
        "first_entry_is_shared",
        'You say "shared" where data_ptr() agrees, the address of the first entry. A slice may '
        "start further on in the same storage: compare untyped_storage().data_ptr().",
        lambda a, b: a.data_ptr() == b.data_ptr(),
    ),
    Rule(
        "shape_is_shared",
        'You say "shared" where the shapes agree. A clone has the same shape in other memory, and '
        "a slice another one in the same: compare untyped_storage().data_ptr().",
        lambda a, b: a.shape == b.shape,
    ),
    Rule(
        "second_view_is_shared",
        'You say "shared" where b is a view. detach() and .data share the storage and are none: '
        "compare untyped_storage().data_ptr().",
        lambda a, b: b._is_view(),
    ),
    Rule(
        "view_is_shared",
        'You say "shared" where one of them is a view. detach() and .data share the storage and '
        "are none: compare untyped_storage().data_ptr().",
        lambda a, b: a._is_view() or b._is_view(),
    ),
    Rule(
        "base_is_shared",
        'You say "shared" where one is the _base of the other. detach() and .data share the '
        "storage and have none: compare untyped_storage().data_ptr().",
        lambda a, b: a._base is b or b._base is a,
    ),
    Rule(
        "contiguous_is_separate",
        'You say "separate" where both are contiguous, and "shared" elsewhere. detach() and whole '
        "rows are contiguous and share the storage: compare untyped_storage().data_ptr().",
        lambda a, b: not (a.is_contiguous() and b.is_contiguous()),
    ),
    Rule(
        "size_is_shared",
        'You say "shared" where the storages are equally large. A clone of the whole has as many '
        "bytes in other memory: compare the addresses, untyped_storage().data_ptr().",
        lambda a, b: a.untyped_storage().nbytes() == b.untyped_storage().nbytes(),
    ),
    Rule(
        "nothing_is_shared",
        'You never say "shared". Two tensors can lie in one storage: compare '
        "untyped_storage().data_ptr().",
        lambda a, b: False,
    ),
    Rule(
        "all_is_shared",
        'You never say "separate". A clone has a storage of its own: compare '
        "untyped_storage().data_ptr().",
        lambda a, b: True,
    ),
)


_KNOWN = frozenset(
    {
        "all_is_shared",
        "base_is_shared",
        "equal_is_same",
        "equal_is_same_and_equal_is_shared",
        "equal_is_same_and_size_is_shared",
        "equal_is_same_and_view_is_shared",
        "equal_is_shared",
        "first_entry_is_same_and_first_entry_is_shared",
        "first_entry_is_same_and_nothing_is_shared",
        "first_entry_is_shared",
        "nothing_is_same",
        "nothing_is_shared",
        "view_is_shared",
    }
)


def _in_words(pairs: Mistakes) -> Mistakes:
    """The same rules, for an answer in words."""

    def word(pair: Callable[..., tuple[bool, bool]]) -> Callable[..., str]:
        def said(a: Tensor, b: Tensor) -> str:
            same, shared = pair(a, b)
            return "same" if same else "shared" if shared else "separate"

        return said

    return tuple(mistake(pair.__name__, pair.__doc__ or "", word(pair)) for pair in pairs)


_SEEN_BY_AN_EDIT = {
    "SIDE.input": "Your function changed a tensor that it was given. How two tensors stand to each "
    "other is seen without an edit, and an edit shows common entries alone: two parts of one "
    "storage may have none. Compare untyped_storage().data_ptr(), and write to neither."
}


class AliasOrCopyKey(Key, task="alias_or_copy"):
    families = _in_words(rule_pairs((operator.is_, shares_memory), _SAME, _SHARED, _KNOWN))
    sentences = _SEEN_BY_AN_EDIT

    def reference(a: Tensor, b: Tensor) -> str:
        return _word(a, b, shares_memory(a, b))

    def by_value(a, b):
        """You compared values. A clone has equal values in other memory, and a slice other values
        in the same memory. Compare the addresses of the storages."""
        return _word(a, b, torch.equal(a, b))

    def by_first_entry(a, b):
        """You compared data_ptr() of the tensors, which is the address of the first entry. A slice
        such as x[1:] starts further on in the same storage: compare
        untyped_storage().data_ptr()."""
        return _word(a, b, a.data_ptr() == b.data_ptr())

    def first_entry_called_same(a, b):
        """You say "same" where data_ptr() agrees, the address of the first entry, and "separate"
        elsewhere. One object is a is b; and the address to compare is that of the storage, for a
        slice starts further on in it."""
        return "same" if a.data_ptr() == b.data_ptr() else "separate"

    def by_identity_alone(a, b):
        """You call two objects separate, always. detach(), a slice or a transpose is a new Python
        object on the old storage: compare the addresses of the storages, too."""
        return _word(a, b, False)

    def by_temporary_ids(a, b):
        """You call any two objects shared. If you compare something, it agrees for any two tensors:
        so do the types of their storages, and often the ids of two objects that are gone at once,
        as id(a.data). Compare untyped_storage().data_ptr()."""
        return _word(a, b, True)

    def by_version(a, b):
        """You compared _version, which counts edits in place. It is 0 for every tensor that was not
        edited, on whatever storage, and .data counts by itself: compare
        untyped_storage().data_ptr()."""
        return _word(a, b, a._version == b._version)

    def by_the_node_of_a_view(a, b):
        """You looked for a view in the name of grad_fn. It says how a tensor was computed, and not
        from which: a view of another tensor has it, and one that was not recorded, a transpose and
        detach() have not. Compare untyped_storage().data_ptr()."""
        nodes = [t.grad_fn for t in (a, b) if t.grad_fn is not None]
        return _word(a, b, any("View" in node.name() for node in nodes))

    def by_storage_and_dtype(a, b):
        """You say "separate" where the dtypes differ. view(dtype) reads the same memory as numbers
        of another kind: the storages are one."""
        return _word(a, b, a.dtype == b.dtype and shares_memory(a, b))

    def by_base(a, b):
        """You looked at _base, which knows of views alone. detach() and .data share the storage and
        have no _base, and two slices of one tensor are not each other's base."""
        return _word(a, b, a._base is b or b._base is a)

    def by_common_base(a, b):
        """You looked for a common _base. detach() and .data share the storage and have none:
        compare untyped_storage().data_ptr()."""
        return _word(a, b, _root(a) is _root(b))

    def start_taken_for_the_storage(a, b):
        """You compared data_ptr() of one tensor with the address of the other's storage. The two
        differ as soon as a tensor starts further on: compare storage with storage."""
        return _word(a, b, a.data_ptr() == b.untyped_storage().data_ptr())

    def other_start_taken_for_the_storage(a, b):
        """You compared data_ptr() of one tensor with the address of the other's storage. The two
        differ as soon as a tensor starts further on: compare storage with storage."""
        return _word(a, b, b.data_ptr() == a.untyped_storage().data_ptr())

    def by_is_view(a, b):
        """You asked whether one of them is a view. detach() and .data share the storage and are
        none, and views of two storages share nothing: compare untyped_storage().data_ptr()."""
        return _word(a, b, a._is_view() or b._is_view())

    def same_by_pointer_and_shape(a, b):
        """You say "same" where first entry and shape agree. detach() gives a second tensor that
        agrees in both: only a is b tells that it is one object."""
        if a.data_ptr() == b.data_ptr() and a.shape == b.shape:
            return "same"
        return "shared" if shares_memory(a, b) else "separate"

    def same_by_value(a, b):
        """You say "same" of two tensors with equal values. A clone has equal values in other
        memory: only a is b tells that it is one object."""
        if torch.equal(a, b):
            return "same"
        return "shared" if shares_memory(a, b) else "separate"

    def equal_elsewhere_called_same(a, b):
        """You say "shared" of one object, and "same" of equal values in other memory. One object is
        a is b, whatever the values are: ask that first."""
        if shares_memory(a, b):
            return "shared"
        return "same" if torch.equal(a, b) else "separate"

    def words_exchanged(a, b):
        """You exchanged "shared" and "separate". Two tensors on one storage are "shared"."""
        return _word(a, b, not shares_memory(a, b))

    def transposes_separate(a, b):
        """You say "separate" where the strides or the shapes differ. A transpose and a reshaped
        view look at the same storage in another order."""
        alike = a.shape == b.shape and a.stride() == b.stride()
        return _word(a, b, shares_memory(a, b) and alike)

    def by_overlap(a, b):
        """You asked whether two tensors have an entry in common. Two parts of one storage count as
        shared here without that: they stand and fall with the same memory."""
        (low, high), (other_low, other_high) = _span(a), _span(b)
        return _word(a, b, low <= other_high and other_low <= high)

    def shared_called_same(a, b):
        """You say "same" of two tensors on one storage. They may have different shapes, flags and
        histories: "same" is for one and the same object, a is b."""
        return "same" if shares_memory(a, b) else "separate"

    def same_called_shared(a, b):
        """You say "shared" of one and the same object. Ask first whether a is b."""
        return "shared" if shares_memory(a, b) else "separate"


State = dict[str, Tensor]


class SnapshotKey(Key, task="snapshot"):
    def reference(model: nn.Module) -> State:
        return copy.deepcopy(model.state_dict())

    def live_tensors(model):
        """Your snapshot changed together with the model. The entries of state_dict() use the
        model's own memory, and so do their detach(), a copy of the dict alone, and .cpu() on a
        CPU. Clone every entry."""
        return dict(model.state_dict())

    def buffers_missing(model):
        """The buffers are missing: running statistics belong to the weights to come back to.
        named_parameters() lists neither those nor a second name of a parameter; state_dict() lists
        all."""
        return {name: p.detach().clone() for name, p in model.named_parameters()}

    def second_names_missing(model):
        """A parameter that stands in the model under two names has one of them in your dict:
        named_parameters() lists it once. state_dict() lists every name."""
        tensors = {**dict(model.named_parameters()), **dict(model.named_buffers())}
        return {name: t.detach().clone() for name, t in tensors.items()}

    def second_names_missing_and_live(model):
        """Your snapshot changed together with the model: detach() and .data use the model's own
        memory, so clone every entry. And a parameter that stands in the model under two names has
        one of them in your dict: state_dict() lists every name."""
        tensors = {**dict(model.named_parameters()), **dict(model.named_buffers())}
        return {name: t.detach() for name, t in tensors.items()}

    def buffers_live(model):
        """The parameters are safe, and the buffers changed together with the model. Clone them as
        well."""
        listed = model.named_parameters(remove_duplicate=False)
        safe = {name: p.detach().clone() for name, p in listed}
        return {name: safe.get(name, value) for name, value in model.state_dict().items()}

    def buffers_and_second_names_live(model):
        """The parameters are safe, and the buffers changed together with the model; and so did the
        second name of a parameter that stands in it under two, since named_parameters() lists it
        once. Clone every entry of state_dict()."""
        safe = {name: p.detach().clone() for name, p in model.named_parameters()}
        return {name: safe.get(name, value) for name, value in model.state_dict().items()}

    def parameters_live(model):
        """The buffers are safe, and the parameters changed together with the model. Clone them as
        well."""
        safe = {name: b.clone() for name, b in model.named_buffers()}
        return {name: safe.get(name, value) for name, value in model.state_dict().items()}

    def counter_live(model):
        """num_batches_tracked went on counting in your snapshot. It is an integer tensor, and
        changed in place like the others: clone every entry."""
        state = model.state_dict()
        return {n: t.clone() if t.is_floating_point() else t for n, t in state.items()}

    def first_only(model):
        """Your dict holds the first entry and no other. Look for a `return` or a `break` inside the
        loop."""
        return {n: t.clone() for n, t in list(model.state_dict().items())[:1]}

    def parameters_missing(model):
        """The buffers are there, and the parameters are missing. state_dict() lists both."""
        return {name: b.clone() for name, b in model.named_buffers()}

    def trainable_ones_only(model):
        """You left out what does not require grad: frozen parameters and buffers belong to the
        weights to come back to. state_dict() lists all."""
        listed = model.named_parameters(remove_duplicate=False)
        return {n: p.detach().clone() for n, p in listed if p.requires_grad}

    def counters_left_out(model):
        """You left out the integers, num_batches_tracked. They belong to the state: clone every
        entry."""
        state = model.state_dict()
        return {n: t.clone() for n, t in state.items() if t.is_floating_point()}

    def model_returned(model):
        """You returned a model. The dict of its tensors is asked for: state_dict() of the copy."""
        return copy.deepcopy(model)

    def list_of_tensors(model):
        """You returned a list. Keep the names: a dict from name to tensor, like state_dict()."""
        return [t.clone() for t in model.state_dict().values()]

    def history_kept(model):
        """The values are safe, and entries require grad. No entry may. state_dict() gives detached
        tensors unless keep_vars=True: clone those, and switch no flag on. A copy of a Parameter
        requires grad again, unless you detach it."""
        return {name: t.clone() for name, t in model.state_dict(keep_vars=True).items()}
