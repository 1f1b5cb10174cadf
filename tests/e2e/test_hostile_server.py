"""ftpc against a server that lies: it writes only the path that was asked for, whole and verified, or nothing and says so."""

import os
import struct

import pytest

from support.client import kRunDeadline
from support.daemon import peak_memory_of
from support.tiny_server import TinyServer
from support.waiting import kPatience, wait_until
from support.wire import Closed, chunk, frame, hole, kEnd, md5, trailer

kData = os.urandom(50_000)
kLimit = 32 << 20


class LyingGet(TinyServer):
    """Answers each get as `answer(server, peer, request)` says."""

    def __init__(self, answer):
        super().__init__({"a.bin": kData})
        self.answer = answer

    def on_get(self, peer, request):
        return self.answer(self, peer, request)


def reply_with(**fields):
    """A get whose reply has these fields on top of the honest ones, and an honest body of the announced kind."""
    def answer(server, peer, request):
        chunked = request.get("body") == "chunks"
        honest = {"filename": "a.bin", "filesize": len(kData), "mtime": 1, "mtime_ns": 10**9, "mode": 0o644, "offset": 0}
        honest = honest if chunked else {**honest, "md5": md5(kData)}
        server.reply(peer, request, **{**honest, **fields})
        body = chunk(kData) + kEnd + trailer(len(kData), value=md5(kData)) if chunked else kData
        peer.send(body)
    return answer


def body_of(make):
    """An honest reply and the body bytes that make(chunked) gives; then the connection ends."""
    def answer(server, peer, request):
        server.reply(peer, request, filename="a.bin", filesize=len(kData), mtime=1, mtime_ns=10**9, mode=0o644, offset=0,
                     **({} if request.get("body") == "chunks" else {"md5": md5(kData)}))
        peer.send(make(request.get("body") == "chunks"))
        return False
    return answer


def raw(data):
    """These bytes instead of any reply."""
    def answer(_, peer, __):
        peer.send(data)
        return False
    return answer


def end(data, **fields):
    return kEnd + trailer(len(data), value=md5(data), **fields)


kLies = {
    "negative size": reply_with(filesize=-1), "size as text": reply_with(filesize="5"), "size 2^63": reply_with(filesize=2**63),
    "size 2^64": reply_with(filesize=2**64), "size a fraction": reply_with(filesize=1.5),
    "smaller size": reply_with(filesize=10), "larger size": body_of(lambda chunked: chunk(kData) + end(kData + b"x") if chunked else kData[:-1]),
    "another digest": body_of(lambda chunked: chunk(b"x" + kData[1:]) + end(kData) if chunked else b"x" + kData[1:]),
    "less body": body_of(lambda chunked: chunk(kData[:-1]) + kEnd + trailer(len(kData), value=md5(kData)) if chunked else kData[:-1]),
    "cut in a chunk": body_of(lambda chunked: struct.pack("<q", len(kData)) + kData[:100] if chunked else kData[:100]),
    "chunk too long": body_of(lambda chunked: struct.pack("<q", 2**62) + kData if chunked else kData[:100]),
    "hole too long": body_of(lambda chunked: hole(2**62) * 3 + end(kData) if chunked else kData[:100]),
    "given up": body_of(lambda chunked: chunk(kData) + kEnd + frame(
        {"v": 1, "cmd": "trailer", "ok": False, "error": "io_error", "message": "disk"}) if chunked else kData[:100]),
    "no trailer": body_of(lambda chunked: chunk(kData) + kEnd if chunked else kData[:100]),
    "trailer is no trailer": body_of(lambda chunked: chunk(kData) + kEnd + frame({"v": 1, "cmd": "ping", "ok": True}) if chunked else kData[:9]),
    "trailer without digest": body_of(lambda chunked: chunk(kData) + kEnd + trailer(len(kData)) if chunked else kData[:9]),
    "offset nobody asked for": reply_with(offset=17), "offset past the end": reply_with(offset=2**60), "negative offset": reply_with(offset=-1),
    "4 GiB header": raw(b"\xff\xff\xff\xff" + b"x" * 1000), "2 GiB header": raw(b"\xff\xff\xff\x7f" + b"x" * 1000),
    "empty header": raw(b"\0\0\0\0"), "no JSON": raw(b"\x04\0\0\0blah"), "array": raw(frame(b"[1,2]")), "nothing": raw(b""),
    "deep JSON": raw(frame(b'{"v":1,"ok":true,"x":' + b"[" * 20000 + b"]" * 20000 + b"}")),
    "same key twice": raw(frame(b'{"v":1,"cmd":"get","ok":true,"ok":true,"filename":"a.bin","filesize":0}')),
    "without ok": raw(frame({"v": 1, "cmd": "get", "filename": "a.bin", "filesize": 1}) + b"x"),
    "half a header": raw(frame({"v": 1, "cmd": "get", "ok": True})[:9]),
    "another version": raw(frame({"v": 2, "cmd": "get", "ok": True, "filename": "a.bin", "filesize": 1}) + b"x"),
}


