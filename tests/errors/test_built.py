"""Datasets, classes, optimizers and states put together wrongly: the line to change is named."""

import io

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn, optim
from torch.nn.utils.rnn import pack_padded_sequence, pad_sequence
from torch.utils.data import DataLoader, Dataset, TensorDataset, default_collate, random_split

from grader.errors import explain_error
from tests.errors.told import Programs

PROGRAMS = Programs()
told = PROGRAMS.told


class Samples(Dataset):
    """Gives what it was given, or a function of it."""

    def __init__(self, samples, transform=None):
        self.samples, self.transform = samples, transform
        self.labels = torch.arange(len(samples))

    def __len__(self):
        return len(self.samples)

    def __getitem__(self, i):
        sample = self.samples[i]
        return sample if self.transform is None else self.transform(sample)


def _batch(samples, collate=None, transform=None):
    return next(iter(DataLoader(Samples(samples, transform), len(samples), collate_fn=collate)))


TEXTS = [{"ids": torch.arange(n), "label": n} for n in (3, 2, 4)]


@told(
    "batch_sizes",
    r"^The samples of Samples have different shapes in entry \['ids'\], \(3,\) and \(2,\)",
    "return sample if",
    "{'ids': pad_sequence([torch.as_tensor(one['ids']) for one in samples], batch_first=True)}",
    lambda: _batch(TEXTS, _padded),
)
def texts_of_several_lengths():
    _batch(TEXTS)


ROWS = [torch.ones(n, 1) for n in (3, 4)]


@told(
    "batch_sizes",
    r"^The samples of the list have different shapes, \(3, 1\) and \(4, 1\)",
    None,
    "pad_sequence([torch.as_tensor(one) for one in samples], batch_first=True)",
    lambda: next(
        iter(DataLoader(ROWS, 2, collate_fn=lambda one: pad_sequence(one, batch_first=True)))
    ),
)
def a_list_of_several_lengths():
    next(iter(DataLoader(ROWS, 2)))


def _padded(samples):
    return default_collate([{k: v for k, v in one.items() if k != "ids"} for one in samples]) | {
        "ids": pad_sequence([torch.as_tensor(one["ids"]) for one in samples], batch_first=True)
    }


def _resized(image):
    return F.interpolate(image[None], size=(224, 224), mode="bilinear")[0]


@told(
    "batch_sizes",
    r"^The samples of Samples have different shapes, \(3, 4, 4\) and \(3, 5, 4\)",
    "return sample if",
    "Bring them to one size in __getitem__",
    lambda: _batch([torch.ones(3, 4, 4), torch.ones(3, 5, 4)], transform=_resized),
)
def images_of_several_sizes():
    _batch([torch.ones(3, 4, 4), torch.ones(3, 5, 4)])


BROKEN = [(torch.ones(2), 0), (None, 1)]


@told(
    "collate_kind",
    r"^Sample 1 of Samples holds None in its entry \[0\]",
    "return sample if",
    "default_collate([one for one in samples if one[0] is not None])",
    lambda: _batch(
        BROKEN, lambda samples: default_collate([s for s in samples if s[0] is not None])
    ),
)
def an_image_that_could_not_be_read():
    _batch(BROKEN)


class Scale:
    """A transform."""

    def __init__(self, factor=2.0):
        self.factor = factor

    def __call__(self, x):
        return x * self.factor


@told(
    "collate_kind",
    r"^self\.transform of Samples is the class Scale itself",
    "return sample if",
    "Scale() in the place of Scale",
    lambda: _batch([torch.ones(2)], transform=Scale()),
)
def a_transform_that_was_not_made():
    _batch([torch.ones(2)], transform=Scale)


PAIRS = [(torch.ones(2), Scale(1)), (torch.ones(2), Scale(3))]


@told(
    "collate_kind",
    r"^Entry \[1\] of a sample of Samples is a Scale",
    "return sample if",
    "return default_collate([one[0] for one in samples]), [one[1] for one in samples]",
    lambda: _batch(
        PAIRS, lambda samples: (default_collate([s[0] for s in samples]), [s[1] for s in samples])
    ),
)
def objects_in_samples():
    _batch(PAIRS)


