"""Serving the database with Datasette: the settings, the command line and the server itself."""

from __future__ import annotations

import errno
import socket
from collections.abc import Mapping
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from types import MappingProxyType

from ldn_evidence.project import Project

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 8001

# The name under which Datasette serves our database: the stem of its file.
DATABASE_NAME = "ldn"

# Datasette settings of a public instance. `serve` gives them on the command line; the plugin sets them also
# where somebody starts `datasette ldn.db -m metadata.yml`, and says so on the terminal where one was set
# otherwise.
SETTINGS: Mapping[str, int | bool] = MappingProxyType(
    {
        # One query, in milliseconds and rows.
        "sql_time_limit_ms": 1000,
        "max_returned_rows": 1000,
        # Facets are counted when asked for. Suggesting them costs a second a page on large tables.
        "suggest_facets": False,
        "facet_time_limit_ms": 200,
        # The data are open: whole tables as CSV, and the file itself.
        "allow_csv_stream": True,
        "max_csv_mb": 100,
        "allow_download": True,
        # Debugging aids show SQL, timings and templates' variables.
        "trace_debug": False,
        "template_debug": False,
    }
)


class CannotServe(RuntimeError):
    """The server cannot start; the message is one line for the person who started it."""


def datasette_is_next_line() -> bool:
    """Whether the Datasette that is installed is of the 1.0 line."""
    return int(version("datasette").split(".", 1)[0]) >= 1


def serve_arguments(
    database: Path, metadata: Path, port: int = DEFAULT_PORT, host: str = DEFAULT_HOST
) -> list[str]:
    """The arguments of `datasette` that serve `database`, immutable and with `SETTINGS`.

    On the 1.0 line canned queries and permissions are read from a configuration file, not from metadata;
    the same file serves as both.
    """
    arguments = ["serve", "--immutable", str(database), "--metadata", str(metadata)]
    if datasette_is_next_line():
        arguments += ["--config", str(metadata)]
    arguments += ["--host", host, "--port", str(port)]
    for name, value in SETTINGS.items():
        arguments += [
            "--setting",
            name,
            ("on" if value else "off") if isinstance(value, bool) else str(value),
        ]
    return arguments


def address(port: int = DEFAULT_PORT, host: str = DEFAULT_HOST) -> str:
    """The address to type into a browser."""
    return f"http://{f'[{host}]' if ':' in host else host}:{port}/"


def check_port(port: int, host: str = DEFAULT_HOST) -> None:
    """Make sure that a server can listen on `port`.

    Raises:
        CannotServe: the port is taken, not permitted, or `host` is no address of this machine.
    """
    try:
        family, kind, protocol, _, endpoint = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as attempt:
            # As the server does, so that a port that a server has just left counts as free.
            attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            attempt.bind(endpoint)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            why, other = f"port {port} is in use", port + 1 if port < 65535 else port - 1
        elif error.errno == errno.EACCES:
            why, other = f"port {port} needs special rights", DEFAULT_PORT  # the next one may, too
        else:
            raise CannotServe(f"cannot listen on {host}, port {port}: {error.strerror or error}") from error
        raise CannotServe(f"{why}; choose another one, for example: make serve PORT={other}") from error


def serve(project: Project, port: int = DEFAULT_PORT, host: str = DEFAULT_HOST) -> None:
    """Serve the project's database until interrupted. Does not return before.

    Raises:
        CannotServe: the database is missing, or nothing can listen on `port`.
    """
    if not project.database.is_file():
        raise CannotServe(f"{project.database.name} does not exist yet; build it with: make build")
    check_port(port, host)
    print(f"LDN Evidence: {address(port, host)} (stop with Ctrl-C)", flush=True)

    # Here, for it takes half a second that no other command should pay.
    from click import Abort
    from datasette.cli import cli

    # Ctrl-C is how one stops it, and no failure.
    with suppress(Abort, KeyboardInterrupt):
        cli.main(
            args=serve_arguments(project.database, project.metadata, port, host),
            prog_name="datasette",
            standalone_mode=False,
        )
