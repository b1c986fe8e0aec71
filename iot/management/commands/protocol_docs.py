import json
from pathlib import Path
from typing import Any

import yaml
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from iot.protocol_schema import async_api, json_schema
from iot.protocol_tables import message_tables

BEGIN = "<!-- made by `manage.py protocol_docs`: change iot/protocol.py instead -->"
END = "<!-- end of what is made -->"


class Command(BaseCommand):
    help = "Write the published protocol (docs/) from the types in iot/protocol.py; with --check, only compare."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--check", action="store_true", help="Change nothing; fail when a document is stale.")
        parser.add_argument("--folder", type=Path, help="Where the documents are (default: docs/ of the checkout).")

    def handle(self, *args: Any, **options: Any) -> None:
        folder = options["folder"] or Path(settings.BASE_DIR) / "docs"
        stale = stale_documents(folder)
        if stale and options["check"]:
            raise CommandError(f"Stale: {', '.join(sorted(stale))}. Run: manage.py protocol_docs")
        for name, text in stale.items():
            (folder / name).write_text(text, encoding="utf-8")
            self.stdout.write(f"{name}: written.")
        if not stale:
            self.stdout.write("The published protocol is up to date.")


def stale_documents(folder: Path) -> dict[str, str]:
    """The text that each document should have, for those that have another.

    Raises:
        CommandError: protocol.md is missing, or its marks are.
    """
    wanted = {
        "protocol.schema.json": json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n",
        "asyncapi.yaml": yaml.safe_dump(async_api(), sort_keys=False, allow_unicode=True, width=110),
        "protocol.md": _with_tables(folder / "protocol.md"),
    }
    return {name: text for name, text in wanted.items() if _read(folder / name) != text}


def _with_tables(file: Path) -> str:
    """The prose as it stands, and the tables between the two marks."""
    before, begin, rest = _read(file).partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise CommandError(f"{file} lacks the lines between which the tables go: {BEGIN} and {END}")
    return f"{before}{BEGIN}\n\n{message_tables()}\n{END}{after}"


def _read(file: Path) -> str:
    return file.read_text(encoding="utf-8") if file.exists() else ""
