"""What holds of a consumer's status for any history: no alarm without work that waits, and none of old scales."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from processors.monitoring.status import Commit, ObservedPartition, Status, group_status, partition_status

ALLOWED_S = 10.0
NOW_S = 1_000.0
WINDOW_S = 1_000.0
lags = st.integers(0, 5_000).map(float)
offsets = st.integers(0, 10_000)
owned = st.sampled_from([True, False, None])


@st.composite
def histories(draw: st.DrawFn) -> tuple[Commit, ...]:
    times = sorted(draw(st.lists(st.integers(0, int(NOW_S)), max_size=8)))
    return tuple(Commit(at, draw(offsets), draw(st.none() | lags)) for at in times)


@st.composite
def forward(draw: st.DrawFn) -> tuple[Commit, ...]:
    """A history that never goes back."""
    history = draw(histories())
    places = sorted(commit.offset for commit in history)
    return tuple(Commit(c.at_s, place, c.lag_s) for c, place in zip(history, places, strict=True))


def watched(commits: Sequence[Commit], place: int, lag_s: float, owned: bool | None) -> ObservedPartition:
    return ObservedPartition(commits=tuple(commits), place=place, lag_s=lag_s, owned=owned)


@given(histories(), offsets, st.floats(0, ALLOWED_S), owned)
def test_where_nothing_waits_nothing_is_wrong(
    commits: tuple[Commit, ...], place: int, lag_s: float, owned: bool | None
) -> None:
    assert partition_status(watched(commits, place, lag_s, owned), NOW_S, ALLOWED_S, WINDOW_S) is Status.OK


@given(histories(), offsets, lags.filter(lambda lag: lag > ALLOWED_S))
def test_work_that_waits_where_nobody_is_has_stopped(commits: tuple[Commit, ...], place: int, lag_s: float) -> None:
    assert partition_status(watched(commits, place, lag_s, owned=False), NOW_S, ALLOWED_S, WINDOW_S) is Status.STOP


@given(histories(), offsets, lags)
def test_a_live_consumer_never_counts_as_stopped(commits: tuple[Commit, ...], place: int, lag_s: float) -> None:
    assert partition_status(watched(commits, place, lag_s, owned=True), NOW_S, ALLOWED_S, WINDOW_S) is not Status.STOP


@given(forward(), offsets, lags, owned)
def test_who_never_goes_back_is_never_said_to(
    commits: tuple[Commit, ...], beyond: int, lag_s: float, owned: bool | None
) -> None:
    place = max([beyond, *(commit.offset for commit in commits)])
    assert partition_status(watched(commits, place, lag_s, owned), NOW_S, ALLOWED_S, WINDOW_S) is not Status.REWIND


@given(histories(), offsets, lags, owned, st.integers(1, 10_000), st.integers(1, 10_000))
def test_only_differences_of_offsets_and_times_count(
    commits: tuple[Commit, ...], place: int, lag_s: float, owned: bool | None, later: int, further: int
) -> None:
    moved = [Commit(commit.at_s + later, commit.offset + further, commit.lag_s) for commit in commits]
    there = partition_status(watched(moved, place + further, lag_s, owned), NOW_S + later, ALLOWED_S, WINDOW_S)
    assert there is partition_status(watched(commits, place, lag_s, owned), NOW_S, ALLOWED_S, WINDOW_S)


@given(forward(), lags.filter(lambda lag: lag > ALLOWED_S))
def test_a_live_consumer_that_moved_is_not_stalled(commits: tuple[Commit, ...], lag_s: float) -> None:
    place = max((commit.offset for commit in commits), default=0) + 1
    status = partition_status(watched(commits, place, lag_s, owned=True), NOW_S, ALLOWED_S, WINDOW_S)
    assert (status is Status.STALL) == (not commits)


@given(st.lists(st.sampled_from([s for s in Status if s is not Status.NOTFOUND])), st.randoms(use_true_random=False))
def test_a_group_is_as_its_worst_partition_in_any_order(statuses: list[Status], chance: object) -> None:
    shuffled = list(statuses)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    assert group_status(shuffled) is group_status(statuses)
    assert (group_status(statuses) is Status.OK) == (bool(statuses) and set(statuses) == {Status.OK})
