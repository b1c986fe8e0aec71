"""Which devices can be added: every kind with a topic that can be granted to it alone."""

import datetime as dt

import pytest
from django.forms import IntegerField
from django.utils import translation

from iot.agent.settings import LANGUAGES, Settings, from_lab
from iot.agent.toml_table import ConfigError
from iot.device_words import TOPICS, all_kinds
from iot.drivers import FOREIGN
from iot.forms import DeviceForm
from iot.forms_device_settings import DeviceSettingsForm
from machines.models import Machine

pytestmark = pytest.mark.django_db
LENGTHS = {
    f"{name}_after_{part}": value for name in ("busy", "idle", "silent") for part, value in ((0, "60"), (1, "s"))
}
LENGTHS |= {"busy_after_0": "10"}


def form_for(machine: Machine, **said: str) -> DeviceForm:
    data = {"name": "Plug", "machine": str(machine.pk), "busy_w": "50", "idle_w": "25", **LENGTHS, **said}
    return DeviceForm(data, machines=Machine.objects.all())


def test_each_driver_has_words_and_an_example_that_it_accepts(machine: Machine) -> None:
    kinds = {words.kind: words for words in all_kinds()}

    assert set(kinds) == set(FOREIGN) == set(TOPICS)
    for kind, words in kinds.items():
        form = form_for(machine, kind=kind, topic=str(words.example))
        assert form.is_valid(), (kind, form.errors)


@pytest.mark.parametrize(
    ("kind", "topic", "sentence"),
    [
        ("tasmota", "", "Write the topic that is set on the device."),
        ("rfid", "door/tag", "No device of this kind can have that topic: look below how it is written."),
        ("zigbee2mqtt", "plug", "No device of this kind can have that topic: look below how it is written."),
        ("zigbee2mqtt", "zigbee2mqtt/bridge/state", "No device of this kind can have that topic: look below how it "
         "is written."),
    ],
    ids=["none", "reader within a reader", "no bridge", "the bridge itself"],
)  # fmt: skip
def test_topic_that_could_speak_for_others_is_refused(machine: Machine, kind: str, topic: str, sentence: str) -> None:
    with translation.override("en"):
        form = form_for(machine, kind=kind, topic=topic)

        assert form.errors == {"topic": [sentence]}


@pytest.mark.parametrize(
    ("said", "silent_after"),
    [({}, FOREIGN["octoprint"].QUIET_FOR), ({"silent_after_0": "90"}, dt.timedelta(seconds=90))],
    ids=["untouched", "as typed"],
)
def test_patience_follows_the_kind_unless_somebody_sets_it(
    machine: Machine, said: dict[str, str], silent_after: dt.timedelta
) -> None:
    form = form_for(machine, kind="octoprint", topic="octoPrint/mk4", **said)

    assert form.is_valid(), form.errors
    assert form.cleaned_data["silent_after"] == silent_after


def test_form_and_agent_agree_on_what_may_be_set() -> None:
    fields = DeviceSettingsForm(config={}).fields
    numbers = {name: field for name, field in fields.items() if isinstance(field, IntegerField)}
    least = {name: field.min_value for name, field in numbers.items()}
    most = {name: field.max_value for name, field in numbers.items()}
    ours = {name: field.initial for name, field in numbers.items()}

    for told in (least, most):
        assert vars(from_lab(told, Settings())).items() >= told.items()
        for name, bound in told.items():
            with pytest.raises(ConfigError):
                from_lab({name: bound + (-1 if told is least else 1)}, Settings())
    assert vars(Settings()).items() >= ours.items()
    assert {choice for choice, _name in fields["language"].choices} == set(LANGUAGES)
