"""The two baselines, each run as a process of its own: `python -m ldn_evidence.bench.baselines NAME ...`."""

from __future__ import annotations

import sys
from pathlib import Path

import yaml


def load_with_pyyaml(folder: Path) -> int:
    """Load every file with PyYAML's own CSafeLoader, one after the other; nothing is kept."""
    loaded = 0
    for path in sorted(folder.glob("*.yml")):
        with path.open("rb") as stream:
            yaml.load(stream, Loader=yaml.CSafeLoader)
        loaded += 1
    return loaded


def main() -> None:
    """Run the baseline that the command line names."""
    name, folder = sys.argv[1:3]
    if name != "pyyaml":
        raise SystemExit(f"no baseline is called {name}")
    print(load_with_pyyaml(Path(folder)))


if __name__ == "__main__":
    main()
