"""A key from OctoPrint without anybody copying it: somebody there clicks "Allow".

The bundled plugin's docs/bundledplugins/appkeys.rst. A request that is not asked about for 5 seconds dies.
"""

import re
from collections.abc import Sequence

from printing.backends.addresses import checked_address
from printing.backends.answers import mapping, text
from printing.backends.base import PrinterProtocolError, PrinterRejected, Timeouts
from printing.backends.transport import printer_session, typed_errors

WAITING, DENIED = "waiting", "denied"
ASK_EVERY_S = 1
NOT_FOUND = 404
WITHOUT_DECISION = 202
DEFAULT_TIMEOUTS = Timeouts()
_TOKEN = re.compile(r"[A-Za-z0-9_-]{8,128}")
# As in `make_backend`; and never one of the two words above.
_KEY = re.compile(r"[!-~]{16,512}")


class AppKeyRequest:
    """The wish for a key, and the answer to it. Nothing is kept between the two but the token."""

    @staticmethod
    def begin(
        url: str,
        networks: Sequence[str],
        app: str,
        user: str,
        *,
        timeouts: Timeouts = DEFAULT_TIMEOUTS,
        ca_bundle: str = "",
    ) -> str:
        """Ask for a key for `app` in the name of OctoPrint's `user`; the token to ask by (2 requests).

        Raises:
            AddressRefused: the address is not accepted.
            PrinterRejected: this OctoPrint has no such plugin, or it is off; a key must be copied then.
            PrinterError: any other, as with every printer.
        """
        address = checked_address(url, networks)
        session = printer_session(address, "", timeouts, ca_bundle)
        with typed_errors():
            session.get(f"{address.origin}/plugin/appkeys/probe")
            answer = session.post(f"{address.origin}/plugin/appkeys/request", json={"app": app, "user": user})
        # The address in it is what OctoPrint believes its own to be: only the token is taken.
        token = answer.headers.get("Location", "").rpartition("/")[2]
        if not _TOKEN.fullmatch(token):
            raise PrinterProtocolError("The printer gave no token to ask by", status=answer.status_code)
        return token

    @staticmethod
    def poll(
        url: str,
        networks: Sequence[str],
        token: str,
        *,
        timeouts: Timeouts = DEFAULT_TIMEOUTS,
        ca_bundle: str = "",
    ) -> str:
        """ "waiting", "denied" (or dead), or the key itself (1 request). Ask every second.

        Raises:
            AddressRefused: the address is not accepted.
            PrinterRejected: the token cannot be one.
            PrinterError: any other, as with every printer.
        """
        if not _TOKEN.fullmatch(token):
            raise PrinterRejected("This is no token")
        address = checked_address(url, networks)
        session = printer_session(address, "", timeouts, ca_bundle)
        try:
            with typed_errors():
                answer = session.get(f"{address.origin}/plugin/appkeys/request/{token}")
                if answer.status_code == WITHOUT_DECISION:
                    return WAITING
                key = text(mapping(answer.json()), "api_key")
        except PrinterRejected as error:
            if error.status != NOT_FOUND:
                raise
            return DENIED
        if not _KEY.fullmatch(key):
            raise PrinterProtocolError("The printer gave no key", status=answer.status_code)
        return key
