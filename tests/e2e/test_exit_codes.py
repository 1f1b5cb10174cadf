"""Each exit code of ftpc has one meaning, and 0 is only for what the server has stored and verified."""

import os
import signal
import socket
import subprocess
import threading

import pytest

from support.environment import clean_environment
from support.fault_proxy import Fault, FaultProxy
from support.ports import reserved_port
from support.tiny_server import TinyServer
from support.waiting import wait_until
from support.wire import frame, hole, md5, v1

kData = os.urandom(200_000)
kHole = 4 << 40
# For a program that ends by itself, on a machine that stands still now and then. Seconds.
kPatience = 120


@pytest.fixture
def local(ftpc):
    def write(name, data=kData):
        (ftpc.folder / name).write_bytes(data)
        return name
    return write


@pytest.mark.parametrize("words", [[], ["frobnicate"], ["--no-such-option", "ping"], ["put"], ["get"], ["mv", "only-one"],
                                   ["--retry", "many", "ping"], ["--chunk-size", "0", "ping"], ["sum", "--digest", "crc7", "a"]],
                         ids=lambda words: " ".join(words) or "nothing")
def test_2_usage(ftpc, words):
    result = ftpc.run(*words, code=2)
    assert result.out == b"" and result.err != b""


@pytest.mark.parametrize("server", ["127.0.0.1:notaport", "127.0.0.1:70000", ":", "127.0.0.1:-1"])
def test_2_a_server_that_is_no_address(make_client, server):
    make_client(server).run("ping", code=2)


@pytest.mark.parametrize("words", [["get", "no_such"], ["stat", "no_such"], ["sum", "no_such"], ["rm", "no_such"],
                                   ["mv", "no_such", "there"], ["ls", "no_such"]], ids=lambda words: words[0])
def test_4_not_found(ftpc, words):
    result = ftpc.run(*words, code=4)
    assert b"no_such" in result.err
    assert list(ftpc.folder.iterdir()) == []


def test_5_no_daemon_is_there(make_client):
    place, port = reserved_port()
    with place:
        result = make_client(f"127.0.0.1:{port}").run("--retry", "0", "ping", code=5)
    assert str(port) in result.err.decode()
    assert "start one: ftpd --root DIR" in result.err.decode()


def test_5_a_connection_cut_in_the_middle_without_retry(make_client, daemon):
    with FaultProxy(daemon.address, [Fault(cut_after=100_000)]) as proxy:
        client = make_client(proxy.server)
        (client.folder / "cut.bin").write_bytes(kData)
        client.run("--retry", "0", "put", "cut.bin", code=5)
    assert not (daemon.root / "cut.bin").exists()


def test_5_the_daemon_is_stopped_in_the_middle(make_client, make_daemon):
    daemon = make_daemon(config={"server": {"drain_timeout": "100ms"}})
    with FaultProxy(daemon.address, [Fault(stall_after=100_000)]) as proxy:
        client = make_client(proxy.server)
        (client.folder / "a.bin").write_bytes(kData)
        running = client.start("--retry", "0", "put", "a.bin")
        wait_until(lambda: proxy.passed["up"] == 100_000, what="the stall")
        daemon.stop()
        _, err = running.communicate(timeout=30)
    assert running.returncode == 5, err


def test_5_over_the_limit_of_connections_is_busy(make_client, make_daemon, connect):
    daemon = make_daemon(config={"server": {"max_connections": 1}})
    assert connect(daemon).ask("ping")["ok"]
    result = make_client(daemon.server).run("--retry", "0", "ping", code=5)
    assert b"connections" in result.err


def test_6_some_files_failed_and_the_others_are_done(ftpc, local, daemon):
    local("good1.bin")
    local("good2.bin")
    result = ftpc.run("put", "good1.bin", "missing.bin", "good2.bin", code=6)
    assert b"missing.bin" in result.err
    assert (daemon.root / "good1.bin").read_bytes() == kData and (daemon.root / "good2.bin").read_bytes() == kData
    assert b"nope" in ftpc.run("get", "good1.bin", "nope", "-o", "got/", code=6).err
    assert (ftpc.folder / "got/good1.bin").read_bytes() == kData


def test_11_links_and_special_files_are_not_permitted(ftpc, daemon, tmp_path):
    (tmp_path / "outside").write_bytes(b"secret")
    (daemon.root / "link").symlink_to(tmp_path / "outside")
    os.mkfifo(daemon.root / "fifo")
    for name in ("link", "fifo"):
        ftpc.run("get", name, code=11)
    assert list(ftpc.folder.iterdir()) == []


