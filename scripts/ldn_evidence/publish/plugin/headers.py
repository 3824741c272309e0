"""Security headers for every response, and the Content-Security-Policy of each kind of page."""

from __future__ import annotations

import re
import secrets
from contextvars import ContextVar

from jinja2 import Environment
from jinja2.ext import Extension

# The first part of the paths that are ours; `/` is too. Everything else is Datasette's. This is the one
# table.
OWN_SECTIONS = (
    "about",
    "api",
    "assets",
    "claims",
    "conditions",
    "dosing",
    "feed",
    "map",
    "mechanisms",
    "method",
    "questions",
    "robots",
    "safety",
    "search",
    "sitemap",
    "sources",
    "studies",
    "trials",
)
_OWN_PATH = re.compile(rf"/(?:(?:{'|'.join(OWN_SECTIONS)})(?:[/.].*)?)?", re.DOTALL)

SECURITY_HEADERS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "origin-agent-cluster": "?1",
    "permissions-policy": "accelerometer=(), browsing-topics=(), camera=(), display-capture=(), "
    "geolocation=(), gyroscope=(), magnetometer=(), microphone=(), payment=(), serial=(), usb=()",
}

_SHARED_DIRECTIVES = (
    "default-src 'none'; img-src 'self' data:; font-src 'self'; connect-src 'self'; manifest-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)

# Our pages have no inline script, no inline style and no event attribute.
OWN_POLICY = f"{_SHARED_DIRECTIVES}; script-src 'self'; style-src 'self'"

# Datasette's pages have inline scripts, most with data of the page in them, so that no hash holds from page
# to page. Each script element that stands in a template's source gets a nonce; one that came in with data
# has none and does not run. Left open: style attributes and elements, of which Datasette has dozens
# (colours and, on narrow screens, column names); and by its hash the one event attribute of the 1.0 line
# (`openColumnChooser()`).
_COLUMN_CHOOSER = "'sha256-+l3zeDxxnrQy0aouZ6fIDwi+bFJ9b3COj5bWIKEUFYU='"
DATASETTE_POLICY = (
    f"{_SHARED_DIRECTIVES}; script-src 'self'{{nonce}}; style-src 'self' 'unsafe-inline'; "
    f"script-src-attr 'unsafe-hashes' {_COLUMN_CHOOSER}"
)

_nonce: ContextVar[str] = ContextVar("content_security_policy_nonce", default="")
_SCRIPT_TAG = re.compile(r"<script\b(?![^>]*\bnonce=)", re.IGNORECASE)


def is_own_page(path: str) -> bool:
    """Whether `path` (without Datasette's base_url) is one of our pages rather than one of Datasette's."""
    return _OWN_PATH.fullmatch(path) is not None


def start_nonce() -> str:
    """Make the nonce of the request that begins now."""
    nonce = secrets.token_urlsafe(16)
    _nonce.set(nonce)
    return nonce


def content_security_policy(path: str, nonce: str) -> str:
    """The policy for the response to `path`."""
    if is_own_page(path):
        return OWN_POLICY
    return DATASETTE_POLICY.format(nonce=f" 'nonce-{nonce}'")


class ScriptNonces(Extension):
    """Gives every script element of a template's source (not of the data put into it) the request's nonce."""

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        environment.globals["content_security_policy_nonce"] = _nonce.get

    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:
        """Called by Jinja with a template's source before it is compiled."""
        return _SCRIPT_TAG.sub('<script nonce="{{ content_security_policy_nonce() }}"', source)
