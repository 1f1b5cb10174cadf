"""Version 1 of the wire, request by request, over a plain socket."""

import hashlib
import os
import stat

import pytest

from support.wire import Closed, chunk, frame, hole, kEnd, md5, put_v1, trailer, v1

kData = os.urandom(30_000)
kDigest = md5(kData)
kSecond = 1_000_000_000


@pytest.fixture
def peer(connect):
    return connect()


def test_put_with_a_digest_is_stored_and_said_to_be(peer, daemon):
    reply = peer.put("put/with.bin", kData, md5=kDigest)
    assert reply == {**reply, "v": 1, "cmd": "put", "ok": True, "filename": "put/with.bin", "filesize": 30_000, "md5": kDigest}
    assert (daemon.root / "put/with.bin").read_bytes() == kData


def test_put_without_a_digest_is_answered_with_what_was_stored(peer):
    assert peer.put("put/without.bin", kData)["md5"] == kDigest


@pytest.mark.parametrize("name", ["md5", "sha256"])
def test_put_checks_and_states_the_named_digest(peer, name):
    value = hashlib.new(name, kData).hexdigest()
    assert peer.put(f"put/{name}", kData, **{name: value})[name] == value
    assert peer.put(f"put/{name}.upper", kData, **{name: value.upper()})[name] == value
    assert peer.put(f"put/{name}.asked", kData, digest=name)[name] == value


@pytest.mark.parametrize("name,size", [("md5", 32), ("sha256", 64), ("xxh128", 32)])
def test_put_with_a_digest_that_differs_stores_nothing_and_the_connection_goes_on(peer, daemon, name, size):
    reply = peer.put("put/wrong.bin", kData, **{name: "0" * size})
    assert (reply["ok"], reply["error"]) == (False, "integrity") and reply["message"]
    assert not (daemon.root / "put/wrong.bin").exists()
    assert peer.ask("ping")["ok"]


def test_xxh128_of_nothing_is_the_published_value(peer):
    assert peer.put("put/empty", b"", digest="xxh128")["xxh128"] == "99aa06d3014798d86001c324468d497f"


def test_put_keeps_the_time_and_the_mode(peer, daemon):
    assert peer.put("put/meta", b"m", mtime_ns=1_234_567_890_123_456_789, mode=0o640)["ok"]
    found = (daemon.root / "put/meta").stat()
    assert (found.st_mtime_ns, found.st_mode & 0o7777) == (1_234_567_890_123_456_789, 0o640)


def test_put_without_replace_leaves_the_old_file(peer, daemon):
    assert peer.put("put/old", b"old", replace=False)["ok"]
    assert peer.put("put/old", kData, replace=False)["error"] == "exists"
    assert (daemon.root / "put/old").read_bytes() == b"old"


def test_get_states_the_digest_and_sends_the_bytes(peer, daemon):
    (daemon.root / "get.bin").write_bytes(kData)
    for _ in range(2):
        reply, body = peer.get("get.bin")
        assert reply == {**reply, "v": 1, "cmd": "get", "ok": True, "filename": "get.bin", "filesize": 30_000, "md5": kDigest}
        assert body == kData
    reply, body = peer.get("get.bin", digest="sha256")
    assert reply["sha256"] == hashlib.sha256(kData).hexdigest() and body == kData


def test_get_of_what_is_not_there_has_no_body(peer):
    reply, _ = peer.get("no/such/file")
    assert (reply["ok"], reply["error"], reply["cmd"]) == (False, "not_found", "get")
    assert peer.ask("ping")["ok"]


def test_get_of_a_file_that_the_daemon_has_not_seen_change_states_the_new_digest(peer, daemon):
    peer.put("changes", b"first")
    (daemon.root / "changes").write_bytes(b"other")
    assert peer.get("changes")[0]["md5"] == md5(b"other")


@pytest.mark.parametrize("offset,length", [(0, 1), (0, 30_000), (29_999, 1), (30_000, 5), (100, 1000), (0, 0), (29_000, 5000)])
def test_get_of_a_range(peer, daemon, offset, length):
    (daemon.root / "range.bin").write_bytes(kData)
    part = kData[offset:offset + length]
    reply, body = peer.get("range.bin", offset=offset, length=length)
    assert body == part
    assert (reply["offset"], reply["length"], reply["filesize"], reply["md5"]) == (offset, len(part), 30_000, md5(part))
    reply, body, end = peer.get_chunks("range.bin", offset=offset, length=length)
    assert body == part and end["md5"] == md5(part)


def test_get_of_a_range_past_the_end_is_a_bad_request(peer, daemon):
    (daemon.root / "range2.bin").write_bytes(kData)
    assert peer.get("range2.bin", offset=30_001, length=1)[0]["error"] == "bad_request"
    assert peer.ask("ping")["ok"]


