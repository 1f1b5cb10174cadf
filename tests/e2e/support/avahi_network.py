"""Two machines on one wire, without leaving this one: networks of their own, of which the first has an Avahi daemon. Needs root."""

import os
import shutil
import subprocess

import pytest

# "first" has 10.78.0.1 and Avahi; "second" has 10.78.0.2, a name of its own, and reaches neither Avahi nor the system bus. All of it goes with the script.
kPrelude = """
set -e
mount -t tmpfs tmpfs /run && mkdir -p /run/dbus /run/avahi-daemon
unshare -n -u sleep 3000 & other=$!
until [ "$(readlink /proc/$other/ns/net)" != "$(readlink /proc/$$/ns/net)" ]; do sleep 0.02; done
ip link add v0 type veth peer name v1
ip link set v1 netns $other
second() { env DBUS_SYSTEM_BUS_ADDRESS=unix:path=/nonexistent nsenter -t $other -n -u "$@"; }
ip link set lo up && ip addr add 10.78.0.1/24 dev v0 && ip link set v0 up
second sh -c 'echo second >/proc/sys/kernel/hostname; ip link set lo up && ip addr add 10.78.0.2/24 dev v1 && ip link set v1 up'
dbus-daemon --system --fork --nopidfile
avahi-daemon -D --no-drop-root --no-chroot --no-rlimits -f /dev/null
until avahi-daemon -c; do sleep 0.05; done
"""


def need():
    """Skips the test where it cannot be had."""
    if os.geteuid() != 0:
        pytest.skip("needs root for networks of its own")
    missing = [name for name in ("unshare", "nsenter", "ip", "dbus-daemon", "avahi-daemon", "avahi-browse")
               if shutil.which(name, path="/usr/sbin:/usr/bin:/sbin:/bin") is None]
    if missing:
        pytest.skip("not installed: " + ", ".join(missing))
    if run("true").returncode != 0:
        pytest.skip("no networks of its own, or no Avahi in them: " + run("true").stderr[-300:])


def run(script, deadline=240, **env):
    """Runs a shell script there; a CompletedProcess with text. `second COMMAND` runs on the other machine."""
    words = ["unshare", "-n", "-m", "-p", "-f", "--mount-proc", "--kill-child", "sh", "-c", kPrelude + script]
    try:
        return subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=deadline,
                              env={**os.environ, **env}, check=False)
    except subprocess.TimeoutExpired as late:
        return subprocess.CompletedProcess(words, -1, str(late.stdout), f"took too long: {late.stderr}")
