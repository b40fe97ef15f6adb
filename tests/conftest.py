"""The real stack for every test that needs it: brought up once a session, from nothing, in a home of the session's own.

A test that can't have the stack fails; nothing is skipped.
"""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import psutil
import pytest
from sqlalchemy import Engine

from connectors.mariadb.server.engine import connect
from connectors.stack.stack import Stack
from streams.settings import Settings
from streams.stack.prepare import prepare
from tests.live import Live

ROOT = Path(__file__).parents[1]

# How long an example takes hangs on what else runs beside it, and is no law.
hypothesis.settings.register_profile("timeloom", deadline=None)
hypothesis.settings.load_profile("timeloom")


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """MariaDB, Kafka and Connect with capture running, no `group` and no `bill`; stopped and deleted at the end."""
    homes = ROOT / ".timeloom" / "tests"
    for left in homes.glob("*"):
        if not psutil.pid_exists(int(left.name.split("-")[0])):  # a session that was killed before it could clear up
            _clear(_stack(left))
    stack = _stack(homes / str(os.getpid()))
    stack.up()
    prepare(Settings(home=stack.home.path))
    yield stack
    _clear(stack)


def _stack(home: Path) -> Stack:
    return Stack(home, downloads=ROOT / ".timeloom" / "downloads")


def _clear(stack: Stack) -> None:
    stack.reset()
    shutil.rmtree(stack.home.path)


@pytest.fixture(scope="session")
def settings(stack: Stack) -> Settings:
    """The settings of the session's stack."""
    return Settings(home=stack.home.path)


@pytest.fixture(scope="session")
def admin(settings: Settings) -> Iterator[Engine]:
    """The database as who may change tables, and write the values that no collector can."""
    engine = connect(settings.mariadb().url("admin"))
    yield engine
    engine.dispose()


@pytest.fixture(scope="session")
def live(stack: Stack, settings: Settings) -> Iterator[Live]:
    """What a test asks the running stack: rows in, groups and entries out."""
    collector, pipeline = (connect(settings.mariadb().url(user)) for user in ("collector", "pipeline"))
    yield Live(stack, settings, collector, pipeline)
    collector.dispose()
    pipeline.dispose()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """`make test` runs what isn't marked beside what is, and there shall be one stack."""
    unmarked = [
        item.nodeid
        for item in items
        if "stack" in getattr(item, "fixturenames", ()) and not item.get_closest_marker("stack")
    ]
    if unmarked:
        raise pytest.UsageError(f"these need the stack, and aren't marked: {', '.join(unmarked)}")


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A test that was skipped showed nothing, so the session did not pass."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    skipped = reporter.stats.get("skipped", []) if reporter else []
    if skipped and session.exitstatus == pytest.ExitCode.OK:
        reporter.write_line(f"{len(skipped)} tests were skipped, and a skipped test shows nothing", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
