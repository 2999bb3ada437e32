"""Schedules, loaders and files, operations, losses, distributions, transforms."""

import io
import pickle

import numpy as np
import torch
import torch.autograd.forward_ad as fwAD
import torch.distributions as D
import torch.nn.functional as F
from torch import nn, optim
from torch.autograd import functional
from torch.func import functional_call, grad, jacrev, jvp, stack_module_state, vjp, vmap
from torch.optim import lr_scheduler as S
from torch.utils.data import (
    BatchSampler,
    ConcatDataset,
    DataLoader,
    Dataset,
    DistributedSampler,
    SequentialSampler,
    Subset,
    TensorDataset,
    WeightedRandomSampler,
    random_split,
)

MODEL, LINEAR = nn.Linear(3, 2), nn.Linear(3, 2)
NAMED = dict(LINEAR.named_parameters())
ONES, MANY, SUM = torch.ones(3), torch.ones(4, 3), torch.sum
TEN = TensorDataset(torch.zeros(10, 2))
LOADER = DataLoader(TEN, batch_size=4)
TWO, FIVE = torch.tensor([2, 2]), torch.tensor([5, 5])
OFF = torch.amp.GradScaler("cpu", enabled=False)


class Held(Dataset):
    targets = (0, 1)

    def __len__(self):
        return 2

    def __getitem__(self, index):
        return torch.zeros(2)


HELD = Held()


def one():
    return [nn.Parameter(torch.ones(2))]


def passed():
    parameters = one()
    parameters[0].sum().backward()
    return parameters


def leaf(*shape):
    return torch.ones(*shape, requires_grad=True)


def rows(*shape):
    return torch.zeros(*shape)


def sgd(**settings):
    return optim.SGD(one(), lr=0.1, **settings)


def joined(second=None, milestones=(5,)):
    optimizer = sgd()
    schedules = [S.LinearLR(optimizer), second or S.CosineAnnealingLR(optimizer, 95)]
    return S.SequentialLR(optimizer, schedules, milestones=list(milestones))


def cycled(optimizer):
    """What the cure says of a momentum of 0."""
    assert optimizer.param_groups[0]["momentum"] == 0
    S.OneCycleLR(optimizer, 0.1, total_steps=9)
    assert optimizer.param_groups[0]["momentum"] > 0.9


def ended(**settings):
    return next(iter(DataLoader(HELD, batch_size=4, **settings)))


def saved(state=(), **settings):
    file = io.BytesIO()
    torch.save(state, file, **settings)
    file.seek(0)
    return file


def ctc(blank=0, lengths=FIVE):
    return F.ctc_loss(rows(5, 2, 3), torch.ones(2, 2).long(), lengths, TWO, blank=blank)


def mixture(batch, parts, scores=None):
    normal = D.Normal(rows(batch, parts), torch.ones(batch, parts))
    return D.MixtureSameFamily(D.Categorical(logits=rows(batch, scores or parts)), normal)


def materialized(**settings):
    return torch.autograd.grad(leaf(3).sum(), leaf(3), materialize_grads=True, **settings)


