"""Every table is declared or says why it holds nothing personal; and what is private is shown to nobody outside."""

import pytest
from django.apps import apps
from django.db.models import BinaryField, CharField, ForeignKey, JSONField, Model, TextField

from fablab.lib.personal_data import Fate, PersonalData
from fablab.personal.register import APPS, entries
from people.erasure import EMPTIED
from people.forgetting import declared, person_fields
from people.models import FileAccess, Person, Suspension, Visit
from people.models import Lab as LabRow
from tests.api.lab import make_lab
from tests.fablab.planted import SURNAME, places_in_tables, plant
from tests.fablab.test_access import texts_read_by

OURS = [model for model in apps.get_models() if model._meta.app_label in APPS]
DECLARED = dict(declared())
NOTHING_PERSONAL = {
    "people.Lab": "the lab's own texts, written to be read by everybody",
    "people.Site": "how the place is reached, public",
    "people.PersonGroup": "the name of a plan or a community; who is of it stands in GroupMembership",
    "machines.BookingPolicy": "rules of machines",
    "machines.Category": "a kind of machine",
    "machines.ExternalCalendar": "where another calendar of a machine is read",
    "machines.HouseRules": "rules of the place, written to be read by everybody",
    "machines.PeakHours": "times of the place",
    "machines.Season": "dates of the place",
    "machines.UnitPart": "what goes with what",
    "machines.Machine": "a machine: its texts are public, its photo is drawn anew without what a camera wrote in it",
    "machines.OpeningException": "a date and its public title",
    "machines.OpeningHours": "times of the place",
    "machines.Qualification": "what can be learnt",
    "machines.Room": "a room",
    "machines.Unit": "what is held",
    "printing.PrintPrice": "what a print costs",
    "printing.Spool": "a roll of filament",
    "printing.SpoolEntry": "grams and a time; whose print it was stands in the job",
    "reservations.CreditPack": "what may be handed out",
    "reservations.LoanItem": "a thing and its condition; who had it, stands in the loan",
    "reservations.LoanPhoto": "a picture of a thing, drawn anew without what the camera wrote in it",
    "reservations.Quota": "a limit",
    "reservations.HeldUnit": "a unit and a time; who, stands in the reservation",
    "iot.DeviceBoot": "the numbering of a device",
    "iot.MachineAccess": "what is asked at a machine",
    "iot.ReadingHour": "watts and degrees of a machine",
    "iot.ReadingMinute": "watts and degrees of a machine",
    "iot.RolledUp": "how far something is summed up",
    "iot.SeenDevice": "a device as it calls itself on the broker",
    "iot.Reading": "watts and degrees of a machine",
    "iot.ReportedState": "the last word of a machine",
    "printing.FileLayers": "places in a file, gone with its content",
    "printing.OtherPrint": "how long a printer was seen to print for nobody of ours",
    "printing.Printer": "how a printer is reached",
}
# Letters that no one writes: codes, marks, times of other clocks; and what the declared fate deletes with its row.
MADE_BY_PROGRAM = {
    "reference", "digest", "token_digest", "key", "fingerprint", "body", "join_code", "token_key", "salt", "sha256",
    "code_hash", "password_hash", "rule", "boot", "leaf", "device_at", "code", "error_code", "topic", "firmware",
    "codes", "pseudonym", "origin", "password", "card_code", "language", "stop_reason", "old", "slug", "before", "uid",
    "kind", "link", "overridden", "commanded", "roster_key_sealed", "request_id", "mark",
    "capabilities", "refuses", "token_sealed",
    # Where a file lies on a printer. Changed in one letter it is not found there, neither to follow it nor to take it
    # off; both are emptied with it.
    "remote_path", "path",
}  # fmt: skip
OF_PERSON = {*EMPTIED, "password", "card_code", "reference", "language"}


def label(model: type[Model]) -> str:
    return model._meta.label


@pytest.mark.parametrize("model", OURS, ids=label)
def test_model_is_declared_or_says_why_not(model: type[Model]) -> None:
    reason = NOTHING_PERSONAL.get(label(model))

    assert (model in DECLARED) != bool(reason), "declare it, or say why it holds nothing personal"
    assert model in DECLARED or person_fields(model) == []


def test_no_reason_is_left_of_a_table_that_is_gone() -> None:
    assert set(NOTHING_PERSONAL) <= {label(model) for model in OURS}


