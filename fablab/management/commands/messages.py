from pathlib import Path
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from fablab.catalogue import gathered, problems, read_catalogue, updated, written

# Sentences are written in English.
WRITTEN_IN = "en"


class Command(BaseCommand):
    help = "Gather the sentences to translate into fablab/locale/; with --check, say what is not translated."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--check", action="store_true", help="Change nothing; fail when a translation is missing.")

    def handle(self, *args: Any, **options: Any) -> None:
        root = Path(settings.BASE_DIR)
        folders = [Path(config.path) for config in apps.get_app_configs() if Path(config.path).parent == root]
        sentences = gathered(folders, root)
        for language in (code for code, _ in settings.LANGUAGES if code != WRITTEN_IN):
            file = Path(settings.LOCALE_PATHS[0]) / language / "LC_MESSAGES" / "django.po"
            known = read_catalogue(file, language)
            if not options["check"]:
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(written(updated(known, sentences)))
            self._report(file.relative_to(root), problems(known, sentences), is_check=options["check"])

    def _report(self, file: Path, found: list[str], *, is_check: bool) -> None:
        """Raises: CommandError: sentences are missing, and we were asked to check."""
        for line in found:
            self.stdout.write(line)
        if found and is_check:
            raise CommandError(f"{file}: {len(found)} sentences need work. Run `make messages`, then translate them.")
        self.stdout.write(f"{file}: " + (f"{len(found)} sentences to translate." if found else "complete."))
