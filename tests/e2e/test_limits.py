"""Idle, slow and many clients cost memory and descriptors only, and honest ones are served all the while.

The proof is the order: the honest are through while the others still hold what they hold. Times would tell of the machine.
"""

import contextlib
import os
import resource
import threading
import time

import pytest

from support import network_namespace
from support.binaries import sanitized, scale
from support.waiting import kPatience, let_pass, longer_and_longer, wait_until
from support.wire import Closed, Peer, chunk, frame, hole, kEnd, put_v1, trailer, v1

# Nothing that stalls is cut while a test lasts, but a body: after 30 to 60 s.
kPatientServer = {"header_timeout": "1h", "idle_timeout": "1h"}
kData = os.urandom(20_000)


def connections(wanted):
    """As many connections as asked for, or as this process may have."""
    return min(wanted, resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 2 - 50)


def honest_round(daemon, name="honest"):
    with Peer(daemon.address) as peer:
        assert peer.put(name, kData)["ok"]
        assert peer.get(name)[1] == kData


def opened(daemon, count, message=b""):
    peers = []
    for _ in range(count):
        peers.append(Peer(daemon.address))
        if message:
            peers[-1].send(message)
    return peers


def close_all(peers):
    for peer in peers:
        peer.close()


def test_idle_connections_hold_no_thread_and_little_memory(make_daemon, ftpd_binary):
    daemon = make_daemon(config={"server": kPatientServer})
    honest_round(daemon)
    threads, memory, count = daemon.threads(), daemon.peak_memory(), connections(1000 * scale())
    peers = opened(daemon, count, frame(v1("ping")))
    assert all(peer.read_frame()["ok"] for peer in peers)
    honest_round(daemon)
    assert all(peer.still_there() for peer in peers)
    workers = 32
    assert daemon.threads() <= threads + workers
    if not sanitized(ftpd_binary):  # its memory is not the program's
        assert (daemon.peak_memory() - memory) / count < 8 * 1024
    close_all(peers)
    wait_until(lambda: daemon.descriptors() < 100, what="the descriptors to be given back")


@pytest.mark.parametrize("message", [b"\x40\0", b"\x40\0\0\0{\"v\":1,", put_v1("stalled", bytes(100_000))[:50_000],
                                     put_v1("stalled", bytes(10_000_000))[:1_500_000]],
                         ids=["in the length", "in the header", "in the body", "in a large body"])
def test_peers_that_stall_do_not_keep_honest_ones_waiting(make_daemon, message):
    daemon = make_daemon(config={"server": {**kPatientServer, "workers": 4}})
    honest_round(daemon)
    threads = daemon.threads()
    peers = opened(daemon, connections(150), message)
    for n in range(5):
        honest_round(daemon, f"honest{n}")
        assert all(peer.still_there() for peer in peers)
    assert daemon.threads() <= threads + 8
    close_all(peers)
    assert "stalled" not in daemon.visible()
    wait_until(lambda: not daemon.staged(), what="the staging folder to be empty")


def test_readers_that_stall_do_not_keep_honest_ones_waiting(make_daemon):
    daemon = make_daemon(config={"server": {**kPatientServer, "workers": 4}})
    (daemon.root / "large").write_bytes(bytes(30_000_000))
    peers = opened(daemon, connections(60), frame(v1("get", filename="large")))
    for n in range(5):
        honest_round(daemon, f"honest{n}")
        assert all(peer.still_there() for peer in peers)
    close_all(peers)


def test_a_peer_that_asks_and_never_reads_does_not_fill_the_memory(make_daemon, needs_memory_figures):
    daemon = make_daemon()
    (daemon.root / "large").write_bytes(bytes(5_000_000))
    honest_round(daemon)
    before = daemon.peak_memory()
    with Peer(daemon.address, timeout=0.5) as peer:
        try:
            for _ in range(200):
                peer.send(frame(v1("get", filename="large")) * 200)
        except TimeoutError:
            pass
        honest_round(daemon)
        assert peer.still_there()
    assert daemon.peak_memory() - before < 16 << 20