def test_get_in_chunks_has_a_trailer_with_the_digest(peer, daemon):
    (daemon.root / "chunks.bin").write_bytes(kData)
    for name in ("md5", "sha256"):
        reply, body, end = peer.get_chunks("chunks.bin", digest=name)
        assert reply["filesize"] == 30_000 and body == kData
        assert end == {**end, "cmd": "trailer", "ok": True, "filesize": 30_000, name: hashlib.new(name, kData).hexdigest()}


@pytest.mark.parametrize("have", [0, 1, 8192, 29_999, 30_000])
def test_get_goes_on_from_what_the_client_has(peer, daemon, have):
    (daemon.root / "have.bin").write_bytes(kData)
    reply, body, end = peer.get_chunks("have.bin", have=have, md5=md5(kData[:have]))
    assert reply["offset"] == have and body == kData[have:] and end["md5"] == kDigest


@pytest.mark.parametrize("have", [1, 100, 30_000, 30_001])
def test_get_begins_anew_when_the_client_has_something_else(peer, daemon, have):
    (daemon.root / "have2.bin").write_bytes(kData)
    reply, body, end = peer.get_chunks("have2.bin", have=have, md5=md5(b"z" * have))
    assert reply["offset"] == 0 and body == kData and end["md5"] == kDigest


def test_a_put_in_chunks_of_unknown_size_with_holes(peer, daemon):
    whole = kData[:7] + bytes(100_000) + kData[7:]
    peer.send(frame(v1("put", filename="holes", body="chunks")) + chunk(kData[:7]) + hole(100_000) + chunk(kData[7:]) + kEnd +
              trailer(len(whole), value=md5(whole)))
    reply = peer.read_frame()
    assert (reply["ok"], reply["filesize"], reply["md5"]) == (True, len(whole), md5(whole))
    assert (daemon.root / "holes").read_bytes() == whole


@pytest.mark.parametrize("fields,end,error", [
    ({}, trailer(5, value="0" * 32), "integrity"),
    ({}, trailer(6), None),
    ({"filesize": 6}, trailer(5), None),
    ({}, frame({"v": 1, "cmd": "trailer", "ok": False, "error": "changed", "message": "the source changed"}), "changed"),
], ids=["digest", "trailer size", "header size", "given up"])
def test_a_put_in_chunks_that_does_not_end_well_stores_nothing(peer, daemon, fields, end, error):
    peer.send(frame(v1("put", filename="bad_end", body="chunks", **fields)) + chunk(b"12345") + kEnd + end)
    reply = peer.read_frame()
    assert not reply["ok"] and (error is None or reply["error"] == error)
    assert not (daemon.root / "bad_end").exists()


def test_a_put_that_is_given_up_lets_the_connection_go_on(peer):
    peer.send(frame(v1("put", filename="up", body="chunks")) + chunk(b"1") + kEnd +
              frame({"v": 1, "cmd": "trailer", "ok": False, "error": "changed", "message": "m"}) + frame(v1("ping", id=5)))
    assert peer.read_frame()["error"] == "changed"
    assert peer.read_frame()["id"] == 5


def test_stat_of_files_folders_and_the_root(peer):
    peer.put("st/file", kData, mtime_ns=-1_500_000_000, mode=0o600)
    reply = peer.ask("stat", filename="st/file")
    assert reply == {**reply, "type": "file", "filesize": 30_000, "mtime": -2, "mtime_ns": -1_500_000_000, "mode": 0o600}
    assert peer.ask("stat", filename="st")["type"] == "dir"
    assert peer.ask("stat")["type"] == peer.ask("stat", filename="")["type"] == "dir"
    assert peer.ask("stat", filename="st/none")["error"] == "not_found"
    assert peer.ask("stat", filename="st/file/below")["error"] in ("not_directory", "not_found")


def test_sum_is_of_what_is_on_the_disk(peer, daemon):
    peer.put("sum", kData)
    assert peer.ask("sum", filename="sum") | {"md5": kDigest, "filesize": 30_000} == peer.ask("sum", filename="sum")
    assert peer.ask("sum", filename="sum", digest="sha256")["sha256"] == hashlib.sha256(kData).hexdigest()
    (daemon.root / "sum").write_bytes(b"x")
    assert peer.ask("sum", filename="sum")["md5"] == md5(b"x")
    assert peer.ask("sum", filename="sum", digest="crc7")["error"] in ("bad_request", "unsupported")


