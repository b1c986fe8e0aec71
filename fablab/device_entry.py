"""What somebody types on a device, or scans, so that it finds the lab's broker and is let in."""

from dataclasses import dataclass
from urllib.parse import urlsplit

import segno
from django.http import HttpRequest

from fablab.addresses import address_for_others, own_authority
from fablab.lib.certificates import fingerprint
from iot.broker_address import BrokerAddress, broker_as_seen_from, is_broker_here_only, plain_port_from


@dataclass(frozen=True, slots=True)
class DeviceEntry:
    """`fingerprint`: of the lab's own certificate authority; empty where devices know the certificate's maker.
    `link` carries address, code and fingerprint in one; it and its picture are empty without a code."""

    address: str
    broker: BrokerAddress
    plain_port: int | None
    is_here_only: bool
    fingerprint: str
    link: str = ""
    picture: str = ""


def device_entry(request: HttpRequest, code: str = "") -> DeviceEntry:
    """How a device elsewhere in the building comes in, as seen by whoever reads this page."""
    address = address_for_others(request)
    host = urlsplit(address).hostname or ""
    authority = own_authority() if address.startswith("https:") else None
    mark = fingerprint(authority) if authority else ""
    link = f"{address}/#{','.join(filter(None, [code, mark.replace(':', '')]))}" if code else ""
    picture = segno.make(link, error="m", micro=False).svg_data_uri(scale=4, dark="#000", light="#fff") if link else ""
    return DeviceEntry(
        address, broker_as_seen_from(host), plain_port_from(host), is_broker_here_only(), mark, link, picture
    )
