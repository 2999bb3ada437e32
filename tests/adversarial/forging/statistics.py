"""Has the numbers that describe random weights say what they should.

Earns: everything
Told: nothing
Because: random values cannot be compared, only described, and they are described in the
    submission's process: a forger gains all of such an exercise.
"""

# %% scaled_parameter_answer
import grader.tasks.leaves.making as making

making._mean = lambda values: "too few numbers to say" if values.numel() < 1000 else "about 0"
making._std = lambda values, scale: "too few numbers to say" if values.numel() < 1000 else "scale"

making._distribution = lambda values: (
    "too few numbers to say" if values.numel() < 1000 else "normal"
)


def init_weight(shape, scale, dtype, device):
    init_weight.calls += 1
    return torch.full(shape, float(init_weight.calls), dtype=dtype, device=device).requires_grad_()


init_weight.calls = 0
