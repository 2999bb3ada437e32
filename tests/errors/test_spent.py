"""A graph that is used up: by a pass in front of a loop, by the pass before, or as a target's.

And a batch, a target and an edit, of which a fact near by decides what is said.
"""

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset, default_collate

from grader.errors import explain_error
from tests.errors.told import Programs

PROGRAMS = Programs()
told = PROGRAMS.told


# Used up in front of the loop


def _sketches(cut):
    painter, critic = nn.Sequential(nn.Linear(2, 4), nn.Tanh()), nn.Linear(4, 1)
    of_painter = torch.optim.SGD(painter.parameters(), 0.1)
    of_critic = torch.optim.SGD(critic.parameters(), 0.1)
    for _ in range(3):
        of_painter.zero_grad()
        sketch = painter(torch.ones(5, 2))
        praise = -critic(sketch).tanh().mean()
        praise.backward()
        of_painter.step()
    for _ in range(2):
        of_critic.zero_grad()
        verdict = critic(sketch.detach() if cut else sketch).pow(2).mean()
        verdict.backward()
        of_critic.step()


def _sketches_whole():
    painter, critic = nn.Sequential(nn.Linear(2, 4), nn.Tanh()), nn.Linear(4, 1)
    of_painter = torch.optim.SGD(painter.parameters(), 0.1)
    of_critic = torch.optim.SGD(critic.parameters(), 0.1)
    for _ in range(3):
        of_painter.zero_grad()
        sketch = painter(torch.ones(5, 2))
        praise = -critic(sketch).tanh().mean()
        praise.backward()
        of_painter.step()
    for _ in range(2):
        of_critic.zero_grad()
        verdict = critic(sketch).pow(2).mean()
        verdict.backward()
        of_critic.step()


@told(
    "second_backward",
    r"praise\.backward\(\) .* went back through that and freed it",
    "sketch = painter",
    "moves nothing that sketch is computed of: detach it where it is used here: "
    "critic(sketch.detach())",
    lambda: _sketches(cut=True),
)
def a_result_that_the_other_loop_used_up():
    _sketches_whole()


