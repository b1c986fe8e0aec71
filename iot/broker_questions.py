"""What a broker of one's own asks over HTTP: may this account come in, may it publish or subscribe there?

Asked anew each time, of devices: one that was shut out a moment ago is refused.
"""

import time
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from django.conf import settings

from iot.broker.access import BrokerUser, may_publish, may_subscribe
from iot.credentials import hash_password, new_device_password, verify_password
from iot.drivers import zigbee2mqtt
from iot.models import Device, DriverKind
from iot.selectors import account_of, bridge_mates, broker_users

Action = Literal["publish", "subscribe"]
# Our own rights follow the devices that are not ours; we are not shut out.
OWN_RIGHTS_LAST_S = 5.0


@lru_cache(maxsize=1)
def _hash_of_nobody() -> str:
    return hash_password(new_device_password())


@lru_cache(maxsize=1)
def _own_hash(password: str) -> str:
    return hash_password(password)


def may_connect(username: str, password: str) -> bool:
    """Whether this is the account's password. A name that nobody has takes as long as a wrong password. One query."""
    hashed = _hash_of(username)
    is_right = verify_password(password, hashed or _hash_of_nobody())
    return is_right and bool(hashed)


def _hash_of(username: str) -> str:
    # Asked for our own account, too: its name must not be told by the time that it takes.
    device = _enrolled(username)
    if _is_own(username):
        return _own_hash(str(settings.BROKER["password"])) if settings.BROKER["password"] else ""
    return device.password_hash if device else ""


def may(action: Action, username: str, topic: str) -> bool:
    """Whether the account may publish on this topic, or subscribe to this filter. One query."""
    user = _own_account() if _is_own(username) else _account_of(_enrolled(username))
    if user is None:
        return False
    return may_publish(user, topic) if action == "publish" else may_subscribe(user, topic)


def _enrolled(username: str) -> Device | None:
    # PostgreSQL takes no NUL in a text.
    if not username or "\x00" in username:
        return None
    if base := zigbee2mqtt.base_of_account(username):
        rows = bridge_mates(f"{base}/")
    else:
        rows = Device.objects.filter(slug=username, revoked_at=None).exclude(kind=DriverKind.ZIGBEE2MQTT)
    return rows.exclude(password_hash="").order_by("slug").first()


def _account_of(device: Device | None) -> BrokerUser | None:
    return account_of(device) if device is not None else None


def _is_own(username: str) -> bool:
    return bool(username) and username == str(settings.BROKER["username"])


@dataclass(slots=True)
class _Own:
    user: BrokerUser | None = None
    until_s: float = 0.0


_own = _Own()


def _own_account() -> BrokerUser | None:
    if _own.user is None or time.monotonic() >= _own.until_s:
        _own.user = next(user for user in broker_users() if _is_own(user.username))
        _own.until_s = time.monotonic() + OWN_RIGHTS_LAST_S
    return _own.user
