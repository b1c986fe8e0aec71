"""The settings' first page: what each part is for, and what is still missing."""

from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from fablab.lib.queries import query_word
from fablab.unfit import unfit_reservations
from fablab.views.roles import for_role
from fablab.views.rules_door import rules_seen
from iot.models import Device
from machines.models import (
    BookingPolicy,
    Category,
    Machine,
    OpeningException,
    OpeningHours,
    Outage,
    Qualification,
    Room,
    Season,
)
from people.lab import current_lab
from people.models import STAFF_ROLES, Module, Person, RoleGrant, Site
from people.permissions import is_administrator, is_manager
from people.selectors import managed_sites
from people.signed_in import signed_in
from printing.models import Printer
from printing.print_prices import priced_sites
from printing.spools import low_spools
from reservations.feeds import feeds_of_site
from reservations.models import Quota


@dataclass(frozen=True, slots=True)
class Card:
    """One part of the settings: what it is for, and how much there is or what is missing."""

    title: str | Promise
    icon: str
    url: str
    words: str | Promise
    state: str = ""
    is_missing: bool = False


@for_role(is_manager)
def index(request: HttpRequest) -> HttpResponse:
    """The cards of one site and of the whole lab; `?site=` chooses among one's own sites."""
    person, now = signed_in(request), timezone.now()
    sites = list(managed_sites(person))
    wanted = query_word(request.GET, "site")
    site = next((site for site in sites if site.slug == wanted), sites[0] if sites else None)
    unfit = unfit_reservations(site=site, now=now) if site else []
    return render(
        request,
        "fablab/settings/index.html",
        {
            "sites": sites,
            "site": site,
            "site_cards": _site_cards(site, person) if site else [],
            "lab_cards": _lab_cards(person, sites),
            "unfit_count": len(unfit),
            "may_add_site": is_administrator(person),
        },
    )


def _counted(count: int, words: str, missing: str) -> tuple[str, bool]:
    return (words, False) if count else (missing, True)


def _site_cards(site: Site, person: Person) -> list[Card]:
    now = timezone.now()
    today = now.astimezone(site.zone).date()
    hours = OpeningHours.objects.filter(site=site, season=None).values("weekday").distinct().count()
    seasons = Season.objects.filter(site=site).count()
    closures = OpeningException.objects.filter(site=site, date__gte=today).count()
    rooms = Room.objects.filter(site=site).count()
    machines = Machine.objects.filter(unit__site=site, retired_at=None).count()
    outages = Outage.objects.declared().filter(machine__unit__site=site).holding_at(now).count()
    feeds = len(feeds_of_site(site))
    team = RoleGrant.objects.filter(site=site, role__in=STAFF_ROLES).values("person").distinct().count()

    def url(name: str) -> str:
        return reverse(name, args=[site.slug])

    cards = [
        Card(_("Opening hours"), "clock", url("settings-hours"), _("The week, day by day."),
             *_counted(hours, ngettext("%d day a week", "%d days a week", hours) % hours, _("No opening hours yet"))),
        Card(_("Seasons"), "sun", url("settings-seasons"), _("A summer or school holidays with other hours."),
             ngettext("%d season", "%d seasons", seasons) % seasons),
        Card(_("The year at a glance"), "calendar3", url("settings-year"),
             _("Twelve months: what is open when, and why.")),
        Card(_("Closures and special days"), "calendar-x", url("settings-closures"),
             _("Holidays, open days, evenings that end later."),
             ngettext("%d date to come", "%d dates to come", closures) % closures),
        Card(_("Rooms"), "house", url("settings-rooms"), _("Where machines stand, and what groups reserve."),
             *_counted(rooms, ngettext("%d room", "%d rooms", rooms) % rooms, _("No room yet"))),
        Card(_("Machines"), "tools", url("settings-machines"), _("Add, describe, move and retire; labels to stick on."),
             *_counted(machines, ngettext("%d machine", "%d machines", machines) % machines, _("No machine yet"))),
        Card(_("Out of service"), "wrench", url("settings-outages"), _("Say what is broken, and when it is back."),
             ngettext("%d machine out of service", "%d machines out of service", outages) % outages),
        Card(_("Calendars for other programs"), "calendar-check", url("settings-calendars"),
             _("What is taken when, in the town hall’s calendar or on a screen."),
             ngettext("%d address", "%d addresses", feeds) % feeds),
        Card(_("Team and roles"), "people", url("settings-roles"), _("Who welcomes, who manages."),
             *_counted(team, ngettext("%d person", "%d people", team) % team, _("Nobody yet"))),
    ]  # fmt: skip
    if is_administrator(person, site):
        missing = not (site.address and (site.phone or site.contact_email))
        state = _("Address or contact missing") if missing else site.address
        words = _("Name, address, telephone, clock, public holidays.")
        cards.insert(0, Card(_("Place"), "geo-alt", url("settings-site"), words, state, missing))
    return cards


