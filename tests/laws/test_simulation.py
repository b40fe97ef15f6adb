"""The generated week: the same seed gives the same bytes, each dial does what it says, the truth stays outside."""

import random
from datetime import date
from itertools import pairwise

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processors.simulation.chance import RandomDraws, Uniform
from processors.simulation.dials import Dials
from processors.simulation.values import FIRM_NAME, RowWrite, SimulatedRow, SimulatedWeek, WriteOperation
from processors.simulation.vocabulary.screens import GENERIC, NOISE
from processors.simulation.week import simulate_week, working_days
from schemas.values import WORDS_MAX_BYTES, Kind

MONDAY = date(2026, 3, 2)
DAY = 86_400_000_000


def week(seed: int = 1, first: date = MONDAY, **dials: float) -> SimulatedWeek:
    def seeded(name: str) -> Uniform:
        return random.Random(f"{seed}/{name}").random

    return simulate_week(msgspec.convert(dials, Dials), first, f"s{seed}", seeded)


def share(part: int, whole: int) -> float:
    return part / whole


shares = st.sampled_from([0.0, 0.3, 1.0])
weeks = st.builds(
    lambda seed, people, days, pieces, noise, late, corrected, deleted: week(
        seed, people=people, days=days, pieces=pieces, noise=noise, late=late, corrected=corrected, deleted=deleted
    ),
    st.integers(0, 1000),
    st.integers(1, 3),
    st.integers(1, 3),
    st.integers(1, 8),
    *(shares,) * 4,
)


def test_the_same_seed_gives_the_same_bytes_and_another_one_others() -> None:
    assert msgspec.json.encode(week(5)) == msgspec.json.encode(week(5))
    assert msgspec.json.encode(week(5).writes) != msgspec.json.encode(week(6).writes)


def test_one_more_person_does_not_change_what_the_others_see_on_their_screens() -> None:
    few, many = (week(people=people) for people in (2, 3))
    kept = {person.email for person in few.firm.people}
    assert kept < {person.email for person in many.firm.people}
    for email in kept:
        assert _shape(few, email) == _shape(many, email)


def _shape(of: SimulatedWeek, email: str) -> list[tuple[int, int | None]]:
    return [(truth.row.started_at, truth.row.ended_at) for truth in of.truths if truth.email == email]


@given(weeks)
@settings(max_examples=40, deadline=None)
def test_writes_are_ordered_and_make_exactly_the_rows_that_the_truth_knows(simulated: SimulatedWeek) -> None:
    live: dict[tuple[str, str], SimulatedRow] = {}
    for before, after in pairwise(simulated.writes):
        assert before.at <= after.at
    for write in simulated.writes:
        key = (write.email, write.row.source_id)
        assert (key in live) == (write.operation is not WriteOperation.INSERT)
        if write.operation is WriteOperation.DELETE:
            del live[key]
        else:
            live[key] = write.row
    assert live == {(truth.email, truth.row.source_id): truth.row for truth in simulated.truths}


@given(weeks)
@settings(max_examples=40, deadline=None)
def test_every_row_is_one_that_the_database_takes_and_is_written_after_it_happened(simulated: SimulatedWeek) -> None:
    for write in simulated.writes:
        row = write.row
        end = row.started_at if row.ended_at is None else row.ended_at
        assert row.started_at <= end < row.started_at + DAY
        assert write.at > end
        assert len(msgspec.json.encode(row.words)) <= WORDS_MAX_BYTES


@given(st.integers(0, 1000))
@settings(max_examples=20, deadline=None)
def test_the_truth_never_gets_into_a_row(seed: int) -> None:
    simulated = week(seed, people=4, days=2)
    labels = {truth.piece for truth in simulated.truths if truth.piece}
    assert len(labels) > 4
    numbers = {matter.number for matter in simulated.firm.matters}
    assert not set(SimulatedRow.__struct_fields__) & {"group", "piece", "truth"}
    for write in simulated.writes:
        said = msgspec.json.encode(msgspec.structs.replace(write.row, matter=None)).decode()
        assert not any(label in said for label in labels)
        assert write.row.matter is None or write.row.matter in numbers


def test_everything_says_that_it_is_generated() -> None:
    simulated = week(people=8)
    assert "simulated" in FIRM_NAME
    assert all("generated" in person.name for person in simulated.firm.people)
    assert all(client.domain.endswith(".test") for client in simulated.firm.clients)
    for truth in simulated.truths:
        assert all(address.endswith(".test") for address in truth.row.words.people)
        assert not truth.row.words.url or ".test/" in truth.row.words.url


def test_a_row_has_a_matter_for_the_dialled_share_only() -> None:
    assert not any(write.row.matter for write in week(assigned=0).writes)
    every = week(assigned=1, noise=0)
    assert all(truth.row.matter == truth.matter for truth in every.truths)
    some = [truth for truth in week(assigned=0.5, days=20).truths if truth.matter]
    assert 0.45 < share(sum(truth.row.matter is not None for truth in some), len(some)) < 0.55


def test_a_number_is_in_a_title_for_the_dialled_share_only() -> None:
    def numbered(simulated: SimulatedWeek) -> float:
        rows = [one for one in simulated.truths if one.matter and one.row.kind is not Kind.COMMIT]
        return share(sum(f"[{one.matter}]" in one.row.words.title for one in rows), len(rows))

    assert numbered(week(numbered=0)) == 0
    assert numbered(week(numbered=1)) == 1
    assert 0.25 < numbered(week(numbered=0.3, days=20)) < 0.35


