"""The protocol as programs read it."""

import json

import pytest
import yaml
from django.test import Client

pytestmark = pytest.mark.django_db


def test_asyncapi_names_every_topic(client: Client) -> None:
    document = yaml.safe_load(client.get("/api/mqtt/asyncapi.yaml").content)

    topics = {channel["address"] for channel in document["channels"].values()}
    assert document["asyncapi"] == "3.0.0"
    assert {"fablab/v1/{device}/up/access", "fablab/v1/{device}/down/decision"} <= topics


def test_schema_is_one_document_for_all_messages(client: Client) -> None:
    answer = client.get("/api/mqtt/schema.json")

    assert answer["Content-Type"].startswith("application/schema+json")
    assert {"UpAccess", "DownDecision", "DownRoster"} <= json.loads(answer.content)["$defs"].keys()


def test_page_leads_to_both(client: Client) -> None:
    page = client.get("/api/mqtt/").content.decode()

    assert 'href="/api/mqtt/asyncapi.yaml"' in page
    assert 'href="/api/mqtt/schema.json"' in page