SCHEDULES_CASES = [
    (
        "schedule_function",
        lambda: S.LambdaLR(sgd(), 0.95),
        lambda: S.LambdaLR(sgd(), lambda epoch: 0.95**epoch),
    ),
    (
        "schedule_function",
        lambda: S.LambdaLR(sgd(), lambda: 0.95),
        lambda: S.LambdaLR(sgd(), lambda epoch: 0.95**epoch),
    ),
    (
        "schedule_function",
        lambda: S.MultiplicativeLR(sgd(), 0.95),
        lambda: S.ExponentialLR(sgd(), gamma=0.95),
    ),
    (
        "schedule_factor",
        lambda: S.LinearLR(sgd(), start_factor=0),
        lambda: S.LinearLR(sgd(), start_factor=0.01, end_factor=1.0, total_iters=5),
    ),
    (
        "schedule_factor",
        lambda: S.ConstantLR(sgd(), factor=2),
        lambda: S.ConstantLR(sgd(), factor=0.5),
    ),
    (
        "restart_settings",
        lambda: S.CosineAnnealingWarmRestarts(sgd(), 100 / 10),
        lambda: S.CosineAnnealingWarmRestarts(sgd(), 100 // 10),
    ),
    (
        "restart_settings",
        lambda: S.CosineAnnealingWarmRestarts(sgd(), 10, T_mult=1.5),
        lambda: S.CosineAnnealingWarmRestarts(sgd(), T_0=10, T_mult=2, eta_min=1e-5),
    ),
    (
        "restart_settings",
        lambda: S.CosineAnnealingWarmRestarts(sgd(), 10, eta_min="1e-5"),
        lambda: S.CosineAnnealingWarmRestarts(sgd(), 10, eta_min=float("1e-5")),
    ),
    (
        "cycle_settings",
        lambda: S.OneCycleLR(sgd(), 0.1, total_steps=9, pct_start=30),
        lambda: S.OneCycleLR(sgd(), max_lr=0.1, total_steps=9, pct_start=0.3),
    ),
    (
        "cycle_settings",
        lambda: S.OneCycleLR(sgd(), 0.1, total_steps=9, anneal_strategy="cosine"),
        lambda: S.OneCycleLR(sgd(), max_lr=0.1, total_steps=9, anneal_strategy="cos"),
    ),
    (
        "cycle_settings",
        lambda: S.CyclicLR(sgd(momentum=0.9), 0.01, 0.1, mode="triangle"),
        lambda: S.CyclicLR(sgd(momentum=0.9), 0.01, 0.1, mode="triangular"),
    ),
    (
        "cycle_momentum",
        lambda: S.CyclicLR(optim.Adagrad(one()), 0.01, 0.1),
        lambda: S.CyclicLR(optim.Adagrad(one()), 0.01, 0.1, cycle_momentum=False),
    ),
    (
        "cycle_momentum",
        lambda: S.OneCycleLR(optim.Adagrad(one()), 0.1, total_steps=9),
        lambda: cycled(sgd()),
    ),
    (
        "rates_per_group",
        lambda: S.OneCycleLR(sgd(), [0.1, 0.2], total_steps=9),
        lambda: S.OneCycleLR(sgd(), 0.1, total_steps=9),
    ),
    (
        "rates_per_group",
        lambda: S.ReduceLROnPlateau(sgd(), min_lr=[0.1, 0.2]),
        lambda: S.ReduceLROnPlateau(sgd(), min_lr=0.1),
    ),
    ("schedulers_joined", lambda: joined(milestones=[5, 10]), lambda: joined(milestones=[5])),
    ("schedulers_joined", lambda: joined(second=S.StepLR(sgd(), 2)), lambda: joined()),
    (
        "schedulers_joined",
        lambda: S.ChainedScheduler([S.ReduceLROnPlateau(sgd())]),
        lambda: S.ReduceLROnPlateau(sgd()).step(1.0),
    ),
    (
        "plateau_value",
        lambda: S.ReduceLROnPlateau(sgd()).step(None),
        lambda: S.ReduceLROnPlateau(sgd()).step(1.0),
    ),
    (
        "plateau_value",
        lambda: S.ReduceLROnPlateau(sgd()).step([1.0, 2.0]),
        lambda: S.ReduceLROnPlateau(sgd()).step(sum([1.0, 2.0]) / len([1.0, 2.0])),
    ),
    (
        "schedule_period",
        lambda: S.StepLR(sgd(), step_size=5 // 10).step(),
        lambda: S.StepLR(sgd(), step_size=max(1, 5 // 10)).step(),
    ),
    (
        "schedule_period",
        lambda: S.CosineAnnealingLR(sgd(), T_max=0).step(),
        lambda: S.CosineAnnealingLR(sgd(), T_max=max(1, 0)).step(),
    ),
    (
        "schedule_division",
        lambda: S.LambdaLR(sgd(), lambda epoch: 1 / epoch),
        lambda: S.LambdaLR(sgd(), lambda epoch: 1 / max(1, epoch)),
    ),
    (
        "schedule_division",
        lambda: S.LambdaLR(sgd(), lambda epoch: 1 / epoch),
        lambda: S.LambdaLR(sgd(), lambda epoch: 1 / (epoch + 1)),
    ),
    (
        "milestones_list",
        lambda: S.MultiStepLR(sgd(), 30),
        lambda: S.MultiStepLR(sgd(), milestones=[30]),
    ),
    (
        "added_group",
        lambda: sgd().add_param_group(one()),
        lambda: sgd().add_param_group({"params": one(), "lr": 0.1}),
    ),
    (
        "muon_matrices",
        lambda: optim.Muon(MODEL.parameters()),
        lambda: (
            optim.Muon([p for p in MODEL.parameters() if p.ndim == 2]),
            optim.AdamW([p for p in MODEL.parameters() if p.ndim != 2]),
        ),
    ),
    (
        "one_implementation",
        lambda: optim.Adam(one(), foreach=True, fused=True),
        lambda: optim.Adam(one()),
    ),
    (
        "one_implementation",
        lambda: optim.Adam(one(), lr=torch.tensor(1e-3), foreach=True),
        lambda: optim.Adam(one(), lr=1e-3, foreach=True),
    ),
    ("step_argument", lambda: sgd().step(1.0), lambda: sgd().step()),
    ("step_argument", lambda: sgd().step(torch.ones(())), lambda: sgd().step()),
    (
        "not_of_optimizer",
        lambda: sgd().backward(),
        lambda: (one()[0].sum().backward(), sgd().step()),
    ),
    (
        "not_of_optimizer",
        lambda: sgd().parameters(),
        lambda: (MODEL.parameters(), sgd().param_groups),
    ),
    ("not_of_optimizer", lambda: S.StepLR(sgd(), 2).zero_grad(), lambda: sgd().zero_grad()),
    (
        "clipped_model",
        lambda: nn.utils.clip_grad_norm_(MODEL, 1.0),
        lambda: nn.utils.clip_grad_norm_(MODEL.parameters(), 1.0),
    ),
    (
        "clipped_model",
        lambda: nn.utils.parameters_to_vector(MODEL),
        lambda: nn.utils.parameters_to_vector(MODEL.parameters()),
    ),
    (
        "clip_bound",
        lambda: nn.utils.clip_grad_norm_(MODEL.parameters()),
        lambda: nn.utils.clip_grad_norm_(MODEL.parameters(), max_norm=1.0),
    ),
    (
        "clip_bound",
        lambda: nn.utils.clip_grad_value_(passed()),
        lambda: nn.utils.clip_grad_value_(passed(), clip_value=0.5),
    ),
    (
        "clip_nothing",
        lambda: nn.utils.clip_grad_value_(one(), 0.5),
        lambda: nn.utils.clip_grad_value_(passed(), 0.5),
    ),
    (
        "scaler_empty_state",
        lambda: torch.amp.GradScaler("cpu").load_state_dict(OFF.state_dict()),
        lambda: OFF.state_dict() and torch.amp.GradScaler("cpu").load_state_dict(OFF.state_dict()),
    ),
    (
        "schedule_text",
        lambda: [S.ExponentialLR(sgd(), "0.9").step()],
        lambda: S.ExponentialLR(sgd(), float("0.9")).step(),
    ),
    (
        "schedule_text",
        lambda: S.StepLR(sgd(), "2").step(),
        lambda: S.StepLR(sgd(), int("2")).step(),
    ),
    (
        "seed_for_generator",
        lambda: random_split([1, 2], [1, 1], generator=42),
        lambda: random_split([1, 2], [1, 1], generator=torch.Generator().manual_seed(42)),
    ),
    (
        "seed_for_generator",
        lambda: torch.rand(3, generator=42),
        lambda: torch.rand(3, generator=torch.Generator().manual_seed(42)),
    ),
]
LOADING_CASES = [
    ("next_method", lambda: iter(LOADER).next(), lambda: next(iter(LOADER))),
    ("next_method", lambda: LOADER.next(), lambda: next(iter(LOADER))),
    (
        "loader_end",
        lambda: [next(it) for it in [iter(LOADER)] * 9],
        lambda: [next(iter(LOADER)) for _ in range(9)],
    ),
    ("loader_end", lambda: ended(drop_last=True), lambda: ended(drop_last=False)),
    (
        "dataset_attribute",
        lambda: Subset(HELD, [1]).targets,
        lambda: [Subset(HELD, [1]).dataset.targets[i] for i in Subset(HELD, [1]).indices],
    ),
    ("dataset_attribute", lambda: TEN.data, lambda: TEN.tensors[0]),
    (
        "subset_range",
        lambda: Subset([1, 2], [5])[0],
        lambda: random_split([1, 2], [0.5, 0.5])[0][0],
    ),
    ("split_number", lambda: random_split([1, 2], 0.8), lambda: random_split([1, 2], [0.8, 0.2])),
    ("no_datasets", lambda: ConcatDataset([]), lambda: ConcatDataset([HELD])),
    (
        "sampler_settings",
        lambda: WeightedRandomSampler([1.0, 2.0]),
        lambda: WeightedRandomSampler([1.0, 2.0], num_samples=2, replacement=True),
    ),
    (
        "sampler_settings",
        lambda: WeightedRandomSampler(torch.ones(2, 1), 2),
        lambda: WeightedRandomSampler(torch.ones(2, 1).flatten(), 2),
    ),
    (
        "sampler_settings",
        lambda: BatchSampler([0, 1], 2, 1),
        lambda: BatchSampler([0, 1], batch_size=2, drop_last=False),
    ),
    (
        "loader_settings",
        lambda: DataLoader(HELD, suffle=True),
        lambda: DataLoader(HELD, shuffle=True),
    ),
    (
        "loader_settings",
        lambda: DataLoader(HELD, batch_size=None, drop_last=True),
        lambda: list(DataLoader(HELD, batch_size=None, shuffle=True)),
    ),
    (
        "sampler_rank",
        lambda: DistributedSampler(HELD, 2, 2),
        lambda: DistributedSampler(HELD, num_replicas=2, rank=1),
    ),
    (
        "batch_numbers",
        lambda: list(DataLoader(HELD, batch_sampler=SequentialSampler(HELD))),
        lambda: list(
            DataLoader(
                HELD, batch_sampler=BatchSampler(SequentialSampler(HELD), 32, drop_last=False)
            )
        ),
    ),
    ("save_order", lambda: torch.save("model.pt", {}), lambda: torch.save({}, io.BytesIO())),
    ("save_order", lambda: torch.save({}), lambda: torch.save({}, io.BytesIO())),
    ("load_argument", lambda: torch.load(HELD), lambda: torch.load(saved())),
    ("load_argument", lambda: torch.load(io.StringIO("text")), lambda: torch.load(saved())),
    ("unread_file", lambda: torch.load(io.BytesIO(b"abc" * 9)), lambda: torch.load(saved())),
    *(
        (
            "foreign_file",
            lambda file=file: torch.load(io.BytesIO(file)),
            lambda: torch.load(saved()),
        )
        for file in (b"<!DOCTYPE html>", b"version https://git-lfs", b'{"a": 1}', pickle.dumps([1]))
    ),
    (
        "foreign_file",
        lambda: torch.load(saved([torch.ones(2)], pickle_protocol=4)),
        lambda: torch.load(saved()),
    ),
    (
        "optimizer_path",
        lambda: sgd().load_state_dict("optimizer.pt"),
        lambda: sgd().load_state_dict(torch.load(saved(sgd().state_dict()))),
    ),
    (
        "collate_arguments",
        lambda: list(DataLoader(HELD, collate_fn=lambda xs, ys: xs)),
        lambda: list(DataLoader(HELD, collate_fn=lambda samples: torch.stack(samples))),
    ),
    (
        "dataset_set",
        lambda: list(DataLoader({1.0, 2.0})),
        lambda: list(DataLoader(list({1.0, 2.0}))),
    ),
]
OPERATIONS_CASES = [
    ("more_than_there", lambda: rows(3).topk(5), lambda: rows(3).topk(min(5, rows(3).shape[-1]))),
    ("no_kth_value", lambda: rows(3).kthvalue(0), lambda: rows(3).kthvalue(1)),
    (
        "nothing_to_reduce",
        lambda: rows(3)[rows(3) > 1].max(),
        lambda: torch.where(rows(3) > 1, rows(3), -torch.inf).amax(),
    ),
    (
        "nothing_to_reduce",
        lambda: rows(0, 3).argmax(0),
        lambda: rows(0, 3).numel() > 0 and rows(0, 3).argmax(0),
    ),
    (
        "quantile_kind",
        lambda: rows(3).long().quantile(0.5),
        lambda: rows(3).long().float().quantile(0.5),
    ),
    ("quantile_kind", lambda: rows(3).quantile(95), lambda: rows(3).quantile(0.95)),
    (
        "quantile_kind",
        lambda: rows(3).quantile(torch.tensor(0.5).double()),
        lambda: rows(3).quantile(torch.tensor(0.5).double().to(rows(3).dtype)),
    ),
    ("integer_spread", lambda: rows(3).long().std(), lambda: rows(3).long().float().std()),
    (
        "integer_spread",
        lambda: F.normalize(rows(2, 3).long()),
        lambda: F.normalize(rows(2, 3).long().float()),
    ),
    ("argument_left_out", lambda: rows(3).cumsum(), lambda: rows(3).cumsum(dim=0)),
    ("argument_left_out", lambda: rows(2, 3).transpose(0), lambda: rows(2, 3).transpose(0, dim1=1)),
    ("argument_left_out", lambda: rows(3).unsqueeze(), lambda: rows(3).unsqueeze(dim=0)),
    ("count_kind", lambda: rows(6).split(6 / 2), lambda: rows(6).split(6 // 2)),
    ("count_kind", lambda: rows(6).topk(0.5 * 6), lambda: rows(6).topk(int(0.5 * 6))),
    (
        "assigned_kind",
        lambda: rows(2, 3).__setitem__(0, [1.0, 2.0, 3.0]),
        lambda: rows(2, 3).__setitem__(0, torch.tensor([1.0, 2.0, 3.0])),
    ),
    (
        "assigned_kind",
        lambda: rows(2, 3).__setitem__(0, np.ones(3)),
        lambda: rows(2, 3).__setitem__(0, torch.from_numpy(np.ones(3))),
    ),
    (
        "assigned_kind",
        lambda: rows(3).__setitem__(0, "1.5"),
        lambda: rows(3).__setitem__(0, float("1.5")),
    ),
    (
        "one_to_fill",
        lambda: rows(3).masked_fill(rows(3) == 0, torch.ones(3)),
        lambda: torch.where(rows(3) == 0, torch.ones(3), rows(3)),
    ),
    ("one_to_fill", lambda: rows(3).fill_(torch.ones(3)), lambda: rows(3).copy_(torch.ones(3))),
    (
        "text_in_formula",
        lambda: rows(3) - [1.0, 2.0, 3.0],
        lambda: rows(3) - torch.tensor([1.0, 2.0, 3.0]),
    ),
    ("text_in_formula", lambda: rows(3) / "2", lambda: rows(3) / float("2")),
    ("text_in_formula", lambda: "loss " + rows(1), lambda: f"loss {rows(1).item():.3f}"),
    ("inverted_numbers", lambda: ~rows(3), lambda: (~rows(3).bool(), 1 - rows(3))),
    (
        "repeats_count",
        lambda: rows(2, 3).repeat_interleave(torch.tensor([1, 2])),
        lambda: rows(2, 3).repeat_interleave(torch.tensor([1, 2]), dim=0),
    ),
    ("empty_range", lambda: torch.randint(0, (2,)), lambda: torch.randint(max(1, 0), (2,))),
    ("empty_range", lambda: torch.arange(5, 0), lambda: torch.arange(5, 0, -1)),
    ("normal_size", lambda: torch.normal(0.0, 1.0), lambda: torch.normal(0.0, 1.0, size=(3,))),
    (
        "distance_columns",
        lambda: torch.cdist(rows(3), rows(2, 3)),
        lambda: torch.cdist(rows(3)[None], rows(2, 3)),
    ),
    (
        "distance_columns",
        lambda: torch.cdist(rows(2, 3), rows(3, 4)),
        lambda: torch.cdist(rows(2, 3), rows(3, 4).T),
    ),
    ("several_dims", lambda: rows(2, 3).max((0, 1)), lambda: rows(2, 3).amax((0, 1))),
    (
        "several_dims",
        lambda: rows(2, 3, 4).argmax((1, 2)),
        lambda: rows(2, 3, 4).flatten(1).argmax(1),
    ),
    ("tensor_maker", lambda: torch.Tensor(2.5), lambda: torch.tensor(2.5)),
    ("typed_maker", lambda: torch.LongTensor(rows(3)), lambda: rows(3).long()),
    (
        "where_arguments",
        lambda: torch.where(rows(3) > 0, rows(3)),
        lambda: torch.where(rows(3) > 0, rows(3), 0.0),
    ),
    (
        "where_arguments",
        lambda: torch.where(rows(3) > 0, "a", "b"),
        lambda: torch.where(rows(3) > 0, 0, 1),
    ),
    (
        "dims_twice",
        lambda: rows(2, 3).sum((1, -1)),
        lambda: (rows(2, 3).sum((0, 1)), rows(2, 3).sum(-1)),
    ),
    (
        "normalized_shape",
        lambda: F.layer_norm(rows(2, 3), 3),
        lambda: (F.layer_norm(rows(2, 3), (rows(2, 3).shape[-1],)), nn.LayerNorm(3)(rows(2, 3))),
    ),
]
LOSSES_CASES = [
    (
        "loss_setting",
        lambda: F.huber_loss(rows(2), rows(2), delta=0),
        lambda: nn.HuberLoss(delta=1.0)(rows(2), rows(2)),
    ),
    (
        "loss_setting",
        lambda: nn.TripletMarginLoss(margin=-1.0),
        lambda: nn.TripletMarginLoss(margin=1.0),
    ),
    ("loss_setting", lambda: nn.HuberLoss(delta="1"), lambda: nn.HuberLoss(delta=float("1"))),
    (
        "ignored_probabilities",
        lambda: F.cross_entropy(rows(2, 3), rows(2, 3), ignore_index=0),
        lambda: F.cross_entropy(rows(2, 3), rows(2, 3).argmax(1), ignore_index=1),
    ),
    (
        "variance_size",
        lambda: F.gaussian_nll_loss(rows(2, 3), rows(2, 3), torch.ones(3, 1)),
        lambda: F.gaussian_nll_loss(rows(2, 3), rows(2, 3), torch.ones(()).expand(2, 3)),
    ),
    (
        "loss_weights",
        lambda: F.mse_loss(rows(2, 3), rows(2, 3), weight=torch.ones(3)),
        lambda: F.mse_loss(rows(2, 3), rows(2, 3), weight=torch.ones(3).expand_as(rows(2, 3))),
    ),
    ("ctc_blank", lambda: ctc(blank=3), lambda: ctc(blank=0)),
    (
        "ctc_blank",
        lambda: ctc(lengths=torch.tensor([5.0, 5.0])),
        lambda: ctc(lengths=torch.tensor([5.0, 5.0]).long()),
    ),
    (
        "loss_function_arguments",
        lambda: F.triplet_margin_loss(rows(2, 3), rows(2, 3)),
        lambda: F.triplet_margin_loss(rows(2, 3), rows(2, 3), rows(2, 3)),
    ),
    (
        "loss_function_arguments",
        lambda: F.mse_loss(rows(3)),
        lambda: (F.mse_loss(rows(3), rows(3)), nn.MSELoss()(rows(3), rows(3))),
    ),
    (
        "loss_function_arguments",
        lambda: F.cross_entropy(rows(2, 3)),
        lambda: F.cross_entropy(rows(2, 3), torch.tensor([0, 1])),
    ),
]
SAMPLING_CASES = [
    (
        "drawn_dims",
        lambda: torch.multinomial(torch.ones(2, 3, 4), 1),
        lambda: torch.multinomial(torch.ones(2, 3, 4).flatten(0, -2), 1).view(
            torch.ones(2, 3, 4).shape[:-1]
        ),
    ),
    (
        "drawn_dims",
        lambda: torch.multinomial(torch.ones(3), 0),
        lambda: torch.multinomial(torch.ones(3), 1),
    ),
    (
        "value_shape",
        lambda: D.OneHotCategorical(torch.ones(3), validate_args=True).log_prob(torch.tensor(1)),
        lambda: D.OneHotCategorical(torch.ones(3)).log_prob(F.one_hot(torch.tensor(1), 3).float()),
    ),
    (
        "value_shape",
        lambda: D.Normal(rows(4), torch.ones(4), validate_args=True).log_prob(
            rows(3, 1).squeeze(1)
        ),
        lambda: D.Normal(rows(4), torch.ones(4)).log_prob(rows(4, 1).squeeze(1)),
    ),
    (
        "event_dims",
        lambda: D.MultivariateNormal(rows(2), torch.ones(2)),
        lambda: D.MultivariateNormal(rows(2), torch.diag_embed(torch.ones(2))),
    ),
    (
        "event_dims",
        lambda: D.Independent(D.Normal(0.0, 1.0), 1),
        lambda: D.Independent(D.Normal(rows(1, 2), torch.ones(1, 2)), 1),
    ),
    (
        "event_dims",
        lambda: D.Dirichlet(torch.ones(())),
        lambda: D.Dirichlet(torch.ones(()).reshape(1)),
    ),
    (
        "mixture_parts",
        lambda: D.MixtureSameFamily(torch.ones(3), D.Normal(rows(3), torch.ones(3))),
        lambda: mixture(2, 3),
    ),
    ("mixture_parts", lambda: mixture(2, 3, 4), lambda: mixture(2, 3)),
    ("sample_shape", lambda: D.Normal(0.0, 1.0).sample(3), lambda: D.Normal(0.0, 1.0).sample((3,))),
    (
        "sample_shape",
        lambda: D.Normal(0.0, 1.0).rsample((3.0,)),
        lambda: D.Normal(0.0, 1.0).rsample((3,)),
    ),
    (
        "parameter_kind",
        lambda: D.Normal([0.0, 1.0], 1.0),
        lambda: D.Normal(torch.tensor([0.0, 1.0]), 1.0),
    ),
    (
        "distribution_names",
        lambda: D.Normal(mean=0.0, std=1.0),
        lambda: D.Normal(loc=0.0, scale=1.0),
    ),
    ("distribution_names", lambda: D.Normal(0.0), lambda: D.Normal(0.0, 1.0)),
    ("distribution_names", lambda: D.Normal(0.0, 1.0).std, lambda: D.Normal(0.0, 1.0).stddev),
    (
        "transform_parts",
        lambda: D.TransformedDistribution(D.Normal(0.0, 1.0), D.TanhTransform),
        lambda: D.TransformedDistribution(D.Normal(0.0, 1.0), [D.TanhTransform()]),
    ),
    (
        "transform_parts",
        lambda: D.TransformedDistribution(D.Normal(0.0, 1.0), [D.TanhTransform]),
        lambda: D.TransformedDistribution(D.Normal(0.0, 1.0), [D.TanhTransform()]),
    ),
]
TRANSFORMS_CASES = [
    ("argnums_kind", lambda: grad(SUM, argnums=(0, 0))(ONES), lambda: grad(SUM, argnums=0)(ONES)),
    ("argnums_kind", lambda: grad(SUM, argnums=())(ONES), lambda: grad(SUM, argnums=(0,))(ONES)),
    ("argnums_kind", lambda: grad(SUM, argnums="x")(ONES), lambda: grad(SUM, argnums=0)(ONES)),
    ("vmap_call", lambda: vmap(SUM)(x=ONES), lambda: vmap(SUM)(ONES)),
    (
        "vmap_randomness",
        lambda: vmap(SUM, randomness="random")(ONES),
        lambda: vmap(SUM, randomness="different")(ONES),
    ),
    ("vmap_out", lambda: vmap(SUM, out_dims=(0, 0))(MANY), lambda: vmap(SUM)(MANY)),
    (
        "aux_tensors",
        lambda: grad(lambda x: (x.sum(), 3), has_aux=True)(ONES),
        lambda: grad(lambda x: (x.sum(), torch.tensor(3)), has_aux=True)(ONES),
    ),
    (
        "cotangents",
        lambda: vjp(lambda x: (x, x), ONES)[1](ONES),
        lambda: vjp(lambda x: (x, x), ONES)[1]((ONES, ONES)),
    ),
    ("cotangents", lambda: vjp(SUM, ONES)[1](), lambda: vjp(SUM, ONES)[1](torch.ones(()))),
    (
        "integer_output",
        lambda: jacrev(lambda x: x.argmax())(ONES),
        lambda: jacrev(lambda x: (x.softmax(0), x.argmax()), has_aux=True)(ONES),
    ),
    (
        "called_by_names",
        lambda: functional_call(LINEAR, LINEAR.parameters(), (ONES,)),
        lambda: functional_call(LINEAR, dict(LINEAR.named_parameters()), (ONES,)),
    ),
    (
        "called_by_names",
        lambda: functional_call(LINEAR, {"weight": 3.0}, (ONES,)),
        lambda: functional_call(LINEAR, {"weight": torch.full((2, 3), 3.0)}, (ONES,)),
    ),
    (
        "called_by_names",
        lambda: functional_call(LINEAR, (NAMED, NAMED), (ONES,)),
        lambda: functional_call(LINEAR, NAMED, (ONES,)),
    ),
    (
        "functional_inputs",
        lambda: functional.jacobian(torch.sin, 3.0),
        lambda: functional.jacobian(torch.sin, torch.tensor(3.0)),
    ),
    (
        "functional_inputs",
        lambda: functional.jacobian(torch.mul, (ONES, 3)),
        lambda: functional.jacobian(lambda x: torch.mul(x, 3), ONES),
    ),
    ("dual_level", lambda: fwAD.make_dual(ONES, ONES), lambda: jvp(torch.sin, (ONES,), (ONES,))),
    ("materialized", lambda: materialized(allow_unused=False), lambda: materialized()),
    (
        "accumulate_hook",
        lambda: (leaf(3) * 2).register_post_accumulate_grad_hook(print),
        lambda: (leaf(3) * 2).register_hook(print),
    ),
]
WIDER_CASES = [
    (
        "list_for_tensor",
        lambda: F.softmax([1.0, 2.0], dim=0),
        lambda: F.softmax(torch.tensor([1.0, 2.0]), dim=0),
    ),
    ("not_of_optimizer", lambda: OFF.backward(ONES), lambda: OFF.scale(leaf(3).sum()).backward()),
    (
        "setting_range",
        lambda: optim.Adafactor(one(), lr=-1.0),
        lambda: optim.Adafactor(one(), lr=1e-2),
    ),
    (
        "loss_dims",
        lambda: F.triplet_margin_loss(rows(2, 3), rows(2, 3), rows(3)),
        lambda: F.triplet_margin_loss(rows(2, 3), rows(2, 3), rows(1, 3)),
    ),
    (
        "vmap_shapes",
        lambda: vmap(torch.nonzero)(MANY),
        lambda: vmap(lambda x: torch.where(x > 0, x, 0.0))(MANY),
    ),
    ("vmap_dims", lambda: vmap(SUM, in_dims="0")(MANY), lambda: vmap(SUM, in_dims=0)(MANY)),
    (
        "models_stacked",
        lambda: stack_module_state([nn.Linear(3, 2), nn.Linear(3, 2).requires_grad_(False)]),
        lambda: stack_module_state([nn.Linear(3, 2) for _ in range(5)]),
    ),
    (
        "functional_result",
        lambda: functional.hvp(lambda x: x, ONES, ONES),
        lambda: functional.hvp(lambda x: x.sum(), ONES, ONES),
    ),
    (
        "functional_result",
        lambda: functional.hessian(lambda x: (x.sum(), x.sum()), ONES),
        lambda: functional.hessian(lambda x: x.sum(), ONES),
    ),
    (
        "autocast_kind",
        lambda: torch.autocast(torch.device("cpu")),
        lambda: torch.autocast(torch.device("cpu").type),
    ),
    (
        "autocast_kind",
        lambda: torch.autocast("cpu", dtype="bfloat16").__enter__(),
        lambda: torch.autocast("cpu", dtype=torch.bfloat16),
    ),
    (
        "autocast_kind",
        lambda: torch.autocast("cpu")(3),
        lambda: torch.autocast("cpu")(torch.sin)(ONES),
    ),
]
CASES = [
    *SCHEDULES_CASES,
    *LOADING_CASES,
    *OPERATIONS_CASES,
    *LOSSES_CASES,
    *SAMPLING_CASES,
    *TRANSFORMS_CASES,
    *WIDER_CASES,
]
