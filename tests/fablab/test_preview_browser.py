"""Paths and models in a real browser: really drawn, layer by layer, by keyboard, at night, narrow; without script."""

import io
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone
from PIL import Image, ImageChops, ImageStat
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page

from people.models import Role
from printing.files import store_file
from printing.models import JobState, Printer, PrintJob
from tests.api.web import Web, environment, url_of_test_database
from tests.browsing import required_browser, violations
from tests.fablab.settings_pages import BACKEND
from tests.factories import give_role, make_machine, make_person, make_site
from tests.printing.estimate_files import cube, obj, stl_ascii, stl_binary

pytestmark = [
    pytest.mark.serial,
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True, available_apps=list(settings.INSTALLED_APPS)),
]

RULES = {
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
}
SAMPLES = Path(__file__).resolve().parent.parent / "printing" / "samples"
WIDE, NARROW = {"width": 1280, "height": 1000}, {"width": 320, "height": 640}
LIBRARY = "gcode-preview.min.js"
# Moves in inches, at two heights, with an arc and a part that is relative.
BY_HAND = b"G20\nG90\nM83\nG1 X1 Y1 Z0.1\nG1 X2 E1\nG2 X3 Y2 I0 J1 E1\nG91\nG1 Z0.1\nG1 X-1 E1\nG90\nG1 X1 Y1\n"
# What cleans the nozzle, a hop, and one layer at two heights: the slicer counts two.
COUNTED = (
    b"G90\nM82\nG1 X0 Y0 Z0.3\nG1 X50 E5\n"
    b"%s\nG1 Z0.2\nG1 X0 E9\nG1 Z0.6\nG1 Y5 E10\n"
    b"%s\nG1 Z0.4\nG1 X50 E12\nG1 X0 E11\n"
)
MARKS = {
    "prusa.gcode": (b";LAYER_CHANGE", b";LAYER_CHANGE"),
    "bambu.gcode": (b"; CHANGE_LAYER", b"; CHANGE_LAYER"),
    "cura.gcode": (b";LAYER:0", b";LAYER:1"),
    "simplify.gcode": (b"; layer 1, Z = 0.200", b"; layer 2, Z = 0.400"),
    "unmarked.gcode": (b"", b""),
}


class Bench:
    """A member with a print of a real slicer's file."""

    def __init__(self, web: Web, files: Path):
        self.url, self.files = f"http://127.0.0.1:{web.port}", files
        site = make_site(name="Riverside")
        self.machine = make_machine(site=site, name="Prusa")
        Printer.objects.create(machine=self.machine, connection="operational")
        self.person = make_person(first_name="Ines")
        give_role(person=self.person, site=site, role=Role.MEMBER)
        self.real = self.job((SAMPLES / "cube20_small.gcode").read_bytes(), "cube.gcode")
        self.by_hand = self.job(BY_HAND, "by-hand.gcode")
        self.marked = {name: self.job(COUNTED % marks, name) for name, marks in MARKS.items()}
        self.nothing = self.job(b"G28\nG1 X10 F3000\n", "nothing.gcode")
        self.binary = self.job((SAMPLES / "libbgcode_deflate.bgcode").read_bytes(), "cube.bgcode")
        client = Client()
        client.force_login(self.person, backend=BACKEND)
        self.session = client.cookies[settings.SESSION_COOKIE_NAME].value

    def job(self, content: bytes, name: str) -> str:
        """The address of a print of this file."""
        now = timezone.now()
        file = store_file(stream=io.BytesIO(content), name=name, by=self.person, now=now)
        job = PrintJob.objects.create(
            machine=self.machine, file=file, person=self.person, state=JobState.DRAFT, created_at=now
        )
        return job.get_absolute_url()

    def open(self, context: BrowserContext, path: str) -> tuple[Page, list[str], list[str]]:
        """The page, what it asked for so far and what the browser complains of; both go on growing."""
        context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": self.session, "url": self.url}])
        page = context.new_page()
        asked: list[str] = []
        troubles: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda line: troubles.append(line.text) if is_trouble(line) else None)
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.goto(f"{self.url}{path}")
        return page, asked, troubles


def is_trouble(line: ConsoleMessage) -> bool:
    """Not what the driver without a graphics card says of our taking pictures."""
    return line.type in ("error", "warning") and "GL Driver Message" not in line.text


@pytest.fixture
def bench(tmp_path: Path, settings) -> Iterator[Bench]:
    settings.MEDIA_ROOT = tmp_path / "files"
    env = environment(url_of_test_database(), tmp_path, SECRET_KEY=settings.SECRET_KEY)
    with Web(env, tmp_path / "web.log") as web:
        yield Bench(web, tmp_path)


@pytest.fixture
def browser(bench: Bench) -> Iterator[Browser]:
    with required_browser() as running:
        yield running


def see(page: Page) -> None:
    """Somebody opens the preview, and it is drawn."""
    page.locator("details[data-preview] summary").click()
    page.locator("details[data-preview][data-drawn=yes]").wait_for()


