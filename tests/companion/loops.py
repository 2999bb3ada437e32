"""Training loops as lessons have them, each from a seed: what they leave behind can be compared."""

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.checkpoint import checkpoint
from torch.utils.data import DataLoader, TensorDataset

LOOPS = {}


def loop(function):
    """Register a loop by its name."""
    LOOPS[function.__name__] = function
    return function


def digits(count=12, features=6, classes=3):
    return torch.randn(count, features), torch.randint(classes, (count,))


@loop
def by_hand():
    w, b = torch.randn(6, 3, requires_grad=True), torch.zeros(3, requires_grad=True)
    x, y = digits()
    for _ in range(3):
        loss = F.cross_entropy(x @ w + b, y)
        loss.backward()
        with torch.no_grad():
            for p in (w, b):
                p -= 0.1 * p.grad
                p.grad.zero_()
    return {"w": w, "b": b, "grad": w.grad, "loss": loss}


@loop
def with_adam_dropout_and_batchnorm():
    model = nn.Sequential(
        nn.Linear(6, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.3), nn.Linear(8, 3)
    )
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 5)
    x, y = digits()
    for _ in range(3):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 0.5)
        optimizer.step()
        scheduler.step()
    model.eval()
    with torch.no_grad():
        accuracy = (model(x).argmax(1) == y).float().mean()
    return dict(model.state_dict()) | {"accuracy": accuracy, "rate": scheduler.get_last_lr()}


@loop
def with_accumulation_and_views():
    model = nn.Linear(6, 3)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    x, y = digits()
    for step in range(4):
        h = model(x[step::4]).clone()
        h[:, 0].mul_(2)
        h += 1
        (F.cross_entropy(h, y[step::4]) / 2).backward()
        if step % 2:
            optimizer.step()
            optimizer.zero_grad(set_to_none=False)
    return dict(model.state_dict()) | {"grad": model.weight.grad, "version": model.weight._version}


@loop
def with_hooks():
    seen = []
    model = nn.Sequential(nn.Linear(6, 4), nn.Tanh(), nn.Linear(4, 3))
    model[0].weight.register_hook(lambda g: g * 2)
    model[1].register_full_backward_hook(lambda m, i, o: seen.append(o[0].sum()))
    model[2].register_forward_hook(lambda m, i, o: seen.append(o.detach().sum()))
    model[0].bias.register_post_accumulate_grad_hook(lambda p: seen.append(p.grad.sum()))
    x, y = digits()
    loss = F.cross_entropy(model(x), y)
    loss.backward()
    hooks = [len(one._forward_hooks) + len(one._backward_hooks) for one in model]
    return {"seen": seen, "grads": [p.grad for p in model.parameters()], "hooks": hooks}


@loop
def with_two_backward_passes():
    model = nn.Sequential(nn.Linear(6, 4), nn.Tanh(), nn.Linear(4, 3))
    x, y = digits()
    out = model(x)
    F.cross_entropy(out, y).backward(retain_graph=True)
    out.pow(2).mean().backward()
    return {"grads": [p.grad for p in model.parameters()]}


@loop
def with_a_second_derivative():
    x = torch.randn(5, requires_grad=True)
    (g,) = torch.autograd.grad((x**3).sum(), x, create_graph=True)
    g.pow(2).sum().backward()
    return {"g": g, "grad": x.grad}


@loop
def with_both_checkpoints():
    model = nn.Sequential(nn.Linear(6, 8), nn.Dropout(0.5), nn.Linear(8, 3))
    x, y = digits()
    x.requires_grad_()
    for reentrant in (True, False):
        h = checkpoint(model, x, use_reentrant=reentrant)
        F.cross_entropy(h, y).backward()
    return {"grads": [p.grad for p in model.parameters()], "x": x.grad}


@loop
def with_torch_func():
    model = nn.Linear(6, 3)
    x, y = digits()
    parameters = {name: p.detach() for name, p in model.named_parameters()}

    def loss_of(parameters, one, target):
        out = torch.func.functional_call(model, parameters, one[None])
        return F.cross_entropy(out, target[None])

    each = torch.func.vmap(torch.func.grad(loss_of), in_dims=(None, 0, 0))(parameters, x, y)
    hessian = torch.func.hessian(lambda z: (z**3).sum())(x[0])
    return {"each": each, "hessian": hessian}


@loop
def with_a_custom_function():
    class Clipped(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x.clamp(-1, 1)

        @staticmethod
        def backward(ctx, grad_output):
            (x,) = ctx.saved_tensors
            return grad_output * (x.abs() < 0.5)

    w = torch.randn(8, requires_grad=True)
    Clipped.apply(w * 2).sum().backward()
    return {"grad": w.grad}


@loop
def with_a_recurrent_state():
    cell, head = nn.GRUCell(4, 5), nn.Linear(5, 1)
    optimizer = torch.optim.AdamW([*cell.parameters(), *head.parameters()], lr=0.01)
    h = torch.zeros(2, 5)
    for _ in range(3):
        h = cell(torch.randn(2, 4), h.detach())
        loss = head(h).pow(2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return {"h": h, "weights": list(cell.parameters())}


@loop
def with_a_scaler_and_autocast():
    model = nn.Linear(6, 3)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    scaler = torch.amp.GradScaler("cpu")
    x, y = digits()
    for _ in range(2):
        optimizer.zero_grad()
        with torch.autocast("cpu", dtype=torch.bfloat16):
            loss = F.cross_entropy(model(x).float(), y)
        scaler.scale(loss).backward()
        scaler.unscale_(optimizer)
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        scaler.step(optimizer)
        scaler.update()
    return dict(model.state_dict()) | {"scale": scaler.get_scale()}


@loop
def with_lbfgs():
    w = torch.randn(4, requires_grad=True)
    optimizer = torch.optim.LBFGS([w], max_iter=4)

    def closure():
        optimizer.zero_grad()
        loss = (w**4).sum()
        loss.backward()
        return loss

    optimizer.step(closure)
    return {"w": w, "grad": w.grad}


@loop
def with_a_data_loader():
    x, y = digits()
    model = nn.Linear(6, 3)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for batch, target in DataLoader(TensorDataset(x, y), batch_size=5, shuffle=True):
        optimizer.zero_grad()
        F.cross_entropy(model(batch), target).backward()
        optimizer.step()
    return dict(model.state_dict())


@loop
def with_attention():
    model = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
    x = torch.randn(2, 3, 8)
    model(x).pow(2).mean().backward()
    with torch.inference_mode():
        out = model(x)
    return {"grads": [p.grad for p in model.parameters()], "out": out}


@loop
def with_a_generator_and_a_discriminator():
    generator, critic = nn.Linear(2, 3), nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))
    of_generator = torch.optim.Adam(generator.parameters())
    of_critic = torch.optim.Adam(critic.parameters())
    for _ in range(4):
        fake = generator(torch.randn(4, 2))
        of_critic.zero_grad()
        told = critic(torch.randn(4, 3)).mean() - critic(fake.detach()).mean()
        told.backward()
        of_critic.step()
        of_generator.zero_grad()
        critic(fake).mean().backward()
        of_generator.step()
    return {"generator": list(generator.parameters()), "critic": list(critic.parameters())}


@loop
def with_a_penalty_on_gradients():
    model = nn.Sequential(nn.Linear(1, 6), nn.Tanh(), nn.Linear(6, 1))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    x = torch.randn(5, 1, requires_grad=True)
    for _ in range(3):
        u = model(x)
        (slope,) = torch.autograd.grad(u.sum(), x, create_graph=True)
        loss = (slope + u).pow(2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return {"weights": list(model.parameters())}
