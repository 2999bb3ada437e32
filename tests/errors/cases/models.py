"""Layers, losses, optimizers and distributions."""

import torch
import torch.distributions as D
import torch.nn.functional as F
from torch import nn, optim
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence
from torch.optim import lr_scheduler

ONES, NAN = torch.ones(2), float("nan")


def one():
    return [nn.Parameter(torch.ones(2))]


def sgd(**settings):
    return optim.SGD(one(), lr=0.1, **settings)


def rows(*shape):
    return torch.zeros(*shape)


def classes(*numbers):
    return torch.tensor(numbers)


def sparse(optimizer):
    table = nn.Embedding(3, 2, sparse=True)
    stepping = optimizer(table.parameters())
    table(torch.tensor([1])).sum().backward()
    stepping.step()


def scheduled(steps):
    optimizer = sgd()
    scheduler = lr_scheduler.OneCycleLR(optimizer, max_lr=0.1, total_steps=3)
    for _ in range(steps):
        optimizer.step()
        scheduler.step()


def resumed(**last):
    optimizer = sgd()
    scheduler = lr_scheduler.StepLR(sgd(), 2)
    state = optimizer.state_dict(), scheduler.state_dict()
    new = lr_scheduler.StepLR(optimizer, 2, **last)
    optimizer.load_state_dict(state[0])
    new.load_state_dict(state[1])


def clipped(value, **more):
    (parameter,) = one()
    parameter.grad = torch.tensor([value, 1.0])
    nn.utils.clip_grad_norm_([parameter], 1.0, **more)


def distribution(kind, *parameters, **named):
    return kind(*parameters, **named, validate_args=True)


def attention(mask=None, padding=None, size=8, first=False):
    layer = nn.MultiheadAttention(8, 4, batch_first=first)
    return layer(*[rows(5, 3, size)] * 3, attn_mask=mask, key_padding_mask=padding)


def packed(lengths, **more):
    return pack_padded_sequence(rows(5, 2, 3), lengths, **more)


