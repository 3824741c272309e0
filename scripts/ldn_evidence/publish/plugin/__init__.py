"""The Datasette plugin: hardening, pages and API. Datasette finds it by its entry point.

Each part is a module of this package with hook implementations of its own, registered under its own name, so
that two parts can implement the same hook. This module implements none.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec

from datasette.plugins import pm

# In this order; a part that a checkout does not have yet is left out.
PARTS = ("hardening", "replacement", "pages", "downloads", "api")


def register() -> None:
    """Tell Datasette of every part, once."""
    for part in PARTS:
        name = f"{__name__}.{part}"
        if find_spec(name) is not None and not pm.has_plugin(name):
            pm.register(import_module(name), name=name)


register()
