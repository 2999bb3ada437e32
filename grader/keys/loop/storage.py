"""References and mistakes of the exercise that goes on from a file."""

from typing import BinaryIO

import torch
from torch import nn

from grader.trusted.key import Key, replaces

Optimizer = torch.optim.Optimizer
Scheduler = torch.optim.lr_scheduler.LRScheduler


class ResumeKey(Key, task="resume"):
    def save_training(model: nn.Module, opt: Optimizer, sched: Scheduler, file: BinaryIO) -> None:
        """The three states, in order."""
        torch.save([part.state_dict() for part in (model, opt, sched)], file)

    def load_training(model: nn.Module, opt: Optimizer, sched: Scheduler, file: BinaryIO) -> None:
        """Hand the three states out again."""
        states = torch.load(file)
        model.load_state_dict(states[0])
        opt.load_state_dict(states[1])
        sched.load_state_dict(states[2])

    @replaces("load_training")
    def optimizer_fresh(model, sched, file):
        """Weights and schedule are right, and the optimizer started anew, without the averages or
        the momentum it had gathered and at its first learning rate. Save and load
        opt.state_dict(), too."""
        states = torch.load(file)
        model.load_state_dict(states[0])
        sched.load_state_dict(states[2])

    @replaces("load_training")
    def weights_alone(model, file):
        """The weights are right, and optimizer and scheduler started anew. Both hold numbers that
        the next step depends on: save and load their state_dict(), too."""
        model.load_state_dict(torch.load(file)[0])

    @replaces("load_training")
    def schedule_fresh(model, opt, file):
        """Weights and optimizer are right, and the scheduler counts from the start again: it
        changes the learning rate at the wrong steps. Save and load sched.state_dict(), too."""
        states = torch.load(file)
        model.load_state_dict(states[0])
        opt.load_state_dict(states[1])

    @replaces("load_training")
    def weights_fresh(opt, sched, file):
        """Optimizer and schedule go on, and the model kept its fresh numbers. Load into the model
        you were given, with model.load_state_dict(...): `model = ...` gives another object that
        name, and nothing else."""
        states = torch.load(file)
        opt.load_state_dict(states[1])
        sched.load_state_dict(states[2])

    @replaces("load_training")
    def nothing_loaded():
        """Training started anew: nothing you read was put to use. Call load_state_dict() of the
        model, the optimizer and the scheduler that you were given."""

    @replaces("load_training")
    def buffers_fresh(model, opt, sched, file):
        """The parameters are right, and the buffers, such as running statistics, started anew.
        model.parameters() does not list them: model.state_dict() does."""
        fresh = {name: buffer.clone() for name, buffer in model.named_buffers()}
        ResumeKey.load_training(model, opt, sched, file)
        model.load_state_dict(fresh, strict=False)

    @replaces("load_training")
    def learning_rate_alone(model, opt, sched, file):
        """Weights, schedule and learning rate are right, and the optimizer lost the averages or
        the momentum it had gathered. opt.state_dict() holds them beside the settings."""
        states = torch.load(file)
        model.load_state_dict(states[0])
        opt.load_state_dict({**states[1], "state": {}})
        sched.load_state_dict(states[2])

    @replaces("save_training")
    def whole_objects(model, opt, sched, file):
        """torch.load does not open your file by default. It holds whole objects, and reading those
        back can run any code. Save state_dict() of each, which is tensors and numbers."""
        states = [part.state_dict() for part in (model, opt, sched)]
        torch.save([*states, nn.Identity()], file)
