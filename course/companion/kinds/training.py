"""What is wrong around the gradients: models, optimizers, losses, order, modes."""

from __future__ import annotations

from course.companion.kinds.kind import (
    BREAKING_2,
    DETACH,
    FLAT,
    LEAVES,
    LOOP,
    LOOP_2,
    MODES_2,
    MODULES,
    PARALLEL,
    kind,
)

REGISTERED = (
    kind(
        "in_a_list",
        "Layers in a Python list",
        "{name} is a Python {container} of {what}: the model does not know them, and "
        "parameters() leaves them out.",
        "Use {cure_with}.",
        *(MODULES, "Layers in a list do not train", "a layer does not change", FLAT),
    ),
    kind(
        "plain_tensor",
        "A tensor that is no parameter",
        "{name} requires grad and is a plain tensor, so parameters() leaves it out.",
        "Make it nn.Parameter(...) in __init__.",
        *(MODULES, "A weight that is a plain tensor", "a weight does not change", FLAT),
    ),
    kind(
        "not_in_optimizer",
        "Not in the optimizer",
        "{optimizer} {does} not hold {name}, and a step changes only what is held.",
        "Make the optimizer from model.parameters() once the model is complete, or pass the rest "
        "to add_param_group.",
        *(LOOP, "What an optimizer holds", "a layer does not change", FLAT),
    ),
    kind(
        "made_in_forward",
        "A layer that forward makes anew",
        "{method}() makes {name} anew in every call, so no optimizer ever trains the one that a "
        "call uses.",
        "Make it in __init__.{lazily} If it is not to be trained, keep it in a local variable.",
        *(LOOP, "What an optimizer holds", "a layer does not change", FLAT),
    ),
    kind(
        "parameter_replaced",
        "A new parameter in the place of one that is held",
        "{method}() puts a new nn.Parameter in the place of {name}: an optimizer that was made "
        "before holds the old one, and goes on with that.",
        "Write into the one that is there: with torch.no_grad(): self.{attribute}.copy_(values). "
        "Where that is done once, make the optimizer after it.",
        *(LOOP, "What an optimizer holds, and whom it moves", FLAT, "a layer does not change"),
    ),
    kind(
        "made_in_step",
        "Parameters that a step makes anew",
        "The loss leads back to {count} that this line makes anew in every step, and that no "
        "optimizer holds: none of them is ever trained.",
        "Make the layer once, in __init__ or before the loop, and the optimizer after it.",
        *(LOOP, "What an optimizer holds", "a layer does not change", FLAT),
    ),
    kind(
        "other_model",
        "The optimizer holds other tensors",
        "{optimizer} {holds} none of the parameters of {model}{which}: made for other tensors.",
        "Make the optimizer after the model it is to train, and anew when the model is replaced.",
        *(LOOP, "What an optimizer holds", FLAT),
    ),
    kind(
        "held_before",
        "Parameters that were replaced behind the optimizer's back",
        "{optimizer} holds {count} that no model has any longer: assign=True put those of the "
        "file in the place of what {model} had, after the optimizer was made. No step changes "
        "{model}.",
        "Make the optimizer after that. Or write into the parameters that are there: "
        "load_state_dict(state) without assign=True copies.",
        *(LOOP, "What an optimizer holds", FLAT, "a model does not change"),
    ),
    kind(
        "untrained_model",
        "A model that no optimizer holds",
        "{optimizer} {holds} none of the parameters of {model}{which}{shared}, and the loss gives "
        "them gradients: no step changes them.",
        "If it is to be trained, give an optimizer its parameters: {model}.parameters(). If it is "
        "to stay as it is, freeze it: {model}.requires_grad_(False).",
        *(LOOP, "What an optimizer holds", FLAT, "a model does not change"),
    ),
    kind(
        "two_in_one",
        "Tied weights that are two parameters",
        "{other} and {name} lie in the same memory and are two parameters: each gets its own part "
        "of the gradient, and each has a step of its own.",
        "Tie them by giving both layers the same parameter: head.weight = embedding.weight, "
        "without nn.Parameter(...) and without .data.",
        *(MODULES, "10.2 What a module knows", "a weight does not change"),
    ),
    kind(
        "computed",
        "A parameter that was computed with",
        "{name} is no parameter: {node} computed it from one in __init__, so the model does not "
        "know it, and no optimizer holds it.",
        "Compute first and make the parameter last: nn.Parameter(torch.randn(n, d) * 0.02), "
        "nn.Parameter(values.double()).",
        *(MODULES, "A weight that is a plain tensor", "a weight does not change", FLAT),
    ),
    kind(
        "flag_of_module",
        "requires_grad set on a module",
        "{name}.requires_grad = {value} made a plain attribute of that name: a module has no such "
        "flag, and its parameters are as they were.",
        "Call it as a method: {name}.requires_grad_({value}).",
        *(LEAVES, "Freezing a parameter", "a layer does not change"),
    ),
)


