"""The plain form: clients of twenty lines, as they are written in any language, work unchanged."""

import json
import os
import socket
import struct

import pytest

from support.fault_proxy import Fault, FaultProxy
from support.waiting import wait_until
from support.wire import Peer, frame, md5, put_plain, v1

kData = os.urandom(20_000)


@pytest.fixture
def stored(daemon):
    """stored(name, data) waits until the file is there; a plain put has no reply to wait for."""
    def wait(name, data):
        path = daemon.root / name
        wait_until(lambda: path.exists() and path.read_bytes() == data, what=f"the put of {name}")
        return path
    return wait


def test_the_teaching_client_stores_and_fetches(daemon, stored):
    """The program itself, as it is taught: a packed int, a JSON dict, the bytes."""
    sock = socket.socket()
    sock.connect(daemon.address)
    header = json.dumps({"cmd": "put", "filename": "taught.bin", "filesize": len(kData), "md5": md5(kData)}).encode("utf-8")
    sock.send(struct.pack("i", len(header)))
    sock.send(header)
    sock.sendall(kData)
    sock.close()
    stored("taught.bin", kData)

    sock = socket.socket()
    sock.connect(daemon.address)
    header = json.dumps({"cmd": "get", "filename": "taught.bin"}).encode("utf-8")
    sock.send(struct.pack("i", len(header)))
    sock.send(header)
    size = struct.unpack("i", sock.recv(4))[0]
    answer = json.loads(sock.recv(size).decode("utf-8"))
    received = b""
    while len(received) < answer["filesize"]:
        received += sock.recv(1024)
    sock.close()
    assert received == kData and answer["md5"] == md5(kData)


def test_a_put_has_no_reply_and_the_next_header_may_follow_at_once(connect):
    peer = connect()
    peer.send(put_plain("n1", b"one") + put_plain("n2", b"") + put_plain("n3", kData) + frame({"cmd": "get", "filename": "n3"}))
    first = peer.read_frame()
    assert (first["filename"], first["filesize"], first["md5"]) == ("n3", len(kData), md5(kData))
    assert "v" not in first and peer.read(len(kData)) == kData
    assert [peer.get_plain(name)[1] for name in ("n1", "n2")] == [b"one", b""]


def test_a_get_sees_the_put_before_it_on_the_same_connection(connect):
    peer = connect()
    for n in range(50):
        data = b"%d" % n
        peer.send(put_plain("same", data))
        assert peer.get_plain("same")[1] == data


def test_a_get_of_nothing_has_the_error_and_no_bytes_and_goes_on(connect):
    peer = connect()
    reply, body = peer.get_plain("no/such")
    assert (reply["filename"], reply["filesize"], reply["error"], body) == ("no/such", 0, "not_found", b"")
    assert reply["message"] and "v" not in reply
    peer.send(put_plain("after", b"a"))
    assert peer.get_plain("after")[1] == b"a"


@pytest.mark.parametrize("step", [1, 2, 3, 5, 1000])
def test_torn_into_small_segments_it_is_the_same(connect, step):
    peer = connect()
    data = kData[:300] if step < 10 else kData
    peer.send_torn(put_plain(f"torn{step}", data) + frame({"cmd": "get", "filename": f"torn{step}"}), step)
    assert peer.read_frame()["md5"] == md5(data)
    assert peer.read(len(data)) == data


def test_through_a_network_of_single_bytes_it_is_the_same(daemon):
    faults = [Fault(slice_to=1), Fault(direction="down", slice_to=1)]
    with FaultProxy(daemon.address, faults) as proxy:
        for n in range(2):
            with Peer(proxy.address) as peer:
                peer.send(put_plain(f"sliced{n}", kData[:2000]))
                assert peer.get_plain(f"sliced{n}")[1] == kData[:2000]


def test_split_in_two_at_every_byte_it_is_the_same(connect):
    peer = connect()
    for at in range(1, len(put_plain("split", b"body"))):
        data = b"%04d" % at
        message = put_plain("split", data)
        peer.send(message[:at])
        peer.send(message[at:] + frame({"cmd": "get", "filename": "split"}))
        assert peer.read_frame()["filesize"] == 4 and peer.read(4) == data


def test_cut_off_at_every_byte_nothing_is_left_and_the_daemon_serves(daemon, connect):
    message = put_plain("cut_off", kData[:50], md5=md5(kData[:50]))
    for at in range(1, len(message)):
        with Peer(daemon.address) as peer:
            peer.send(message[:at])
            peer.finish()
            assert peer.ended()
    assert not (daemon.root / "cut_off").exists()
    assert connect().ask("ping")["ok"]
    wait_until(lambda: not daemon.staged(), what="the staging folder to be empty")