LSTM = nn.LSTM(4, 8)
STATE = rows(1, 3, 8)
OPTIMIZERS = [
    ("setting_range", lambda: optim.Adam(one(), lr=-1), lambda: optim.Adam(one(), lr=1e-3)),
    (
        "setting_range",
        lambda: optim.Adam(one(), betas=(0.9, 1.0)),
        lambda: optim.Adam(one(), betas=(0.9, 0.999)),
    ),
    ("setting_range", lambda: optim.AdamW(one(), eps=-1), lambda: optim.AdamW(one(), eps=1e-8)),
    (
        "setting_range",
        lambda: optim.SGD(one(), lr=0.1, momentum=-1),
        lambda: optim.SGD(one(), lr=0.1, momentum=0.9),
    ),
    (
        "setting_range",
        lambda: optim.RMSprop(one(), weight_decay=-1),
        lambda: optim.RMSprop(one(), weight_decay=0.1),
    ),
    (
        "setting_kind",
        lambda: optim.Adam(one(), lr="1e-3"),
        lambda: optim.Adam(one(), lr=float("1e-3")),
    ),
    ("setting_kind", lambda: optim.SGD(one(), lr=(0.1,)), lambda: optim.SGD(one(), lr=0.1)),
    ("setting_kind", lambda: optim.SGD(one(), lr=None), lambda: optim.SGD(one())),
    (
        "generators",
        lambda: optim.SGD({"params": one()}),
        lambda: optim.SGD([{"params": one()}]),
    ),
    ("setting_kind", lambda: optim.Adam(one(), eps="1e-8"), lambda: optim.Adam(one(), eps=1e-8)),
    (
        "betas_pair",
        lambda: optim.Adam(one(), betas=0.9),
        lambda: optim.Adam(one(), betas=(0.9, 0.999)),
    ),
    (
        "betas_pair",
        lambda: optim.Adam(one(), betas=(0.9,)),
        lambda: optim.Adam(one(), betas=(0.9, 0.999)),
    ),
    (
        "betas_pair",
        lambda: optim.Adam(one(), 1e-3, 0.9, 0.999),
        lambda: optim.Adam(one(), lr=1e-3, betas=(0.9, 0.999)),
    ),
    (
        "betas_kinds",
        lambda: optim.Adam(one(), betas=(0, 0.9)),
        lambda: optim.Adam(one(), betas=(0.0, 0.9)),
    ),
    (
        "closure_returns",
        lambda: optim.LBFGS(one()).step(lambda: None),
        lambda: optim.LBFGS(one()).step(lambda: torch.ones(())),
    ),
    ("nesterov", lambda: sgd(nesterov=True), lambda: sgd(nesterov=True, momentum=0.9)),
    (
        "nesterov",
        lambda: sgd(nesterov=True, momentum=0.9, dampening=0.1),
        lambda: sgd(nesterov=True, momentum=0.9),
    ),
    (
        "setting_name",
        lambda: optim.Adam(one(), momentum=0.9),
        lambda: optim.Adam(one(), betas=(0.9, 0.999)),
    ),
    ("setting_name", lambda: optim.SGD(lr=0.1), lambda: optim.SGD(one(), lr=0.1)),
    (
        "model_for_parameters",
        lambda: optim.SGD(nn.Linear(2, 2), lr=0.1),
        lambda: optim.SGD(nn.Linear(2, 2).parameters(), lr=0.1),
    ),
    (
        "model_for_parameters",
        lambda: optim.SGD(None, lr=0.1),
        lambda: optim.SGD(nn.Linear(2, 2).parameters(), lr=0.1),
    ),
    (
        "generators_added",
        lambda: optim.SGD(LSTM.parameters() + LSTM.parameters(), lr=0.1),
        lambda: optim.SGD([*LSTM.parameters(), *nn.Linear(2, 2).parameters()], lr=0.1),
    ),
    (
        "some_names",
        lambda: optim.SGD([("a", *one()), *one()], lr=0.1),
        lambda: optim.SGD([("a", *one()), ("b", *one())], lr=0.1),
    ),
    (
        "group_params",
        lambda: optim.SGD([{"lr": 0.1}], lr=0.1),
        lambda: optim.SGD([{"params": one(), "lr": 0.1}], lr=0.1),
    ),
    (
        "group_set",
        lambda: optim.SGD([{"params": set(one())}], lr=0.1),
        lambda: optim.SGD([{"params": one()}], lr=0.1),
    ),
    ("sparse_gradients", lambda: sparse(optim.Adam), lambda: sparse(optim.SparseAdam)),
    (
        "lbfgs_groups",
        lambda: optim.LBFGS([{"params": one()}, {"params": one()}]),
        lambda: optim.LBFGS([*one(), *one()]),
    ),
    (
        "scheduler_for",
        lambda: lr_scheduler.StepLR(nn.Linear(2, 2), 2),
        lambda: lr_scheduler.StepLR(sgd(), 2),
    ),
    (
        "plateau_metric",
        lambda: lr_scheduler.ReduceLROnPlateau(sgd()).step(),
        lambda: lr_scheduler.ReduceLROnPlateau(sgd()).step(1.0),
    ),
    (
        "schedule_settings",
        lambda: lr_scheduler.StepLR(sgd(), 1, verbose=True),
        lambda: lr_scheduler.StepLR(sgd(), 1).get_last_lr(),
    ),
    (
        "schedule_settings",
        lambda: lr_scheduler.OneCycleLR(sgd(), max_lr=0.1),
        lambda: lr_scheduler.OneCycleLR(sgd(), max_lr=0.1, total_steps=9),
    ),
    (
        "schedule_settings",
        lambda: lr_scheduler.ReduceLROnPlateau(sgd(), mode="loss"),
        lambda: lr_scheduler.ReduceLROnPlateau(sgd(), mode="min"),
    ),
    (
        "schedule_settings",
        lambda: lr_scheduler.CosineAnnealingLR(sgd()),
        lambda: lr_scheduler.CosineAnnealingLR(sgd(), T_max=9),
    ),
    ("schedule_end", lambda: scheduled(5), lambda: scheduled(2)),
    ("schedule_resume", lambda: resumed(last_epoch=3), resumed),
    ("rate_attribute", lambda: sgd().lr, lambda: sgd().param_groups[0]["lr"]),
    ("norm_infinite", lambda: clipped(NAN, error_if_nonfinite=True), lambda: clipped(NAN)),
    (
        "scaled_kind",
        lambda: torch.amp.GradScaler("cpu").scale(3.0),
        lambda: torch.amp.GradScaler("cpu").scale(torch.tensor(3.0)),
    ),
]
SAMPLING = [
    (
        "bad_parameter",
        lambda: distribution(D.Normal, ONES, -ONES),
        lambda: distribution(D.Normal, ONES, F.softplus(-ONES) + 1e-4),
    ),
    (
        "bad_parameter",
        lambda: distribution(D.Categorical, torch.tensor([1.5, -3.0])),
        lambda: distribution(D.Categorical, logits=torch.tensor([1.5, -3.0])),
    ),
    (
        "bad_parameter",
        lambda: distribution(D.Bernoulli, 2 * ONES),
        lambda: distribution(D.Bernoulli, logits=2 * ONES),
    ),
    (
        "bad_parameter",
        lambda: D.Uniform(1.0, 1.0, validate_args=True),
        lambda: D.Uniform(0.0, 1.0),
    ),
    (
        "nan_parameter",
        lambda: distribution(D.Normal, NAN * ONES, ONES),
        lambda: distribution(D.Normal, ONES, ONES),
    ),
    (
        "nan_parameter",
        lambda: D.Categorical(torch.zeros(2), validate_args=True),
        lambda: D.Categorical(torch.ones(2)),
    ),
    (
        "nan_parameter",
        lambda: distribution(D.Categorical, logits=NAN * ONES),
        lambda: distribution(D.Categorical, logits=ONES),
    ),
    (
        "outside_support",
        lambda: distribution(D.Categorical, ONES).log_prob(torch.tensor(2)),
        lambda: distribution(D.Categorical, ONES).log_prob(torch.tensor(1)),
    ),
    (
        "outside_support",
        lambda: distribution(D.Beta, ONES, ONES).log_prob(1.5 * ONES),
        lambda: distribution(D.Beta, ONES, ONES).log_prob((1.5 * ONES).clamp(1e-6, 1 - 1e-6)),
    ),
    (
        "value_kind",
        lambda: distribution(D.Normal, ONES, ONES).log_prob(0.5),
        lambda: distribution(D.Normal, ONES, ONES).log_prob(torch.tensor(0.5)),
    ),
    (
        "one_of_two",
        lambda: D.Categorical(probs=ONES, logits=ONES),
        lambda: D.Categorical(logits=ONES),
    ),
    (
        "one_of_two",
        lambda: D.MultivariateNormal(ONES),
        lambda: D.MultivariateNormal(ONES, scale_tril=torch.eye(2)),
    ),
    ("no_vector", lambda: D.Categorical(torch.tensor(1.0)), lambda: D.Categorical(ONES)),
    (
        "no_rsample",
        lambda: D.Categorical(ONES).rsample(),
        lambda: F.gumbel_softmax(ONES, hard=True),
    ),
    (
        "no_rsample",
        lambda: D.Bernoulli(ONES / 2).rsample(),
        lambda: D.Bernoulli(ONES / 2).log_prob(ONES),
    ),
    (
        "no_closed_form",
        lambda: D.TransformedDistribution(D.Normal(0.0, 1.0), D.TanhTransform()).entropy(),
        lambda: (
            D.TransformedDistribution(d := D.Normal(0.0, 1.0), D.TanhTransform(cache_size=1))
            .log_prob(d.rsample((5,)).tanh())
            .mean()
        ),
    ),
    (
        "no_closed_form",
        lambda: D.Poisson(ONES).entropy(),
        lambda: -(d := D.Poisson(ONES)).log_prob(d.sample((5,))).mean(),
    ),
    (
        "no_divergence",
        lambda: D.kl_divergence(D.Normal(0.0, 1.0), D.Categorical(ONES)),
        lambda: D.kl_divergence(D.Normal(0.0, 1.0), D.Normal(1.0, 1.0)),
    ),
    (
        "drawn_from",
        lambda: torch.multinomial(torch.tensor([-1.0, 1.0]), 1),
        lambda: torch.multinomial(F.softmax(torch.tensor([-1.0, 1.0]), dim=-1), 1),
    ),
    (
        "drawn_from",
        lambda: torch.multinomial(0 * ONES, 1),
        lambda: torch.multinomial(F.softmax(0 * ONES, dim=-1), 1),
    ),
    (
        "drawn_from",
        lambda: torch.bernoulli(2 * ONES),
        lambda: torch.bernoulli(torch.sigmoid(2 * ONES)),
    ),
    (
        "drawn_more",
        lambda: torch.multinomial(ONES, 3),
        lambda: torch.multinomial(ONES, 3, replacement=True),
    ),
    (
        "drawn_dtype",
        lambda: torch.multinomial(ONES.int(), 1),
        lambda: torch.multinomial(ONES.int().float(), 1),
    ),
    (
        "negative_spread",
        lambda: torch.normal(ONES, -ONES),
        lambda: torch.normal(ONES, F.softplus(-ONES)),
    ),
]
LOSSES = [
    (
        "pixel_shape",
        lambda: F.cross_entropy(rows(2, 5, 7), rows(2, 5).long()),
        lambda: F.cross_entropy(rows(2, 5, 7).reshape(-1, 7), rows(2, 5).long().reshape(-1)),
    ),
    (
        "pixel_shape",
        lambda: F.cross_entropy(rows(2, 5, 7), rows(2, 5).long()),
        lambda: F.cross_entropy(rows(2, 5, 7).transpose(1, 2), rows(2, 5).long()),
    ),
    (
        "one_row",
        lambda: F.cross_entropy(rows(3), classes(0, 1)),
        lambda: F.cross_entropy(rows(2, 3), classes(0, 1)),
    ),
    (
        "class_weights",
        lambda: F.cross_entropy(rows(2, 3), classes(0, 1), weight=torch.ones(2)),
        lambda: F.cross_entropy(rows(2, 3), classes(0, 1), weight=torch.ones(3)),
    ),
    (
        "buffer_kind",
        lambda: nn.CrossEntropyLoss(weight=[1.0, 2.0]),
        lambda: nn.CrossEntropyLoss(weight=torch.tensor([1.0, 2.0])),
    ),
    (
        "buffer_kind",
        lambda: nn.Module().register_buffer("x", 3),
        lambda: nn.Module().register_buffer("x", torch.tensor(3)),
    ),
    (
        "buffer_kind",
        lambda: setattr(nn.BatchNorm1d(2), "running_mean", [0.0, 0.0]),
        lambda: setattr(nn.BatchNorm1d(2), "running_mean", torch.zeros(2)),
    ),
    (
        "buffer_kind",
        lambda: nn.Module().register_parameter("x", nn.Parameter(ONES) * 2),
        lambda: nn.Module().register_parameter("x", nn.Parameter(ONES * 2)),
    ),
    (
        "reduction_word",
        lambda: F.cross_entropy(rows(2, 3), classes(0, 1), reduction="avg"),
        lambda: F.cross_entropy(rows(2, 3), classes(0, 1), reduction="mean"),
    ),
    (
        "smoothing_range",
        lambda: F.cross_entropy(rows(2, 3), classes(0, 1), label_smoothing=2.0),
        lambda: F.cross_entropy(rows(2, 3), classes(0, 1), label_smoothing=0.1),
    ),
    (
        "found_dtype",
        lambda: F.binary_cross_entropy(ONES, classes(0, 1)),
        lambda: F.binary_cross_entropy(ONES, classes(0, 1).float()),
    ),
    (
        "ctc_sizes",
        lambda: F.ctc_loss(rows(5, 2, 4), torch.ones(2, 3).long(), classes(6, 5), classes(3, 3)),
        lambda: F.ctc_loss(rows(5, 2, 4), torch.ones(2, 3).long(), classes(5, 5), classes(3, 3)),
    ),
    (
        "ctc_sizes",
        lambda: F.ctc_loss(rows(5, 2, 4), torch.ones(2, 3).long(), classes(5), classes(3)),
        lambda: F.ctc_loss(rows(5, 2, 4), torch.ones(2, 3).long(), classes(5, 5), classes(3, 3)),
    ),
    (
        "loss_dims",
        lambda: F.margin_ranking_loss(rows(2, 1), rows(2, 1), ONES),
        lambda: F.margin_ranking_loss(rows(2, 1), rows(2, 1), ONES.unsqueeze(1)),
    ),
    (
        "negative_variance",
        lambda: F.gaussian_nll_loss(ONES, ONES, -ONES),
        lambda: F.gaussian_nll_loss(ONES, ONES, F.softplus(-ONES)),
    ),
]
NETWORKS = [
    ("group_count", lambda: nn.Conv2d(3, 8, 3, groups=2), lambda: nn.Conv2d(4, 8, 3, groups=2)),
    ("group_count", lambda: nn.GroupNorm(3, 8), lambda: nn.GroupNorm(2, 8)),
    (
        "norm_vector",
        lambda: nn.GroupNorm(2, 8)(rows(2, 6, 4, 4)),
        lambda: nn.GroupNorm(2, 6)(rows(2, 6, 4, 4)),
    ),
    (
        "padding_same",
        lambda: nn.Conv2d(3, 8, 3, stride=2, padding="same"),
        lambda: nn.Conv2d(3, 8, 3, stride=2, padding=3 // 2),
    ),
    (
        "padding_room",
        lambda: nn.ConvTranspose2d(3, 8, 3, output_padding=2)(rows(1, 3, 4, 4)),
        lambda: nn.ConvTranspose2d(3, 8, 3, stride=2, padding=1, output_padding=1)(
            rows(1, 3, 4, 4)
        ),
    ),
    (
        "padding_room",
        lambda: F.max_pool2d(rows(1, 3, 8, 8), 2, padding=2),
        lambda: F.max_pool2d(rows(1, 3, 8, 8), 2, padding=1),
    ),
    ("layer_settings", lambda: nn.Conv2d(3, 8), lambda: nn.Conv2d(3, 8, kernel_size=3)),
    ("rnn_features", lambda: LSTM(rows(2, 3, 5)), lambda: nn.LSTM(5, 8)(rows(2, 3, 5))),
    ("rnn_features", lambda: LSTM(rows(2, 3, 5, 4)), lambda: LSTM(rows(2, 3, 4))),
    (
        "rnn_state_size",
        lambda: LSTM(rows(2, 3, 4), (rows(1, 2, 8),) * 2),
        lambda: LSTM(rows(2, 3, 4), (STATE, STATE)),
    ),
    (
        "rnn_state_size",
        lambda: nn.GRU(4, 8)(rows(2, 3, 4), rows(1, 8)),
        lambda: nn.GRU(4, 8)(rows(2, 3, 4), STATE),
    ),
    ("lstm_state", lambda: LSTM(rows(2, 3, 4), STATE), lambda: LSTM(rows(2, 3, 4), (STATE, STATE))),
    (
        "cell_state",
        lambda: nn.LSTMCell(4, 8)(rows(3, 4), rows(3, 8)),
        lambda: nn.LSTMCell(4, 8)(rows(3, 4), (rows(3, 8), rows(3, 8))),
    ),
    ("heads", lambda: nn.MultiheadAttention(6, 4), lambda: nn.MultiheadAttention(8, 4)),
    ("attention_features", lambda: attention(size=6), lambda: attention()),
    (
        "attention_features",
        lambda: nn.Transformer(8, 4, 1, 1, 16)(rows(5, 3, 8), rows(5, 2, 8)),
        lambda: nn.Transformer(8, 4, 1, 1, 16)(rows(5, 3, 8), rows(4, 3, 8)),
    ),
    (
        "attention_mask",
        lambda: attention(rows(3, 3)),
        lambda: attention(nn.Transformer.generate_square_subsequent_mask(5)),
    ),
    (
        "attention_mask",
        lambda: attention(rows(3, 3)),
        lambda: attention(nn.Transformer.generate_square_subsequent_mask(3), first=True),
    ),
    (
        "padding_mask",
        lambda: attention(padding=rows(5, 3).bool()),
        lambda: attention(padding=rows(5, 3).bool(), first=True),
    ),
    (
        "attention_mask_dtype",
        lambda: attention(rows(5, 5).long()),
        lambda: attention(rows(5, 5).long().bool()),
    ),
    (
        "attention_mask_dtype",
        lambda: F.scaled_dot_product_attention(*[rows(2, 5, 8)] * 3, attn_mask=rows(5, 5).long()),
        lambda: F.scaled_dot_product_attention(
            *[rows(2, 5, 8)] * 3, attn_mask=torch.ones(5, 5).bool()
        ),
    ),
    ("dropout_range", lambda: nn.Dropout(50), lambda: nn.Dropout(0.5)),
    (
        "not_a_module",
        lambda: nn.Sequential(nn.Linear(2, 2), F.relu),
        lambda: nn.Sequential(nn.Linear(2, 2), nn.ReLU()),
    ),
    (
        "lengths_kind",
        lambda: packed(torch.tensor([[5], [4]])),
        lambda: packed(torch.tensor([[5], [4]]).flatten()),
    ),
    ("lengths_range", lambda: packed(torch.tensor([5, 0])), lambda: packed(torch.tensor([5, 1]))),
    (
        "lengths_range",
        lambda: (
            packed(torch.tensor([5, 4]), batch_first=True, enforce_sorted=False)
            and packed(torch.tensor([5, 4, 3, 2, 1]))
        ),
        lambda: packed(torch.tensor([5, 4, 3, 2, 1]), batch_first=True),
    ),
    (
        "lengths_range",
        lambda: pad_packed_sequence(packed(torch.tensor([5, 4])), total_length=4),
        lambda: pad_packed_sequence(packed(torch.tensor([5, 4])), total_length=5),
    ),
    (
        "packed_used",
        lambda: packed(torch.tensor([5, 4])).shape,
        lambda: pad_packed_sequence(packed(torch.tensor([5, 4])))[0].shape,
    ),
    (
        "packed_used",
        lambda: pad_packed_sequence(rows(5, 2, 3)),
        lambda: pad_packed_sequence(packed(torch.tensor([5, 4]))),
    ),
]
CASES = [*OPTIMIZERS, *SAMPLING, *LOSSES, *NETWORKS]