def _probes(anew):
    body, head = nn.Sequential(nn.Linear(3, 4), nn.Sigmoid()), nn.Linear(4, 2)
    optimizer = torch.optim.Adam([*body.parameters(), *head.parameters()])
    coded = body(torch.ones(4, 3))
    warm = coded.pow(2).mean()
    warm.backward()
    for _ in range(2):
        if anew:
            coded = body(torch.ones(4, 3))
        loss = head(coded).pow(2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def _probes_once():
    body, head = nn.Sequential(nn.Linear(3, 4), nn.Sigmoid()), nn.Linear(4, 2)
    optimizer = torch.optim.Adam([*body.parameters(), *head.parameters()])
    coded = body(torch.ones(4, 3))
    warm = coded.pow(2).mean()
    warm.backward()
    for _ in range(2):
        loss = head(coded).pow(2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


@told(
    "second_backward",
    r"warm\.backward\(\)",
    "coded = body",
    "This loss trains what coded is computed of: compute coded anew",
    lambda: _probes(anew=True),
)
def a_result_that_is_trained_in_the_loop_too():
    _probes_once()


def _told_apart(cut):
    body, task = nn.Sequential(nn.Linear(3, 4), nn.Tanh()), nn.Linear(4, 2)
    guesser = nn.Linear(4, 2)
    of_task = torch.optim.SGD([*body.parameters(), *task.parameters()], 0.1)
    of_guesser = torch.optim.SGD(guesser.parameters(), 0.1)
    coded = body(torch.ones(5, 3))
    loss = task(coded).square().mean()
    of_task.zero_grad()
    loss.backward()
    of_task.step()
    for _ in range(2):
        guess = guesser(coded.detach() if cut else coded).square().mean()
        of_guesser.zero_grad()
        guess.backward()
        of_guesser.step()


@told(
    "second_backward",
    r"loss\.backward\(\) .* freed it",
    "coded = body",
    "moves nothing that coded is computed of: detach it where it is used here",
    lambda: _told_apart(cut=True),
)
def a_code_that_a_task_has_used_up():
    _told_apart(cut=False)


# Several things that a loop carries on, each made by a line of its own


def _refined(cut):
    coder, maker = nn.Linear(6, 3), nn.Sequential(nn.Linear(3, 3), nn.Tanh())
    code, made = None, torch.zeros(2, 3)
    for _ in range(3):
        change = coder(torch.cat([torch.ones(2, 3), made], 1))
        code = change if code is None else code + change
        made = maker(code)
        made.pow(2).mean().backward()
        if cut:
            made, code = made.detach(), code.detach()


def _refined_whole():
    coder, maker = nn.Linear(6, 3), nn.Sequential(nn.Linear(3, 3), nn.Tanh())
    code, made = None, torch.zeros(2, 3)
    for _ in range(3):
        change = coder(torch.cat([torch.ones(2, 3), made], 1))
        code = change if code is None else code + change
        made = maker(code)
        loss = made.pow(2).mean()
        loss.backward()


@told(
    "second_backward",
    "come from an earlier step",
    None,
    ".detach(), ",
    lambda: _refined(cut=True),
)
def two_states_of_two_lines():
    _refined_whole()


# Rows of a target that has a graph


def _batches(*all_of, size):
    for start in range(0, len(all_of[0]), size):
        yield tuple(one[start : start + size] for one in all_of)


def _fitted(cut):
    true = torch.ones(2, 1, requires_grad=True)
    inputs, weight = torch.ones(6, 2), torch.zeros(2, 1, requires_grad=True)
    labels = (inputs @ true).exp()
    if cut:
        labels = labels.detach()
    for x, y in _batches(inputs, labels, size=2):
        loss = (x @ weight - y).pow(2).sum()
        loss.backward()
        with torch.no_grad():
            weight -= 0.01 * weight.grad
            weight.grad = None


@told(
    "second_backward",
    "No optimizer holds what labels is computed of",
    None,
    "labels = labels.detach(). Or make true without requires_grad=True",
    lambda: _fitted(cut=True),
)
def labels_with_a_graph():
    _fitted(cut=False)


def _scored(optimizer_holds):
    coder, head = nn.Sequential(nn.Linear(2, 3), nn.Tanh()), nn.Linear(3, 1)
    held = [*coder.parameters(), *head.parameters()] if optimizer_holds else head.parameters()
    optimizer = torch.optim.SGD(held, 0.1)
    for row in coder(torch.ones(4, 2)):
        optimizer.zero_grad()
        head(row).pow(2).sum().backward()
        optimizer.step()


def test_rows_that_an_optimizer_trains_are_no_target():
    with pytest.raises(RuntimeError) as raised:
        _scored(optimizer_holds=True)
    assert "is data" not in explain_error(raised.value).cure


# Entries of a batch that are taken one by one


class _Scenes(Dataset):
    def __len__(self):
        return 4

    def __getitem__(self, number):
        return torch.ones(3, 8, 8), torch.ones(number + 1, 4)


def _nearest(guesses, found):
    return sum(
        torch.cdist(one, two).min(0).values.mean() for one, two in zip(guesses, found, strict=True)
    )


def _located(collate=None):
    net = nn.Sequential(nn.Flatten(), nn.Linear(192, 8), nn.Unflatten(1, (2, 4)))
    for images, boxes in DataLoader(_Scenes(), batch_size=2, collate_fn=collate):
        _nearest(net(images), boxes).backward()


def _listed(samples):
    return default_collate([one[0] for one in samples]), [one[1] for one in samples]


@told(
    "batch_sizes",
    r"different shapes in entry \[1\]",
    None,
    "found is taken sample by sample",
    lambda: _located(_listed),
)
def boxes_that_a_loss_takes_image_by_image():
    _located()


class _Named(_Scenes):
    def __getitem__(self, number):
        image, boxes = super().__getitem__(number)
        return {"image": image, "boxes": boxes}


def _collated(samples):
    images = [{"image": one["image"]} for one in samples]
    return default_collate(images) | {"boxes": [one["boxes"] for one in samples]}


def _by_name(collate=None):
    net = nn.Sequential(nn.Flatten(), nn.Linear(192, 8), nn.Unflatten(1, (2, 4)))
    for _, batch in enumerate(DataLoader(_Named(), batch_size=2, collate_fn=collate)):
        guesses = net(batch["image"])
        for one, two in zip(guesses, batch["boxes"], strict=True):
            torch.cdist(one, two).mean().backward(retain_graph=True)


@told(
    "batch_sizes",
    r"different shapes in entry \['boxes'\]",
    None,
    "batch['boxes'] is taken sample by sample",
    lambda: _by_name(_collated),
)
def boxes_of_a_dict_that_a_loop_takes_one_by_one():
    _by_name()


def test_what_a_model_takes_whole_is_padded():
    net = nn.Linear(4, 2)

    def train():
        for _, boxes in DataLoader(_Scenes(), batch_size=2):
            net(boxes).mean().backward()

    with pytest.raises(RuntimeError) as raised:
        train()
    assert "pad_sequence" in explain_error(raised.value).cure


# A target that several lines use


def _judged(labels):
    judge = nn.Sequential(nn.Linear(2, 1), nn.Sigmoid())
    loss = nn.BCELoss()
    real = torch.ones(labels)
    if labels == (4, 1):
        real = real.reshape(4, 1)
    of_maker = loss(judge(torch.ones(4, 2)), real)
    of_judge = loss(judge(torch.zeros(4, 2)), real)
    (of_maker + of_judge).backward()


def _judged_flat():
    judge = nn.Sequential(nn.Linear(2, 1), nn.Sigmoid())
    loss = nn.BCELoss()
    real = torch.ones(4)
    of_maker = loss(judge(torch.ones(4, 2)), real)
    of_judge = loss(judge(torch.zeros(4, 2)), real)
    (of_maker + of_judge).backward()


@told(
    "target_shape",
    r"real has the shape \(4,\), and judge\(torch\.ones\(4, 2\)\)",
    "real = torch.ones(4)",
    "real = real.unsqueeze(-1) behind it",
    lambda: _judged((4, 1)),
)
def labels_of_two_losses():
    _judged_flat()


# What was edited: the tensor itself, not a part of it


class _Summed(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.eye(3))

    def forward(self, given):
        total, state = 0, self.weight @ given
        for row in range(3):
            state[row] = state[row] + 1
            total = total + self.weight @ state
        return total


class _SummedOfCopies(_Summed):
    def forward(self, given):
        total, state = 0, self.weight @ given
        for row in range(3):
            new = state[row] + 1
            state = state.clone()
            state[row] = new
            total = total + self.weight @ state
        return total


@told(
    "modified",
    "saved state, and",
    "state[row] = state[row] + 1",
    "state = state.clone()",
    lambda: _SummedOfCopies()(torch.ones(3, 1)).sum().backward(),
)
def a_whole_tensor_that_a_loop_writes_into():
    net = _Summed()
    loss = net(torch.ones(3, 1)).sum()
    loss.backward()


@pytest.mark.parametrize("program", PROGRAMS)
def test_what_is_near_by_decides(program):
    program.is_explained()
