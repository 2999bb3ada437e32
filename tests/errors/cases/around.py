"""What stands around a model: transforms, custom Functions and hooks, files, processes, classes."""

import io
import tempfile
from datetime import timedelta
from pathlib import Path
from threading import Thread

import numpy as np
import torch
import torch.distributed as dist
from torch import nn, optim
from torch.autograd import Function, functional, gradcheck
from torch.func import grad, hessian, jacrev, jvp, stack_module_state, vmap
from torch.nn.parallel import DataParallel, DistributedDataParallel
from torch.utils.checkpoint import checkpoint

ONES, MANY = torch.ones(3), torch.ones(4, 3)
LINEAR = nn.Linear(3, 2)


def leaf(*shape):
    return torch.ones(*shape, requires_grad=True)


def function(forward, backward):
    return type(
        "Mine", (Function,), {"forward": staticmethod(forward), "backward": staticmethod(backward)}
    )


def ran(forward, backward, x=None):
    (function(forward, backward).apply(leaf(3) if x is None else x)).sum().backward()


def doubled(ctx, x):
    return x * 2


def kept(ctx, x):
    ctx.save_for_backward(x)
    return x * 2


def passed(ctx, g):
    return g * 2


def marked(ctx, x):
    ctx.mark_dirty(x)
    return x.add_(1)


