"""A cure ends the error, and the gradient is the one that was wanted: what else would end it."""

import copy

import pytest
import torch
import torch.nn.functional as F
from torch import nn, optim
from torch.distributions import Categorical, MixtureSameFamily, Normal
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from tests.errors.told import Programs, cure_of, said_of

PROGRAMS = Programs()
told = PROGRAMS.told


@told(
    "index_dtype",
    "keep is the index here, and it is float32",
    None,
    "keep.bool() chooses where it is 1; keep.long() would choose rows 0 and 1",
    lambda: None,
)
def a_mask_of_floats():
    x = torch.arange(8.0).reshape(4, 2)
    keep = (x[:, 0] > 3).float()
    return x[keep]


@told(
    "index_dtype",
    "rows is the index here",
    None,
    "Convert it where it is used: rows.long()",
    lambda: None,
)
def numbers_of_rows_as_floats():
    x = torch.arange(8.0).reshape(4, 2)
    rows = torch.tensor([0.0, 1.0])
    return x[rows]


def test_a_mask_of_floats_trains_the_rows_that_it_marks():
    x = torch.arange(8.0).reshape(4, 2)
    keep = (x[:, 0] > 3).float()
    trained = {}
    for way in "bool", "long":
        w = torch.ones(4, 2, requires_grad=True)
        w[getattr(keep, way)()].sum().backward()
        trained[way] = w.grad[:, 0].tolist()
    assert trained["bool"] == keep.tolist()
    assert trained["long"] == [2.0, 2.0, 0.0, 0.0]


@told(
    "assigned_grad",
    r"\.grad holds None or a tensor",
    "w.grad = g",
    "reshape would give its entries to others",
    lambda: None,
)
def a_turned_gradient():
    w = nn.Parameter(torch.zeros(2, 3))
    g = torch.arange(6.0).reshape(3, 2)
    w.grad = g


@told(
    "assigned_grad",
    r"\.grad holds None or a tensor",
    "w.grad = g",
    "Write w.grad = (g).reshape(w.shape).",
    lambda: None,
)
def a_gradient_that_differs_by_a_one():
    w = nn.Parameter(torch.zeros(3, 1))
    g = torch.arange(3.0)[None]
    w.grad = g


def test_a_turned_gradient_is_turned_back_and_not_reshaped():
    w, x = torch.randn(2, 3, requires_grad=True), torch.randn(4, 3)
    upstream = torch.randn(4, 2)
    (wanted,) = torch.autograd.grad(x @ w.T, w, upstream)
    turned = x.T @ upstream
    assert turned.T.allclose(wanted)
    assert not turned.reshape(w.shape).allclose(wanted)


@told(
    "integer_grad",
    "hits holds int64, the places that argmax chose",
    "hits.requires_grad_()",
    "compute the loss from out in the place of hits",
    lambda: None,
)
def the_flag_of_an_argmax():
    out = torch.randn(3, 4, requires_grad=True)
    hits = out.argmax(1)
    hits.requires_grad_()


def test_the_flag_of_a_count_trains_nothing():
    scores = nn.Linear(2, 3)
    found = scores(torch.ones(4, 2)).argmax(1).float().requires_grad_()
    found.mean().backward()
    assert scores.weight.grad is None
    F.cross_entropy(scores(torch.ones(4, 2)), torch.tensor([0, 1, 2, 0])).backward()
    assert scores.weight.grad.abs().sum() > 0
    cure = cure_of("integer_grad")
    assert "the flag does not bring it back" in cure
    out = torch.randn(3, 4, requires_grad=True)
    made = {"argmax": out.argmax(1), "a comparison": out > 0, ".long()": out.long()}
    assert all(name in cure and not t.requires_grad for name, t in made.items())
    assert out.round().requires_grad  # a rounded tensor keeps its graph, and its slope is 0
    assert "round" not in cure


def _doubled():
    """The one line here that computes from a tensor that is made to require grad in it."""
    w = torch.ones(2, requires_grad=True) * 2
    return w  # noqa: RET504 - a reader's line, which the frames find by its name


