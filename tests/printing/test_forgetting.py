"""Drafts that lie about for a month are withdrawn at night: counted from when their person last had to do with them."""

import datetime as dt

import pytest
from django.db.models.signals import post_save

from people.models import Role
from printing.messages import failure_words
from printing.models import JobState, Printer, PrintJob, PrintJobEvent
from printing.personal import DRAFTS_LAST, forget_drafts
from printing.submitting import draft_job, send_back, submit_job
from tests.factories import make_staff
from tests.printing.builders import GCODE, fresh, upload

pytestmark = pytest.mark.django_db
A_DAY = dt.timedelta(days=1)


def draft(lab):
    file = upload(GCODE, "cube.gcode", lab.person)
    return draft_job(file=file, machine=lab.machine, person=lab.person, by=lab.person, now=lab.now)


@pytest.mark.usefixtures("in_english")
def test_draft_is_withdrawn_after_a_month_and_its_page_says_why(lab):
    job = draft(lab)

    early = forget_drafts(lab.now + DRAFTS_LAST, False)
    late = forget_drafts(lab.now + DRAFTS_LAST + A_DAY, False)

    assert (early, late, fresh(job).state) == (0, 1, JobState.WITHDRAWN)
    assert "a month" in failure_words(fresh(job).error_code)


def test_draft_that_the_team_sent_back_has_a_month_from_then(lab):
    Printer.objects.update(is_approval_needed=True)
    job = submit_job(job=draft(lab), by=lab.person, now=lab.now)
    sent_back_at = lab.now + DRAFTS_LAST
    boss = make_staff(site=lab.machine.site, role=Role.FAB_MANAGER)
    send_back(job=job, by=boss, now=sent_back_at, decision="Too thin")

    next_night = forget_drafts(sent_back_at + A_DAY, False)
    is_due = forget_drafts(sent_back_at + DRAFTS_LAST + A_DAY, True)

    assert (next_night, is_due, fresh(job).state) == (0, 1, JobState.RETURNED)


def test_draft_that_is_handed_in_at_this_moment_keeps_no_other_from_going(lab):
    jobs = [draft(lab), draft(lab)]

    def hand_in(instance, **_kwargs):
        """Somebody hands the other one in just as the night's round has withdrawn the first."""
        PrintJob.objects.filter(state=JobState.DRAFT).exclude(pk=instance.job_id).update(state=JobState.QUEUED)

    post_save.connect(hand_in, sender=PrintJobEvent)
    try:
        count = forget_drafts(lab.now + DRAFTS_LAST + A_DAY, False)
    finally:
        post_save.disconnect(hand_in, sender=PrintJobEvent)

    assert count == 1
    assert sorted(fresh(job).state for job in jobs) == [JobState.QUEUED, JobState.WITHDRAWN]
