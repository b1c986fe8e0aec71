"""Every page as a picture: both languages, wide and 390 px, light and dark, from the running demo.

`make pictures` (with `make run` open in another terminal); the README's screenshot comes from here.
Options: the address, and words that a picture's name must contain.
"""

import datetime as dt
import os
import sys
from pathlib import Path
from urllib.parse import urlsplit

import django
from playwright.sync_api import Browser, Page

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "fablab.settings")
# Playwright's loop makes Django think that it runs in an async context.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
django.setup()

from django.urls import Resolver404, resolve  # noqa: E402

from fablab.demo.accounts import ADMINISTRATOR, MAKER, MANAGER, Account  # noqa: E402
from tests.chromium import running_browser  # noqa: E402

FOLDER = Path("build/pictures")
WIDTHS = {"wide": (1280, 860), "phone": (390, 844)}
PUBLIC = {
    "home": "/",
    "machines": "/machines/",
    "machine": "/machines/{machine}/",
    "board": "/board/",
    "timeline": "/timeline/?day={day}",
    "timeline-week": "/timeline/?view=week&day={day}",
    "timeline-paper": "/timeline/?day={day}&print=1",
    "sign-in": "/accounts/login/",
    "sign-up": "/accounts/signup/",
    "api-docs": "/api/docs/",
    "not-found": "/nothing-here/",
    "address": "/address/",
    "privacy": "/privacy/",
    "legal": "/legal/",
    "accessibility": "/accessibility/",
    "contact": "/contact/",
    "help": "/help/",
    "mqtt-docs": "/api/mqtt/",
    "help-page": "/help/desk/",
    "kiosk": "/kiosk/",
    "find": "/find/?minutes=120",
    "password-reset": "/accounts/password/reset/",
    "password-reset-sent": "/accounts/password/reset/done/",
    "password-reset-old-link": "/accounts/password/reset/key/1-nothing/",
    "password-reset-done": "/accounts/password/reset/key/done/",
    "account-closed": "/accounts/inactive/",
    "email-to-confirm": "/accounts/confirm-email/",
    "email-old-link": "/accounts/confirm-email/nothing/",
}
MAKERS = {
    "find-mine": "/find/?minutes=120&others=1",
    "find-nothing": "/find/?minutes=240&when=today&time=evening",
    "find-wrong": "/find/?minutes=120&when=date",
    "reserve-machine": "/reserve/",
    "reserve": "/reserve/?machine={machine}",
    "reserve-confirm": "/reserve/confirm/?machine={machine}&day={day}&start=10:00&end=11:00",
    "reserve-refused": "/reserve/confirm/?machine={laser}&day={day}&start=03:00&end=03:10",
    "reserve-repeat": "/reserve/repeat/?machine={machine}&day={day}&start=10:00&end=11:00",
    "reserve-dates": "/reserve/repeat/?machine={machine}&day={day}&start=10:00&end=11:00&every=day&times=40",
    "me": "/me/",
    "machine-start": "/machines/{laser}/start/",
    "reservation": "{reservation}",
    "print-upload": "/machines/{machine}/print/",
    "print-job": "{job}",
    "print-estimate": "/prints/estimate/",
    "machine-prints": "/machines/{machine}/prints/",
    "me-prints": "/me/prints/",
    "me-print-files": "/me/prints/files/",
    "tokens": "/me/tokens/",
    "me-calendar": "/me/calendar/",
    "me-credits": "/me/credits/",
    "me-rules": "/me/rules/",
    "me-rules-signed": "{signed}",
    "series-dates": "{dates}",
    "induction-ask": "/machines/{laser}/induction/",
    "password": "/accounts/password/change/",
    "password-again": "/accounts/reauthenticate/",
    "sign-out": "/accounts/logout/",
    "emails": "/accounts/email/",
    "second-factor": "/accounts/2fa/",
    "second-factor-app": "/accounts/2fa/totp/activate/",
    "second-factor-keys": "/accounts/2fa/webauthn/",
    "second-factor-key-new": "/accounts/2fa/webauthn/add/",
    "second-factor-codes-new": "/accounts/2fa/recovery-codes/generate/",
    "second-key": "/me/second-key/",
    "my-data": "/me/data/",
    "my-data-erase": "/me/data/erase/",
    "my-messages": "/me/messages/",
    "my-notices": "/me/notices/",
    "teams": "/teams/",
    "team-new": "/teams/new/",
    "team": "{team}",
    "team-reservations": "{team}reservations/",
    "team-log": "{team}log/",
    "print-team-files": "{team}files/",
    "team-people": "{team_reservation}people/",
}
MANAGERS = {
    "leaving": "/privacy/leaving/",
    "manage": "/manage/",
    "manage-machines": "/manage/machines/",
    "manage-reservations": "/manage/reservations/",
    "manage-requests": "/manage/requests/",
    "manage-prints": "/manage/prints/",
    "timeline-team": "/timeline/?day={day}",
    "timeline-machine": "/timeline/?view=week&machine={laser}&day={day}",
    "manage-devices": "/manage/devices/",
    "manage-device": "{device}",
    "manage-device-settings": "{device}settings/",
    "manage-devices-seen": "/manage/devices/seen/",
    "manage-device-attach": "{seen}",
    "manage-quarantine": "/manage/quarantine/",
    "manage-access": "/manage/machines/{laser}/access/",
    "manage-access-refused": "/manage/machines/{laser}/access/?refused=1",
    "desk": "/desk/",
    "desk-search": "/desk/?q=martin",
    "desk-seat-screen": "/desk/seats/{seat}/screen/",
    "manage-runs": "/manage/runs/",
    "manage-run": "{run}",
    "fault-report": "/manage/broken/",
    "desk-welcome": "/desk/welcome/",
    "desk-groups": "/desk/groups/",
    "desk-loans": "/desk/loans/",
    "desk-loan": "{loan}",
    "desk-calls": "/desk/calls/",
    "desk-person": "{person}",
    "desk-ticket": "{ticket}",
    "people": "/manage/people/",
    "people-new": "/manage/people/new/",
    "people-qualify": "/manage/people/qualify/",
    "person": "{file}",
    "person-edit": "{file}edit/",
    "person-badges": "{file}badges/",
    "person-badge-wait": "{badge}",
    "person-suspend": "{file}suspend/",
    "person-role": "{file}role/",
    "person-card": "{file}card/",
    "person-email": "{file}email/",
    "person-household": "{file}household/",
    "person-guardian": "{file}guardian/",
    "people-import": "/manage/people/import/",
    "people-import-run": "{list}",
    "manage-teams": "/manage/teams/",
    "manage-kiosks": "/manage/kiosks/",
    "manage-kiosk-enrol": "/manage/kiosks/enrol/",
    "person-groups": "{file}groups/",
    "person-credits": "{file}credits/",
    "person-rules": "{file}rules/",
    "person-erase": "{file}erase/",
    "team-join": "{joining}",
    "manage-inductions": "/manage/inductions/",
    "manage-why": "/manage/why/?machine={laser}",
    "rules": "/manage/rules/",
    "rules-credits": "/manage/rules/credits/",
    "rules-pack-new": "/manage/rules/credits/new/",
    "rules-pack": "{pack}",
    "rules-to-sign": "/manage/rules/to-sign/",
    "rules-to-sign-site": "/manage/rules/to-sign/places/{site}/",
    "rules-to-sign-machine": "/manage/rules/to-sign/machines/{router}/",
    "rules-policy-new": "/manage/rules/new/",
    "rules-policy": "{policy}",
    "rules-quota-new": "/manage/rules/new-limit/",
    "rules-quota": "{quota}",
    "rules-group-new": "/manage/rules/new-group/",
    "rules-group": "{group}",
    "settings": "/manage/settings/",
    "settings-hours": "/manage/settings/places/{site}/hours/",
    "settings-closures": "/manage/settings/places/{site}/closures/",
    "settings-seasons": "/manage/settings/places/{site}/seasons/",
    "settings-season": "{season}",
    "settings-peak": "/manage/settings/places/{site}/peak/",
    "settings-year": "/manage/settings/places/{site}/year/",
    "settings-goes-with": "/manage/settings/machines/{laser}/goes-with/",
    "manage-rota": "/manage/rota/",
    "settings-calls": "/manage/settings/places/{site}/calls/",
    "settings-labels": "/manage/settings/places/{site}/labels/",
    "settings-rooms": "/manage/settings/places/{site}/rooms/",
    "settings-room": "{room}",
    "settings-machines": "/manage/settings/places/{site}/machines/",
    "settings-machine-new": "/manage/settings/places/{site}/machines/new/",
    "settings-machine": "/manage/settings/machines/{machine}/",
    "settings-access": "/manage/settings/machines/{laser}/access/",
    "settings-calendars": "/manage/settings/places/{site}/calendars/",
    "settings-calendars-in": "/manage/settings/machines/{laser}/calendars/",
    "settings-outages": "/manage/settings/places/{site}/outages/",
    "settings-team": "/manage/settings/places/{site}/team/",
    "settings-categories": "/manage/settings/categories/",
    "settings-category-new": "/manage/settings/new-category/",
    "settings-category": "{category}",
    "settings-qualifications": "/manage/settings/qualifications/",
    "settings-qualification-new": "/manage/settings/new-qualification/",
    "settings-qualification": "{qualification}",
    "settings-devices": "/manage/settings/devices/",
    "settings-device": "/manage/settings/devices/{laser}/",
    "settings-device-new": "/manage/settings/new-device/",
    "settings-printers": "/manage/settings/printers/",
    "settings-printer": "/manage/settings/machines/{machine}/printer/",
    "manage-spools": "/manage/spools/",
    "manage-spool-new": "/manage/spools/new/",
    "manage-spool": "{spool}",
    "manage-spool-edit": "{spool}edit/",
    "manage-print-prices": "/manage/print-prices/",
    "manage-print-price": "/manage/print-prices/{site}/",
    "manage-print-price-kind": "/manage/print-prices/{site}/kinds/demo-printers/",
}
ADMINISTRATORS = {
    "first-run-done": "/first-run/done/",
    "admin": "/admin/",
    "settings-site-new": "/manage/settings/new-place/",
    "settings-site": "/manage/settings/places/{site}/",
    "privacy-register": "/privacy/register/",
    "settings-modules": "/manage/settings/modules/",
    "settings-texts": "/manage/settings/texts/",
}
GROUPS = ((PUBLIC, None), (MAKERS, MAKER), (MANAGERS, MANAGER), (ADMINISTRATORS, ADMINISTRATOR))
# What does not stand in every demo under the same address: on which page a link leads there, and the name of that
# address in `fablab/urls/`.
LINKS = {
    MAKER: {
        "reservation": ("/me/", "reservation"),
        "job": ("/me/", "print-job"),
        "signed": ("/me/rules/", "me-rules-sign"),
        "team": ("/teams/", "team"),
        "team_reservation": ("{team}", "reservation"),
    },
    MANAGER: {
        "file": ("/manage/people/", "people-person"),
        "person": ("/desk/", "desk-person"),
        "ticket": ("/desk/", "desk-ticket"),
        "loan": ("/desk/loans/", "desk-loan"),
        "run": ("/manage/runs/", "manage-run"),
        "spool": ("/manage/spools/", "manage-spool"),
        "device": ("/manage/devices/", "manage-device"),
        "seen": ("/manage/devices/seen/", "manage-device-attach"),
        "pack": ("/manage/rules/credits/", "rules-pack"),
        "policy": ("/manage/rules/", "rules-policy"),
        "quota": ("/manage/rules/", "rules-quota"),
        "group": ("/manage/rules/", "rules-group"),
        "season": ("/manage/settings/places/{site}/seasons/", "settings-season"),
        "room": ("/manage/settings/places/{site}/rooms/", "settings-room"),
        "category": ("/manage/settings/categories/", "settings-category"),
        "qualification": ("/manage/settings/qualifications/", "settings-qualification"),
    },
}
# These take more than one link: see `facts_of`.
STEPS = {
    "dates": "series-dates", "list": "people-import-run", "badge": "people-badge-wait", "joining": "team-join",
}  # fmt: skip
# With a row that is left out, and a column that is not understood.
PEOPLE = "Prénom;Nom;Année;Pointure\nZoé;Élan;1990;38\nAli;Ben;19;44\n"