class WrongDigest(TinyServer):
    """Says another digest than that of what it was sent, or sends."""

    def on_put(self, peer, request):
        if request.get("body") == "chunks":
            data, _ = peer.read_chunks()
        else:
            data = peer.read(request["filesize"])
        self.reply(peer, request, error="integrity", message="the digest differs", filesize=len(data))


def test_12_integrity(make_client):
    with WrongDigest() as server:
        client = make_client(server.server)
        (client.folder / "a.bin").write_bytes(kData)
        client.run("--retry", "0", "put", "a.bin", code=12)


def test_12_an_ok_with_another_digest_is_no_success(make_client):
    class Careless(TinyServer):
        def on_put(self, peer, request):
            data = peer.read_chunks()[0] if request.get("body") == "chunks" else peer.read(request["filesize"])
            wrong = {name: "0" * size for name, size in (("md5", 32), ("sha256", 64), ("xxh128", 32))}
            self.reply(peer, request, filename=request["filename"], filesize=len(data), **wrong)

    with Careless() as server:
        client = make_client(server.server)
        (client.folder / "a.bin").write_bytes(kData)
        client.run("--retry", "0", "put", "a.bin", code=12)


def test_13_exists_and_told_not_to_replace(ftpc, local):
    local("exists.bin")
    ftpc.ok("put", "exists.bin")
    ftpc.run("put", "--no-clobber", "exists.bin", code=13)


@pytest.mark.parametrize("size", [1, 3_000_000])
def test_14_no_space_is_told_before_the_bytes(make_client, make_daemon, size):
    daemon = make_daemon(config={"storage": {"min_free": "1000000TiB"}})
    with FaultProxy(daemon.address) as proxy:
        client = make_client(proxy.server)
        (client.folder / "big.bin").write_bytes(os.urandom(size))
        client.run("put", "big.bin", code=14)
        assert proxy.passed["up"] < 1_500_000
    assert daemon.visible() == set()


# What the buffers of several connections and of a proxy hold is less.
kMoreThanIsOnItsWay = os.urandom(1 << 20) * 120


def held(direction="up"):
    return Fault(direction=direction, hold_after=300_000)


def change_on_the_way(fault, change):
    """Makes the change while the file is on its way: some of it has passed, and most of it has not left."""
    wait_until(lambda: fault.held, what="the first bytes")
    change()
    fault.let_pass()


def begins_with(path, start):
    if not path.exists():
        return False
    with open(path, "rb") as file:
        return file.read(len(start)) == start


def append(path):
    with open(path, "ab") as file:
        file.write(b"more")


def test_15_a_source_that_goes_on_changing_while_it_is_read(make_client, daemon):
    restless = Fault(before_piece=lambda: append(source))
    with FaultProxy(daemon.address, [restless] * 20) as proxy:
        client = make_client(proxy.server)
        source = client.folder / "restless.bin"
        source.write_bytes(kMoreThanIsOnItsWay)
        result = client.run("put", source, code=15)
    assert b"trying once more" in result.err
    assert not (daemon.root / "restless.bin").exists()


@pytest.mark.parametrize("more", [[], ["--connections", "3"]], ids=str)
@pytest.mark.parametrize("retry, code", [("0", 15), ("1", 0)])
def test_15_without_retries_a_source_that_changes_once_is_not_read_again(make_client, daemon, retry, code, more):
    fault = held()
    with FaultProxy(daemon.address, [fault] * 20) as proxy:
        client = make_client(proxy.server)
        source = client.folder / "once.bin"
        source.write_bytes(kMoreThanIsOnItsWay)
        running = client.start("--retry", retry, *more, "put", source)
        change_on_the_way(fault, lambda: append(source))
        _, err = running.communicate(timeout=kPatience)
    assert running.returncode == code, err
    assert (daemon.root / "once.bin").exists() == (code == 0)


