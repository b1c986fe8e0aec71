"""A browser that the team made a screen of the lab, and seats behind it."""

from django.test import Client
from django.utils import timezone

from fablab.kiosk_session import MARK
from people.access import issue_code
from people.models import Kiosk, Role
from reservations.models import Reservation, Status
from tests.factories import make_site, make_staff, minutes

ENGLISH = {"accept-language": "en"}


class Screen:
    """A browser enrolled at a site with a manager; `kind` and `idle_min` as asked."""

    def __init__(self, kind=Kiosk.Kind.KIOSK, idle_min=10):
        self.site = make_site()
        self.manager = make_staff(site=self.site, role=Role.FAB_MANAGER)
        self.client = Client(headers=ENGLISH)
        self.client.force_login(self.manager, backend="people.sign_in_backends.PersonBackend")
        form = {"name": "Door", "kind": kind, "site": self.site.pk, "idle_min": idle_min, "machine": ""}
        self.enrolled = self.client.post("/manage/kiosks/enrol/", form)
        self.kiosk = Kiosk.objects.get(name="Door", site=self.site)

    def code_for(self, person):
        return issue_code(person=person, by=self.manager, now=timezone.now())

    def sign_in(self, person, code=None):
        form = {"card": person.card_code, "code": code or self.code_for(person)}
        return self.client.post("/kiosk/card/", form)

    def rest(self, seconds):
        """Nobody touches the screen for so long."""
        session = self.client.session
        session[MARK] = session[MARK] | {"at": session[MARK]["at"] - seconds}
        session.save()

    @property
    def is_signed_in(self):
        return self.client.get("/me/").status_code == 200


def hold_seat(machine, *, holder=None, ends_in=30, status=Status.IN_USE):
    now = timezone.now()
    start, end = now - minutes(10), now + minutes(ends_in)
    return Reservation.objects.create(
        machine=machine, site=machine.site, holder=holder, start=start, end=end, booked_start=start, booked_end=end,
        status=status, created_at=start,
    )  # fmt: skip
