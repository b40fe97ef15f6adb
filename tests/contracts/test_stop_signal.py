"""A program hears that it is to stop also while its main thread waits in librdkafka."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

WAITS_FOR_A_MINUTE = """
import threading
from confluent_kafka import Consumer
from streams.shared.stop_signal import stop_event

stop = stop_event()
consumer = Consumer({"group.id": "nobody", "bootstrap.servers": "127.0.0.1:1", "log_level": 0})

def told():
    stop.wait()
    print("told", flush=True)

threading.Thread(target=told, daemon=True).start()
print("waits", flush=True)
consumer.list_topics(timeout=60)
"""


@pytest.mark.timeout(30)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_is_told_at_once(number: signal.Signals) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", WAITS_FOR_A_MINUTE], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as program:
        try:
            assert program.stdout is not None
            assert program.stdout.readline() == "waits\n"
            program.send_signal(number)
            assert program.stdout.readline() == "told\n"
            assert program.poll() is None, "its main thread still waits"
        finally:
            program.kill()
