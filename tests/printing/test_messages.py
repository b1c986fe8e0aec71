"""Who is told what of a print, in their own words; and that nobody else is. Through the services and visits alone."""

import pytest
from django.utils import translation

from people.models import Notice, Person, Role
from people.notices import kind_of
from printing.models import JobState, Printer
from printing.services import confirm_bed_clear
from printing.submitting import approve_job, draft_job, send_back, submit_job
from reservations.life import check_in
from tests.contract.fake_octoprint import FakePrinter
from tests.factories import make_person, make_site, make_staff
from tests.printing.builders import GCODE, book, fresh, upload

pytestmark = pytest.mark.django_db
WHY = "The walls are too thin"
MINE, BOSS = "mine", "boss"


@pytest.fixture
def people(lab):
    """Everybody who might be told, and those who must not be."""
    site = lab.machine.site
    return {
        MINE: lab.person,
        BOSS: make_staff(site=site, role=Role.FAB_MANAGER, first_name="Bo"),
        "mediator": make_staff(site=site, role=Role.MEDIATOR, first_name="Mo"),
        "elsewhere": make_staff(site=make_site(name="Other"), role=Role.FAB_MANAGER, first_name="El"),
        "passer-by": make_person(first_name="Pa"),
    }


def hand_in(lab, *, is_approval_needed=False):
    Printer.objects.update(is_approval_needed=is_approval_needed)
    file = upload(GCODE, "cube.gcode", lab.person)
    job = draft_job(file=file, machine=lab.machine, person=lab.person, by=lab.person, now=lab.now)
    return submit_job(job=job, by=lab.person, now=lab.now)


def submitted(lab, people):
    hand_in(lab, is_approval_needed=True)


def submitted_where_nobody_looks(lab, people):
    hand_in(lab)


def sent_back(lab, people):
    send_back(job=hand_in(lab, is_approval_needed=True), by=people[BOSS], now=lab.now, decision=f" {WHY}. ")


def approved(lab, people):
    approve_job(job=hand_in(lab, is_approval_needed=True), by=people[BOSS], now=lab.now, decision="")


def approved_with_a_word(lab, people):
    approve_job(job=hand_in(lab, is_approval_needed=True), by=people[BOSS], now=lab.now, decision="With a brim.")


def started(lab, people):
    lab.printing()


def finished(lab, people):
    lab.printing()
    lab.remote.pass_time(60)
    lab.ticks(3)


def failed(lab, people):
    lab.printing()
    lab.remote.fail("Thermal Runaway, system stopped!")
    lab.ticks(4)


def lost(lab, people):
    lab.printing()
    FakePrinter.vanish(lab.remote)
    lab.ticks(5)


def stopped_by_oneself(lab, people):
    job = lab.printing()
    lab.ask(job, "cancel")
    lab.ticks(4)
    assert fresh(job).state == JobState.CANCELLED


def withdrawn(lab, people):
    lab.ask(hand_in(lab), "cancel")


def in_others_way(lab, people):
    finished(lab, people)
    other = make_person(first_name="Ot")
    lab.reservation.end = lab.now
    lab.reservation.save()
    following = book(lab.machine, other, "11:00", "12:00")
    lab.now = following.start
    check_in(reservation=following, now=lab.now)
    lab.queue(person=other)
    lab.ticks(3)


