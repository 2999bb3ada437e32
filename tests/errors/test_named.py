"""Which line, which variable, which size: an error's frames name them; and the cure cures."""

import linecache

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, Dataset

from grader.errors import explain_error
from tests.errors.told import Programs

PROGRAMS = Programs()
told = PROGRAMS.told


# A step or an edit that cannot have run yet is not to blame


class _Two:
    """Two heads on one trunk, which both optimizers hold."""

    def __init__(self, kind):
        self.trunk, self.pi, self.v = nn.Linear(3, 4), nn.Linear(4, 2), nn.Linear(4, 1)
        self.trunk_2 = nn.Linear(4, 4)
        shared = [*self.trunk.parameters(), *self.trunk_2.parameters()]
        self.first = kind([*shared, *self.pi.parameters()], 0.1)
        self.second = kind([*shared, *self.v.parameters()], 0.1)

    def losses(self):
        h = self.trunk_2(self.trunk(torch.ones(5, 3)).tanh()).tanh()
        return self.pi(h).square().mean(), self.v(h).square().mean()

    def learn(self):
        actor_loss, critic_loss = self.losses()
        actor_loss.backward(retain_graph=True)
        self.first.step()
        critic_loss.backward()
        self.second.step()

    def learn_by_two_methods(self):
        actor_loss, critic_loss = self.losses()
        actor_loss.backward(retain_graph=True)
        self.first.step()
        self.learn_values(critic_loss)

    def learn_values(self, critic_loss):
        critic_loss.backward()
        self.second.step()

    def learn_after_both(self):
        actor_loss, critic_loss = self.losses()
        actor_loss.backward(retain_graph=True)
        critic_loss.backward()
        self.first.step()
        self.second.step()


@told(
    "modified",
    r"^self\.first\.step\(\) changed self\.trunk_2\.weight .*self\.first and self\.second both",
    "self.first.step()",
    "call backward on both (the first with retain_graph=True), and step after that",
    lambda: _Two(torch.optim.Adam).learn_after_both(),
)
def a_step_behind_the_failing_line_of_an_optimizer_that_has_a_state():
    _Two(torch.optim.Adam).learn()


@told(
    "modified",
    r"^self\.first\.step\(\) changed",
    "self.first.step()",
    "step after that",
    lambda: _Two(torch.optim.SGD).learn_after_both(),
)
def a_step_behind_the_failing_line_where_no_state_tells():
    _Two(torch.optim.SGD).learn()


def _episodes(learn):
    for _ in range(2):
        learn()


def test_a_step_of_this_call_comes_before_one_of_an_earlier_call():
    with pytest.raises(RuntimeError) as raised:
        _episodes(_Two(torch.optim.SGD).learn_by_two_methods)
    assert explain_error(raised.value).meaning.startswith("self.first.step() changed")


def test_a_step_of_an_earlier_pass_of_the_loop_may_be_to_blame():
    net = _Two(torch.optim.SGD)
    kept = net.losses()[1]
    with pytest.raises(RuntimeError) as raised:
        _go_round(net, kept)
    found = explain_error(raised.value)
    assert found.meaning.startswith("net.second.step() changed")
    assert found.place.endswith(f"line {_line_of('net.second.step()')}")


def _go_round(net, kept):
    for _ in range(2):
        kept.backward(retain_graph=True)
        net.second.step()


def _line_of(text):
    with open(__file__) as file:
        return next(n for n, line in enumerate(file, 1) if line.strip() == text)


def test_an_edit_behind_the_failing_line_is_not_named():
    with pytest.raises(RuntimeError) as raised:
        _edited_before_and_after()
    found = explain_error(raised.value)
    assert found.place.endswith(f"line {_line_of('y.mul_(2.0)')}")
    assert "mul_(3.0)" not in str(found)


def _edited_before_and_after():
    x = torch.ones(3, requires_grad=True)
    y = x.exp()
    y.mul_(2.0)
    y.sum().backward()
    y.mul_(3.0)


def _contrast(edit):
    sim = torch.exp(torch.ones(3, 3, requires_grad=True) * 0.5)
    sim = edit(sim)
    return sim.sum()


