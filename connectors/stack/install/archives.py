"""The stack's Java archives: which ones, and how they come here. Each is checked by its sha256 before it is used."""

import hashlib
import os
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import psutil
import requests
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential_jitter

from connectors.stack.waiting import Cancelled
from schemas.errors import StackError

AT_ONCE = 8
CHUNK = 1 << 18
TIMEOUT_S = (10, 30)
"""To connect, and between two pieces of a file."""


class Part(msgspec.Struct, frozen=True):
    """One archive, pinned. `coordinates` is group:artifact:version; `used_by` names who has it on the class path."""

    coordinates: str
    sha256: str
    bytes: int
    used_by: tuple[str, ...] = msgspec.field(name="for")

    @property
    def file(self) -> str:
        """Its file name; no two parts have the same."""
        _group, artifact, version = self.coordinates.split(":")
        return f"{artifact}-{version}.jar"


def pinned(*users: str) -> list[Part]:
    """The parts that any of `users` (broker, connect, plugin, mariadb) needs."""
    every = msgspec.json.decode(Path(__file__).with_name("archives.json").read_bytes(), type=list[Part])
    return [part for part in every if set(part.used_by) & set(users)]


class Fetcher:
    """Brings parts into folders. `repository` replaces the default one, for those who have a mirror; `stop` ends it."""

    def __init__(self, stop: threading.Event | None = None, repository: str | None = None) -> None:
        self._stop, self._repository = stop or threading.Event(), repository

    def missing(self, parts: Iterable[Part], folder: Path) -> list[Part]:
        """Those that aren't in `folder` whole: absent, cut short or damaged."""
        return [part for part in parts if not intact(folder / part.file, part)]

    def fetch(self, parts: Iterable[Part], folder: Path, done: Callable[[int], None]) -> None:
        """Downloads parts, several at once, and tells `done` the bytes. Raises StackError where one can't be had."""
        folder.mkdir(parents=True, exist_ok=True)
        _sweep(folder)
        largest_first = sorted(parts, key=lambda part: -part.bytes)
        with ThreadPoolExecutor(AT_ONCE) as pool:
            futures = [pool.submit(self._one, part, folder, done) for part in largest_first]
            try:
                for future in futures:
                    future.result()
            finally:
                pool.shutdown(wait=False, cancel_futures=True)

    def _one(self, part: Part, folder: Path, done: Callable[[int], None]) -> None:
        url = self._url(part)
        again = Retrying(
            retry=retry_if_exception_type((requests.RequestException, _Damaged)),
            stop=stop_after_attempt(3),
            wait=wait_exponential_jitter(multiplier=0.5, max=5),
            reraise=True,
        )
        try:
            again(self._download, part, url, folder, done)
        except requests.RequestException as error:
            raise StackError(
                f"Can't fetch {part.file} from {url}: {error}. Check the network (HTTPS_PROXY is respected, "
                f"TIMELOOM_MAVEN names a mirror), or put the file into {folder} yourself; then try again."
            ) from error
        except _Damaged as error:
            raise StackError(
                f"{url} isn't the file that Timeloom was tested with: {error}. Something on the way changes it; "
                f"name a mirror with TIMELOOM_MAVEN, or put the right file into {folder}."
            ) from error

    def _download(self, part: Part, url: str, folder: Path, done: Callable[[int], None]) -> None:
        """One attempt, to a name of its own: what bears the right name is always whole."""
        temporary = folder / f"{part.file}.{os.getpid()}.part"
        digest, size = hashlib.sha256(), 0
        try:
            with requests.get(url, stream=True, timeout=TIMEOUT_S) as answer, temporary.open("wb") as file:
                answer.raise_for_status()
                for chunk in answer.iter_content(CHUNK):
                    if self._stop.is_set():
                        raise Cancelled
                    digest.update(chunk)
                    file.write(chunk)
                    size += len(chunk)
                    done(len(chunk))
            if digest.hexdigest() != part.sha256:
                raise _Damaged(f"{size} bytes with sha256 {digest.hexdigest()}, not {part.bytes} with {part.sha256}")
            temporary.replace(folder / part.file)
        except (requests.RequestException, _Damaged):
            done(-size)
            raise
        finally:
            temporary.unlink(missing_ok=True)

    def _url(self, part: Part) -> str:
        # Imported here: it is slow to import, and a start with nothing to fetch doesn't need it.
        from jgo.maven import MavenContext

        maven = MavenContext()
        group, artifact, version = part.coordinates.split(":")
        component = maven.project(group, artifact).at_version(version)
        repository = self._repository or next(iter(maven.remote_repos.values()))
        return f"{repository.rstrip('/')}/{component.path_prefix.as_posix()}/{part.file}"


class _Damaged(Exception):
    """What came isn't what was pinned."""


def intact(path: Path, part: Part) -> bool:
    """True if the file at `path` is the part, byte for byte."""
    try:
        if path.stat().st_size != part.bytes:
            return False
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == part.sha256
    except FileNotFoundError:
        return False


def _sweep(folder: Path) -> None:
    """Removes pieces of downloads whose process is gone: a session that was killed can't."""
    for piece in folder.glob("*.part"):
        if not psutil.pid_exists(int(piece.name.split(".")[-2])):
            piece.unlink(missing_ok=True)