@pytest.mark.parametrize("alias", ["file_size", "total_size", "data_size"])
def test_the_other_names_of_the_size_and_of_the_name_are_read(connect, alias):
    peer = connect()
    peer.send(frame({"cmd": "put", "file_name": f"alias_{alias}", alias: 3}) + b"abc")
    reply = peer.request({"cmd": "get", "file_name": f"alias_{alias}"})
    assert reply["filesize"] == 3 and peer.read(3) == b"abc"


def test_two_sizes_that_are_equal_are_one_and_two_that_differ_are_refused(connect, daemon):
    peer = connect()
    peer.send(frame({"cmd": "put", "filename": "twice", "filesize": 3, "file_size": 3}) + b"abc")
    assert peer.get_plain("twice")[1] == b"abc"
    peer.send(frame({"cmd": "put", "filename": "differ", "filesize": 3, "file_size": 4}) + b"abcd")
    assert peer.ended()
    assert not (daemon.root / "differ").exists()


@pytest.mark.parametrize("fields", [{"filename": "wrong", "filesize": 3, "md5": "0" * 32}, {"filename": "../wrong", "filesize": 3},
                                    {"filename": "", "filesize": 3}, {"filename": "wrong", "filesize": -3},
                                    {"filename": "wrong"}, {"filesize": 3}, {"filename": "wrong", "filesize": "3"},
                                    {"filename": "kind/below", "filesize": 3}, {"filename": "wrong", "filesize": 3, "md5": "xyz"}],
                         ids=json.dumps)
def test_a_put_that_fails_ends_the_connection_and_leaves_nothing(connect, daemon, fields):
    (daemon.root / "kind").write_bytes(b"")
    before = daemon.visible()
    peer = connect()
    peer.send(frame({"cmd": "put", **fields}) + b"abc")
    assert peer.ended()
    assert daemon.visible() == before
    wait_until(lambda: not daemon.staged(), what="the staging folder to be empty")


def test_a_put_that_fails_keeps_the_old_file(connect, daemon):
    (daemon.root / "old").write_bytes(b"old")
    peer = connect()
    peer.send(put_plain("old", b"new", md5="0" * 32))
    assert peer.ended()
    assert (daemon.root / "old").read_bytes() == b"old"


def test_puts_before_a_failing_one_are_kept(connect, stored, daemon):
    peer = connect()
    peer.send(put_plain("kept", b"kept") + put_plain("bad", b"x", md5="0" * 32) + put_plain("later", b"y"))
    assert peer.ended()
    stored("kept", b"kept")
    assert not (daemon.root / "bad").exists() and not (daemon.root / "later").exists()


def test_another_command_is_answered_with_an_error(connect):
    peer = connect()
    reply = peer.request({"cmd": "frobnicate"})
    assert reply["error"] == "unsupported" and reply["message"] and "v" not in reply
    assert peer.get_plain("no/such")[0]["error"] == "not_found"


@pytest.mark.parametrize("name", ["../etc/passwd", "/etc/passwd", "", "a\\b", ".ftpd/lock"])
def test_a_get_of_a_name_that_is_not_allowed_has_no_bytes(connect, name):
    reply, body = connect().get_plain(name)
    assert reply["error"] in ("name_invalid", "bad_request") and body == b""


def test_many_commands_on_one_connection(connect):
    peer = connect()
    for n in range(300):
        peer.send(put_plain(f"many/{n}", b"%d" % n * n))
    assert [peer.get_plain(f"many/{n}")[1] for n in range(300)] == [b"%d" % n * n for n in range(300)]


def test_both_forms_may_take_turns_on_one_connection(connect):
    peer = connect()
    peer.send(put_plain("turns", b"plain") + frame(v1("stat", filename="turns")) + frame({"cmd": "get", "filename": "turns"}))
    assert peer.read_frame()["filesize"] == 5
    assert peer.read_frame()["md5"] == md5(b"plain") and peer.read(5) == b"plain"
    assert peer.put("turns", b"one")["v"] == 1
    assert peer.get_plain("turns")[1] == b"one"


@pytest.mark.parametrize("more", [
    {"mtime": 1700000000.5}, {"mtime": "2024"}, {"mode": 0o100644}, {"mode": "0644"}, {"id": None}, {"ok": 1},
    {"digest": "crc32"}, {"sha256": ""}, {"md5": ""}, {"md5": None}, {"replace": "yes"}], ids=json.dumps)
def test_keys_that_the_plain_form_does_not_have_mean_nothing_in_it(daemon, stored, more):
    with Peer(daemon.address) as peer:
        peer.send(put_plain("extended", b"12", **more))
        stored("extended", b"12").unlink()
        peer.send(put_plain("extended", b"12"))
        stored("extended", b"12")
        assert peer.get_plain("extended")[1] == b"12"
