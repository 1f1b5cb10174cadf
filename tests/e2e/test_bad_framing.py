"""Hostile frames and headers: a clear reply or an ended connection, nothing stored, the daemon as it was."""

import json
import struct

import pytest

from support.wire import Closed, Peer, frame, md5, put_v1, v1

kBadLengths = (-1, 0, 1, 65_537, 2**31 - 1, -2**31, -2)


@pytest.fixture(autouse=True)
def daemon_is_as_it_was(daemon):
    """Every test here ends with the same names under the root, an answering daemon and nothing staged."""
    before = daemon.visible()
    yield
    assert daemon.visible() == before
    with Peer(daemon.address) as peer:
        assert peer.ask("ping")["ok"]


def refused(daemon, message, *errors):
    """Sends one broken request; asserts an error reply (one of `errors` where given) or the end of the connection."""
    with Peer(daemon.address) as peer:
        try:
            peer.send(message)
            peer.finish()
            reply = peer.read_frame()
        except Closed:
            return None
        assert "error" in reply, reply
        assert not errors or reply["error"] in errors, reply
        assert reply["message"].isprintable()
        return reply


@pytest.mark.parametrize("length", kBadLengths)
@pytest.mark.parametrize("follows", [b"", b"{", b'{"v":1,"cmd":"ping"}'], ids=["nothing", "part", "more"])
def test_a_length_outside_the_limits_ends_the_connection_without_a_reply(daemon, length, follows):
    with Peer(daemon.address) as peer:
        peer.send(struct.pack("<i", length) + follows)
        assert peer.ended() and peer.received == 0


def test_lengths_at_the_limits_are_read(connect):
    text = json.dumps(v1("ping", pad="")).encode()
    full = json.dumps(v1("ping", pad="x" * (65_536 - len(text)))).encode()
    assert len(full) == 65_536
    assert connect().request(full)["ok"]
    reply = connect().request(b"{}")
    assert "error" in reply


def test_announcing_four_gigabytes_a_thousand_times_costs_nothing(daemon, needs_memory_figures):
    connect_often(daemon, bytes(4))
    before = daemon.peak_memory()
    connect_often(daemon, b"\xff\xff\xff\xff")
    # Each announced more than 200 times as much. Threads that had not served anybody before may have got their buffers meanwhile.
    assert daemon.peak_memory() - before < 16 << 20


def connect_often(daemon, message):
    for _ in range(1000):
        with Peer(daemon.address) as peer:
            peer.send(message)
    with Peer(daemon.address) as peer:
        assert peer.ask("ping")["ok"]


def nested(depth):
    return b'{"v":1,"cmd":"ping","x":' + b"[" * depth + b"]" * depth + b"}"


kBadJson = {
    "depth 8 and its object": nested(8), "depth 128": nested(128), "depth 30000": nested(30_000),
    "same key twice": b'{"v":1,"cmd":"ping","cmd":"ping"}',
    "same key once escaped": b'{"v":1,"cmd":"ping","\\u0063md":"ping"}',
    "same key twice below": b'{"v":1,"cmd":"ping","x":{"a":1,"\\u0061":1}}',
    "NUL in a string": b'{"v":1,"cmd":"ping","x":"a\\u0000b"}',
    "NUL in a key": b'{"v":1,"cmd":"ping","a\\u0000b":1}',
    "raw NUL": b'{"v":1,"cmd":"ping"}\0',
    "overlong UTF-8": b'{"v":1,"cmd":"ping","x":"\xc0\xaf"}',
    "surrogate in UTF-8": b'{"v":1,"cmd":"ping","x":"\xed\xa0\x80"}',
    "cut UTF-8": b'{"v":1,"cmd":"ping","x":"\xe6\x97"}',
    "beyond Unicode": b'{"v":1,"cmd":"ping","x":"\xf4\x90\x80\x80"}',
    "lone surrogate escape": b'{"v":1,"cmd":"ping","x":"\\ud800"}',
    "byte order mark": b'\xef\xbb\xbf{"v":1,"cmd":"ping"}',
    "trailing bytes": b'{"v":1,"cmd":"ping"}x',
    "two objects": b'{"v":1,"cmd":"ping"}{}',
    "comment": b'{"v":1,/* */"cmd":"ping"}',
    "raw control byte": b'{"v":1,"cmd":"ping","x":"\x01"}',
    "array": b'[1]', "string": b'"ping"', "number": b"17", "null": b"null", "nothing": b"  ",
    "number beyond all": b'{"v":1,"cmd":"ping","x":1e400}', "integer beyond all": b'{"v":1,"cmd":"ping","x":18446744073709551616}',
    "integer below all": b'{"v":1,"cmd":"ping","x":-9223372036854775809}', "-0": b'{"v":1,"cmd":"ping","x":-0}',
    "not closed": b'{"v":1,"cmd":"ping"', "single quotes": b"{'v':1}", "comma at the end": b'{"v":1,"cmd":"ping",}',
    "NaN": b'{"v":1,"cmd":"ping","x":NaN}', "leading zero": b'{"v":01,"cmd":"ping"}', "plus": b'{"v":+1,"cmd":"ping"}',
    "bad escape": b'{"v":1,"cmd":"ping","x":"\\q"}', "UTF-16": '{"v":1,"cmd":"ping"}'.encode("utf-16"),
}


