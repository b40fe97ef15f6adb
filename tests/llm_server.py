"""An OpenAI-compatible HTTP server on 127.0.0.1 that a test tells how to behave, call by call, and that counts calls.

It writes narratives of its own: from what each question says, in sentences that cite, as a model would be asked to.
"""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Behaviour = Callable[["Call"], None]
"""What to do with one call; it answers through the call's handler, or doesn't."""


@dataclass
class Call:
    """One request as it arrived; header names in lower case."""

    handler: BaseHTTPRequestHandler
    headers: dict[str, str]
    body: dict[str, Any]
    server: "LanguageModelServer"

    @property
    def question(self) -> dict[str, Any]:
        """The user's message, which is JSON."""
        question: dict[str, Any] = json.loads(self.body["messages"][-1]["content"])
        return question

    def send(self, status: int, body: bytes, **headers: str) -> None:
        """A whole response."""
        self.handler.send_response(status)
        for name, value in {"Content-Type": "application/json", "Content-Length": str(len(body)), **headers}.items():
            self.handler.send_header(name.replace("_", "-"), value)
        self.handler.end_headers()
        self.handler.wfile.write(body)

    def complete(self, content: str, finish_reason: str = "stop") -> None:
        """A chat completion with this content; a token is taken to be four characters."""
        sent = sum(len(message["content"]) for message in self.body["messages"])
        completion = {
            "id": "chatcmpl-test",
            "object": "chat.completion",
            "created": 0,
            "model": self.body["model"],
            "choices": [
                {"index": 0, "finish_reason": finish_reason, "message": {"role": "assistant", "content": content}}
            ],
            "usage": {
                "prompt_tokens": sent // 4,
                "completion_tokens": len(content) // 4,
                "total_tokens": sent // 4 + len(content) // 4,
            },
        }
        self.send(200, json.dumps(completion).encode())


def good(call: Call) -> None:
    """A narrative for each entry: the first activity's title, cited."""
    entries = []
    for entry in call.question["entries"]:
        first = entry["activities"][0]
        said = first.get("title") or first["kind"]
        entries.append({"entry": entry["entry"], "sentences": [{"text": f"Reviewed {said}.", "cites": [first["id"]]}]})
    call.complete(json.dumps({"entries": entries}))


def inventing(call: Call) -> None:
    """Every narrative has one sentence that stands, one with a name and one with a number from nowhere, one without
    citations.
    """
    entries = []
    for entry in call.question["entries"]:
        first = entry["activities"][0]
        sentences = [
            {"text": f"Reviewed {first.get('title') or first['kind']}.", "cites": [first["id"]]},
            {"text": "Called Zebulon Quux about it.", "cites": [first["id"]]},
            {"text": "Reviewed 98765 pages.", "cites": [first["id"]]},
            {"text": "Reviewed it.", "cites": []},
        ]
        entries.append({"entry": entry["entry"], "sentences": sentences})
    call.complete(json.dumps({"entries": entries}))


def limited(after_s: float = 0) -> Behaviour:
    """429 with Retry-After."""
    return lambda call: call.send(429, b'{"error": {"message": "slow down"}}', Retry_After=str(after_s))


def failing(status: int = 500) -> Behaviour:
    """An error of that status."""
    return lambda call: call.send(status, b'{"error": {"message": "made to fail"}}')


def echoing(status: int) -> Behaviour:
    """An error of that status that quotes the question wherever it can."""

    def echo(call: Call) -> None:
        said = call.body["messages"][-1]["content"]
        call.send(status, json.dumps({"error": {"message": said, "code": said, "type": said, "param": said}}).encode())

    return echo


def garbage(call: Call) -> None:
    """200 with something that isn't JSON."""
    call.send(200, b"<html>Bad gateway</html>")


def truncated(call: Call) -> None:
    """A completion whose content was cut off by the token limit."""
    call.complete('{"entries": [{"entry": 1, "sent', finish_reason="length")


def prose(call: Call) -> None:
    """A completion that ignores the schema."""
    call.complete("Sure! Here are your narratives.")


def dropped(call: Call) -> None:
    """Half a response, then the connection is closed."""
    call.handler.send_response(200)
    call.handler.send_header("Content-Type", "application/json")
    call.handler.send_header("Content-Length", "100000")
    call.handler.end_headers()
    call.handler.wfile.write(b'{"id": "chatcmpl-')
    call.handler.close_connection = True


def silent(call: Call) -> None:
    """Nothing, until the server is stopped."""
    call.server.stopped.wait(60)


def trickling(call: Call) -> None:
    """A byte of an answer now and then, each well within a client's limit for a read; it ends after some seconds."""
    call.handler.send_response(200)
    call.handler.send_header("Content-Type", "application/json")
    call.handler.send_header("Content-Length", "80")
    call.handler.end_headers()
    for _ in range(80):
        call.handler.wfile.write(b" ")
        if call.server.stopped.wait(0.1):
            return


@dataclass
class LanguageModelServer:
    """`script` is used up call by call; after it every call is answered by `then`."""

    script: list[Behaviour] = field(default_factory=list)
    then: Behaviour = good
    calls: list[Call] = field(default_factory=list)
    stopped: threading.Event = field(default_factory=threading.Event)
    url: str = ""

    def next(self, call: Call) -> Behaviour:
        """Counts a call and says how to answer it."""
        self.calls.append(call)
        return self.script.pop(0) if self.script else self.then


@contextmanager
def language_model(*script: Behaviour, then: Behaviour = good) -> Iterator[LanguageModelServer]:
    """A running server, for as long as the block lasts."""
    model = LanguageModelServer(list(script), then)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            call = Call(self, {name.lower(): value for name, value in self.headers.items()}, body, model)
            if self.path != "/v1/chat/completions":
                call.send(404, b'{"error": {"message": "no such path"}}')
                return
            model.next(call)(call)

        def log_message(self, format: str, *args: Any) -> None:
            """The test counts; nobody reads a log."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    model.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield model
    finally:
        model.stopped.set()
        server.shutdown()
        server.server_close()
