"""Servers: started for the benchmark, waited for, measured, and stopped whatever happens."""

import os
import re
import signal
import socket
import time
from pathlib import Path

from ftbench import process
from ftbench.process import Failed

START_LIMIT = 60.0  # seconds
STOP_LIMIT = 10.0


class Place:
    """Where the two ends of a transfer run: both on loopback, or at the two ends of a long line."""

    def __init__(self, name: str, address: str, server_prefix: list[str], client_prefix: list[str]):
        self.name = name
        self.address = address
        self.server_prefix = server_prefix
        self.client_prefix = client_prefix

    @property
    def is_loopback(self) -> bool:
        return not self.server_prefix


LOOPBACK = Place("loopback", "127.0.0.1", [], [])


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Daemon:
    """A running server with all its children."""

    def __init__(self, argv: list[str], log: Path, environment: dict[str, str] | None = None):
        self.log = str(log)
        self.pid = process.spawn(argv, self.log, environment, group=0)

    def cpu_seconds(self) -> float:
        return process.cpu_seconds(self.pid)

    def alive(self) -> bool:
        return os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None

    def wait_for_line(self, pattern: str) -> re.Match[str]:
        """Waits until the log has a line with the pattern, and returns the match."""
        return self._wait(lambda: re.search(pattern, Path(self.log).read_text(errors="replace")), pattern)

    def wait_for_port(self, place: Place, port: int) -> None:
        """Waits until somebody listens, seen in the kernel's table, so that no connection is made."""
        wanted = f":{port:04X}"
        self._wait(lambda: any(self._listens(line, wanted) for line in self._sockets()), f"port {port} at {place.name}")

    def _sockets(self) -> list[str]:
        try:
            return Path(f"/proc/{self.pid}/net/tcp").read_text().splitlines()
        except OSError:
            return []

    @staticmethod
    def _listens(line: str, wanted: str) -> bool:
        fields = line.split()
        return len(fields) > 3 and fields[1].endswith(wanted) and fields[3] == "0A"

    def _wait(self, seen, what: str):
        end = time.monotonic() + START_LIMIT
        while time.monotonic() < end:
            result = seen()
            if result:
                return result
            if not self.alive():
                break
            time.sleep(0.01)
        raise Failed(f"the server did not come up ({what}): {process.last_words(self.log)}")

    def stop(self) -> None:
        """Ends the server and what it has started, such as a process for each connection."""
        members = process.family(self.pid)
        _signal(os.killpg, self.pid, signal.SIGTERM)
        end = time.monotonic() + STOP_LIMIT
        while self.alive() and time.monotonic() < end:
            time.sleep(0.01)
        _signal(os.killpg, self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        for orphan in set(members) & set(process.children(os.getpid())):
            _signal(os.kill, orphan, signal.SIGKILL)
            os.waitpid(orphan, 0)
        process.reap_orphans()


def _signal(send, target: int, number: int) -> None:
    try:
        send(target, number)
    except ProcessLookupError:
        pass