@pytest.mark.parametrize(("dial", "titles"), [("noise", {n[1] for n in NOISE}), ("generic", {g[1] for g in GENERIC})])
def test_noise_and_generic_windows_come_in_the_dialled_share(dial: str, titles: set[str]) -> None:
    def seen(value: float) -> float:
        simulated = week(days=20, numbered=0, **{"noise": 0.0, "generic": 0.0} | {dial: value})
        windows = [one.row for one in simulated.truths if one.row.kind is Kind.WINDOW and _desk(one.row)]
        return share(sum(row.words.title in titles for row in windows), len(windows))

    assert seen(0) == 0
    assert 0.16 < seen(0.2) < 0.24


def _desk(row: SimulatedRow) -> bool:
    return row.ended_at is not None


def test_noise_is_about_nothing() -> None:
    titles = {title for _, title, _ in NOISE}
    for truth in week(noise=0.3).truths:
        assert (truth.piece is None) == (truth.row.words.title in titles)


@pytest.mark.parametrize(
    ("dial", "kind"),
    [("mails", Kind.MAIL), ("documents", Kind.DOCUMENT), ("calls", Kind.CALL), ("meetings", Kind.MEETING)],
)
def test_counts_a_day_are_what_the_dial_says(dial: str, kind: Kind) -> None:
    none = {"mails": 0.0, "documents": 0.0, "calls": 0.0, "meetings": 0.0, "interruptions": 0.0, "deleted": 0.0}

    def a_day(value: float) -> float:
        simulated = week(days=20, people=2, **none | {dial: value})
        return share(sum(one.row.kind is kind for one in simulated.truths), 20 * 2)

    assert a_day(0) == 0
    assert a_day(2) == pytest.approx(2, rel=0.1)  # a meeting that doesn't fit in any more falls out
    assert 1.2 < a_day(1.5) < 1.8


def test_only_people_who_write_software_commit() -> None:
    simulated = week(people=4, commits=3, deleted=0, interruptions=0)
    engineers = {person.email for person in simulated.firm.people if person.profession == "engineer"}
    commits = [one.email for one in simulated.truths if one.row.kind is Kind.COMMIT]
    assert set(commits) == engineers
    assert len(commits) == 5 * 3 * len(engineers)


def test_late_corrected_and_deleted_rows_come_in_the_dialled_share() -> None:
    quiet = {"late": 0.0, "corrected": 0.0, "deleted": 0.0}
    plain = week(**quiet)
    assert {write.operation for write in plain.writes} == {WriteOperation.INSERT}
    assert all(_delay(write) <= 15_000_000 for write in plain.writes)

    late = week(days=20, **quiet | {"late": 0.5})
    assert 0.45 < share(sum(_delay(write) >= 2 * 3_600_000_000 for write in late.writes), len(late.writes)) < 0.55

    corrected = week(days=20, **quiet | {"corrected": 0.5})
    updates = [write for write in corrected.writes if write.operation is WriteOperation.UPDATE]
    assert 0.45 < share(len(updates), len(corrected.truths)) < 0.55
    first = {write.row.source_id: write.row for write in corrected.writes if write.operation is WriteOperation.INSERT}
    assert all(first[write.row.source_id] != write.row for write in updates)

    deleted = week(days=20, **quiet | {"deleted": 0.5})
    gone = [write for write in deleted.writes if write.operation is WriteOperation.DELETE]
    assert 0.45 < share(len(gone), len(gone) + len(deleted.truths)) < 0.55


def _delay(write: RowWrite) -> int:
    row = write.row
    return write.at - (row.started_at if row.ended_at is None else row.ended_at)


def test_work_is_interleaved_and_resumed() -> None:
    """More switches with interruptions than without; with `resumed` at 0 a day touches more pieces than at 1."""

    def switches(simulated: SimulatedWeek) -> int:
        pieces = [one.piece for one in simulated.truths if one.piece]
        return sum(a != b for a, b in pairwise(pieces))

    assert switches(week(people=1, interruptions=10)) > switches(week(people=1, interruptions=0)) > 0
    assert all(len({t.row.started_at // DAY for t in of}) > 1 for of in _largest(week(people=1, resumed=0.7)))

    def pieces_a_day(simulated: SimulatedWeek) -> int:
        return len({(one.row.started_at // DAY, one.piece) for one in simulated.truths if one.piece})

    assert pieces_a_day(week(people=1, days=10, resumed=0)) > pieces_a_day(week(people=1, days=10, resumed=1))


def _largest(simulated: SimulatedWeek) -> list[list[object]]:
    by_piece: dict[str, list[object]] = {}
    for truth in simulated.truths:
        if truth.piece:
            by_piece.setdefault(truth.piece, []).append(truth)
    return sorted(by_piece.values(), key=len)[-2:]


def test_people_work_in_their_own_daytime_on_working_days() -> None:
    assert working_days(date(2026, 3, 6), 3) == [date(2026, 3, 6), date(2026, 3, 9), date(2026, 3, 10)]
    simulated = week(people=4)
    assert len({person.zone for person in simulated.firm.people}) == 4
    for truth in simulated.truths:
        assert truth.row.zone == next(p.zone for p in simulated.firm.people if p.email == truth.email)


@given(st.lists(st.floats(0, 1, exclude_max=True), min_size=50, max_size=50), st.integers(1, 9))
def test_draws_stay_within_their_choices(numbers: list[float], high: int) -> None:
    chance = RandomDraws(iter(numbers * 10).__next__)
    assert 1 <= chance.integer(1, high) <= high
    assert sorted(chance.sample(range(high), high)) == list(range(high))
    assert chance.pick_weighted([(0.0, "never"), (1.0, "always")]) == "always"
    assert not chance.is_true(0)
    assert chance.is_true(1)
