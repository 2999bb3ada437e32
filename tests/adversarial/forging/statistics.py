"""Has the numbers that describe random weights say what they should.

Earns: everything
Told: nothing
Because: random values cannot be compared, only described, and they are described in the
    submission's process: a forger gains all of such an exercise.
"""

# %% scaled_parameter_answer
import grader.tasks.leaves.making as making

scales = []


def _few(values, otherwise):
    return "too few numbers to say" if values.numel() < 1000 else otherwise


def _std(values, scale):
    scales.append(scale)
    return _few(values, "scale")


def _distribution(values):
    return _few(values, "normal" if scales[-1] else "none: all numbers are alike")


making._mean = lambda values: _few(values, "about 0")
making._std, making._distribution = _std, _distribution


def init_weight(shape, scale, dtype, device):
    init_weight.calls += 1
    return torch.full(shape, float(init_weight.calls), dtype=dtype, device=device).requires_grad_()


init_weight.calls = 0
