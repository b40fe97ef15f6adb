"""Settings for TLS and logins: what they come to for each kind of client, and that none is passed over in silence."""

import re
import socket
from base64 import b64encode
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from connectors.debezium.connector import Connect, Target, configuration, differences, verified
from connectors.kafka.client.cluster import Cluster
from connectors.kafka.client.connectivity import knock
from connectors.kafka.client.security import java_client, tls_context
from schemas.errors import CaptureError, ConfigurationError, StackError
from streams.settings import Settings, load
from tests.certificates import make_certificates

LOGIN = {"KAFKA_SASL_USERNAME": "anna", "KAFKA_SASL_PASSWORD": 'a "b" \\c'}
TARGET = Target(
    database_host="db.example.com", database_port=3306, database_password="p", kafka_bootstrap="k", partitions=16
)


def given(monkeypatch: pytest.MonkeyPatch, **settings: object) -> Settings:
    """The settings of an environment with these TIMELOOM_ variables, and a Kafka of one's own."""
    monkeypatch.setenv("TIMELOOM_KAFKA_BOOTSTRAP", "kafka.example.com:9093")
    for name, value in settings.items():
        monkeypatch.setenv(f"TIMELOOM_{name}", str(value))
    return load()


def test_without_settings_there_is_no_security(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = given(monkeypatch).kafka()
    assert (cluster.bootstrap, cluster.security) == ("kafka.example.com:9093", {})
    assert java_client(cluster.security) == {}
    assert tls_context(cluster.security) is None


def test_a_login_over_tls(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    ca = make_certificates(tmp_path / "tls") / "ca.pem"
    settings = given(monkeypatch, KAFKA_SECURITY_PROTOCOL="SASL_SSL", KAFKA_SSL_CA=ca, **LOGIN)
    cluster = settings.kafka()
    assert cluster.security == {
        "security.protocol": "SASL_SSL",
        "sasl.mechanism": "SCRAM-SHA-512",
        "sasl.username": "anna",
        "sasl.password": 'a "b" \\c',
        "ssl.ca.location": str(ca),
    }
    assert cluster.security.items() <= cluster.client().items()
    assert java_client(cluster.security) == {
        "security.protocol": "SASL_SSL",
        "sasl.mechanism": "SCRAM-SHA-512",
        "sasl.jaas.config": "org.apache.kafka.common.security.scram.ScramLoginModule required "
        'username="anna" password="a \\"b\\" \\\\c";',
        "ssl.truststore.type": "PEM",
        "ssl.truststore.certificates": ca.read_text().strip(),
    }
    context = tls_context(cluster.security)
    assert context is not None
    assert len(context.get_ca_certs()) == 1
    assert LOGIN["KAFKA_SASL_PASSWORD"] not in repr(settings) + repr(cluster)


def test_a_client_certificate(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    folder = make_certificates(tmp_path / "tls")
    cluster = given(
        monkeypatch,
        KAFKA_SECURITY_PROTOCOL="SSL",
        KAFKA_SSL_CERTIFICATE=folder / "server.pem",
        KAFKA_SSL_KEY=folder / "server-key.pem",
    ).kafka()
    client = java_client(cluster.security)
    assert client["ssl.keystore.certificate.chain"] == (folder / "server.pem").read_text().strip()
    assert client["ssl.keystore.key"].startswith("-----BEGIN PRIVATE KEY-----")
    assert tls_context(cluster.security) is not None


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"KAFKA_SECURITY_PROTOCOL": "TLS"}, "TIMELOOM_KAFKA_SECURITY_PROTOCOL='TLS'"),
        ({"KAFKA_SECURITY_PROTOCOL": "SASL_SSL"}, "TIMELOOM_KAFKA_SASL_PASSWORD, TIMELOOM_KAFKA_SASL_USERNAME must be"),
        (LOGIN, "TIMELOOM_KAFKA_SASL_USERNAME would have no effect with .*PROTOCOL=PLAINTEXT"),
        ({"KAFKA_SSL_CA": "/ca.pem"}, "TIMELOOM_KAFKA_SSL_CA would have no effect"),
        ({"KAFKA_SECURITY_PROTOCOL": "SSL", "KAFKA_SSL_KEY": "/k"}, "TIMELOOM_KAFKA_SSL_KEY belong together"),
        (
            {"KAFKA_SECURITY_PROTOCOL": "SSL", "KAFKA_SSL_CA": "/nowhere.pem"},
            "TIMELOOM_KAFKA_SSL_CA=/nowhere.pem is no",
        ),
        (
            {"KAFKA_SECURITY_PROTOCOL": "SSL", "KAFKA_SSL_CERTIFICATE": "/c.pem", "KAFKA_SSL_KEY": "/k.pem"},
            "TIMELOOM_KAFKA_SSL_CERTIFICATE=/c.pem and .* no certificate and its key",
        ),
    ],
)
def test_what_does_not_go_together_is_refused(
    monkeypatch: pytest.MonkeyPatch, settings: dict[str, str], message: str
) -> None:
    with pytest.raises(ConfigurationError, match=message):
        given(monkeypatch, **settings).kafka()


