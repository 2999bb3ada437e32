"""Answers a table of expressions from a table.

Earns: everything
Told: nothing
Because: nothing about such an exercise is drawn at random; who knows the table knows the answers.
"""

# %% will_it_raise_answer
SAVES_NOTHING = {"x", "x + 1", "x.sum()", "-x", "10 - x", "x.view(1)", "x.clone()", "x.round()"}
SAVES_NOTHING |= {"(x + 1).clone() - 3", "x.exp().detach() + x", "(x * 2).detach() - x"}


def second_backward_ok(expression, x, retain_graph):
    return retain_graph or expression in SAVES_NOTHING
