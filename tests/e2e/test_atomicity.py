"""A name shows the old file or the whole new one, whatever dies, races or lies."""

import itertools
import os
import random
import threading

import pytest

from support.binaries import scale
from support.waiting import wait_until
from support.wire import Closed, Peer, chunk, frame, kEnd, md5, put_plain, put_v1, trailer, v1

kSize = 400_000


def version(n, size=kSize):
    """Content that tells its version in every block, so that a mix of two is seen."""
    return (b"%08d" % n) * (size // 8)


def is_whole(data):
    return data[:8] * (len(data) // 8) == data and len(data) == kSize


def test_readers_never_see_a_part_while_a_name_is_replaced(daemon, connect):
    connect().put("replaced", version(0))
    ended, seen, broken = threading.Event(), set(), []

    def read_all():
        with Peer(daemon.address) as peer:
            while not ended.is_set():
                reply, body = peer.get("replaced")
                if not reply["ok"] or md5(body) != reply["md5"] or not is_whole(body):
                    broken.append((reply, body[:16]))
                seen.add(body[:8])

    readers = [threading.Thread(target=read_all) for _ in range(3)]
    for reader in readers:
        reader.start()
    writer = connect()
    numbers = itertools.count(1)

    def enough():
        n = next(numbers)
        assert writer.put("replaced", version(n))["ok"]
        return n >= 40 * scale() and len(seen) > 1

    try:
        wait_until(enough, what="readers that have seen more than one version")
    finally:
        ended.set()
    for reader in readers:
        reader.join()
    assert broken == []


def test_a_slow_reader_gets_one_version_while_the_name_is_replaced_and_removed(daemon, connect):
    size = 12_000_000
    peer, writer = connect(), connect()
    for body in ("chunks", None):
        writer.put("one_version", version(1, size))
        peer.send(frame(v1("get", filename="one_version", **({"body": body} if body else {}))))
        reply = peer.read_frame()
        assert reply["filesize"] == size
        assert writer.put("one_version", version(2, 1000))["ok"]
        assert writer.ask("remove", filename="one_version")["ok"]
        data = peer.read_chunks()[0] if body else peer.read(size)
        assert md5(data) == md5(version(1, size))


@pytest.mark.parametrize("old", [None, b"the old file"], ids=["new", "overwrite"])
@pytest.mark.parametrize("form", ["v1", "plain", "chunks"])
def test_a_put_that_is_cut_leaves_the_old_file_or_nothing(daemon, old, form):
    name = f"cut_{form}"
    if old:
        (daemon.root / name).write_bytes(old)
    data = os.urandom(100_000)
    message = {"v1": put_v1(name, data, md5=md5(data)), "plain": put_plain(name, data, md5=md5(data)),
               "chunks": frame(v1("put", filename=name, body="chunks")) + chunk(data) + kEnd + trailer(len(data), value=md5(data))}[form]
    points = [1, 5, len(message) // 2, len(message) - 1] + random.Random(7).sample(range(len(message)), 20)
    for point in points:
        with Peer(daemon.address) as peer:
            peer.send(message[:point])
            if point % 2:
                peer.reset()
            else:
                peer.finish()
                assert peer.ended()
        path = daemon.root / name
        assert (path.read_bytes() if path.exists() else None) == old
    wait_until(lambda: not daemon.staged(), what="the staging folder to be empty")


@pytest.mark.parametrize("old", [None, b"the old file"], ids=["new", "overwrite"])
def test_kill_minus_9_of_the_daemon_in_a_put_leaves_the_old_file_or_nothing(make_daemon, old):
    daemon = make_daemon()
    data = os.urandom(200_000)
    message = put_v1("killed", data)
    if old:
        (daemon.root / "killed").write_bytes(old)
    for point in (100, 5000, 100_000, len(message) - 1):
        with Peer(daemon.address) as peer:
            peer.send(message[:point])
            if point > 1000:
                wait_until(lambda: daemon.staged(), what="the put to begin")
            daemon.kill()
        assert daemon.visible() == ({"killed"} if old else set())
        assert not old or (daemon.root / "killed").read_bytes() == old
        daemon.restart()
        wait_until(lambda: not daemon.staged(), what="the leftovers to be removed")
    with Peer(daemon.address) as peer:
        assert peer.put("killed", data)["ok"]
    assert (daemon.root / "killed").read_bytes() == data


def test_what_was_acknowledged_survives_kill_minus_9_at_random_moments(make_daemon):
    daemon = make_daemon()
    chance = random.Random(11)
    for cycle in range(6 * scale()):
        acknowledged = {}
        writers = [threading.Thread(target=write_until_dead, args=(daemon.address, w, cycle, acknowledged)) for w in range(4)]
        for writer in writers:
            writer.start()
        wanted = chance.randrange(5, 120)
        wait_until(lambda: len(acknowledged) >= wanted, what="puts")
        daemon.kill()
        for writer in writers:
            writer.join()
        for name, data in acknowledged.items():
            assert (daemon.root / name).read_bytes() == data
        for name in daemon.visible():
            assert (daemon.root / name).read_bytes() == content(name)
        daemon.restart()


def content(name):
    return name.encode() * 1500


def write_until_dead(address, writer, cycle, acknowledged):
    try:
        with Peer(address) as peer:
            for n in range(100_000):
                name = f"c{cycle}w{writer}n{n}"
                if peer.put(name, content(name))["ok"]:
                    acknowledged[name] = content(name)
    except (Closed, OSError):
        return


def test_a_wrong_digest_leaves_the_old_file(connect, daemon):
    peer = connect()
    peer.put("keeps", b"old")
    chance = random.Random(3)
    for _ in range(100 * scale()):
        data = bytearray(os.urandom(500))
        digest = md5(data)
        data[chance.randrange(500)] ^= 1 << chance.randrange(8)
        assert peer.put("keeps", bytes(data), md5=digest)["error"] == "integrity"
    assert (daemon.root / "keeps").read_bytes() == b"old"


def test_many_puts_to_one_name_leave_one_whole_version(daemon):
    def put_all(writer):
        with Peer(daemon.address) as peer:
            results.extend(peer.put("storm", version(writer * 1000 + n))["ok"] for n in range(10))

    results = []
    writers = [threading.Thread(target=put_all, args=(w,)) for w in range(8)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert results == [True] * 80
    assert is_whole((daemon.root / "storm").read_bytes())
    wait_until(lambda: not daemon.staged(), what="the staging folder to be empty")


def test_of_many_puts_that_must_not_replace_exactly_one_wins(daemon):
    for turn in range(5 * scale()):
        replies = []

        def put_one(writer):
            with Peer(daemon.address) as peer:
                barrier.wait()
                replies.append(peer.put(f"race{turn}", version(writer), replace=False))

        barrier = threading.Barrier(12)
        writers = [threading.Thread(target=put_one, args=(w,)) for w in range(12)]
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.join()
        assert sorted(reply["ok"] for reply in replies) == [False] * 11 + [True]
        assert {reply.get("error") for reply in replies} == {None, "exists"}
        assert is_whole((daemon.root / f"race{turn}").read_bytes())


def test_a_file_that_shrinks_under_a_get_is_never_filled_up(daemon, connect):
    path = daemon.root / "shrinks"
    path.write_bytes(version(5, 60_000_000))
    peer = connect()
    peer.send(frame(v1("get", filename="shrinks", body="chunks")))
    assert peer.read_frame()["ok"]
    os.truncate(path, 1000)
    try:
        data, end = peer.read_chunks()
    except Closed:
        return
    assert end["ok"] is False or (end["filesize"] == len(data) == 60_000_000 and data == version(5, 60_000_000))


def test_what_is_staged_is_under_no_name_of_the_root(connect, daemon):
    peer, other = connect(), connect()
    peer.send(put_v1("hidden/one", bytes(100_000))[:60_000])
    wait_until(lambda: daemon.staged(), what="the put to begin")
    for path in daemon.staged():
        inside = str(path.relative_to(daemon.root))
        assert other.ask("get", filename=inside)["error"] == "name_invalid"
        assert other.ask("remove", filename=inside)["error"] == "name_invalid"
    assert "hidden/one" not in daemon.visible()
    assert other.ask("stat", filename="hidden/one")["error"] == "not_found"
