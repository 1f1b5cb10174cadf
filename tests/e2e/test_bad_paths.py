"""Nothing outside the root is reachable by any name, link or special file, and nothing of it gets into the log raw."""

import ctypes
import os
import socket
import threading

import pytest

from support.binaries import scale
from support.waiting import wait_until
from support.wire import Closed, Peer, frame, put_v1, v1

kSecret = b"the canary outside the root"

kEscapes = [
    "..", "../canary", "../../canary", "a/../../canary", "a/../b", "./a", ".", "a/.", "a/..", "/", "//", "/etc/passwd",
    "a//b", "a/", "/a", "..\\canary", "a\\..\\b", "C:\\x", "", "a\u0000b", "../canary\u0000.txt", "a\nb", "a\rb", "\u007f", "\u0085x",
    "\u009b31m", "\u2028", "\u2029", "\u202eabc", "\u2066x", "a/\u001b[31m", ".ftpd", ".FTPD/lock", ".ftpd/lock", ".ftpd/parts/x", "n" * 256,
    "x/" + "n" * 256, "\u65e5" * 86, "/".join(["p"] * 65), "p/" * 2048 + "x", "../" * 100 + "etc/passwd", "a/../../../canary/.",
]
kOrdinary = ["%2e%2e", "%2e%2e%2fcanary", "..a", "...", "a..b", "-rf", "~", "$HOME", "`id`", "a;b", "*", "?", "\uff0e\uff0e", "\u2024\u2024",
             "a\u2215b", ".hidden", ".ftpd2", "x/.ftpd", "CON", "n" * 255, "\u65e5" * 85, " ", "/".join(["p"] * 64)]


@pytest.fixture
def canary(daemon):
    """A file beside the root; its content, its names and the time it was last read must not change."""
    path = daemon.root.parent / "canary"
    path.write_bytes(kSecret)
    names = sorted(item.name for item in path.parent.iterdir())
    yield path
    assert path.read_bytes() == kSecret
    assert sorted(item.name for item in path.parent.iterdir()) == names


def requests_for(name):
    """One request of every command that takes a name, with that name."""
    yield put_v1(name, b"x")
    yield frame(v1("put", filename=name, body="chunks")) + bytes(8) + frame({"v": 1, "cmd": "trailer", "ok": True, "filesize": 0})
    yield frame(v1("mkdir", filename=name, parents=True))
    yield frame(v1("rename", filename="source", to=name))
    for fields in ({}, {"body": "chunks"}):
        yield frame(v1("get", filename=name, **fields))
    for command in ("stat", "sum", "list", "mkdir", "remove"):
        yield frame(v1(command, filename=name))
    yield frame(v1("remove", filename=name, recursive=True))
    yield frame(v1("rename", filename=name, to="stolen"))
    yield frame(v1("rename", filename="source", to=name, replace=False))
    yield frame(v1("offer", filename=name, filesize=5_000_000, mtime_ns=1))
    if not name.lower().startswith(".ftpd"):
        yield frame(v1("mkdir", filename="made", names=[name]))


@pytest.mark.parametrize("name", kEscapes, ids=lambda name: ascii(name)[:30])
def test_a_name_out_of_the_root_is_refused_by_every_command(daemon, canary, name):
    (daemon.root / "source").write_bytes(b"source")
    (daemon.root / "made").mkdir(exist_ok=True)
    before = daemon.visible()
    for request in requests_for(name):
        if name == "" and (b'"stat"' in request or b'"list"' in request):
            continue
        with Peer(daemon.address) as peer:
            peer.send(request)
            reply = peer.read_frame()
            assert reply["ok"] is False and reply["error"] in ("name_invalid", "bad_request"), (request[:200], reply)
            assert reply["message"].isprintable()
    assert daemon.visible() == before
    assert (daemon.root / "source").read_bytes() == b"source"