@told(
    "non_leaf_parameter",
    r"spread is the result of an operation on raw, and no leaf: spread = raw.exp\(\)",
    "spread = raw.exp()",
    "Give the optimizer raw in its place, and compute spread from it anew in every step",
    lambda: optim.SGD([nn.Parameter(torch.zeros(3))], lr=0.1),
)
def a_spread_that_is_computed_from_a_parameter():
    raw = nn.Parameter(torch.zeros(3))
    spread = raw.exp()
    return optim.SGD([spread], lr=0.1)


@pytest.mark.parametrize("used", [False, True])
def test_a_leaf_is_trained_where_the_loss_is_computed_from_it(used):
    t = _doubled()
    leaf = t.detach().requires_grad_()
    step = optim.SGD([leaf], lr=0.1)
    (leaf if used else t).sum().backward()
    step.step()
    assert (leaf.tolist() != [2.0, 2.0]) == used
    assert "compute the loss from this t" in cure_of("non_leaf_parameter")


def _out(made_from_rows):
    rows, index = torch.tensor([[0.6], [0.7]], requires_grad=True), torch.tensor([0, 0])
    if made_from_rows:
        return rows.new_zeros(2, 1).index_add_(0, index, rows)
    out = torch.zeros(2, 1, dtype=torch.long)
    return out.index_add_(0, index, rows.to(out.dtype))


def test_what_is_written_into_integers_loses_its_graph():
    assert _out(True).requires_grad
    assert _out(True).sum().item() == pytest.approx(1.3)
    assert not _out(False).requires_grad
    assert cure_of("scalar_types").startswith("Make out from it: rows.new_zeros(n, d)")


def test_of_integers_and_weights_the_integers_are_converted():
    x, w = torch.tensor([[1, 2]]), torch.full((2, 1), 0.5, requires_grad=True)
    assert (x.to(w.dtype) @ w).requires_grad
    assert not (x @ w.to(x.dtype)).requires_grad
    assert "convert the integers" in cure_of("dtype")


@pytest.mark.parametrize("code", ["assigned_kind", "text_in_formula"])
def test_a_list_of_tensors_is_stacked(code):
    a = torch.ones((), requires_grad=True)
    assert torch.stack([a, a]).requires_grad
    assert not torch.tensor([a.item(), a.item()]).requires_grad
    assert "torch.stack(" in cure_of(code)


def _mixture():
    weights = torch.tensor([0.2, -0.3])
    means, spreads = torch.tensor([-1.0, 2.0]), torch.tensor([0.5, 1.5], requires_grad=True)
    return spreads, MixtureSameFamily(Categorical(logits=weights), Normal(means, spreads))


def _slope(of, spreads):
    return torch.autograd.grad(of, spreads, retain_graph=True)[0]


def test_an_entropy_is_trained_by_samples_of_what_has_no_rsample():
    torch.manual_seed(0)
    spreads, dist = _mixture()
    line = torch.linspace(-20, 20, 20001)
    exact = dist.log_prob(line)
    wanted = _slope(-torch.trapezoid(exact.exp() * exact, line), spreads)
    p = dist.log_prob(dist.sample((200_000,)))
    assert _slope(-(p.detach() * p).mean(), spreads).allclose(wanted, atol=0.02)
    assert _slope(-p.mean(), spreads).abs().max() < 0.02 < wanted.abs().min() / 4
    assert "-(p.detach() * p).mean()" in cure_of("no_closed_form")


def test_a_divergence_is_trained_by_samples_of_what_has_no_rsample():
    torch.manual_seed(0)
    (spreads, p), q = _mixture(), Normal(0.5, 1.0)
    line = torch.linspace(-20, 20, 20001)
    exact = p.log_prob(line)
    wanted = _slope(torch.trapezoid(exact.exp() * (exact - q.log_prob(line)), line), spreads)
    x = p.sample((200_000,))
    d = p.log_prob(x) - q.log_prob(x)
    assert _slope((d.detach() * p.log_prob(x)).mean(), spreads).allclose(wanted, atol=0.05)
    assert _slope(d.mean(), spreads).abs().max() < 0.02 < wanted.abs().min() / 4
    assert "(d.detach() * p.log_prob(x)).mean()" in cure_of("no_divergence")


