"""Faust's consumer, with the gaps in offsets where they are (decision 27)."""

from typing import TYPE_CHECKING

from faust.transport.drivers.aiokafka import Consumer

if TYPE_CHECKING:
    from faust.types import TP


class ExactGaps(Consumer):
    """A transaction's end mark takes an offset that no record has. Faust notes such a gap so as to commit past it."""

    async def _add_gap(self, tp: "TP", offset_from: int, offset_to: int) -> None:
        # It is given the record behind the gap as its end, and counts that one in, too. Acknowledged later, that record
        # is there twice, and a commit ends at the first that is: one gap a second, however many there are.
        await super()._add_gap(tp, offset_from, offset_to - 1)
