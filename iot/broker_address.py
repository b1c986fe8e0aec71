"""Where a device finds the broker: as the lab itself does, or through the door to the local network."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest

from fablab.lib.hosts import is_this_machine_only
from iot.broker.authority import authority_pem


@dataclass(frozen=True, slots=True)
class BrokerAddress:
    """`ca`: certificates in PEM form of the authority that made the broker's; empty for one that systems trust, and
    without TLS."""

    host: str
    port: int
    is_tls: bool
    ca: str = ""


def host_asked(request: HttpRequest) -> str:
    """The name or address, without port and brackets, by which this request reached the lab.

    Raises:
        DisallowedHost: it is none of the lab's.
    """
    return urlsplit(f"//{request.get_host()}").hostname or ""


def broker_as_seen_from(host: str) -> BrokerAddress:
    """What a device is told that reached the lab's pages at `host`."""
    broker = settings.BROKER
    if settings.MQTT_URL or not settings.MQTT_TLS_PORT or is_this_machine_only(host):
        ca = authority_pem(str(broker["ca_file"] or ""))
        return BrokerAddress(str(broker["host"]), int(str(broker["port"])), bool(broker["is_tls"]), ca)
    # The certificate of the pages, which is the broker's too, covers every name that they answer to.
    return BrokerAddress(host, settings.MQTT_TLS_PORT, True, authority_pem(settings.TLS_AUTHORITY))


def plain_port_from(host: str) -> int | None:
    """Where the broker is reached without encryption from elsewhere in the building; None: nowhere that we know of."""
    if settings.MQTT_URL or is_this_machine_only(host):
        return None
    return settings.MQTT_PLAIN_PORT or None


def is_broker_here_only() -> bool:
    """Whether no other machine reaches the broker."""
    return not settings.MQTT_URL and not settings.MQTT_TLS_PORT
