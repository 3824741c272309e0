"""Documents of the repository as a part of a page."""

from __future__ import annotations

import re

from markdown_it import MarkdownIt
from markupsafe import Markup

_TABLE = re.compile(r"<table>(?=\s*<thead>\s*<tr>\s*<th>([^<]*))")
_SCROLLING = (
    r'<div class="scroll" role="region" aria-label="\1 (scrolls sideways)" tabindex="0">'
    r'<table><caption class="hidden">\1</caption>'
)


def sections(markdown: str, below: int = 1) -> Markup:
    """The sections of a document as HTML, without its title and what stands before the first; HTML in it is shown as text.

    Args:
        markdown: The document.
        below: Level of the heading under which the sections come.
    """
    renderer = MarkdownIt("commonmark", {"html": False}).enable("table")
    body = markdown.partition("\n## ")
    tokens = renderer.parse(f"## {body[2]}" if body[1] else markdown)
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(int(token.tag[1:]) + below - 1, 6)}"
    html = renderer.renderer.render(tokens, renderer.options, {})
    # A wide table scrolls by itself, can be reached with the keyboard to do so, and is called by its first column.
    html = _TABLE.sub(_SCROLLING, html).replace("<th>", '<th scope="col">')
    return Markup(html.replace("</table>", "</table></div>"))  # noqa: S704 - from a file of this repository, HTML off