def sign_in(page: Page, base: str, email: str, password: str) -> None:
    page.goto(f"{base}/accounts/login/")
    page.fill("#id_login", email)
    page.fill("#id_password", password)
    page.click("main button[type=submit]")
    page.wait_for_url(f"{base}/me/")


def linked(page: Page, base: str, where: str, name: str) -> list[str]:
    """The addresses of that name to which the page leads, in its order."""
    page.goto(base + where)
    hrefs = page.eval_on_selector_all("main a[href]", "links => links.map((link) => link.getAttribute('href'))")
    paths = (urlsplit(href).path for href in hrefs if href.startswith("/"))
    return [path for path in paths if name_of(path) == name]


def name_of(path: str) -> str:
    """As in `fablab/urls/`; empty for what is not there."""
    try:
        return resolve(path).url_name or ""
    except Resolver404:
        return ""


def dates_of_series(page: Page, base: str) -> str:
    """All dates of the first of the person's reservations that is one of a series."""
    for reservation in linked(page, base, "/me/", "reservation"):
        for dates in linked(page, base, reservation, "series-dates"):
            return dates
    return "/me/"


def badge_that_waits(page: Page, base: str, file: str) -> str:
    """Where a reader waits for a badge, that nobody taps."""
    page.goto(f"{base}{file}badges/")
    page.locator("main [name=reader]").first.check()
    page.click("main form button[type=submit]")
    page.wait_for_url(f"{base}{file}badges/*/")
    return page.url.removeprefix(base)


