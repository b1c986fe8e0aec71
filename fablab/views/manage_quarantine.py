"""Messages that nobody could read: by reason, what they hold, and another try once a driver was mended."""

import re
from urllib.parse import urlencode

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from fablab.lib.queries import query_word
from fablab.views.desk import desk_site
from fablab.views.roles import for_role
from iot.models import QuarantinedMessage
from iot.quarantine import excerpt_of, reasons_in, set_aside_at
from iot.replay import Replayed, replay
from people.permissions import is_manager
from people.selectors import managed_sites
from people.signed_in import signed_in

SHOWN_MOST = 50
# In one press: each is read in a transaction of its own.
AGAIN_MOST = 500


def _asked_for(request: HttpRequest, said: QueryDict) -> tuple[QuerySet[QuarantinedMessage], str, str]:
    """Those of one's own sites, and of one device when asked so; with its slug, and the reason asked for."""
    rows = set_aside_at([site.pk for site in managed_sites(signed_in(request))])
    slug = query_word(said, "device")
    return rows.filter(device__slug=slug) if slug else rows, slug, query_word(said, "reason")


def _after(said: QueryDict) -> int | None:
    """The message behind which the last press stopped."""
    word = query_word(said, "after")
    return int(word) if re.fullmatch(r"[0-9]{1,18}", word) else None


@for_role(is_manager)
def quarantine(request: HttpRequest) -> HttpResponse:
    """The reasons with how often each, and the latest messages, of one reason or one device when asked so."""
    rows, slug, code = _asked_for(request, request.GET)
    reasons = reasons_in(rows)
    if code:
        rows = rows.filter(code=code)
    found = rows.select_related("device").order_by("-received_at", "-pk")[:SHOWN_MOST]
    context = {
        "reasons": reasons,
        "reason": next((each for each in reasons if each.code == code), None),
        "count": sum(each.count for each in reasons),
        "lines": [{"message": row, "excerpt": excerpt_of(row)} for row in found],
        "slug": slug,
        "most": SHOWN_MOST,
        "after": str(_after(request.GET) or ""),
        "zone": desk_site(request).zone,
    }
    return render(request, "fablab/devices/quarantine.html", context)


@require_POST
@for_role(is_manager)
def again(request: HttpRequest) -> HttpResponse:
    """Read some again by what is known today; those of one reason or one device when asked so. The next press goes on
    behind them, or else those that nobody can read would stand before all others for ever."""
    rows, slug, code = _asked_for(request, request.POST)
    if code:
        rows = rows.filter(code=code)
    told = replay(messages=rows, by=signed_in(request), now=timezone.now(), most=AGAIN_MOST, after=_after(request.POST))
    (messages.success if told.read else messages.info)(request, _sentence(told))
    kept = {name: value for name, value in (("device", slug), ("reason", code), ("after", told.last)) if value}
    return redirect(reverse("manage-devices-quarantine") + (f"?{urlencode(kept)}" if kept else ""))


def _sentence(told: Replayed) -> str:
    words = [ngettext("%d message was understood now.", "%d messages were understood now.", told.read) % told.read]
    if told.left:
        words.append(ngettext("%d still cannot be read.", "%d still cannot be read.", told.left) % told.left)
    if told.not_kept:
        sentence = ngettext("%d was not kept whole.", "%d were not kept whole.", told.not_kept)
        words.append(sentence % told.not_kept)
    if told.to_come:
        sentence = ngettext(
            "%d is left: press again to go on with it.", "%d are left: press again to go on with them.", told.to_come
        )
        words.append(sentence % told.to_come)
    return " ".join(words) if told.read or told.left or told.not_kept else _("Nothing was left to try.")
