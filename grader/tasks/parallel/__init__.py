"""Chapter 13, parallel training: the public halves of its exercises."""

CHAPTER = "13-parallel"
EXERCISES = (
    "ddp_average",
    "global_batch",
    "sync_grads",
    "ring_all_reduce",
    "tensor_parallel",
    "micro_batch_pipeline",
    "activation_memory",
    "shard_params",
)
