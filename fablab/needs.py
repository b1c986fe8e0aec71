"""What waits for somebody of the team: people first, then machines, prints and devices."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Count, Q
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from fablab.desk import calls
from fablab.machine_status import MachineStatus, State
from iot.models import QuarantinedMessage
from machines.induction_services import open_inductions
from people.lab import current_lab
from people.models import Module, Person
from people.selectors import staff_sites
from printing.models import JobState, PrintJob
from reservations.messages import clock_words, moment_words
from reservations.requests import first_and_count


@dataclass(frozen=True, slots=True)
class Need:
    """Something that waits for somebody: what, why it matters, and the way there."""

    tone: str
    icon: str
    title: str
    detail: str
    url: str
    action: str
    is_post: bool = False


def needs_of(staff: Person, statuses: Sequence[MachineStatus], now: dt.datetime) -> list[Need]:
    """Everything that waits at the person's sites, whose machines these are; what belongs to a module that is off does
    not wait."""
    lab = current_lab()
    needs = _call_needs(staff, now) if lab.has(Module.KIOSK) else []
    needs += _request_needs(staff, now)
    needs += _induction_needs(staff)
    needs += _machine_needs(statuses)
    if lab.has(Module.PRINTING):
        needs += _job_needs(staff)
    if lab.has(Module.DEVICES):
        needs += _quarantine_needs(staff, now)
    return needs


def _call_needs(staff: Person, now: dt.datetime) -> list[Need]:
    return [
        Need(
            "care",
            "person",
            _("Somebody waits at “%(screen)s”") % {"screen": call.kiosk.name},
            _("They asked for help at %(time)s") % {"time": clock_words(call.since, call.kiosk.site.zone)},
            reverse("manage-kiosk-answer", args=[call.kiosk.reference]),
            _("I am going there"),
            is_post=True,
        )
        for call in calls(sites=staff_sites(staff), now=now)
    ]


def _request_needs(staff: Person, now: dt.datetime) -> list[Need]:
    first, count = first_and_count(staff=staff, now=now)
    if first is None:
        return []
    title = ngettext("A request waits for your answer", "%(count)d requests wait for your answer", count)
    words = {"what": first.what, "moment": moment_words(first.start, first.site.zone)}
    return [
        Need(
            "care",
            "question-circle",
            title % {"count": count},
            _("The first: %(what)s, %(moment)s") % words,
            reverse("manage-requests"),
            _("Answer"),
        )
    ]


def _induction_needs(staff: Person) -> list[Need]:
    names = [row.qualification.name for row in open_inductions(staff)]
    if not names:
        return []
    title = ngettext("Somebody waits for an induction", "%(count)d people wait for an induction", len(names))
    return [
        Need(
            "care",
            "award",
            title % {"count": len(names)},
            ", ".join(dict.fromkeys(names)),
            reverse("manage-inductions"),
            _("Agree on a time"),
        )
    ]


def _machine_needs(statuses: Sequence[MachineStatus]) -> list[Need]:
    needs, has_devices = [], current_lab().has(Module.DEVICES)
    for status in statuses:
        machine = status.machine
        if status.state == State.NO_NEWS:
            title = _("%(machine)s: no news") % {"machine": machine.name}
            url = f"/manage/devices/?machine={machine.slug}" if has_devices else machine.get_absolute_url()
            action = _("See device") if has_devices else _("Look")
            needs.append(Need("no-news", "wifi-off", title, status.detail, url, action))
        elif status.state == State.OUT:
            title = _("%(machine)s is out of service") % {"machine": machine.name}
            detail = status.detail if status.word == _("Out of service") else f"{status.word}. {status.detail}"
            needs.append(Need("out", "tools", title, detail, machine.get_absolute_url(), _("Look")))
        elif status.is_bed_waiting:
            title = _("%(machine)s: a print waits on the bed") % {"machine": machine.name}
            url = f"/manage/machines/{machine.slug}/bed-clear/"
            needs.append(Need("care", "inbox", title, status.detail, url, _("Bed is clear"), is_post=True))
        elif status.prints_other:
            title = _("%(machine)s prints something that was not sent from here") % {"machine": machine.name}
            detail = _("Nothing is sent to it until that has ended and somebody has cleared the bed")
            url = reverse("machine-prints", args=[machine.slug])
            needs.append(Need("care", "printer-3d", title, detail, url, _("Look")))
        elif status.state == State.CARE:
            title = _("%(what)s: %(sentence)s") % {"what": machine.name, "sentence": status.word}
            needs.append(Need("care", "wrench", title, status.detail, machine.get_absolute_url(), _("Look")))
    return needs


def _job_needs(staff: Person) -> list[Need]:
    lost = PrintJob.objects.visible_to(staff).filter(state=JobState.LOST).select_related("machine", "file")
    return [
        Need(
            "care",
            "printer-3d",
            _("A print on %(machine)s was lost from sight") % {"machine": job.machine.name},
            _("Say how it ended, so that its time counts rightly"),
            job.get_absolute_url(),
            _("Look"),
        )
        for job in lost
    ]


def _quarantine_needs(staff: Person, now: dt.datetime) -> list[Need]:
    """Of devices of the person's sites, and of those that stand nowhere yet."""
    since = now - dt.timedelta(days=1)
    theirs = Q(device__machine=None) | Q(device__machine__unit__site__in=staff_sites(staff))
    found = (
        QuarantinedMessage.objects.filter(theirs, received_at__gt=since, device__isnull=False)
        .values("device__slug", "device__name")
        .annotate(count=Count("pk"))
        .order_by("-count")[:5]
    )
    return [
        Need(
            "care",
            "cpu",
            _("%(device)s sends what we cannot read") % {"device": row["device__name"] or row["device__slug"]},
            _("Messages set aside since yesterday: %(count)d") % {"count": row["count"]},
            f"/manage/devices/{row['device__slug']}/",
            _("See device"),
        )
        for row in found
    ]