def _contrasted():
    sim = torch.exp(torch.ones(3, 3, requires_grad=True) * 0.5)
    sim.fill_diagonal_(0)
    return sim.sum()


@told(
    "modified",
    r"^ExpBackward0 saved .*: sim, .* sim\.fill_diagonal_\(0\) edited it",
    "sim.fill_diagonal_(0)",
    "sim = sim.clone().fill_diagonal_(0)",
    lambda: _contrast(lambda sim: sim.clone().fill_diagonal_(0)).backward(),
)
def an_edit_in_a_function_that_has_returned():
    loss = _contrasted()
    loss.backward()


def _doubled(x, inplace):
    y = torch.sigmoid(x)
    if inplace:
        y *= 2
        return y
    return y * 2


@told(
    "modified",
    r"saved a tensor for its backward: y, .* y \*= 2 edited it",
    "y *= 2",
    "y = y * 2",
    lambda: _doubled(torch.ones(3, requires_grad=True), False).sum().backward(),
)
def an_edit_behind_a_result_without_a_name():
    _doubled(torch.ones(3, requires_grad=True), True).sum().backward()


def test_a_step_behind_the_failing_line_of_a_script_is_not_found_on_another_way():
    net = _Two(torch.optim.SGD)
    one, other = net.losses()
    one.backward(retain_graph=True)
    net.first.step()
    space = {"other": other, "second": net.second, "nn": nn}
    with pytest.raises(RuntimeError) as raised:
        exec(_SCRIPT, space)
    assert "second.step()" not in explain_error(raised.value).meaning


_SCRIPT = compile("other.backward()\nsecond.step()", "<a script>", "exec")
linecache.cache["<a script>"] = (30, None, ["other.backward()\n", "second.step()\n"], "<a script>")


def test_of_two_statements_on_a_line_the_one_behind_is_not_named():
    net = _Two(torch.optim.SGD)
    one, other = net.losses()
    with pytest.raises(RuntimeError) as raised:
        exec(_LINES, {"net": net, "one": one, "other": other})
    assert "net.first.step() changed" in explain_error(raised.value).meaning


_LINES = compile(
    "one.backward(retain_graph=True); net.first.step()\nother.backward(); net.second.step()",
    "<two lines>",
    "exec",
)
linecache.cache["<two lines>"] = (
    90,
    None,
    [
        "one.backward(retain_graph=True); net.first.step()\n",
        "other.backward(); net.second.step()\n",
    ],
    "<two lines>",
)


# Samples that a slice cuts short


class _Windows(Dataset):
    def __init__(self, whole):
        self.series, self.size, self.horizon, self.whole = torch.arange(30.0), 4, 3, whole

    def __len__(self):
        fitting = len(self.series) - (self.size + self.horizon) + 1
        return fitting if self.whole else len(self.series) - self.size

    def __getitem__(self, i):
        end = i + self.size
        return self.series[i:end], self.series[i + self.size : i + self.size + self.horizon]


class _Texts(Dataset):
    """Samples whose lengths differ by nature."""

    def __len__(self):
        return 6

    def __getitem__(self, i):
        return torch.arange(10.0)[: i + 1]


@told(
    "batch_sizes",
    r"The last samples of _Windows are short: .* end of self\.series, which has 30 entries\. "
    r"__len__ says 26 samples, and 24 are whole",
    "self.series[i + self.size : i + self.size + self.horizon]",
    "return len(self.series) - (self.size + self.horizon) + 1",
    lambda: list(DataLoader(_Windows(True), batch_size=13)),
)
def windows_that_run_past_the_end():
    list(DataLoader(_Windows(False), batch_size=13))


def _part(whole):
    windows = _Windows(whole)
    return torch.utils.data.Subset(windows, range(len(windows)))


@told(
    "batch_sizes",
    r"The last samples of _Windows are short",
    "self.series[i + self.size : i + self.size + self.horizon]",
    "Let __len__ count the whole ones alone",
    lambda: list(DataLoader(_part(True), batch_size=13)),
)
def windows_of_a_subset():
    list(DataLoader(_part(False), batch_size=13))