@pytest.mark.parametrize("model", [model for model in OURS if model in DECLARED], ids=label)
def test_every_text_of_a_declared_model_is_accounted_for(model: type[Model]) -> None:
    declaration = DECLARED[model]
    known = {*declaration.free_text, *declaration.blanked, *MADE_BY_PROGRAM} | (OF_PERSON if model is Person else set())

    forgotten = [
        field.name
        for field in model._meta.concrete_fields
        if isinstance(field, CharField | TextField | JSONField | BinaryField)
        and not field.choices
        and field.name not in known
    ]

    assert forgotten == []


@pytest.mark.parametrize("model", list(DECLARED), ids=label)
def test_declaration_names_fields_that_exist(model: type[Model]) -> None:
    declaration = DECLARED[model]
    names = [*declaration.blanked, *declaration.free_text, *([declaration.clock] if declaration.clock else [])]

    for name in names:
        model._meta.get_field(name)
    if declaration.subject:
        model._default_manager.filter(**{declaration.subject: 1}).query.sql_with_params()
    assert not declaration.exported or declaration.subject


@pytest.mark.parametrize("model", list(DECLARED), ids=label)
def test_no_row_is_left_with_a_person_who_was_erased(model: type[Model]) -> None:
    declaration = DECLARED[model]

    # The admin's notes keep who made them: the erased person's row, which tells nothing any more.
    stuck = [
        name
        for name in person_fields(model)
        if not model._meta.get_field(name).null and label(model) != "admin.LogEntry"
    ]

    assert stuck == ([declaration.subject] if declaration.fate == Fate.DELETED and stuck else [])


@pytest.mark.parametrize("model", list(DECLARED), ids=label)
def test_declaration_speaks(model: type[Model]) -> None:
    declaration: PersonalData = DECLARED[model]

    said = [declaration.what, declaration.purpose, declaration.basis.label, declaration.kept.sentence]

    assert all(str(text).strip() for text in said)
    assert declaration.clock == "" or declaration.kept.is_timed


def test_foreign_tables_with_a_person_are_declared() -> None:
    """Whatever a library brings: what leads to a person is declared, or is deleted with what is."""
    followed = {"account.EmailConfirmation", "socialaccount.SocialToken", "knox.AuthToken", "people.Person_groups"}
    leading = [
        label(model)
        for model in apps.get_models(include_auto_created=False)
        if model not in DECLARED
        and label(model) not in followed
        and any(isinstance(f, ForeignKey) and f.related_model is Person for f in model._meta.concrete_fields)
    ]

    assert leading == []


def test_register_has_every_activity_once_and_none_of_a_module_that_is_off() -> None:
    whole = [entry.activity.code for entry in entries(LabRow())]
    small = [entry.activity.code for entry in entries(LabRow(modules_off=["printing", "devices"]))]

    assert len(whole) == len(set(whole))
    assert set(whole) - set(small) == {"prints", "use", "messages", "machine_access"}
    assert sum(len(entry.items) for entry in entries(LabRow())) == len(DECLARED)


# --- nothing leaks ---------------------------------------------------------------------------------------------

# Written by the team to be read by everybody, and told so beside the field.
PUBLIC_BY_DESIGN = {"reservations_reservation.title", "reservations_reservationseries.title", "machines_outage.reason"}


@pytest.mark.django_db
@pytest.mark.slow
@pytest.mark.parametrize("role", ["anonymous", "visitor", "other", "elsewhere"])
def test_name_written_everywhere_is_shown_to_nobody_outside(role: str, settings, tmp_path) -> None:
    settings.DATA_DIR, settings.MEDIA_ROOT = tmp_path, tmp_path / "files"
    lab = make_lab()
    plant(lab)
    make_public_texts_harmless()
    # The table of addresses lets them arrive itself.
    Visit.objects.all().delete()
    # What is about another person is told to that one: why they are suspended, who opened their file.
    for model in (Suspension, FileAccess):
        model.objects.filter(person=lab.people["other"]).delete()
    assert len(places_in_tables(SURNAME)) >= 30

    texts = texts_read_by(lab, role)
    # Whoever knows its secret reads the person's own messages: see test_messages_feed.py.
    texts = {place: text for place, text in texts.items() if not place.startswith("messages-feed ")}

    # A search repeats the name that was typed into it, but not the first name.
    leaks = [
        place for place, text in texts.items() if ("zorobabel" if SURNAME in place else SURNAME.lower()) in text.lower()
    ]
    assert leaks == []


def make_public_texts_harmless() -> None:
    for place in PUBLIC_BY_DESIGN:
        table, column = place.split(".")
        model = next(model for model in apps.get_models() if model._meta.db_table == table)
        model._default_manager.exclude(**{column: ""}).update(**{column: "Sewing, every Tuesday"})
