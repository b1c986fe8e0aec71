"""What a team wrote, drawn."""

from django import template
from django.utils.safestring import SafeString

from fablab.lib.written_text import drawn

register = template.Library()


@register.filter
def as_written(text: str, first_level: int = 2) -> SafeString:
    """Paragraphs, lists, headings and bold words; the highest heading is of that level."""
    return drawn(text, first_level=first_level)
