from django.apps import AppConfig


class ReservationsConfig(AppConfig):
    name = "reservations"
    verbose_name = "reservations"

    def ready(self) -> None:
        from reservations import permissions  # noqa: F401  (registers itself)