@pytest.mark.parametrize("text", kBadJson.values(), ids=kBadJson.keys())
def test_what_is_not_strict_json_is_refused(daemon, text):
    assert refused(daemon, frame(text), "bad_request") is not None


@pytest.mark.parametrize("text", kBadJson.values(), ids=kBadJson.keys())
def test_what_is_not_strict_json_ends_the_connection(connect, text):
    peer = connect()
    peer.send(frame(text) + frame(v1("ping", id=8)))
    assert peer.read_frame()["error"] == "bad_request"
    assert peer.ended()


@pytest.mark.parametrize("text, ends", [
    (b'{"v":2,"cmd":"ping"}', True), (b'{"v":1,"cmd":5}', True), (b'{"v":1}', False), (b'{"v":1,"cmd":""}', False),
    (b'{"v":1,"cmd":"put","filename":"a"}', True), (b'{"v":1,"cmd":"put","filename":"a","filesize":"0"}', True),
    (b'{"v":1,"cmd":"put","filename":"a","filesize":0,"body":5}', True), (b'{"v":1,"cmd":"put","filename":"a","filesize":0,"offset":1}', True),
    (b'{"v":1,"cmd":"put","filename":5,"filesize":0}', False), (b'{"v":1,"cmd":"put","filename":"a","filesize":0,"mode":"x"}', False),
    (b'{"v":1,"cmd":"segment","filesize":0}', False), (b'{"v":1,"cmd":"stat","filename":5,"filesize":"0"}', False)])
def test_a_header_ends_the_connection_when_it_does_not_say_how_the_request_goes_on(connect, text, ends):
    peer = connect()
    peer.send(frame(text) + frame(v1("ping", id=8)))
    assert peer.read_frame()["error"] in ("bad_request", "unsupported")
    if ends:
        assert peer.ended()
    else:
        assert peer.read_frame()["id"] == 8


def test_json_as_deep_as_the_limit_is_read(connect):
    assert connect().request(nested(7))["ok"]


@pytest.mark.parametrize("value", [None, 5, True, [], {}, "", ["ping"]], ids=json.dumps)
def test_a_command_of_another_type_is_refused(daemon, value):
    refused(daemon, frame({"v": 1, "cmd": value}), "bad_request", "unsupported")
    refused(daemon, frame({"v": 1}), "bad_request", "unsupported")
    refused(daemon, frame({"cmd": value}))


@pytest.mark.parametrize("version", [b'"1"', b"1.0", b"1e0", b"true", b"null", b"[1]", b"1.5", b"18446744073709551617", b"-0"])
def test_a_version_of_another_type_is_refused(daemon, version):
    refused(daemon, frame(b'{"v":' + version + b',"cmd":"ping"}'), "bad_request", "unsupported")


@pytest.mark.parametrize("command", ["put", "get", "stat", "list", "mkdir", "remove", "rename", "sum", "offer"])
@pytest.mark.parametrize("value", [None, 5, True, ["a"], {"a": 1}], ids=json.dumps)
def test_a_name_of_another_type_is_refused(daemon, command, value):
    refused(daemon, frame(v1(command, filename=value, filesize=0, to="x")), "bad_request", "name_invalid")


def test_an_id_that_is_too_long_is_refused(daemon):
    refused(daemon, frame(v1("ping", id="x" * 129)), "bad_request")


@pytest.mark.parametrize("fields", [
    {"cmd": "stat", "filename": None}, {"cmd": "list", "mode": "x"}, {"cmd": "get", "filename": "a", "filesize": -4},
    {"cmd": "ping", "id": "x" * 129}, {"cmd": "frobnicate", "mode": 512}], ids=json.dumps)
def test_a_wrong_value_is_answered_and_the_connection_goes_on(connect, fields):
    peer = connect()
    peer.send(frame({"v": 1, **fields}) + frame(v1("ping", id=2)))
    assert peer.read_frame()["error"] == "bad_request"
    assert peer.read_frame() == {"v": 1, "cmd": "ping", "id": 2, "ok": True}


def test_the_body_of_a_put_with_a_wrong_value_is_read_when_its_length_is_told(connect):
    peer = connect()
    peer.send(put_v1("typed", b"12", mtime_ns=1.5, id=1) + frame(v1("ping", id=2)))
    reply = peer.read_frame()
    assert (reply["error"], reply["id"]) == ("bad_request", 1)
    assert peer.read_frame()["id"] == 2
    peer.send(frame(v1("put", filename="typed", filesize=-2)) + b"12" + frame(v1("ping")))
    assert peer.read_frame()["error"] == "bad_request"
    assert peer.ended()


