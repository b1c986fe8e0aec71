"""As much of an SVG's styles as an estimate needs: what shows, and the stroke colour that laser programs sort by."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from xml.etree.ElementTree import Element

PROPERTIES = ("display", "visibility", "stroke", "transform")
MOST_RULES = 1000

_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_RULE = re.compile(r"([^{}]{1,1000})\{([^{}]{0,10000})\}")
_CLASS = re.compile(r"\.([\w-]+)")


@dataclass(frozen=True, slots=True)
class Look:
    """What an element hands down to its children."""

    stroke: str = ""
    is_hidden: bool = False


class Styles:
    """The rules of a document that name a class; other selectors are not read."""

    def __init__(self, sheets: Iterable[str]) -> None:
        self.of_class: dict[str, dict[str, str]] = {}
        for sheet in sheets:
            for selectors, body in _RULE.findall(_COMMENT.sub("", sheet))[:MOST_RULES]:
                for selector in selectors.split(","):
                    if name := _CLASS.fullmatch(selector.strip()):
                        self.of_class.setdefault(name[1], {}).update(_declarations(body))

    def of(self, element: Element) -> dict[str, str]:
        """The PROPERTIES of one element: its attributes, over them its classes, over them its `style`."""
        found = {name: value for name in PROPERTIES if (value := element.get(name))}
        for name in element.get("class", "").split():
            found.update(self.of_class.get(name, {}))
        found.update(_declarations(element.get("style", "")))
        return found


def _declarations(text: str) -> dict[str, str]:
    pairs = (declaration.partition(":") for declaration in text.split(";"))
    named = ((name.strip().lower(), value.strip()) for name, _, value in pairs)
    return {name: value for name, value in named if name in PROPERTIES and value}


def look_below(outer: Look, own: dict[str, str]) -> Look:
    """The look of an element inside another; `own` are its properties."""
    visibility = own.get("visibility", "hidden" if outer.is_hidden else "visible")
    stroke = own.get("stroke", outer.stroke).lower()
    if stroke in ("none", "inherit", "currentcolor"):
        stroke = ""
    return Look(stroke=stroke, is_hidden=visibility != "visible")
