"""Decodes records of `groups` to typed values; what no worker of ours wrote becomes a dead letter with its reason."""

import re
from collections.abc import Callable, Sequence

import msgspec

from connectors.mariadb.billing.ingestion import GroupsRecord
from schemas.dead_letters import DeadLetterRecord
from schemas.groups import PublishedGroup, PublishedMark, decode_published
from schemas.keys import GroupKey, MarkKey, OriginKey, Scope, decode_groups_key
from schemas.outcomes import DeadLetter, Reason
from schemas.row_decoders import JSON_ERRORS
from schemas.topics import GROUPS, ConsumerRecord

MAX_ID = 2**63 - 1
_HASH = re.compile("[0-9a-f]{32}")

Letter = tuple[OriginKey, DeadLetterRecord]


KnownScopes = Callable[[set[Scope]], set[Scope]]
"""Those of the scopes that exist."""


def decode_batch(records: Sequence[ConsumerRecord], owners: KnownScopes) -> tuple[list[GroupsRecord], list[Letter]]:
    """Returns the usable records in order, and dead letters for the others."""
    outcomes = [(record, decode(record)) for record in records]
    named = {_scope(outcome) for _, outcome in outcomes if isinstance(outcome, GroupsRecord)}
    known = owners(named) if named else set()
    good: list[GroupsRecord] = []
    bad: list[Letter] = []
    for record, outcome in outcomes:
        if isinstance(outcome, GroupsRecord) and _scope(outcome) in known:
            good.append(outcome)
        else:
            letter = outcome if isinstance(outcome, DeadLetter) else _unknown_owner(outcome)
            bad.append((OriginKey(GROUPS.name, record.partition, record.offset), _letter(record, letter)))
    return good, bad


def _scope(record: GroupsRecord) -> Scope:
    return Scope(record.key.firm, record.key.timekeeper)


def _unknown_owner(record: GroupsRecord) -> DeadLetter:
    scope = _scope(record)
    return DeadLetter(Reason.NO_OWNER, f"there is no timekeeper {scope.timekeeper} in firm {scope.firm}")


def _letter(record: ConsumerRecord, why: DeadLetter) -> DeadLetterRecord:
    return DeadLetterRecord(why.reason, why.detail, record.key, record.value)


def decode(record: ConsumerRecord) -> GroupsRecord | DeadLetter:
    """Decodes one record of `groups`. A group may have a tombstone; a mark may not."""
    try:
        key = decode_groups_key(record.key or b"")
    except JSON_ERRORS as error:
        return DeadLetter(Reason.NOT_JSON, f"the key isn't that of a group or a mark: {error}")
    if record.value is None:
        if isinstance(key, GroupKey):
            return GroupsRecord(key, None)
        return DeadLetter(Reason.NULL_VALUE, f"mark {key.mark} has no value")
    try:
        said = decode_published(record.value)
    except msgspec.ValidationError as error:
        return DeadLetter(Reason.BAD_COLUMN, f"the value isn't what a group worker says: {error}")
    except JSON_ERRORS as error:
        return DeadLetter(Reason.NOT_JSON, f"the value isn't JSON: {error}")
    if isinstance(said, PublishedGroup) != isinstance(key, GroupKey):
        return DeadLetter(Reason.BAD_COLUMN, "the key names a group and the value a mark, or the other way round")
    assert isinstance(said, PublishedGroup | PublishedMark)
    if wrong := _impossible_value(key, said):
        return DeadLetter(Reason.BAD_COLUMN, wrong)
    return GroupsRecord(key, said)


def _impossible_value(key: GroupKey | MarkKey, said: PublishedGroup | PublishedMark) -> str:
    """What of a record no table can hold, or no worker of ours writes; empty if nothing is. It must not stop `bill`."""
    ids = [key.firm, key.timekeeper, said.lineage.partition, said.lineage.offset]
    if isinstance(said, PublishedMark):
        ids += [said.mark.id, said.mark.period or 0]
    else:
        members = [member.id for member in said.group.members]
        if not members:
            return "the group has no members"
        if members != sorted(set(members)):
            return "the group's members aren't sorted by id, each once"
        if not all(_HASH.fullmatch(member.hash) for member in said.group.members):
            return "a member's hash isn't 32 hex digits"
        ids += [*members, said.group.confidence]
    if isinstance(key, GroupKey):
        ids.append(key.group)
    return "" if all(0 <= id <= MAX_ID for id in ids) else "a number in it is below 0 or beyond 64 bits"
