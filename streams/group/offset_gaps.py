"""Corrects where Faust's consumer notes gaps between offsets (decision 27)."""

from typing import TYPE_CHECKING

from faust.transport.drivers.aiokafka import Consumer

if TYPE_CHECKING:
    from faust.types import TP


class ExactGaps(Consumer):
    """Faust's consumer with exact gaps. The end marker of a transaction takes an offset that no record has.

    Faust notes such a gap so that it can commit past it.
    """

    async def _add_gap(self, tp: "TP", offset_from: int, offset_to: int) -> None:
        # Faust passes the offset of the record behind the gap as `offset_to` and counts that record as part of the gap.
        # Once the record is acknowledged, its offset is there twice, and a commit stops at the first offset that is
        # there twice. Faust would then pass one gap a second, however many there are.
        await super()._add_gap(tp, offset_from, offset_to - 1)