def test_names_that_the_model_has_not_are_passed_over_without_strict():
    model, w = nn.Linear(2, 1), torch.ones(1, 2, requires_grad=True)
    call, x = torch.func.functional_call, torch.ones(1, 2)
    right, wrong = call(model, {"weight": w}, (x,)), call(model, {"layer_weight": w}, (x,))
    assert torch.autograd.grad(right, w, allow_unused=True)[0] is not None
    assert torch.autograd.grad(wrong, w, allow_unused=True)[0] is None
    assert "would run with its own weights" in cure_of("functional_names")


def test_argmax_keeps_one_of_several_labels():
    labels, scores = torch.tensor([[1, 0, 1]]), torch.zeros(1, 3, requires_grad=True)
    with pytest.raises(RuntimeError, match="class probabilities"):
        F.cross_entropy(scores, labels)
    one = torch.autograd.grad(F.cross_entropy(scores, labels.argmax(1)), scores)[0]
    each = F.binary_cross_entropy_with_logits(scores, labels.float())
    assert one.sign().tolist() == [[-1.0, 1.0, 1.0]]
    assert torch.autograd.grad(each, scores)[0].sign().tolist() == [[-1.0, 1.0, -1.0]]
    assert "argmax would keep one of them" in cure_of("target_probabilities")


def test_a_state_whose_names_are_all_others_loads_nothing_without_strict():
    saved, model = nn.Sequential(nn.Linear(2, 1)), nn.Linear(2, 1)
    before = copy.deepcopy(model.state_dict())
    found = model.load_state_dict(saved.state_dict(), strict=False)
    assert all(torch.equal(one, before[name]) for name, one in model.state_dict().items())
    assert set(found.missing_keys) == set(before)
    assert "read what load_state_dict returns" in cure_of("state_dict_keys")


def test_a_state_made_for_the_wrong_dimension_mixes_the_samples():
    torch.manual_seed(0)
    rnn, x = nn.RNN(2, 3), torch.randn(4, 5, 2, requires_grad=True)
    with pytest.raises(RuntimeError, match="hidden"):
        rnn(x, x.new_zeros(1, 4, 3))
    samples = {}
    for first in False, True:
        rnn.batch_first = first
        out = rnn(x, x.new_zeros(1, 4 if first else 5, 3))[0]
        (grad,) = torch.autograd.grad(out[3].sum(), x)
        samples[first] = grad.abs().sum((1, 2)).count_nonzero().item()
    assert samples == {False: 4, True: 1}
    assert cure_of("rnn_state_size").startswith("If the batch comes first in the input")


class _Stream(IterableDataset):
    def __init__(self, shares):
        self.shares = shares

    def __iter__(self):
        worker = get_worker_info()
        return iter(range(worker.id, 4, worker.num_workers) if self.shares else range(4))


@pytest.mark.parametrize("shares", [False, True])
def test_a_stream_is_shared_out_among_workers(shares):
    loader = DataLoader(_Stream(shares), batch_size=None, num_workers=2)
    assert sorted(int(one) for one in loader) == sorted([*range(4)] * (1 if shares else 2))
    for code in "no_length", "no_len_method":
        assert "get_worker_info()" in cure_of(code)


def test_a_loader_that_is_begun_anew_gives_its_first_batch_again():
    loader = DataLoader(torch.arange(4), batch_size=2)
    assert [next(iter(loader)).tolist() for _ in range(2)] == [[0, 1], [0, 1]]
    assert "begins anew each time" in cure_of("loader_used")
    assert "begins anew each time" in cure_of("next_method")


