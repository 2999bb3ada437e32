"""What a mistake's sentence says of its cause, held against answers that have another cause."""

import math

import pytest
import torch
from torch import nn

from grader.engine.catalogue import PUBLIC_SEED, find, tasks
from grader.notebook.checking import verdict_on
from grader.trusted.key import key_of
from grader.trusted.live import LiveAnswers

COPIED = ".values_copied_out"


def said_of(exercise, answer):
    """The code and the sentence of the one finding on an answer."""
    (finding,) = verdict_on(find(exercise), [answer]).findings
    return finding.code.removeprefix(f"{exercise}."), finding.message


def of_a_used_up_generator(model, head, lr_body, lr_head, wd):
    parameters = model.parameters()
    assert list(parameters)
    return torch.optim.SGD(parameters, lr=lr_body)


def of_a_doubled_loss(model, opt, loss_fn, x, y):
    opt.zero_grad()
    loss = loss_fn(model(x), y)
    (2 * loss).backward()
    opt.step()
    return loss.item()


def of_one_batch(model, opt, sched, loss_fn, batches, max_norm):
    losses = []
    for x, y in batches:
        opt.zero_grad()
        loss = loss_fn(model(x), y)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), max_norm)
        opt.step()
        sched.step()
        losses.append(loss.item())
        break
    return losses


def into_a_dict(model, state):
    own = model.state_dict()
    fits = {n: t for n, t in state.items() if n in own and own[n].shape == t.shape}
    own.update(fits)
    return [name for name in own if name not in fits]


class ParametersInAList(nn.Module):
    def __init__(self, n_in, n_out, bias=True):
        super().__init__()
        self.numbers = [nn.Parameter(torch.rand(n_out, n_in)), nn.Parameter(torch.rand(n_out))]


class LayersInADict(nn.Module):
    def __init__(self, length, width, depth):
        super().__init__()
        self.layers = {i: nn.Linear(width, width) for i in range(depth)}
        self.scale = nn.Parameter(torch.ones(width))
        mask = torch.tril(torch.ones(length, length))
        self.register_buffer("mask", mask, persistent=False)

    def forward(self, x):
        for layer in self.layers.values():
            x = torch.tanh(layer(x))
        return self.mask @ (x * self.scale) / self.mask.sum(1, keepdim=True)


class LayerGivenFirst(nn.Module):
    def __init__(self, n_in, n_hidden, n_out):
        self.first = nn.Linear(n_in, n_hidden)
        super().__init__()


class TanhOfX(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, k):
        ctx.save_for_backward(x.data)
        ctx.k = k
        return torch.tanh(k * x)

    @staticmethod
    def backward(ctx, arriving):
        (x,) = ctx.saved_tensors
        return arriving * ctx.k * (1 - torch.tanh(ctx.k * x) ** 2), None


def by_another_generator(n, fracs, generator):
    sizes = [math.floor(n * frac) for frac in fracs]
    sizes = [size + (k < n - sum(sizes)) for k, size in enumerate(sizes)]
    another = torch.Generator().manual_seed(generator.initial_seed())
    return list(torch.randperm(n, generator=another).split(sizes))


@pytest.mark.parametrize(
    ("exercise", "answer", "code", "words"),
    [
        ("param_groups", of_a_used_up_generator, "sorted_by_type", "gives everything once"),
        ("load_matching", into_a_dict, "nothing_loaded", "the dict that state_dict() gave"),
        ("order_the_lines", of_one_batch, "first_batch_alone", "a `return` or a `break`"),
        ("train_step", of_a_doubled_loss, "two_backward_passes", "or you doubled the loss"),
        ("linear_module", ParametersInAList, "plain_tensors", "or lie in a plain list"),
        ("registration", LayersInADict, "layers_in_a_list", "tuple or dict"),
        ("fix_mlp", LayerGivenFirst, "layers_before_the_initialiser", "You gave a layer to self"),
        ("kept_result", TanhOfX.apply, "x_on_ctx", "or as x.data, whose edits are counted apart"),
        ("split_indices", by_another_generator, "generator_restarted", "another one of that seed"),
    ],
)
def test_a_sentence_names_each_cause_that_shows_as_its_mistake_does(exercise, answer, code, words):
    found, sentence = said_of(exercise, answer)
    assert found == code
    assert words in sentence


