"""What group has done, it has committed: else whoever takes over does it again, and who watches sees a false lag."""

import pytest

from connectors.kafka.consumers.consumer_groups import consumer_groups
from connectors.kafka.progress.topic_progress import TopicProgress
from connectors.kafka.progress.unread import unread
from schemas.topics import CHANGES
from tests.live import Live
from tests.programs import eventually, running

pytestmark = pytest.mark.stack

CHANGED = 60
WITHIN_S = 15
"""Places are committed each second; one gap a second would take a minute."""


def test_places_keep_up_with_many_small_transactions(live: Live) -> None:
    """Behind each transaction of capture is an end mark, so the offsets of one partition have a gap at every row."""
    who = live.timekeeper()
    cluster = live.settings.kafka()
    movement = TopicProgress(cluster, (CHANGES,))

    def behind() -> int:
        [group] = consumer_groups(cluster, ["group"])
        places = {(CHANGES.name, n): group.committed.get((CHANGES.name, n)) for n in range(CHANGES.partitions)}
        return sum(one.offsets for one in unread(cluster, places).values())

    with running(live.stack.home.path, "group"):
        eventually(lambda: behind() == 0, 60, "what was there before is done")
        for n in range(CHANGED):
            sent = movement.position()
            live.insert(who, f"Witness statement {n % 7}.docx", minute=n)
            eventually(lambda: movement.position() != sent, what="capture has written it, in a transaction of its own")  # noqa: B023
        eventually(lambda: live.groups(who) == live.expected(who), what="all is grouped")
        eventually(lambda: behind() == 0, WITHIN_S, "all that is done is committed")
