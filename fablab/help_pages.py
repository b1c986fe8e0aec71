"""The help: short pages in each language, read from docs/help, with the names that the buttons really have.

In a page `[[Add somebody]]` is a button or a title of ours, shown as it reads in the reader's language;
`[People]{people}` leads to the page of the lab with this url name, a link to `people.md` to another page of the help.
"""

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

import nh3
from django.conf import settings
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.safestring import SafeString, mark_safe
from django.utils.text import slugify
from django.utils.translation import get_language, gettext
from markdown_it import MarkdownIt
from markdown_it.token import Token

from fablab.modules import module_of
from people.lab import current_lab
from people.models import Module
from people.models.person import sort_key

FOLDER = Path(settings.BASE_DIR) / "docs" / "help"
PICTURES = Path(settings.BASE_DIR) / "docs" / "pictures" / "help"
# In the order of the site: a newcomer's first, then what is looked up.
SLUGS = (
    "first-day",
    "a-typical-week",
    "people",
    "desk",
    "machines-and-rules",
    "hours-and-closures",
    "calendars",
    "qualifications",
    "devices-and-prints",
    "what-to-do-when",
    "backup-and-upgrade",
    "opening-to-the-network",
    "privacy-for-the-team",
)
# A page that speaks of these alone is gone when all of them are off.
ABOUT = {"desk": {Module.DESK}, "devices-and-prints": {Module.DEVICES, Module.PRINTING}}
WORDS = re.compile(r"\[\[(.+?)\]\]")
PLACES = re.compile(r"\[([^\[\]]+)\]\{([\w-]+)\}")
_MARKUP = re.compile(r"([\\`*_\[\]<>&])")
_TAGS = {"h2", "h3", "p", "ul", "ol", "li", "strong", "em", "a", "img", "code", "pre", "blockquote", "hr", "br"}
_ATTRIBUTES = {"a": {"href"}, "img": {"src", "alt", "loading"}, "h2": {"id"}, "h3": {"id"}, "ol": {"start"}}
_EXCERPT_CHARACTERS = 160
_MOST_WORDS = 8


@dataclass(frozen=True, slots=True)
class Section:
    """What stands under one heading; `anchor` is empty for what stands before the first one."""

    anchor: str
    title: str
    text: str


@dataclass(frozen=True)
class HelpPage:
    """One page as written: its words already name our buttons in the reader's language."""

    slug: str
    title: str
    lead: str
    body: str

    @property
    def url(self) -> str:
        return reverse("help-page", args=(self.slug,))

    @cached_property
    def sections(self) -> list[Section]:
        return list(_sections(_with_anchors(_parser().parse(self.body))))

    @property
    def contents(self) -> list[Section]:
        return [section for section in self.sections if section.anchor]

    def html(self, modules: Collection[Module]) -> SafeString:
        """The body; links into modules that are off are plain words."""
        parser = _parser()
        tokens = _with_anchors(parser.parse(self.body))
        for token in tokens:
            if token.children:
                token.children = list(_with_addresses(token.children, modules))
        raw = parser.renderer.render(tokens, parser.options, {})
        # Ours, but by many hands: nothing but these tags leaves.
        return mark_safe(nh3.clean(raw, tags=_TAGS, attributes=_ATTRIBUTES, link_rel=None))  # noqa: S308


@dataclass(frozen=True, slots=True)
class Hit:
    """A section in which every word was found."""

    page: HelpPage
    section: Section
    excerpt: str

    @property
    def url(self) -> str:
        return f"{self.page.url}#{self.section.anchor}" if self.section.anchor else self.page.url


def help_page(slug: str) -> HelpPage | None:
    """The page in the reader's language; None when there is none of that name."""
    if slug not in SLUGS:
        return None
    written = PLACES.sub(r"[\1](url:\2)", source_of(slug, _language()))
    source = WORDS.sub(lambda found: f"**{_escaped(gettext(found[1]))}**", written)
    head, _, body = source.partition("\n\n")
    lead, _, rest = body.partition("\n\n")
    return HelpPage(slug, head.removeprefix("# ").strip(), lead.strip(), rest)


def modules_on() -> list[Module]:
    lab = current_lab()
    return [module for module in Module if lab.has(module)]


def is_shown(slug: str, modules: Collection[Module]) -> bool:
    """Whether the page is about something that the lab has."""
    return slug in SLUGS and (slug not in ABOUT or any(module in modules for module in ABOUT[slug]))


def slugs_shown() -> list[str]:
    """The names of the pages that this lab has, in their order."""
    modules = modules_on()
    return [slug for slug in SLUGS if is_shown(slug, modules)]


