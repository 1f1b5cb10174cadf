"""Rates in bytes a second: of everyone, of an address, and changed while the daemon runs."""

import os
import signal
import socket
import threading
import time

from support.daemon import config_text
from support.waiting import kPatience, longer_and_longer, wait_until
from support.wire import Closed, Peer, put_v1

kMiB = 1 << 20


def seconds(action):
    begun = time.monotonic()
    action()
    return time.monotonic() - begun


def put(daemon, name, size):
    with Peer(daemon.address) as peer:
        assert peer.put(name, os.urandom(size))["ok"]


def get(daemon, name, size):
    with Peer(daemon.address) as peer:
        assert len(peer.get(name)[1]) == size


def test_a_put_and_a_get_take_as_long_as_the_rate_says(make_daemon):
    daemon = make_daemon(config={"limits": {"rate": "4MiB"}})
    # A part of a second's worth may pass at once, and what the kernel buffers is not the daemon's to hold. A rate that is taken for
    # bits would take 32 s.
    assert 2.5 < seconds(lambda: put(daemon, "a", 16 * kMiB)) < 28
    assert 2.3 < seconds(lambda: get(daemon, "a", 16 * kMiB)) < 28


def test_the_rate_is_shared_by_all_connections(make_daemon):
    daemon = make_daemon(config={"limits": {"rate": "4MiB"}})

    def four():
        threads = [threading.Thread(target=put, args=(daemon, f"f{n}", 3 * kMiB)) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert 1.5 < seconds(four) < 24


def test_one_address_at_its_rate_leaves_the_others_theirs(make_daemon):
    daemon = make_daemon(config={"limits": {"rate_per_address": "1MiB"}})
    ended = []

    def put_slowly(peer):
        try:
            ended.append(peer.put("slow", bytes(100 * kMiB)))
        except Closed:
            pass

    with Peer(daemon.address, source="127.0.0.5") as slow:
        busy = threading.Thread(target=put_slowly, args=(slow,))
        busy.start()
        wait_until(lambda: daemon.staged_bytes() > 0, what="the slow put to begin")
        put(daemon, "small", 200_000)
        assert busy.is_alive() and not ended, "it has not waited for the other's 100 s"
        slow.socket.shutdown(socket.SHUT_RDWR)
        busy.join()


def test_paused_bodies_are_not_cut_as_too_slow(make_daemon):
    assert any(survives(make_daemon, limit) for limit in longer_and_longer(1, "a put that begins before the connection is idle"))


def survives(make_daemon, limit):
    """Was a put not cut that the rate holds up for longer than a connection may be idle?

    False where it was: this process may have stood still for as long. One that is always cut is cut with every limit.
    """
    times = {"idle_timeout": f"{limit}s", "header_timeout": f"{limit}s"}
    daemon = make_daemon(config={"limits": {"rate": "1MiB"}, "server": times})
    message = put_v1("a", os.urandom(kMiB) * 4 * limit)
    try:
        with Peer(daemon.address, timeout=8 * limit + kPatience) as peer:
            peer.send(message)
            return peer.read_frame()["ok"]
    except Closed:
        return False


def test_a_rate_is_changed_by_sighup(make_daemon):
    daemon = make_daemon(config={"limits": {"rate": "1MiB"}})
    daemon.sections["limits"]["rate"] = "0"
    daemon.config_path.write_text(config_text(daemon.sections))
    daemon.send_signal(signal.SIGHUP)
    wait_until(lambda: " reload outcome=ok" in daemon.log(), what="the reload")
    assert seconds(lambda: put(daemon, "a", 60 * kMiB)) < 45  # it was 60 s
    daemon.sections["limits"]["rate"] = "4MiB"
    daemon.config_path.write_text(config_text(daemon.sections))
    daemon.send_signal(signal.SIGHUP)
    wait_until(lambda: daemon.log().count(" reload outcome=ok") == 2, what="the second reload")
    assert seconds(lambda: put(daemon, "b", 10 * kMiB)) > 1


def test_a_wrong_configuration_is_told_and_changes_nothing(make_daemon):
    daemon = make_daemon()
    daemon.config_path.write_text("[limits]\nrate = fast\n")
    daemon.send_signal(signal.SIGHUP)
    wait_until(lambda: "'rate' must be" in daemon.log(), what="the complaint")
    put(daemon, "a", 100)
