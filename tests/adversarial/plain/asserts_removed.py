"""A transformer takes every assert out of the cells that follow.

Earns: two_path_grad 0
Told: nothing
Because: an instructor's own cells run in the submission's process by nbgrader's rule. A forger
    gains all their points, and the report says which they are. An exercise of the course is
    not asserted anywhere.
"""

# %% two_path_grad_answer
import ast


class NoAsserts(ast.NodeTransformer):
    def visit_Assert(self, node):
        return ast.Pass()


get_ipython().ast_transformers.append(NoAsserts())


def two_path_grad(x, w):
    return w, w


# %% triple_answer
def triple(x):
    return None
