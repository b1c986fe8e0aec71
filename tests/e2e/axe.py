"""What axe finds on a page, and how much wider than its screen it is."""

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page

RULES = {
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]},
    # What is in order need not be written out.
    "resultTypes": ["violations"],
}
# What is in order fills megabytes: only what is not leaves the page.
LOOK = """async (rules) => {
  if (!window.axe) return null;
  // A colour on its way to another theme has the contrast of neither.
  const turning = document.getAnimations().filter((each) => each instanceof CSSTransition);
  await Promise.allSettled(turning.map((each) => each.finished));
  const found = (await axe.run(rules)).violations.map((fault) => `${fault.id}: ${fault.nodes[0].html.slice(0, 160)}`);
  return [found, document.documentElement.scrollWidth - window.innerWidth];
}"""
WIDER = "document.documentElement.scrollWidth - window.innerWidth"


def look(page: Page) -> tuple[list[str], int]:
    """The faults, and the pixels. A page that is looked at again, in another theme, keeps the half megabyte of axe."""
    said = page.evaluate(LOOK, RULES)
    if said is None:
        page.evaluate(AXE_SCRIPT)
        said = page.evaluate(LOOK, RULES)
    faults, wider = said
    return faults, wider
