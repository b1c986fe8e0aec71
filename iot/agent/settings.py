"""How the agent behaves: what the lab may change from afar. Hardware, programs and addresses are not among it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .toml_table import Table

LANGUAGES = ("en", "fr")


@dataclass(frozen=True)
class Settings:
    """Times in seconds. The agent's file gives them under [settings]; a set-config of the lab replaces them."""

    heartbeat_s: float = 15.0
    reading_every_s: float = 60.0
    warn_s: float = 300.0
    # A confirmation later than this could come from somebody who is not the one that was asked.
    confirm_within_s: float = 30.0
    decision_within_s: float = 2.0
    denied_for_s: float = 8.0
    idle_after_s: float = 10.0
    idle_off_s: float = 0.0
    is_two_step: bool = False
    is_online_only: bool = False
    language: str = "en"


def read_settings(table: Table, base: Settings | None = None) -> Settings:
    """All settings, those that are missing from `base`.

    Raises:
        ConfigError: names the first one that is unknown or out of bounds; nothing is taken over then.
    """
    base = base or Settings()
    read = Settings(
        heartbeat_s=table.number("heartbeat_s", base.heartbeat_s, least=5, most=60),
        reading_every_s=table.number("reading_every_s", base.reading_every_s, least=5, most=3600),
        warn_s=table.number("warn_s", base.warn_s, least=0, most=3600),
        confirm_within_s=table.number("confirm_within_s", base.confirm_within_s, least=3, most=30),
        decision_within_s=table.number("decision_within_s", base.decision_within_s, least=0.2, most=10),
        denied_for_s=table.number("denied_for_s", base.denied_for_s, least=1, most=60),
        idle_after_s=table.number("idle_after_s", base.idle_after_s, least=0, most=600),
        idle_off_s=table.number("idle_off_s", base.idle_off_s, least=0, most=86_400),
        is_two_step=table.truth("is_two_step", base.is_two_step),
        is_online_only=table.truth("is_online_only", base.is_online_only),
        language=table.one_of("language", LANGUAGES, base.language),
    )
    table.refuse_others()
    return read


def from_lab(told: Mapping[str, Any], base: Settings) -> Settings:
    """Raises: ConfigError."""
    return read_settings(Table(told), base)