@told(
    "batch_sizes",
    r"^The samples of _Texts have different shapes, \(1,\) and \(2,\)",
    "return torch.arange(10.0)[: i + 1]",
    "a collate_fn that pads",
    lambda: None,
)
def texts_of_different_lengths():
    list(DataLoader(_Texts(), batch_size=3))


# Second derivatives


def _derivative(y, x):
    return torch.autograd.grad(y.sum(), x, retain_graph=True)[0]


def _recorded(y, x):
    return torch.autograd.grad(y.sum(), x, create_graph=True)[0]


def _bent(derivative):
    x = torch.ones(4, 1, requires_grad=True)
    u_x = derivative(x**3, x)
    return derivative(u_x, x)


@told(
    "no_graph",
    r"^The gradient u_x was computed without create_graph=True",
    "torch.autograd.grad(y.sum(), x, retain_graph=True)",
    "Pass create_graph=True",
    lambda: _bent(_recorded),
)
def a_gradient_of_a_gradient_behind_a_helper():
    _bent(_derivative)


def _burgers(before):
    net, points = nn.Linear(2, 1), torch.rand(5, 2, requires_grad=True)
    if before:
        x, t = points[:, 0:1], points[:, 1:2]
        u = net(torch.cat([x, t], dim=1)).tanh()
    else:
        u = net(points).tanh()
        x, t = points[:, :1], points[:, 1:]
    return torch.autograd.grad(u.sum(), x, create_graph=True)[0]


@told(
    "unused",
    r"^x was taken out of points .*computed from points and not from x",
    "x, t = points[:, :1], points[:, 1:]",
    "Take the parts first",
    lambda: _burgers(True),
)
def columns_that_were_taken_after_the_result():
    _burgers(False)


def test_a_part_of_the_input_is_not_to_be_allowed_unused():
    with pytest.raises(RuntimeError) as raised:
        _burgers(False)
    assert "allow_unused" not in explain_error(raised.value).cure


def test_a_gradient_that_is_used_as_a_number_is_not_to_blame():
    with pytest.raises(RuntimeError) as raised:
        _attacked()
    found = explain_error(raised.value)
    assert "create_graph" not in found.meaning
    assert "item()" in found.meaning


def _attacked():
    net, x = nn.Linear(2, 1), torch.ones(3, 2, requires_grad=True)
    g = torch.autograd.grad(net(x).sum(), x)[0]
    other = (x + 0.1 * g.sign()).detach()
    loss = torch.tensor(net(other).sum().item())
    loss.backward()


# Two tensors of one operation


def _noised(view):
    images, a = torch.ones(4, 1, 5, 5), torch.rand(4)
    if view:
        a = a[:, None, None, None]
    return a.sqrt() * images + (1 - a).sqrt() * torch.ones_like(images)


@told(
    "sizes",
    r"a has the shape \(4,\) and images \(4, 1, 5, 5\)\. .* 4 meets 5",
    None,
    "a[:, None, None, None], or a.view(-1, 1, 1, 1)",
    lambda: _noised(True),
)
def one_factor_of_each_image():
    _noised(False)


@told("sizes", r"one has the shape \(3,\) and other \(4,\)", "one + other", "one and other", int)
def two_vectors_of_different_lengths():
    one, other = torch.ones(3), torch.ones(4)
    one + other


@told(
    "sizes",
    r"out has the shape \(3, 2\) and y \(5, 2\)",
    "F.mse_loss(out, y)",
    "Look at how out and y are made",
    lambda: None,
)
def a_loss_of_two_lengths():
    out, y = torch.ones(3, 2), torch.ones(5, 2)
    F.mse_loss(out, y)


def test_a_size_that_no_variable_of_the_line_has_is_not_guessed_at():
    with pytest.raises(RuntimeError) as raised:
        torch.cat([torch.ones(2), torch.ones(1)]) + torch.ones(4)
    assert explain_error(raised.value).meaning.startswith("The shapes do not fit")


def _degrees(convert):
    degree = torch.zeros(3, dtype=torch.long)
    ones = torch.ones(2)
    if convert:
        ones = ones.to(degree.dtype)
    degree.scatter_add_(0, torch.tensor([0, 2]), ones)
    return degree


