"""Chapter 11, data: the public halves of its exercises."""

CHAPTER = "11-data"
EXERCISES = (
    "dataset_class",
    "normalise_images",
    "steps_per_epoch",
    "batch_sampler",
    "split_indices",
    "collate_pad",
    "worker_share",
    "distributed_sampler",
)
