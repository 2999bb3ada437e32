"""Answers that look right and are not: each is refused, and by the sentence that names it."""

import copy
import functools
import re

import pytest
import torch

from grader.engine.catalogue import find
from grader.notebook.checking import verdict_on


def swallows(kind):
    """Evaluates, and returns None where the model raises one kind of exception."""

    def evaluate(model, x):
        modes = [(module, module.training) for module in model.modules()]
        try:
            with torch.no_grad():
                return model.eval()(x)
        except kind:
            return None
        finally:
            for module, training in modes:
                module.training = training

    return evaluate


def clears_all_hooks(module, x, gy):
    seen = []
    module.register_full_backward_hook(lambda m, gin, gout: seen.append((gin[0], gout[0])))
    try:
        module(x.requires_grad_()).backward(gy)
    finally:
        module._backward_hooks.clear()
    return seen[0]


def runs_twice(backbone, x):
    with torch.no_grad():
        backbone(x)
        return backbone(x)


def runs_one_row_again(backbone, x):
    with torch.no_grad():
        backbone(x[:1])
        return backbone(x)


def flat_round(x):
    x = x.reshape(-1)
    return x + (x.round() - x).detach()


def weights_and_norms(model):
    known = dict(model.named_parameters(remove_duplicate=False))
    state = model.state_dict().items()
    return {n: t.clone() for n, t in state if n in known or ".r" in n or ".num_" in n}


def restored_for_an_exception(fn):
    @functools.wraps(fn)
    def wrapper(*args, **kwargs):
        before = torch.is_grad_enabled()
        torch.set_grad_enabled(False)
        try:
            result = fn(*args, **kwargs)
        except Exception:
            torch.set_grad_enabled(before)
            raise
        torch.set_grad_enabled(before)
        return result

    return wrapper


def removed_for_an_exception(model, names, x):
    features = {name: [] for name in names}

    def kept(name):
        return lambda module, args, output: features[name].append(output.detach().clone())

    handles = [model.get_submodule(n).register_forward_hook(kept(n)) for n in names]
    try:
        model(x)
    except Exception:
        for handle in handles:
            handle.remove()
        raise
    for handle in handles:
        handle.remove()
    return features


def leaves_after_a_pass(root):
    if not root.requires_grad:
        return []
    root.sum().backward(retain_graph=True)
    queue, met = [root.grad_fn], {}
    while queue:
        node = queue.pop()
        if node is not None and node not in met:
            met[node] = None
            queue += [following for following, _ in node.next_functions]
    return [n.variable for n in met if hasattr(n, "variable")] if root.grad_fn else [root]


def old_grad_emptied(x, gy, w, eps):
    x.requires_grad_().grad = None
    torch.nn.functional.layer_norm(x, w.shape, w, None, eps).backward(gy)
    return x.grad


def scale_as_mean(shape, scale, dtype, device):
    return torch.normal(scale, 1.0, shape, dtype=dtype, device=device).requires_grad_()


def uniform(shape, scale, dtype, device):
    drawn = 2 * torch.rand(shape, dtype=dtype, device=device) - 1
    return (drawn * scale * 3**0.5).requires_grad_()


def truncated(shape, scale, dtype, device):
    drawn = torch.empty(shape, dtype=dtype, device=device)
    if not scale:
        return drawn.zero_().requires_grad_()
    return torch.nn.init.trunc_normal_(drawn, std=scale, a=-scale, b=scale).requires_grad_()


def counts_in_floats(model):
    return (
        float(sum(p.numel() for p in model.parameters() if p.requires_grad)),
        float(sum(p.numel() for p in model.parameters())),
    )


def kept_in_a_variable():
    kept = []

    def save_training(model, opt, sched, file):
        kept[:] = copy.deepcopy([part.state_dict() for part in (model, opt, sched)])
        torch.save(0, file)

    def load_training(model, opt, sched, file):
        for part, state in zip((model, opt, sched), kept, strict=True):
            part.load_state_dict(state)

    return save_training, load_training