@told(
    "dtype",
    r"^degree is int64, and ones, which is written into it, is float32",
    "degree = torch.zeros(3, dtype=torch.long)",
    "ones.to(degree.dtype)",
    lambda: _degrees(True),
)
def whole_numbers_that_are_given_fractions():
    _degrees(False)


@told(
    "dtype",
    r"^x is float64, and w is float32\. NumPy",
    "x = torch.ones(2, 3, dtype=torch.float64)",
    "x.to(w.dtype)",
    lambda: torch.ones(2, 3, dtype=torch.float64).to(torch.float32) @ torch.ones(3, 2),
)
def a_product_of_two_dtypes():
    x = torch.ones(2, 3, dtype=torch.float64)
    w = torch.ones(3, 2, requires_grad=True)
    x @ w


# One number; a root at 0; rows that are not there


@told(
    "zero_dimensions",
    r"^loss has the shape \(\).* loss\.data\[0\] asks for an entry",
    "running = loss.data[0]",
    "write loss.item() in the place of loss.data[0]",
    lambda: torch.ones(()).item(),
)
def an_entry_of_one_number():
    loss = torch.ones(())
    running = loss.data[0]
    running += 1


def _distances(low):
    x = torch.zeros(3, 2, requires_grad=True)
    with torch.autograd.set_detect_anomaly(True):
        d = (x - x.detach()).pow(2).sum(1).clamp(min=low).sqrt()
        loss = (d * 0.0).sum()
        loss.backward()
    assert x.grad.isfinite().all()


@pytest.mark.filterwarnings("ignore")
def test_a_root_at_0_is_named_by_its_line_and_clamped():
    with pytest.raises(RuntimeError) as raised:
        _distances(0.0)
    found = explain_error(raised.value)
    assert found.code == "anomaly"
    assert "no finite slope at 0" in found.meaning
    assert found.place.endswith(f"line {_line_of(_ROOT)}")
    assert "clamp(min=1e-12)" in found.cure
    _distances(1e-12)


_ROOT = "d = (x - x.detach()).pow(2).sum(1).clamp(min=low).sqrt()"


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("length", "meaning", "cure", "cured"),
    [
        (
            lambda a, b: (a**2 + b**2).sqrt(),
            "passes over inf",
            "clamp(min=1e-12).sqrt()",
            lambda a, b: (a**2 + b**2).clamp(min=1e-12).sqrt(),
        ),
        (
            torch.hypot,
            "hypot divides by its result",
            "torch.stack([a, b]).norm(dim=0)",
            lambda a, b: torch.stack([a, b]).norm(dim=0),
        ),
    ],
)
def test_a_length_of_0_that_is_put_together_is_told_from_one_that_looks(
    length, meaning, cure, cured
):
    def slopes(way):
        at = [torch.zeros(1, requires_grad=True) for _ in range(2)]
        with torch.autograd.set_detect_anomaly(True):
            return torch.autograd.grad(way(*at).sum(), at)

    with pytest.raises(RuntimeError) as raised:
        slopes(length)
    found = explain_error(raised.value)
    assert found.code == "anomaly"
    assert meaning in found.meaning
    assert cure in found.cure
    assert all((slope == 0).all() for slope in slopes(cured))


@told(
    "index_range",
    r"^rows holds the number 4, and dimension 0 of x has 4 entries, 0 to 3",
    "rows = torch.tensor([0, 4])",
    "how rows is made",
    lambda: None,
)
def a_row_that_index_select_does_not_find():
    x, rows = torch.ones(4, 3), None
    rows = torch.tensor([0, 4])
    x.index_select(0, rows)


@told(
    "index_range",
    r"^columns holds the number 3, and dimension -1 of x has 3 entries",
    "columns = torch.tensor([0, 3])",
    "how columns is made",
    lambda: None,
)
def a_column_that_index_select_does_not_find():
    x = torch.ones(4, 3)
    columns = torch.tensor([0, 3])
    x.index_select(-1, columns)


@told(
    "index_range",
    r"^words holds the number 5, and self\.words has 5 rows",
    None,
    "nn.Embedding(6, 2)",
    lambda: _Tagger(6)(torch.tensor([2, 5]), torch.tensor([8, 0])),
)
def a_word_of_the_smaller_of_two_tables():
    _Tagger(5)(torch.tensor([2, 5]), torch.tensor([8, 0]))


