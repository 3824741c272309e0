"""The pages in a real browser against a real server: accessibility, widths, keyboard, print, validity, Lighthouse.

Chromium is driven by Playwright. axe-core, html-validate and Lighthouse come from the npm registry:
`npm ci --prefix tests/browser` installs them at locked versions.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from ldn_evidence.publish.server import serve_arguments

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.serial

TOOLS = Path(__file__).parent / "browser"
WIDTHS = (390, 768, 1280)
KINDS = (
    "/",
    "/conditions",
    "/conditions?direction=unclear&amount=some",
    "/conditions/fibromyalgia",
    "/conditions/crohns-disease",
    "/conditions/alopecia-areata",
    "/conditions/fibromyalgia/tier",
    "/studies",
    "/studies/bruun-2024",
    "/mechanisms",
    "/mechanisms/tlr4-microglia",
    "/safety",
    "/dosing",
    "/claims",
    "/claims?verdict=opinion",
    "/claims/dg-12",
    "/trials",
    "/map",
    "/search?q=pain",
    "/questions",
    "/questions/before-surgery",
    "/sources",
    "/sources/doctors-guide",
    "/method",
    "/about",
    "/about/searches",
    "/no-such-page",
)
_LIGHTHOUSE_RUNS = 5
AXE_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@pytest.fixture(scope="module")
def chromium(require_tool: Callable[[str, str], str]) -> str:
    require_tool("playwright", "drives the browser")
    return require_tool("chromium", "the pages are looked at in a real browser")


@pytest.fixture(scope="module")
def server(built_database: Path, chromium: str) -> Iterator[str]:
    """A running server with the real catalogue; its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    arguments = serve_arguments(built_database, built_database.parent / "metadata.yml", port)
    process = subprocess.Popen(
        [sys.executable, "-m", "datasette", *arguments],
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    assert process.stderr is not None
    for line in process.stderr:  # ends when the server says where it listens, or dies
        if "running on" in line:
            break
    else:
        pytest.fail("the server did not start")
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.communicate()


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=chromium)
        yield launched
        launched.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context()
    yield context.new_page()
    context.close()


def npm_tool(path: str, name: str) -> Path:
    """A file that `npm ci --prefix tests/browser` installs."""
    found = TOOLS / "node_modules" / path
    if not found.exists():
        message = f"{name} is not installed: npm ci --prefix tests/browser"
        if os.environ.get("CI"):
            pytest.fail(message, pytrace=False)
        pytest.skip(message)
    return found


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(browser: Browser, server: str, scheme: Any) -> None:
    axe = npm_tool("axe-core/axe.min.js", "axe-core").read_text("utf-8")
    context = browser.new_context(color_scheme=scheme, bypass_csp=True)
    page = context.new_page()
    found = []
    for path in KINDS:
        page.goto(server + path)
        page.evaluate(axe)
        report = page.evaluate("rules => axe.run(document, {runOnly: rules})", AXE_RULES)
        assert len(report["passes"]) > 15, path
        found += [(path, one["id"], one["nodes"][0]["html"][:200]) for one in report["violations"]]
    context.close()
    assert found == []


@pytest.mark.parametrize("width", WIDTHS)
def test_no_page_scrolls_sideways(browser: Browser, server: str, width: int) -> None:
    context = browser.new_context(viewport={"width": width, "height": 900})
    page = context.new_page()
    for path in KINDS:
        page.goto(server + path)
        beyond = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert beyond <= 0, (path, width)
    context.close()


def test_datasettes_own_pages_fit_a_telephone(browser: Browser, server: str) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844})
    page = context.new_page()
    for path in (
        "",
        "/studies",
        "/null_trials",
        "/conditions/fibromyalgia",
        "/studies_of_condition?condition_id=acne",
    ):
        page.goto(f"{server}/ldn{path}")
        beyond = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert beyond <= 0, path
    context.close()


def test_fingers_find_what_leads_on(browser: Browser, server: str) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844})
    page = context.new_page()
    for path in KINDS:
        page.goto(server + path)
        small = page.evaluate(
            """() => [...document.querySelectorAll('nav a, footer a, button, input, summary, .links a, .pager a, .ids a')]
                .filter(one => one.getClientRects().length && one.getBoundingClientRect().width > 1
                    && one.getBoundingClientRect().height < 43.5).map(one => one.textContent.trim())"""
        )
        assert small == [], path
    context.close()


