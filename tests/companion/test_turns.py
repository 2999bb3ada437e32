"""Several optimizers and several steps on the same results: what is said is of the right one."""

import torch
import torch.nn.functional as F
from torch import nn

from course import watch, why_no_grad


class Head(nn.Module):
    def __init__(self, trunk, sizes):
        super().__init__()
        self.trunk, self.out = trunk, nn.Linear(*sizes)

    def forward(self, x, detach=False):
        features = torch.tanh(self.trunk(x))
        return self.out(features.detach() if detach else features)


def _in_turns():
    """Two heads on a trunk that the first alone trains; a temperature has a step of its own."""
    trunk = nn.Linear(3, 4)
    first, second = Head(trunk, (4, 1)), Head(trunk, (4, 2))
    log_t = torch.tensor(0.1, requires_grad=True)
    of_first = torch.optim.SGD(first.parameters(), lr=0.1)
    of_second = torch.optim.SGD(second.parameters(), lr=0.1)
    of_t = torch.optim.SGD([log_t], lr=0.1)
    with watch():
        x = torch.rand(5, 3)
        of_first.zero_grad()
        F.mse_loss(first(x), x[:, :1]).backward()
        of_first.step()
        scores = second(x, detach=True)
        of_second.zero_grad()  # empties the trunk too
        F.cross_entropy(scores * log_t.detach().exp(), torch.zeros(5).long()).backward()
        of_second.step()
        of_t.zero_grad()
        (log_t.exp() * scores.detach().mean()).backward()
        of_t.step()
    return why_no_grad(trunk.weight)


def test_the_line_that_emptied_is_that_of_an_optimizer_that_holds_the_tensor():
    report = _in_turns()
    assert report.codes == ("emptied",), report
    assert "of_second.zero_grad()" in report.findings[0].place.text, report


def test_a_layer_that_two_models_share_is_counted_once():
    trunk = nn.Linear(3, 4)
    first, second = Head(trunk, (4, 1)), Head(trunk, (4, 2))
    optimizer = torch.optim.SGD([*first.parameters(), *second.out.parameters()], lr=0.1)
    with watch():
        x = torch.rand(5, 3)
        loss = first(x).square().mean() + second(x).square().mean()
        loss.backward()
        optimizer.step()
    assert "No gradient of 6 parameters is lost." in why_no_grad().about


def test_results_of_before_several_steps_on_them_do_not_grow():
    policy, old = nn.Linear(3, 2), nn.Linear(3, 2)
    optimizer = torch.optim.Adam(policy.parameters())
    with watch() as seen:
        states = [torch.rand(3) for _ in range(6)]
        kept = [old(one).log_softmax(0)[0] for one in states]  # with graphs that nobody uses
        for _ in range(4):
            now = torch.stack([policy(one).log_softmax(0)[0] for one in states])
            loss = -torch.exp(now - torch.stack(kept).detach()).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    assert "graphs_kept" not in seen.report().codes, seen
