"""What a text leaves open, the arguments of a call in the frames decide; and the cure cures."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.distributions import Bernoulli, Categorical, Normal
from torch.func import functional_call

from grader.errors import explain_error
from tests.errors.told import Programs

PROGRAMS = Programs()
told = PROGRAMS.told


@pytest.fixture(autouse=True)
def validating(monkeypatch):
    """Distributions look at their arguments: torch.compile ends that for the whole process."""
    monkeypatch.setattr("torch.distributions.Distribution._validate_args", True)


# One result that is handed to two functions, each with a backward of its own


class Adversaries:
    def __init__(self):
        torch.manual_seed(0)
        self.maker, self.judge = nn.Linear(2, 2), nn.Linear(2, 1)
        self.of_maker = torch.optim.SGD(self.maker.parameters(), 0.1)
        self.of_judge = torch.optim.SGD(self.judge.parameters(), 0.1)

    def judge_step(self, real, made):
        loss = F.softplus(-self.judge(real)).mean() + F.softplus(self.judge(made)).mean()
        self.of_judge.zero_grad()
        loss.backward()
        self.of_judge.step()

    def maker_step(self, made):
        loss = F.softplus(-self.judge(made)).mean()
        self.of_maker.zero_grad()
        loss.backward()
        self.of_maker.step()


def _two_steps(cut):
    pair = Adversaries()
    for _ in range(2):
        made = pair.maker(torch.ones(3, 2))
        if cut:
            pair.judge_step(torch.zeros(3, 2), made.detach())
        else:
            pair.judge_step(torch.zeros(3, 2), made)
        pair.maker_step(made)


@told(
    "second_backward",
    r"made went to pair\.judge_step\(\) before",
    "pair.judge_step(torch.zeros(3, 2), made)",
    "pair.judge_step(torch.zeros(3, 2), made.detach())",
    lambda: _two_steps(True),
)
def one_batch_in_two_methods():
    _two_steps(False)


# Parameters that a result was not computed from, in a dict


class TwoHeads(nn.Module):
    def __init__(self):
        super().__init__()
        self.body, self.mean, self.spread = nn.Linear(2, 3), nn.Linear(3, 1), nn.Linear(3, 1)

    def forward(self, x):
        return self.mean(self.body(x))


def _adapted(**options):
    model = TwoHeads()
    weights = dict(model.named_parameters())
    loss = functional_call(model, weights, (torch.ones(4, 2),)).square().mean()
    torch.autograd.grad(loss, list(weights.values()), **options)


@told(
    "unused",
    r"does not depend on model\.spread\.weight",
    "list(weights.values())",
    "allow_unused=True",
    lambda: _adapted(allow_unused=True),
)
def a_head_that_the_inner_loss_does_not_use():
    _adapted()


# A layer that was made without batch_first=True


def _encoded(x, mask, **options):
    encoder = nn.TransformerEncoderLayer(8, 2, dim_feedforward=16, **options)
    return encoder(x, src_key_padding_mask=mask)


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        layer = nn.TransformerEncoderLayer(8, 2, dim_feedforward=16)
        self.layers = nn.TransformerEncoder(layer, 1)

    def forward(self, x, mask):
        return self.layers(x, src_key_padding_mask=mask)


NO_PADDING = torch.zeros(4, 7, dtype=torch.bool)


@told(
    "padding_mask",
    r"takes the input for \(length, batch, features\), so 7 for the batch",
    "layer = nn.TransformerEncoderLayer(8, 2, dim_feedforward=16)",
    "nn.TransformerEncoderLayer(8, 2, dim_feedforward=16, batch_first=True)",
    lambda: _encoded(torch.ones(4, 7, 8), NO_PADDING, batch_first=True),
)
def an_encoder_whose_batch_comes_first():
    labels = torch.zeros(4)
    assert len(labels) == 4
    Encoder()(torch.ones(4, 7, 8), NO_PADDING)


@told(
    "padding_mask",
    r"the length comes first in it, and this layer takes \(4, 7\)",
    None,
    "mask.T",
    lambda: _encoded(torch.ones(4, 7, 8), NO_PADDING, batch_first=True),
)
def a_mask_whose_length_comes_first():
    _encoded(torch.ones(4, 7, 8), NO_PADDING.T, batch_first=True)


@pytest.mark.filterwarnings("ignore")
def test_without_a_batch_in_sight_both_orders_are_named():
    with pytest.raises(AssertionError) as raised:
        Encoder()(torch.ones(5, 6, 8), torch.zeros(5, 6, dtype=torch.bool))
    cure = explain_error(raised.value).cure
    assert "If the batch comes first in both" in cure, cure
    assert "Else: mask.T" in cure, cure


# Two calls of unscale_ in one step


class Scaled:
    def __init__(self):
        self.w = torch.ones(3, requires_grad=True)
        self.optimizer = torch.optim.SGD([self.w], lr=0.1)
        self.scaler = torch.amp.GradScaler("cpu")

    def note(self):
        self.scaler.unscale_(self.optimizer)
        self.size = self.w.grad.norm()

    def clip(self):
        self.scaler.unscale_(self.optimizer)  # again
        self.clip_alone()

    def clip_alone(self):
        nn.utils.clip_grad_norm_([self.w], 1.0)

    def step(self, clip):
        self.scaler.scale(self.w.sum()).backward()
        self.note()
        clip()
        self.scaler.step(self.optimizer)
        self.scaler.update()


def _scaled(again):
    one = Scaled()
    one.step(one.clip if again else one.clip_alone)


@told(
    "scaler_twice",
    r"were unscaled before in this step, at test_arguments\.py, line \d+",
    "self.scaler.unscale_(self.optimizer)  # again",
    "Leave this call out",
    lambda: _scaled(False),
)
def gradients_unscaled_to_be_noted_and_to_be_clipped():
    _scaled(True)


# What a layer gives, as the parameter of a distribution


def _scores():
    torch.manual_seed(0)
    return nn.Linear(4, 3)(torch.ones(2, 4)) - 1


def _positive():
    mean, std = torch.zeros(2, 3), _scores()
    return Normal(mean, F.softplus(std) + 1e-4)


@told(
    "bad_parameter",
    r"Normal wants every scale above 0\. std is what it was given, and \d of its 6",
    "return Normal(mean, std)",
    "Normal(mean, F.softplus(std) + 1e-4)",
    _positive,
)
def a_spread_that_a_layer_gives():
    mean, std = torch.zeros(2, 3), _scores()
    return Normal(mean, std)


@told(
    "bad_parameter",
    "the least is 0",
    "return Normal(0.0, scale=spread)",
    "Normal(0.0, scale=spread.clamp(1e-6))",
    lambda: Normal(0.0, scale=torch.zeros(3).clamp(1e-6)),
)
def a_spread_of_zero():
    spread = torch.zeros(3)
    return Normal(0.0, scale=spread)


@told(
    "bad_parameter",
    r"Categorical was given scores as probabilities, and the least",
    "return Categorical(scores)",
    "Categorical(logits=scores)",
    lambda: Categorical(logits=_scores()),
)
def scores_for_probabilities_of_classes():
    scores = torch.tensor([1.5, -0.5, 0.0], requires_grad=True)
    return Categorical(scores)


@told(
    "bad_parameter",
    r"Bernoulli was given scores as probabilities",
    "return Bernoulli(probs=scores)",
    "Bernoulli(logits=scores)",
    lambda: Bernoulli(logits=_scores()),
)
def scores_for_probabilities_of_a_yes():
    scores = _scores()
    return Bernoulli(probs=scores)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("program", PROGRAMS)
def test_the_arguments_decide_and_the_cure_cures(program):
    program.is_explained()
