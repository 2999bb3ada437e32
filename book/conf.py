"""How Sphinx makes the book: every warning counts, and nothing is asked from anywhere else.

What a build chooses, its static files and its version, `book.building` adds.
"""

from pathlib import Path

project = "PyTorch autograd"
html_title = project
extensions = ["myst_nb", "book.searching", "book.navigation"]
nitpicky = True

# Lessons were run before. Their live pictures play recorded steps, without ipywidgets.
nb_execution_mode = "off"
nb_ipywidgets_js: dict[str, dict[str, str]] = {}
nb_merge_streams = True

html_theme = "furo"
html_theme_options = {
    "navigation_with_keys": False,  # arrow keys step the pictures
    "light_css_variables": {"color-code-background": "#f5f7fa"},
    "dark_css_variables": {"color-code-background": "#1e2124"},
}
html_css_files = ["book.css"]
html_js_files = ["book.js"]
html_search_scorer = str(Path(__file__).with_name("static") / "scorer.js")
html_copy_source = False
html_show_sourcelink = False
html_show_copyright = False
html_permalinks_icon = "#"
pygments_style = "a11y-high-contrast-light"
pygments_dark_style = "a11y-high-contrast-dark"
