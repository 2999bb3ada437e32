"""The live pictures: one call in a notebook each, and a picture still where no kernel runs."""

from course.widgets.graph_explorer import explore, show_graph, static_svg

__all__ = ["explore", "show_graph", "static_svg"]
