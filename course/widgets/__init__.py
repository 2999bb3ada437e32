"""The live pictures: one call in a notebook each, and a picture still where no kernel runs."""

from course.widgets.batch.explorer import explore_batches
from course.widgets.graph.explorer import explore, show_graph, static_svg
from course.widgets.hook.explorer import explore_hooks
from course.widgets.leaf.explorer import explore_leaves
from course.widgets.loop.explorer import explore_loop
from course.widgets.memory.explorer import explore_edits, show_memory
from course.widgets.mode.explorer import explore_modes
from course.widgets.nan.explorer import explore_nan
from course.widgets.norm.explorer import explore_norms
from course.widgets.pipeline.explorer import explore_pipeline
from course.widgets.stride.explorer import explore_strides
from course.widgets.vjp.explorer import explore_vjp

__all__ = [
    "explore",
    "explore_batches",
    "explore_edits",
    "explore_hooks",
    "explore_leaves",
    "explore_loop",
    "explore_modes",
    "explore_nan",
    "explore_norms",
    "explore_pipeline",
    "explore_strides",
    "explore_vjp",
    "show_graph",
    "show_memory",
    "static_svg",
]
