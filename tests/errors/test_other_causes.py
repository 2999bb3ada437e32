"""An error that has several causes: what is said holds of each, and one of the cures cures it."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import DataLoader, TensorDataset

from grader.errors import EXPLANATIONS
from tests.errors.told import cure_of, said_of


def test_a_loss_that_takes_three_tensors_is_told_of_three():
    a = torch.ones(2, 3)
    assert "anchor, positive and negative" in said_of(lambda: nn.TripletMarginLoss()(a, a)).cure
    called = said_of(lambda: F.cosine_embedding_loss(a, a))
    assert "the text names those that are missing" in called.meaning
    assert "F.cosine_embedding_loss(a, b, target)" in called.cure


def test_a_batch_of_a_loader_is_a_list_that_is_taken_apart():
    pairs = DataLoader(TensorDataset(torch.ones(4, 3), torch.ones(4)), batch_size=2)
    for batch in pairs:
        told = said_of(lambda batch=batch: nn.Linear(3, 2)(batch))
        assert type(batch) is list
        assert "for x, y in loader" in told.cure
    assert [nn.Linear(3, 2)(x).shape for x, _ in pairs] == [(2, 2)] * 2


def test_a_vector_of_jvp_has_the_shape_of_its_input():
    x, functional = torch.ones(3), torch.autograd.functional
    told = said_of(lambda: functional.jvp(lambda x: x.sum(), x))
    assert "to jvp, hvp and vhp of the input's" in told.cure
    assert functional.jvp(lambda x: x.sum(), x, torch.ones_like(x))[1] == 3


def test_a_sparse_gradient_and_weight_decay_do_not_go_together():
    def stepped(**settings):
        table = nn.Embedding(3, 2, sparse=True)
        optimizer = torch.optim.SGD(table.parameters(), lr=0.1, **settings)
        table(torch.tensor([0, 1])).sum().backward()
        optimizer.step()

    stepped(momentum=0.9)
    with pytest.raises(RuntimeError, match="sparse"):
        stepped(weight_decay=0.1)
    assert "SGD without weight_decay" in cure_of("sparse_gradients")


def test_samples_that_are_lists_of_numbers_are_padded_as_the_cure_says():
    samples = [([1, 2], 0), ([3], 1)]

    def collate(samples):
        xs, ys = zip(*samples, strict=True)
        padded = pad_sequence([torch.as_tensor(x) for x in xs], batch_first=True)
        return padded, torch.tensor(ys)

    told = said_of(lambda: next(iter(DataLoader([x for x, _ in samples], batch_size=2))))
    assert "nor lists of different lengths" in told.meaning
    assert "pad_sequence([torch.as_tensor(x) for x in xs], batch_first=True)" in told.cure
    (x, _) = next(iter(DataLoader(samples, batch_size=2, collate_fn=collate)))
    assert x.tolist() == [[1, 2], [3, 0]]


@pytest.mark.parametrize(
    ("multiplied", "fits"),
    [
        (lambda a, b: torch.bmm(a, b.mT), False),
        (lambda a, b: torch.bmm(a[:1], b), False),
        (torch.bmm, True),
        (torch.matmul, True),
    ],
)
def test_sizes_of_batch2_are_told_of_products_and_of_counts(multiplied, fits):
    a, b = torch.ones(2, 3, 4), torch.ones(2, 4, 5)
    if fits:
        assert multiplied(a, b).shape == (2, 3, 5)
    else:
        with pytest.raises(RuntimeError, match="first two dimensions of batch2"):
            multiplied(a, b)
    told = next(one for one in EXPLANATIONS if one.code == "product_dimensions")
    assert "the last size of A must be the last but one of B" in told.meaning
    assert "as many matrices in both" in told.meaning