def _lab_cards(person: Person, sites: list[Site]) -> list[Card]:
    lab = current_lab()
    kinds, wanted = Category.objects.count(), Qualification.objects.count()
    some = rules_seen(person, BookingPolicy).count() + rules_seen(person, Quota).count()
    cards = [
        Card(_("Categories"), "list", reverse("settings-categories"), _("Booking rules: how long, for whom."),
             *_counted(kinds, ngettext("%d category", "%d categories", kinds) % kinds, _("No category yet"))),
        Card(_("Rules"), "sliders", reverse("rules"), _("In words: what holds for each machine, group and place."),
             ngettext("%d rule for some", "%d rules for some", some) % some),
        Card(_("Qualifications"), "award", reverse("settings-qualifications"), _("What one must have learnt, and how."),
             ngettext("%d qualification", "%d qualifications", wanted) % wanted),
    ]  # fmt: skip
    if lab.has(Module.DEVICES):
        count = Device.objects.filter(revoked_at=None, machine__unit__site__in=sites).count()
        words = _("Plugs and boxes that tell when a machine is in use.")
        state = ngettext("%d device", "%d devices", count) % count
        cards.append(Card(_("Devices"), "cpu", reverse("settings-devices"), words, state))
    if lab.has(Module.PRINTING):
        count = Printer.objects.filter(machine__unit__site__in=sites).count()
        state = ngettext("%d printer connected", "%d printers connected", count) % count
        words = _("How prints reach the 3D printers.")
        cards.append(Card(_("Connected printers"), "printer-3d", reverse("settings-printers"), words, state))
        cards += _print_cards(sites)
    if is_administrator(person):
        off = len(lab.modules_off)
        state = ngettext("%d part is off", "%d parts are off", off) % off if off else _("Everything is on")
        words = _("Parts of the software that you do without.")
        cards.append(Card(_("Modules"), "box-seam", reverse("settings-modules"), words, state))
        missing = not (lab.legal_notice_fr or lab.legal_notice_en)
        state = _("No legal notice yet") if missing else lab.name
        words = _("Name of the lab, welcome, legal notice, privacy contact.")
        cards.append(Card(_("Texts"), "pencil", reverse("settings-texts"), words, state, missing))
    return cards


def _print_cards(sites: list[Site]) -> list[Card]:
    count, low = low_spools(sites)
    state = ngettext("%d spool", "%d spools", count) % count
    if low:
        state = ngettext("%d spool runs low", "%d spools run low", low) % low
    words = _("What hangs in which printer, and what is left of it.")
    filament = Card(_("Filament"), "circle-half", reverse("manage-spools"), words, state, bool(low))
    words, is_priced = _("What a print costs: hours and filament."), priced_sites(sites) > 0
    said = "" if is_priced else _("No price yet")
    return [filament, Card(_("Prices of prints"), "list", reverse("manage-print-prices"), words, said)]