def test_many_honest_clients_at_once_are_all_served(make_daemon):
    daemon = make_daemon()
    failures = []

    def work(n):
        try:
            for turn in range(5):
                honest_round(daemon, f"client{n}/{turn}")
        except (AssertionError, Closed, OSError) as error:
            failures.append(error)

    clients = [threading.Thread(target=work, args=(n,)) for n in range(100)]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    assert failures == []
    assert len([name for name in daemon.visible() if "/" in name]) == 500


def test_over_max_connections_a_peer_is_told_busy_and_why(make_daemon):
    daemon = make_daemon(config={"server": {"max_connections": 3}})
    kept = opened(daemon, 3, frame(v1("ping")))
    assert all(peer.read_frame()["ok"] for peer in kept)
    with Peer(daemon.address) as peer:
        reply = peer.read_frame()
        assert (reply["ok"], reply["error"]) == (False, "busy") and "connections" in reply["message"]
        assert peer.ended()
    kept.pop().close()
    wait_until(lambda: answers(daemon), what="the place to be given back")
    close_all(kept)


def served(address):
    with Peer(address) as peer:
        peer.send(frame(v1("ping")))
        return peer.read_frame()["ok"]


def test_loopback_is_not_held_to_the_limit_for_an_address(make_daemon):
    daemon = make_daemon(config={"server": {"max_per_address": 2}})
    peers = opened(daemon, 20, frame(v1("ping")))
    assert all(peer.read_frame()["ok"] for peer in peers)
    close_all(peers)


def test_over_max_per_address_one_address_is_told_busy_and_others_are_served(make_daemon):
    network_namespace.need()
    daemon = make_daemon(config={"server": {"max_per_address": 3}}, wrapper=network_namespace.kWrapper,
                         options=["--listen", "0.0.0.0:0", "--insecure-no-auth"])
    there = (network_namespace.kAddress, daemon.port)
    peers = [network_namespace.connect(daemon.process.pid, there, network_namespace.kAddress) for _ in range(3)]
    assert all(peer.ask("ping")["ok"] for peer in peers)
    with network_namespace.connect(daemon.process.pid, there, network_namespace.kAddress) as peer:
        reply = peer.read_frame()
        assert reply["error"] == "busy" and "address" in reply["message"]
    with network_namespace.connect(daemon.process.pid, ("127.0.0.1", daemon.port)) as peer:
        assert peer.ask("ping")["ok"]
    close_all(peers)


def trickle(peer, message, pause):
    """Sends a byte every `pause` seconds until the other side ends the connection; what it said in the end."""
    heard, end = b"", time.monotonic() + 2 * kPatience
    peer.socket.settimeout(pause)
    try:
        for at in range(len(message)):
            assert time.monotonic() < end, "the daemon waits for more"
            peer.send(message[at:at + 1])
            try:
                data = peer.read_some()
            except TimeoutError:
                continue
            if not data:
                return heard
            heard += data
    except Closed:
        return heard
    raise AssertionError("the daemon read it all")


@pytest.mark.parametrize("pause", [0.05, 0.0003], ids=["parked between", "never parked"])
def test_a_header_that_trickles_in_ends_at_the_deadline_all_the_same(make_daemon, pause):
    daemon = make_daemon(config={"server": {"header_timeout": "500ms"}})
    with Peer(daemon.address) as peer:
        # A deadline that a byte puts off would let all of it pass, in 18 s at the least.
        heard = trickle(peer, frame(v1("ping", pad="x" * 60_000)), pause)
    assert heard == b"" or b'"timeout"' in heard


def test_an_idle_connection_is_closed_and_a_busy_one_is_not(make_daemon):
    assert any(outlived(make_daemon, limit) for limit in longer_and_longer(0.6, "a connection that is never idle"))


def outlived(make_daemon, limit):
    """Was the idle one closed, and the busy one not? False where the busy one was idle for too long itself: the machine stood still."""
    daemon = make_daemon(config={"server": {"idle_timeout": f"{int(limit * 1000)}ms"}})
    idle, busy = Peer(daemon.address), Peer(daemon.address)
    closed = []

    def watch():
        with contextlib.suppress(OSError):  # it is given up here
            closed.append(idle.ended())

    ended = threading.Thread(target=watch)
    last = begun = time.monotonic()
    longest = 0.0
    try:
        assert idle.ask("ping")["ok"]
        ended.start()
        while ended.is_alive():
            assert busy.ask("ping")["ok"]
            longest, last = max(longest, time.monotonic() - last), time.monotonic()
            ended.join(limit / 6)
        assert closed == [True] and limit <= time.monotonic() - begun < limit + 30
        assert busy.ask("ping")["ok"]
    except Closed:
        longest = max(longest, time.monotonic() - last)
        assert longest > limit / 2, f"closed, though it was never idle for longer than {longest} s"
        return False
    finally:
        close_all([idle, busy])
    return True


