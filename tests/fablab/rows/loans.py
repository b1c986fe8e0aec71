"""What leaves the place: the list, handing over and taking back, photos."""

import datetime as dt
import io

from django.core.files.base import ContentFile
from django.utils import timezone
from PIL import Image

from machines.models import Category, Machine
from reservations.models import Loan, LoanItem, LoanPhoto, Status
from tests.api.lab import Lab, hold
from tests.fablab.rows.row import ALL_405, OWN, TEAM, Row
from tests.factories import make_category, make_machine

THERE = "302 403 403 403 200 200 404 200 200"
DONE = "302 403 403 403 302 302 404 302 302"
NOT_TICKED = "302 403 403 403 400 400 404 400 400"

ROWS: tuple[Row, ...] = (
    Row("desk-loans", TEAM, TEAM),
    Row("desk-loan", THERE, DONE, ("{to_lend}",), data={"do": "done", "{thing}": "1"}, variant="hand over"),
    Row("desk-loan", THERE, DONE, ("{lent}",), data={"do": "done", "{thing_out}": "1"}, variant="take back"),
    Row("desk-loan", THERE, NOT_TICKED, ("{lent}",), data={"do": "done"}, variant="not ticked"),
    Row("desk-loan", THERE, THERE, ("{lent}",), data={"do": "scan", "scan": "x"}, variant="scanned"),
    Row("desk-loan", "302 403 403 403 404 404 404 404 404", "302 403 403 403 404 404 404 404 404", ("{coming}",),
        variant="what stays"),
    # No picture is sent: they are told so on the page.
    Row("desk-loan-photo", ALL_405, DONE, ("{lent}",)),
    Row("loan-photo", OWN, OWN, ("{loan_photo}",)),
)  # fmt: skip


def words(lab: Lab) -> dict[str, str]:
    """Something that is fetched now, and something that is out, with a photo; both the holder's."""
    if not Category.objects.filter(is_lent=True).exists():
        lend(lab)
    loan = Loan.objects.get(returned_at=None)
    to_lend = lab.site.reservations.get(machine__category__is_lent=True, status=Status.CONFIRMED)
    return {
        "lent": loan.reservation.reference, "thing_out": f"thing-{loan.reservation.machine_id}",
        "to_lend": to_lend.reference, "thing": f"thing-{to_lend.machine_id}",
        "loan_photo": str(LoanPhoto.objects.get().pk),
    }  # fmt: skip


def lend(lab: Lab) -> Loan:
    """Two laptops: one to be fetched now, one out until tomorrow."""
    now, holder = timezone.now(), lab.people["holder"]
    kind = make_category(is_lent=True, name_en="Laptops", name_fr="Portables")
    there, out = (make_machine(site=lab.site, category=kind, name=name) for name in ("Laptop 1", "Laptop 2"))
    hold(there, holder, now - dt.timedelta(minutes=5), now + dt.timedelta(days=1))
    return lent_out(out, holder, now - dt.timedelta(days=1), now + dt.timedelta(days=1))


def lent_out(machine: Machine, holder: object, start: dt.datetime, end: dt.datetime) -> Loan:
    """Written straight into the tables, with a photo."""
    made = hold(machine, holder, start, end, Status.IN_USE)  # type: ignore[arg-type]
    loan = Loan.objects.create(reservation=made, handed_over_at=start)
    item = LoanItem.objects.create(loan=loan, machine=machine)
    stream = io.BytesIO()
    Image.new("RGB", (8, 6), "teal").save(stream, "JPEG")
    photo = LoanPhoto(item=item, taken_at=start)
    photo.image.save("row.jpg", ContentFile(stream.getvalue()), save=True)
    return loan
