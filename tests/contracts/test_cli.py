"""What every command promises: it runs from anywhere, its help has an example, its errors say what to do."""

import json
import os
import subprocess
from pathlib import Path

import pytest
from typer.main import get_command

from connectors.stack.processes.programs import PARTS
from connectors.stack.stack import Stack
from schemas.errors import ConfigurationError
from streams.cli import app
from streams.settings import Settings, load

ROOT = Path(__file__).parents[2]
LAUNCHER = ROOT / "timeloom"


def run(*arguments: str, launcher: Path = LAUNCHER, cwd: Path = ROOT, **environment: str) -> tuple[int, str, str]:
    answer = subprocess.run(
        [launcher, *arguments], cwd=cwd, env={**os.environ, **environment}, capture_output=True, text=True, timeout=60
    )
    return answer.returncode, answer.stdout, answer.stderr


def commands() -> list[tuple[str, str]]:
    """Every command with its whole help text."""
    found = []

    def walk(command: object, path: str) -> None:
        inner = getattr(command, "commands", None)
        if inner is None:
            found.append((path, str(getattr(command, "help", ""))))
        for name, sub in (inner or {}).items():
            walk(sub, f"{path} {name}".strip())

    walk(get_command(app), "")
    return found


@pytest.mark.parametrize(("path", "help_text"), commands())
def test_the_help_of_every_command_has_an_example_of_it(path: str, help_text: str) -> None:
    assert f"Example: ./timeloom {path}" in help_text
    assert "Exit: 0" in help_text


def test_the_launcher_runs_from_any_folder_and_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "first").symlink_to(LAUNCHER)
    (tmp_path / "second").symlink_to("first")
    code, out, err = run("stack", "--help", launcher=tmp_path / "second", cwd=tmp_path)
    assert (code, err) == (0, "")
    assert "reset" in out


def test_the_launcher_of_a_bare_clone_says_what_to_do_first(tmp_path: Path) -> None:
    bare = tmp_path / "a clone"
    bare.mkdir()
    (bare / "timeloom").write_bytes(LAUNCHER.read_bytes())
    (bare / "timeloom").chmod(0o755)
    code, _out, err = run("stack", "up", launcher=bare / "timeloom")
    assert code == 2
    assert f'make -C "{bare}" install' in err


def test_where_there_is_no_stack_every_part_is_down(tmp_path: Path) -> None:
    code, out, _err = run("stack", "status", "--json", TIMELOOM_HOME=str(tmp_path / "none"))
    assert code == 1
    assert [(part["part"], part["state"]) for part in json.loads(out)["parts"]] == [(part, "down") for part in PARTS]
    assert not (tmp_path / "none").exists()


def test_down_says_what_it_did_and_the_stacks_help_shows_how_to_begin(tmp_path: Path) -> None:
    code, out, _err = run("stack", "down", TIMELOOM_HOME=str(tmp_path / "none"))
    assert (code, out) == (0, f"There is no stack in {tmp_path / 'none'}, so nothing was to be stopped.\n")
    _code, out, _err = run("stack", "--help")
    assert "Example: ./timeloom stack up" in out
    assert "Exit: 0" in out


def test_an_unknown_part_is_wrong_usage() -> None:
    code, _out, err = run("stack", "logs", "zookeeper")
    assert code == 2
    assert "mariadb, kafka, connect" in err


def test_what_a_person_can_mend_is_one_line(tmp_path: Path) -> None:
    code, _out, err = run("stack", "logs", "kafka", TIMELOOM_HOME=str(tmp_path))
    assert code == 3
    assert err == f"timeloom: There is no stack in {tmp_path}. Bring it up: ./timeloom stack up\n"


@pytest.mark.parametrize("variable", ["TIMELOOM_DATABASE_HOST", "TIMELOOM_KAFKA_BOOTSTRAP", "TIMELOOM_CONNECT_URL"])
@pytest.mark.parametrize("command", [("stack", "up"), ("demo", "--llm")])
def test_no_stack_is_started_beside_servers_of_ones_own(
    tmp_path: Path, command: tuple[str, ...], variable: str
) -> None:
    """Its `prepare` would change theirs. Nothing can be fetched, so that nothing starts should this be wrong."""
    home, nowhere = tmp_path / "home", "http://127.0.0.1:9"
    given = {variable: "http://example.com:1", "TIMELOOM_HOME": str(home), "TIMELOOM_MAVEN": nowhere}
    code, _out, err = run(*command, **given)
    assert code == 2
    assert variable in err
    assert "./timeloom prepare" in err
    assert not home.exists()


def test_what_is_away_of_servers_of_ones_own_is_started_as_it_is_run_there(tmp_path: Path) -> None:
    passwords = {f"TIMELOOM_{user}_PASSWORD": "p" for user in ("ADMIN", "COLLECTOR", "CAPTURE", "PIPELINE")}
    own = {"DATABASE_HOST": "127.0.0.1", "DATABASE_PORT": "1", "KAFKA_BOOTSTRAP": "127.0.0.1:1"}
    own |= {"CONNECT_URL": "http://127.0.0.1:1", "HOME": str(tmp_path)}
    given = {f"TIMELOOM_{name}": value for name, value in own.items()}
    code, out, _err = run("ops", "status", "--within", "20", "--json", **passwords, **given)
    links = json.loads(out)["links"]
    assert code == 3
    assert [link["name"] for link in links] == ["mariadb", "kafka", "connect"]
    assert {link["mend"] for link in links} == {"start it where it runs"}


@pytest.mark.stack
def test_status_tells_state_address_and_process_of_each_part(stack: Stack) -> None:
    code, out, _err = run("stack", "status", "--json", TIMELOOM_HOME=str(stack.home.path))
    parts = {part["part"]: part for part in json.loads(out)["parts"]}
    assert code == 0
    assert set(parts) == set(PARTS)
    where = stack.addresses()
    assert parts["mariadb"]["address"] == f"127.0.0.1:{where.ports.mariadb}"
    assert parts["kafka"]["address"] == where.kafka_bootstrap
    assert parts["connect"]["address"] == where.connect_url
    for name in ("mariadb", "kafka", "connect"):
        assert parts[name]["state"] == "up"
        os.kill(parts[name]["pid"], 0)


@pytest.mark.stack
def test_up_again_changes_nothing(stack: Stack) -> None:
    before = [(part.part, part.pid) for part in stack.status()]
    where = stack.up()
    assert [(part.part, part.pid) for part in stack.status()] == before
    assert stack.addresses() == where


def test_another_server_needs_its_own_passwords() -> None:
    with pytest.raises(ConfigurationError, match="TIMELOOM_CAPTURE_PASSWORD, TIMELOOM_PIPELINE_PASSWORD"):
        Settings(database_host="db.example", admin_password="a", collector_password="b").mariadb()  # type: ignore[arg-type]


def test_a_setting_that_can_not_be_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIMELOOM_DATABASE_PORT", "many")
    with pytest.raises(ConfigurationError, match=r"TIMELOOM_DATABASE_PORT='many'"):
        load()


def test_secrets_are_masked_when_settings_are_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIMELOOM_ADMIN_PASSWORD", "hush-1")
    monkeypatch.setenv("OPENAI_API_KEY", "hush-2")
    assert "hush" not in repr(load())


def test_the_help_needs_nothing_heavy() -> None:
    """Every start of a command pays for what the assembly imports."""
    code = (
        "import sys, streams.cli; print(*[m for m in ('faust', 'numpy', 'openai', 'sqlalchemy') if m in sys.modules])"
    )
    answer = subprocess.run([ROOT / ".venv/bin/python", "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert answer.stdout.strip() == ""
