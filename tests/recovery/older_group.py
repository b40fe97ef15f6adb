"""`group` as an older version on an older machine. Run as a script by the tests.

It knows one zone less, no long activity, no Ω, another model, and no feedback.
"""

from msgspec.structs import replace

import schemas.changes
import schemas.rows
import streams.models
from schemas.outcomes import Reason
from schemas.rows import ROWS, BadRow, known_zones, read_words
from schemas.values import Words
from streams import group

_zones = known_zones() - {"Europe/Kyiv"}


def _read(stored: str) -> Words:
    words = read_words(stored)
    if "Ω" in words.title:
        raise BadRow(Reason.BAD_WORDS, "a title that this version can't read")
    return words


schemas.rows.known_zones = lambda: _zones  # type: ignore[assignment]
schemas.rows.read_words = _read
schemas.rows.LONGEST_US = 86_400_000_000
schemas.changes.ROWS = {name: row for name, row in ROWS.items() if name != "feedback"}
_older = replace(streams.models.shipped_model(), version="older")
streams.models.shipped_model = lambda: _older  # type: ignore[assignment]
group.command()
