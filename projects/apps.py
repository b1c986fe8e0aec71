from django.apps import AppConfig


class ProjectsConfig(AppConfig):
    name = "projects"
    verbose_name = "projects"

    def ready(self) -> None:
        from projects import log

        log.listen()
