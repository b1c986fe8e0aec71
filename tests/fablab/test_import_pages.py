"""From a file to people on file, as a manager sees it."""

import csv
import io
import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob

from people.imports import run as run_module
from people.imports.run import run_import
from people.models import ImportRun, Person, Role
from people.tasks import import_people, resume_imports
from tests.factories import make_site, make_staff

pytestmark = pytest.mark.django_db

LIST = "Prénom;Nom;Année;Pointure;Ville\nZoé;Élan;1990;38;Nantes\nAli;Ben;19;44;Nantes\nLéa;Ben;1985;40;Nantes\n"


@pytest.fixture
def site():
    return make_site()


@pytest.fixture
def client(site):
    client = Client(headers={"accept-language": "en"})
    client.force_login(make_staff(site=site, role=Role.FAB_MANAGER))
    return client


def hand_in(client, site, raw=None, name="people.csv"):
    return client.post(
        "/manage/people/import/",
        {"site": site.pk, "file": SimpleUploadedFile(name, LIST.encode() if raw is None else raw)},
    )


def page(client, response_or_url):
    url = response_or_url if isinstance(response_or_url, str) else response_or_url.url
    return client.get(url).content.decode()


def test_preview_tells_what_a_yes_would_do(client, site):
    shown = page(client, hand_in(client, site))

    assert "Nothing has been written yet" in shown
    assert "year of birth" in shown
    assert "Pointure" in shown
    assert "not imported" in shown
    assert "Row 3" in shown
    assert "“19” is no year of birth" in shown
    assert not Person.objects.filter(last_name="Élan").exists()


def test_regions_of_the_preview_have_names_of_their_own(client, site):
    shown = page(client, hand_in(client, site))

    named = re.findall(r'<(?:section|div role="region"|div[^>]* role="region")[^>]*aria-labelledby="([^"]+)"', shown)
    assert "rows-title" in named
    assert len(named) == len(set(named))


def test_yes_imports_in_the_background_and_the_page_tells_what_came_of_it(client, site):
    preview = hand_in(client, site)

    begun = client.post(f"{preview.url}start/", follow=True).content.decode()
    run_import(reference=ImportRun.objects.get().reference, clock=timezone.now)
    over = page(client, preview)

    assert "It begins in a moment" in begun
    assert "<noscript>" in begun
    assert "The list is imported" in over
    assert "<h2 role=" not in over
    assert set(Person.objects.filter(last_name__in=["Élan", "Ben"]).values_list("first_name", flat=True)) == {
        "Zoé",
        "Léa",
    }


def test_progress_is_true_and_asked_for_again_and_again(client, site, monkeypatch):
    monkeypatch.setattr(run_module, "BATCH_ROWS", 1)
    preview = hand_in(client, site)
    client.post(f"{preview.url}start/")
    seen = []

    def clock():
        seen.append(client.get(preview.url, headers={"HX-Request": "true"}).content.decode())
        return timezone.now()

    run_import(reference=ImportRun.objects.get().reference, clock=clock)

    # Asked before each batch.
    assert ["0 of 2 rows, 0 %" in seen[0], "1 of 2 rows, 50 %" in seen[1]] == [True, True]
    assert all('hx-trigger="every' in part and "<html" not in part for part in seen)
    assert "hx-trigger" not in client.get(preview.url, headers={"HX-Request": "true"}).content.decode()


def test_report_of_problems_can_be_mended_and_imported(client, site):
    preview = hand_in(client, site, LIST.replace("Ali;Ben;19;44", "=cmd();Ben;19;44").encode())

    report = client.get(f"{preview.url}problems.csv")

    rows = list(csv.reader(io.StringIO(report.content.decode("utf-8-sig")), delimiter=";"))
    assert rows[0] == ["Prénom", "Nom", "Année", "Pointure", "Ville", "Row", "What is wrong"]
    assert rows[1][:6] == ["'=cmd()", "Ben", "19", "44", "Nantes", "3"]
    assert rows[1][6].startswith("Année: “19” is no year of birth.")
    mended = page(client, hand_in(client, site, report.content.replace(b";19;", b";1960;")))
    assert "Row 2" not in mended


def test_template_is_a_list_that_we_read(client, site):
    template = client.get("/manage/people/import/template.csv")

    shown = page(client, hand_in(client, site, template.content))

    assert "First name" in shown
    assert "not imported" not in shown
    assert ImportRun.objects.get().row_count == 1


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"\x89PNG\r\n\x1a\n\x00", "choose a CSV or an XLSX file"),
        (b"", "No row names the columns"),
        (b"x" * (10 * 1024 * 1024 + 1), "larger than 10 MB"),
    ],
    ids=["picture", "empty", "large"],
)
def test_what_is_no_list_is_told_beside_the_field(client, site, raw, words):
    response = hand_in(client, site, raw)

    assert response.status_code == 400
    assert words in response.content.decode()
    assert not ImportRun.objects.exists()


def test_form_begins_without_complaints(client):
    assert "required." not in page(client, "/manage/people/import/")


def test_file_is_asked_for_when_it_is_missing(client, site):
    response = client.post("/manage/people/import/", {"site": site.pk})

    assert response.status_code == 400


def test_no_forgets_the_list(client, site):
    preview = hand_in(client, site)

    client.post(f"{preview.url}stop/")

    assert client.get(preview.url).status_code == 404


def test_list_for_a_site_that_one_does_not_manage_is_refused(client):
    response = hand_in(client, make_site())

    assert response.status_code == 400
    assert not ImportRun.objects.exists()


def test_text_of_a_list_is_never_markup(client, site):
    shown = page(client, hand_in(client, site, b"Nom;<b>x</b>\n<script>alert(1)</script>;2\n", name="<i>.csv"))

    assert "<script>alert" not in shown
    assert "<b>x" not in shown
    assert "<i>.csv" not in shown


def test_sweep_asks_for_what_a_killed_worker_left(client, site):
    preview = hand_in(client, site)
    client.post(f"{preview.url}start/")
    ProcrastinateJob.objects.all()._raw_delete("default")

    resume_imports()

    job = ProcrastinateJob.objects.get()
    assert (job.task_name, job.args) == ("people.tasks.import_people", {"reference": ImportRun.objects.get().reference})
    import_people(**job.args)
    assert ImportRun.objects.get().state == "done"