def written(client):
    """Names that a get has put where people look: everything but what it hides for a resume."""
    return {str(path.relative_to(client.folder)) for path in client.folder.rglob("*")
            if not any(part.startswith(".") for part in path.relative_to(client.folder).parts)}


@pytest.mark.parametrize("lie", kLies.values(), ids=kLies.keys())
def test_a_lie_is_found_and_nothing_gets_the_name(make_client, lie):
    with LyingGet(lie) as server:
        client = make_client(server.server)
        result = client.run("--retry", "1", "get", "a.bin")
    assert result.code not in (0, 2), result.err
    assert written(client) == set()
    assert result.err.decode().replace("\n", "").isprintable()


@pytest.mark.parametrize("lie", kLies.values(), ids=kLies.keys())
def test_a_lie_leaves_the_old_file(make_client, lie):
    with LyingGet(lie) as server:
        client = make_client(server.server)
        (client.folder / "a.bin").write_bytes(b"old")
        client.run("--retry", "0", "get", "a.bin")
    assert (client.folder / "a.bin").read_bytes() == b"old"


@pytest.mark.parametrize("fields", [{"filename": name} for name in
                                    ["../../evil", "/tmp/evil", "evil", "", "./a.bin", "a.bin/../../evil", "a\0b", 5]] +
                         [{"id": 7}, {"v": 1.5}, {"v": None}], ids=ascii)
def test_an_answer_to_something_else_is_no_answer_to_a_get(make_client, fields):
    """The wrong file, an id that was not sent, no version: all break the protocol, and nothing is written."""
    def answer(server, peer, request):
        chunked = request.get("body") == "chunks"
        honest = {"v": 1, "cmd": "get", "ok": True, "filename": "a.bin", "filesize": len(kData), "mtime_ns": 10**9, "mode": 0o644,
                  **({} if chunked else {"md5": md5(kData)})}
        peer.send(frame({key: value for key, value in {**honest, **fields}.items() if value is not None}) +
                  (chunk(kData) + kEnd + trailer(len(kData), value=md5(kData)) if chunked else kData))

    for more in ([], ["-o", "-"], ["--connections", "3"]):
        with LyingGet(answer) as server:
            client = make_client(server.server)
            result = client.run("--retry", "0", "get", "a.bin", *more)
        assert result.code == 17 and written(client) == set() and result.out == b"", (more, result.err)
    assert not (client.folder.parent / "evil").exists() and not (client.folder.parent.parent / "evil").exists()


def test_a_get_reply_without_a_name_is_fine(make_client):
    def answer(server, peer, request):
        server.reply(peer, request, filesize=len(kData))
        peer.send(chunk(kData) + kEnd + trailer(len(kData), value=md5(kData)))

    with LyingGet(answer) as server:
        client = make_client(server.server)
        client.ok("--retry", "0", "get", "a.bin")
    assert (client.folder / "a.bin").read_bytes() == kData


@pytest.mark.parametrize("more", [[], ["-o", "-"]], ids=str)
def test_two_digests_of_one_file_cannot_both_be_true(make_client, more):
    with LyingGet(reply_with(md5="0" * 32, body="chunks")) as server:
        client = make_client(server.server)
        result = client.run("--retry", "0", "--digest", "md5", "get", "a.bin", *more)
    assert result.code == 12 and b"two md5" in result.err and written(client) == set()


class LyingList(TinyServer):
    """Lists one hostile entry in an otherwise honest folder, and serves a file under any name."""

    def __init__(self, name, kind="file"):
        super().__init__({"d/good": kData})
        self.entry = {"name": name, "type": kind, "size": 4, "mtime": 1, "mtime_ns": 10**9, "mode": 0o644}

    def on_list(self, peer, request):
        entries = [{"name": "good", "type": "file", "size": len(kData), "mtime": 1, "mtime_ns": 10**9, "mode": 0o644}]
        self.reply(peer, request, filename=request["filename"], entries=entries + ([self.entry] if request["filename"] == "d" else []))

    def on_get(self, peer, request):
        if request["filename"] == "d":
            self.reply(peer, request, error="is_directory", message="a folder")
        else:
            self.send_file(peer, request, self.files.get(request["filename"], b"evil"))