@pytest.mark.parametrize("more", [[], ["--connections", "3"]], ids=str)
@pytest.mark.parametrize("retry, code", [("0", 15), ("1", 0)])
def test_15_without_retries_a_file_that_changes_on_the_server_is_not_fetched_again(make_client, daemon, retry, code, more):
    fault = held("down")
    (daemon.root / "once.bin").write_bytes(kMoreThanIsOnItsWay)
    with FaultProxy(daemon.address, [fault] * 20) as proxy:
        client = make_client(proxy.server)
        running = client.start("--retry", retry, *more, "get", "once.bin")
        # Before that it may still take the changed file for the one that it was to fetch.
        wait_until(lambda: begins_with(client.folder / ".once.bin.ftpc-part", kMoreThanIsOnItsWay[:1000]), what="the first bytes there")
        change_on_the_way(fault, lambda: append(daemon.root / "once.bin"))
        _, err = running.communicate(timeout=kPatience)
    assert running.returncode == code, err
    assert (client.folder / "once.bin").exists() == (code == 0)


def test_15_a_source_that_vanishes_while_it_is_read(make_client, daemon):
    fault = held()
    with FaultProxy(daemon.address, [fault]) as proxy:
        client = make_client(proxy.server)
        source = client.folder / "gone.bin"
        source.write_bytes(kMoreThanIsOnItsWay)
        running = client.start("put", source)
        change_on_the_way(fault, source.unlink)
        _, err = running.communicate(timeout=kPatience)
    assert running.returncode == 15 and b"vanished" in err
    assert not (daemon.root / "gone.bin").exists()


@pytest.mark.parametrize("new_size", [0, 1000, len(kMoreThanIsOnItsWay) + 1])
def test_15_a_source_that_changes_its_size_once_is_stored_as_it_is_then_or_not_at_all(make_client, daemon, new_size):
    fault = held()
    with FaultProxy(daemon.address, [fault]) as proxy:
        client = make_client(proxy.server)
        source = client.folder / f"resized{new_size}"
        source.write_bytes(kMoreThanIsOnItsWay)
        running = client.start("put", source)
        change_on_the_way(fault, lambda: os.truncate(source, new_size))
        _, err = running.communicate(timeout=kPatience)
    stored = daemon.root / source.name
    assert running.returncode in (0, 15), err
    assert (running.returncode == 0) == stored.exists()
    assert not stored.exists() or stored.read_bytes() == source.read_bytes()


def test_15_a_source_that_changes_under_the_copy_is_never_stored_mixed(make_client, daemon):
    fault = held()
    old, new = b"o" * len(kMoreThanIsOnItsWay), b"n" * len(kMoreThanIsOnItsWay)

    def overwrite():
        with open(source, "r+b") as file:
            file.write(new)

    with FaultProxy(daemon.address, [fault]) as proxy:
        client = make_client(proxy.server)
        source = client.folder / "changes.bin"
        source.write_bytes(old)
        running = client.start("put", source)
        change_on_the_way(fault, overwrite)
        _, err = running.communicate(timeout=kPatience)
    stored = daemon.root / "changes.bin"
    assert running.returncode in (0, 15), err
    assert (running.returncode == 0) == stored.exists()
    assert not stored.exists() or stored.read_bytes() in (old, new)


@pytest.mark.parametrize("greeting", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\x05\0\0\0[1,2]", frame({"v": 9, "ok": True}),
                                      b"\xff\xff\xff\x7f" + b"x" * 64, b"SSH-2.0-x\r\n"], ids=["http", "array", "v9", "2GiB", "ssh"])
def test_17_a_server_that_speaks_something_else(make_client, greeting):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        def serve():
            near, _ = listener.accept()
            with near:
                near.recv(65536)
                near.sendall(greeting)
                while near.recv(65536):
                    pass
        threading.Thread(target=serve, daemon=True).start()
        make_client("127.0.0.1:%d" % listener.getsockname()[1]).run("--retry", "0", "ping", code=17)


@pytest.mark.parametrize("name", ["../up", "a/../b", "/absolute", "a//b", "back\\slash", "bell\x07", ".ftpd/x", "n" * 256,
                                  "\u202ertl", "/".join("p" * 70)])
def test_18_a_name_that_is_not_allowed_there(ftpc, local, daemon, name):
    local("n.bin")
    before = daemon.visible()
    ftpc.run("put", "n.bin", "-t", name, code=18)
    assert daemon.visible() == before


