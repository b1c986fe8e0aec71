"""What allauth's own script reads to speak with the browser about passkeys: data, never run."""

import json

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()


@register.simple_tag
def passkey_ids(form: str, **ids: str) -> SafeString:
    """Tell the script which form of its own this page is, and the `id` of each of its parts."""
    return format_html(
        '<script type="application/json" data-allauth-onload="allauth.webauthn.forms.{}">{}</script>',
        form, SafeString(json.dumps({"ids": ids}).replace("<", "\\u003c")),
    )  # fmt: skip