def test_list_names_types_sizes_and_times(peer, daemon):
    peer.put("ls/a", b"12345", mtime_ns=7 * kSecond)
    peer.ask("mkdir", filename="ls/d")
    (daemon.root / "ls/l").symlink_to("a")
    entries = {entry["name"]: entry for entry in peer.ask("list", filename="ls")["entries"]}
    assert {name: entry["type"] for name, entry in entries.items()} == {"a": "file", "d": "dir", "l": "link"}
    assert (entries["a"]["size"], entries["a"]["mtime"]) == (5, 7)
    assert ".ftpd" not in {entry["name"] for entry in peer.ask("list")["entries"]}
    assert peer.ask("list", filename="ls/none")["error"] == "not_found"
    assert peer.ask("list", filename="ls/a")["error"] == "not_directory"


@pytest.mark.parametrize("limit", [1, 7, 250, None])
def test_large_folders_are_listed_in_pages_without_loss(peer, daemon, limit):
    folder = daemon.root / "pages"
    folder.mkdir(exist_ok=True)
    names = {f"{'n' * 60}{n:04}" for n in range(900)} if limit != 1 else {f"x{n}" for n in range(30)}
    folder = folder / f"of_{limit}"
    folder.mkdir()
    for name in names:
        (folder / name).touch()
    seen, fields = [], {"limit": limit} if limit else {}
    while True:
        reply = peer.ask("list", filename=f"pages/of_{limit}", **fields)
        seen += [entry["name"] for entry in reply["entries"]]
        assert limit is None or len(reply["entries"]) <= limit
        if "next" not in reply:
            break
        fields["after"] = reply["next"]
    assert len(seen) == len(names) and set(seen) == names


def test_mkdir_remove_and_rename(peer, daemon):
    assert peer.ask("mkdir", filename="mk")["ok"]
    assert peer.ask("mkdir", filename="mk")["error"] == "exists"
    assert peer.ask("mkdir", filename="mk/a/b")["error"] == "not_found"
    assert peer.ask("mkdir", filename="mk/a/b", parents=True)["ok"]
    assert peer.ask("mkdir", filename="mk/a/b", parents=True)["ok"]
    assert peer.ask("mkdir", filename="mk", names=["x", "y/z"])["ok"]
    assert (daemon.root / "mk/y/z").is_dir()
    peer.put("mk/f", b"f")
    assert peer.ask("rename", filename="mk/f", to="mk/new/g")["ok"]
    assert (daemon.root / "mk/new/g").read_bytes() == b"f" and not (daemon.root / "mk/f").exists()
    assert peer.ask("remove", filename="mk")["error"] == "is_directory"
    assert peer.ask("remove", filename="mk/a/b")["ok"]
    assert peer.ask("remove", filename="mk/new/g")["ok"]
    assert peer.ask("remove", filename="mk/new/g")["error"] == "not_found"
    assert peer.ask("remove", filename="mk", recursive=True)["ok"]
    assert not (daemon.root / "mk").exists()


def test_mkdir_gives_the_bits_that_are_asked_for_to_folders_that_it_makes(peer, daemon):
    def bits(name):
        return stat.S_IMODE((daemon.root / name).stat().st_mode)

    assert peer.ask("mkdir", filename="md/one", parents=True, mode=0o711)["ok"]
    assert (bits("md"), bits("md/one")) == (0o755, 0o711)
    assert peer.ask("mkdir", filename="md", names=["one", "two", "two/x", "p/q"], modes=[0o700, 0o750, 0, 0o777])["ok"]
    assert [bits(f"md/{name}") for name in ("one", "two", "two/x", "p", "p/q")] == [0o711, 0o750, 0o700, 0o755, 0o777]
    assert peer.ask("mkdir", filename="md/top", names=["in"], mode=0o710, modes=[0o701])["ok"]
    assert peer.ask("mkdir", filename="md/top", names=["on"], mode=0o777)["ok"]
    assert [bits(f"md/top{name}") for name in ("", "/in", "/on")] == [0o710, 0o701, 0o755]
    for wrong in ({"names": ["a"], "modes": []}, {"modes": [1]}, {"names": ["a"], "modes": [512]}, {"mode": -1}):
        assert peer.ask("mkdir", filename="md/none", **wrong)["error"] == "bad_request"
    assert not (daemon.root / "md/none").exists()


def test_rename_replaces_unless_told_not_to(peer, daemon):
    peer.put("rn/a", b"a")
    peer.put("rn/b", b"b")
    assert peer.ask("rename", filename="rn/a", to="rn/b", replace=False)["error"] == "exists"
    assert (daemon.root / "rn/b").read_bytes() == b"b"
    assert peer.ask("rename", filename="rn/a", to="rn/b")["ok"]
    assert (daemon.root / "rn/b").read_bytes() == b"a"
    assert peer.ask("rename", filename="rn/none", to="rn/c")["error"] == "not_found"


def test_the_root_can_be_neither_removed_nor_renamed(peer, daemon):
    for reply in (peer.ask("remove", filename="", recursive=True), peer.ask("rename", filename="", to="x")):
        assert not reply["ok"]
    assert daemon.root.is_dir()