BEGUN = (MINE, "print_started", "It prints: {m}", "Your print on {m} has begun.")
ASKED = (
    BOSS, "print_asked", "A print waits for your yes: {m}",
    "Somebody handed in a file for {m}. Look at it, and let it through or send it back.",
)  # fmt: skip
DONE = (
    MINE, "print_finished", "Done: your print on {m}",
    "Your print on {m} is done. Take it off, say how it came out and that the bed is clear.",
)  # fmt: skip
THROUGH = "Your print on {m} waits for its turn now."
CASES = {
    "submitted": (submitted, [ASKED]),
    "submitted where nobody must look": (submitted_where_nobody_looks, []),
    "sent back": (
        sent_back,
        [
            ASKED,
            (
                MINE, "print_returned", "Sent back: your print on {m}",
                "Your print on {m} was sent back. Mend it and hand it in again, or withdraw it. "
                "Why: The walls are too thin.",
            ),
        ],
    ),
    "approved": (approved, [ASKED, (MINE, "print_approved", "Let through: your print on {m}", THROUGH)]),
    "approved with a word": (
        approved_with_a_word,
        [ASKED, (MINE, "print_approved", "Let through: your print on {m}", f"{THROUGH} They write: With a brim.")],
    ),
    "started": (started, [BEGUN]),
    "finished": (finished, [BEGUN, DONE]),
    "failed": (
        failed,
        [
            BEGUN,
            (
                MINE, "print_failed", "Your print on {m} failed",
                "Your print on {m} came to no good end. Its page says what is known.",
            ),
        ],
    ),
    "lost": (
        lost,
        [
            BEGUN,
            (
                MINE, "print_lost", "Lost from sight: your print on {m}",
                "The printer {m} came back without your print. Look at the bed and say how it ended.",
            ),
        ],
    ),
    "stopped by oneself": (stopped_by_oneself, [BEGUN]),
    "withdrawn": (withdrawn, []),
    "in others' way": (
        in_others_way,
        [
            BEGUN,
            DONE,
            (
                MINE, "print_bed_waits", "Others wait: take your print off {m}",
                "Your print lies on the bed of {m} and somebody else’s turn has come. Take it off, please.",
            ),
        ],
    ),
}  # fmt: skip
FRENCH = {
    "submitted": ("print_asked", "attend votre accord"),
    "sent back": ("print_returned", WHY),
    "approved": ("print_approved", "son tour"),
    "started": ("print_started", "commencé"),
    "finished": ("print_finished", "terminée"),
    "failed": ("print_failed", "échoué"),
    "lost": ("print_lost", "perdue de vue"),
}  # fmt: skip


def told(notice, language):
    with translation.override(language):
        words = kind_of(notice.kind).words(notice.params)
    return words.subject, words.body


@pytest.mark.parametrize(("happens", "expected"), CASES.values(), ids=CASES)
def test_right_people_are_told_in_the_right_words_and_nobody_else(lab, people, happens, expected):
    happens(lab, people)

    names = {person.pk: name for name, person in people.items()}
    found = [
        (names.get(notice.person_id, "somebody else"), notice.kind, *told(notice, "en"))
        for notice in Notice.objects.filter(kind__startswith="print").order_by("pk")
    ]
    name = lab.machine.name
    assert found == [(who, kind, subject.format(m=name), body.format(m=name)) for who, kind, subject, body in expected]


@pytest.mark.parametrize("case", FRENCH)
def test_words_are_french_for_who_reads_french(lab, people, case):
    kind, word = FRENCH[case]
    CASES[case][0](lab, people)

    notice = Notice.objects.get(kind=kind)
    english, french = told(notice, "en"), told(notice, "fr")

    assert notice.person.language == Person.Language.FRENCH
    assert english[0] != french[0]
    assert english[1] != french[1]
    assert word.casefold() in " ".join(french).casefold()
    assert lab.machine.name in french[0]


def test_told_once_however_often_it_is_looked_at(lab, people):
    finished(lab, people)
    lab.ticks(5)
    confirm_bed_clear(machine=lab.machine, by=lab.person, now=lab.now)
    lab.ticks(2)

    assert [notice.kind for notice in Notice.objects.filter(kind__startswith="print").order_by("pk")] == [
        "print_started",
        "print_finished",
    ]


def test_notice_leads_to_the_print(lab, people):
    job = lab.printing()

    assert Notice.objects.get(kind="print_started").link == job.get_absolute_url()
