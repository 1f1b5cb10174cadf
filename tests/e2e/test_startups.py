"""Connections from elsewhere that make no request: a few of them, for a short time, and not at the cost of others."""

import time

import pytest

from support import network_namespace
from support.waiting import longer_and_longer, wait_until
from support.wire import Closed, frame, v1


@pytest.fixture
def serve(make_daemon):
    """serve(login_timeout) starts a daemon on an address that is not loopback, and gives a way to connect to it from there."""
    network_namespace.need()

    def start(login_timeout):
        daemon = make_daemon(config={"limits": {"startups": "2:100:2", "login_timeout": login_timeout}},
                             wrapper=network_namespace.kWrapper, options=["--listen", "0.0.0.0:0", "--insecure-no-auth"])
        there = (network_namespace.kAddress, daemon.port)
        return lambda: network_namespace.connect(daemon.process.pid, there, network_namespace.kAddress)
    return start


def asked(peer):
    peer.send(frame(v1("ping")))
    return peer.read_frame()


def served(peer):
    try:
        return asked(peer)["ok"]
    except Closed:
        return False


def test_over_the_limit_a_new_one_is_told_busy_until_others_have_made_a_request(serve):
    reached = serve("1h")
    first, second = reached(), reached()
    refused = reached().read_frame()
    assert (refused["ok"], refused["error"]) == (False, "busy") and "limits.startups" in refused["message"]
    assert asked(first)["ok"]
    # Its place is given back a moment after its reply.
    wait_until(lambda: served(reached()), what="a place for one more")
    second.close()


def test_one_that_makes_no_request_is_told_and_ended_at_its_absolute_deadline(serve):
    reached = serve("2s")
    begun = time.monotonic()
    peer = reached()
    peer.send(b"\x40\0\0\0{")
    reply = peer.read_frame()
    assert (reply["ok"], reply["error"]) == (False, "timeout") and "limits.login_timeout" in reply["message"]
    assert peer.ended()
    assert time.monotonic() - begun > 1.9


def test_one_that_has_made_a_request_may_be_idle(serve):
    def let_in(limit):
        reached = serve(f"{limit}s")
        peer = reached()
        return (reached, peer) if served(peer) else None

    reached, peer = next(filter(None, map(let_in, longer_and_longer(2, "a request before the deadline"))))
    other = reached()
    assert other.read_frame()["error"] == "timeout"
    assert asked(peer)["ok"]
