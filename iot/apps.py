from django.apps import AppConfig


class IotConfig(AppConfig):
    name = "iot"
    verbose_name = "devices"

    def ready(self) -> None:
        # Registers what devices witness.
        from iot import evidence  # noqa: F401
