"""The page of a fault of ours: it needs nothing of what may be broken, and speaks both languages."""

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client

from fablab.views import public
from tests.fablab.test_valid_html import faults_of
from tests.factories import make_site

pytestmark = pytest.mark.django_db
STYLE = Path(settings.BASE_DIR) / "fablab" / "static" / "fault.css"


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch) -> str:
    def broken(*_anything: object) -> None:
        raise RuntimeError("planted")

    make_site()
    monkeypatch.setattr(public, "machine_statuses", broken)
    response = Client(raise_request_exception=False).get("/machines/")
    assert response.status_code == 500
    return response.content.decode()


def test_page_has_one_title_and_both_languages(page: str) -> None:
    assert re.findall(r"<h1[^>]*>([^<]+)", page) == ["Une panne de notre côté"]
    assert '<section lang="en">' in page
    assert "Nothing you reserved is lost" in page
    assert list(faults_of(page)) == []


def test_page_has_a_style_that_its_policy_lets_in(page: str) -> None:
    assert re.findall(r'<link rel="stylesheet" href="([^"]+)"', page) == [f"{settings.STATIC_URL}{STYLE.name}"]
    assert STYLE.is_file()
    assert "style=" not in page
    assert "<style" not in page
