"""What a person may take away: everything that is about them, nothing that is about others."""

import io
import json
import zipfile
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from fablab.personal.archive import export_person
from people.forgetting import declared
from people.models import FileAccess
from printing.files import stored_path
from printing.models import PrintFile
from tests.api.lab import Lab, make_lab
from tests.fablab.planted import GCODE, plant

pytestmark = [pytest.mark.django_db, pytest.mark.slow]


@pytest.fixture
def lab(settings, tmp_path: Path) -> Lab:
    settings.DATA_DIR, settings.MEDIA_ROOT = tmp_path, tmp_path / "files"
    lab = make_lab()
    plant(lab)
    return lab


def opened(content: bytes) -> tuple[dict, zipfile.ZipFile]:
    archive = zipfile.ZipFile(io.BytesIO(content))
    return json.loads(archive.read("data.json")), archive


def export(lab: Lab, who: str = "holder") -> tuple[dict, zipfile.ZipFile]:
    target = io.BytesIO()
    export_person(person=lab.people[who], by=None, now=timezone.now(), target=target)
    return opened(target.getvalue())


def test_export_holds_every_table_that_is_about_the_person(lab: Lab) -> None:
    data, archive = export(lab)

    expected = {model._meta.label for model, declaration in declared() if declaration.exported}
    # The lab has no account elsewhere.
    assert set(data["data"]) == expected - {"socialaccount.SocialAccount"}
    assert data["data"]["people.Person"][0]["last_name"] == "Quillfeather"
    assert len(data["data"]["reservations.Reservation"]) == 2
    assert archive.testzip() is None


def test_export_holds_the_files_and_a_page_to_read(lab: Lab) -> None:
    data, archive = export(lab)

    name = data["files"][0]
    page = archive.read("data.html").decode()
    assert archive.read(name) == GCODE
    assert "Quillfeather" in page
    assert "<script" not in page


def test_export_says_nothing_secret_and_nothing_of_others(lab: Lab) -> None:
    data, _archive = export(lab, "other")

    text = json.dumps(data)
    # Who of the team opened their file is theirs to know, and so is the reason they were told.
    for known in ('"by": "Zorobabel Quillfeather"', "asked by Zorobabel Quillfeather, twice"):
        text = text.replace(known, "")
    assert "Zorobabel" not in text
    assert set(data["data"]) == {
        "people.Person", "people.RoleGrant", "people.FileAccess", "people.Suspension",
    }  # fmt: skip
    for secret in ("password", "digest", "token_key"):
        assert secret not in text


def test_export_leaves_out_a_file_that_has_vanished(lab: Lab) -> None:
    for file in PrintFile.objects.all():
        stored_path(file).unlink(missing_ok=True)

    data, _archive = export(lab)

    assert data["files"] == []


def test_export_is_noted_in_the_file(lab: Lab) -> None:
    export(lab)

    assert FileAccess.objects.filter(person=lab.people["holder"], deed="exported", by=None).count() == 1


def test_pages_give_the_archive_to_the_person_and_to_the_team(lab: Lab) -> None:
    holder = lab.people["holder"]

    own = lab.client("holder").post("/me/data/export/")
    by_team = lab.client("manager").post(f"/manage/people/{holder.reference}/export/")

    assert opened(own.content)[0]["data"].keys() == opened(by_team.content)[0]["data"].keys()
    assert "Quillfeather" not in own["Content-Disposition"]
    assert own["Cache-Control"] == "no-store"
    exported = FileAccess.objects.filter(person=holder, deed="exported")
    assert {access.by for access in exported} == {holder, lab.people["manager"]}


def test_command_writes_the_archive_and_never_over_another(lab: Lab, tmp_path: Path) -> None:
    holder = lab.people["holder"]

    call_command("export_person", holder.card_code, "--to", str(tmp_path))

    (path,) = tmp_path.glob("data-*.zip")
    assert opened(path.read_bytes())[0]["data"]["people.Person"][0]["reference"] == holder.reference
    with pytest.raises(CommandError, match="cannot be written"):
        call_command("export_person", holder.reference, "--to", str(tmp_path))
    with pytest.raises(CommandError, match="Nobody"):
        call_command("export_person", "NOBODY")