@pytest.mark.skipif(scale() < 2, reason="takes the whole window of the minimum rate, 30 s; FT_TEST_SCALE=2 runs it")
def test_a_body_slower_than_the_minimum_rate_is_ended(make_daemon):
    daemon = make_daemon()
    begun = time.monotonic()
    with Peer(daemon.address) as peer:
        trickle(peer, put_v1("slow", bytes(10_000)), 0.1)
    assert time.monotonic() - begun < 120
    assert daemon.visible() == set()


def test_out_of_descriptors_the_daemon_neither_spins_nor_stays_deaf(make_daemon):
    daemon = make_daemon(config={"server": {"max_connections": 10_000}}, wrapper=("prlimit", "--nofile=100", "--"))
    peers = []
    flooded = time.monotonic()
    for _ in range(300):
        peers.append(Peer(daemon.address))
    begun, before = time.monotonic(), daemon.cpu_seconds()
    let_pass(1.0)
    spent = daemon.cpu_seconds() - before
    window = time.monotonic() - begun
    assert spent < 0.4 * window
    # A line for each try to accept, of which there are 20 a second.
    assert daemon.log().count("\n") < 50 + 25 * (time.monotonic() - flooded)
    close_all(peers)
    wait_until(lambda: answers(daemon), what="an answer after the flood")


def answers(daemon):
    try:
        return served(daemon.address)
    except (Closed, OSError):
        return False


def test_connections_that_are_reset_at_once_cost_no_worker(make_daemon):
    daemon = make_daemon(config={"server": {"workers": 4}})
    for _ in range(2000 * scale()):
        Peer(daemon.address).reset()
    honest_round(daemon)
    wait_until(lambda: daemon.descriptors() < 100, what="the descriptors to be given back")


# Data that comes first makes another thread take the digest, behind the writing.
kBeforeHole = [pytest.param(b"", id="hole"), pytest.param(chunk(bytes(4 << 20)), id="data and hole")]


def put_of_holes(*sizes, before=b""):
    """A put whose body is announced to be zeros only: a few bytes of request for any amount of work."""
    return frame(v1("put", filename="holes", body="chunks")) + before + b"".join(hole(size) for size in sizes)


@pytest.mark.parametrize("sizes", [(2**62,), (2**62,) * 4, (2**45,)], ids=["one", "past 2^63", "past the file system"])
def test_holes_larger_than_any_file_are_refused_at_once(make_daemon, sizes):
    daemon = make_daemon()
    with Peer(daemon.address) as peer:
        peer.send(put_of_holes(*sizes) + kEnd + trailer(sum(sizes)))
        peer.finish()
        try:
            assert peer.read_frame()["ok"] is False
        except Closed:
            pass
    wait_until(lambda: not daemon.staged(), what="the staging folder to be empty")


@pytest.mark.parametrize("before", kBeforeHole)
def test_the_work_for_a_huge_hole_ends_when_its_peer_has_gone(make_daemon, before):
    daemon = make_daemon()
    peer = Peer(daemon.address)
    peer.send(put_of_holes(2**43, before=before))
    wait_until(lambda: daemon.staged(), what="the put to begin")
    peer.reset()
    wait_until(lambda: not daemon.staged(), what="the put to be given up")


@pytest.mark.parametrize("before", kBeforeHole)
def test_the_work_for_a_huge_hole_holds_up_neither_others_nor_the_end(make_daemon, before):
    daemon = make_daemon(config={"server": {"drain_timeout": "500ms", "workers": 1}})
    with Peer(daemon.address) as peer:
        peer.send(put_of_holes(2**43, before=before) + kEnd + trailer(2**43))
        wait_until(lambda: daemon.staged(), what="the put to begin")
        assert answers(daemon)
        daemon.stop()
    assert daemon.visible() == set()