ORDER = (
    kind(
        "step_before_backward",
        "step before backward",
        "The optimizer stepped before the backward pass of its step, on gradients that were "
        "emptied or belong to the step before.",
        "Order: zero_grad(), backward(), step().",
        *(LOOP, "The order, as a program", FLAT),
    ),
    kind(
        "emptied_before_step",
        "Emptied between backward and step",
        "The gradients are emptied after backward and before step(), so the step has none.",
        "Call zero_grad() before backward, or after step().",
        *(LOOP, "Gradients add up", FLAT),
    ),
    kind(
        "never_emptied",
        "Gradients that are never emptied",
        "{count} backward passes, each followed by step(), and no zero_grad(): gradients of all "
        "earlier steps add up.",
        "Call optimizer.zero_grad() in every step.",
        *(LOOP, "Gradients add up", "the loss rises", "training is unstable"),
    ),
    kind(
        "unemptied",
        "No line that empties gradients",
        "{optimizer} steps in a loop, and no line of that loop, or of what it calls, empties "
        "gradients{but}: from the second pass on, backward adds to those that the steps before "
        "have used.",
        "Call its zero_grad() in every pass, in front of the backward() of its own loss.",
        *(LOOP, "Gradients add up", "the loss rises", "training is unstable", FLAT),
    ),
    kind(
        "schedule_alone",
        "A schedule in the place of a step",
        "{schedule} was moved on, and {optimizer} never stepped: scheduler.step() sets learning "
        "rates, and changes no parameter.",
        "Call optimizer.step() behind backward() in every step, and scheduler.step() behind that: "
        "not the one in the place of the other.",
        *(LOOP_2, "Clip and schedule", FLAT, "a model does not change"),
    ),
    kind(
        "added_to_old",
        "Gradients from before the watched step",
        "This backward pass added to gradients that were there before it, and an update used the "
        "sum: nothing in the watched step empties them.",
        "Empty them in every step: optimizer.zero_grad(), or w.grad = None where you update by "
        "hand. Where several batches are to add up, watch all of them, with the emptying.",
        *(LOOP, "Gradients add up", "the loss rises", "training is unstable"),
    ),
    kind(
        "advantage_with_graph",
        "An advantage with its graph",
        "An estimate that is fitted to a target at {at} weighs log-probabilities here with its "
        "graph: this term trains the estimate too, to make the product small and not to be right.",
        "Detach it where it weighs: (reward - value.detach()) * log_prob.",
        *(DETACH, "detach: the same memory", "training is unstable", FLAT),
    ),
    kind(
        "step_on_nothing",
        "A step without any gradient",
        "{optimizer} stepped, and nothing that it holds had a gradient: {why}.",
        "Between zero_grad() and step() call backward() on a loss that is made of what it "
        "holds, with its parentheses; a closure that step() is given calls it too.",
        *(LOOP, "The order, as a program", FLAT),
    ),
    kind(
        "rebound",
        "An update that changes nothing",
        "{call} computes a new tensor from a parameter and its gradient, and nothing uses it: the "
        "name is given to another tensor, and the parameter stays as it is.",
        "Write into the parameter, under torch.no_grad(): p -= lr * p.grad.",
        *(LEAVES, "2.6 Changing a leaf", FLAT, "a weight does not change"),
    ),
    kind(
        "no_update",
        "Nothing is updated",
        "{count} backward passes, and no parameter was changed after any of them.",
        "Let an optimizer step, or write into the parameters in place. A generator such as "
        "net.parameters() is empty once a loop went over it: ask for it anew in every step.",
        *(LEAVES, "2.6 Changing a leaf", FLAT, "a weight does not change"),
    ),
    kind(
        "no_step",
        "No step",
        "{count} backward passes, and the optimizer never stepped.",
        "Call optimizer.step() after backward.",
        *(LOOP, "The order, as a program", FLAT),
    ),
    kind(
        "emptied_unused",
        "Gradients emptied before any step",
        "{count} times gradients were emptied that no step had used.",
        "Where gradients of several batches are to add up, call zero_grad() once a step: right "
        "after step(), inside the same if.",
        *(LOOP_2, "6.8 A batch in pieces", FLAT),
    ),
    kind(
        "zero_rate",
        "A learning rate of 0",
        "{optimizer} stepped with a learning rate of 0{by}, so nothing moved.",
        "Set its learning rate, and look at what has changed it: a value that was read from a "
        "file, or a scheduler. One that begins at 0, as a warm-up does, wants its step() after "
        "every optimizer.step(), or a beginning above 0, (step + 1) / total; one that has come to "
        "its end wants more steps.",
        *(LOOP, "What a step does", FLAT, "a layer does not change"),
    ),
    kind(
        "left_over",
        "Gradients of another loss, left for the next step",
        "{optimizer} is emptied behind its own step, and then the backward pass for another "
        "optimizer fills its parameters again: in the next step this pass adds to those gradients.",
        "Call its zero_grad() right in front of this backward.",
        *(LOOP, "Gradients add up", "training is unstable"),
    ),
    kind(
        "clip_after_step",
        "Clipping after the step",
        "Gradients are clipped after step() has used them.",
        "Clip between backward() and step().",
        *(LOOP_2, "Clip and schedule", "training is unstable"),
    ),
    kind(
        "clip_before_backward",
        "Clipping before backward",
        "Gradients are clipped before backward has made them.",
        "Clip between backward() and step().",
        *(LOOP_2, "Clip and schedule", "training is unstable"),
    ),
    kind(
        "clip_scaled",
        "Clipping scaled gradients",
        "Gradients are clipped while they carry the scaler's factor.",
        "Call scaler.unscale_(optimizer) before clipping.",
        *(BREAKING_2, "Clipping before unscaling", FLAT),
    ),
    kind(
        "scheduler_first",
        "scheduler.step before optimizer.step",
        "The learning rate changed between backward and optimizer.step(): the scheduler moved on "
        "first.",
        "Call scheduler.step() after optimizer.step().",
        *(LOOP_2, "Clip and schedule"),
    ),
)


