"""The pages that everyone sees first, rendered on the server from the database alone.

`Site` answers paths from an SQLite connection and knows nothing of Datasette, so that the static export writes
the same pages; `routes` is the thin layer that puts it behind Datasette's routes, caches and compresses; `dress`
gives Datasette's own pages the warning and our colours.
"""

from ldn_evidence.publish.plugin.pages.dress import extra_css_urls, extra_template_vars
from ldn_evidence.publish.plugin.pages.routes import (
    handle_exception,
    register_routes,
)
from ldn_evidence.publish.plugin.pages.site import Answer, Site

__all__ = ["Answer", "Site", "extra_css_urls", "extra_template_vars", "handle_exception", "register_routes"]
