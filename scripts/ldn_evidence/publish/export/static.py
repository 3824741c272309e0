"""The API and the whole site as files that need no server: any web host, or a folder on a disk.

Pages become `.html` files with relative links. Filtered lists are written where a page links to them; what only a server can
answer (SQL, filters put together) stays in the text without a link. Search leads to a list of all pages, in which the browser
finds words. The database, the tables that pages offer as CSV, the feed and the static API lie beside the pages.
"""

from __future__ import annotations

import csv
import html
import io
import os.path
import re
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from ldn_evidence.publish.api.render import Api, gives_references
from ldn_evidence.publish.export import atom, citations
from ldn_evidence.publish.export.base import Base, CannotExport
from ldn_evidence.publish.export.files import Written
from ldn_evidence.publish.metadata import DATABASE
from ldn_evidence.publish.plugin.crawlers import SITEMAP, robots
from ldn_evidence.publish.plugin.pages.site import Site

_ELEMENT = re.compile(r"<(?P<name>a|link|img|script|form|use|image)\b(?P<attributes>[^>]*)>")
_ADDRESS = re.compile(r"""\s(?P<attribute>href|src|action)="(?P<address>[^"]*)\"""")
_RELATIVE = re.compile(r"""\s(?:href|src|action)="(?![a-z]+:|#)""")
_NO_SERVER = "This copy has no server that could answer it."
_MEDIA_TYPES = {
    ".atom": "application/atom+xml",
    ".bib": citations.MEDIA_TYPES["bibtex"],
    ".nbib": citations.MEDIA_TYPES["nbib"],
    ".ris": citations.MEDIA_TYPES["ris"],
    ".css": "text/css",
    ".csv": "text/csv",
    ".db": "application/vnd.sqlite3",
    ".html": "text/html",
    ".js": "text/javascript",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".txt": "text/plain",
    ".xml": "application/xml",
}
_DATABASE_FILE = f"/{DATABASE}.db"
# By this name hosts of static sites find it.
_NOT_FOUND = "404.html"


def write_api(base: Base, folder: Path) -> Iterable[Written]:
    """Write `api/`: the index, the OpenAPI document, and a JSON file for each list and each record."""
    links = _Links()
    files = _api_files(Api(base.connection, static=True))
    for path, _ in files:
        links.add(path, path.lstrip("/"))
    for path, content in files:
        yield _write(folder, path.lstrip("/"), _linked(content, path.lstrip("/"), links))


def write_site(base: Base, folder: Path) -> Iterable[Written]:
    """Write `site/`: every page, the API, the database, the feed, and the tables that pages offer as CSV.

    With what a web host looks for: a page for addresses that lead nowhere, rules for crawlers, and a list of all pages
    where it is known where the site will lie.
    """
    root = folder / "site"
    links = _Links()
    pages = _pages(base, links)
    api = Api(base.connection, static=True)
    files = _api_files(api)
    for path, _ in files:
        links.add(path, path.lstrip("/"))
        if path.endswith(".json"):
            links.add(path.removesuffix(".json").removesuffix("/index"), path.lstrip("/"))
    links.add("/api/", "api/index.html")
    links.add(_DATABASE_FILE, _DATABASE_FILE.lstrip("/"))
    for name in base.relations:
        links.add(f"/{DATABASE}/{name}.csv", f"csv/{name}.csv")
    for address, body in pages:
        name = links.files[address]
        content = _linked(_marked(body, base), name, links)
        if address == "/search":
            content = _with_index(content, base, links)
        yield _write(root, name, content)
    yield _write(root, _NOT_FOUND, _not_found(base, links))
    for path, content in files:
        name = path.lstrip("/")
        yield _write(root, name, _linked(content, name, links))
    for asset in sorted(links.assets):
        yield _write(root, asset.lstrip("/"), Site("/", "").asset(asset).body)
    shutil.copyfile(base.database, root / f"{DATABASE}.db")
    yield Written(root / f"{DATABASE}.db", media_type=_MEDIA_TYPES[".db"])
    for name in sorted(links.tables):
        yield _write(root, f"csv/{name}.csv", _csv(base, name))
    for path in sorted(links.references):
        found = api.render(path)
        if found.status != 200:
            raise CannotExport(f"a page links to {path}, which there is not")
        yield _write(root, path.lstrip("/"), found.body)
    page, own = atom.addresses_in(base.address) if base.address else ("{}.html", atom.FEED.lstrip("/"))
    yield _write(root, atom.FEED.lstrip("/"), atom.render(base.connection, page, own)[0])
    yield _write(root, "robots.txt", robots(base.address).encode())
    if base.address:
        yield _write(root, SITEMAP.lstrip("/"), _sitemap(base, links))