def picture(page: Page) -> Image.Image:
    """What the canvas shows, after its next frame."""
    page.wait_for_timeout(150)
    return Image.open(io.BytesIO(page.locator("[data-preview-canvas]").screenshot())).convert("RGB")


def ground_of(image: Image.Image) -> tuple[int, int, int]:
    """The colour of a corner, where nothing is drawn."""
    red, green, blue = image.crop((5, 5, 6, 6)).tobytes()
    return red, green, blue


def drawn_share(image: Image.Image) -> float:
    """How much of the middle differs from the ground; the squares that are laid there alone are a few hundredths."""
    width, height = image.size
    middle = image.crop((width // 3, height // 3, 2 * width // 3, 2 * height // 3))
    ground = Image.new("RGB", middle.size, ground_of(image))
    differing = ImageChops.difference(middle, ground).convert("L").point(bool)
    return ImageStat.Stat(differing).sum[0] / (middle.width * middle.height)


def test_path_is_drawn_layer_by_layer(bench, browser):
    context = browser.new_context(locale="en-GB", viewport=WIDE)
    page, asked, troubles = bench.open(context, bench.real)
    was_light = not any(LIBRARY in address for address in asked)
    slider, said = page.locator("[data-preview-slider]"), page.locator("[data-preview-layer]")

    policy = context.request.get(page.url).headers["content-security-policy"]

    see(page)
    whole, at_first = picture(page), said.inner_text()
    slider.focus()
    page.keyboard.press("Home")
    lowest, at_lowest = picture(page), said.inner_text()
    page.keyboard.press("ArrowRight")
    page.get_by_role("button", name="One layer higher").click()
    higher, at_higher = picture(page), said.inner_text()
    spoken = (slider.get_attribute("aria-valuetext"), page.locator("[data-preview-canvas]").get_attribute("aria-label"))
    found = violations(page, RULES)
    context.close()

    assert was_light
    assert "default-src 'self'" in policy.split("; ")
    assert "unsafe" not in policy
    assert (found, troubles) == ([], [])
    assert (at_first, at_lowest, at_higher) == (
        "Layer 20 of 20, at 4 mm",
        "Layer 1 of 20, at 0.2 mm",
        "Layer 3 of 20, at 0.6 mm",
    )
    assert spoken[0] == at_higher
    assert spoken[1].endswith(at_higher)
    assert drawn_share(whole) > 0.2
    assert len({image.tobytes() for image in (whole, lowest, higher)}) == 3


def test_path_is_turned_and_set_back_by_buttons_mouse_and_night(bench, browser):
    context = browser.new_context(locale="en-GB", viewport=WIDE)
    page, _, troubles = bench.open(context, bench.real)
    see(page)
    first = picture(page)
    seen = [first.tobytes()]

    for name in ("Turn left", "From above", "Nearer"):
        page.get_by_role("button", name=name).click()
        seen.append(picture(page).tobytes())
    page.get_by_role("button", name="Reset").click()
    back = picture(page)
    box = page.locator("[data-preview-canvas]").bounding_box()
    page.mouse.move(box["x"] + 200, box["y"] + 150)
    page.mouse.down()
    page.mouse.move(box["x"] + 300, box["y"] + 170, steps=4)
    page.mouse.up()
    seen.append(picture(page).tobytes())
    page.get_by_role("button", name="Reset").click()
    page.emulate_media(color_scheme="dark")
    dark = picture(page)
    context.close()

    assert troubles == []
    assert len(set(seen)) == len(seen)
    assert back.tobytes() == first.tobytes()
    assert sum(ground_of(first)) > 600 > 150 > sum(ground_of(dark))
    assert drawn_share(dark) > 0.2


def test_path_of_a_program_by_hand_is_told_in_millimetres(bench, browser):
    context = browser.new_context(locale="fr-FR", viewport=NARROW, has_touch=True)
    page, _, troubles = bench.open(context, bench.by_hand)

    see(page)
    said = [page.locator("[data-preview-layer]").inner_text()]
    page.locator("[data-preview-do=lower]").tap()
    said.append(page.locator("[data-preview-layer]").inner_text())
    width = page.evaluate("document.documentElement.scrollWidth")
    boxes = [button.bounding_box() for button in page.locator("details[data-preview] button").all()]
    found = violations(page, RULES)
    context.close()

    # A tenth of an inch, then two.
    assert [re.findall(r"\d+(?:,\d+)?", words) for words in said] == [["2", "2", "5,08"], ["1", "2", "2,54"]]
    assert (found, troubles, width) == ([], [], 320)
    assert min(min(box["width"], box["height"]) for box in boxes) >= 44


def test_layers_are_counted_as_the_slicer_does(bench, browser):
    context = browser.new_context(locale="en-GB", viewport=WIDE)

    said = {}
    for name, path in bench.marked.items():
        page, _, _ = bench.open(context, path)
        see(page)
        said[name] = page.locator("[data-preview-layer]").inner_text()
        page.close()
    context.close()

    by_slicer = "Layer 2 of 2, at 0.4 mm"
    assert said == dict.fromkeys(MARKS, by_slicer) | {"unmarked.gcode": "Layer 4 of 4, at 0.4 mm"}


def test_what_cannot_be_drawn_is_said(bench, browser):
    context = browser.new_context(locale="en-GB", viewport=WIDE)
    page, _, troubles = bench.open(context, bench.nothing)
    said = page.locator("[data-preview-said]")

    page.locator("details[data-preview] summary").click()
    page.locator("details[data-preview][data-drawn=no]").wait_for()
    of_nothing = (said.inner_text(), page.locator("[data-preview-canvas]").is_visible())
    page.goto(f"{bench.url}{bench.binary}")
    page.get_by_text("See the path").click()
    of_binary = page.get_by_text("The path of a binary file (.bgcode) is not drawn here.").is_visible()
    context.close()

    assert of_nothing == ("Nothing is printed by this file: there is no path to draw.", False)
    assert of_binary
    assert troubles == []


def test_without_script_or_webgl_there_are_a_sentence_and_the_numbers(bench, browser):
    sentences = {
        "script": "The path is drawn by a script, and this browser runs none. The numbers above hold without it.",
        "WebGL": "This browser cannot draw in three dimensions (WebGL). Everything else works without it.",
    }

    seen = {}
    for lack, sentence in sentences.items():
        context = browser.new_context(locale="en-GB", viewport=NARROW, java_script_enabled=lack != "script")
        if lack == "WebGL":
            context.add_init_script("delete window.WebGLRenderingContext")
        page, asked, troubles = bench.open(context, bench.real)
        page.get_by_text("See the path").click()
        page.locator("details[data-preview]").get_by_text(sentence, exact=True).wait_for()
        size = page.get_by_text("size", exact=True).is_visible()
        canvas = page.locator("[data-preview-canvas]").is_visible()
        seen[lack] = (size, canvas, [each for each in asked if LIBRARY in each], troubles)
        context.close()

    assert seen == dict.fromkeys(sentences, (True, False, [], []))


def test_model_is_drawn_before_it_is_sent(bench, browser):
    context = browser.new_context(locale="en-GB", viewport=WIDE)
    page, asked, troubles = bench.open(context, "/prints/estimate/")
    preview, field, canvas = page.locator("details[data-preview]"), page.locator("#id_file"), page.locator("canvas")
    before = preview.is_visible()

    field.set_input_files({"name": "cube.STL", "mimeType": "model/stl", "buffer": stl_binary(cube())})
    was_light = not any(LIBRARY in address for address in asked)
    see(page)
    seen = {"cube.STL": (canvas.get_attribute("aria-label"), drawn_share(picture(page)) > 0.5)}
    found = violations(page, RULES)
    for name, content in (("written.stl", stl_ascii(cube())), ("cube.obj", obj())):
        field.set_input_files({"name": name, "mimeType": "model/stl", "buffer": content})
        page.locator(f"canvas[aria-label*='{name}']").wait_for()
        seen[name] = (canvas.get_attribute("aria-label"), drawn_share(picture(page)) > 0.5)
    size = page.locator("[data-preview-size]").inner_text()
    field.set_input_files({"name": "box.svg", "mimeType": "image/svg+xml", "buffer": b"<svg/>"})
    after = preview.is_visible()
    context.close()

    words = "The model of %s, seen from the side and above. 20 × 20 × 20 mm"
    assert (before, was_light, after) == (False, True, False)
    assert (found, troubles) == ([], [])
    assert seen == {name: (words % name, True) for name in ("cube.STL", "written.stl", "cube.obj")}
    assert size == "20 × 20 × 20 mm"


def test_model_that_is_none_or_too_large_is_said_and_another_is_drawn(bench, browser):
    context = browser.new_context(locale="en-GB", viewport=NARROW)
    page, _, troubles = bench.open(context, "/prints/estimate/")
    root, field = page.locator("details[data-preview]"), page.locator("#id_file")
    said, seen = page.locator("[data-preview-said]"), []

    field.set_input_files({"name": "none.stl", "mimeType": "model/stl", "buffer": b"solid nothing"})
    root.locator("summary").click()
    page.locator("details[data-drawn=no]").wait_for()
    seen.append(said.inner_text())
    root.evaluate("root => { root.dataset.mostBytes = 100; }")
    field.set_input_files({"name": "large.stl", "mimeType": "model/stl", "buffer": stl_binary(cube())})
    page.get_by_text("are not drawn here").wait_for()
    seen.append(said.inner_text())
    root.evaluate("root => { root.dataset.mostBytes = 100000; }")
    field.set_input_files({"name": "cube.stl", "mimeType": "model/stl", "buffer": stl_binary(cube(40))})
    page.locator("details[data-drawn=yes]").wait_for()
    size = page.locator("[data-preview-size]").inner_text()
    width = page.evaluate("document.documentElement.scrollWidth")
    context.close()

    assert seen == [
        "This model could not be drawn. It can be measured all the same.",
        "Models of more than 30 MB are not drawn here; they can be measured.",
    ]
    assert size == "40 × 40 × 40 mm"
    assert (troubles, width) == ([], 320)