class _Tagger(nn.Module):
    def __init__(self, count):
        super().__init__()
        self.words, self.tags = nn.Embedding(count, 2), nn.Embedding(9, 2)

    def forward(self, words, tags):
        return self.words(words) + self.tags(tags)


# What is computed once is to be computed anew


class _Kernel(nn.Module):
    def __init__(self):
        super().__init__()
        self.w, self.kernel = nn.Parameter(torch.eye(3)), None

    def prepare(self):
        self.kernel = self.w.exp().softmax(1)

    def forward(self, x):
        return x @ self.kernel


def _prepared(anew, keep=False):
    net = _Kernel()
    net.prepare()
    optimizer = torch.optim.SGD(net.parameters(), 0.1)
    for _ in range(2):
        if anew:
            net.prepare()
        loss = net(torch.ones(2, 3)).square().sum()
        loss.backward(retain_graph=keep)
        optimizer.step()


@told(
    "second_backward",
    r"^net\.kernel was computed once, in prepare\(\)",
    "self.kernel = self.w.exp().softmax(1)",
    "Compute net.kernel in forward",
    lambda: _prepared(True),
)
def a_kernel_that_a_method_computes_once():
    _prepared(False)


class _Square(_Kernel):
    def prepare(self):
        self.kernel = self.w @ self.w

    def forward(self, x):
        return x @ self.kernel


def _squared(anew):
    net = _Square()
    net.prepare()
    optimizer = torch.optim.SGD(net.parameters(), 0.1)
    for _ in range(2):
        if anew:
            net.prepare()
        loss = net(torch.ones(2, 3)).square().sum()
        loss.backward(retain_graph=not anew)
        optimizer.step()


@told(
    "modified",
    r"^net\.kernel was computed once, in prepare\(\), of net\.w, and optimizer\.step\(\) has",
    "self.kernel = self.w @ self.w",
    "Compute net.kernel in forward",
    lambda: _squared(True),
)
def a_kernel_that_is_kept_with_retain_graph():
    _squared(False)


def _based(anew):
    net, cache = nn.Linear(3, 3), {}

    def basis():
        if "basis" not in cache:
            cache["basis"] = net.weight.exp()
        return net.weight.exp() if anew else cache["basis"]

    for _ in range(2):
        loss = (torch.ones(2, 3) @ basis()).square().sum()
        loss.backward()


@told(
    "second_backward",
    r"^cache was computed once, where it was not there yet",
    'cache["basis"] = net.weight.exp()',
    "anew in every step",
    lambda: _based(True),
)
def a_cache_in_a_dict():
    _based(False)


# Nothing was added, and what would have been is a number


def _added(terms, number):
    loss = 0
    for term in terms:
        loss += term.item() if number else term
    if terms:
        loss.backward()
    return loss


@told(
    "number_used",
    r"^loss is still the 0 .*no term was added",
    "loss = 0\n",
    "would make a number of it too",
    lambda: _added([torch.ones((), requires_grad=True)], False),
)
def a_sum_without_a_term_whose_terms_are_numbers():
    loss = 0
    for term in []:
        loss += term.item()
    loss.backward()


# The line that it came through


def test_an_error_of_a_library_that_names_no_line_is_followed_by_the_readers_own():
    with pytest.raises(ValueError, match="batch_size") as raised:
        DataLoader(_Texts(), batch_size=0)
    found = explain_error(raised.value)
    line = "DataLoader(_Texts(), batch_size=0)"
    assert found.passed.startswith("test_named.py, line ")
    assert found.passed.endswith(f": {line}")
    for told in (str(found), found._repr_html_()):
        assert "Your line" in told
    assert found.passed in str(found)


def test_where_the_traceback_ends_in_the_readers_line_or_the_cause_has_one_it_is_not_repeated():
    with pytest.raises(RuntimeError) as raised:
        torch.ones(3) + torch.ones(4)
    assert explain_error(raised.value).passed == ""
    with pytest.raises(RuntimeError) as raised:
        list(DataLoader(_Windows(False), batch_size=13))
    assert explain_error(raised.value).passed == ""


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_frames_name_it_and_the_cure_cures(program):
    program.is_explained()
