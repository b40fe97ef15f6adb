"""How a program that runs for ever is told to stop."""

import signal
import socket
import threading
from types import FrameType

TOLD = (signal.SIGTERM, signal.SIGINT)


def stop_event() -> threading.Event:
    """Set by SIGTERM and SIGINT: what is under way is finished first. Once in a program, by its main thread.

    A thread of its own hears them. Python's handlers wait until the main thread is back from librdkafka, which may take
    seconds; until then whoever asks would be told that the program is ready for more.
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
    """Without a handler the signal would end the program at once."""