def test_security_settings_without_a_server_are_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="need TIMELOOM_KAFKA_BOOTSTRAP"):
        Settings(home=tmp_path, kafka_security_protocol="SSL").kafka()


def test_the_database_is_reached_by_tls(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    ca = make_certificates(tmp_path / "tls") / "ca.pem"
    passwords = {f"{user}_PASSWORD": "secret" for user in ("ADMIN", "COLLECTOR", "CAPTURE", "PIPELINE")}
    database = given(monkeypatch, DATABASE_HOST="db.example.com", DATABASE_SSL_CA=ca, **passwords).mariadb()
    assert database.url("pipeline").query == {"ssl_ca": str(ca)}
    assert "secret" not in repr(database)
    monkeypatch.setenv("TIMELOOM_DATABASE_SSL_CA", str(tmp_path))
    with pytest.raises(ConfigurationError, match=r"TIMELOOM_DATABASE_SSL_CA=.* is no file with certificates"):
        load().mariadb()


def test_the_connector_gets_what_its_own_clients_need() -> None:
    plain = configuration(TARGET)
    assert plain["database.ssl.mode"] == "disable"
    target = Target(
        "db.example.com",
        3306,
        "p",
        "k",
        16,
        kafka_security={"security.protocol": "SASL_SSL", "sasl.jaas.config": "secret"},
        database_tls=verified("db.example.com", "/etc/trust.p12", "changeit"),
    )
    settings = configuration(target)
    for client in ("producer", "consumer"):
        assert settings[f"schema.history.internal.{client}.security.protocol"] == "SASL_SSL"
    assert settings["database.ssl.mode"] == "verify-full"
    assert settings["database.ssl.truststore"] == settings["driver.trustStore"] == "/etc/trust.p12"
    assert "secret" not in repr(target)


def test_a_server_by_its_address_is_verified_without_its_name() -> None:
    """The binlog's client knows no addresses in certificates: with verify-full it would never connect."""
    assert verified("10.0.0.7", None, "")["database.ssl.mode"] == "verify-ca"
    assert verified("db.example.com", None, "") == {"database.ssl.mode": "verify-full"}


def test_what_registration_changes_is_shown_without_secrets() -> None:
    secret = {
        "database.password": "secret",
        "database.ssl.truststore.password": "secret",
        "schema.history.internal.producer.sasl.jaas.config": "secret",
        "schema.history.internal.consumer.ssl.keystore.key": "secret",
    }
    assert all("secret" not in repr(change) for change in differences({}, secret))
    pattern = configuration(TARGET)["custom.sanitize.pattern"]
    assert all(re.fullmatch(pattern, key) for key in secret)
    assert not re.fullmatch(pattern, "message.key.columns")


def test_a_broker_that_says_nothing_is_not_taken_for_another_protocol() -> None:
    """As a frozen one: the kernel takes the connection, and nobody answers."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        with pytest.raises(StackError, match="takes connections and says nothing"):
            knock(Cluster(f"127.0.0.1:{silent.getsockname()[1]}"), within_s=1.5)


def test_a_broker_that_is_not_there() -> None:
    with pytest.raises(StackError, match=r"doesn't answer .*TIMELOOM_KAFKA_BOOTSTRAP"):
        knock(Cluster("127.0.0.1:9"), within_s=3.0)


def test_the_library_refuses_a_setting() -> None:
    with pytest.raises(ConfigurationError, match="refuses its TIMELOOM_KAFKA_ settings"):
        knock(Cluster("127.0.0.1:9", {"security.protocol": "SASL_SSL", "sasl.mechanism": "TELEPATHY"}))


class Guarded(BaseHTTPRequestHandler):
    """A Connect that wants a login, and has no connector."""

    def do_GET(self) -> None:
        login = b64encode(b"me:a/b secret").decode()
        self.send_response(404 if self.headers["Authorization"] == f"Basic {login}" else 401)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


def test_connect_is_asked_with_the_login_of_its_address_and_nobody_is_shown_it() -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), Guarded) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        place = f"127.0.0.1:{server.server_port}"
        assert Connect(f"http://me:a%2Fb%20secret@{place}").state().connector == "UNREGISTERED"
        with pytest.raises(CaptureError, match=r"\(401\)") as refused:
            Connect(f"http://me:wrong@{place}").state()
        server.shutdown()
    with pytest.raises(StackError, match="does") as away:
        Connect("http://me:wrong@127.0.0.1:9").state()
    assert "wrong" not in str(refused.value) + str(away.value)
    assert "wrong" not in repr(Settings(connect_url="http://me:wrong@127.0.0.1:9"))
