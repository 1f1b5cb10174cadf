"""A network of its own for one daemon, so that it sees clients from addresses that are not loopback. Needs root."""

import ctypes
import os
import subprocess
import threading

import pytest

from support.wire import Peer

kNewNet = 0x40000000
kAddress = "10.77.0.1"

# Words to put before the daemon's command: a new network with one more address on its loopback device.
kWrapper = ("unshare", "-n", "sh", "-c", f'ip link set lo up && ip addr add {kAddress}/32 dev lo && exec "$@"', "sh")


def need():
    """Skips the test where namespaces cannot be made."""
    if os.geteuid() != 0:
        pytest.skip("needs root for a network namespace")
    if subprocess.run([*kWrapper, "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("no network namespaces here")


def connect(pid, address, source=None):
    """A Peer whose socket belongs to the network of process `pid`."""
    made = []

    def open_there():
        descriptor = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY)
        try:
            if ctypes.CDLL(None, use_errno=True).setns(descriptor, kNewNet) != 0:
                raise OSError(ctypes.get_errno(), "setns")
            made.append(Peer(address, source=source))
        finally:
            os.close(descriptor)

    thread = threading.Thread(target=open_there)
    thread.start()
    thread.join()
    return made[0]
