from django.apps import AppConfig


class IotConfig(AppConfig):
    name = "iot"
    verbose_name = "devices"

    def ready(self) -> None:
        # Registers what devices witness, and what ends uses that were begun by hand.
        from iot import evidence, tasks_manual  # noqa: F401