@pytest.mark.parametrize("number,code", [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("verb", ["put", "get"])
def test_130_and_143_interrupted(make_client, daemon, number, code, verb):
    (daemon.root / "big.bin").write_bytes(kData)
    direction = "up" if verb == "put" else "down"
    with FaultProxy(daemon.address, [Fault(direction=direction, stall_after=50_000)]) as proxy:
        client = make_client(proxy.server)
        if verb == "put":
            (client.folder / f"never{code}.bin").write_bytes(kData)
        running = client.start(*(["put", f"never{code}.bin"] if verb == "put" else ["get", "big.bin"]))
        wait_until(lambda: proxy.passed[direction] == 50_000, what="the stall")
        running.send_signal(number)
        _, err = running.communicate(timeout=kPatience)
    assert running.returncode == code, err
    assert not (daemon.root / f"never{code}.bin").exists()
    assert verb == "put" or not (client.folder / "big.bin").exists()


def test_130_interrupted_while_a_hole_of_terabytes_is_sent(make_client, make_daemon):
    daemon = make_daemon()
    client = make_client(daemon.server)
    (client.folder / "hole").write_bytes(kData)
    os.truncate(client.folder / "hole", kHole)
    running = client.start("put", "hole")
    parts = daemon.root / ".ftpd" / "parts"
    wait_until(lambda: any(path.stat().st_size > 0 for path in parts.iterdir()), what="what comes before the hole")
    running.send_signal(signal.SIGINT)
    _, err = running.communicate(timeout=kPatience)
    assert running.returncode == 130, err
    assert not (daemon.root / "hole").exists()


@pytest.mark.parametrize("words", [["get", "hole"], ["get", "hole", "-o", "-"]], ids=["file", "stream"])
def test_130_interrupted_while_a_hole_of_terabytes_is_received(make_client, words):
    class Hollow(TinyServer):
        def on_get(self, peer, request):
            self.reply(peer, request, filename="hole", filesize=kHole, mtime=0, mtime_ns=0, mode=0o600)
            peer.send(hole(kHole))

    with Hollow() as server:
        client = make_client(server.server)
        running = client.start(*words)
        part = client.folder / ".hole.ftpc-part"
        wait_until(lambda: part.exists() and part.stat().st_size > 0 if len(words) == 2 else running.stdout.read(1), what="the hole")
        running.send_signal(signal.SIGINT)
        _, err = running.communicate(timeout=kPatience)
    assert running.returncode == 130, err


def test_0_means_that_the_file_is_there_and_verified(ftpc, local, daemon, connect):
    local("done.bin")
    ftpc.ok("put", "done.bin")
    assert connect().ask("sum", filename="done.bin")["md5"] == md5(kData)


def test_0_is_not_given_for_a_reply_that_never_came(make_client):
    class Silent(TinyServer):
        def on_put(self, peer, request):
            peer.read_chunks() if request.get("body") == "chunks" else peer.read(request["filesize"])
            return False

    with Silent() as server:
        client = make_client(server.server)
        (client.folder / "a.bin").write_bytes(kData)
        client.run("--retry", "0", "put", "a.bin", code=5)


def test_v1_is_what_the_client_speaks(make_client):
    with TinyServer() as server:
        make_client(server.server).ok("ping")
        assert all(request.get("v") == v1("ping")["v"] for request in server.requests)


def test_18_a_folder_cannot_move_into_itself(ftpc):
    ftpc.ok("mkdir", "d")
    assert b"inside the old one" in ftpc.run("mv", "d", "d/e", code=18).err
    ftpc.run("mv", "d", "d", code=18)


def test_2_two_sources_for_one_name_are_refused_before_anything_is_moved(ftpc, daemon):
    for folder in ("x", "y"):
        (ftpc.folder / folder).mkdir()
        (ftpc.folder / folder / "same").write_text(folder)
    assert b"would both become 'z/same'" in ftpc.run("put", "x/same", "y/same", "-t", "z/", code=2).err
    assert not (daemon.root / "z").exists()
    ftpc.ok("put", "x", "y")
    assert b"would both become" in ftpc.run("get", "x/same", "y/same", "-o", "z/", code=2).err
    assert not (ftpc.folder / "z").exists()


@pytest.mark.parametrize("words,closed", [(("put", "-", "-t", "unread"), 0), (("get", "a", "-o", "-"), 1)], ids=["stdin", "stdout"])
def test_1_a_standard_stream_that_is_closed_is_no_other_file(ftpc, daemon, words, closed):
    (daemon.root / "a").write_text("a")
    running = subprocess.run(ftpc.command(*words), env=clean_environment(ftpc.home), cwd=ftpc.folder, timeout=60, check=False,
                             stderr=subprocess.PIPE, preexec_fn=lambda: os.close(closed))
    assert running.returncode == 1 and b"Bad file descriptor" in running.stderr
    assert not (daemon.root / "unread").exists()