@pytest.mark.parametrize("kind", ["file", "dir"])
@pytest.mark.parametrize("name", ["..", ".", "../evil", "/tmp/ftpc_evil", "x/../../evil", "a/b", "", "nul\0", "back\\..\\evil", "n" * 300])
def test_names_in_a_list_never_lead_out_of_the_folder(make_client, name, kind):
    with LyingList(name, kind) as server:
        client = make_client(server.server)
        result = client.run("--retry", "0", "get", "d", "-o", "into/")
    assert result.code != 0
    assert written(client) <= {"into", "into/d", "into/d/good"}
    assert not (client.folder.parent / "evil").exists() and not os.path.exists("/tmp/ftpc_evil")


def test_a_list_without_end_is_not_followed_for_ever_in_memory(make_client):
    class Endless(TinyServer):
        def on_list(self, peer, request):
            self.reply(peer, request, entries=[], next="again")

    with Endless({"d/a": b""}) as server:
        make_client(server.server).run("--retry", "0", "ls", "d", code=17)


@pytest.mark.parametrize("words", [["ls", "d"], ["get", "d/", "-o", "into/"]], ids=str)
def test_a_list_of_pages_with_nothing_on_them_comes_to_an_end(make_client, words):
    class Endless(TinyServer):
        def on_list(self, peer, request):
            self.reply(peer, request, entries=[], next=str(len(self.requests)))

    with Endless({"d/a": b""}) as server:
        result = make_client(server.server).run("--retry", "0", *words)
    assert result.code == 17 and b"does not end" in result.err, result.err


@pytest.mark.parametrize("words", [["ls", "-R"], ["get", "d/", "-o", "into/"]], ids=str)
def test_names_that_are_left_out_are_told_once_and_not_for_each_page(make_client, words):
    class Skipping(TinyServer):
        def on_list(self, peer, request):
            page = int(request.get("after", 0)) + 1
            self.reply(peer, request, entries=[], skipped=2, **({"next": str(page)} if page < 5 else {}))

    with Skipping({"d/a": b""}) as server:
        result = make_client(server.server).run("--retry", "0", *words)
    assert result.err.count(b"no client can use") == 1 and b"10 names" in result.err, result.err


def test_the_smallest_and_largest_times_are_shown_as_they_are(make_client):
    class Old(TinyServer):
        def on_list(self, peer, request):
            self.reply(peer, request, entries=[{"name": str(ns), "type": "file", "size": 1, "mtime": 0, "mtime_ns": ns, "mode": 420}
                                               for ns in (-2**63, -1, 0, 2**63 - 1)])

    with Old() as server:
        lines = make_client(server.server).ok("ls", "-l").out.decode().splitlines()
    shown = {line.split()[-1]: line.split()[-3] + " " + line.split()[-2] for line in lines}
    assert shown == {str(-2**63): "1677-09-21 00:12:43", "-1": "1969-12-31 23:59:59", "0": "1970-01-01 00:00:00",
                     str(2**63 - 1): "2262-04-11 23:47:16"}


kAttacks = ["\x1b[2J\x1b]52;c;aGk=\x07", "\u009b31m", "two\nlines", "\u202egnp", "back\bspace", "nul-free\x7f"]


@pytest.mark.parametrize("attack", kAttacks, ids=ascii)
def test_escapes_in_messages_and_names_reach_no_terminal(make_client, attack):
    class Shouting(TinyServer):
        def on_get(self, peer, request):
            self.reply(peer, request, error="not_found", message=attack)

        def on_list(self, peer, request):
            self.reply(peer, request, entries=[{"name": attack, "type": "file", "size": 1, "mtime": 1, "mtime_ns": 1, "mode": 420}])

    with Shouting({"a.bin": kData}) as server:
        client = make_client(server.server)
        for words in (["get", "a.bin"], ["ls"], ["ls", "-l"], ["--json", "ls"]):
            result = client.run("--retry", "0", *words)
            text = (result.out + result.err).decode()
            assert [character for character in text if character != "\n" and not character.isprintable()] == [], words


def test_a_server_that_sends_without_end_fills_no_memory(make_client, needs_memory_figures):
    def endless(server, peer, request):
        server.reply(peer, request, filename="a.bin", filesize=2**40, mtime=1, mtime_ns=10**9, mode=0o644, offset=0,
                     **({} if request.get("body") == "chunks" else {"md5": md5(kData)}))
        piece = bytes(1 << 20)
        for _ in range(100):
            peer.send(chunk(piece) if request.get("body") == "chunks" else piece)
        sent.append(True)
        raise Closed("enough")

    sent = []
    with LyingGet(endless) as server:
        client = make_client(server.server)
        running = client.start("--retry", "0", "get", "a.bin")
        peaks = [0]

        def ended():
            if not sent:
                peaks.append(peak_memory_of(running))
            return running.poll() is not None

        wait_until(ended, deadline=kRunDeadline, what="the end of ftpc")
        running.communicate()
    assert running.returncode != 0 and max(peaks) < kLimit
    assert written(client) == set()