class Unpacking(Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * 2

    @staticmethod
    def backward(ctx, g):
        x, y = ctx.saved_tensors
        return g * x * y


class Noisy(Function):
    @staticmethod
    def forward(ctx, x):
        return x * 1

    @staticmethod
    def backward(ctx, g):
        return g + torch.rand_like(g) / 10


def exact():
    return torch.ones(3, dtype=torch.float64, requires_grad=True)


def hooked(kind, hook, **settings):
    layer = nn.Linear(2, 2)
    getattr(layer, kind)(hook, **settings)
    layer(leaf(1, 2)).sum().backward()


def tensor_hooked(hook):
    x = leaf(3)
    x.register_hook(hook)
    x.sum().backward()


def node_hooked(hook):
    x = leaf(3) * 2
    x.grad_fn.register_hook(hook)
    x.sum().backward()


def both_hooks(full):
    layer = nn.Linear(2, 2)
    if not full:
        layer.register_backward_hook(print)
    layer.register_full_backward_hook(print)
    return layer


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(3, 2)

    def forward(self, x):
        return self.layer(x)


class Pair(Net):
    def forward(self, x, y):
        return x + y


def class_called():
    x = torch.ones(3)
    return Net(x)


def mode_entered():
    with torch.no_grad:
        return ONES * 2


def no_mode():
    with torch.no_grad():
        return ONES * 2


def stored(content=None, cut=False, whole=False, **settings):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.pt")
        torch.save(LINEAR if whole else LINEAR.state_dict(), path)
        if content is not None or cut:
            path.write_bytes(content if content is not None else path.read_bytes()[:300])
        return torch.load(path, **settings)


def arrays():
    file = io.BytesIO()
    np.savez(file, w=np.ones(3))
    return file.getvalue()


def saved(folder):
    with tempfile.TemporaryDirectory() as here:
        path = Path(here, folder, "model.pt") if folder else Path("missing", "model.pt")
        if folder:
            path.parent.mkdir()
        torch.save(LINEAR.state_dict(), path)


def reloaded(once):
    model = LINEAR.load_state_dict(LINEAR.state_dict()) if once else LINEAR
    return model(ONES)


def summed(*times):
    """Two ranks, each a thread, that call all_reduce so many times; raises what one of them met."""
    store, groups, met = dist.HashStore(), [], []

    def run(rank):
        try:
            group = dist.ProcessGroupGloo(store, rank, 2, timedelta(seconds=1))
            groups.append(group)  # both are there until both are through
            for _ in range(times[rank]):
                group.allreduce([torch.ones(1)]).wait()
        except RuntimeError as error:
            met.append(error)

    ranks = [Thread(target=run, args=(rank,)) for rank in range(2)]
    for rank in ranks:
        rank.start()
    for rank in ranks:
        rank.join()
    if met:
        raise met[0]


def grouped(use):
    with tempfile.TemporaryDirectory() as folder:
        where = {"init_method": f"file://{folder}/meet", "rank": 0, "world_size": 1}
        dist.init_process_group("gloo", **where)
        try:
            return use(where)
        finally:
            dist.destroy_process_group()


def sent(tensor):
    return torch.multiprocessing.get_context("spawn").SimpleQueue().put(tensor)


def compiled(f, whole=True, backend="eager"):
    torch.compiler.reset()
    return torch.compile(f, fullgraph=whole, backend=backend)(ONES)


def by_number(x):
    return x if x.sum().item() > 0 else -x


def by_where(x):
    return torch.where(x.sum() > 0, x, -x)


def printing(x):
    print(x)
    return x * 2


TRANSFORMS = [
    (
        "transform_tensor",
        lambda: grad(lambda x: x * 2)(3.0),
        lambda: grad(lambda x: x * 2)(torch.tensor(3.0)),
    ),
    (
        "transform_result",
        lambda: grad(lambda x: x.sum().item())(ONES),
        lambda: grad(lambda x: x.sum())(ONES),
    ),
    (
        "transform_result",
        lambda: grad(lambda x: (x.sum(), x))(ONES),
        lambda: grad(lambda x: (x.sum(), x), has_aux=True)(ONES),
    ),
    (
        "transform_argnums",
        lambda: grad(lambda x: x.sum(), argnums=1)(ONES),
        lambda: grad(lambda x: x.sum(), argnums=0)(ONES),
    ),
    (
        "vmap_dims",
        lambda: vmap(lambda w, x: w * x)(2.0, MANY),
        lambda: vmap(lambda w, x: w * x, in_dims=(None, 0))(2.0, MANY),
    ),
    (
        "vmap_dims",
        lambda: vmap(lambda w, x: w * x)(ONES, MANY),
        lambda: vmap(lambda w, x: w * x, in_dims=(None, 0))(ONES, MANY),
    ),
    ("vmap_returns", lambda: vmap(lambda x: 3)(MANY), lambda: vmap(lambda x: x.sum())(MANY)),
    (
        "vmap_shapes",
        lambda: vmap(lambda x: x[x > 0])(MANY),
        lambda: vmap(lambda x: torch.where(x > 0, x, 0.0))(MANY),
    ),
    (
        "vmap_shapes",
        lambda: vmap(torch.nonzero)(MANY),
        lambda: vmap(lambda x: x != 0)(MANY),
    ),
    (
        "transform_numpy",
        lambda: vmap(lambda x: torch.from_numpy(x.numpy()))(MANY),
        lambda: vmap(lambda x: x.exp())(MANY),
    ),
    (
        "transform_batchnorm",
        lambda: vmap(nn.BatchNorm1d(3))(torch.ones(4, 2, 3)),
        lambda: vmap(nn.BatchNorm1d(3).eval())(torch.ones(4, 2, 3)),
    ),
    (
        "tangents",
        lambda: jvp(torch.exp, (ONES,), (torch.ones(4),)),
        lambda: jvp(torch.exp, (ONES,), (torch.ones_like(ONES),)),
    ),
    ("tangents", lambda: jvp(torch.exp, ONES, ONES), lambda: jvp(torch.exp, (ONES,), (ONES,))),
    (
        "models_stacked",
        lambda: stack_module_state([nn.Linear(3, 2), nn.Linear(3, 4)]),
        lambda: stack_module_state([nn.Linear(3, 2) for _ in range(2)]),
    ),
    (
        "models_stacked",
        lambda: stack_module_state([nn.Linear(3, 2), nn.ReLU()]),
        lambda: stack_module_state([nn.Linear(3, 2) for _ in range(2)]),
    ),
    (
        "functional_result",
        lambda: functional.hessian(torch.exp, ONES),
        lambda: functional.hessian(lambda x: x.exp().sum(), ONES),
    ),
    (
        "functional_result",
        lambda: functional.vjp(torch.exp, ONES),
        lambda: functional.vjp(torch.exp, ONES, ONES),
    ),
    *(
        (
            "functional_result",
            lambda called=called: called(lambda x: x.exp().sum(), ONES),
            lambda called=called: called(lambda x: x.exp().sum(), ONES, torch.ones_like(ONES)),
        )
        for called in (functional.jvp, functional.hvp, functional.vhp)
    ),
    (
        "transform_result",
        lambda: grad(lambda x: x.sum(), has_aux=True)(ONES),
        lambda: grad(lambda x: x.sum())(ONES),
    ),
    (
        "strict_output",
        lambda: functional.jacobian(lambda x: x.detach(), ONES, strict=True),
        lambda: functional.jacobian(torch.exp, ONES, strict=True),
    ),
    (
        "transform_result",
        lambda: jacrev(lambda x: [x, 3])(ONES),
        lambda: jacrev(lambda x: [x, x])(ONES),
    ),
    (
        "transform_tensor",
        lambda: hessian(lambda x: x)(torch.ones(3).long()),
        lambda: hessian(lambda x: x.sum())(torch.ones(3)),
    ),
]
WRITTEN = [
    ("function_arguments", lambda: ran(lambda x: x * 2, passed), lambda: ran(doubled, passed)),
    ("function_arguments", lambda: ran(doubled, lambda ctx: None), lambda: ran(doubled, passed)),
    (
        "function_returned",
        lambda: Unpacking.apply(leaf(3)).sum().backward(),
        lambda: ran(kept, lambda ctx, g: g * ctx.saved_tensors[0]),
    ),
    ("function_dirty", lambda: ran(marked, passed), lambda: ran(marked, passed, leaf(3) * 1)),
    (
        "gradcheck_inputs",
        lambda: gradcheck(torch.exp, torch.ones(3).double()),
        lambda: gradcheck(torch.exp, exact()),
    ),
    (
        "gradcheck_nondeterministic",
        lambda: gradcheck(Noisy.apply, exact(), atol=1, rtol=1),
        lambda: gradcheck(torch.exp, exact()),
    ),
    (
        "gradcheck_cut",
        lambda: gradcheck(lambda x: x.detach(), exact()),
        lambda: gradcheck(lambda x: x * 1, exact()),
    ),
    (
        "checkpoint_keywords",
        lambda: checkpoint(lambda x, k: x, leaf(3), k=2, use_reentrant=True),
        lambda: checkpoint(lambda x, k: x, leaf(3), k=2, use_reentrant=False),
    ),
    ("loss_arguments", lambda: nn.MSELoss()(ONES), lambda: nn.MSELoss()(ONES, ONES)),
    (
        "loss_arguments",
        lambda: nn.TripletMarginLoss()(MANY, MANY),
        lambda: nn.TripletMarginLoss()(MANY, MANY, MANY),
    ),
    ("forward_arguments", lambda: Pair()(ONES), lambda: Pair()(ONES, ONES)),
    ("forward_arguments", lambda: Net()(ONES, ONES), lambda: Net()(ONES)),
    (
        "hook_arguments",
        lambda: hooked("register_forward_hook", lambda x: x),
        lambda: hooked("register_forward_hook", lambda module, inputs, output: output),
    ),
    (
        "hook_arguments",
        lambda: hooked("register_full_backward_hook", lambda x: x),
        lambda: hooked("register_full_backward_hook", lambda module, going, coming: None),
    ),
    (
        "hook_arguments",
        lambda: hooked("register_forward_hook", lambda m, i, o: o, with_kwargs=True),
        lambda: hooked("register_forward_hook", lambda m, i, k, o: o, with_kwargs=True),
    ),
    (
        "hook_arguments",
        lambda: hooked("register_full_backward_pre_hook", lambda m, i, o: None),
        lambda: hooked("register_full_backward_pre_hook", lambda m, o: None),
    ),
    (
        "tensor_hook_arguments",
        lambda: tensor_hooked(lambda x, g: g),
        lambda: tensor_hooked(lambda g: g),
    ),
    (
        "tensor_hook_arguments",
        lambda: node_hooked(lambda g: None),
        lambda: node_hooked(lambda leaving, arrived: None),
    ),
    (
        "module_hook_count",
        lambda: hooked("register_full_backward_hook", lambda m, i, o: (i[0], i[0])),
        lambda: hooked("register_full_backward_hook", lambda m, i, o: (i[0],)),
    ),
    ("hook_kinds", lambda: both_hooks(False), lambda: both_hooks(True)),
]
STORED = [
    (
        "dict_like",
        lambda: LINEAR.load_state_dict("model.pt"),
        lambda: LINEAR.load_state_dict(stored()),
    ),
    (
        "dict_like",
        lambda: LINEAR.load_state_dict(LINEAR),
        lambda: LINEAR.load_state_dict(stored(whole=True, weights_only=False).state_dict()),
    ),
    (
        "whole_pickled",
        lambda: torch.save({"model": LINEAR, "f": lambda x: x}, io.BytesIO()),
        lambda: torch.save(LINEAR.state_dict(), io.BytesIO()),
    ),
    ("loaded_result", lambda: reloaded(True), lambda: reloaded(False)),
    ("dict_for_model", lambda: LINEAR.state_dict().eval(), lambda: LINEAR.eval()),
    ("dict_for_model", lambda: LINEAR.state_dict()(ONES), lambda: LINEAR(ONES)),
    (
        "other_state",
        lambda: optim.SGD(LINEAR.parameters(), lr=0.1).load_state_dict(LINEAR.state_dict()),
        lambda: (o := optim.SGD(LINEAR.parameters(), lr=0.1)).load_state_dict(o.state_dict()),
    ),
    ("no_file", lambda: torch.load("missing.pt"), lambda: stored()),
    ("no_folder", lambda: saved(""), lambda: saved("made")),
    ("broken_file", lambda: stored(cut=True), lambda: stored()),
    ("broken_file", lambda: stored(arrays()), lambda: stored()),
    ("empty_file", lambda: stored(b""), lambda: stored()),
    ("empty_file", lambda: stored(b"hello world, no model"), lambda: stored()),
]
PROCESSES = [
    (
        "wrapped_attribute",
        lambda: DataParallel(LINEAR).weight,
        lambda: DataParallel(LINEAR).module.weight,
    ),
    (
        "group_twice",
        lambda: grouped(lambda where: dist.init_process_group("gloo", **where)),
        lambda: grouped(lambda where: dist.is_initialized()),
    ),
    (
        "nothing_to_average",
        lambda: grouped(
            lambda where: DistributedDataParallel(nn.Linear(2, 2).requires_grad_(False))
        ),
        lambda: grouped(lambda where: DistributedDataParallel(nn.Linear(2, 2))),
    ),
    (
        "device_ids",
        lambda: grouped(lambda where: DistributedDataParallel(nn.Linear(2, 2), device_ids=[0])),
        lambda: grouped(lambda where: DistributedDataParallel(nn.Linear(2, 2))),
    ),
    ("no_backend", lambda: dist.init_process_group("mpi"), lambda: grouped(lambda where: None)),
    (
        "collective_argument",
        lambda: grouped(lambda where: dist.all_reduce(3.0)),
        lambda: grouped(lambda where: dist.all_reduce(torch.tensor(3.0))),
    ),
    (
        "collective_argument",
        lambda: grouped(lambda where: dist.all_reduce(leaf(3).grad)),
        lambda: grouped(lambda where: dist.all_reduce(torch.zeros(3))),
    ),
    ("rank_waited", lambda: summed(1, 0), lambda: summed(1, 1)),
    ("rank_waited", lambda: summed(1, 2), lambda: summed(2, 2)),
    ("crosses_process", lambda: sent(leaf(3) * 2), lambda: sent((leaf(3) * 2).detach())),
]
COMPILED = [
    ("compiled_value", lambda: compiled(by_number), lambda: compiled(by_where)),
    (
        "compiled_value",
        lambda: compiled(lambda x: [v * 2 for v in x.tolist()]),
        lambda: compiled(lambda x: x * 2),
    ),
    ("graph_break", lambda: compiled(printing), lambda: compiled(printing, whole=False)),
    (
        "compiled_shapes",
        lambda: compiled(lambda x: x @ torch.ones(4, 2)),
        lambda: compiled(lambda x: x @ torch.ones(3, 2)),
    ),
    ("no_compiler", lambda: compiled(torch.exp, backend="nope"), lambda: compiled(torch.exp)),
]
CLASSES = [
    (
        "module_for_tensor_init",
        lambda: nn.init.xavier_uniform_(nn.Linear(2, 2)),
        lambda: nn.init.xavier_uniform_(nn.Linear(2, 2).weight),
    ),
    ("missing_attribute", lambda: LINEAR.weights, lambda: LINEAR.weight),
    ("missing_attribute", lambda: LINEAR.shape, lambda: LINEAR(ONES).shape),
    (
        "init_dims",
        lambda: nn.init.xavier_uniform_(torch.zeros(3)),
        lambda: nn.init.xavier_uniform_(torch.zeros(3, 3)),
    ),
    ("no_class", class_called, lambda: Net()(ONES)),
    (
        "name_taken",
        lambda: LINEAR.register_buffer("in_features", ONES),
        lambda: Net().register_buffer("mean", ONES),
    ),
    (
        "name_taken",
        lambda: Net().register_buffer("a.b", ONES),
        lambda: Net().register_buffer("a_b", ONES),
    ),
    (
        "lazy",
        lambda: [p.shape for p in nn.LazyLinear(3).parameters()],
        lambda: (
            (layer := nn.LazyLinear(3))(ONES) is not None and [p.shape for p in layer.parameters()]
        ),
    ),
    ("train_argument", lambda: LINEAR.train(ONES), lambda: LINEAR.train()),
    ("mode_uncalled", mode_entered, no_mode),
    (
        "autocast_kind",
        lambda: torch.autocast(),
        lambda: torch.autocast("cpu", dtype=torch.bfloat16),
    ),
    ("list_backward", lambda: [leaf(1).sum()].backward(), lambda: sum([leaf(1).sum()]).backward()),
    ("torch_name", lambda: nn.Relu(), lambda: nn.ReLU()),
]
CASES = [*TRANSFORMS, *WRITTEN, *STORED, *PROCESSES, *COMPILED, *CLASSES]
