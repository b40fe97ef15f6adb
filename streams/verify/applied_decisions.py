"""What an audit reads of the workers besides their groups: the decisions they apply, and the dead letters."""

from collections import defaultdict
from collections.abc import Iterable, Mapping

import msgspec

from connectors.kafka.client.cluster import Cluster
from connectors.kafka.records.open_dead_letters import read_letters
from connectors.kafka.records.partition_log import read_to_end
from schemas.changes import change_from_working_set, decode_change, decode_working_set_row
from schemas.dead_letters import DeadLetterRecord
from schemas.keys import OriginKey, RowKey, Scope, decode_key
from schemas.ledger_snapshot import Decision, RowRef
from schemas.outcomes import Ok
from schemas.row_decoders import JSON_ERRORS, ROW_DECODERS
from schemas.topics import PARTITIONS, WORKING_SET
from schemas.values import Activity, content_hash


class DeadLetteredRows(msgspec.Struct, frozen=True):
    """Dead letters: the number of open ones, and for each row that has some the contents they hold."""

    count: int
    rows: Mapping[Scope, Mapping[RowRef, frozenset[str]]]


def read_dead_lettered_rows(cluster: Cluster) -> DeadLetteredRows:
    """Reads what dead letters account for, discarded ones too, although they aren't counted as open."""
    letters = read_letters(cluster)
    contents: dict[Scope, dict[RowRef, frozenset[str]]] = defaultdict(dict)
    for origin, letter in letters.standing.items():
        of = letter.said
        if of.firm and of.timekeeper and of.table and of.row:
            rows, name = contents[Scope(of.firm, of.timekeeper)], (of.table, of.row)
            rows[name] = rows.get(name, frozenset()) | {_content(origin, of)}
    return DeadLetteredRows(len(letters.open), contents)


def _content(at: OriginKey, letter: DeadLetterRecord) -> str:
    """The content hash of the activity in a letter; empty if it can't be read, which is why it is a letter."""
    outcome = decode_change(letter.value, at.partition, at.offset)
    if isinstance(outcome, Ok) and isinstance(outcome.value.value, Activity):
        return content_hash(outcome.value.value)
    return ""


def read_applied_decisions(
    cluster: Cluster, partitions: Iterable[int] = range(PARTITIONS)
) -> dict[Scope, dict[RowRef, Decision]]:
    """Reads the feedback, releases and activations that the workers apply, from `working-set`."""
    heeded: dict[Scope, dict[RowRef, Decision]] = defaultdict(dict)
    for record in read_to_end(cluster, WORKING_SET.name, list(partitions)):
        # Nearly all of it is activities: those are told by their keys, and never decoded.
        if record.key is None or b'"activity"' in record.key:
            continue
        try:
            key = decode_key(record.key, RowKey)
            kept = (
                decode_working_set_row(record.value) if record.value is not None and key.table in ROW_DECODERS else None
            )
        except JSON_ERRORS:
            continue  # no worker of ours wrote it, and none goes by it: it is a dead letter
        rows, name = heeded[Scope(key.firm, key.timekeeper)], (key.table, key.id)
        rows.pop(name, None)
        if kept is not None:
            outcome = change_from_working_set(key, kept, record.partition)
            if isinstance(outcome, Ok) and isinstance(outcome.value.value, Decision):
                rows[name] = outcome.value.value
    return heeded
