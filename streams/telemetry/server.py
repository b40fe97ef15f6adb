"""A program's small HTTP server: /healthz (is it alive), /readyz (can it take work), /metrics (Prometheus).

It answers from its own threads, so it also answers, and reports it, while the program hangs.
"""

import threading
from collections.abc import Callable
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Protocol

import structlog
from prometheus_client import CollectorRegistry, PlatformCollector, ProcessCollector
from prometheus_client.exposition import choose_encoder

from schemas.checks import Health, HealthCheck, encode_health
from schemas.errors import ConfigurationError
from streams.telemetry import metrics, registry

READ_TIMEOUT_S = 10
"""A client that says nothing for so long is hung up on."""

log = structlog.get_logger("telemetry")


class ProgramHealth(Protocol):
    """What a program reports of itself. The server's threads call it: it reads, and changes nothing."""

    program: str

    def alive(self) -> list[HealthCheck]:
        """Whether it does its work. What fails here doesn't recover by itself."""

    def ready(self) -> list[HealthCheck]:
        """Whether it can take work now. What fails here may only need time."""

    def measure(self) -> None:
        """Sets the gauges that are read rather than counted."""


class TelemetryServer:
    """The server, in a thread. Use it as a context: it answers for as long as the block lasts."""

    def __init__(self, program_health: ProgramHealth, host: str, port: int) -> None:
        """Listens at once; port 0 is any free one. Raises ConfigurationError if it can't."""
        self._program = program_health
        self._registry = CollectorRegistry()
        for metric in registry.metrics_of(program_health.program):
            self._registry.register(metric.collector)
        ProcessCollector(registry=self._registry)
        PlatformCollector(registry=self._registry)
        try:
            self._server = _Server((host, port), partial(_Handler, self))
        except (OSError, OverflowError) as error:
            raise ConfigurationError(
                f"{program_health.program} can't listen on {host}:{port} for its telemetry ({error}). Set "
                "TIMELOOM_TELEMETRY_HOST and TIMELOOM_TELEMETRY_PORT to an address that is free here; port 0 is any."
            ) from error
        self.address = f"http://{host}:{self._server.server_address[1]}"

    def __enter__(self) -> "TelemetryServer":
        thread = threading.Thread(target=self._server.serve_forever, name="telemetry", daemon=True)
        thread.start()
        log.info("telemetry", address=self.address, paths=["/healthz", "/readyz", "/metrics"])
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def healthz(self) -> Health:
        """Whether it is alive."""
        return _health(self._program.program, self._program.alive())

    def readyz(self) -> Health:
        """Whether it can take work."""
        return _health(self._program.program, self._program.ready())

    def scrape(self, accept: str) -> tuple[str, bytes]:
        """All current metrics in the form that the scraper accepts: content type and body."""
        self._program.measure()
        metrics.HEALTHY.set(self.healthz().well)
        metrics.READY.set(self.readyz().well)
        encode, content_type = choose_encoder(accept)
        return content_type, encode(self._registry)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """Ignores a client that hangs up during an answer; any other failure is a bug of ours."""
        log.warning("telemetry_request_failed", exc_info=True)


class _Handler(BaseHTTPRequestHandler):
    timeout = READ_TIMEOUT_S
    protocol_version = "HTTP/1.1"

    def __init__(self, telemetry: TelemetryServer, *arguments: object) -> None:
        self._telemetry = telemetry
        super().__init__(*arguments)  # type: ignore[arg-type]

    def do_GET(self) -> None:
        """Answers 200 if all is well, else 503 with what to do."""
        asked: dict[str, Callable[[], Health]] = {
            "/healthz": self._telemetry.healthz,
            "/readyz": self._telemetry.readyz,
        }
        path = self.path.split("?")[0]
        if path == "/metrics":
            self._respond(200, *self._telemetry.scrape(self.headers.get("Accept", "")))
        elif path in asked:
            health = asked[path]()
            self._respond(200 if health.well else 503, "application/json", encode_health(health) + b"\n")
        else:
            self._respond(404, "text/plain", b"There are /healthz, /readyz and /metrics.\n")

    def _respond(self, status: int, content_type: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Logs nothing: a scrape comes every few seconds."""


def _health(program: str, checks: list[HealthCheck]) -> Health:
    return Health(program, all(check.well for check in checks), tuple(checks))