def test_where_nothing_reaches_an_argument_no_grad_is_among_the_causes():
    known = {task.id: key_of(task).mistakes(task.functions) for task in tasks().values()}
    told = [m.message for mistakes in known.values() for m in mistakes if m.code.endswith(COPIED)]
    assert len(told) > 7
    assert all("no_grad()" in sentence for sentence in told)


def test_a_layer_may_be_made_before_the_initialiser_runs_and_not_be_given():
    class Net(nn.Module):
        def __init__(self):
            layer = nn.Linear(2, 3)
            super().__init__()
            self.first = layer

    assert len(list(Net().parameters())) == 2


def test_a_view_of_rows_that_lie_in_another_order_is_no_error_where_one_stride_leads_through():
    """In one case of the exercise the batch is the last axis in memory, and view works there."""
    task = tasks()["flatten_batch"]
    answers = LiveAnswers(task, key_of(task), PUBLIC_SEED, "cpu")
    raised = [
        case.params["layout"]
        for case in task.cases()
        if answers.mistaken("flatten_batch.viewed", case).error is not None
    ]
    assert set(raised) == {"second axis last"}


def test_a_piece_of_padding_alone_makes_the_loss_nan_and_no_gradient():
    task = tasks()["accumulate_tokens"]
    answers = LiveAnswers(task, key_of(task), PUBLIC_SEED, "cpu")
    for code in ("means_added", "nan_from_padding_alone", "weighed_by_rows", "mean_of_all_means"):
        for case in task.cases():
            found = answers.mistaken(f"accumulate_tokens.{code}", case).values
            assert (found["loss"] != found["loss"]) == (0 in case["kept"])
            assert found["w.grad"].isfinite().all()


def test_of_a_class_whose_probability_is_rounded_to_0_torchs_distributions_lose_the_gradient():
    student = torch.tensor([[1.0, 0.0, -200.0]], requires_grad=True)
    teacher = torch.tensor([[0.0, 1.0, 0.5]])
    key = key_of(tasks()["distillation"])
    found, right = (
        torch.autograd.grad(loss(student, teacher, 1.0), student)[0]
        for loss in (key.infinite_by_torchs_distributions, key.reference)
    )
    assert found[0, 2] == 0
    assert found.any()
    assert not torch.isclose(found, right).any()


def test_positions_are_compared_with_one_that_was_counted_from_the_front():
    t, at = torch.arange(5), torch.arange(5)
    assert t[at != -1].tolist() == [0, 1, 2, 3, 4]
    assert t[at != -1 % len(t)].tolist() == [0, 1, 2, 3]
    task = tasks()["remove_at"]
    told = [mistake.message for mistake in key_of(task).mistakes(task.functions)]
    cures = [text for text in told if "Compare positions" in text]
    assert cures
    assert all("!= i % len(t)" in text for text in cures)


def test_without_its_factor_a_distillation_has_a_small_gradient_where_the_temperature_is_large():
    student = torch.tensor([[10.0, 0, 0]], dtype=torch.float64, requires_grad=True)
    teacher = torch.tensor([[12.0, 0, 0]], dtype=torch.float64)
    loss = key_of(tasks()["distillation"]).reference

    def length(temperature):
        without = loss(student, teacher, temperature) / temperature**2
        return torch.autograd.grad(without, student)[0].norm().item()

    assert length(1.0) < length(2.0) < length(5.0)  # both are sure: it grows at first
    assert length(200.0) == pytest.approx(length(100.0) / 4, rel=0.05)


def test_of_tied_numbers_any_are_kept_by_an_answer_that_edits_x_too():
    def emptied(x, k):
        x.data.scatter_(1, x.abs().argsort(1)[:, : x.shape[1] - k], 0)
        return x * 1

    findings = verdict_on(find("topk_mask"), [emptied]).findings
    assert "SIDE.input" in {finding.code for finding in findings}
    assert "ties for the last place" not in {finding.case for finding in findings}