def link_to_join(browser: Browser, base: str) -> str:
    """Only whoever organises the team is shown it, and they have joined already."""
    with browser.new_context() as context:
        page = context.new_page()
        sign_in(page, base, MAKER.email, MAKER.password)
        team = linked(page, base, "/teams/", "team")[0]
        page.goto(base + team)
        if not page.query_selector("main code.token"):
            page.click(f"form[action='{team}open-link/'] button")
            page.wait_for_selector("main code.token")
        return urlsplit(page.inner_text("main code.token").strip()).path


def list_to_import(page: Page, base: str) -> str:
    """The address of a list that waits for its yes: the latest, or one handed in now. Nobody of it is imported."""
    choose = "/manage/people/import/"
    known = linked(page, base, choose, "people-import-run")
    if known:
        return known[0]
    page.set_input_files("#id_file", {"name": "people.csv", "mimeType": "text/csv", "buffer": PEOPLE.encode()})
    page.click("main form[enctype] button[type=submit]")
    page.wait_for_url(f"{base}{choose}*/")
    return page.url.removeprefix(base)


def take(browser: Browser, base: str, words: list[str]) -> int:
    count = 0
    for size, (width, height) in WIDTHS.items():
        for language in ("fr", "en"):
            for theme in ("light", "dark"):
                name_part = f"{language}-{size}-{theme}"
                context = browser.new_context(
                    viewport={"width": width, "height": height}, color_scheme=theme, reduced_motion="reduce"
                )
                context.add_cookies([{"name": "fablab_language", "value": language, "url": base}])
                page = context.new_page()
                for pages, account in GROUPS:
                    if not any(all(w in f"{n}-{name_part}" for w in words) for n in pages):
                        continue
                    if account is not None:
                        context.clear_cookies(name="fablab_session")
                        sign_in(page, base, account.email, account.password)
                    facts = facts_of(page, base, account)
                    for name, address in pages.items():
                        if all(word in f"{name}-{name_part}" for word in words):
                            page.goto(base + address.format(**facts))
                            page.wait_for_timeout(300)
                            page.screenshot(path=FOLDER / f"{name}-{name_part}.png", full_page=True)
                            count += 1
                context.close()
    return count


