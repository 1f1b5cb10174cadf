"""bench/attack at a small size: the honest client is served, the attackers go at their deadline, and all is as before."""

import subprocess
import sys
from pathlib import Path

from support.binaries import sanitized

import pytest

kCommand = Path(__file__).resolve().parents[2] / "bench/attack"
kLimit = 600     # seconds
kTolerance = 15  # seconds; what trickles would end by itself after 32 s


@pytest.mark.parametrize("name", ["trickle", "idle", "resets", "handshakes", "descriptors"])
def test_honest_clients_are_served_while_others_attack(ftpd_binary, name):
    if sanitized(ftpd_binary):
        pytest.skip("a sanitizer is built in: its times and memory are not the program's")
    argv = [sys.executable, str(kCommand), "--scale", "0.02", "--tolerance", str(kTolerance), "--ftpd", str(ftpd_binary), "--only", name]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=kLimit, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