class _Links:
    """Which file answers an address, and what was asked for along the way."""

    def __init__(self) -> None:
        self.files: dict[str, str] = {}
        self.assets: set[str] = set()
        self.tables: set[str] = set()
        self.references: set[str] = set()
        self._relative: dict[tuple[str, str], str | None] = {}

    def add(self, address: str, file: str) -> None:
        self.files[address] = file

    def file(self, address: str) -> str | None:
        """The file for an address of the site with its query; None where only a server has an answer."""
        path, _, query = address.partition("?")
        if path.startswith("/assets/"):
            self.assets.add(path)
            return path.lstrip("/")
        found = self.files.get(address)
        if found is not None:
            return found
        table = re.fullmatch(rf"/{DATABASE}/(\w+)\.csv", path)
        if table and set(dict(parse_qsl(query))) <= {"_stream", "_size"} and path in self.files:
            self.tables.add(table[1])
            return self.files[path]
        if address == atom.FEED:
            return address.lstrip("/")
        if gives_references(address):
            self.references.add(address)
            return address.lstrip("/")
        return None

    def relative(self, address: str, folder: str) -> str | None:
        """The file for an address as a page in `folder` links to it."""
        key = (address, folder)
        if key not in self._relative:
            file = self.file(address)
            self._relative[key] = None if file is None else os.path.relpath(file, folder or ".")
        return self._relative[key]


def _pages(base: Base, links: _Links) -> list[tuple[str, str]]:
    """Every page, and the filtered lists that pages link to: one filter, and its further pages."""
    site = Site("/", "")
    waiting = [*site.paths(base.connection), "/search"]
    waiting += _retired(base)
    for address in waiting:
        links.add(address, _file_name(address))
    pages = []
    for address in waiting:  # grows while it is read
        path, _, query = address.partition("?")
        answer = site.answer(base.connection, path, dict(parse_qsl(query)))
        has_moved = "location" in answer.headers
        body = _moved(answer.headers["location"]) if has_moved else answer.body.decode()
        pages.append((address, body))
        for linked in _addresses(body):
            if "?" in linked and linked not in links.files and _is_list(linked, query, links):
                links.add(linked, _file_name(linked))
                waiting.append(linked)
    return pages


def _is_list(address: str, query: str, links: _Links) -> bool:
    """Whether a filtered list is worth a file: linked from a page without filters, or a further page of a list."""
    path, _, wanted = address.partition("?")
    if path not in links.files or path == "/search":
        return False
    if not query:
        return True
    here, there = dict(parse_qsl(query)), dict(parse_qsl(wanted))
    here.pop("page", None)
    there.pop("page", None)
    return here == there


def _retired(base: Base) -> list[str]:
    site = Site("/", "")
    found = [
        f"/{kind}/{id}"
        for kind, id in base.connection.execute("SELECT kind, id FROM retired ORDER BY kind, id")
    ]
    return [path for path in found if site.answer(base.connection, path).status in (303, 308, 410)]


def _file_name(address: str) -> str:
    path, _, query = address.partition("?")
    name = path.strip("/") or "index"
    if query:
        name += "--" + re.sub(r"[^a-z0-9]+", "-", unquote(query).lower()).strip("-")
    return f"{name}.html"


def _moved(location: str) -> str:
    address = html.escape(location)
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>Moved</title>\n</head>\n<body>\n'
        f'<p>This record has a new name: <a href="{address}">{address}</a></p>\n</body>\n</html>\n'
    )


def _addresses(text: str) -> Iterator[str]:
    """Addresses of this site in a page, with their queries and without fragments."""
    for found in _ADDRESS.finditer(text):
        parts = urlsplit(html.unescape(found["address"]))
        if not parts.scheme and not parts.netloc and parts.path:
            yield parts.path + (f"?{parts.query}" if parts.query else "")