def facts_of(page: Page, base: str, account: Account | None) -> dict[str, str]:
    """What the addresses are filled with. What the demo lacks is the page where its link should have been."""
    tomorrow = dt.date.today() + dt.timedelta(days=1)
    facts = {
        "machine": "prusa-mk4-2", "laser": "laser-60w", "router": "cnc-router", "day": tomorrow.isoformat(),
        "site": "demo-halles", "seat": "laptop-01",
    }  # fmt: skip
    for fact, (where, name) in LINKS.get(account, {}).items():
        page_there = where.format(**facts)
        facts[fact] = next(iter(linked(page, base, page_there, name)), page_there)
    if account is MAKER:
        facts["dates"] = dates_of_series(page, base)
    if account is MANAGER and page.context.browser:
        facts["list"] = list_to_import(page, base)
        facts["badge"] = badge_that_waits(page, base, facts["file"])
        facts["joining"] = link_to_join(page.context.browser, base)
    return facts


def main() -> int:
    base = next((word for word in sys.argv[1:] if word.startswith("http")), "http://127.0.0.1:8000").rstrip("/")
    words = [word for word in sys.argv[1:] if not word.startswith("http")]
    FOLDER.mkdir(parents=True, exist_ok=True)
    with running_browser() as browser:
        count = take(browser, base, words)
    print(f"{count} pictures in {FOLDER}/")
    return 0 if count else 1


if __name__ == "__main__":
    sys.exit(main())
