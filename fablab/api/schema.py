"""The API's description, without what belongs to modules that are off."""

from typing import Any

from drf_spectacular.generators import SchemaGenerator

from fablab.modules import is_gone
from people.lab import current_lab
from people.models import Module

# Of a machine and of the whole API: what each module adds.
FIELDS = {Module.DEVICES: ("power_w",)}
PARTS = ((None, "Machines and reservations"), (Module.DEVICES, "measured use"), (Module.PRINTING, "print jobs"))


class LabSchemaGenerator(SchemaGenerator):  # type: ignore[misc]
    """Only the addresses and fields of the modules that are on."""

    def _get_paths_and_endpoints(self) -> list[tuple[str, str, str, Any]]:
        from fablab.api.urls import urlpatterns

        gone = {getattr(pattern.callback, "cls", None) for pattern in urlpatterns if is_gone(pattern.name or "")}
        return [found for found in super()._get_paths_and_endpoints() if type(found[3]) not in gone]

    def get_schema(self, request: Any = None, public: bool = False) -> dict[str, Any]:
        schema: dict[str, Any] = super().get_schema(request, public)
        lab = current_lab()
        parts = [words for module, words in PARTS if not module or lab.has(module)]
        schema["info"]["description"] = f"{', '.join(parts)}."
        for module, names in FIELDS.items():
            for part in schema["components"]["schemas"].values() if not lab.has(module) else ():
                for name in names:
                    part.get("properties", {}).pop(name, None)
                    part["required"] = [field for field in part.get("required", []) if field != name]
        return schema