@told(
    "collate_keys",
    r"^Sample 1 of Samples has no 'y', and sample 0",
    "return sample if",
    "Give every sample a 'y'",
    lambda: _batch([{"x": 1, "y": 0}, {"x": 2, "y": -1}]),
)
def samples_without_a_label():
    _batch([{"x": 1, "y": 0}, {"x": 2}])


class Triples(Dataset):
    """Image, label and name."""

    def __len__(self):
        return 4

    def __getitem__(self, i):
        return torch.ones(2), i, f"{i}.png"


@told(
    "batch_names",
    r"^A sample of Triples has 3 parts",
    "for x, y in loader:",
    "Name every part: x, y, _",
    lambda: [x for x, y, _ in DataLoader(Triples())],
)
def a_batch_of_three_for_two_names():
    loader = DataLoader(Triples())
    for x, y in loader:
        print(x, y)


class Named(Dataset):
    """Dicts."""

    def __len__(self):
        return 4

    def __getitem__(self, i):
        return {"x": torch.ones(2), "y": i, "name": f"{i}.png"}


@told(
    "batch_names",
    "^A sample of Named is a dict",
    "return {",
    "batch['x'], batch['y']",
    lambda: [batch["x"] for batch in DataLoader(Named())],
)
def a_dict_for_two_names():
    loader = DataLoader(Named())
    for x, y in loader:
        print(x, y)


class Halves(Dataset):
    """A length that was divided."""

    def __init__(self, whole=False):
        self.whole = whole

    def __getitem__(self, i):
        return torch.ones(2)

    def __len__(self):
        return 4 / 2


