"""What a team writes for people to read, drawn: paragraphs, lists, headings, bold words and links (CommonMark).

Nothing else leaves: HTML stays the text that it is, and no picture is loaded from elsewhere.
"""

from collections.abc import Sequence

import nh3
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.token import Token

_TAGS = {"h2", "h3", "h4", "h5", "h6", "p", "ul", "ol", "li", "strong", "em", "a", "blockquote", "hr", "br"}
_ATTRIBUTES = {"a": {"href"}, "ol": {"start"}}
_SCHEMES = {"http", "https", "mailto", "tel"}
# Who indents a line or underlines a title does not mean code or a heading.
_NOT_MEANT = ("code", "fence", "backticks", "lheading", "image", "reference")
_DEEPEST = 6


def drawn(text: str, *, first_level: int = 2) -> SafeString:
    """The text as HTML. A line that ends is a line that ends; the highest of its headings is an `h<first_level>`."""
    parser = MarkdownIt("commonmark", {"html": False, "breaks": True}).disable(list(_NOT_MEANT))
    tokens = parser.parse(text)
    _lower_headings(tokens, first_level)
    raw = parser.renderer.render(tokens, parser.options, {})
    cleaned = nh3.clean(raw, tags=_TAGS, attributes=_ATTRIBUTES, url_schemes=_SCHEMES)
    return mark_safe(cleaned)  # noqa: S308


def _lower_headings(tokens: Sequence[Token], first_level: int) -> None:
    """No level is left out between the page's own headings and these."""
    headings = [token for token in tokens if token.type in ("heading_open", "heading_close")]
    highest = min((int(token.tag[1:]) for token in headings), default=1)
    for token in headings:
        token.tag = f"h{min(first_level + int(token.tag[1:]) - highest, _DEEPEST)}"
