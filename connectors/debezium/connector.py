"""Registers the connector with Kafka Connect, shows what a new configuration changes, and reads its state."""

import configparser
import ipaddress
import re
from collections.abc import Mapping
from pathlib import Path
from string import Template
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

import msgspec
import requests
from tenacity import retry, retry_if_exception_type, stop_after_delay, wait_exponential

from connectors.stack.waiting import wait_until
from schemas.checks import ConnectFacts
from schemas.errors import CaptureError, StackError

NAME = "timeloom"
CLASS = "io.debezium.connector.mariadb.MariaDbConnector"
CONFIGURATION = Path(__file__).with_name("connector.properties")
TIMEOUT_S = 10
RUNS_WITHIN_S = 60
SECRET = re.compile(r".*(password|sasl\.jaas\.config|ssl\.keystore\.key)")
"""Settings that nobody is shown; the connector gets the same pattern for its own log."""


class _Rebalancing(StackError):
    """Connect answered 409: its workers are rebalancing, and nothing can be changed for a moment."""


class Target(msgspec.Struct, frozen=True):
    """The values of `${...}` in the configuration.

    `kafka_security`: a Java client's settings, for the schema history's own clients. `database_tls`: more settings of
    the connector if the database is reached by TLS.
    """

    database_host: str
    database_port: int
    database_password: str
    kafka_bootstrap: str
    partitions: int
    database: str = "timeloom"
    kafka_security: Mapping[str, str] = {}
    database_tls: Mapping[str, str] = {}

    def __repr__(self) -> str:
        return f"Target({self.database_host}:{self.database_port}, {self.kafka_bootstrap})"


class Difference(msgspec.Struct, frozen=True):
    """A setting that registration changes; None if it is missing before or after. Secrets are masked."""

    key: str
    before: str | None
    after: str | None


class CaptureState(msgspec.Struct, frozen=True):
    """Connect's answer: `connector` and `task` are RUNNING, FAILED, PAUSED, ... or UNASSIGNED; `trace` says why."""

    connector: str
    task: str
    trace: str = ""

    @property
    def running(self) -> bool:
        """True if Connect reports that both run. It does so a moment before rows flow; a mark proves that they do."""
        return self.connector == "RUNNING" and self.task == "RUNNING"

    @property
    def failed(self) -> bool:
        """True if one of them ended with an error. Connect leaves it so until it is restarted."""
        return "FAILED" in (self.connector, self.task)

    @property
    def why(self) -> str:
        """The first line of the error it ended with; empty without one."""
        return (self.trace.splitlines() or [""])[0]


def configuration(target: Target) -> dict[str, str]:
    """The connector's settings for one target, from `connector.properties`."""
    parser = configparser.ConfigParser(delimiters=("=",), comment_prefixes=("#",), interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]  # keys keep their letters' case
    parser.read_string("[connector]\n" + CONFIGURATION.read_text(encoding="utf-8"))
    values = {name: str(value) for name, value in msgspec.structs.asdict(target).items()}
    filled = {key: Template(value).substitute(values) for key, value in parser["connector"].items()}
    history = {
        f"schema.history.internal.{client}.{key}": value
        for client in ("producer", "consumer")
        for key, value in target.kafka_security.items()
    }
    return {**filled, "custom.sanitize.pattern": SECRET.pattern, **target.database_tls, **history}


def verified(host: str, truststore: str | None, password: str) -> dict[str, str]:
    """The connector's settings for a database whose certificate must be signed, and good for its name.

    `truststore`: a PKCS 12 file on Connect's machine; None for the authorities that its Java trusts anyway.
    """
    # The binlog's client looks for names in a certificate, never for addresses.
    settings = {"database.ssl.mode": "verify-ca" if _is_address(host) else "verify-full"}
    if truststore:
        # The first two are read by the binlog's client, the others by the driver for everything else.
        settings |= {
            "database.ssl.truststore": truststore,
            "database.ssl.truststore.password": password,
            "driver.trustStore": truststore,
            "driver.trustStorePassword": password,
            "driver.trustStoreType": "pkcs12",
        }
    return settings


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


