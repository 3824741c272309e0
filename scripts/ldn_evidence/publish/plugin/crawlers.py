"""What crawlers are told: where they may go, and where all pages are listed."""

from __future__ import annotations

SITEMAP = "/sitemap.xml"

# They are welcome to pages and records, not to the endless ways to filter, sort and export them.
_RULES = """\
User-agent: *
Disallow: /*?
Disallow: /-/
Disallow: /*.csv$
Disallow: /ldn.db
"""


def robots(address: str) -> str:
    """The text of robots.txt.

    Args:
        address: Where the site lies, such as `https://example.org`. The list of pages is named by its whole address, and
            left out where that is not known.
    """
    return f"{_RULES}\nSitemap: {address}{SITEMAP}\n" if address else _RULES
