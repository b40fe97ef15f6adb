"""How a program that runs for ever is stopped."""

import signal
import socket
import threading
from types import FrameType

TOLD = (signal.SIGTERM, signal.SIGINT)


def stop_event() -> threading.Event:
    """Returns an event that SIGTERM and SIGINT set; work in progress is finished first. Call it once, in the main
    thread.

    Its own thread receives the signals. Python's handlers wait until the main thread is back from librdkafka, which may
    take seconds; until then the program would report that it is ready for more.
    """
    stop = threading.Event()
    heard, rung = socket.socketpair()
    rung.setblocking(False)
    signal.set_wakeup_fd(rung.detach(), warn_on_full_buffer=False)  # for as long as the process lives
    for number in TOLD:
        signal.signal(number, _handle_signal)

    def listen() -> None:
        while rang := heard.recv(1):
            if rang[0] in TOLD:
                stop.set()

    threading.Thread(target=listen, name="signals", daemon=True).start()
    return stop


def _handle_signal(_: int, __: FrameType | None) -> None:
    """Does nothing: without a handler the signal would end the program at once."""
