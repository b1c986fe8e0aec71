from importlib import import_module

from django.apps import AppConfig


class PeopleConfig(AppConfig):
    name = "people"
    verbose_name = "people"

    def ready(self) -> None:
        # A permission whose module nobody imported is refused to everyone, without a word.
        import_module("people.permissions")