def test_on_a_telephone_no_chart_has_to_be_scrolled(browser: Browser, server: str) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844})
    page = context.new_page()
    seen = 0
    for path in KINDS:
        page.goto(server + path)
        shown = page.evaluate(
            """() => [...document.querySelectorAll('svg.chart')].filter(chart => chart.getClientRects().length)
                .map(chart => [chart.clientWidth, chart.viewBox.baseVal.width, chart.getBoundingClientRect().right])"""
        )
        for width, drawn, right in shown:
            assert right <= 390, path
            assert width >= 0.9 * drawn, (path, "its letters would be too small to read")
        seen += len(shown)
    assert seen >= 5
    context.close()


@pytest.mark.parametrize("width", [1280, 390])
def test_no_text_of_a_chart_reaches_over_its_edge(browser: Browser, server: str, width: int) -> None:
    context = browser.new_context(viewport={"width": width, "height": 900})
    page = context.new_page()
    seen = 0
    for path in KINDS:
        page.goto(server + path)
        seen += page.evaluate("document.querySelectorAll('svg.chart text').length")
        cut = page.evaluate(
            """() => [...document.querySelectorAll('svg.chart text')].filter(text => {
                const box = text.getBBox();
                return box.width && (box.x < -1 || box.x + box.width > text.ownerSVGElement.viewBox.baseVal.width + 1);
            }).map(text => text.textContent)"""
        )
        assert cut == [], path
        # Half of a border stands outside of its box.
        halved = page.evaluate(
            """() => [...document.querySelectorAll('svg.chart .node')].filter(node => {
                const box = node.getBBox();
                return box.width && (box.x < 0.5 || box.x + box.width > node.ownerSVGElement.viewBox.baseVal.width - 0.5);
            }).length"""
        )
        assert halved == 0, path
    assert seen > 100
    context.close()


@pytest.mark.parametrize(
    ("path", "most"),
    [("/conditions/fibromyalgia", 12.5), ("/dosing", 15), ("/studies", 15), ("/trials", 15), ("/method", 11)],
)
def test_a_long_page_is_folded_for_a_telephone(browser: Browser, server: str, path: str, most: float) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844}, java_script_enabled=False)
    page = context.new_page()
    page.goto(server + path)
    body = page.locator("body").bounding_box()
    assert body is not None
    assert body["height"] / 844 <= most
    context.close()


def test_an_address_opens_what_it_leads_to(page: Page, server: str) -> None:
    for path in (
        "/conditions/fibromyalgia#studies-uncontrolled",
        "/dosing#naltrexone-half-life",
        "/trials#nct00568555",
    ):
        page.goto(server + path)
        target = page.locator(f"[id='{path.partition('#')[2]}']")
        target.wait_for(state="visible", timeout=5000)


def test_the_answer_stands_on_the_first_screen(browser: Browser, server: str) -> None:
    for width, height in ((1280, 800), (390, 844)):
        context = browser.new_context(viewport={"width": width, "height": height})
        page = context.new_page()
        page.goto(f"{server}/conditions/fibromyalgia")
        for selector in (
            ".warning strong",
            ".answer .tier-limited",
            ".answer .n1 a",
            ".answer .n2 dd",
            ".answer .way-no_benefit",
            ".answer .reason",
        ):
            box = page.locator(selector).first.bounding_box()
            assert box is not None
            assert box["y"] + box["height"] <= height, (selector, width)
        context.close()


def test_pages_ask_nobody_else_and_break_no_policy(page: Page, server: str) -> None:
    asked: list[str] = []
    said: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    for path in KINDS[:-1]:
        page.goto(server + path)
    assert asked
    assert [address for address in asked if not address.startswith(server)] == []
    assert said == []


