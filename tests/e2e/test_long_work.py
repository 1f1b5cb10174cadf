"""Requests that cost the daemon hours of work, and are allowed: everybody else is served meanwhile, and it can be stopped.

The proof is the order: who had to wait for the work would come after it, and nobody waits for hours here.
"""

import contextlib
import os
import select
import socket

import pytest

from support.waiting import wait_until
from support.wire import Peer, chunk, frame, hole, kEnd, put_v1, trailer, v1

kHuge = 1 << 42          # bytes, all of them zeros: half an hour of SHA-256 and more


def sparse(name):
    def ask(number):
        return frame(v1(*name, filename="huge", **({"digest": "sha256"} if number % 2 else {})))
    return ask


def put_of_a_hole(number):
    name = f"hole{number}"
    return (frame(v1("put", filename=name, body="chunks", digest="md5")) + chunk(bytes(4 << 20)) + hole(kHuge) + kEnd +
            trailer(kHuge + (4 << 20)))


kRequests = {
    "raw get": sparse(("get",)),
    "sum": sparse(("sum",)),
    "chunked get": lambda number: frame(v1("get", filename="huge", body="chunks", digest="sha256")),
    "put of a hole": put_of_a_hole,
    "plain get": lambda number: frame({"cmd": "get", "filename": "huge"}),
}


@pytest.fixture
def small_daemon(make_daemon):
    """With two threads, of which each is soon missed."""
    daemon = make_daemon(config={"server": {"workers": 2, "drain_timeout": "1s"}})
    huge = daemon.root / "huge"
    huge.touch()
    os.truncate(huge, kHuge)
    return daemon


def honest_round(daemon, name):
    with Peer(daemon.address) as peer:
        assert peer.put(name, b"x" * 1000)["ok"]
        assert peer.ask("ping")["ok"]
        assert peer.get(name)[1] == b"x" * 1000


@pytest.mark.parametrize("kind", kRequests)
def test_however_many_ask_for_long_work_others_are_served_and_the_daemon_can_be_stopped(small_daemon, kind):
    peers = [Peer(small_daemon.address) for _ in range(12)]
    for number, peer in enumerate(peers):
        peer.send(kRequests[kind](number))
    before = small_daemon.cpu_seconds()
    wait_until(lambda: small_daemon.cpu_seconds() > before + 0.5, what="the work to be under way")
    for number in range(3):
        honest_round(small_daemon, f"honest{number}")
    for peer in peers:
        peer.close()
    small_daemon.stop()


def is_over(line):
    poll = select.poll()
    poll.register(line, 0)
    return bool(poll.poll(0))


def test_those_who_read_nothing_keep_nobody_from_hashing_and_are_gone_after_the_idle_timeout(make_daemon, tmp_path):
    """They ask for more replies than the line holds, for gathered puts, and for a digest: of so many, the output of some is full there."""
    path = tmp_path / "s"
    daemon = make_daemon(config={"server": {"idle_timeout": "3s"}, "storage": {"durability": "none"}},
                         options=["--listen", "127.0.0.1:0", "--listen", f"unix:{path}"])
    for name in ("long", "other"):
        (daemon.root / name).touch()
        os.truncate(daemon.root / name, 256 << 20)
    deep = "/".join(["n" * 240] * 4)
    (daemon.root / deep).mkdir(parents=True)
    (daemon.root / "folder").mkdir()
    for number in range(200):
        (daemon.root / "folder" / f"{number:030}").touch()
    silent = []
    for lists in range(1, 31):
        line = socket.socket(socket.AF_UNIX)
        line.connect(str(path))
        silent.append(line)
        puts = b"".join(put_v1(f"{deep}/{lists}_{number}", b"x") for number in range(60))
        with contextlib.suppress(BrokenPipeError):  # it is over already, where the test stood still
            line.sendall(frame(v1("list", filename="folder")) * lists + puts + frame(v1("sum", filename="long", digest="sha256")))
    with Peer(daemon.address) as peer:
        assert peer.ask("sum", filename="other")["ok"]
    wait_until(lambda: all(is_over(line) for line in silent), what="the end of all who read nothing")
    for line in silent:
        line.close()


def test_a_tree_that_takes_long_to_remove_keeps_nobody_waiting(small_daemon):
    for folder in range(10):
        (small_daemon.root / f"tree/{folder}").mkdir(parents=True)
        for number in range(500):
            (small_daemon.root / f"tree/{folder}/{number}").touch()
    with Peer(small_daemon.address) as peer:
        peer.send(frame(v1("remove", filename="tree", recursive=True)))
        honest_round(small_daemon, "honest")
        assert peer.read_frame()["ok"]
    assert not (small_daemon.root / "tree").exists()