STATES = (
    kind(
        "eval_mode",
        "Training in eval mode",
        "{model} is in eval mode in every step that was watched: dropout is off, and BatchNorm "
        "does not learn its statistics.",
        "Call train() on it before the loop, and again after every evaluation.",
        *(MODES_2, "What eval() does"),
    ),
    kind(
        "frozen_batchnorm",
        "A frozen BatchNorm that moves",
        "The parameters of {name} are frozen, and in training mode its statistics move all the "
        "same.",
        "If what it gives is to stay as it is, call {name}.eval() after model.train().",
        *(MODES_2, "Frozen, and moving"),
    ),
    kind(
        "graphs_kept",
        "Graphs that stay alive",
        "{count} results of earlier steps are alive with their graphs{owner}: memory grows with "
        "every step.",
        "Keep loss.item() or x.detach() in lists and sums.",
        *(BREAKING_2, "The running loss", "memory grows"),
    ),
    kind(
        "compiled",
        "Compiled code is not seen",
        "{name} is compiled: the watch sees nothing of what happens inside.",
        "For the search, use the model without torch.compile.",
        *(BREAKING_2, "14.14 What torch.compile"),
    ),
    kind(
        "distributed",
        "Other processes are not seen",
        "{name} is DistributedDataParallel: what the other processes do, and whether you went "
        "past the wrapper, is not seen.",
        "Look for the mistake in one process, with the model itself.",
        *(PARALLEL, "13.4 What DDP does"),
    ),
)
