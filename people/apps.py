from django.apps import AppConfig


class PeopleConfig(AppConfig):
    name = "people"
    verbose_name = "people"

    def ready(self) -> None:
        from people import openapi, permissions, sign_in_log  # noqa: F401  (they register themselves)
