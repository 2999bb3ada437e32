"""Reference and mistakes of the exercise on what an optimizer gets."""

from collections.abc import Callable

import torch
from torch import nn

from grader.trusted.families.pairs import formula, of_formula
from grader.trusted.key import Key, raises

Optimizer = torch.optim.Optimizer
Named = tuple[str, nn.Parameter]


@formula
def _sgd(model, rate, decay, kept=lambda named: named[1].requires_grad):
    """One group per parameter, with the learning rate and weight decay that two functions give."""
    return torch.optim.SGD(
        [
            {"params": [named[1]], "lr": rate(named), "weight_decay": decay(named)}
            for named in model.named_parameters()
            if kept(named)
        ]
    )


def _of(head: nn.Module, one: float, other: float) -> Callable[[Named], float]:
    """`one` for the parameters of head, and `other` for the rest."""
    return lambda named: one if any(named[1] is p for p in head.parameters()) else other


def _of_matrices(one: float, other: float = 0.0) -> Callable[[Named], float]:
    return lambda named: one if named[1].ndim >= 2 else other


class ParamGroupsKey(Key, task="param_groups"):
    def reference(
        model: nn.Module, head: nn.Module, lr_body: float, lr_head: float, wd: float
    ) -> Optimizer:
        return _sgd(model, _of(head, lr_head, lr_body), _of_matrices(wd))

    def adam(model, head, lr_body, lr_head, wd):
        """You returned another optimizer. A torch.optim.SGD is asked for."""
        return torch.optim.Adam(
            ParamGroupsKey.reference(model, head, lr_body, lr_head, wd).param_groups, lr=1.0
        )

    def one_group_for_all(model, lr_body, wd):
        """You made one group of all parameters, with lr_body and weight decay for everything, and
        frozen ones among them. Make a group for every pair of rate and decay, of the parameters
        that require grad."""
        return torch.optim.SGD(model.parameters(), lr=lr_body, weight_decay=wd)

    def adamw(model, head, lr_body, lr_head, wd):
        """You returned another optimizer. A torch.optim.SGD is asked for."""
        return torch.optim.AdamW(
            ParamGroupsKey.reference(model, head, lr_body, lr_head, wd).param_groups, lr=1.0
        )

    def momentum_added(model, head, lr_body, lr_head, wd):
        """Your SGD has momentum, so its second step remembers the first. Nobody asked for it: leave
        it at 0."""
        opt = ParamGroupsKey.reference(model, head, lr_body, lr_head, wd)
        for group in opt.param_groups:
            group["momentum"] = 0.9
        return opt

    def matrices_alone_decay(model, head, lr_body, lr_head, wd):
        """You gave weight decay to parameters of exactly two dimensions. The weight of a
        convolution has four: ask for p.ndim >= 2."""
        return _sgd(
            model, _of(head, lr_head, lr_body), lambda named: wd if named[1].ndim == 2 else 0.0
        )

    def numbers_decay(model, head, lr_body, lr_head, wd):
        """You gave weight decay to a parameter of no dimensions, which is a single number. It is
        for those of two or more: ask for p.ndim >= 2."""
        return _sgd(
            model, _of(head, lr_head, lr_body), lambda named: wd if named[1].ndim != 1 else 0.0
        )

    def numbers_left_out(model, head, lr_body, lr_head, wd):
        """A parameter of no dimensions, which is a single number, is missing: it will never be
        trained. It belongs to the rest, which has no weight decay."""

        def kept(named):
            return named[1].requires_grad and named[1].ndim >= 1

        return _sgd(model, _of(head, lr_head, lr_body), _of_matrices(wd), kept)

    def large_ones_decay(model, head, lr_body, lr_head, wd):
        """You gave weight decay by size: to parameters with many entries. A vector may be long. Ask
        for the number of dimensions, p.ndim >= 2."""
        return _sgd(
            model, _of(head, lr_head, lr_body), lambda named: wd if named[1].numel() > 7 else 0.0
        )

    def more_than_two_dimensions_decay(model, head, lr_body, lr_head, wd):
        """You gave weight decay to parameters of more than two dimensions, and a matrix has two:
        ask for p.ndim >= 2."""
        return _sgd(
            model, _of(head, lr_head, lr_body), lambda named: wd if named[1].ndim > 2 else 0.0
        )

    def frozen_head_included(model, head, lr_body, lr_head, wd):
        """You handed over a frozen parameter of the head. It may hold an old .grad, which the
        optimizer would follow. Ask for requires_grad there as well."""
        in_head = _of(head, 1.0, 0.0)

        def kept(named):
            return bool(named[1].requires_grad or in_head(named))

        return _sgd(model, _of(head, lr_head, lr_body), _of_matrices(wd), kept)

    def nested_left_out(model, head, lr_body, lr_head, wd):
        """Parameters of nested parts are missing: they will never be trained. You asked the direct
        children for their own. model.parameters() lists those of all levels."""
        direct = [p for part in model.children() for p in part.parameters(recurse=False)]

        def kept(named):
            return named[1].requires_grad and any(named[1] is p for p in direct)

        return _sgd(model, _of(head, lr_head, lr_body), _of_matrices(wd), kept)

    def of_the_model_left_out(model, head, lr_body, lr_head, wd):
        """A parameter that stands on the model itself, in none of its parts, is missing: it will
        never be trained. model.parameters() lists it too."""
        own = dict(model.named_parameters(recurse=False))

        def kept(named):
            return named[1].requires_grad and named[0] not in own

        return _sgd(model, _of(head, lr_head, lr_body), _of_matrices(wd), kept)

    def body_frozen(model, head, lr_head, wd):
        """You froze the body, and the optimizer holds the head alone. The body is to be trained as
        well, with lr_body, and the model stays as it is."""
        in_head = {id(p) for p in head.parameters()}
        for p in model.parameters():
            if id(p) not in in_head:
                p.requires_grad_(False)
        return _sgd(head, lambda named: lr_head, _of_matrices(wd))

    def unfrozen(model, head, lr_body, lr_head, wd):
        """You made every parameter require grad, and one of them was frozen. Leave the model as it
        is."""
        model.requires_grad_(True)
        return ParamGroupsKey.reference(model, head, lr_body, lr_head, wd)

    def grads_lost(model, head, lr_body, lr_head, wd):
        """You emptied .grad, as zero_grad() does, and what lay in it is lost. Leave the model as it
        is."""
        model.zero_grad()
        return ParamGroupsKey.reference(model, head, lr_body, lr_head, wd)

    def put_into_train_mode(model, head, lr_body, lr_head, wd):
        """You called train(), and a part that was in eval mode is in train mode now. Leave the
        model as it is."""
        model.train()
        return ParamGroupsKey.reference(model, head, lr_body, lr_head, wd)

    def decay_of_the_body_alone(model, head, lr_body, lr_head, wd):
        """The weights of head have no weight decay. It is for all parameters of two or more
        dimensions, in head too."""
        in_head = _of(head, 1.0, 0.0)
        return _sgd(
            model,
            _of(head, lr_head, lr_body),
            lambda named: 0.0 if in_head(named) else _of_matrices(wd)(named),
        )

    def decay_of_the_head_alone(model, head, lr_body, lr_head, wd):
        """The weights outside head have no weight decay. It is for all parameters of two or more
        dimensions, in the body too."""
        in_head = _of(head, 1.0, 0.0)
        return _sgd(
            model,
            _of(head, lr_head, lr_body),
            lambda named: _of_matrices(wd)(named) if in_head(named) else 0.0,
        )

    @raises(r"optimizer got an empty parameter list")
    def sorted_by_type(model):
        """You handed over no parameter at all: what you looked for, such as one type of layer or
        one kind of name, does not occur here; or you had gone through one model.parameters()
        already, and it gives everything once. Walk over a new one, which lists them all."""
        found = [m for m in model.modules() if isinstance(m, nn.Linear)]
        return torch.optim.SGD([p for layer in found for p in layer.parameters()])

    @raises(r"'NoneType' object has no attribute|can only optimize Tensors, but one of the params")
    def bias_taken_for_granted(model, head, lr_body, lr_head, wd):
        """You asked the head for its bias, and a head may have none: head.bias is None then. Walk
        over head.parameters(), which lists what there is."""
        for part in model.children():
            if isinstance(part, nn.Sequential):
                continue
            if hasattr(part, "bias"):
                part.bias.dim()
        return ParamGroupsKey.reference(model, head, lr_body, lr_head, wd)

    @raises(r"has no attribute '(weight|bias)'")
    def parts_named_directly(model, head, lr_body, lr_head, wd):
        """You named layers and their weights directly. A part may be nested, or have no bias: walk
        over model.parameters()."""
        head.weight.dim()
        return ParamGroupsKey.reference(model, head, lr_body, lr_head, wd)

    def rates_exchanged(model, head, lr_body, lr_head, wd):
        """You exchanged the learning rates: head has lr_body, and the rest has lr_head."""
        return _sgd(model, _of(head, lr_body, lr_head), _of_matrices(wd))

    def one_rate(model, lr_body, wd):
        """Every parameter has lr_body. Those of head need lr_head, in groups of their own: a group
        without an "lr" takes the optimizer's."""
        return _sgd(model, lambda named: lr_body, _of_matrices(wd))

    def decay_everywhere(model, head, lr_body, lr_head, wd):
        """Every parameter has weight decay. Those of one dimension, such as biases and the weights
        of norms, should have none."""
        return _sgd(model, _of(head, lr_head, lr_body), lambda named: wd)

    def decay_nowhere(model, head, lr_body, lr_head):
        """No parameter has weight decay. Those of two or more dimensions should have wd, under the
        key "weight_decay"."""
        return _sgd(model, _of(head, lr_head, lr_body), lambda named: 0.0)

    def decay_by_part(model, head, lr_body, lr_head, wd):
        """You gave weight decay to all parameters outside head, and to none of head's. It is for
        parameters of two or more dimensions, in both."""
        return _sgd(model, _of(head, lr_head, lr_body), _of(head, 0.0, wd))

    def one_rate_of_the_head(model, lr_head, wd):
        """Every parameter has lr_head. Those outside head need lr_body, in groups of their own: a
        group without an "lr" takes the optimizer's."""
        return _sgd(model, lambda named: lr_head, _of_matrices(wd))

    def decay_inverted(model, head, lr_body, lr_head, wd):
        """You exchanged the weight decay: biases have it, and matrices have not."""
        return _sgd(model, _of(head, lr_head, lr_body), _of_matrices(0.0, wd))

    def biases_by_name(model, head, lr_body, lr_head, wd):
        """You took weight decay from what is called bias. The weight of the norm has one dimension,
        too, and kept it. Ask for the number of dimensions, p.ndim."""
        return _sgd(
            model, _of(head, lr_head, lr_body), lambda p: 0.0 if p[0].endswith("bias") else wd
        )

    def weights_by_name(model, head, lr_body, lr_head, wd):
        """You gave weight decay to what is called weight. The weight of a norm is called so, too,
        and has one dimension. Ask for the number of dimensions, p.ndim."""
        return _sgd(
            model, _of(head, lr_head, lr_body), lambda p: wd if p[0].endswith("weight") else 0.0
        )

    def matrices_called_weight_alone(model, head, lr_body, lr_head, wd):
        """A matrix that stands on the model itself, under a name of its own, has no weight decay.
        Neither its name nor its place counts: ask for p.ndim >= 2, and for nothing else."""
        return _sgd(
            model,
            _of(head, lr_head, lr_body),
            lambda p: wd if p[1].ndim >= 2 and p[0].endswith("weight") else 0.0,
        )

    def frozen_included(model, head, lr_body, lr_head, wd):
        """You handed over a frozen parameter as well. It may hold an old .grad, which the optimizer
        would follow. Leave out what does not require grad."""
        return _sgd(model, _of(head, lr_head, lr_body), _of_matrices(wd), lambda named: True)

    def vectors_left_out(model, head, lr_body, lr_head, wd):
        """Parameters of one dimension are missing: they will never be trained. No weight decay
        means a group with weight_decay 0, not no group."""

        def kept(named):
            return named[1].requires_grad and named[1].ndim >= 2

        return _sgd(model, _of(head, lr_head, lr_body), _of_matrices(wd), kept)

    def head_alone(head, lr_head, wd):
        """The optimizer holds the parameters of head alone: the rest will never be trained."""
        return _sgd(head, lambda named: lr_head, _of_matrices(wd))

    def body_alone(model, head, lr_body, wd):
        """The parameters of head are missing from the optimizer: they will never be trained."""
        in_head = _of(head, 1.0, 0.0)

        def kept(named):
            return named[1].requires_grad and not in_head(named)

        return _sgd(model, lambda named: lr_body, _of_matrices(wd), kept)

    def told_by_the_word_head(model, lr_body, lr_head, wd):
        """You took for head's what has "head" in its name. The submodule may be called otherwise,
        and a weight that it shares is listed under its first name alone. Ask whether a parameter is
        among head.parameters(), by identity."""
        return _sgd(
            model, lambda p: lr_head if p[0].startswith("head") else lr_body, _of_matrices(wd)
        )

    def sought_among_the_children(model, head, lr_body, lr_head, wd):
        """You looked for head among the direct children of the model. It may lie deeper, and then
        its parameters have lr_body. Ask whether a parameter is among head.parameters(), by
        identity."""
        direct = any(part is head for part in model.children())
        return _sgd(model, _of(head, lr_head if direct else lr_body, lr_body), _of_matrices(wd))

    def part_by_part(model, head, lr_body, lr_head, wd):
        """You went through the direct children of the model, part by part. head may lie deeper, and
        then its parameters have lr_body; and those that stand on the model itself are missing. Walk
        over model.parameters(), and ask whether each is among head.parameters(), by identity."""
        own = dict(model.named_parameters(recurse=False))
        direct = any(part is head for part in model.children())

        def kept(named):
            return named[1].requires_grad and named[0] not in own

        rate = _of(head, lr_head if direct else lr_body, lr_body)
        return _sgd(model, rate, _of_matrices(wd), kept)

    def shared_given_to_the_body(model, head, lr_body, lr_head, wd):
        """A weight that head shares with the body has lr_body, and it counts as one of head's. Ask
        whether it is among head's parameters, by identity; its name does not tell, for
        named_parameters() lists it once, under its first name."""
        place = next(name for name, part in model.named_modules() if part is head) + "."
        return _sgd(
            model, lambda p: lr_head if p[0].startswith(place) else lr_body, _of_matrices(wd)
        )

    def body_told_by_its_parts(model, head, lr_body, lr_head, wd):
        """You took for head's what is in no other part of the model. A weight that head shares with
        the body counts as one of head's, and a parameter that stands on the model itself does not.
        Ask whether it is among head's parameters, by identity."""
        rest = [part for part in model.children() if part is not head]
        body = {id(p) for part in rest for p in part.parameters()}
        return _sgd(model, lambda p: lr_body if id(p[1]) in body else lr_head, _of_matrices(wd))

    @raises(r"some parameters appear in more than one parameter group")
    def head_twice(model, head):
        """You put parameters into two groups. If they are those of head: model.parameters() lists
        them as well. Leave them out of one group, by identity."""
        groups = [{"params": [*model.parameters()]}, {"params": [*head.parameters()]}]
        return torch.optim.SGD(groups)

    @raises(r"some parameters appear in more than one parameter group")
    def shared_twice(model, head, lr_body, lr_head, wd):
        """A weight that head shares with the body is in two groups. It belongs to head: leave it
        out of the other group, by identity."""
        body = [p for n, p in model.named_parameters() if not n.startswith("head.")]
        torch.optim.SGD([{"params": body}, {"params": [*head.parameters()]}])
        return ParamGroupsKey.reference(model, head, lr_body, lr_head, wd)

    @raises(r"must match the size|Boolean value of Tensor")
    def compared_by_value(model, head):
        """`p in list(head.parameters())` compares values with ==, which gives a tensor or fails.
        Compare identities: collect id(p) of head's parameters in a set."""
        own = list(head.parameters())
        body = [p for p in model.parameters() if p not in own]
        return torch.optim.SGD(body)

    pairs = (
        *of_formula(
            lambda model, head, lr_body, lr_head, wd: _sgd(
                model, _of(head, lr_head, lr_body), _of_matrices(wd)
            ),
            rates_exchanged,
            one_rate,
            one_rate_of_the_head,
            decay_everywhere,
            decay_nowhere,
            decay_inverted,
            decay_by_part,
            matrices_alone_decay,
            biases_by_name,
            frozen_included,
        ),
    )
