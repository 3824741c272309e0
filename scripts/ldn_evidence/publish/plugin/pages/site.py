"""From a path to a page: the table of addresses, and what is answered where there is no page."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import Any

from ldn_evidence.notice import NOT_ADVICE, WARNING
from ldn_evidence.publish.plugin.pages import (
    about,
    claims,
    conditions,
    dosing,
    evidence_map,
    home,
    mechanisms,
    method,
    questions,
    safety,
    search,
    sources,
    studies,
    tier,
    trials,
)
from ldn_evidence.publish.plugin.pages.page import Gone, Moved, NoSuchRecord, Page, Request
from ldn_evidence.publish.plugin.pages.reader import Reader
from ldn_evidence.publish.plugin.pages.render import data_block, render
from ldn_evidence.publish.plugin.pages.words import Words

STATIC = Path(__file__).parent.parent / "static"
LONGEST_PARAMETER = 200
HTML = "text/html; charset=utf-8"

Maker = Callable[[Reader, Request], Page]

_ID = r"(?P<id>[a-z0-9][a-z0-9.\-]*)"
# Address, what makes its page, and the kind of record whose old ids redirect.
PAGES: tuple[tuple[str, Maker, str | None], ...] = (
    ("/", home.page, None),
    ("/conditions", conditions.catalogue_page, None),
    (f"/conditions/{_ID}", conditions.condition_page, "conditions"),
    (f"/conditions/{_ID}/tier", tier.page, "conditions"),
    ("/studies", studies.list_page, None),
    (f"/studies/{_ID}", studies.study_page, "studies"),
    ("/mechanisms", mechanisms.list_page, None),
    (f"/mechanisms/{_ID}", mechanisms.mechanism_page, "mechanisms"),
    ("/safety", safety.page, None),
    ("/dosing", dosing.page, None),
    ("/claims", claims.list_page, None),
    (f"/claims/{_ID}", claims.claim_page, "claims"),
    ("/trials", trials.page, None),
    ("/map", evidence_map.page, None),
    ("/search", search.page, None),
    ("/questions", questions.list_page, None),
    (f"/questions/{_ID}", questions.question_page, "questions"),
    ("/sources", sources.list_page, None),
    (f"/sources/{_ID}", sources.source_page, "sources"),
    ("/method", method.page, None),
    ("/about", about.page, None),
    ("/about/searches", about.searches_page, None),
)
NAVIGATION = (
    ("/conditions", "Conditions"),
    ("/map", "Map"),
    ("/studies", "Studies"),
    ("/claims", "Claims"),
    ("/safety", "Safety"),
    ("/dosing", "Dosing"),
    ("/mechanisms", "Mechanisms"),
    ("/trials", "Trials"),
    ("/questions", "Questions"),
    ("/method", "Method"),
)


@dataclass(frozen=True, slots=True)
class Answer:
    """What is sent back."""

    status: int
    body: bytes
    content_type: str = HTML
    headers: Mapping[str, str] = field(default_factory=dict)


@cache
def _static_file(name: str) -> tuple[bytes, str]:
    content = (STATIC / name).read_bytes()
    return content, blake2b(content, digest_size=6).hexdigest()


def asset(name: str) -> str:
    """The address of a static file; it changes with the content, so that browsers may keep the file for good."""
    stem, _, suffix = name.rpartition(".")
    return f"/assets/{stem}.{_static_file(name)[1]}.{suffix}"


class Site:
    """The pages of one database.

    Args:
        base: Where the site begins, Datasette's `base_url`; ends with a slash.
        origin: Scheme and host for addresses that must be absolute, such as `https://example.org`; may be empty.
    """

    def __init__(self, base: str = "/", origin: str = "") -> None:
        self.base = base.rstrip("/")
        self.origin = origin

    def answer(
        self, connection: sqlite3.Connection, path: str, parameters: Mapping[str, str] | None = None
    ) -> Answer:
        """The answer to a path below `base`, such as `/conditions/fibromyalgia`; long parameters are cut."""
        parameters = {name: value[:LONGEST_PARAMETER] for name, value in (parameters or {}).items()}
        if path == "/sitemap.xml":
            return self._sitemap(Reader(connection))
        if path.startswith("/assets/"):
            return self.asset(path)
        for pattern, make, kind in PAGES:
            found = re.fullmatch(pattern, path)
            if found:
                return self._page(connection, make, kind, path, found.groupdict(), parameters)
        return self.missing(connection, path)

    def paths(self, connection: sqlite3.Connection) -> list[str]:
        """Every page without parameters, for the sitemap and the static export."""
        fixed = [pattern for pattern, _, kind in PAGES if kind is None and pattern != "/search"]
        records = Reader(connection).rows("identifiers_of_kind")
        pages = [f"/{row['kind']}/{row['id']}" for row in records]
        return fixed + pages + [f"{path}/tier" for path in pages if path.startswith("/conditions/")]

    def asset(self, path: str) -> Answer:
        """A static file by its address."""
        found = re.fullmatch(r"/assets/([a-z]+)\.[0-9a-f]{12}\.(css|svg)", path)
        name = f"{found[1]}.{found[2]}" if found else ""
        if not found or asset(name if (STATIC / name).is_file() else "style.css") != path:
            return Answer(404, b"not found\n", "text/plain; charset=utf-8")
        kind = {"css": "text/css; charset=utf-8", "svg": "image/svg+xml"}[found[2]]
        return Answer(
            200, _static_file(name)[0], kind, {"cache-control": "public, max-age=31536000, immutable"}
        )

    def missing(self, connection: sqlite3.Connection, path: str) -> Answer:
        """The page that says that there is none, with what comes close."""
        reader = Reader(connection)
        request = Request(path, {}, {}, self._url)
        return self._render(reader, search.missing_page(reader, request), request, 404)

    def failure(self, connection: sqlite3.Connection, path: str) -> Answer:
        """The page that says that something broke here."""
        reader = Reader(connection)
        page = Page("error.html", "Something broke", "An error of this site.", {"heading": "Something broke"})
        return self._render(reader, page, Request(path, {}, {}, self._url), 500)

    def _url(self, path: str) -> str:
        return f"{self.base}{path}"

    def _page(
        self,
        connection: sqlite3.Connection,
        make: Maker,
        kind: str | None,
        path: str,
        variables: Mapping[str, str],
        parameters: Mapping[str, str],
    ) -> Answer:
        reader = Reader(connection)
        request = Request(path, variables, parameters, self._url)
        try:
            page = make(reader, request)
        except NoSuchRecord:
            retired = reader.row("retired", kind=kind, id=variables["id"]) if kind else None
            if retired is None:
                return self.missing(connection, path)
            if retired["successor"]:
                return self._moved(f"/{kind}/{retired['successor']}", 308)
            gone = Gone(retired["reason"], retired["retired_on"])
            page = Page(
                "error.html",
                "This record was withdrawn",
                gone.reason,
                {"heading": "This record was withdrawn", "gone": gone},
            )
            return self._render(reader, page, request, 410)
        except Moved as moved:
            return self._moved(moved.path, 303)
        return self._render(reader, page, request, 200)

    def _moved(self, path: str, status: int) -> Answer:
        address = self._url(path)
        return Answer(status, f"{address}\n".encode(), "text/plain; charset=utf-8", {"location": address})

    def _render(self, reader: Reader, page: Page, request: Request, status: int) -> Answer:
        information = reader.build_info()
        canonical = f"{self.origin}{self._url(page.canonical or request.path)}"
        html = render(
            page.template,
            page=page,
            path=request.path,
            url=self._url,
            asset=lambda name: self._url(asset(name)),
            canonical=canonical,
            build=information,
            warning=WARNING,
            not_advice=NOT_ADVICE,
            words=Words(reader),
            navigation=NAVIGATION,
            json_ld=data_block({"@context": "https://schema.org", "url": canonical, **page.linked_data})
            if page.linked_data
            else None,
            **page.context,
        )
        return Answer(status, html.encode())

    def _sitemap(self, reader: Reader) -> Answer:
        addresses = "".join(
            f"<url><loc>{self.origin}{self._url(path)}</loc></url>\n"
            for path in self.paths(reader.connection)
        )
        text = (
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n{addresses}</urlset>\n'
        )
        return Answer(200, text.encode(), "application/xml; charset=utf-8")


def linked(value: Any) -> Any:
    """`value` without the empty parts that linked data must not hold."""
    if isinstance(value, dict):
        return {key: linked(part) for key, part in value.items() if part not in (None, "", [], {})}
    if isinstance(value, list):
        return [linked(part) for part in value]
    return value