class Connect:
    """Kafka Connect's REST interface, as far as one connector needs it. `url` like https://me:secret@connect:8083."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._session = requests.Session()
        if parts.username:
            # Out of the address: that is printed when something is wrong.
            self._session.auth = (unquote(parts.username), unquote(parts.password or ""))
        place = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
        self._place = place.rstrip("/")
        self._connector = f"{self._place}/connectors/{NAME}"

    def register(self, wanted: dict[str, str]) -> list[Difference]:
        """Applies the configuration and returns what it changed; sends nothing if nothing differs."""
        present = self._present()
        changes = differences(present, wanted)
        if changes:
            self._put(wanted)
        return changes

    def state(self) -> CaptureState:
        """The state of the connector and its task."""
        answer = self._call("GET", "/status")
        if answer.status_code == 404:
            return CaptureState("UNREGISTERED", "UNREGISTERED")
        body = _checked(answer).json()
        tasks = body.get("tasks") or [{"state": "UNASSIGNED"}]
        return CaptureState(body["connector"]["state"], tasks[0]["state"], tasks[0].get("trace", ""))

    def offset(self) -> dict[str, Any]:
        """The connector's offset in the binlog and in a snapshot; empty if it has none."""
        answer = self._call("GET", "/offsets")
        if answer.status_code == 404:
            return {}
        offsets: list[dict[str, Any]] = _checked(answer).json()["offsets"]
        return offsets[0]["offset"] if offsets else {}

    def facts(self) -> ConnectFacts:
        """Facts about the workers, with or without a connector; it changes nothing."""
        version = _checked(self._ask("GET", f"{self._place}/")).json()["version"]
        listed = _checked(self._ask("GET", f"{self._place}/connector-plugins")).json()
        plugins = {one["class"]: one["version"] for one in listed}
        refused = ""
        if CLASS in plugins:
            asked = {"connector.class": CLASS, "name": NAME, "exactly.once.support": "required"}
            answer = self._ask("PUT", f"{self._place}/connector-plugins/{CLASS}/config/validate", asked)
            values = [one["value"] for one in _checked(answer).json()["configs"]]
            refused = " ".join(w for one in values if one["name"] == "exactly.once.support" for w in one["errors"])
        return ConnectFacts(version=version, plugin=plugins.get(CLASS), exactly_once=refused)

    def restart(self) -> None:
        """Starts the connector and its failed task again."""
        _checked(self._call("POST", "/restart?includeTasks=true"))

    def see_it_run(self, within_s: float = RUNS_WITHIN_S) -> None:
        """Returns when connector and task run. Raises CaptureError with the task's own words if they don't."""
        if wait_until(lambda: self.state().running or self.state().failed, within_s) and self.state().running:
            return
        state = self.state()
        raise CaptureError(
            f"The connector is {state.connector} and its task {state.task} after {within_s:g} s.\n{state.trace}\n"
            "See ./timeloom stack logs connect; once mended: ./timeloom prepare"
        )

    def stop(self) -> None:
        """Stops the connector and keeps its configuration and offsets."""
        _checked(self._call("PUT", "/stop"))

    def resume(self) -> None:
        """Resumes after `stop`."""
        _checked(self._call("PUT", "/resume"))

    def forget_offsets(self) -> None:
        """Makes the next start take a new snapshot, which has no deletes in it. The connector must be stopped."""
        _checked(self._call("DELETE", "/offsets"))

    def _present(self) -> dict[str, str]:
        answer = self._call("GET", "/config")
        present: dict[str, str] = {} if answer.status_code == 404 else _checked(answer).json()
        return {key: value for key, value in present.items() if key != "name"}

    # Connect answers 409 while its workers rebalance, as they do right after a start.
    @retry(
        retry=retry_if_exception_type(_Rebalancing),
        stop=stop_after_delay(30),
        wait=wait_exponential(0.1, max=2),
        reraise=True,
    )
    def _put(self, wanted: dict[str, str]) -> None:
        answer = self._call("PUT", "/config", wanted)
        if answer.status_code == 409:
            raise _Rebalancing(f"Connect is still rebalancing: {answer.text}")
        _checked(answer)

    def _call(self, method: str, path: str, body: dict[str, str] | None = None) -> requests.Response:
        return self._ask(method, self._connector + path, body)

    def _ask(self, method: str, url: str, body: dict[str, str] | None = None) -> requests.Response:
        try:
            return self._session.request(method, url, json=body, timeout=TIMEOUT_S)
        except requests.RequestException as error:
            raise StackError(
                f"Kafka Connect does not answer at {url}: {error}. See `./timeloom stack status`."
            ) from error


def differences(present: dict[str, str], wanted: dict[str, str]) -> list[Difference]:
    """What putting `wanted` in place of `present` changes, by key."""
    keys = sorted(set(present) | set(wanted))
    return [
        Difference(key, _shown(key, present.get(key)), _shown(key, wanted.get(key)))
        for key in keys
        if present.get(key) != wanted.get(key)
    ]


def _shown(key: str, value: str | None) -> str | None:
    return "********" if value is not None and SECRET.fullmatch(key) else value


def _checked(answer: requests.Response) -> requests.Response:
    if answer.ok:
        return answer
    try:
        message = answer.json().get("message", answer.text)
    except ValueError:
        message = answer.text
    raise CaptureError(f"Kafka Connect refused {answer.request.method} {answer.url} ({answer.status_code}): {message}")