def _linked(content: bytes | str, name: str, links: _Links) -> bytes:
    """A page with relative links; what only a server answers loses its link."""
    if not name.endswith(".html"):
        return content if isinstance(content, bytes) else content.encode()
    text = content if isinstance(content, str) else content.decode()
    folder = os.path.dirname(name)

    def element(found: re.Match[str]) -> str:
        attributes = found["attributes"]
        address = _ADDRESS.search(attributes)
        if address is None:
            return found[0]
        parts = urlsplit(html.unescape(address["address"]))
        if parts.scheme or parts.netloc or not (parts.path or parts.query):
            return found[0]
        path = parts.path
        if not path.startswith("/"):
            path = "/" + os.path.normpath(os.path.join(folder, path)) if path else "/" + name
        relative = links.relative(path + (f"?{parts.query}" if parts.query else ""), folder)
        if relative is None:
            if found["name"] == "link":
                return ""
            return f'<{found["name"]}{attributes.replace(address[0], "")} title="{_NO_SERVER}">'
        relative += f"#{parts.fragment}" if parts.fragment else ""
        return f"<{found['name']}{attributes.replace(address['address'], html.escape(relative))}>"

    return _ELEMENT.sub(element, text).encode()


def _with_index(content: bytes, base: Base, links: _Links) -> bytes:
    """The search page with a list of all pages."""
    titles = {
        f"/{kind}/{id}": title
        for kind, column in (
            ("conditions", "name"),
            ("questions", "question"),
            ("mechanisms", "name"),
            ("studies", "title"),
            ("sources", "title"),
        )
        for id, title in base.connection.execute(f"SELECT id, {column} FROM {kind} ORDER BY {column}, id")
    }
    items = "".join(
        f'<li><a href="{html.escape(links.files[address])}">{html.escape(title)}</a></li>\n'
        for address, title in titles.items()
        if address in links.files
    )
    words = "This copy has no server that could search. Here are all pages: let the browser find words in this list."
    listing = f"<section>\n<h2>All pages</h2>\n<p>{words}</p>\n<ul>\n{items}</ul>\n</section>\n</main>"
    return content.replace(b"</main>", listing.encode(), 1)


def _marked(text: str, base: Base) -> str:
    """A page that says which version it is a copy of, and where the data are."""
    about = base.provenance
    words = (
        f"Static copy of data version {about['data_version']}, commit {about['commit']}, licence {about['license']}. "
        "Search and SQL need a running server."
    )
    data = (
        f'As files: <a href="/api/index.html">API</a>, <a href="{_DATABASE_FILE}">database</a>, '
        f'<a href="{atom.FEED}">feed</a>.'
    )
    return text.replace("</body>", f'<p class="quiet">{html.escape(words)} {data}</p>\n</body>', 1)


def _not_found(base: Base, links: _Links) -> bytes:
    """The page that a web host shows for addresses that lead nowhere.

    It is shown at any depth, so its links begin with the path of the site.
    """
    address = "/-"  # no words in it that could be searched for
    text = Site("/", "").missing(base.connection, address).body.decode()
    text, found = re.subn(rf" at <code>{address}</code>", " at this address", text)
    assert found == 1, "the page has another wording"
    root = html.escape(f"{urlsplit(base.address).path}/")
    page = _linked(_marked(text, base), _NOT_FOUND, links).decode()
    return _RELATIVE.sub(rf"\g<0>{root}", page).encode()


def _sitemap(base: Base, links: _Links) -> bytes:
    """The list of all pages for search engines, which must have whole addresses."""

    def location(found: re.Match[str]) -> str:
        return f"<loc>{base.address}/{links.files[html.unescape(found[1])]}</loc>"

    text = Site("/", "").answer(base.connection, SITEMAP).body.decode()
    return re.sub(r"<loc>([^<]*)</loc>", location, text).encode()


def _api_files(api: Api) -> list[tuple[str, bytes]]:
    return [(path, api.render(path).body) for path in api.static_paths()]


def _csv(base: Base, name: str) -> bytes:
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerow(base.relations[name].column_names)
    writer.writerows(base.rows(name))
    return buffer.getvalue().encode()


def _write(root: Path, name: str, content: bytes) -> Written:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return Written(path, media_type=_MEDIA_TYPES[path.suffix])
