"""Where marks are that `bill` hasn't seen: so which program isn't running or is behind, and the command for it."""

from collections.abc import Collection

from connectors.kafka.client.cluster import Cluster
from connectors.kafka.progress.topic_progress import offsets_since
from connectors.kafka.records.partition_log import read_to_end
from schemas.changes import decode_change
from schemas.outcomes import Ok
from schemas.topics import CHANGES
from schemas.values import Mark
from streams.shared.published import read_published

SLACK_MS = 60_000
"""Clocks of two machines may differ, so looking begins a minute early."""


def locate_marks(cluster: Cluster, marks: Collection[int], since_ms: int, waited_s: float) -> str:
    """What to tell about marks that were set at `since_ms` and didn't arrive in `waited_s`."""
    missing = set(marks)
    beginning = f"After {waited_s:g} s `bill` hasn't seen {len(missing)} of the marks"
    if missing <= read_published(cluster).marks:
        return f"{beginning}; they are on `groups`, so `bill` isn't running or is behind. {_how('bill')}"
    if missing <= _marks_on_changes(cluster, since_ms - SLACK_MS):
        return f"{beginning}; they are on `changes`, so `group` isn't running or is behind. {_how('group')}"
    return f"{beginning}; they aren't even on `changes`, so capture isn't running or is behind. {_how('connect')}"


def _how(part: str) -> str:
    start = "./timeloom stack up" if part == "connect" else f"./timeloom stack up (or ./timeloom {part})"
    return (
        f"`./timeloom stack status` and `./timeloom stack logs {part}` show it; start it with {start}; "
        "if it is only behind, wait longer with --within SECONDS."
    )


def _marks_on_changes(cluster: Cluster, since_ms: int) -> set[int]:
    found: set[int] = set()
    starts = offsets_since(cluster, CHANGES.name, range(CHANGES.partitions), since_ms)
    for record in read_to_end(cluster, CHANGES.name, list(starts), starts):
        outcome = decode_change(record.value, record.partition, record.offset)
        if isinstance(outcome, Ok) and isinstance(outcome.value.value, Mark):
            found.add(outcome.value.value.id)
    return found
