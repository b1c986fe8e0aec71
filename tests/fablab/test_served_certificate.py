"""The end of the lab's own certificate is known while the lab is open: nothing renews it before the next start."""

import datetime as dt
from pathlib import Path

import pytest
from django.utils import timezone

from fablab import doctor, troubles
from fablab.doctor import Verdict
from fablab.lib.certificates import RENEWED_BEFORE_END, SERVER_LIVES
from fablab.served_certificate import certificate_ends_at
from fablab.up.tls import own_tls

DAY = dt.timedelta(days=1)


def made(folder: Path, *, days_ago: int) -> Path:
    tls, _ = own_tls(folder, names=["localhost"], lab_name="Lab", now=timezone.now() - days_ago * DAY)
    return tls.certificate_file


def test_lab_that_is_opened_twice_a_year_never_serves_a_certificate_that_ended(tmp_path: Path) -> None:
    file = made(tmp_path, days_ago=SERVER_LIVES.days - 190)
    before = file.read_bytes()

    made(tmp_path, days_ago=0)

    assert file.read_bytes() != before
    assert RENEWED_BEFORE_END > 183 * DAY


@pytest.mark.parametrize(
    ("days_ago", "verdict"),
    [
        (SERVER_LIVES.days - 20, Verdict.OK),
        (SERVER_LIVES.days - 10, Verdict.WARN),
        (SERVER_LIVES.days + 3, Verdict.WARN),
    ],
    ids=["good", "ends in ten days", "over"],
)
def test_doctor_looks_at_the_end_of_the_certificate(settings, tmp_path: Path, days_ago: int, verdict: Verdict) -> None:
    settings.DATA_DIR, settings.TLS_CERTIFICATE = tmp_path, ""
    made(tmp_path, days_ago=days_ago)

    found = doctor.certificate()

    assert found.verdict == verdict
    assert ("open it again" in found.remedy) == (verdict == Verdict.WARN)


def test_lab_without_a_certificate_has_none_to_look_at(settings, tmp_path: Path) -> None:
    settings.DATA_DIR, settings.TLS_CERTIFICATE = tmp_path, ""

    assert (certificate_ends_at(), doctor.certificate().verdict) == (None, Verdict.OK)


@pytest.mark.django_db
def test_team_is_told_while_the_lab_is_open(settings, tmp_path: Path) -> None:
    settings.DATA_DIR, settings.TLS_CERTIFICATE = tmp_path, str(made(tmp_path, days_ago=SERVER_LIVES.days - 10))
    troubles.forget()

    found = {trouble.code for trouble in troubles.troubles(timezone.now())}

    troubles.forget()
    assert "certificate" in found
    # Renewed on disk is not renewed where it is served.
    Path(settings.TLS_CERTIFICATE).unlink()
    assert certificate_ends_at() is not None
