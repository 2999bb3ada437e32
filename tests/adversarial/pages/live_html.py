"""Displays scripts, handlers, frames, forms and styles, as HTML, SVG, Markdown, LaTeX and widgets.

Earns: everything
Told: nothing
Because: a page shows what it can show of them, with nothing in it that runs or is fetched.
"""

# %% after imports
from IPython.display import HTML, SVG, Javascript, Latex, Markdown, display

RUN = "alert('pwned')"
display(HTML(f'<script>{RUN}</script><img src=x onerror="{RUN}"><svg onload="{RUN}">'))
display(HTML(f"<iframe srcdoc='<script>{RUN}</script>'></iframe><a href='javascript:{RUN}'>x</a>"))
display(HTML(f"<form action='http://evil.test/'><button formaction='javascript:{RUN}'>x</form>"))
display(
    HTML("<meta http-equiv=refresh content='0;url=http://evil.test/'><base href='//evil.test'>")
)
display(
    HTML(f"</div></body></html><style>@import 'http://evil.test/x.css';</style><b onclick={RUN}>")
)
display(
    SVG(f"<svg xmlns='http://www.w3.org/2000/svg' onload=\"{RUN}\"><script>{RUN}</script></svg>")
)
display(Javascript(f"{RUN}; element.append('x')"))
display(
    Markdown(f"[x](javascript:{RUN}) <img src=x onerror='{RUN}'>"),
    Latex(f"$\\href{{javascript:{RUN}}}{{x}}$"),
)
display({"application/vnd.jupyter.widget-view+json": {"model_id": "x"}, "text/plain": ""}, raw=True)
display({"text/html": f"<scr<script>ipt>{RUN}</scr</script>ipt>"}, raw=True)
print(f"\x1b]8;;javascript:{RUN}\x07link\x1b]8;;\x07 <script>{RUN}</script>")
raise type(f"<script>{RUN}</script>", (Exception,), {})(f"<img src=x onerror='{RUN}'>")
