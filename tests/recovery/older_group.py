"""`group` as an older version on an older machine. Run as a script by the tests.

It knows one zone less, no long activity, no Ω, another model, and no feedback.
"""

from msgspec.structs import replace

import schemas.changes
import schemas.row_decoders
import streams.shared.model_store
from schemas.outcomes import Reason
from schemas.row_decoders import ROW_DECODERS, BadRow, known_zones, read_words
from schemas.values import Words
from streams.group import command

_zones = known_zones() - {"Europe/Kyiv"}


def _read(stored: str) -> Words:
    words = read_words(stored)
    if "Ω" in words.title:
        raise BadRow(Reason.BAD_WORDS, "a title that this version can't read")
    return words


schemas.row_decoders.known_zones = lambda: _zones  # type: ignore[assignment]
schemas.row_decoders.read_words = _read
schemas.row_decoders.MAX_DURATION_US = 86_400_000_000
schemas.changes.ROW_DECODERS = {name: row for name, row in ROW_DECODERS.items() if name != "feedback"}
_older = replace(streams.shared.model_store.shipped_model(), version="older")
streams.shared.model_store.shipped_model = lambda: _older  # type: ignore[assignment]
command.command()