def test_check_tells_which_files_are_needed(peer):
    peer.put("ck/same", b"12345", mtime_ns=9 * kSecond)
    reply = peer.ask("check", filename="ck", names=["same", "same", "same", "none"], sizes=[5, 6, 5, 5],
                     mtimes_ns=[9 * kSecond, 9 * kSecond, 8 * kSecond, 9 * kSecond])
    assert reply["need"] == [1, 2, 3]
    assert peer.ask("check", filename="ck", names=["a", "b"], sizes=[1], mtimes_ns=[1, 2])["error"] == "bad_request"
    peer.put("ck/bits", b"12345", mtime_ns=9 * kSecond, mode=0o640)
    reply = peer.ask("check", filename="ck", names=["bits", "bits", "none"], sizes=[5, 5, 5], mtimes_ns=[9 * kSecond] * 3,
                     modes=[0o640, 0o600, 0o640])
    assert reply["need"] == [1, 2]
    assert peer.ask("check", filename="ck", names=["a"], sizes=[1], mtimes_ns=[1], modes=[])["error"] == "bad_request"


def test_hello_tells_version_digests_commands_and_limits(peer):
    reply = peer.ask("hello")
    assert 1 in reply["versions"] and {"md5", "sha256", "xxh128"} <= set(reply["digests"])
    assert {"put", "get", "list", "stat", "sum", "mkdir", "remove", "rename", "ping", "hello"} <= set(reply["commands"])
    assert reply["limits"]["header"] == 65536 and "ftpd" in reply["server"]


@pytest.mark.parametrize("identity", [7, "seven", 0, -3, "", "x" * 128, "日本", None, True, 1.5, [1, None], {"a": []}])
def test_an_id_comes_back_as_it_was(peer, identity):
    for reply in (peer.ask("ping", id=identity), peer.ask("stat", id=identity, filename="no/such"),
                  peer.ask("frobnicate", id=identity), peer.put("id", b"1", id=identity)):
        assert reply["id"] == identity and type(reply["id"]) is type(identity)


def test_requests_without_waiting_are_answered_in_order(peer, daemon):
    message = b""
    for n in range(200):
        message += put_v1(f"pipe/{n}", b"%d" % n, id=4 * n) + frame(v1("get", filename=f"pipe/{n}", id=4 * n + 1))
        message += frame(v1("frobnicate", id=4 * n + 2)) + frame(v1("stat", filename="pipe/none", id=4 * n + 3))
    peer.send(message)
    for n in range(200):
        assert peer.read_frame()["id"] == 4 * n
        reply = peer.read_frame()
        assert reply["id"] == 4 * n + 1 and peer.read(reply["filesize"]) == b"%d" % n
        unknown, missing = peer.read_frame(), peer.read_frame()
        assert (unknown["id"], unknown["error"]) == (4 * n + 2, "unsupported")
        assert (missing["id"], missing["error"]) == (4 * n + 3, "not_found")


def test_unknown_commands_are_answered_and_unknown_keys_ignored(peer):
    reply = peer.ask("frobnicate")
    assert (reply["v"], reply["cmd"], reply["ok"], reply["error"]) == (1, "frobnicate", False, "unsupported")
    assert peer.ask("ping", colour="blue", nested={"a": [1, {"b": None}]})["ok"]


@pytest.mark.parametrize("version", [0, 2, -1, 2**63 - 1])
def test_other_versions_are_answered_unsupported(connect, version):
    assert connect().request({"v": version, "cmd": "ping"})["error"] == "unsupported"


@pytest.mark.parametrize("fields", [{"body": "smoke"}, {"digest": "crc7"}, {"digest": 5}])
def test_unknown_features_of_a_put_are_refused(connect, daemon, fields):
    reply = connect().put("feature", b"1", **fields)
    assert reply["error"] in ("unsupported", "bad_request")
    assert not (daemon.root / "feature").exists()


def test_a_refused_short_body_is_drained_and_a_long_one_ends_the_connection(connect, daemon):
    (daemon.root / "folder").mkdir()
    short = connect()
    assert short.put("folder", bytes(1 << 20))["error"] == "is_directory"
    assert short.ask("ping")["ok"]
    long = connect()
    long.send(frame(v1("put", filename="folder", filesize=1 << 40)))
    assert long.read_frame()["error"] == "is_directory"
    try:
        for _ in range(2000):
            long.send(bytes(65536))
    except Closed:
        pass
    assert long.ended()


def test_a_put_over_a_folder_and_below_a_file_are_refused(peer):
    peer.put("kind/file", b"1")
    assert peer.put("kind", b"1")["error"] == "is_directory"
    assert peer.put("kind/file/below", b"1")["error"] == "not_directory"
    assert peer.get("kind")[0]["error"] == "is_directory"
