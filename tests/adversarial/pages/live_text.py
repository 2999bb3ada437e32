"""The written answer, the code and the name of an exception hold scripts.

Earns: two_path_grad 0
Told: nothing
Learner: an exception of its own
Because: text is shown as text.
"""

# %% two_path_grad_answer
RUN = "<script>alert('pwned')</script><img src=x onerror=\"alert('pwned')\">"


def two_path_grad(x, w):
    raise type(RUN, (Exception,), {})(RUN)


# %% explain
# <script>alert('pwned')</script> [x](javascript:alert('pwned')) <img src=x onerror="alert('pwned')">
# $\text{<img src=x onerror="alert('pwned')">}$
