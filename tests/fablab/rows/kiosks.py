"""Screens that many share, and lists of people that are imported. Nobody here sits at an enrolled screen."""

from django.utils import timezone

from people.imports.run import check_file
from people.kiosks import enrol_kiosk
from people.models import ImportRun, Kiosk
from tests.api.lab import Lab
from tests.fablab.rows.row import ALL_200, ALL_405, MANAGERS, MANAGERS_THERE, Row

ALL_403 = "403 403 403 403 403 403 403 403 403"
MANAGERS_405 = "302 403 403 403 403 403 405 405 405"
DONE_THERE = "302 403 403 403 403 403 403 302 302"
SCREEN = {"name": "Entrance", "kind": "kiosk", "site": "{site_key}", "idle_min": "10", "machine": ""}

ROWS: tuple[Row, ...] = (
    Row("kiosk", ALL_200, ALL_405),
    Row("kiosk-sign-in", ALL_403, ALL_403, data={"card": "ABCD", "code": "123456"}),
    Row("kiosk-mine", ALL_403, ALL_403),
    Row("kiosk-free", ALL_403, ALL_403),
    Row("kiosk-today", ALL_403, ALL_403),
    Row("kiosk-help", ALL_403, ALL_403),
    Row("kiosk-still-here", ALL_403, ALL_403),
    Row("kiosk-leave", ALL_405, ALL_403),
    Row("manage-kiosks", MANAGERS, MANAGERS_405),
    Row("manage-kiosk-enrol", MANAGERS, "302 403 403 403 403 403 400 302 302", data=SCREEN),
    Row("manage-kiosk-revoke", ALL_405, DONE_THERE, ("{screen}",)),
    Row("manage-kiosk-answer", ALL_405, "302 403 403 403 302 302 403 302 302", ("{screen}",)),
    Row("people-import", MANAGERS, "302 403 403 403 403 403 400 400 400"),
    Row("people-import-template", MANAGERS, MANAGERS_405),
    Row("people-import-run", MANAGERS_THERE, MANAGERS_405, ("{list}",)),
    Row("people-import-start", ALL_405, DONE_THERE, ("{list}",)),
    Row("people-import-stop", ALL_405, DONE_THERE, ("{list}",)),
    Row("people-import-problems", MANAGERS_THERE, MANAGERS_405, ("{list}",)),
)


def words(lab: Lab) -> dict[str, str]:
    """A screen and a list at the lab's site; a row of the list and one of its errors hold private words."""
    manager, now = lab.people["manager"], timezone.now()
    assert manager is not None
    screen = Kiosk.objects.filter(site=lab.site, name="Door").first()
    if screen is None:
        screen, _token = enrol_kiosk(site=lab.site, name="Door", kind=Kiosk.Kind.KIOSK, by=manager, now=now)
    run = ImportRun.objects.first()
    if run is None:
        raw = b"First name,Name,Year of birth\nZorobabel,Quillfeather,1950\nZorobabel,Quillfeather,x\n"
        run = check_file(site=lab.site, file_name="hidden-ring.csv", raw=raw, by=manager, now=now)
    return {"screen": screen.reference, "list": run.reference, "site_key": str(lab.site.pk)}