@pytest.mark.parametrize("name", kOrdinary, ids=lambda name: ascii(name)[:30])
def test_a_name_that_only_looks_odd_is_a_name_like_any_other(daemon, connect, name):
    peer = connect()
    assert peer.put("odd/" + name if name.count("/") < 63 else name, b"odd")["ok"]
    top = connect()
    if "/" not in name:
        assert top.put(name, b"top")["ok"]
        assert (daemon.root / name).read_bytes() == b"top"
        assert top.ask("remove", filename=name)["ok"]


def test_the_longest_name_is_read_and_one_byte_more_is_not(connect):
    part = "n" * 255
    longest = "/".join([part] * 15 + ["m" * 250])
    longest += "/" + "x" * (4095 - len(longest) - 1)
    assert len(longest) == 4095
    peer = connect()
    assert peer.ask("stat", filename=longest)["error"] in ("not_found", "not_directory")
    assert peer.ask("stat", filename=longest + "x")["error"] == "name_invalid"


def planted(root, canary):
    """Symbolic links of every kind; the values of the dict are where they point."""
    (root / "real").mkdir(exist_ok=True)
    (root / "real/file").write_bytes(b"inside")
    return {"absolute": canary, "up": "../canary", "inside": "real/file", "dangling": "../nothing", "loop": "loop",
            "folder_out": canary.parent, "folder_in": "real", "self": "/proc/self/root", "staging": ".ftpd", "etc": "/etc"}


def test_planted_links_are_never_followed_by_any_command(make_daemon):
    daemon = make_daemon()
    canary = daemon.folder / "canary"
    canary.write_bytes(kSecret)
    links = planted(daemon.root, canary)
    for name, target in links.items():
        (daemon.root / name).symlink_to(target)
    with Peer(daemon.address) as peer:
        for name in links:
            for path in (name, f"{name}/canary", f"{name}/file", f"{name}/new"):
                check_not_followed(peer, path)
        listed = {entry["name"]: entry["type"] for entry in peer.ask("list")["entries"]}
    assert {name: listed[name] for name in links} == dict.fromkeys(links, "link")
    assert canary.read_bytes() == kSecret and not (daemon.folder / "nothing").exists() and not (daemon.folder / "new").exists()
    assert (daemon.root / "real/file").read_bytes() == b"inside" and not (daemon.root / "real/new").exists()


def check_not_followed(peer, path):
    below = "/" in path
    for command in ("get", "sum"):
        assert not peer.ask(command, filename=path)["ok"], (command, path)
    if below:
        for request in (v1("stat", filename=path), v1("mkdir", filename=path), v1("remove", filename=path),
                        v1("rename", filename="real", to=path), v1("rename", filename=path, to="moved")):
            assert not peer.request(request)["ok"], request
        assert not peer.put(path, b"x")["ok"], path
    else:
        assert not peer.ask("list", filename=path)["ok"], path


def test_a_put_over_a_link_never_writes_through_it(make_daemon):
    daemon = make_daemon()
    canary = daemon.folder / "canary"
    canary.write_bytes(kSecret)
    (daemon.root / "link").symlink_to(canary)
    with Peer(daemon.address) as peer:
        reply = peer.put("link", b"replaced")
    assert canary.read_bytes() == kSecret
    if reply["ok"]:
        assert not (daemon.root / "link").is_symlink() and (daemon.root / "link").read_bytes() == b"replaced"
    else:
        assert (daemon.root / "link").is_symlink()


def test_a_recursive_remove_takes_the_link_and_not_what_it_points_to(make_daemon):
    daemon = make_daemon()
    outside = daemon.folder / "outside"
    outside.mkdir()
    (outside / "precious").write_bytes(kSecret)
    (daemon.root / "tree/sub").mkdir(parents=True)
    (daemon.root / "tree/sub/link").symlink_to(outside)
    with Peer(daemon.address) as peer:
        assert peer.ask("remove", filename="tree", recursive=True)["ok"]
    assert (outside / "precious").read_bytes() == kSecret and not (daemon.root / "tree").exists()


