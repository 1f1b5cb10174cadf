"""A long line: two network namespaces joined by the program in bench/wan, for rows in which round trips count."""

import os
import subprocess
from pathlib import Path

from ftbench import process
from ftbench.daemon import Daemon, Place
from ftbench.process import Failed

ONE_WAY_MS = 25
RATE_MBIT = 1000
QUEUE_MS = 100
DEVICE = "line0"
NEAR_ADDRESS = "192.0.2.1"  # of the range for documentation, only inside the two namespaces
FAR_ADDRESS = "192.0.2.2"


def congestion_control() -> str:
    """That of the machine; new namespaces have the same, and may not choose freely."""
    return Path("/proc/sys/net/ipv4/tcp_congestion_control").read_text().strip()


class LongLine:
    def __init__(self, program: str, log: Path):
        self._near = f"ftbench-near-{os.getpid()}"
        self._far = f"ftbench-far-{os.getpid()}"
        self._daemon: Daemon | None = None
        try:
            self._connect(program, log)
        except BaseException:
            self.close()
            raise
        self.place = Place("line", FAR_ADDRESS, _inside(self._far), _inside(self._near))

    @staticmethod
    def check_possible() -> None:
        if os.geteuid() != 0:
            raise Failed("the long line needs root (network namespaces)")
        if not os.path.exists("/dev/net/tun"):
            raise Failed("the long line needs /dev/net/tun")
        for name in ("ip", "nsenter", "g++"):
            if process.find_program(name) is None:
                raise Failed(f"the long line needs {name}")

    def _connect(self, program: str, log: Path) -> None:
        for space in (self._near, self._far):
            _ip("netns", "add", space)
        numbers = [str(number) for number in (ONE_WAY_MS, RATE_MBIT, 0, QUEUE_MS)]
        self._daemon = Daemon([program, self._near, self._far, DEVICE, *numbers], log)
        self._daemon.wait_for_line("ready")
        for space, address in ((self._near, NEAR_ADDRESS), (self._far, FAR_ADDRESS)):
            _ip("-n", space, "addr", "add", f"{address}/24", "dev", DEVICE)
            _ip("-n", space, "link", "set", "lo", "up")
            _ip("-n", space, "link", "set", DEVICE, "mtu", "1500", "txqueuelen", "10000", "up")

    def close(self) -> None:
        if self._daemon:
            self._daemon.stop()
        for space in (self._near, self._far):
            subprocess.run(["ip", "netns", "del", space], check=False, capture_output=True, env=process.environment())


def _inside(space: str) -> list[str]:
    return ["nsenter", f"--net=/run/netns/{space}"]


def _ip(*words: str) -> None:
    _run(["ip", *words])


def _run(argv: list[str]) -> None:
    done = subprocess.run(argv, capture_output=True, text=True, env=process.environment())
    if done.returncode != 0:
        raise Failed(f"{' '.join(argv)}: {done.stderr.strip()}")
