"""Chapter 12, scripts: the public halves of its exercises."""

CHAPTER = "12-scripts"
EXERCISES = (
    "build_parser",
    "parse_kv",
    "launch_command",
    "visible_devices",
    "seed_everything",
    "describe",
    "torchrun_env",
)
