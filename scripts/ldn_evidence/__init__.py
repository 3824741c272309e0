"""LDN Evidence: checked records on low-dose naltrexone, from YAML to SQLite to Datasette.

The package reads top to bottom as the data flows: read, check, link, appraise, store, publish.
A later stage imports an earlier one, never the reverse, and nothing imports the command line.
"""

__version__ = "0.1.0"
