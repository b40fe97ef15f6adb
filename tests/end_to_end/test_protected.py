"""A stack that lets nobody in without TLS and a password: rows in, groups and entries out, and what is told outside."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pymysql
import pytest
from confluent_kafka.admin import (
    AdminClient,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialUpsertion,
)
from sqlalchemy import text

from connectors.kafka.client.cluster import Cluster
from connectors.kafka.client.connectivity import knock
from connectors.mariadb.server.engine import connect
from connectors.stack.processes.supervisor import orphans
from connectors.stack.servers.tls import Protection
from connectors.stack.stack import Stack
from schemas.errors import StackError
from streams.settings import Settings
from streams.stack.prepare import prepare
from tests.certificates import make_certificates
from tests.conftest import ROOT
from tests.live import Live
from tests.programs import eventually, running

SCRAM_PASSWORD = 'made up, with a "quote" and a \\'


@pytest.fixture(scope="module")
def protected(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """A stack of its own with certificates of its own, and capture running."""
    certificates = make_certificates(tmp_path_factory.mktemp("tls") / "certificates")
    home = ROOT / ".timeloom" / "tests" / f"{os.getpid()}-protected"
    stack = Stack(home, downloads=ROOT / ".timeloom" / "downloads", certificates=certificates)
    try:
        stack.up()
        settings = Settings(home=home)
        prepare(settings)
        database = settings.mariadb()
        yield Live(stack, settings, connect(database.url("collector")), connect(database.url("pipeline")))
    finally:
        stack.reset()
        shutil.rmtree(home)


def protection(live: Live) -> Protection:
    found = live.stack.addresses().protection
    assert found is not None
    return found


def add_scram_user(cluster: Cluster, name: str) -> None:
    """As an administrator of a broker adds one."""
    info = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, 4096)
    wanted = UserScramCredentialUpsertion(name, info, SCRAM_PASSWORD.encode())
    admin = AdminClient(cluster.client())
    admin.alter_user_scram_credentials([wanted])[name].result()


def test_rows_become_groups_and_entries(protected: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    """`bill` gets in as the stack remembers, `group` by the settings and as another user."""
    who = protected.timekeeper()
    home = protected.stack.home.path
    cluster = protected.settings.kafka()
    add_scram_user(cluster, "grouper")
    with running(home, "bill"), monkeypatch.context() as environment:
        environment.setenv("TIMELOOM_KAFKA_BOOTSTRAP", cluster.bootstrap)
        environment.setenv("TIMELOOM_KAFKA_SECURITY_PROTOCOL", "SASL_SSL")
        environment.setenv("TIMELOOM_KAFKA_SASL_USERNAME", "grouper")
        environment.setenv("TIMELOOM_KAFKA_SASL_PASSWORD", SCRAM_PASSWORD)
        environment.setenv("TIMELOOM_KAFKA_SSL_CA", protection(protected).ca)
        with running(home, "group"):
            protected.insert(who, "draft.docx - Editor (generated)", minute=0)
            protected.insert(who, "draft.docx - Editor (generated)", minute=5)
            eventually(lambda: protected.groups(who) and protected.groups(who) == protected.expected(who))
            eventually(lambda: entries(protected, who.timekeeper))


def entries(live: Live, timekeeper: int) -> int:
    with live.pipeline.connect() as connection:
        asked = text("SELECT COUNT(*) FROM entry WHERE timekeeper_id = :t")
        return int(connection.execute(asked, {"t": timekeeper}).scalar_one())


def test_nobody_gets_in_without_tls(protected: Live) -> None:
    with pytest.raises(StackError, match=r"another protocol.*TIMELOOM_KAFKA_SECURITY_PROTOCOL"):
        knock(Cluster(protected.settings.kafka().bootstrap), within_s=5)
    where = protected.settings.mariadb()
    with pytest.raises(pymysql.OperationalError, match="insecure transport"):
        pymysql.connect(
            host=where.host, port=where.port, user="pipeline", password=where.secrets.pipeline, ssl_disabled=True
        )


def test_a_wrong_password_is_told_with_the_setting_to_correct(protected: Live) -> None:
    cluster = protected.settings.kafka()
    wrong = Cluster(cluster.bootstrap, {**cluster.security, "sasl.password": "not this one"})
    with pytest.raises(StackError, match=r"refuses the login.*TIMELOOM_KAFKA_SASL_USERNAME") as told:
        knock(wrong)
    assert "not this one" not in str(told.value)


def test_a_wrong_authority_is_told_with_the_setting_to_correct(protected: Live, tmp_path: Path) -> None:
    stranger = str(make_certificates(tmp_path / "stranger") / "ca.pem")
    cluster = protected.settings.kafka()
    with pytest.raises(StackError, match=r"TLS fails.*TIMELOOM_KAFKA_SSL_CA"):
        knock(Cluster(cluster.bootstrap, {**cluster.security, "ssl.ca.location": stranger}))
    url = protected.settings.mariadb().url("pipeline").update_query_dict({"ssl_ca": stranger})
    with pytest.raises(StackError, match="TIMELOOM_DATABASE_SSL_CA"):
        connect(url).connect()


def test_a_certificate_for_another_name_is_refused(protected: Live) -> None:
    cluster = protected.settings.kafka()
    elsewhere = cluster.bootstrap.replace("127.0.0.1", "localhost")
    with pytest.raises(StackError, match="for the very name in TIMELOOM_KAFKA_BOOTSTRAP"):
        knock(Cluster(elsewhere, cluster.security))


def test_passwords_are_in_no_log_and_no_process_list(protected: Live) -> None:
    """Last, when every program has run."""
    memory = protected.stack.addresses()
    secrets = [memory.secrets.admin, memory.secrets.capture, memory.secrets.pipeline, SCRAM_PASSWORD]
    secrets.append(protection(protected).kafka_password)
    assert protection(protected).kafka_password not in repr(memory) + repr(protected.settings.kafka())
    home = protected.stack.home
    logs = [*home.logs.iterdir(), *home.path.glob("*.log")]
    assert {"connect.log", "kafka.log"} < {file.name for file in logs}
    for file in logs:
        said = file.read_text(errors="replace")
        assert not [secret for secret in secrets if secret in said], file.name
    ours = orphans(home)
    assert len(ours) >= 4
    for process in ours:
        assert not [secret for secret in secrets if secret in " ".join(process.cmdline())], process.name()
