"""The first page of the team says what waits: banners, people, machines; and promises nothing that nobody checks."""

import pytest
from django.utils import timezone

from fablab import troubles
from fablab.troubles import Facts
from iot.models import Device
from people.kiosks import call_somebody, enrol_kiosk
from people.models import Kiosk
from printing.models import Printer
from tests.api.lab import Lab, make_lab

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _well(monkeypatch: pytest.MonkeyPatch):
    """Facts of the test, not of the machine that runs it."""
    monkeypatch.setattr(troubles, "_facts", Facts)


@pytest.fixture
def lab() -> Lab:
    found = make_lab()
    Printer.objects.update(is_bed_clear=True)
    return found


def overview(lab: Lab) -> str:
    return lab.client("mediator").get("/manage/").content.decode()


def heading(page: str) -> str:
    return " ".join(page.partition("<h1>")[2].partition("</h1>")[0].split())


def test_all_is_well_when_nothing_waits(lab: Lab) -> None:
    page = overview(lab)

    assert heading(page).endswith(": all is well")
    assert "The devices answer." in page
    assert "The beds are clear." in page


def test_heading_follows_the_banners(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(troubles, "_facts", lambda: Facts(is_worker_alive=False))

    page = overview(lab)

    assert heading(page).endswith(": one thing needs you")
    assert "Work in the background stands still" in page
    assert "The devices answer." not in page


def test_somebody_at_a_kiosk_comes_first(lab: Lab) -> None:
    kiosk, _token = enrol_kiosk(
        site=lab.site, name="Entrance", kind=Kiosk.Kind.KIOSK, idle_min=5, by=lab.people["manager"], now=timezone.now()
    )
    call_somebody(kiosk=kiosk, now=timezone.now())

    page = overview(lab)
    elsewhere = lab.client("elsewhere").get("/manage/").content.decode()

    assert heading(page).endswith(": one thing needs you")
    assert "Somebody waits at “Entrance”" in page
    assert f'action="/manage/kiosks/{kiosk.reference}/answer/"' in page
    assert "Entrance" not in elsewhere


def test_lab_without_devices_promises_nothing_of_them(lab: Lab) -> None:
    Device.objects.update(revoked_at=timezone.now())
    Printer.objects.update(is_enabled=False)

    page = overview(lab)

    assert "Nothing waits." in page
    assert "devices answer" not in page
    assert "beds are clear" not in page


@pytest.mark.parametrize("path", ["/manage/", "/manage/people/"])
def test_team_pages_have_a_way_to_sign_out(lab: Lab, path: str) -> None:
    page = lab.client("mediator").get(path).content.decode()

    assert 'action="/accounts/logout/"' in page
