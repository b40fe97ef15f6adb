"""When capture's task is started again: always after a failure, in the end never, and never where nothing is known."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from processors.monitoring.capture_watchdog import (
    PAUSES_S,
    RESET_AFTER_S,
    SILENT_S,
    Action,
    Observation,
    WatchState,
    next_action,
)

STARTS = (Action.START_FAILED, Action.START_SILENT)


def run(sights: list[tuple[float, str, int | None]]) -> list[tuple[float, Action]]:
    """What is done at each look that does something."""
    tending, done = WatchState(quiet_since=sights[0][0]), []
    for at, state, sent in sights:
        tending, act = next_action(tending, Observation(at=at, state=state, sent=sent))
        if act is not Action.NOTHING:
            done.append((at, act))
    return done


def after(sights: list[tuple[float, str, int | None]]) -> WatchState:
    """What is remembered in the end."""
    tending = WatchState(quiet_since=sights[0][0])
    for at, state, sent in sights:
        tending, _ = next_action(tending, Observation(at=at, state=state, sent=sent))
    return tending


def each(seconds: int, state: str, sent: int | None, begin: int = 0) -> list[tuple[float, str, int | None]]:
    return [(float(at), state, sent) for at in range(begin, begin + seconds)]


def moving(seconds: int, begin: int) -> list[tuple[float, str, int | None]]:
    return [(float(at), "RUNNING", at) for at in range(begin, begin + seconds)]


def test_a_task_that_keeps_failing_is_started_again_ever_more_slowly_then_a_person_is_called_once() -> None:
    done = run(each(4 * 3600, "FAILED", None))
    acts = [act for _, act in done]
    assert acts == [Action.START_FAILED] * 12 + [Action.GIVE_UP]
    starts = [at for at, act in done if act is Action.START_FAILED]
    # The look after a start sees the failure anew, one second later; then the pause runs.
    assert [round(after - before) for before, after in pairwise(starts)] == [
        11, 31, 61, 121, 301, 301, 301, 301, 301, 301, 301,
    ]  # fmt: skip


def test_a_task_that_says_it_runs_and_is_silent_is_started_again() -> None:
    done = run(moving(10, 0) + each(600, "RUNNING", 9, begin=10))
    first, *_ = done
    # It last moved at 9; its silence is seen 45 s later, and the first pause is 2 s.
    assert first == (9 + SILENT_S + PAUSES_S[0], Action.START_SILENT)


def test_silence_says_nothing_while_the_broker_or_the_database_is_away_or_a_person_paused_it() -> None:
    assert run(each(3600, "RUNNING", None)) == []
    assert run(each(3600, "PAUSED", None)) == []
    assert run(each(3600, "UNKNOWN", None)) == []
    # Away for an hour, then 40 s until the first heartbeat: nothing to mend.
    assert run(moving(5, 0) + each(3600, "RUNNING", None, 5) + each(40, "RUNNING", 4, 3605) + moving(5, 3645)) == []


def test_a_task_that_moves_is_left_alone() -> None:
    heartbeats = [(float(at), "RUNNING", at // 5) for at in range(3600)]
    assert run(heartbeats) == []


def test_what_ran_well_for_a_while_has_its_tries_back_and_it_is_said_once() -> None:
    calm = int(RESET_AFTER_S)
    done = run(each(3, "FAILED", None) + moving(calm + 10, 3) + each(3, "FAILED", None, calm + 13))
    assert [act for _, act in done] == [Action.START_FAILED, Action.WELL, Action.START_FAILED]


def test_a_person_who_mended_it_after_it_was_given_up_has_it_tended_again() -> None:
    hours, calm = 3 * 3600, int(RESET_AFTER_S)
    again = each(hours, "FAILED", None) + moving(calm + 10, hours) + each(10, "FAILED", None, hours + calm + 10)
    assert [act for _, act in run(again)][-3:] == [Action.GIVE_UP, Action.WELL, Action.START_FAILED]


def test_a_person_is_needed_from_giving_up_until_something_comes() -> None:
    hours = 4 * 3600
    failed = each(hours, "FAILED", None)
    assert not after(failed[:60]).stuck
    assert after(failed).stuck
    assert after(failed + each(60, "UNKNOWN", None, hours)).stuck, "that Connect is away mends nothing"
    assert not after(failed + moving(1, hours)).stuck
    assert after(failed + moving(1, hours) + each(60, "FAILED", None, hours + 1)).stuck


def test_what_is_silent_is_so_until_it_speaks_again_though_it_was_started_again() -> None:
    silent = moving(10, 0) + each(600, "RUNNING", 9, begin=10)
    # It last moved at 9, and may be silent for 45 s.
    assert not after(silent[:54]).silent
    assert after(silent[:55]).silent
    assert after(silent[:70]).silent, "started again at 56, it has said nothing yet"
    assert after(silent + each(5, "UNKNOWN", None, 610)).silent
    assert not after(silent + moving(1, 610)).silent
    assert after(each(4 * 3600, "RUNNING", 1)).stuck


@given(
    st.lists(
        st.tuples(
            st.floats(0.1, 400),
            st.sampled_from(["RUNNING", "FAILED", "UNASSIGNED", "PAUSED"]),
            st.none() | st.integers(0, 3),
        ),
        min_size=1,
        max_size=400,
    )
)
def test_it_never_starts_more_often_than_it_has_tries_without_a_calm_in_between(
    steps: list[tuple[float, str, int | None]],
) -> None:
    at, sights = 0.0, []
    for pause, state, sent in steps:
        at += pause
        sights.append((at, state, sent))
    tries, starts = 0, []
    for when, act in run(sights):
        if act in STARTS:
            tries += 1
            starts.append(when)
        if act is Action.WELL:
            tries = 0
        assert tries <= len(PAUSES_S)
    for when in starts:
        # Whoever was started in a look was seen to be bad in it.
        assert next(state for at, state, _ in sights if at == when) in ("FAILED", "RUNNING")
