"""Errors of optimizers and schedulers: their settings, groups and steps."""

from __future__ import annotations

from grader.errors.explanation import BY_FRAMES, Explanation

OPTIMIZERS = (
    Explanation(
        "setting_range",
        ("ValueError",),
        r"^Invalid (learning rate|lr|beta|epsilon|weight_decay|momentum|alpha|rho|lr_decay|"
        r"initial_accumulator|eta|step size|etas)[\w ]*( at index \d)?: |^Tensor lr must be "
        r"1-element|^(Learning rate|beta2_decay|epsilon\d|Clipping threshold d|weight.decay|"
        r"momentum) should be [<>]=",
        "One of the optimizer's settings is out of its range, such as a learning rate, eps, weight "
        "decay or momentum below 0, or a beta that is not in [0, 1).",
        "Correct the one that the text names. betas are two numbers below 1, such as (0.9, "
        "0.999): the parts of the old averages that are kept.",
    ),
    Explanation(
        "setting_kind",
        ("TypeError",),
        r"^'<=?' not supported between instances of",
        "A setting of the optimizer is no number, but a text, a tuple, a list or None, often from "
        "a YAML file, a command line or a comma at the end of a line. YAML reads 1e-3 as a text, "
        "and 1.0e-3 as a number.",
        'Convert a text where it is read: lr=float(config["lr"]). Of a tuple or a list take the '
        "number out; several rates belong to several groups. In the place of None leave it out.",
        where=r"torch/optim/\w+\.py:__init__$",
    ),
    Explanation(
        "betas_pair",
        (
            "TypeError",
            "IndexError",
        ),
        r"^'(float|int)' object is not subscriptable|^tuple index out of range|^list index out "
        r"of range",
        "betas is a pair, one number for the average of the gradients and one for that of their "
        "squares, and here is one number alone.",
        "Write betas=(0.9, 0.999). The third argument in a row is betas, so name what you pass: "
        "Adam(params, lr=1e-3, betas=(0.9, 0.999)).",
        where=r"torch/optim/(?!rprop|_adafactor)\w+\.py:__init__$",  # other pairs: etas, eps
    ),
    Explanation(
        "betas_kinds",
        ("ValueError",),
        r"^betas must be either both floats or both Tensors",
        "torch takes two floats for betas, or two tensors; 0 is an int, and beside a float it is "
        "neither.",
        "Write the point: betas=(0.0, 0.9).",
    ),
    Explanation(
        "closure_returns",
        ("TypeError",),
        r"^float\(\) argument must be a string or a (real )?number, not 'NoneType'",
        "The optimizer calls the closure for the loss at each of its tries, and this closure "
        "returned None.",
        "End the closure with return loss, behind loss.backward().",
        where=r"torch/optim/lbfgs\.py:step$",
    ),
    Explanation(
        "nesterov",
        ("ValueError",),
        r"^Nesterov momentum requires a momentum and zero dampening",
        "Nesterov's form of momentum needs momentum, which is 0 unless you say otherwise, and no "
        "dampening.",
        "SGD(params, lr=0.1, momentum=0.9, nesterov=True).",
    ),
    Explanation(
        "setting_name",
        ("TypeError",),
        r"^(SGD|Adam|AdamW|RMSprop|Adagrad|Adadelta|Adamax|NAdam|RAdam|LBFGS|Rprop|ASGD|"
        r"SparseAdam)\.__init__\(\) (got an unexpected keyword|missing 1 required positional "
        r"argument: 'params')",
        "This optimizer has no setting of this name, or was not given parameters.",
        "SGD and RMSprop take momentum=0.9; Adam and AdamW take betas=(0.9, 0.999) in its "
        "place. The parameters come first: SGD(model.parameters(), lr=0.1).",
    ),
    Explanation(
        "model_for_parameters",
        ("TypeError",),
        r"^'(?!method|builtin)\w+' object is not iterable",
        "The optimizer wants a collection of parameters, and was given something else, such as the "
        "model.",
        "Write model.parameters().",
        where=r"torch/optim/(\w+\.py:__init__ > torch/optim/)?optimizer\.py:__init__",
    ),
    Explanation(
        "generators_added",
        ("TypeError",),
        r"^unsupported operand type\(s\) for \+: '(generator|list)' and '(generator|list)'|"
        r"^can only concatenate list \(not \x22generator\x22\)",
        "parameters() gives a generator, and generators cannot be added.",
        "Put the tensors of both into a list: [*a.parameters(), *b.parameters()].",
        where=BY_FRAMES,
    ),
    Explanation(
        "some_names",
        ("ValueError",),
        r"^all optimizer params should be with/without names",
        "Some of the parameters come with names and some without.",
        "Give named_parameters() everywhere, or parameters() everywhere.",
    ),
    Explanation(
        "group_params",
        ("KeyError",),
        r"'?params'?",
        'A group of an optimizer is a dict whose entry "params" holds the parameters, and this '
        "one has none.",
        'Write [{"params": head.parameters(), "lr": 0.1}, {"params": body.parameters()}].',
        where=r"torch/optim/optimizer\.py:add_param_group",
    ),
    Explanation(
        "group_set",
        ("TypeError",),
        r"^optimizer parameters need to be organized in ordered collections",
        "A set has no order, and an optimizer's saved state is by order.",
        "Give it a list.",
    ),
    Explanation(
        "sparse_gradients",
        ("RuntimeError",),
        r"does not support (sparse|dense) gradients",
        "An Embedding with sparse=True gives gradients of the rows that were used alone, and "
        "not every optimizer takes them; SparseAdam takes nothing else.",
        "Leave sparse=True out; or train the sparse embeddings with SparseAdam, or SGD without "
        "weight_decay, and everything else with another optimizer.",
    ),
    Explanation(
        "lbfgs_groups",
        ("ValueError",),
        r"^LBFGS doesn't support per-parameter options",
        "LBFGS looks at all parameters as one vector, so it has one group.",
        "Give it one list of parameters.",
    ),
    Explanation(
        "scheduler_for",
        ("TypeError",),
        r"^\w+ is not an Optimizer$",
        "A scheduler changes an optimizer's learning rate, so the optimizer is its first argument.",
        "Write StepLR(optimizer, step_size=10): not the model, its parameters or a learning rate.",
    ),
    Explanation(
        "plateau_metric",
        ("TypeError",),
        r"ReduceLROnPlateau\.step\(\) missing 1 required positional argument: 'metrics'",
        "ReduceLROnPlateau waits until a number no longer improves, and was not told that number.",
        "Call scheduler.step(validation_loss) once an epoch.",
    ),
    Explanation(
        "schedule_settings",
        ("ValueError", "TypeError"),
        r"^\w+(LR|Restarts|Plateau)\.__init__\(\) (missing|got an unexpected)|"
        r"^mode \w+ is unknown!|^threshold mode \w+ is unknown!|^Factor should be < 1\.0|^You "
        r"must define either total_steps OR|^Expected positive integer (total_steps|epochs|"
        r"steps_per_epoch)|^Expected \d+ lr_lambdas, but got|^Milestones should be a list",
        "The scheduler's settings do not fit together, or one of them is missing, as its text "
        "says.",
        'OneCycleLR: total_steps=epochs * len(loader). ReduceLROnPlateau: mode="min" or "max", '
        "factor below 1. CosineAnnealingLR: T_max, the number of its steps. LambdaLR: one "
        "function, or one for each group. MultiStepLR: milestones=[30, 60]. verbose is no longer "
        "there: leave it out, and print scheduler.get_last_lr().",
    ),
    Explanation(
        "schedule_end",
        ("ValueError",),
        r"^Tried to step \d+ times\. The specified number of total steps is",
        "The scheduler was stepped more often than the steps that it was made for: it was told "
        "the epochs and is stepped for every batch, or training went on after its end.",
        "Make it with total_steps=epochs * len(loader) and step it once a batch; or step it "
        "once an epoch and count epochs. After loading, load its state too.",
    ),
    Explanation(
        "schedule_resume",
        ("KeyError",),
        r"param 'initial_lr' is not specified",
        "A scheduler that is to go on at a later epoch reads each group's first learning rate, "
        "initial_lr, and a new optimizer has none.",
        "Leave last_epoch out, and make the scheduler as for a new run. To go on, load the states "
        "of the optimizer and of the scheduler after that. If none was saved, step the new one as "
        "often as the old one was: for _ in range(epochs): scheduler.step(). To set initial_lr "
        "yourself would end the error, and give most schedulers wrong rates.",
    ),
    Explanation(
        "rate_attribute",
        ("AttributeError",),
        r"^'(SGD|Adam|AdamW|RMSprop|Adagrad|NAdam|RAdam|Adamax|LBFGS)' object has no attribute "
        r"'(lr|learning_rate|momentum|weight_decay|betas)'",
        "An optimizer keeps its settings in its groups, since each group may have others.",
        'Read and write optimizer.param_groups[0]["lr"]; for several groups go through them.',
    ),
    Explanation(
        "norm_infinite",
        ("RuntimeError",),
        r"^The total norm of order \S+ for gradients from `parameters` is non-finite",
        "A gradient holds nan or inf, so there is nothing to clip it to.",
        "Find where it is born: torch.autograd.set_detect_anomaly(True), or why_no_grad() of "
        "this course. With a GradScaler call scaler.unscale_(optimizer) first, and leave "
        "error_if_nonfinite out: it skips such a step.",
    ),
    Explanation(
        "scaled_kind",
        ("ValueError",),
        r"^outputs must be a Tensor or an iterable of Tensors",
        "scaler.scale takes the loss as a tensor, and was given something else, such as a number "
        "or None.",
        "Leave .item() out: scaler.scale(loss).backward(). A function without return gives None.",
    ),
)
