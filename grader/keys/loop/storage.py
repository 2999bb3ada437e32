"""References and mistakes of the exercise that goes on from a file."""

import pickle
from typing import BinaryIO

import torch
from torch import nn

from grader.trusted.key import Key, raises, replaces

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
        """Weights and schedule are right, and the optimizer that goes on training started anew,
        without the averages or the momentum it had gathered and at its first learning rate. Save
        its state_dict(), and load it into the optimizer that you are given."""
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
        """Weights and optimizer are right, and the scheduler that you were given counts from the
        start again: it changes the learning rate at the wrong steps. Save its state_dict(), and
        load it into this very scheduler: another one that you make is used by nobody."""
        states = torch.load(file)
        model.load_state_dict(states[0])
        opt.load_state_dict(states[1])

    @replaces("load_training")
    def schedule_by_its_count(model, opt, sched, file):
        """You did not keep all that the scheduler knows. Its count of steps goes on, and a schedule
        that starts over knows its place in the cycle besides. Save sched.state_dict(), which holds
        all of it."""
        states = torch.load(file)
        model.load_state_dict(states[0])
        opt.load_state_dict(states[1])
        sched.last_epoch = states[2]["last_epoch"]

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
    def one_rate_for_all_groups(model, opt, sched, file):
        """Every parameter group got the learning rate of the first. Each has its own:
        opt.load_state_dict() puts back all of them."""
        ResumeKey.load_training(model, opt, sched, file)
        for group in opt.param_groups:
            group["lr"] = opt.param_groups[0]["lr"]

    @replaces("load_training")
    def memory_without_settings(model, opt, sched, file):
        """Weights, schedule and momenta are right, and the learning rate is the first one again.
        Either you put back the state of the optimizer without its param_groups, or you set the rate
        yourself afterwards. opt.load_state_dict() takes both, and needs nothing more."""
        states = torch.load(file)
        model.load_state_dict(states[0])
        opt.load_state_dict({**opt.state_dict(), "state": states[1]["state"]})
        sched.load_state_dict(states[2])

    @replaces("load_training")
    def rate_without_memory_and_schedule(model, opt, file):
        """Weights and learning rate are right. The optimizer lost the averages or the momentum it
        had gathered, and the scheduler counts from the start again. Each has a state_dict() that
        holds all of it."""
        states = torch.load(file)
        model.load_state_dict(states[0])
        for group, saved in zip(opt.param_groups, states[1]["param_groups"], strict=True):
            group["lr"] = saved["lr"]

    @replaces("load_training")
    @raises(r"different number of parameter groups|doesn't match the size of optimizer's group")
    def groups_of_another_optimizer(model, opt, sched, file):
        """You loaded the state into an optimizer with other parameter groups, such as one that you
        made yourself. Load it into the optimizer that you are given, which goes on training."""
        states = torch.load(file)
        model.load_state_dict(states[0])
        type(opt)(model.parameters(), lr=0.1).load_state_dict(states[1])
        sched.load_state_dict(states[2])

    @replaces("load_training")
    def first_rate_and_count(model, opt, sched, file):
        """The weights are right, and the scheduler's count. Of the optimizer you kept one learning
        rate: it lost the averages or the momentum it had gathered, and where it has several groups,
        their rates. opt.state_dict() and sched.state_dict() hold all of it."""
        states = torch.load(file)
        model.load_state_dict(states[0])
        opt.param_groups[0]["lr"] = states[1]["param_groups"][0]["lr"]
        sched.last_epoch = states[2]["last_epoch"]

    @replaces("save_training")
    def written_elsewhere(model, opt, sched, file):
        """Nothing was written to file, the open file that you are given. A name of your own, such
        as "ckpt.pt", makes another file, and a state that is kept in memory is none: call
        torch.save(..., file)."""

    @replaces("save_training")
    def closed(model, opt, sched, file):
        """You closed file. Whoever opened it closes it, and goes on with it here: leave it open
        after you have written."""
        file.close()

    @replaces("load_training")
    def kept_in_memory(model):
        """What went on is the training that was saved last, and not the one in file: you keep the
        states in a variable. A file is read by another program, which has no such variable: write
        all three states into file, and read them from it."""
        with torch.no_grad():  # the other training has just begun, with half of these numbers
            for parameter in model.parameters():
                parameter.mul_(0.5)

    @replaces("load_training")
    def scheduled_once_more(model, opt, sched, file):
        """All three were put back, and then the scheduler took a step of its own, in load_training
        or before the file was written: it is one ahead from there on. Step nothing."""
        ResumeKey.load_training(model, opt, sched, file)
        sched.step()

    @replaces("load_training")
    def scheduled_again(model, opt, sched, file):
        """The learning rate is too small: it was put back as it had become, and then the scheduler
        went through its steps once more. Load sched.state_dict(), and step nothing."""
        states = torch.load(file)
        model.load_state_dict(states[0])
        opt.load_state_dict(states[1])
        for _ in range(states[2]["last_epoch"]):
            sched.step()

    @replaces("load_training")
    def first_rate_alone(model, opt, file):
        """The weights are right. Of optimizer and scheduler you kept one learning rate, which is
        that of the first group. Each has a state_dict() that holds all it needs to go on."""
        states = torch.load(file)
        model.load_state_dict(states[0])
        for group in opt.param_groups:
            group["lr"] = states[1]["param_groups"][0]["lr"]

    @replaces("load_training")
    def parameters_alone(model, file):
        """The parameters are right, and nothing else: buffers, optimizer and scheduler started
        anew. model.state_dict() holds the buffers as well, and the other two have a state_dict() of
        their own."""
        states = torch.load(file)
        with torch.no_grad():
            for name, parameter in model.named_parameters():
                parameter.copy_(states[0][name])

    @replaces("load_training")
    def parameters_replaced(model, opt, sched, file):
        """You put new parameters into the model, as load_state_dict(..., assign=True) does. The
        optimizer that you are given holds the old ones, and goes on moving those. Load into the
        parameters that are there: load_state_dict() without assign."""
        states = torch.load(file)
        model.load_state_dict(states[0], assign=True)
        opt.load_state_dict(states[1])
        sched.load_state_dict(states[2])

    @replaces("load_training")
    @raises(r"Weights only load failed")
    def file_read_again(model, opt, file):
        """You called torch.load more than once. The first call moves the place at which the file is
        read, and the next one starts there, where it finds nothing that it knows. Load once, keep
        what it gives, and hand the three states out from that."""
        model.load_state_dict(torch.load(file)[0])
        opt.load_state_dict(torch.load(file)[1])

    @replaces("save_training")
    @raises(r"PytorchStreamReader failed")
    def several_saves(model, opt, sched, file):
        """Your file cannot be read: torch.save was called more than once for it, and each call
        writes a whole archive. Put the three states into one dict, and save that."""
        for part in (model, opt, sched):
            torch.save(part.state_dict(), file)

    @replaces("load_training")
    @raises(r"^'param_groups'$")
    def optimizer_given_another_state(model, opt):
        """You loaded the state of another object into the optimizer: it holds no param_groups. Save
        opt.state_dict() itself, under a name of its own."""
        opt.load_state_dict(model.state_dict())

    @replaces("save_training")
    def rounded(model, opt, sched, file):
        """Your file holds half precision, so that what is read is rounded. Training must go on
        exactly: save the numbers as they are."""
        halves = {n: t.half().to(t.dtype) for n, t in model.state_dict().items()}
        torch.save([halves, opt.state_dict(), sched.state_dict()], file)

    @replaces("save_training")
    def pickled(model, opt, sched, file):
        """torch.load does not open your file: torch.save did not write it. Use
        torch.save, which stores tensors in a form that can be read without running code."""
        pickle.dump([part.state_dict() for part in (model, opt, sched)], file)

    @replaces("load_training")
    @raises(r"has no attribute 'name'")
    def taken_for_a_path(file):
        """You took file for a path. It is an open binary file: hand it to torch.save and torch.load
        as it is."""
        str(file.name)

    @replaces("load_training")
    @raises(r"Error\(s\) in loading state_dict|Missing key\(s\) in state_dict")
    def state_of_another_object(model, file):
        """The state that you loaded does not fit: names of the model are missing in it. Either it
        is the state of another object, such as the optimizer, or no whole state_dict() of the
        model, which holds buffers too, under the names that it gave. Save the three whole, each
        under a name of its own, and hand each to its owner."""
        model.load_state_dict({})

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
