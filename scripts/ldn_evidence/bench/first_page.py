"""Serve a catalogue as `make serve` does, until its first page is there: `python -m ldn_evidence.bench.first_page ROOT`."""

from __future__ import annotations

import socket
import subprocess
import sys
import urllib.request
from pathlib import Path


def wait_for_first_page(root: Path) -> None:
    """Start the server, read the home page once, end the server.

    Raises:
        SystemExit: The server ended before it listened.
    """
    with socket.socket() as attempt:
        attempt.bind(("127.0.0.1", 0))
        port = int(attempt.getsockname()[1])
    command = [sys.executable, "-m", "ldn_evidence.cli", "--root", str(root), "serve", "--port", str(port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as server:
        assert server.stdout is not None
        try:
            printed = ""
            for line in server.stdout:
                printed += line
                if "Uvicorn running" in line:
                    break
            else:
                raise SystemExit(f"the server ended before it listened:\n{printed}")
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/") as page:
                page.read()
        finally:
            server.terminate()


if __name__ == "__main__":
    wait_for_first_page(Path(sys.argv[1]))
