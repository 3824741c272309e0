"""The site and the API as files: every link resolves, from a web server and from disk, and nothing is missing."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterator
from functools import partial
from html.parser import HTMLParser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import urljoin, urlsplit
from urllib.request import urlopen
from xml.etree import ElementTree

import pytest

from conftest import require_tool
from ldn_evidence.project import Project
from ldn_evidence.publish.export import CannotExport, export
from ldn_evidence.publish.plugin.pages.site import Site

# Web hosts show it, at any depth, for addresses that lead nowhere.
NOT_FOUND = "404.html"
REMOTE = ("http", "https", "mailto", "data")


class Page(HTMLParser):
    """Links, loaded files and ids of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: set[str] = set()
        self.loads: set[str] = set()
        self.ids: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name in ("id", "name") and value:
                self.ids.add(value)
            if name in ("href", "src", "action") and value:
                (self.links if tag in ("a", "form") or (tag, name) == ("link", "href") else self.loads).add(
                    value
                )
                if tag in ("script", "img") or (tag == "link" and ("rel", "stylesheet") in attrs):
                    self.loads.add(value)


@pytest.fixture(scope="module")
def pages(exported: Path) -> dict[Path, Page]:
    found = {path: Page(path.read_text("utf-8")) for path in sorted((exported / "site").rglob("*.html"))}
    assert len(found) > 600
    return found


def test_every_page_is_there(exported: Path, built_database: Path) -> None:
    with sqlite3.connect(f"file:{built_database}?mode=ro", uri=True) as connection:
        paths = Site("/", "").paths(connection)
    assert len(paths) > 600
    missing = [
        path for path in paths if not (exported / "site" / f"{path.strip('/') or 'index'}.html").is_file()
    ]
    assert missing == []


def test_every_link_resolves_from_disk(pages: dict[Path, Page], exported: Path) -> None:
    root = exported / "site"
    broken = []
    count = 0
    for path, page in pages.items():
        for link in page.links | page.loads:
            parts = urlsplit(link)
            if parts.scheme in REMOTE or parts.netloc or path.name == NOT_FOUND:
                continue
            count += 1
            target = (path.parent / parts.path).resolve() if parts.path else path
            inside = target.is_relative_to(root) and not parts.path.startswith("/") and not parts.query
            if not inside or not target.is_file():
                broken.append(f"{path.relative_to(root)}: {link}")
            elif parts.fragment and target in pages and parts.fragment not in pages[target].ids:
                broken.append(f"{path.relative_to(root)}: {link} (no such place)")
    assert count > 10_000
    assert broken == []


def test_nothing_is_loaded_from_elsewhere(pages: dict[Path, Page]) -> None:
    loaded = {link for page in pages.values() for link in page.loads}
    assert loaded
    assert [link for link in loaded if urlsplit(link).netloc] == []


def test_every_page_is_reached_from_the_front_page(pages: dict[Path, Page], exported: Path) -> None:
    root = exported / "site"
    seen: set[Path] = set()
    waiting = [root / "index.html"]
    while waiting:
        path = waiting.pop()
        if path in seen or path not in pages:
            continue
        seen.add(path)
        for link in pages[path].links:
            parts = urlsplit(link)
            if parts.scheme not in REMOTE and parts.path:
                waiting.append((path.parent / parts.path).resolve())
    assert [str(path.relative_to(root)) for path in pages.keys() - seen] == [NOT_FOUND]


def test_every_page_has_notice_and_version(pages: dict[Path, Page], exported: Path) -> None:
    for path in pages:
        text = path.read_text("utf-8")
        assert "ot medical advice" in text, path
        assert "opioid" in text, path
        if "api" not in path.relative_to(exported / "site").parts:
            assert "Static copy of data version" in text, path


def test_the_pages_are_those_of_the_server(exported: Path, built_database: Path) -> None:
    """But for links, which lead to files, the text is the same."""
    with sqlite3.connect(f"file:{built_database}?mode=ro", uri=True) as connection:
        for name in ("conditions/fibromyalgia", "safety", "claims"):
            served = Site("/", "").answer(connection, f"/{name}").body.decode()
            written = (exported / f"site/{name}.html").read_text("utf-8")
            assert words(served) == words(re.sub(r'<p class="quiet">Static copy.*?</p>\n', "", written))


def words(text: str) -> list[str]:
    main = text[text.index("<main") : text.index("</main>")]
    return re.sub(r"<[^>]*>", " ", main).split()


def test_the_search_page_lists_all_pages(
    pages: dict[Path, Page], exported: Path, built_database: Path
) -> None:
    with sqlite3.connect(f"file:{built_database}?mode=ro", uri=True) as connection:
        studies = {f"studies/{id}.html" for (id,) in connection.execute("SELECT id FROM studies")}
    assert studies <= pages[exported / "site/search.html"].links