class LyingPut(TinyServer):
    """Reads each put and answers with `fields` on top of the honest reply; None in them removes a key."""

    def __init__(self, **fields):
        super().__init__()
        self.fields = fields

    def on_put(self, peer, request):
        data = peer.read_chunks()[0] if request.get("body") == "chunks" else peer.read(request["filesize"])
        header = {"v": 1, "cmd": "put", "ok": True, "filename": request["filename"], "filesize": len(data), "md5": md5(data), **self.fields}
        if "id" in request:
            header.setdefault("id", request["id"])
        peer.send(frame({key: value for key, value in header.items() if value is not None}))


@pytest.mark.parametrize("fields", [{"ok": None}, {"ok": "true"}, {"ok": 1}, {"md5": None}, {"md5": "0" * 32}, {"filesize": 1}, {"md5": "xyz"},
                                    {"v": 2}, {"cmd": "get"}], ids=str)
def test_a_put_is_done_only_when_the_server_says_so_in_full(make_client, fields):
    with LyingPut(**fields) as server:
        client = make_client(server.server)
        (client.folder / "a.bin").write_bytes(kData)
        assert client.run("--retry", "0", "--digest", "md5", "put", "a.bin").code not in (0, 1, 2)


@pytest.mark.parametrize("size", [10, 3_000_000])
@pytest.mark.parametrize("fields", [{"filename": "b.bin"}, {"filename": "../a.bin"}, {"id": 7}, {"filesize": None}, {"v": None}], ids=str)
def test_an_answer_to_something_else_is_no_answer_to_a_put(make_client, fields, size):
    with LyingPut(**fields) as server:
        client = make_client(server.server)
        (client.folder / "a.bin").write_bytes(bytes(size))
        result = client.run("--retry", "0", "put", "a.bin")
        stream = client.run("--retry", "0", "put", "-", "-t", "a.bin", data=bytes(size))
    assert result.code == 17 and stream.code == 17, result.err


def test_a_wrong_answer_does_not_pass_the_next_one_on_to_its_file(make_client):
    class Crossed(TinyServer):
        def on_put(self, peer, request):
            names.append(request["filename"])
            data.append(peer.read(request["filesize"]))
            if len(names) == 2:
                for i in (1, 0):
                    self.reply(peer, {"v": 1, "cmd": "put"}, filename=names[i], filesize=len(data[i]), md5=md5(data[i]))

    names, data = [], []
    with Crossed() as server:
        client = make_client(server.server)
        (client.folder / "a").write_bytes(b"same")
        (client.folder / "b").write_bytes(b"same")
        result = client.run("--retry", "0", "put", "a", "b")
    assert result.code == 17, result.err


@pytest.mark.parametrize("fields", [{"offset": 2**60}, {"offset": -1}, {"offset": 3_000_001}, {"action": "dance"}, {"action": None},
                                    {"action": "have", "md5": "0" * 32}, {"action": "have"},
                                    {"offset": 1000, "md5": "0" * 32}, {"offset": 1000}], ids=str)
def test_a_lying_answer_to_an_offer_never_passes_for_success_without_the_bytes(make_client, fields):
    class LyingOffer(TinyServer):
        def on_offer(self, peer, request):
            reply = {"action": "send", "offset": 0, **fields}
            self.reply(peer, request, **{key: value for key, value in reply.items() if value is not None})

    data = os.urandom(3_000_000)
    with LyingOffer() as server:
        client = make_client(server.server)
        (client.folder / "a.bin").write_bytes(data)
        result = client.run("--retry", "0", "put", "a.bin")
    assert (result.code == 0) == (server.files.get("a.bin") == data)


def test_a_server_that_trickles_can_be_interrupted(make_client):
    def stall(server, peer, request):
        peer.send(b"\x40")
        while peer.read_some():
            pass
        return False

    with LyingGet(stall) as server:
        client = make_client(server.server)
        running = client.start("get", "a.bin")
        wait_until(lambda: any(request["cmd"] == "get" for request in server.requests), what="the request")
        running.terminate()
        running.communicate(timeout=kPatience)
    assert running.returncode == 143 and written(client) == set()
