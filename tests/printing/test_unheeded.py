"""A printer that does not stop: asked six times, then a person is sent to it."""

import pytest
from django.test import Client
from django.utils import timezone

from people.models import Notice, Role
from printing.models import JobState, PrintCommand
from printing.services import wake
from reservations.models import Reservation
from tests.factories import make_site, make_staff, minutes
from tests.printing.builders import fresh

pytestmark = pytest.mark.django_db
LONG = b"G28\nG1 X10 F60000\nG4 S9999\n"
GOES_ON = b"The printer was asked six times to stop, and goes on."


@pytest.fixture
def deaf(lab):
    """A printer that takes each stop and goes on; `asked` counts them."""
    lab.asked = 0

    def cancel():
        lab.asked += 1

    lab.remote.cancel = cancel
    lab.boss = make_staff(site=lab.machine.site, role=Role.FAB_MANAGER)
    lab.mediator = make_staff(site=lab.machine.site, role=Role.MEDIATOR)
    make_staff(site=make_site(name="Other"), role=Role.FAB_MANAGER)
    return lab


def stopping(lab):
    job = lab.printing(LONG)
    lab.ask(job, "cancel")
    return job


def told():
    return sorted(Notice.objects.filter(kind="print_unheeded").values_list("person", flat=True))


def test_stop_is_asked_six_times_and_then_the_team_is_told_once(deaf):
    job = stopping(deaf)

    deaf.ticks(20, seconds=2)
    before = (deaf.asked, told())
    deaf.ticks(40, seconds=2)

    assert fresh(job).state == JobState.CANCELLING
    assert before[0] < 6
    assert before[1] == []
    assert deaf.asked == 6
    assert told() == sorted([deaf.boss.pk, deaf.mediator.pk])


def test_first_repetition_comes_at_the_next_look(deaf):
    stopping(deaf)

    deaf.ticks(2)

    assert deaf.asked == 2


def test_stop_that_brings_no_clear_answer_counts(deaf):
    job = deaf.printing(LONG)
    deaf.ask(job, "cancel")

    def cancel():
        raise OSError("killed")

    deaf.remote.cancel = cancel
    for _ in range(8):
        wake(deaf.machine, deaf.now)
        deaf.tick()

    assert PrintCommand.objects.get().attempts >= 6
    assert told() == sorted([deaf.boss.pk, deaf.mediator.pk])


def test_printer_that_obeys_late_alarms_nobody(deaf):
    job = stopping(deaf)
    deaf.ticks(10, seconds=2)
    del deaf.remote.cancel

    deaf.ticks(12, seconds=2)

    assert fresh(job).state == JobState.CANCELLED
    assert told() == []


@pytest.mark.parametrize(("attempts", "is_said"), [(5, False), (6, True)])
def test_page_of_the_print_says_what_to_do(lab, attempts, is_said, in_english):
    lab.now = timezone.now()
    Reservation.objects.update(start=lab.now - minutes(30), end=lab.now + minutes(90))
    job = stopping(lab)
    PrintCommand.objects.update(attempts=attempts)
    browser = Client(headers={"accept-language": "en"})
    browser.force_login(lab.person)

    page = browser.get(job.get_absolute_url()).content

    assert (GOES_ON in page) == is_said
    assert (b"Press the stop button at the machine" in page) == is_said