def test_two_lengths_are_not_lined_up_by_unsqueeze():
    a, b = torch.ones(4, requires_grad=True), torch.zeros(3)
    found = said_of(lambda: a - b)
    assert found.code == "sizes"
    assert (a[:, None] - b).shape == (4, 3)
    for cure in found.cure, cure_of("sizes"):
        assert "pair each entry with every other" in cure


def test_an_edit_of_a_reshaped_copy_does_not_reach_the_tensor():
    x = torch.zeros(2, 3)
    found = said_of(lambda: x.t().view(-1))
    x.t().reshape(-1)[0] = 5.0
    assert x.sum() == 0
    for cure in found.cure, cure_of("view_stride"):
        assert "not reach the tensor" in cure


def test_a_summand_of_each_rank_is_added_up_and_not_averaged():
    w, parts = torch.tensor(0.5, requires_grad=True), torch.tensor([2.0, 3.0])
    (wanted,) = torch.autograd.grad((w * parts.sum()).square(), w)
    of_ranks = []
    for mine, others in (0, 1), (1, 0):
        total = w * parts[mine] + (w * parts[others]).detach()
        of_ranks.append(torch.autograd.grad(total.square(), w)[0])
    assert sum(of_ranks) == wanted
    assert torch.stack(of_ranks).mean() == wanted / 2
    assert "too small by the number of ranks" in cure_of("warned_collective")


def test_a_lazy_model_with_a_batchnorm_wants_more_than_one_sample():
    net, x = nn.Sequential(nn.LazyLinear(3), nn.LazyBatchNorm1d()), torch.randn(4, 2)
    assert net(x).shape == (4, 3)
    assert "model(x)." in cure_of("lazy")


def test_a_copy_that_is_to_hand_gradients_back_is_a_clone():
    x = torch.ones(2, requires_grad=True)
    t = x * 2
    assert said_of(lambda: copy.deepcopy(t)).code == "deepcopy"
    (grad,) = torch.autograd.grad(t.clone().sum(), x)
    assert grad.tolist() == [2.0, 2.0]
    assert not t.detach().clone().requires_grad
    assert "t.clone() where gradients are to flow" in cure_of("deepcopy")


def test_softmax_of_images_goes_along_their_channels():
    scores = torch.randn(1, 2, 3, 4)
    with pytest.warns(UserWarning, match="Implicit dimension"):
        implicit = F.softmax(scores)
    assert torch.equal(implicit, scores.softmax(1))
    assert not implicit.allclose(scores.softmax(-1))
    assert "dim=1 for the scores of images" in cure_of("warned_softmax")


@pytest.mark.parametrize("hidden", [-torch.inf, torch.finfo(torch.float32).min])
@pytest.mark.parametrize("dropped", [False, True])
def test_a_row_that_hides_all_is_dropped_whatever_it_was_filled_with(hidden, dropped):
    scores, mask = torch.zeros(2, 2), torch.tensor([[True, False], [True, True]])
    values, empty = torch.ones(2, 1, requires_grad=True), mask.all(1, keepdim=True)
    shown = mask & ~empty if hidden == -torch.inf else mask
    out = scores.masked_fill(shown, hidden).softmax(1) @ values
    (torch.where(empty, 0.0, out) if dropped else out).sum().backward()
    assert (values.grad.flatten().tolist() == [0.0, 1.0]) == dropped


def test_to_skip_a_gradient_that_is_none_leaves_its_parameter_untrained():
    a, b = nn.Linear(2, 2), nn.Linear(2, 1)
    begun = copy.deepcopy(a)

    def step(skips):
        b(a(torch.ones(1, 2)).detach()).sum().backward()
        with torch.no_grad():
            for p in [*b.parameters(), *a.parameters()]:
                if p.grad is not None or not skips:
                    p -= 0.1 * p.grad

    found = said_of(lambda: step(False))
    assert "to skip it would leave it untrained" in found.cure
    step(True)
    assert all(torch.equal(*pair) for pair in zip(a.parameters(), begun.parameters(), strict=True))
    assert "to skip it would leave it untrained" in cure_of("none_used")


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_frames_say_which_cure_trains_rightly(program):
    program.is_explained()
