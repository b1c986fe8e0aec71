from django.apps import AppConfig


class ReservationsConfig(AppConfig):
    name = "reservations"
    verbose_name = "reservations"

    def ready(self) -> None:
        # Registers itself, and what ends with a lost card.
        from reservations import feeds, permissions  # noqa: F401
