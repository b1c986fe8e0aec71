"""Every page as a picture: both languages, wide and 390 px, light and dark, from the running demo.

`make pictures` (with `make run` open in another terminal); the README's screenshot comes from here.
Options: the address, and words that a picture's name must contain.
"""

import datetime as dt
import os
import sys
from pathlib import Path

import django
from playwright.sync_api import Browser, Page

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "fablab.settings")
# Playwright's loop makes Django think that it runs in an async context.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
django.setup()

from fablab.demo.accounts import ADMINISTRATOR, MAKER, MANAGER  # noqa: E402
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
    "induction-ask": "/machines/{laser}/induction/",
    "password": "/accounts/password/change/",
    "second-factor": "/accounts/2fa/",
    "second-key": "/me/second-key/",
    "my-data": "/me/data/",
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
    "manage-quarantine": "/manage/quarantine/",
    "manage-access": "/manage/machines/{laser}/access/",
    "manage-access-refused": "/manage/machines/{laser}/access/?refused=1",
    "desk": "/desk/",
    "desk-search": "/desk/?q=martin",
    "desk-seat-screen": "/desk/seats/{seat}/screen/",
    "manage-runs": "/manage/runs/",
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
    "manage-inductions": "/manage/inductions/",
    "manage-why": "/manage/why/?machine={laser}",
    "rules": "/manage/rules/",
    "rules-credits": "/manage/rules/credits/",
    "rules-pack": "/manage/rules/credits/new/",
    "rules-to-sign": "/manage/rules/to-sign/",
    "rules-to-sign-site": "/manage/rules/to-sign/places/{site}/",
    "rules-policy": "/manage/rules/new/",
    "rules-quota": "/manage/rules/new-limit/",
    "rules-group": "/manage/rules/new-group/",
    "settings": "/manage/settings/",
    "settings-hours": "/manage/settings/places/{site}/hours/",
    "settings-closures": "/manage/settings/places/{site}/closures/",
    "settings-seasons": "/manage/settings/places/{site}/seasons/",
    "settings-peak": "/manage/settings/places/{site}/peak/",
    "settings-year": "/manage/settings/places/{site}/year/",
    "settings-goes-with": "/manage/settings/machines/{laser}/goes-with/",
    "manage-rota": "/manage/rota/",
    "settings-calls": "/manage/settings/places/{site}/calls/",
    "settings-labels": "/manage/settings/places/{site}/labels/",
    "settings-rooms": "/manage/settings/places/{site}/rooms/",
    "settings-machines": "/manage/settings/places/{site}/machines/",
    "settings-machine-new": "/manage/settings/places/{site}/machines/new/",
    "settings-machine": "/manage/settings/machines/{machine}/",
    "settings-access": "/manage/settings/machines/{laser}/access/",
    "settings-calendars": "/manage/settings/places/{site}/calendars/",
    "settings-calendars-in": "/manage/settings/machines/{laser}/calendars/",
    "settings-outages": "/manage/settings/places/{site}/outages/",
    "settings-team": "/manage/settings/places/{site}/team/",
    "settings-categories": "/manage/settings/categories/",
    "settings-category": "/manage/settings/new-category/",
    "settings-qualifications": "/manage/settings/qualifications/",
    "settings-devices": "/manage/settings/devices/",
    "settings-device-new": "/manage/settings/new-device/",
    "settings-printers": "/manage/settings/printers/",
    "settings-printer": "/manage/settings/machines/{machine}/printer/",
    "manage-spools": "/manage/spools/",
    "manage-spool-new": "/manage/spools/new/",
    "manage-spool": "{spool}",
    "manage-spool-edit": "{spool}edit/",
    "manage-print-prices": "/manage/print-prices/",
    "manage-print-price": "/manage/print-prices/{site}/",
}
ADMINISTRATORS = {
    "settings-site": "/manage/settings/places/{site}/",
    "privacy-register": "/privacy/register/",
    "settings-modules": "/manage/settings/modules/",
    "settings-texts": "/manage/settings/texts/",
}
# With a row that is left out, and a column that is not understood.
PEOPLE = "Prénom;Nom;Année;Pointure\nZoé;Élan;1990;38\nAli;Ben;19;44\n"


def sign_in(page: Page, base: str, email: str, password: str) -> None:
    page.goto(f"{base}/accounts/login/")
    page.fill("#id_login", email)
    page.fill("#id_password", password)
    page.click("main button[type=submit]")
    page.wait_for_url(f"{base}/me/")


def found(page: Page, base: str, where: str, selector: str, instead: str) -> str:
    """The address of the first link that matches, else another page's."""
    page.goto(base + where)
    link = page.query_selector(selector)
    return (link.get_attribute("href") or instead) if link else instead


def list_to_import(page: Page, base: str) -> str:
    """The address of a list that waits for its yes: the latest, or one handed in now. Nobody of it is imported."""
    choose = "/manage/people/import/"
    known = found(page, base, choose, "main a.slot-link", "")
    if known:
        return known
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
                groups = ((PUBLIC, None), (MAKERS, MAKER), (MANAGERS, MANAGER), (ADMINISTRATORS, ADMINISTRATOR))
                for pages, account in groups:
                    if not any(all(w in f"{n}-{name_part}" for w in words) for n in pages):
                        continue
                    if account is not None:
                        context.clear_cookies(name="fablab_session")
                        sign_in(page, base, account.email, account.password)
                    facts = facts_of(page, base, signed_in=account is not None, manager=account is MANAGER)
                    for name, address in pages.items():
                        if all(word in f"{name}-{name_part}" for word in words):
                            page.goto(base + address.format(**facts))
                            page.wait_for_timeout(300)
                            page.screenshot(path=FOLDER / f"{name}-{name_part}.png", full_page=True)
                            count += 1
                context.close()
    return count


def facts_of(page: Page, base: str, *, signed_in: bool, manager: bool) -> dict[str, str]:
    tomorrow = dt.date.today() + dt.timedelta(days=1)
    facts = {"machine": "prusa-mk4-2", "laser": "laser-60w", "day": tomorrow.isoformat()}
    if signed_in:
        facts["reservation"] = found(page, base, "/me/", "a[href^='/reservations/']", "/me/")
        facts["team"] = found(page, base, "/teams/", "main a.slot-link[href^='/teams/']", "/teams/")
        facts["team_reservation"] = found(page, base, facts["team"], "main a[href^='/reservations/']", "/me/")
        facts["job"] = found(page, base, "/me/", "a[href^='/prints/']", "/me/")
    if manager:
        facts["site"], facts["seat"] = "demo-halles", "laptop-01"
        facts["list"] = list_to_import(page, base)
        facts["file"] = found(page, base, "/manage/people/", "main a.person-link", "/manage/people/")
        facts["person"] = found(page, base, "/desk/", "a[href^='/desk/people/']", "/desk/")
        facts["ticket"] = found(page, base, "/desk/", "a[href^='/desk/tickets/']", "/desk/")
        facts["loan"] = found(page, base, "/desk/loans/", "main li a[href^='/desk/loans/']", "/desk/loans/")
        facts["spool"] = found(
            page, base, "/manage/spools/", "main a.slot-link[href^='/manage/spools/']", "/manage/spools/"
        )
        facts["device"] = found(page, base, "/manage/devices/", "tbody a", "/manage/devices/")
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
