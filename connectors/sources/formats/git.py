"""A git repository as a source: each commit that isn't a merge is an event, with the files it touched.

The author is the stream (by mail address, through .mailmap), the author's date and offset are the time and zone: a
rebase changes neither. Committer, trailers and branches say nothing about what was worked on, and are left out.
"""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

from connectors.sources.event import Event, Notes, check_times, fit_words
from connectors.sources.instants import instant_of
from schemas.errors import SourceError
from schemas.values import Kind, Words

_HEAD = "\x01"
"""Begins each commit's first field; file names can hold nearly anything, so the hash's form is looked at too."""

_FORMAT = "%x01%H%x00%aI%x00%aE%x00%aN%x00%s%x00%b%x00"
_FIELDS = 6


def read_commits(path: Path, notes: Notes) -> Iterator[Event]:
    """The commits that lead to HEAD, newest first; of a folder inside the repository, those that touch it.

    Raises SourceError where there is no repository (a tarball has none), no commit, no git, or a shallow clone.
    """
    if _git(path, "rev-parse", "--is-shallow-repository") == "true":
        raise SourceError(
            f"{path}: is a shallow clone, which has no history to read. Fetch the rest: git -C {path} fetch --unshallow"
        )
    if _git(path, "rev-list", "--count", "--max-count=1", "--all") == "0":
        raise SourceError(f"{path}: the repository has no commits yet.")
    command = _command(path, "log", "--no-merges", "-z", "--name-only", f"--format={_FORMAT}", "HEAD")
    if _git(path, "rev-parse", "--show-prefix"):
        command += ["--", "."]
    with TemporaryFile() as said, subprocess.Popen(command, stdout=subprocess.PIPE, stderr=said) as log:
        assert log.stdout is not None
        yield from _commits(_fields(log.stdout), notes)
        if log.wait():
            raise _refused(path, said)


def _command(path: Path, *arguments: str) -> list[str]:
    where = path if path.is_dir() else path.parent
    return ["git", "-C", str(where), "-c", "core.quotePath=off", "-c", "i18n.logOutputEncoding=UTF-8", *arguments]


def _git(path: Path, *arguments: str) -> str:
    with TemporaryFile() as said:
        try:
            done = subprocess.run(_command(path, *arguments), stdout=subprocess.PIPE, stderr=said, check=False)
        except FileNotFoundError as error:
            raise SourceError(f"{path}: git isn't installed, and it is needed to read a repository.") from error
        if done.returncode:
            raise _refused(path, said)
        return done.stdout.decode(errors="replace").strip()


def _refused(path: Path, said: IO[bytes]) -> SourceError:
    said.seek(0)
    message = said.read().decode(errors="replace").strip() or "git failed without a word"
    if "not a git repository" in message:
        return SourceError(f"{path}: isn't a git repository (an unpacked archive has no history). Clone it instead.")
    return SourceError(f"{path}: git can't read it: {message}")


def _fields(stdout: IO[bytes]) -> Iterator[str]:
    """The NUL-separated fields of git's output, a piece of it in memory at a time."""
    rest = b""
    while piece := stdout.read(1 << 16):
        *whole, rest = (rest + piece).split(b"\0")
        for field in whole:
            yield field.decode(errors="replace")


def _commits(fields: Iterator[str], notes: Notes) -> Iterator[Event]:
    head: list[str] = []
    files: list[str] = []
    for field in fields:
        if len(head) < _FIELDS and (head or _begins(field)):
            head.append(field)
        elif _begins(field):
            yield from _event(head, files, notes)
            head, files = [field], []
        elif field.strip("\n"):
            files.append(field.removeprefix("\n"))
    if head:
        yield from _event(head, files, notes)


def _begins(field: str) -> bool:
    digits = field.lstrip("\n").removeprefix(_HEAD)
    return field.lstrip("\n").startswith(_HEAD) and len(digits) in (40, 64) and set(digits) <= set("0123456789abcdef")


def _event(head: list[str], files: list[str], notes: Notes) -> Iterator[Event]:
    """The commit's event; a commit dated outside 1970 to 9998 (some histories have them) is left out and said."""
    commit, date, mail, name, subject, body = head
    commit = commit.lstrip("\n").removeprefix(_HEAD)
    try:
        at, zone = instant_of(date)
        check_times(at, None)
    except ValueError:
        notes.add("commits with an impossible date were left out", commit[:12])
        return
    words, cut = fit_words(Words(title=subject, text=body.strip(), actor=name, files=tuple(files)))
    if cut:
        notes.add("words over 64 KB were cut", f"commit {commit[:12]}")
    notes.place = f"commit {commit[:12]}"
    yield Event(mail or name or "unknown", commit, 0, at, None, zone, Kind.COMMIT, "git", words)