def test_a_parent_that_flips_between_folder_and_link_never_leads_out(make_daemon):
    daemon = make_daemon()
    outside = daemon.folder / "outside"
    outside.mkdir()
    (outside / "file").write_bytes(kSecret)
    (daemon.root / "flip").mkdir()
    (daemon.root / "flip/file").write_bytes(b"inside")
    (daemon.root / "spare").symlink_to(outside)
    ended = threading.Event()
    flipper = threading.Thread(target=flip, args=(daemon.root, ended), daemon=True)
    flipper.start()
    with Peer(daemon.address) as peer:
        for n in range(400 * scale()):
            reply, body = peer.get("flip/file")
            assert body == b"" or body == b"inside"
            peer.put("flip/new%d" % (n % 5), b"new")
            peer.ask("remove", filename="flip/new%d" % ((n + 2) % 5))
            peer.ask("mkdir", filename="flip/dir%d" % n)
    ended.set()
    flipper.join()
    assert [path.name for path in outside.iterdir()] == ["file"]
    assert (outside / "file").read_bytes() == kSecret


def flip(root, ended):
    """Exchanges the folder and the link for each other, so that there is always one of them."""
    libc, here, exchange = ctypes.CDLL(None), -100, 2
    while not ended.is_set():
        libc.renameat2(here, bytes(root / "flip"), here, bytes(root / "spare"), exchange)


@pytest.fixture
def special(make_daemon):
    """A daemon whose root has one of each: FIFO, socket, device, folder."""
    daemon = make_daemon()
    os.mkfifo(daemon.root / "fifo")
    with socket.socket(socket.AF_UNIX) as unix:
        unix.bind(str(daemon.root / "socket"))
    (daemon.root / "folder").mkdir()
    if os.geteuid() == 0:
        os.mknod(daemon.root / "device", 0o020666, os.makedev(1, 5))
    return daemon


def test_special_files_are_neither_read_nor_waited_for(special):
    with Peer(special.address) as peer:
        for name in sorted(special.visible()):
            for command in ("get", "sum"):
                reply = peer.ask(command, filename=name)
                assert reply["error"] in ("forbidden", "is_directory"), (name, reply)
            assert peer.get_plain(name)[0]["error"] in ("forbidden", "is_directory")
        types = {entry["name"]: entry["type"] for entry in peer.ask("list")["entries"]}
    assert types["fifo"] == types["socket"] == "other" and types["folder"] == "dir"


kLogAttacks = ["evil\n2026-01-01 [error] forged", "\x1b[2J", "\u009b31m", "a\rb", "\u202egnp.exe", "\u2028forged", "\x7f", "tab\there"]


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_what_comes_from_outside_is_escaped_in_the_log(make_daemon, log_format):
    daemon = make_daemon(options=["--log-format", log_format, "--log-level", "trace"])
    for attack in kLogAttacks:
        with Peer(daemon.address) as peer:
            for request in (v1("get", filename=attack), v1(attack), v1("ping", id=attack), v1("put", filename=attack, filesize=0),
                            {"cmd": "get", "filename": attack}, {"cmd": attack}):
                peer.send(frame(request))
                peer.read_frame()
        with Peer(daemon.address) as peer:
            peer.send(frame(attack.encode()))
            assert peer.ended()
    daemon.stop()
    log = daemon.log()
    bad = [character for character in log if character != "\n" and not character.isprintable()]
    assert bad == []
    assert not any(line.startswith("2026-01-01 [error] forged") for line in log.splitlines())


def test_a_flood_of_bad_connections_leaves_a_short_log(make_daemon):
    daemon = make_daemon()
    for _ in range(1000):
        with Peer(daemon.address) as peer:
            try:
                peer.send(b"\xff\xff\xff\xff" * 100)
            except Closed:
                continue
    wait_until(lambda: daemon.log_path.stat().st_size < 1 << 20, what="a log under 1 MiB")
    with Peer(daemon.address) as peer:
        assert peer.ask("ping")["ok"]
