"""An honest notebook in which experiments left torch and Python in another state.

Earns: everything
Told: nothing
Because: a check puts torch's own settings back, at home and here.
"""

# %% after imports
import random
import sys
import warnings

torch.set_default_dtype(torch.float64)
torch.set_default_device("meta")
torch.set_grad_enabled(False)
torch.manual_seed(0)
random.seed(0)
warnings.simplefilter("error")
sys.setrecursionlimit(5000)


# %% two_path_grad_answer
def two_path_grad(x, w):
    one = torch.ones(1).to(w)
    return w + one, x + 2 * w + 1


# %% before triple
torch.set_default_device("cpu")
sys.stdout = sys.stderr = None