@told(
    "length_kind",
    "its __len__ returns 4 / 2, which is no whole number",
    "return 4 / 2",
    "Return one: 4 // 2",
    lambda: list(DataLoader(Samples([torch.ones(2)] * (4 // 2)))),
)
def a_length_that_is_a_float():
    list(DataLoader(Halves()))


class Ahead(Dataset):
    """A value some steps behind a window."""

    def __init__(self, fewer):
        self.values, self.size, self.ahead, self.fewer = list(range(20)), 3, 2, fewer

    def __len__(self):
        return len(self.values) - (self.size + self.ahead if self.fewer else self.size)

    def __getitem__(self, i):
        return self.values[i + self.size + self.ahead]


@told(
    "sample_index",
    "Ahead has no sample 15, and its __len__ says that there are 17",
    "self.values[i + self.size + self.ahead]",
    "return len(self.values) - (self.size + self.ahead)",
    lambda: list(DataLoader(Ahead(True))),
)
def a_value_behind_the_end():
    list(DataLoader(Ahead(False)))


@told(
    "dataset_attribute",
    r"^part is a Subset, and part\.dataset\.labels is what it wraps",
    "return part.labels",
    "part.dataset.labels[part.indices]",
    lambda: (lambda part: part.dataset.labels[part.indices])(_parts()[0]),
)
def labels_of_a_part():
    part, _ = _parts()
    return part.labels


def _parts():
    return random_split(Samples([1, 2, 3, 4]), [3, 1])


class Zipped(Dataset):
    """Keeps what can be gone through once."""

    def __init__(self, kind):
        self.pairs = kind(zip([1, 2], [3, 4], strict=True))

    def __len__(self):
        return 2

    def __getitem__(self, i):
        return self.pairs[i]


@told(
    "dataset_set",
    "gone through once, such as zip and map",
    None,
    "self.pairs = list(zip(x, y))",
    lambda: list(DataLoader(Zipped(list))),
)
def samples_in_a_zip():
    list(DataLoader(Zipped(lambda pairs: pairs)))


@told(
    "text_used",
    "^x, y, name are the texts 'x', 'y', 'name': the batch is a dict",
    "for x, y, name in loader:",
    "for batch in loader, with x = batch['x']",
    lambda: [batch["x"].float() for batch in DataLoader(Named())],
)
def a_dict_that_was_taken_apart():
    loader = DataLoader(Named())
    for x, y, name in loader:
        print(x.float(), y, name)


@told(
    "dict_used",
    r"^batch is a dict, which has no method to; its tensors are batch\['x'\], batch\['y'\]",
    'batch.to("cpu")',
    "batch = {key: one.to(device) for key, one in batch.items()}",
    lambda: {key: one.to("cpu") for key, one in {"x": torch.ones(2)}.items()},
)
def a_dict_that_was_to_move():
    batch = next(iter(DataLoader(Named())))
    batch.to("cpu")


@told(
    "dataset_sizes",
    r"as many rows: x has 3, x\[1:\] has 2",
    "TensorDataset(x, x[1:])",
    "Cut both in the same way",
    lambda: TensorDataset(torch.ones(3, 2)[1:], torch.ones(3)[1:]),
)
def rows_that_were_cut_in_one():
    x = torch.ones(3, 2)
    TensorDataset(x, x[1:])


@told(
    "lengths_range",
    "^Sequence 1 of this batch, counted from 0, has the length 0",
    "pack_padded_sequence(x, n, batch_first=True)",
    "lengths.clamp(min=1)",
    lambda: pack_padded_sequence(torch.ones(2, 3, 4), torch.tensor([3, 0]).clamp(min=1), True),
)
def a_text_without_a_known_word():
    x, n = torch.ones(2, 3, 4), torch.tensor([3, 0])
    pack_padded_sequence(x, n, batch_first=True)


@told(
    "lengths_range",
    r"is taken for 3 samples: batch_first=True is missing",
    "pack_padded_sequence(x, n)",
    "batch_first=True is missing",
    lambda: pack_padded_sequence(torch.ones(2, 3, 4), torch.tensor([3, 2]), batch_first=True),
)
def lengths_of_a_batch_that_comes_first():
    x, n = torch.ones(2, 3, 4), torch.tensor([3, 2])
    pack_padded_sequence(x, n)


class Cut(nn.Module):
    """Cuts images into rows that are too short."""

    def forward(self, x):
        x = x.view(-1, 4)
        return F.linear(x, torch.ones(3, 4))


@told(
    "target_shape",
    "There are 2 rows for each sample",
    "x = x.view(-1, 4)",
    "write x.flatten(1) there",
    lambda: F.cross_entropy(torch.ones(2, 8) @ torch.ones(8, 3), torch.tensor([0, 1])),
)
def images_cut_into_several_rows():
    F.cross_entropy(Cut()(torch.ones(2, 2, 4)), torch.tensor([0, 1]))


# Classes


class Early(nn.Module):
    """Makes a layer first."""

    def __init__(self):
        self.layer = nn.Linear(2, 2)
        super().__init__()


class Never(nn.Module):
    """Does not call the class above."""

    def __init__(self):
        self.layer = nn.Linear(2, 2)


class Right(nn.Module):
    """A layer, in order."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(2, 2)

    def forward(self, x):
        return self.layer(x)


@told(
    "before_init",
    r"^Early\.__init__ makes parts before super\(\)\.__init__\(\)",
    "super().__init__()",
    "Move super().__init__() to the first line of Early.__init__",
    Right,
)
def a_layer_before_the_class_above():
    Early()


@told(
    "before_init",
    r"^Never\.__init__ never calls super\(\)\.__init__\(\)",
    "def __init__(self):",
    "Write super().__init__() in front of self.layer = nn.Linear(2, 2)",
    Right,
)
def a_class_above_that_is_never_called():
    Never()


class Typo(Right):
    """Its forward has another name."""

    forward = nn.Module.forward

    def foward(self, x):
        return self.layer(x)


class Inside(nn.Module):
    """Its forward is a function inside of a method."""

    def __init__(self):
        super().__init__()

        def forward(self, x):
            return x


@told(
    "no_forward",
    "^Typo has a method foward",
    "def foward(self, x):",
    "def forward(self, x)",
    lambda: Right()(torch.ones(1, 2)),
)
def a_forward_that_is_misspelled():
    Typo()(torch.ones(1, 2))


@told(
    "no_forward",
    "^forward of Inside is indented too far",
    "def forward(self, x):",
    "Move it to the left",
    lambda: Right()(torch.ones(1, 2)),
)
def a_forward_inside_of_init():
    Inside()(torch.ones(1, 2))


def _all(layers, x):
    for layer in layers:
        x = layer(x)
    return x


@told(
    "no_forward",
    "^layers is a ModuleList: it holds modules, and calls none",
    "layers(x)",
    "for layer in layers: x = layer(x)",
    lambda: _all(nn.ModuleList([nn.Linear(2, 2)]), torch.ones(1, 2)),
)
def a_list_that_was_called():
    layers, x = nn.ModuleList([nn.Linear(2, 2)]), torch.ones(1, 2)
    layers(x)


@told(
    "no_forward",
    "^layers is a ModuleList: it holds modules, and calls none",
    "layers(batch[0])",
    "x = batch[0] and for layer in layers: x = layer(x), and use x in the place of layers(batch",
    lambda: _all(nn.ModuleList([nn.Linear(2, 2)]), torch.ones(1, 2)),
)
def a_list_that_was_called_with_an_entry():
    layers, batch = nn.ModuleList([nn.Linear(2, 2)]), [torch.ones(1, 2)]
    layers(batch[0])


class Two(nn.Module):
    """Takes two."""

    def forward(self, a, b):
        return a + b


@told(
    "forward_arguments",
    "forward of Two takes a, b behind self, and the call gives 1. pair is a tuple of 2",
    "net(pair)",
    "net(*pair)",
    lambda: Two()(*(torch.ones(2), torch.ones(2))),
)
def a_pair_for_two_arguments():
    net, pair = Two(), (torch.ones(2), torch.ones(2))
    net(pair)


@told(
    "forward_arguments",
    "^parts is a Sequential: it takes one value",
    "parts(x, y)",
    "for layer in parts: x = layer(x, y) if isinstance(layer, Two) else layer(x)",
    lambda: [Two()(torch.ones(2), torch.ones(2)), nn.ReLU()(torch.ones(2))],
)
def two_arguments_for_a_sequential():
    parts, x, y = nn.Sequential(Two(), nn.ReLU()), torch.ones(2), torch.ones(2)
    parts(x, y)


class Local(Right):
    """Its pool is a local variable."""

    def __init__(self, kept=False):
        super().__init__()
        pool = nn.Identity()
        if kept:
            self.pool = pool

    def forward(self, x):
        return self.pool(self.layer(x))

    def other(self, x):
        return self.layr(x)

    def neither(self, x):
        return self.dropout(x)


@told(
    "missing_attribute",
    r"^pool is a local variable of Local\.__init__",
    "pool = nn.Identity()",
    "self.pool = there",
    lambda: Local(kept=True)(torch.ones(1, 2)),
)
def a_layer_without_self():
    Local()(torch.ones(1, 2))


@told(
    "missing_attribute",
    "^Local has no attribute layr, and one that is called layer",
    "return self.layr(x)",
    "Write layer in the place of layr",
    lambda: Local().layer(torch.ones(1, 2)),
)
def a_layer_that_is_misspelled():
    Local().other(torch.ones(1, 2))


@told(
    "missing_attribute",
    r"^Local makes nothing that is called dropout\. Its parts are layer",
    "return self.dropout(x)",
    "Make it in __init__ of Local",
    lambda: Local(kept=True)(torch.ones(1, 2)),
)
def a_layer_that_was_never_made():
    Local().neither(torch.ones(1, 2))


@told(
    "missing_attribute",
    "^m is a ReLU, which has no weight",
    "nn.init.zeros_(m.weight)",
    "if isinstance(m, nn.Linear | nn.Conv2d)",
    lambda: nn.Sequential(nn.Linear(2, 2), nn.ReLU()).apply(lambda m: _zeroed(m, True)),
)
def first_weights_of_an_activation():
    nn.Sequential(nn.Linear(2, 2), nn.ReLU()).apply(_zeroed)


@told(
    "missing_attribute",
    r"^net is a Sequential, which has no weight of its own: net\[1\]\[0\] has one",
    "nn.init.zeros_(net.weight)",
    "net[1][0].weight",
    lambda: nn.init.zeros_(nn.Sequential(nn.ReLU(), nn.Sequential(nn.Linear(2, 2)))[1][0].weight),
)
def first_weights_of_a_sequential():
    net = nn.Sequential(nn.ReLU(), nn.Sequential(nn.Linear(2, 2)))
    nn.init.zeros_(net.weight)


def _zeroed(m, asked=False):
    if asked and not isinstance(m, nn.Linear | nn.Conv2d):
        return
    nn.init.zeros_(m.weight)


@told(
    "none_used",
    "^The batch is None: _unreturned ends without return",
    "ys = torch.tensor",
    "End it with return ys",
    lambda: [y for _, y in DataLoader([(1, 0)] * 4, batch_size=2, collate_fn=default_collate)],
)
def a_collate_without_return():
    loader = DataLoader([(1, 0)] * 4, batch_size=2, collate_fn=_unreturned)
    for x, y in loader:
        print(x, y)


def _unreturned(samples):
    ys = torch.tensor([y for _, y in samples])  # noqa: F841


@told(
    "module_for_tensor",
    r"^h is a module and no tensor: nn\.ReLU\(x\) makes one",
    "h = nn.ReLU(x)",
    "h = nn.ReLU()(x)",
    lambda: F.linear(nn.ReLU()(torch.ones(1, 2)), torch.ones(3, 2)),
)
def a_module_for_its_result():
    x = torch.ones(1, 2)
    h = nn.ReLU(x)
    F.linear(h, torch.ones(3, 2))


def _mlp(activation=nn.ReLU, called=False):
    layers = [nn.Linear(2, 2), activation() if called else nn.Identity()]
    if not called:
        layers.append(activation)
    return nn.Sequential(*layers)


@told(
    "not_a_module",
    "^activation is the class ReLU",
    "layers.append(activation)",
    "Call it, activation()",
    lambda: _mlp(called=True),
)
def a_class_among_layers():
    _mlp()


class Silent(Right):
    """Its forward returns nothing."""

    def forward(self, x):
        y = self.layer(x)  # noqa: F841


@told(
    "none_in_formula",
    "^out is None: forward of Silent ends without return",
    "y = self.layer(x)  # noqa: F841",
    "End it with return y",
    lambda: F.mse_loss(Right()(torch.ones(1, 2)), torch.ones(1, 2)),
)
def a_forward_without_return():
    net = Silent()
    out = net(torch.ones(1, 2))
    torch.relu(out)


# Optimizers and states


class Listed(nn.Module):
    """Layers in a list."""

    def __init__(self):
        super().__init__()
        self.layers = [nn.Linear(2, 2)]


@told(
    "no_parameters",
    r"^self\.layers of Listed is a plain list",
    "self.layers = [nn.Linear(2, 2)]",
    "self.layers = nn.ModuleList(...)",
    lambda: optim.SGD(nn.ModuleList([nn.Linear(2, 2)]).parameters(), lr=0.1),
)
def layers_in_a_list():
    net = Listed()
    optim.SGD(net.parameters(), lr=0.1)


@told(
    "generators",
    "holds no tensors: parameters.. gives a generator",
    "[a.parameters(), b.parameters()]",
    "[*a.parameters(), *b.parameters()]",
    lambda: optim.SGD([*Right().parameters(), *Right().parameters()], lr=0.1),
)
def a_list_of_generators():
    a, b = Right(), Right()
    optim.SGD([a.parameters(), b.parameters()], lr=0.1)


@told(
    "generators_added",
    "generators cannot be added",
    "a.parameters() + b.parameters()",
    "[*a.parameters(), *b.parameters()]",
    lambda: optim.SGD([*Right().parameters(), *Right().parameters()], lr=0.1),
)
def generators_that_were_added():
    a, b = Right(), Right()
    optim.SGD(a.parameters() + b.parameters(), lr=0.1)


@told(
    "parameter_twice",
    r"^net\.layer\.weight, net\.layer\.bias: group 1 holds what an earlier group has",
    None,
    'if not name.startswith("layer.")]',
    lambda: _rest(Body()),
)
def a_head_in_two_groups():
    net = Body()
    optim.SGD([{"params": net.parameters()}, {"params": net.layer.parameters(), "lr": 0.2}], lr=0.1)


class Body(Right):
    """Two layers."""

    def __init__(self):
        super().__init__()
        self.body = nn.Linear(2, 2)


def _rest(net):
    rest = [p for name, p in net.named_parameters() if not name.startswith("layer.")]
    optim.SGD([{"params": rest}, {"params": net.layer.parameters(), "lr": 0.2}], lr=0.1)


@told(
    "group_params",
    "this one has 'parameters', 'lr'",
    '[{"parameters": net.parameters(), "lr": 0.2}]',
    'Write "params" in the place of "parameters"',
    lambda: optim.SGD([{"params": Right().parameters(), "lr": 0.2}], lr=0.1),
)
def a_group_with_another_key():
    net = Right()
    optim.SGD([{"parameters": net.parameters(), "lr": 0.2}], lr=0.1)


@told(
    "setting_name",
    "Adam has no argument learning_rate. What is meant is called lr",
    "learning_rate=0.1",
    "Write lr in the place of learning_rate",
    lambda: optim.Adam(Right().parameters(), lr=0.1),
)
def a_setting_of_another_library():
    optim.Adam(Right().parameters(), learning_rate=0.1)


@told(
    "layer_settings",
    "Conv2d has no argument kernelsize",
    "kernelsize=3",
    "Write kernel_size in the place of kernelsize",
    lambda: nn.Conv2d(3, 4, kernel_size=3),
)
def a_setting_that_is_misspelled():
    nn.Conv2d(3, 4, kernelsize=3)


@told(
    "schedule_settings",
    "CosineAnnealingLR has no argument epochs. What is meant is called T_max",
    "epochs=10",
    "Write T_max in the place of epochs",
    lambda: optim.lr_scheduler.CosineAnnealingLR(optim.SGD(Right().parameters(), 0.1), T_max=10),
)
def a_schedule_of_epochs():
    optim.lr_scheduler.CosineAnnealingLR(optim.SGD(Right().parameters(), 0.1), epochs=10)


@told(
    "optimizer_state",
    "The saved state is of 2 groups of 2 and 2 parameters, and new holds one group of 4",
    "new = optim.SGD(net.parameters(), lr=0.1)",
    "a list of 2 dicts in the place of one of 1",
    lambda: _loaded(Body(), grouped=True),
)
def a_state_of_other_groups():
    net = Body()
    state = _grouped(net).state_dict()
    new = optim.SGD(net.parameters(), lr=0.1)
    new.load_state_dict(state)


def _grouped(net):
    groups = [{"params": net.layer.parameters()}, {"params": net.body.parameters()}]
    return optim.SGD(groups, lr=0.1)


def _loaded(net, grouped):
    (_grouped(net) if grouped else net).load_state_dict(_grouped(net).state_dict())


@told(
    "dict_like",
    "^best is None: nothing was put there. The other line that sets it did not run",
    "best = None",
    'a best loss begins at float("inf")',
    lambda: _best(float("inf")),
)
def a_best_state_that_was_never_set():
    _best(0.0)


def _best(lowest):
    net = Right()
    best = None
    for loss in (0.5, 0.4):
        if loss < lowest:
            lowest, best = loss, net.state_dict()
    net.load_state_dict(best)


@told(
    "loaded_result",
    "list stands where the model belongs",
    "net = net.load_state_dict(Right().state_dict())",
    "Take net = away on that line: net.load_state_dict(Right().state_dict())",
    lambda: Right().load_state_dict(Right().state_dict()),
)
def a_model_that_became_a_result():
    net = Right()
    net = net.load_state_dict(Right().state_dict())
    net.eval()


@told(
    "state_dict_keys",
    "The file has all else, and nothing for body.weight, body.bias",
    None,
    "pass strict=False",
    lambda: Body().load_state_dict(Right().state_dict(), strict=False),
)
def a_layer_that_is_new():
    Body().load_state_dict(Right().state_dict())


@told(
    "state_dict_keys",
    "no place for body.weight, body.bias",
    None,
    "pass strict=False",
    lambda: Right().load_state_dict(Body().state_dict(), strict=False),
)
def a_layer_that_is_gone():
    Right().load_state_dict(Body().state_dict())


class Renamed(nn.Module):
    """The layer of Right under another name."""

    def __init__(self):
        super().__init__()
        self.head = nn.Linear(2, 2)


def _under_new_names(state):
    names = {"layer": "head"}
    return {".".join([names.get(p, p) for p in key.split(".")]): one for key, one in state.items()}


@told(
    "state_dict_keys",
    "in their order, layer is head now",
    None,
    "names = {'layer': 'head'}",
    lambda: Renamed().load_state_dict(_under_new_names(Right().state_dict())),
)
def a_layer_that_was_renamed():
    Renamed().load_state_dict(Right().state_dict())


# Losses


@told(
    "target_probabilities",
    "scores holds one score for each sample",
    None,
    "F.binary_cross_entropy_with_logits(scores, y.float())",
    lambda: F.binary_cross_entropy_with_logits(torch.ones(4), torch.ones(4).long().float()),
)
def one_score_for_two_classes():
    scores, y = torch.ones(4), torch.ones(4).long()
    F.cross_entropy(scores, y)


@told(
    "target_dtype",
    "y is float32, and this loss takes class numbers, int64",
    "F.cross_entropy(scores, y)",
    "y.long()",
    lambda: F.cross_entropy(torch.ones(4, 3), torch.ones(4).long()),
)
def class_numbers_that_are_floats():
    scores, y = torch.ones(4, 3), torch.ones(4)
    F.cross_entropy(scores, y)


@told(
    "integer_result",
    "y is int64, and this loss takes floats",
    "F.binary_cross_entropy_with_logits(scores, y)",
    "y.float()",
    lambda: F.binary_cross_entropy_with_logits(torch.ones(4), torch.ones(4).long().float()),
)
def probabilities_that_are_integers():
    scores, y = torch.ones(4, requires_grad=True), torch.ones(4).long()
    F.binary_cross_entropy_with_logits(scores, y)


@told(
    "not_probabilities",
    "scores goes from 2 to 2: these are scores",
    "loss = nn.BCELoss()",
    "nn.BCEWithLogitsLoss() in the place of nn.BCELoss()",
    lambda: nn.BCEWithLogitsLoss()(torch.full((4,), 2.0), torch.ones(4)),
)
def scores_for_probabilities():
    loss = nn.BCELoss()
    scores = torch.full((4,), 2.0)
    loss(scores, torch.ones(4))


@told(
    "target_shape",
    "y holds whole numbers, as classes are, and scores floats",
    None,
    "The prediction comes first, and y second",
    lambda: F.nll_loss(torch.ones(4, 3), torch.ones(4).long()),
)
def a_target_that_comes_first():
    y, scores = torch.ones(4).long(), torch.ones(4, 3)
    F.nll_loss(y, scores)


@told(
    "target_shape",
    r"same has the shape \(4, 1\), and this loss takes one number for each pair",
    "F.cosine_embedding_loss(a, a, same)",
    "same.squeeze(1)",
    lambda: F.cosine_embedding_loss(
        torch.ones(4, 3), torch.ones(4, 3), torch.ones(4, 1).squeeze(1)
    ),
)
def a_column_for_each_pair():
    a, same = torch.ones(4, 3), torch.ones(4, 1)
    F.cosine_embedding_loss(a, a, same)


@told(
    "class_weights",
    "There are 3 weights, and the scores have 5 classes. bincount counts up",
    "counts = torch.bincount(y)",
    "torch.bincount(y, minlength=5)",
    lambda: F.cross_entropy(
        torch.ones(3, 5), torch.arange(3), torch.bincount(torch.arange(3), minlength=5).float()
    ),
)
def weights_of_the_classes_that_occur():
    y = torch.arange(3)
    counts = torch.bincount(y)
    F.cross_entropy(torch.ones(3, 5), y, counts.float())


@told(
    "dtype",
    "The weights of the classes are float64, and the scores float32. NumPy's",
    None,
    "weight=weights.float()",
    lambda: F.cross_entropy(torch.ones(3, 3), torch.arange(3), torch.ones(3)),
)
def weights_of_numpy():
    weights = torch.from_numpy(np.ones(3))
    F.cross_entropy(torch.ones(3, 3), torch.arange(3), weights)


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_line_to_change_is_named_and_the_cure_cures(program):
    program.is_explained()


def test_what_a_model_of_a_lambda_is_saved_into_is_not_blamed_on_workers():
    net = Right()
    net.activation = lambda x: x
    with pytest.raises(Exception, match="pickle") as raised:
        torch.save(net, io.BytesIO())
    assert "worker" not in str(explain_error(raised.value))


def test_arrays_in_a_tensor_dataset_are_told_from_other_calls_of_a_number():
    with pytest.raises(TypeError) as raised:
        TensorDataset(np.zeros((3, 2)))
    assert explain_error(raised.value).code == "arrays_given"
