"""Mosquitto with a certificate of a self-made authority, on this machine only."""

import datetime as dt
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from fablab.lib.certificates import KeyPair, certificate_pem, key_pem, make_authority, make_server_certificate
from iot.broker.access import BrokerUser
from iot.broker.files import SETTINGS
from iot.broker.launch import broker_command, broker_folder
from tests.contract.running_broker import RunningBroker, listens, spawn, wait_until

NOW = dt.datetime.now(dt.UTC)


@dataclass(frozen=True)
class Authority:
    """Whoever has its `file` believes the certificates that it makes."""

    pair: KeyPair
    file: Path


def authority(folder: Path, name: str) -> Authority:
    pair = make_authority(name=name, own_names=["127.0.0.1", "localhost"], now=NOW)
    file = folder / f"{name}.crt"
    file.write_bytes(certificate_pem(pair.certificate))
    return Authority(pair, file)


def certificate_of(made_by: Authority, *names: str) -> tuple[bytes, bytes]:
    """A broker's certificate for these names, and its key."""
    server = make_server_certificate(authority=made_by.pair, names=names, now=NOW)
    return certificate_pem(server.certificate), key_pem(server.key)


class TlsBroker(RunningBroker):
    """As `RunningBroker`, and speaks nothing but TLS, with this certificate and key."""

    def __init__(
        self, users: Sequence[BrokerUser], monkeypatch: pytest.MonkeyPatch, certificate: bytes, key: bytes
    ) -> None:
        super().__init__("mosquitto", users, monkeypatch)
        self._files = {"server.crt": certificate, "server.key": key}

    def start(self) -> None:
        command = broker_command(self.data_dir, self.port, users=self.users)
        folder = broker_folder(self.data_dir)
        written = (folder / SETTINGS).stat()
        for name, content in self._files.items():
            (folder / name).write_bytes(content)
            (folder / name).chmod(0o600)
            os.chown(folder / name, written.st_uid, written.st_gid)
        with (folder / SETTINGS).open("a") as settings:
            settings.write(f"certfile {folder}/server.crt\nkeyfile {folder}/server.key\n")
        self.process = spawn(command)
        assert wait_until(lambda: listens(self.port), 15)
