from django.apps import AppConfig


class PrintingConfig(AppConfig):
    name = "printing"
    verbose_name = "3D printing"

    def ready(self) -> None:
        # Registers what keeps a printer's time from being given back while it rests, and what it tells of its rest.
        from printing import kept_time, rest_told  # noqa: F401
