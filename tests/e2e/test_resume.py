"""What a cut transfer had sent is used again, and what comes out is always the file."""

import contextlib
import os
import random
import time

import pytest

from support.client import kRunDeadline
from support.fault_proxy import Fault, FaultProxy
from support.waiting import wait_until
from support.wire import Closed, Peer, chunk, frame, kEnd, md5, trailer, v1

kChunk = 8192
kSize = 3_000_000
kData = random.Random(1).randbytes(kSize)
kOther = random.Random(2).randbytes(kSize)
kCuts = [1, 200, kChunk - 1, kChunk, kChunk + 1000, kSize // 2, kSize - 1, kSize]
kOverhead = 256 * 1024    # headers, and what a broken connection may lose
kMtime = 1_600_000_000


@pytest.fixture
def source(make_client):
    """source(server) is a client that has the file "f" to put."""
    def make(server, data=kData, name="f"):
        client = make_client(server)
        write(client.folder / name, data)
        return client
    return make


def write(path, data, mtime=kMtime):
    path.write_bytes(data)
    os.utime(path, (mtime, mtime))


def leftovers(client, name="f"):
    """Paths of what a cut get has left beside the name."""
    return [path for path in client.folder.rglob("*") if path.is_file() and path.name != name]


@pytest.mark.parametrize("kind", ["cut_after", "reset_after"])
@pytest.mark.parametrize("at", kCuts)
def test_a_put_that_is_cut_goes_on_by_itself_and_is_whole(daemon, source, at, kind):
    name = f"put_{kind}_{at}"
    with FaultProxy(daemon.address, [Fault(**{kind: at})]) as proxy:
        source(proxy.server).ok("put", "f", "-t", name)
        assert kind == "reset_after" or proxy.passed["up"] < kSize + 2 * kOverhead
    assert (daemon.root / name).read_bytes() == kData
    wait_until(lambda: not daemon.staged(), what="the parts to be empty")


@pytest.mark.parametrize("kind", ["cut_after", "reset_after"])
@pytest.mark.parametrize("at", kCuts)
def test_a_get_that_is_cut_goes_on_by_itself_and_is_whole(daemon, make_client, at, kind):
    (daemon.root / "f").write_bytes(kData)
    with FaultProxy(daemon.address, [Fault(direction="down", **{kind: at})]) as proxy:
        client = make_client(proxy.server)
        client.ok("get", "f")
        assert kind == "reset_after" or proxy.passed["down"] < kSize + 2 * kOverhead
    assert (client.folder / "f").read_bytes() == kData
    assert leftovers(client) == []


def test_many_cuts_in_one_put_and_one_get(daemon, source):
    faults = [Fault(cut_after=400_000 + 50_000 * n) for n in range(4)]
    with FaultProxy(daemon.address, faults) as proxy:
        client = source(proxy.server)
        client.ok("--retry", "10", "put", "f", "-t", "many_cuts")
    assert (daemon.root / "many_cuts").read_bytes() == kData
    faults = [Fault(direction="down", reset_after=400_000 + 50_000 * n) for n in range(4)]
    with FaultProxy(daemon.address, faults) as proxy:
        client.server = proxy.server
        client.ok("--retry", "10", "get", "many_cuts")
    assert (client.folder / "many_cuts").read_bytes() == kData


def cut_put(daemon, client, name, at=kSize // 2):
    """A put that ends with exit 5 after `at` bytes have gone to the daemon, and leaves a part there."""
    with FaultProxy(daemon.address, [Fault(cut_after=at)]) as proxy:
        client.server = proxy.server
        client.run("--retry", "0", "put", "f", "-t", name, code=5)
    wait_until(lambda: parts(daemon), what="the part of the cut put")
    assert name not in daemon.visible()


def parts(daemon):
    return [path for path in daemon.staged() if path.parent.name == "parts"]


def put_again(daemon, client, name):
    """The second put; returns the bytes that went up."""
    with FaultProxy(daemon.address) as proxy:
        client.server = proxy.server
        client.ok("put", "f", "-t", name)
        return proxy.passed["up"]


def test_a_second_put_sends_only_the_rest(daemon, source):
    client = source(None)
    cut_put(daemon, client, "rest")
    assert put_again(daemon, client, "rest") < kSize // 2 + 2 * kOverhead
    assert (daemon.root / "rest").read_bytes() == kData


def test_a_put_goes_on_after_kill_minus_9_of_the_client(daemon, source):
    with FaultProxy(daemon.address, [Fault(stall_after=kSize // 2)]) as proxy:
        client = source(proxy.server)
        running = client.start("put", "f", "-t", "client_killed")
        wait_until(lambda: proxy.passed["up"] == kSize // 2, what="half of the file")
        running.kill()
        running.communicate()
    assert "client_killed" not in daemon.visible()
    wait_until(lambda: "client_killed" in daemon.log(), what="the end of the cut put")
    assert put_again(daemon, client, "client_killed") < kSize // 2 + 4 * kOverhead
    assert (daemon.root / "client_killed").read_bytes() == kData


def test_a_put_goes_on_after_kill_minus_9_of_the_daemon(make_daemon, source):
    daemon = make_daemon()
    with FaultProxy(daemon.address, [Fault(stall_after=kSize // 2)]) as proxy:
        client = source(proxy.server)
        running = client.start("--retry", "20", "put", "f")
        wait_until(lambda: daemon.staged_bytes() > kSize // 4, what="half of the file")
        daemon.kill()
        assert daemon.visible() == set()
        daemon.restart()
        proxy.release()
        _, err = running.communicate(timeout=kRunDeadline)
    assert running.returncode == 0, err
    assert (daemon.root / "f").read_bytes() == kData
    wait_until(lambda: not daemon.staged(), what="the parts to be empty")


@pytest.mark.parametrize("data,mtime", [(kOther, kMtime + 5), (kOther, kMtime), (kData[:-1] + b"!", kMtime), (kOther[:1_500_000], kMtime),
                                        (kData + b"more", kMtime + 5), (b"!" + kData[1:], kMtime)],
                         ids=["all", "all in secret", "last byte in secret", "shorter", "longer", "first byte in secret"])
def test_a_source_that_changed_between_is_sent_as_it_is_now(make_daemon, source, data, mtime):
    daemon = make_daemon()
    client = source(None)
    cut_put(daemon, client, "changed")
    write(client.folder / "f", data, mtime)
    put_again(daemon, client, "changed")
    assert (daemon.root / "changed").read_bytes() == data


@pytest.mark.parametrize("damage", ["flip first", "flip last", "zero tail", "truncate", "longer", "empty", "link"])
def test_a_part_that_was_damaged_costs_time_and_never_a_wrong_file(make_daemon, source, damage):
    daemon = make_daemon()
    client = source(None)
    cut_put(daemon, client, "damaged")
    daemon.stop()
    for path in parts(daemon):
        spoil(path, damage)
    daemon.restart()
    put_again(daemon, client, "damaged")
    assert (daemon.root / "damaged").read_bytes() == kData


def spoil(path, damage):
    data = path.read_bytes()
    half = len(data) // 2
    if damage == "link":
        other = path.parent.parent.parent.parent / "elsewhere"
        other.write_bytes(data)
        path.unlink()
        path.symlink_to(other)
        return
    path.write_bytes({"flip first": bytes([data[0] ^ 1]) + data[1:], "flip last": data[:-1] + bytes([data[-1] ^ 1]),
                      "zero tail": data[:half] + bytes(len(data) - half), "truncate": data[:half + 1],
                      "longer": data + bytes(2 * kSize), "empty": b""}[damage])


def cut_get(daemon, client, at=kSize // 2):
    with FaultProxy(daemon.address, [Fault(direction="down", cut_after=at)]) as proxy:
        client.server = proxy.server
        client.run("--retry", "0", "get", "f", code=5)
    assert not (client.folder / "f").exists()


def get_again(daemon, client):
    with FaultProxy(daemon.address) as proxy:
        client.server = proxy.server
        client.ok("get", "f")
        return proxy.passed["down"]


def test_a_second_get_fetches_only_the_rest(make_daemon, make_client):
    daemon, client = make_daemon(), make_client()
    (daemon.root / "f").write_bytes(kData)
    cut_get(daemon, client)
    assert get_again(daemon, client) < kSize // 2 + 2 * kOverhead
    assert (client.folder / "f").read_bytes() == kData and leftovers(client) == []


@pytest.mark.parametrize("data,mtime", [(kOther, kMtime + 5), (kOther, kMtime), (kData[:-1] + b"!", kMtime), (kOther[:1_000_000], kMtime),
                                        (kData + b"more", kMtime + 5), (b"!" + kData[1:], kMtime)],
                         ids=["all", "all in secret", "last byte in secret", "shorter", "longer", "first byte in secret"])
def test_a_file_that_changed_on_the_server_between_is_fetched_as_it_is_now(make_daemon, make_client, data, mtime):
    daemon, client = make_daemon(), make_client()
    write(daemon.root / "f", kData)
    cut_get(daemon, client)
    write(daemon.root / "f", data, mtime)
    get_again(daemon, client)
    assert (client.folder / "f").read_bytes() == data


@pytest.mark.parametrize("damage", ["flip first", "flip last", "zero tail", "truncate", "longer", "empty"])
def test_a_local_part_that_was_damaged_costs_time_and_never_a_wrong_file(make_daemon, make_client, damage):
    daemon, client = make_daemon(), make_client()
    write(daemon.root / "f", kData)
    cut_get(daemon, client)
    for path in leftovers(client):
        if path.stat().st_size > kSize // 4:
            spoil(path, damage)
    get_again(daemon, client)
    assert (client.folder / "f").read_bytes() == kData and leftovers(client) == []


def test_a_get_goes_on_after_kill_minus_9_of_the_client(daemon, make_client):
    (daemon.root / "f").write_bytes(kData)
    with FaultProxy(daemon.address, [Fault(direction="down", stall_after=kSize // 2)]) as proxy:
        client = make_client(proxy.server)
        running = client.start("get", "f")
        wait_until(lambda: proxy.passed["down"] == kSize // 2, what="half of the file")
        running.kill()
        running.communicate()
    assert not (client.folder / "f").exists()
    get_again(daemon, client)
    assert (client.folder / "f").read_bytes() == kData


def test_a_get_over_several_connections_goes_on_after_kill_minus_9_of_the_client(daemon, make_client):
    data, each, lines = random.Random(3).randbytes(24 << 20), 7 << 20, 2
    (daemon.root / "ranged").write_bytes(data)
    with FaultProxy(daemon.address, [Fault(direction="down", stall_after=each)] * 8) as proxy:
        client = make_client(proxy.server)
        running = client.start("get", "ranged", "--connections", str(lines))
        # So much cannot be there before both have more than their first pieces of 4 MiB.
        wait_until(lambda: sum(path.stat().st_blocks * 512 for path in leftovers(client)) >= lines * each - (1 << 20),
                   what="most of what passes")
        running.kill()
        running.communicate()
    assert not (client.folder / "ranged").exists()
    client.server = daemon.server
    summary = client.ok("--json", "get", "ranged").lines()[-1]
    assert (summary["type"], summary["exit"]) == ("summary", 0) and summary["resumed"] >= 4 << 20
    assert (client.folder / "ranged").read_bytes() == data and leftovers(client, "ranged") == []


def test_standard_input_that_is_cut_is_a_failure_and_leaves_nothing(daemon, make_client):
    with FaultProxy(daemon.address, [Fault(cut_after=kSize // 2)]) as proxy:
        make_client(proxy.server).run("put", "-", "-t", "stdin_cut", data=kData, code=5)
    assert "stdin_cut" not in daemon.visible()


def test_a_get_to_standard_output_that_is_cut_is_whole_or_a_failure(daemon, make_client):
    (daemon.root / "f").write_bytes(kData)
    with FaultProxy(daemon.address, [Fault(direction="down", cut_after=kSize // 2)]) as proxy:
        result = make_client(proxy.server).run("get", "f", "-o", "-")
    assert (result.code == 0 and result.out == kData) or (result.code == 5 and kData.startswith(result.out))


def offer(peer, name, data, **fields):
    return peer.ask("offer", filename=name, filesize=len(data), mtime_ns=kMtime * 10**9, digest="md5", **fields)


def body_from(name, data, offset, **fields):
    header = v1("put", filename=name, filesize=len(data), mtime_ns=kMtime * 10**9, digest="md5", offset=offset, body="chunks", **fields)
    return frame(header) + chunk(data[offset:]) + kEnd + trailer(len(data), value=md5(data))


def test_on_the_wire_an_offer_tells_what_is_there_and_a_put_goes_on_from_it(daemon, connect):
    peer = connect()
    reply = offer(peer, "wire", kData)
    assert (reply["ok"], reply["action"], reply["offset"]) == (True, "send", 0)
    peer.send(body_from("wire", kData, 0)[:1_000_000])
    peer.finish()
    assert peer.ended()
    wait_until(lambda: parts(daemon), what="the part of the cut put")
    again = connect()
    reply = wait_until(lambda: (found := offer(again, "wire", kData))["offset"] and found, what="an offset")
    at = reply["offset"]
    assert 0 < at <= 1_000_000 and reply["md5"] == md5(kData[:at])
    again.send(body_from("wire", kData, at))
    assert again.read_frame()["md5"] == md5(kData)
    assert (daemon.root / "wire").read_bytes() == kData
    reply = offer(connect(), "wire", kData)
    assert (reply["action"], reply["md5"]) == ("have", md5(kData))


def test_on_the_wire_the_put_after_an_offer_says_the_mode_and_whether_to_replace(daemon, connect):
    peer = connect()
    message = body_from("after_offer", kData, 0, mode=0o750, replace=False)
    assert offer(peer, "after_offer", kData)["offset"] == 0
    peer.send(message)
    assert peer.read_frame()["ok"]
    assert (daemon.root / "after_offer").stat().st_mode & 0o777 == 0o750
    (daemon.root / "after_offer").write_bytes(b"newer")
    assert offer(peer, "after_offer", kData)["offset"] == 0
    peer.send(message)
    assert peer.read_frame()["error"] == "exists"
    assert (daemon.root / "after_offer").read_bytes() == b"newer"


@pytest.mark.parametrize("at", [1, 100, kSize - 1, kSize, kSize + 1, 2**62])
def test_on_the_wire_an_offset_that_the_daemon_does_not_have_changes_nothing(daemon, at):
    with Peer(daemon.address) as peer:
        assert offer(peer, "no_offset", kData)["offset"] == 0
        with contextlib.suppress(Closed):  # a long body is not read to its end
            peer.send(body_from("no_offset", kData, at))
        assert peer.read_frame()["error"] in ("changed", "bad_request")
    assert "no_offset" not in daemon.visible()


def test_parts_that_nobody_came_back_for_are_removed(make_daemon, source):
    daemon = make_daemon(config={"storage": {"part_expire": "1s"}})
    cut_put(daemon, source(None), "stale")
    daemon.stop()
    last = max(path.stat().st_ctime for path in parts(daemon))
    wait_until(lambda: time.time() > last + 2.1, what="the time to come back to be over")
    daemon.restart()
    wait_until(lambda: not parts(daemon), what="the stale part to be removed")


def test_an_offer_is_not_enough_to_take_space(make_daemon):
    daemon = make_daemon()
    with Peer(daemon.address) as peer:
        for n in range(16):
            assert peer.ask("offer", filename=f"o{n}", filesize=10**9, mtime_ns=1)["ok"]
        assert sum(path.stat().st_blocks * 512 for path in daemon.staged()) < 1 << 20
    assert daemon.visible() == set()