@pytest.mark.parametrize("fields", [
    {"replace": "yes"}, {"replace": 1}, {"mtime_ns": "5"}, {"mtime_ns": 1.5}, {"mode": "0644"}, {"mode": -1},
    {"mode": 512}, {"mode": 0o4755}, {"body": 5}, {"data_size": -1}, {"offset": -1}, {"offset": "0"}, {"sha256": "00"}, {"xxh128": 5},
    {"digest": ["md5"]}, {"mtime_ns": 2**70}], ids=json.dumps)
def test_a_known_key_of_another_type_or_range_is_refused(daemon, fields):
    refused(daemon, put_v1("typed", b"1", **fields), "bad_request", "unsupported")


@pytest.mark.parametrize("fields", [{"offset": -1}, {"offset": 2**63}, {"length": -1}, {"length": 1.5}, {"have": -1}, {"have": "1"},
                                    {"offset": 2**63 - 1, "length": 2**63 - 1}], ids=json.dumps)
def test_a_hostile_range_is_refused(daemon, fields):
    (daemon.root / "ranged").write_bytes(b"12345")
    try:
        refused(daemon, frame(v1("get", filename="ranged", **fields)), "bad_request")
    finally:
        (daemon.root / "ranged").unlink()


kBadSizes = [b"-1", b"-0", b"9223372036854775808", b"18446744073709551615", b"18446744073709551616", b"18446744073709551617",
             b"-9223372036854775809", b"1e3", b"1E0", b"1.5", b"1.0", b'"5"', b'" 5"', b"true", b"null", b"[5]", b"{}", b"0x10",
             b"+5", b"01", b"1e400", b"9" * 5000, b"0.0", b"-", b"5 5"]


@pytest.mark.parametrize("size", kBadSizes, ids=lambda size: size[:24].decode())
@pytest.mark.parametrize("head", [b'"v":1,', b""], ids=["v1", "plain"])
def test_a_size_that_is_no_canonical_integer_is_refused(daemon, size, head):
    refused(daemon, frame(b'{' + head + b'"cmd":"put","filename":"sized","filesize":' + size + b'}') + b"12345", "bad_request")
    refused(daemon, frame(b'{' + head + b'"cmd":"offer","filename":"sized","filesize":' + size + b',"mtime_ns":1}'),
            "bad_request", "unsupported")


@pytest.mark.parametrize("size", [2**53, 2**53 + 1, 2**62, 2**63 - 1])
def test_a_size_that_no_disk_has_is_refused_before_the_bytes(daemon, size):
    reply = refused(daemon, frame(v1("put", filename="huge", filesize=size)), "no_space", "too_large", "quota")
    assert reply is not None


@pytest.mark.parametrize("value", ["", "0" * 31, "0" * 33, "g" * 32, "0" * 31 + " ", "0x" + "0" * 30, 5, None, ["0" * 32],
                                   "\u0660" * 32, "0" * 31 + "\n"], ids=json.dumps)
@pytest.mark.parametrize("form", [{"v": 1}, {}], ids=["v1", "plain"])
def test_a_digest_of_another_shape_is_refused(daemon, value, form):
    if not form and not value:
        return  # in the plain form it is no digest
    refused(daemon, frame({**form, "cmd": "put", "filename": "shaped", "filesize": 5, "md5": value}) + b"12345", "bad_request")


def test_every_flipped_digit_of_a_digest_is_found(connect, daemon):
    peer = connect()
    good = md5(b"12345")
    for at in range(32):
        wrong = good[:at] + "%x" % (int(good[at], 16) ^ 1) + good[at + 1:]
        assert peer.put("flipped", b"12345", md5=wrong)["error"] == "integrity"


@pytest.mark.parametrize("prefix", [2**30 + 1, 2**62, 2**63 - 1, -2**62 - 1, -2**63])
def test_a_chunk_longer_than_the_limit_is_refused(daemon, prefix):
    reply = refused(daemon, frame(v1("put", id=7, filename="chunked", body="chunks")) + struct.pack("<q", prefix) + b"x" * 100)
    assert (reply["error"], reply["cmd"], reply["id"]) == ("bad_request", "put", 7)


@pytest.mark.parametrize("text", [b"{}", b"[]", b'{"v":1,"cmd":"ping"}', b'{"v":1,"cmd":"trailer","ok":"yes","filesize":1}',
                                  b'{"v":1,"cmd":"trailer","ok":true,"filesize":1.0}', b"x" * 50])
def test_a_trailer_that_is_none_is_refused(daemon, text):
    put = frame(v1("put", id=7, filename="trailed", body="chunks")) + struct.pack("<q", 1) + b"x" + struct.pack("<q", 0)
    reply = refused(daemon, put + frame(text))
    assert (reply["error"], reply["cmd"], reply["id"]) == ("bad_request", "put", 7)


def test_thousands_of_keys_are_read_or_refused_at_once(daemon):
    keys = b",".join(b'"k%d":%d' % (n, n) for n in range(4500))
    with Peer(daemon.address) as peer:
        reply = peer.request(b'{"v":1,"cmd":"ping",' + keys + b"}")
        assert reply.get("ok") or reply["error"] == "bad_request"
