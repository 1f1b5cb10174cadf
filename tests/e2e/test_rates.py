"""Rates in bytes a second: of everyone, of an address, and changed while the daemon runs."""

import os
import signal
import threading
import time

from support.daemon import config_text
from support.waiting import wait_until
from support.wire import Peer

kMiB = 1 << 20


def seconds(action):
    begun = time.monotonic()
    action()
    return time.monotonic() - begun


def put(daemon, name, size):
    with Peer(daemon.address, timeout=60) as peer:
        assert peer.put(name, os.urandom(size))["ok"]


def get(daemon, name, size):
    with Peer(daemon.address, timeout=60) as peer:
        assert len(peer.get(name)[1]) == size


def test_a_put_and_a_get_take_as_long_as_the_rate_says(make_daemon):
    daemon = make_daemon(config={"limits": {"rate": "4MiB"}})
    # A part of a second's worth may pass at once, and what the kernel buffers is not the daemon's to hold.
    assert 1.0 < seconds(lambda: put(daemon, "a", 10 * kMiB)) < 8
    assert 0.8 < seconds(lambda: get(daemon, "a", 10 * kMiB)) < 8


def test_the_rate_is_shared_by_all_connections(make_daemon):
    daemon = make_daemon(config={"limits": {"rate": "4MiB"}})

    def four():
        threads = [threading.Thread(target=put, args=(daemon, f"f{n}", 3 * kMiB)) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert 1.5 < seconds(four) < 10


def test_one_address_at_its_rate_leaves_the_others_theirs(make_daemon):
    daemon = make_daemon(config={"limits": {"rate_per_address": "1MiB"}})
    with Peer(daemon.address, source="127.0.0.5", timeout=60) as slow:
        slow.send(b"")
        busy = threading.Thread(target=lambda: slow.put("slow", os.urandom(6 * kMiB)))
        busy.start()
        assert seconds(lambda: put(daemon, "small", 200_000)) < 2
        busy.join()


def test_paused_bodies_are_not_cut_as_too_slow(make_daemon):
    daemon = make_daemon(config={"limits": {"rate": "1MiB"}, "server": {"idle_timeout": "1s", "header_timeout": "1s"}})
    put(daemon, "a", 4 * kMiB)


def test_a_rate_is_changed_by_sighup(make_daemon):
    daemon = make_daemon(config={"limits": {"rate": "1MiB"}})
    daemon.sections["limits"]["rate"] = "0"
    daemon.config_path.write_text(config_text(daemon.sections))
    daemon.send_signal(signal.SIGHUP)
    wait_until(lambda: " reload outcome=ok" in daemon.log(), what="the reload")
    assert seconds(lambda: put(daemon, "a", 20 * kMiB)) < 8
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
