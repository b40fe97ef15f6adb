"""Fetches Debezium's connector into a folder, by the same checksums as the native stack: Connect's container mounts it.

python -m connectors.containers.plugin FOLDER [MIRROR]
"""

import sys
from pathlib import Path

from connectors.stack.install.archives import Fetcher, pinned


def fetch_plugin(folder: Path, mirror: str | None = None) -> int:
    """Brings what isn't there whole into `folder`/debezium; returns how many files that was. Raises StackError."""
    fetcher, plugin = Fetcher(repository=mirror or None), folder / "debezium"
    missing = fetcher.missing(pinned("plugin"), plugin)
    fetcher.fetch(missing, plugin, lambda _bytes: None)
    return len(missing)


if __name__ == "__main__":
    fetch_plugin(Path(sys.argv[1]), *sys.argv[2:3])
