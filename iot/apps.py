from django.apps import AppConfig


class IotConfig(AppConfig):
    name = "iot"
    verbose_name = "devices"

    def ready(self) -> None:
        # Registers what devices witness, what ends uses that were begun by hand, which devices hear of a lift, and
        # which of a reservation.
        from iot import evidence, lifting, seats, tasks_manual  # noqa: F401