def help_pages() -> list[HelpPage]:
    """Every page that this lab has, in its order."""
    return [page for slug in slugs_shown() if (page := help_page(slug)) is not None]


def neighbours(slug: str) -> tuple[HelpPage | None, HelpPage | None]:
    """The pages before and after."""
    slugs = slugs_shown()
    index = slugs.index(slug)
    before = help_page(slugs[index - 1]) if index else None
    after = help_page(slugs[index + 1]) if index + 1 < len(slugs) else None
    return before, after


def found(query: str) -> list[Hit]:
    """Sections that hold every word of the query, those with it in a title first."""
    words = re.findall(r"\w+", sort_key(query))[:_MOST_WORDS]
    hits = list[tuple[int, Hit]]()
    for page in help_pages() if words else ():
        for section in page.sections:
            title = sort_key(f"{page.title} {section.title}")
            text = f"{title} {sort_key(section.text)}"
            if all(word in text for word in words):
                hits.append((sum(word in title for word in words), Hit(page, section, _excerpt(section.text, words))))
    return [hit for _in_title, hit in sorted(hits, key=lambda pair: -pair[0])]


@lru_cache(maxsize=64)
def source_of(slug: str, language: str) -> str:
    """The file's text."""
    return (FOLDER / language / f"{slug}.md").read_text(encoding="utf-8")


def _language() -> str:
    return "en" if (get_language() or "").startswith("en") else "fr"


def _escaped(words: str) -> str:
    return _MARKUP.sub(r"\\\1", words)


def _parser() -> MarkdownIt:
    # Raw HTML stays text.
    return MarkdownIt("commonmark", {"html": False})


def _with_anchors(tokens: Sequence[Token]) -> Sequence[Token]:
    taken: set[str] = set()
    for opening, inline in pairwise(tokens):
        if opening.type == "heading_open":
            anchor = slugify(_text(inline)) or "part"
            while anchor in taken:
                anchor += "-2"
            taken.add(anchor)
            opening.attrSet("id", anchor)
    return tokens


def _sections(tokens: Sequence[Token]) -> Iterable[Section]:
    anchor, title, lines = "", "", list[str]()
    is_heading = False
    for token in tokens:
        if token.type == "heading_open":
            if lines:
                yield Section(anchor, title, " ".join(lines))
            anchor, title, lines, is_heading = str(token.attrGet("id")), "", [], True
        elif token.type == "inline" and is_heading:
            title, is_heading = _text(token), False
        elif token.type in ("inline", "fence", "code_block"):
            lines.append(_text(token))
    if lines:
        yield Section(anchor, title, " ".join(lines))


def _text(token: Token) -> str:
    if token.children is None:
        return token.content.strip()
    return "".join(child.content if child.type in ("text", "code_inline") else " " * (child.type == "softbreak")
                   for child in token.children)  # fmt: skip


def _with_addresses(tokens: Iterable[Token], modules: Collection[Module]) -> Iterable[Token]:
    """The tokens of a paragraph, with addresses of the lab; a link to what is off loses its address."""
    is_dropped = False
    for token in tokens:
        if token.type == "link_open":
            href = address(str(token.attrGet("href")), modules)
            is_dropped = not href
            token.attrSet("href", href)
        elif token.type == "image":
            token.attrSet("src", reverse("help-picture", args=(Path(str(token.attrGet("src"))).name,)))
            token.attrSet("loading", "lazy")
        if not (is_dropped and token.type in ("link_open", "link_close")):
            yield token
        if token.type == "link_close":
            is_dropped = False


def address(href: str, modules: Collection[Module]) -> str:
    """Where a link of the help leads: empty for a page of a module that is off.

    Raises:
        NoReverseMatch: it names no page of ours.
    """
    if href.startswith("url:"):
        name = href.removeprefix("url:")
        module = module_of(name)
        return reverse(name) if module is None or module in modules else ""
    name, mark, anchor = href.partition("#")
    if name.endswith(".md") and not is_shown(name.removesuffix(".md"), modules):
        return ""
    if name.endswith(".md"):
        return reverse("help-page", args=(name.removesuffix(".md"),)) + mark + anchor
    return href


def _excerpt(text: str, words: Sequence[str]) -> str:
    """The words around the first one that was found."""
    low = text.casefold()
    at = min((place for word in words if (place := low.find(word)) >= 0), default=0)
    begin = text.rfind(" ", 0, max(at - _EXCERPT_CHARACTERS // 3, 0)) + 1
    cut = text[begin : begin + _EXCERPT_CHARACTERS]
    end = len(cut) if begin + len(cut) >= len(text) else cut.rfind(" ")
    return f"{'… ' if begin else ''}{cut[:end]}{' …' if begin + end < len(text) else ''}"
