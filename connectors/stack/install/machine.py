"""What this machine lacks for Timeloom, all of it at once, each with the package that brings it.

Runs before anything is installed, also on a Python that is too old: standard library and old syntax only.

    python3 connectors/stack/install/machine.py        exit 0: nothing is missing; 2: something is, or another platform
"""

from __future__ import annotations

import importlib.util
import os
import platform
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
OLDEST, NEWEST = (3, 11), (3, 14)
GB = 1_000_000_000
MEMORY = 2 * GB
"""The three servers take 0.7 GB, two workers, a demo and the browser that shows it the rest."""
DISK = 3 * GB
DISK_ONCE_INSTALLED = 1 * GB
"""What the data may still grow to, when .venv and the downloads are there."""
COMPOSE = "docker compose up"
PROGRAMS = ("git", "make")


def main() -> int:
    """Prints what is missing and how to get it; returns the exit code."""
    if not right_platform():
        print(  # noqa: T201
            "The native stack runs on Linux x86-64 with glibc; this is "
            f"{platform.system()} {platform.machine()}. Use containers instead:\n\n    {COMPOSE}\n",
            file=sys.stderr,
        )
        return 2
    found = problems(ROOT)
    if found:
        print(told(found), file=sys.stderr)  # noqa: T201
    return 2 if found else 0


def right_platform() -> bool:
    """True where the native stack can run."""
    return sys.platform == "linux" and platform.machine() == "x86_64" and platform.libc_ver()[0] == "glibc"


def problems(root: Path) -> list[tuple[str, str]]:
    """Everything that is missing for a clone in `root`, each with its Debian package, empty where none brings it."""
    return _python() + _programs() + _memory(root) + _disk(root)


def told(found: list[tuple[str, str]]) -> str:
    """The problems as a text for a person, with one command for all packages."""
    lines = ["This machine lacks something that Timeloom needs:", *(f"  - {problem}" for problem, _package in found)]
    packages = [package for _problem, package in found if package]
    if packages:
        lines.append("On Debian or Ubuntu: sudo apt-get install " + " ".join(packages))
    return "\n".join(lines)


def _python() -> list[tuple[str, str]]:
    version = sys.version_info[:2]
    name = ".".join(map(str, version))
    if not OLDEST <= version <= NEWEST:
        wanted = f"Python {'.'.join(map(str, OLDEST))} to {'.'.join(map(str, NEWEST))}"
        hint = "name another one: make PYTHON=python3.12 ..."
        return [
            (f"{wanted} is needed, this is {name} ({sys.executable}); {hint}", "python3" if version < OLDEST else "")
        ]
    if not all(importlib.util.find_spec(module) for module in ("venv", "ensurepip")):
        return [(f"Python {name} has no venv with pip", f"python{name}-venv")]
    return []


def _programs() -> list[tuple[str, str]]:
    return [(f"{name} is not installed", name) for name in PROGRAMS if shutil.which(name) is None]


def _memory(root: Path) -> list[tuple[str, str]]:
    if _is_up(root):
        return []  # what it takes is taken already
    free = min(_available(), _limit())
    if free >= MEMORY:
        return []
    return [(f"{free / GB:.1f} GB of memory are available, {MEMORY / GB:.0f} GB are needed; end other programs", "")]


def _disk(root: Path) -> list[tuple[str, str]]:
    needed = DISK_ONCE_INSTALLED if (root / ".venv" / ".runtime").exists() else DISK
    free = shutil.disk_usage(root).free
    if free >= needed:
        return []
    return [(f"{free / GB:.1f} GB of disk are free in {root}, {needed / GB:.0f} GB are needed", "")]


def _available() -> int:
    with open("/proc/meminfo") as file:
        kilobytes = next(line.split()[1] for line in file if line.startswith("MemAvailable"))
    return int(kilobytes) * 1024


def _limit() -> int:
    """The control group's memory limit, as containers and CI have it; the address space where there is none."""
    try:
        text = Path("/sys/fs/cgroup/memory.max").read_text().strip()
    except OSError:
        return sys.maxsize
    return sys.maxsize if text == "max" else int(text)


def _is_up(root: Path) -> bool:
    try:
        os.kill(int((root / ".timeloom" / "run" / "supervisord.pid").read_text()), 0)
    except (OSError, ValueError):
        return False
    return True


if __name__ == "__main__":
    sys.exit(main())
