"""Reads a text file as numbered lines, compressed or not. Errors about text, cuts and damage name the line.

At most one line is in memory, and a line has a maximum length, so a file of any size can be read.
"""

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path

from schemas.errors import SourceError

LONGEST_LINE = 16 * 1024 * 1024
"""A line over 16 MiB isn't an event but a file of another kind; reading stops there instead of filling memory."""

GZIP = b"\x1f\x8b"
MARK = b"\xef\xbb\xbf"

_OTHERS = {
    b"\x89PNG": "a picture (PNG)",
    b"\xff\xd8\xff": "a picture (JPEG)",
    b"%PDF": "a PDF",
    b"PK\x03\x04": "a spreadsheet or an archive (ZIP). Save a spreadsheet as CSV",
    b"SQLite format 3": "a database (SQLite). Export it from the program that it belongs to",
    b"\x28\xb5\x2f\xfd": "packed with zstd. Unpack it first",
    b"BZh": "packed with bzip2. Unpack it first",
    b"\xfd7zXZ": "packed with xz. Unpack it first",
}
"""How files begin that people hand in by mistake."""


def beginning(path: Path, size: int) -> bytes:
    """The first bytes of the file, unpacked, without a byte order mark. Raises SourceError."""
    try:
        with unpacked(path) as file:
            return file.read(size).removeprefix(MARK)
    except EOFError as error:
        raise SourceError(f"{path}: the gzip file is cut short. Fetch or copy it again.") from error


@contextmanager
def unpacked(path: Path) -> Iterator[gzip.GzipFile | BufferedReader]:
    """The file's bytes, decompressed if they begin as gzip does, whatever the name is. A cut file raises EOFError."""
    try:
        with path.open("rb") as file:
            packed = file.read(2) == GZIP
            file.seek(0)
            yield gzip.GzipFile(fileobj=file) if packed else file
    except (gzip.BadGzipFile, zlib.error) as error:
        raise SourceError(f"{path}: the gzip file is damaged ({error}). Fetch or copy it again.") from error
    except OSError as error:
        raise SourceError(f"{path}: can't be read ({error.strerror}). Check the path and its permissions.") from error


def lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Every line with its number from 1, line end included, without a byte order mark. Raises SourceError."""
    number = 0
    try:
        with unpacked(path) as file:
            while raw := file.readline(LONGEST_LINE + 1):
                number += 1
                if number == 1:
                    _refuse_others(path, raw)
                    raw = raw.removeprefix(MARK)
                if len(raw) > LONGEST_LINE:
                    raise SourceError(
                        f"{path}, line {number}: is over 16 MiB. Text has line ends; was it exported whole?"
                    )
                yield number, raw
    except EOFError as error:
        raise SourceError(f"{path}: the gzip file is cut short after line {number}. Fetch or copy it again.") from error
    except SourceError as error:
        if number and isinstance(error.__cause__, gzip.BadGzipFile) and "Not a gzipped" in str(error.__cause__):
            raise SourceError(
                f"{path}: after line {number} something follows that isn't gzip. Fetch or copy it again; if all is "
                "there that should be, unpack it (gunzip warns and goes on) and take what comes out."
            ) from error
        raise


def text_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Every line with its number, as text. Raises SourceError."""
    for number, raw in lines(path):
        yield number, text(f"{path}, line {number}", raw)


def text(where: str, raw: bytes) -> str:
    """Bytes as the text that they must be. Raises SourceError with the way to convert them."""
    if b"\0" in raw:
        raise SourceError(
            f"{where}: holds a zero byte, which no text has. Is it a text file? Export it again as UTF-8."
        )
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise SourceError(
            f"{where}: isn't UTF-8 ({error.reason} at byte {error.start + 1}). "
            "Convert it: iconv -f LATIN1 -t UTF-8 (or from what it is)"
        ) from error


def _refuse_others(path: Path, first: bytes) -> None:
    if first.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise SourceError(f"{path}: is UTF-16, and must be UTF-8. Convert it: iconv -f UTF-16 -t UTF-8")
    for begins, what in _OTHERS.items():
        if first.startswith(begins):
            raise SourceError(f"{path}: isn't text but {what}.")