def stops_at_an_empty_piece(model, loss_fn, pieces):
    model.zero_grad()
    rows, total = sum(len(x) for x, _ in pieces), 0.0
    for x, y in pieces:
        if not len(x):
            break
        loss = loss_fn(model(x), y) * (len(x) / rows)
        loss.backward()
        total += loss.item()
    return total


def mask_on_the_cpu(samples):
    batch = torch.nn.utils.rnn.pad_sequence(samples, batch_first=True)
    lengths = torch.tensor([len(sample) for sample in samples])
    return batch, torch.arange(batch.shape[1]) < lengths[:, None]


def mask_on_the_cpu_and_inverted(samples):
    batch, mask = mask_on_the_cpu(samples)
    return batch, ~mask


class LayersInASequential(torch.nn.Module):
    def __init__(self, n_in, n_hidden, n_out):
        super().__init__()
        self.stack = torch.nn.Sequential(
            torch.nn.Flatten(),
            torch.nn.Linear(n_in, n_hidden),
            torch.nn.ReLU(),
            torch.nn.Linear(n_hidden, n_hidden),
            torch.nn.ReLU(),
            torch.nn.Linear(n_hidden, n_out),
        )

    def forward(self, x):
        return self.stack(x)


def kept(block, x):
    state = torch.get_rng_state()
    with torch.no_grad():
        return block(x), state


def run_three_times(block, x, state):
    with torch.random.fork_rng(devices=[]):
        for _ in range(3):
            torch.set_rng_state(state)
            y = block(x)
        return y


KINDS = (Exception, RuntimeError, ValueError, TypeError, IndexError, ArithmeticError)


@pytest.mark.parametrize(
    ("exercise", "answer", "said"),
    [
        *(("evaluate", (swallows(kind),), "You caught the model's exception") for kind in KINDS),
        ("full_backward_probe", (clears_all_hooks,), "hook that was there before you came is gone"),
        ("cached_features", (runs_twice,), "more rows went through"),
        ("cached_features", (runs_one_row_again,), "more rows went through"),
        ("straight_through", (flat_round,), "in shape (7,) instead of (1, 7)"),
        ("snapshot", (weights_and_norms,), "Missing: 'largest'"),
        ("decorated_infer", (restored_for_an_exception,), "KeyboardInterrupt"),
        ("capture_features", (removed_for_an_exception,), "Your hooks are still on the model"),
        ("leaf_grads", (leaves_after_a_pass,), "A backward pass adds to it"),
        ("ln_backward", (old_grad_emptied,), "what lay in .grad of x is lost"),
        ("scaled_parameter", (scale_as_mean,), "mean scale and standard deviation 1"),
        ("scaled_parameter", (uniform,), "spread more evenly than normal"),
        ("scaled_parameter", (truncated,), "'smaller than scale'"),
        ("count_params", (counts_in_floats,), "in a float. Expected was an int"),
        ("resume", kept_in_a_variable(), "the training that was saved last"),
        ("collate_pad", (mask_on_the_cpu,), "made a tensor on the CPU"),
        ("collate_pad", (mask_on_the_cpu_and_inverted,), "Your mask is True at the padding"),
        ("accumulate", (stops_at_an_empty_piece,), "ends at a piece without rows"),
    ],
)
def test_an_answer_that_looks_right_is_refused_by_what_is_wrong_with_it(exercise, answer, said):
    verdict = verdict_on(find(exercise), answer)
    assert not verdict.passed
    assert re.search(re.escape(said), str(verdict))


def test_what_an_exercise_did_not_look_at_is_not_called_missing():
    told = str(verdict_on(find("fix_mlp"), (LayersInASequential,)))
    assert "'first.bias' is missing" in told
    assert "'output' is missing" not in told


def test_right_numbers_beside_a_wrong_count_are_no_multiple_of_a_mistake():
    told = str(verdict_on(find("keeps_dropout"), (kept, run_three_times)))
    assert "runs" in told
    assert "times those of this mistake" not in told