def test_pages_are_whole_without_scripts(browser: Browser, server: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{server}/conditions")
    page.get_by_role("link", name="Points to no benefit").first.click()
    assert "direction=no_benefit" in page.url
    page.goto(server)
    page.locator("#find").fill("fibromialgia")
    page.locator("#find").press("Enter")
    page.get_by_role("main").get_by_role("link", name="Fibromyalgia").first.click()
    assert page.url.endswith("/conditions/fibromyalgia")
    assert page.locator("svg.chart").count() >= 2
    context.close()


def test_what_a_telephone_folds_stands_open_where_there_is_room(browser: Browser, server: str) -> None:
    for width, is_open in ((1280, True), (390, False)):
        context = browser.new_context(viewport={"width": width, "height": 844})
        page = context.new_page()
        page.goto(f"{server}/conditions/fibromyalgia")
        assert page.locator(".wide-open .more").is_visible() is is_open
        assert page.locator(".wide-open > summary").is_visible() is not is_open
        context.close()


def test_on_paper_lists_are_not_folded(page: Page, server: str) -> None:
    page.emulate_media(media="print")
    for path, selector in (
        ("/dosing", "#naltrexone-half-life"),
        ("/trials", "#group-reported ~ details li"),
        ("/safety", "#vivid-dreams"),
    ):
        page.goto(server + path)
        assert page.locator(selector).first.is_visible(), path


def test_the_keyboard_reaches_everything(page: Page, server: str) -> None:
    page.goto(f"{server}/conditions/fibromyalgia")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    page.locator("details.block > summary").first.focus()
    page.keyboard.press("Enter")
    assert page.locator("details.block").first.get_attribute("open") is not None
    outside = page.evaluate(
        """() => [...document.querySelectorAll('.scroll')]
            .filter(region => region.tabIndex < 0 || !region.getAttribute('aria-label')).length"""
    )
    assert outside == 0


def test_focus_can_be_seen(page: Page, server: str) -> None:
    page.goto(server)
    for _ in range(6):
        page.keyboard.press("Tab")
        outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline != "none"


def test_a_condition_prints_as_a_handout(page: Page, server: str) -> None:
    for condition, most in (("fibromyalgia", 2), ("crohns-disease", 2), ("long-covid", 2)):
        page.goto(f"{server}/conditions/{condition}")
        printed = page.pdf(format="A4", prefer_css_page_size=True)
        assert 1 <= printed.count(b"/Type /Page\n") <= most, condition
    page.emulate_media(media="print")
    assert page.locator(".warning").is_visible()
    assert not page.locator("header.site nav").is_visible()


def test_html_is_valid(
    page: Page, server: str, tmp_path: Path, require_tool: Callable[[str, str], str]
) -> None:
    node = require_tool("node", "runs html-validate")
    validator = npm_tool("html-validate/bin/html-validate.mjs", "html-validate")
    for number, path in enumerate(KINDS):
        response = page.request.get(server + path)
        (tmp_path / f"page-{number}.html").write_bytes(response.body())
    report = subprocess.run(
        [node, str(validator), "--config", str(TOOLS / "htmlvalidate.json"), str(tmp_path / "*.html")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert report.returncode == 0, report.stdout + report.stderr


@pytest.mark.parametrize("path", ["/", "/conditions", "/conditions/fibromyalgia", "/claims"])
def test_lighthouse(
    server: str, chromium: str, path: str, tmp_path: Path, require_tool: Callable[[str, str], str]
) -> None:
    node = require_tool("node", "runs Lighthouse")
    lighthouse = npm_tool("lighthouse/cli/index.js", "Lighthouse")
    reached = 0.0
    # Its own advice is to run it several times: what the page can do is its best run, and where the browser recorded no
    # trace there was no run. Accessibility and good practice must hold in each.
    for number in range(_LIGHTHOUSE_RUNS):
        report = tmp_path / f"report-{number}.json"
        ended = subprocess.run(
            [
                node, str(lighthouse), server + path, "--quiet", "--output=json", f"--output-path={report}",
                "--chrome-flags=--headless=new --no-sandbox",
                "--only-categories=performance,accessibility,best-practices",
            ],
            check=False,
            capture_output=True,
            text=True,
            timeout=180,
            env={**os.environ, "CHROME_PATH": chromium},
        )  # fmt: skip
        if ended.returncode != 0:
            assert "Please run Lighthouse again" in ended.stderr, ended.stderr
            continue
        categories = json.loads(report.read_text("utf-8"))["categories"]
        assert categories["accessibility"]["score"] == 1
        assert categories["best-practices"]["score"] >= 0.95
        reached = max(reached, categories["performance"]["score"])
        if reached >= 0.95:
            break
    assert reached >= 0.95
