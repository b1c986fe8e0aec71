"""A key without anybody copying it: the page writes the wish, the worker asks OctoPrint, somebody clicks there."""

import datetime as dt
import logging

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

from fablab.lib.live import announce_machines
from fablab.lib.secretbox import SecretUnreadable, seal, unseal
from people.models import Person
from printing.backends import PrinterError, PrinterUnreachable, Timeouts
from printing.backends.appkeys import DENIED, WAITING, AppKeyRequest
from printing.models import KeyRequest, Printer

log = logging.getLogger(__name__)

APP_NAME = "fablab"
# OctoPrint forgets a wish about which nobody asks for five seconds.
ASK_EVERY = dt.timedelta(seconds=1)
# While a request is on its way no other worker asks: an old Pi takes its time, and a beginning is two requests.
CLAIM_FOR = dt.timedelta(seconds=40)
WAITS_FOR = dt.timedelta(minutes=10)
TIMEOUTS = Timeouts(connect_s=3.05, read_s=15.0)
AT_ONCE = 8


def ask_for_key(*, printer: Printer, enables: bool, by: Person, now: dt.datetime) -> KeyRequest:
    """Have the worker ask the printer's OctoPrint for a key; a wish that was open begins anew.

    `enables`: with its key the printer goes into service.
    """
    made, _is_new = KeyRequest.objects.update_or_create(
        printer=printer,
        defaults={
            "state": KeyRequest.State.ASKED,
            "enables": enables,
            "token_sealed": "",
            "error_code": "",
            "asked_at": now,
            "asked_by": by,
            "next_at": now,
        },
    )
    return made


def stop_asking(*, printer: Printer) -> None:
    """Nobody waits for the key any more, nor reads how the last wish ended; a key that the printer has stays."""
    KeyRequest.objects.filter(printer=printer).delete()


def ask_due(now: dt.datetime) -> int:
    """Ask for every key that is due, one request each; how many there were. Only the worker calls it."""
    keys = claim_wishes(now)
    for key in keys:
        ask_one(key, now)
    return len(keys)


def ask_one(key: int, now: dt.datetime) -> None:
    """One request about one wish that was claimed; whatever goes wrong ends in a state that its page tells."""
    wish = KeyRequest.objects.filter(pk=key).select_related("printer__machine").first()
    if wish is None:
        return
    try:
        _ask(wish, now)
    except PrinterUnreachable as error:
        if wish.state == KeyRequest.State.WAITING:
            # It may well wait still: one answer that is missing is nothing.
            _still(wish).update(next_at=now + ASK_EVERY)
        else:
            _fail(wish, error.code)
    except PrinterError as error:
        _fail(wish, error.code)
    except SecretUnreadable:
        _fail(wish, "secret_unreadable")
    except ValueError as error:
        # An address that stood there before addresses were looked at as they are now.
        log.warning("%s: %s", wish.printer, error)
        _fail(wish, "address_refused")


def _fail(wish: KeyRequest, code: str) -> None:
    log.warning("No key for %s: %s", wish.printer, code)
    _end(wish, KeyRequest.State.FAILED, error_code=code)


def claim_wishes(now: dt.datetime) -> list[int]:
    """Those that are due to be asked about, ours for `CLAIM_FOR`."""
    with transaction.atomic():
        due = KeyRequest.objects.filter(state__in=KeyRequest.OPEN, next_at__lte=now)
        keys = list(due.select_for_update(skip_locked=True).values_list("pk", flat=True)[:AT_ONCE])
        if keys:
            KeyRequest.objects.filter(pk__in=keys).update(next_at=now + CLAIM_FOR)
    return keys


def _ask(wish: KeyRequest, now: dt.datetime) -> None:
    url, networks = wish.printer.base_url, settings.PRINTER_NETWORKS
    if now - wish.asked_at > WAITS_FOR:
        _end(wish, KeyRequest.State.LATE)
        return
    if wish.state == KeyRequest.State.ASKED:
        # Nobody is named: whoever is signed in at OctoPrint may allow it, and the key is theirs.
        token = AppKeyRequest.begin(url, networks, APP_NAME, "", timeouts=TIMEOUTS)
        _still(wish).update(state=KeyRequest.State.WAITING, token_sealed=seal(token), next_at=now + ASK_EVERY)
        return
    answer = AppKeyRequest.poll(url, networks, unseal(wish.token_sealed), timeouts=TIMEOUTS)
    if answer == WAITING:
        _still(wish).update(next_at=now + ASK_EVERY)
    elif answer == DENIED:
        _end(wish, KeyRequest.State.DENIED)
    else:
        _keep(wish, answer, now)


def _still(wish: KeyRequest) -> QuerySet[KeyRequest]:
    """The wish, unless it was withdrawn or begun anew while the request was on its way."""
    return KeyRequest.objects.filter(pk=wish.pk, state=wish.state, asked_at=wish.asked_at)


def _end(wish: KeyRequest, state: KeyRequest.State, *, error_code: str = "") -> None:
    _still(wish).update(state=state, token_sealed="", error_code=error_code)


def _keep(wish: KeyRequest, key: str, now: dt.datetime) -> None:
    with transaction.atomic():
        # The printer first, as whoever saves its settings locks them.
        asked = Printer.objects.filter(pk=wish.printer_id, base_url=wish.printer.base_url, kind=wish.printer.kind)
        is_same = asked.select_for_update(of=("self",)).exists()
        if not _still(wish).select_for_update(of=("self",)).exists():
            return
        if not is_same:
            # Another address or program meanwhile: the key is not for that one.
            _end(wish, KeyRequest.State.FAILED, error_code="printer_conflict")
            return
        news = {"is_enabled": True} if wish.enables else {}
        asked.update(
            api_key_sealed=seal(key), failures=0, unreachable_since=None, error_code="", next_poll_at=now, **news
        )
        _end(wish, KeyRequest.State.GRANTED)
        announce_machines([wish.printer.machine_id])