def test_tables_feed_and_database_lie_beside_the_pages(exported: Path, built_database: Path) -> None:
    site = exported / "site"
    assert (site / "ldn.db").read_bytes() == built_database.read_bytes()
    feed = ElementTree.fromstring((site / "feed.atom").read_bytes())
    links = [link.attrib["href"] for link in feed.iter("{http://www.w3.org/2005/Atom}link")]
    assert len(links) > 100
    assert [link for link in links if not (site / link).is_file()] == []
    with sqlite3.connect(f"file:{built_database}?mode=ro", uri=True) as connection:
        (conditions,) = connection.execute("SELECT count(*) FROM condition_catalogue").fetchone()
    assert (site / "csv/condition_catalogue.csv").read_bytes().count(b"\r\n") == conditions + 1


def assert_not_found_page(site: Path, root: str) -> None:
    text = (site / NOT_FOUND).read_text("utf-8")
    assert "There is no page at this address." in text
    page = Page(text)
    found = {link for link in page.links | page.loads if not link.startswith("#")}
    assert f"{root}conditions.html" in found
    assert [link for link in found if not (site / link.removeprefix(root)).is_file()] == []


def test_what_web_hosts_look_for_is_there(exported: Path) -> None:
    site = exported / "site"
    assert_not_found_page(site, "/")
    robots = (site / "robots.txt").read_text("utf-8")
    assert robots.startswith("User-agent: *\n")
    # Nobody said where the site will lie, and a list of pages needs whole addresses.
    assert "Sitemap" not in robots
    assert not (site / "sitemap.xml").exists()


def test_with_its_address_the_site_lists_its_pages_for_search_engines(
    tmp_path: Path, built_database: Path, project_root: Path
) -> None:
    address = "https://example.org/ldn"
    export(Project(project_root), ["site", "atom"], tmp_path, built_database, address=f"{address}/")
    site = tmp_path / "site"
    assert f"\nSitemap: {address}/sitemap.xml\n" in (site / "robots.txt").read_text("utf-8")
    assert_not_found_page(site, "/ldn/")
    sitemap = ElementTree.fromstring((site / "sitemap.xml").read_bytes())
    listed = [one.text or "" for one in sitemap.iter("{http://www.sitemaps.org/schemas/sitemap/0.9}loc")]
    assert len(listed) > 600
    assert [one for one in listed if not (site / one.removeprefix(f"{address}/")).is_file()] == []
    for feed in (site / "feed.atom", tmp_path / "changes.atom"):
        links = list(ElementTree.fromstring(feed.read_bytes()).iter("{http://www.w3.org/2005/Atom}link"))
        found = [link.attrib["href"] for link in links]
        assert [link for link in found if not (site / link.removeprefix(f"{address}/")).is_file()] == []
        assert links[0].attrib["rel"] == "self"
        assert found[0] == f"{address}/feed.atom"


@pytest.mark.parametrize("address", ["example.org", "/ldn", "https://example.org/?a", "https://a b"])
def test_what_is_no_address_of_a_site_is_refused(
    tmp_path: Path, built_database: Path, project_root: Path, address: str
) -> None:
    with pytest.raises(CannotExport, match="is no address of a site"):
        export(Project(project_root), ["site"], tmp_path, built_database, address=address)


def test_the_static_api_has_every_record(exported: Path, built_database: Path) -> None:
    for root in (exported / "api", exported / "site/api"):
        assert json.loads((root / "v1/openapi.json").read_bytes())["openapi"].startswith("3.1")
        with sqlite3.connect(f"file:{built_database}?mode=ro", uri=True) as connection:
            for kind in ("conditions", "studies", "trials", "claims", "mechanisms"):
                for (id,) in connection.execute(f"SELECT id FROM {kind}"):
                    document = json.loads((root / f"v1/{kind}/{id}.json").read_bytes())
                    assert document["data"]["id"] == id
                    assert "opioid" in document["meta"]["notice"]


@pytest.fixture(scope="module")
def server(exported: Path) -> Iterator[str]:
    handler = type("Quiet", (SimpleHTTPRequestHandler,), {"log_message": lambda *_: None})
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, directory=str(exported / "site"))) as http:
        thread = Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{http.server_port}/"
        http.shutdown()
        thread.join()


def test_links_work_from_a_web_server_below_any_path(server: str) -> None:
    """What a browser would ask for from a few pages, at any depth."""
    asked = 0
    for address in ("", "conditions.html", "conditions/fibromyalgia.html", "api/index.html"):
        with urlopen(urljoin(server, address)) as answer:
            page = Page(answer.read().decode())
        for link in sorted(page.links | page.loads)[:40]:
            target = urljoin(urljoin(server, address), link)
            if target.startswith(server):
                asked += 1
                with urlopen(target) as found:
                    assert found.status == 200
    assert asked > 60


def test_a_browser_shows_pages_from_disk(exported: Path) -> None:
    require_tool("chromium", "it opens the site from disk")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=require_tool("chromium", ""), args=["--no-sandbox"]
        )
        try:
            page = browser.new_page()
            failed: list[str] = []
            page.on("requestfailed", lambda request: failed.append(request.url))
            page.goto((exported / "site/index.html").as_uri())
            page.get_by_role("navigation", name="Main").get_by_role("link", name="Conditions").click()
            page.get_by_role("link", name="Fibromyalgia").first.click()
            assert page.get_by_role("heading", level=1).inner_text().startswith("Fibromyalgia")
            assert page.locator("main").evaluate("main => getComputedStyle(main).maxWidth") != "none"
            assert failed == []
        finally:
            browser.close()
