"""What the team of a site is told: each of them in their pages, and the team's own channels once for all.

The channels are addresses of apprise (SMS, Telegram, Matrix, ntfy …), from the environment: they hold secrets.
"""

import datetime as dt
import logging
import re
from collections.abc import Collection, Mapping
from typing import Any

from django.conf import settings

from fablab.lib import env
from people.models import STAFF_ROLES, Channel, Delivery, Notice, Person, Role, Site
from people.notices.kinds import Words
from people.notices.mail import NotSent
from people.notices.tell import tell

# “halles=tgram://…” is for one site; without its short name an address is for all of them.
OF_ONE_SITE = re.compile(r"^(?P<site>[-\w]+)=(?P<url>[a-z][a-z0-9+.-]*://.+)$", re.IGNORECASE)


def tell_team(
    *,
    site: Site,
    kind: str,
    key: str,
    params: Mapping[str, Any],
    now: dt.datetime,
    link: str = "",
    roles: Collection[Role] = STAFF_ROLES,
    besides: Person | None = None,
) -> int:
    """Tell those who have one of the roles at the site, and the site's channels once; how many people were told.

    `params` name nobody: they leave by the channels. Within the caller's transaction.
    """
    people = Person.objects.filter(
        role_grants__site=site, role_grants__role__in=roles, is_active=True, erased_at=None
    ).distinct()
    more: dict[str, Any] = {"kind": kind, "params": params, "now": now, "link": link, "site": site}
    told = [
        tell(person=person, key=f"{key}:{person.pk}", **more) for person in people.order_by("pk") if person != besides
    ]
    notices = [notice for notice in told if notice is not None]
    if notices and channels_of(site):
        # One row stands for all: a channel that many read is written to once.
        Delivery.objects.create(notice=notices[0], channel=Channel.APPRISE, next_try_at=now)
    return len(notices)


def channels_of(site: Site | None) -> list[str]:
    """The apprise addresses of the site's team, from FABLAB_APPRISE_URLS."""
    found = []
    for word in env.text("FABLAB_APPRISE_URLS").split():
        own = OF_ONE_SITE.match(word)
        if own is None:
            found.append(word)
        elif site is not None and own["site"] == site.slug:
            found.append(own["url"])
    return found


def send_to_channels(notice: Notice, words: Words) -> None:
    """Write to the channels of the notice's site.

    Raises:
        NotSent: none of them took it, or none is there any more.
    """
    # Heavy, and needed by the worker of a lab that has channels only.
    from apprise import Apprise, NotifyFormat

    # What it complains of holds the addresses with their secrets.
    logging.getLogger("apprise").disabled = True
    urls = channels_of(notice.site)
    if not urls:
        raise NotSent("no_channel", is_final=True)
    channels = [Apprise() for _url in urls]
    body = f"{words.body}\n{settings.PUBLIC_URL}{notice.link}" if notice.link else words.body
    took = [
        channel.add(url) and channel.notify(title=words.subject, body=body, body_format=NotifyFormat.TEXT)
        for channel, url in zip(channels, urls, strict=True)
    ]
    # Where one of two took it, the other is not tried again: the first would get it twice.
    if not any(took):
        raise NotSent("no_channel_took_it")
