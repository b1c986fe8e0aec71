import dataclasses
import json
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from fablab.doctor import Verdict, examined


class Command(BaseCommand):
    help = "Look at every part of this installation and say what to mend. Exit code 1 when something fails."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="The findings as JSON.")

    def handle(self, *args: Any, **options: Any) -> None:
        findings = examined()
        if options["json"]:
            self.stdout.write(json.dumps([dataclasses.asdict(finding) for finding in findings], indent=1))
        else:
            for finding in findings:
                remedy = f" → {finding.remedy}" if finding.remedy else ""
                self.stdout.write(f"{finding.verdict:<5}{finding.check:<12} {finding.detail}{remedy}")
        if any(finding.verdict == Verdict.FAIL for finding in findings):
            sys.exit(1)
