from importlib import import_module

from django.apps import AppConfig


class ReservationsConfig(AppConfig):
    name = "reservations"
    verbose_name = "reservations"

    def ready(self) -> None:
        # A permission whose module nobody imported is refused to everyone, without a word.
        import_module("reservations.permissions")
