"""Errors of schedulers, their groups, and what is called beside a step."""

from __future__ import annotations

from grader.errors.explanation import Explanation

SCHEDULES = (
    Explanation(
        "schedule_function",
        ("TypeError",),
        r"^'(float|int|list|str)' object is not callable|^lr_lambda should be a function|"
        r"takes 0 positional arguments but 1 was given",
        "LambdaLR and MultiplicativeLR take a function of one argument, the number of the "
        "epoch or step, that returns a factor; here is a number, or a function without that "
        "argument.",
        "Write LambdaLR(optimizer, lambda epoch: 0.95**epoch). For one fixed factor take "
        "ExponentialLR(optimizer, gamma=0.95).",
        where=r"torch/optim/lr_scheduler\.py:[\w<>]+$",
    ),
    Explanation(
        "schedule_factor",
        ("ValueError",),
        r"^(Constant|Starting|Ending) multiplicative factor expected",
        "LinearLR and ConstantLR take factors of the optimizer's learning rate, from 0 to 1, "
        "and no rates; LinearLR begins above 0.",
        "Write LinearLR(optimizer, start_factor=0.01, end_factor=1.0, total_iters=5), and "
        "give the optimizer the largest rate.",
    ),
    Explanation(
        "restart_settings",
        ("ValueError",),
        r"^Expected (positive integer T_0|integer T_mult|float or int eta_min|non-negative "
        r"epoch)",
        "CosineAnnealingWarmRestarts counts in whole numbers: T_0, the steps until the first "
        "restart, and T_mult, how many times longer each next round is, at least 1; eta_min "
        "is a number.",
        "Write CosineAnnealingWarmRestarts(optimizer, T_0=10, T_mult=2, eta_min=1e-5), with "
        "int(n) or // for what is computed, and float(text) for what a file holds. step() "
        "needs no argument.",
    ),
    Explanation(
        "cycle_settings",
        ("ValueError",),
        r"^Expected float between 0 and 1 pct_start|^anneal_strategy must be one of|^mode is "
        r"invalid and scale_fn is None",
        "pct_start of OneCycleLR is the part of all steps in which the rate rises, from 0 to "
        '1; anneal_strategy is "cos" or "linear"; mode of CyclicLR is "triangular", '
        '"triangular2" or "exp_range".',
        "Write OneCycleLR(optimizer, max_lr=0.1, total_steps=n, pct_start=0.3, "
        'anneal_strategy="cos"), or CyclicLR(optimizer, 0.01, 0.1, mode="triangular").',
    ),
    Explanation(
        "cycle_momentum",
        ("ValueError",),
        r"^optimizer must support momentum or beta1 with .cycle_momentum. option enabled",
        "OneCycleLR and CyclicLR move the momentum, or the first of betas, against the rate, "
        "unless you say otherwise, and this optimizer has neither setting.",
        "Pass cycle_momentum=False, or take an optimizer that has one, such as SGD or AdamW. It "
        "is then moved even where you left it at 0.",
    ),
    Explanation(
        "rates_per_group",
        ("ValueError",),
        r"must have the same length as optimizer\.param_groups|^expected \d+ min_lrs, got \d+",
        "A list of rates has one entry for each group of the optimizer, and this one has "
        "another length. model.parameters() makes one group.",
        "Pass one number for all groups, or as many as len(optimizer.param_groups).",
    ),
    Explanation(
        "schedulers_joined",
        ("ValueError", "TypeError"),
        r"^(SequentialLR|ChainedScheduler) (expects|does not support|at index)|^Sequential "
        r"Schedulers expects number",
        "SequentialLR and ChainedScheduler join schedulers of one optimizer. SequentialLR "
        "takes one milestone fewer than schedulers; ReduceLROnPlateau has to be told a "
        "number and cannot be joined.",
        "Make each with the same optimizer: SequentialLR(optimizer, [LinearLR(optimizer), "
        "CosineAnnealingLR(optimizer, 95)], milestones=[5]). Step ReduceLROnPlateau by "
        "itself: plateau.step(validation_loss).",
    ),
    Explanation(
        "plateau_value",
        ("TypeError", "ValueError"),
        r"^float\(\) argument must be a string or a (real )?number|^could not convert string "
        r"to float",
        "ReduceLROnPlateau was stepped with something that is no number: None of a function "
        "without return, a list of losses, a dict of metrics.",
        "Give it one number: scheduler.step(validation_loss), sum(losses) / len(losses) of a "
        'list, metrics["loss"] of a dict. Let the function that computes it return it.',
        where=r"torch/optim/lr_scheduler\.py:step$",
    ),
    Explanation(
        "schedule_period",
        ("ZeroDivisionError",),
        r"",
        "A period of the scheduler is 0, and it divides by it: step_size of StepLR, or T_max "
        "of CosineAnnealingLR. A quotient such as epochs // 10 is 0 for few epochs.",
        "Print it, and keep it at 1 or more: StepLR(optimizer, step_size=max(1, epochs // 10)).",
        where=r"torch/optim/lr_scheduler\.py:[\w<>]+$",
    ),
    Explanation(
        "schedule_division",
        ("ZeroDivisionError",),
        r"",
        "The function that a scheduler calls divides by 0: epochs and steps count from 0, "
        "and a number of warm-up steps may be 0.",
        "Count from 1, (epoch + 1), or keep the divisor at 1 or more: LambdaLR(optimizer, "
        "lambda epoch: 1 / max(1, epoch)).",
        where=r"torch/optim/lr_scheduler\.py:[\w<>]+ > [^/ ]+:[\w<>]+$",
    ),
    Explanation(
        "milestones_list",
        ("TypeError",),
        r"^'(int|float)' object is not iterable",
        "MultiStepLR takes a list of epochs at which the rate falls, and was given one number.",
        "Write MultiStepLR(optimizer, milestones=[30, 60]), or [30]. Every 30 epochs is "
        "StepLR(optimizer, step_size=30).",
        where=r"torch/optim/lr_scheduler\.py:__init__(?!.*_initial_step)",
    ),
    Explanation(
        "added_group",
        ("TypeError",),
        r"^param_group must be a dict, but got",
        "A group of an optimizer is a dict with its parameters and its own settings, and "
        "add_param_group was given something else.",
        'Write optimizer.add_param_group({"params": head.parameters(), "lr": 0.1}).',
    ),
    Explanation(
        "muon_matrices",
        ("ValueError",),
        r"^Muon only supports 2D parameters",
        "Muon steps by whole matrices, so that it takes the weights of linear layers, and no "
        "biases, norms or convolutions.",
        "Divide the parameters by their dimensions: Muon([p for p in model.parameters() if "
        "p.ndim == 2]), and an AdamW for those with p.ndim != 2. Step both.",
    ),
    Explanation(
        "one_implementation",
        ("RuntimeError", "ValueError"),
        r"^.fused. and .foreach. cannot be|^.fused. does not support .differentiable|^lr as a "
        r"Tensor is not supported for capturable=False and foreach=True",
        "foreach, fused, capturable and differentiable choose one implementation of the same "
        "step, and these do not go together.",
        "Leave them out: torch chooses by itself. If you need one, pass that one alone. A "
        "learning rate is a number: lr=1e-3.",
    ),
    Explanation(
        "step_argument",
        ("TypeError",),
        r"^'(float|int|Tensor|GradScaler)' object is not callable",
        "step takes no loss: its one argument is a function that computes the loss, which "
        "LBFGS needs and other optimizers do without.",
        "Write loss.backward(), and then optimizer.step().",
        where=r"torch/optim/(?!lr_scheduler)\w+\.py:step$",
    ),
    Explanation(
        "not_of_optimizer",
        ("AttributeError",),
        r"^'(SGD|Adam|AdamW|RMSprop|Adagrad|NAdam|RAdam|Adamax|LBFGS|GradScaler)' object has "
        r"no attribute '(backward|zero_grad|parameters|named_parameters|to|train|eval|get_lr|"
        r"get_last_lr)'|^'\w+(LR|Restarts|Plateau)' object has no attribute '(zero_grad|"
        r"backward|param_groups|parameters)'",
        "This belongs to another object: the loss computes gradients, the model has "
        "parameters, modes and a device, the optimizer clears gradients and steps, the "
        "scheduler sets its rate.",
        "Write loss.backward(), optimizer.zero_grad(), optimizer.step(), scheduler.step(); "
        "with a GradScaler scaler.scale(loss).backward(); model.parameters(), "
        "model.to(device); scheduler.get_last_lr() or optimizer.param_groups.",
    ),
    Explanation(
        "clipped_model",
        ("TypeError",),
        r"^'(?!method|builtin)\w+' object is not iterable",
        "This function takes parameters, and was given the model, the optimizer or something "
        "else that cannot be gone through.",
        "Write model.parameters(): nn.utils.clip_grad_norm_(model.parameters(), 1.0).",
        where=r"torch/nn/utils/(clip_grad|convert_parameters)\.py:\w+$",
    ),
    Explanation(
        "clip_bound",
        ("TypeError",),
        r"^clip_grad_(norm|value)_\(\) missing 1 required positional argument",
        "Clipping needs the bound that gradients are kept below.",
        "Write nn.utils.clip_grad_norm_(model.parameters(), max_norm=1.0), or "
        "clip_grad_value_(model.parameters(), clip_value=0.5).",
    ),
    Explanation(
        "clip_nothing",
        ("RuntimeError",),
        r"^Expected !nested_tensorlist\[0\]\.empty\(\) to be true",
        "No parameter has a gradient: the clipping comes before backward or after zero_grad, "
        "or the parameters are not those of the model that computed the loss.",
        "Keep the order: loss.backward(), nn.utils.clip_grad_value_(model.parameters(), "
        "0.5), optimizer.step(), with zero_grad() before or after all of them.",
        where=r"torch/nn/utils/clip_grad\.py:",
    ),
    Explanation(
        "scaler_empty_state",
        ("RuntimeError",),
        r"^The source state dict is empty, possibly because it was saved from a disabled",
        "The state comes from a GradScaler that was switched off, enabled=False, and such a "
        "one has none.",
        "Load it where there is one: if state: scaler.load_state_dict(state). Without one go "
        "on with the new scaler.",
    ),
    Explanation(
        "schedule_text",
        ("TypeError",),
        r"^can't multiply sequence by non-int of type 'float'|^unsupported operand type\(s\) "
        r"for .*'str'",
        "A number of the scheduler is a text, often from a YAML file or a command line.",
        'Convert it where it is read: gamma=float(config["gamma"]).',
        where=r"torch/optim/lr_scheduler\.py:[\w<>]+$",
    ),
    Explanation(
        "seed_for_generator",
        ("TypeError",),
        r"^\w+\(\) received an invalid combination of arguments - got \(.*generator=int",
        "generator takes an object that draws, and was given the number of a seed.",
        "Write generator=torch.Generator().manual_seed(42).",
    ),
)
