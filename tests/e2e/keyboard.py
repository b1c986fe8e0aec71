"""Somebody who uses the keyboard alone: moves with Tab, and what they do is counted."""

from dataclasses import dataclass

from playwright.sync_api import Page

FARTHEST_TABS = 120


@dataclass
class Keyboard:
    """`actions` counts fields filled and buttons, links or boxes pressed: what clicks would be with a mouse."""

    page: Page
    actions: int = 0
    tabs: int = 0

    def go_to(self, selector: str) -> None:
        """Tab onwards until the focus is there; the search starts where it stands."""
        for _press in range(FARTHEST_TABS):
            if self.page.evaluate("selector => document.activeElement.matches(selector)", selector):
                return
            self.page.keyboard.press("Tab")
            self.tabs += 1
        raise AssertionError(f"Tab never reaches {selector} on {self.page.url}")

    def fill(self, selector: str, text: str) -> None:
        self.go_to(selector)
        self.page.keyboard.press("Control+A")
        lines = text.split("\n")
        for number, line in enumerate(lines):
            if number:
                self.page.keyboard.press("Enter")
            self.page.keyboard.type(line)
        self.actions += 1

    def press(self, selector: str, key: str = "Enter") -> None:
        """A button or a link by Enter; a box by Space."""
        self.go_to(selector)
        self.page.keyboard.press(key)
        self.actions += 1

    def choose(self, selector: str, letters: str) -> None:
        """An option of a list, by its first letters."""
        self.go_to(selector)
        self.page.keyboard.type(letters)
        self.actions += 1

    def fill_clock(self, selector: str, hour: int, minute: int) -> None:
        """A time field, whose parts are written one after the other; `--:--` has AM and PM where the locale has."""
        self.go_to(selector)
        self.page.keyboard.type(f"{hour:02}{minute:02}")
        # Where the clock counts to twelve, the half of the day is a part of its own and keeps what it was.
        self.page.keyboard.type("A" if hour < 12 else "P")
        self.actions += 1

    def pick(self, name: str, value: str) -> None:
        """One of several round buttons: Tab stops at the one that is chosen, the arrows go on from there."""
        self.go_to(f"[name={name}]")
        wanted = f"[name={name}][value='{value}']"
        for _press in range(self.page.locator(f"[name={name}]").count()):
            if self.page.evaluate("selector => document.querySelector(selector).checked", wanted):
                self.actions += 1
                return
            self.page.keyboard.press("ArrowDown")
        raise AssertionError(f"The arrows never reach {wanted} on {self.page.url}")
