"""Roots with rules: what each forbids is forbidden to everyone, reloads hold at once, and nothing planted in a root leads out of it."""

import os
import signal
import threading

import pytest

from support.binaries import scale
from support.daemon import run_to_end
from support.file_systems import memory_folder, need_root, run
from support.links import Flipper
from support.waiting import wait_until
from support.wire import Closed, Peer, frame, put_v1, v1

kSecret = b"the canary outside"
kFlips = 100_000
kRounds = 150


@pytest.fixture
def roots(make_daemon, tmp_path):
    """A daemon with an ordinary root, one that is read only, and a drop box."""
    for name in ("work", "pub", "drop"):
        (tmp_path / name).mkdir()
    (tmp_path / "pub/a.txt").write_bytes(b"public")
    (tmp_path / "pub/b.key").write_bytes(b"private")
    return make_daemon(config={
        "root work": {"path": tmp_path / "work"},
        "root pub": {"path": tmp_path / "pub", "read_only": "yes", "hide": "*.key"},
        "root drop": {"path": tmp_path / "drop", "write_only": "yes", "max_file_size": "1KiB", "max_age": "2s"},
    })


def names(reply):
    return [entry["name"] for entry in reply["entries"]]


def test_the_roots_are_folders_at_the_top_and_nothing_else_can_be_there(roots, connect):
    peer = connect(roots)
    assert names(peer.ask("list", filename="")) == ["drop", "pub", "work"]
    assert peer.put("work/d/a.txt", b"x")["ok"]
    assert peer.put("new.txt", b"x")["error"] == "forbidden"
    assert peer.ask("mkdir", filename="new")["error"] == "forbidden"
    assert peer.ask("stat", filename="nowhere")["error"] == "not_found"
    assert peer.get("work/d/a.txt")[1] == b"x"
    assert not any(item.name not in (".ftpd",) for item in roots.root.iterdir())


def test_a_refusal_names_the_root_the_key_and_the_line(roots, connect):
    reply = connect(roots).put("pub/c.txt", b"x")
    assert reply["error"] == "forbidden"
    line = roots.config_path.read_text().split("\n").index("read_only = yes") + 1
    assert reply["message"] == f"cannot store 'pub/c.txt': not allowed by [root pub] read_only (ftpd.conf:{line})"


def test_a_hidden_name_is_not_there_for_anybody(roots, connect):
    peer = connect(roots)
    assert names(peer.ask("list", filename="pub")) == ["a.txt"]
    for command in ("get", "stat", "sum"):
        there = peer.ask(command, filename="pub/b.key")
        nothing = peer.ask(command, filename="pub/x.txt")
        assert there["error"] == nothing["error"] == "not_found"
        assert there["message"].replace("b.key", "x.txt") == nothing["message"]


@pytest.mark.parametrize("size", [10, 1_048_577])
def test_a_name_that_is_taken_in_a_drop_box_exists_for_who_would_not_replace_it(make_daemon, make_client, connect, tmp_path, size):
    (tmp_path / "drop").mkdir()
    daemon = make_daemon(config={"root drop": {"path": tmp_path / "drop", "write_only": "yes"}})
    client = make_client(daemon.server)
    (client.folder / "a").write_bytes(b"x" * size)
    client.ok("put", "a", "-t", "drop/a")
    peer = connect(daemon)
    assert peer.ask("offer", filename="drop/a", filesize=size, mtime_ns=1, replace=False)["error"] == "exists"
    assert peer.put("drop/a", b"y" * size, replace=False)["error"] == "exists"
    for target in ("drop/a", "drop/"):
        refused = client.run("put", "--no-clobber", "a", "-t", target, code=13)
        assert b"exists" in refused.err and b"look at" not in refused.err, refused.err


def test_a_drop_box_takes_files_and_gives_none_back_and_they_are_gone_in_time(roots, connect, tmp_path):
    peer = connect(roots)

    def stored():
        assert peer.put("drop/a", b"x" * 1024)["ok"]
        return (tmp_path / "drop/a").exists()

    wait_until(stored, what="the file, before its time is over")
    assert peer.put("drop/b", b"x" * 1025)["error"] == "too_large"
    assert peer.get("drop/a")[0]["error"] == "not_found"
    assert peer.ask("list", filename="drop")["error"] == "forbidden"
    wait_until(lambda: not (tmp_path / "drop/a").exists())


def test_new_rules_hold_after_a_signal_and_bad_ones_change_nothing(roots, connect):
    peer = connect(roots)
    assert peer.put("pub/c.txt", b"x")["error"] == "forbidden"
    good = roots.config_path.read_text()
    roots.config_path.write_text(good.replace("read_only = yes", "read_only = maybe"))
    roots.send_signal(signal.SIGHUP)
    wait_until(lambda: "outcome=failed" in roots.log())
    assert "'read_only' must be yes or no" in roots.log()
    assert peer.put("pub/c.txt", b"x")["error"] == "forbidden"
    roots.config_path.write_text(good.replace("read_only = yes", "read_only = no"))
    roots.send_signal(signal.SIGHUP)
    wait_until(lambda: peer.put("pub/c.txt", b"x")["ok"])
    assert peer.put("pub/c.txt", b"x")["ok"]


def test_the_client_handles_roots_as_it_handles_folders(roots, make_client, tmp_path):
    client = make_client(roots.server)
    (client.folder / "t/s").mkdir(parents=True)
    (client.folder / "t/s/a").write_bytes(b"x")
    client.run("put", "t", "-t", "work/", code=0)
    client.run("get", "work/t", "-o", "back/", code=0)
    assert (client.folder / "back/t/s/a").read_bytes() == b"x"
    refused = client.run("put", "t/s/a", "-t", "pub/", code=11)
    assert b"[root pub] read_only" in refused.err
    client.run("mv", "work/t", "drop/t", code=11)
    assert client.run("ls", code=0).out.decode().split() == ["drop", "pub", "work"]


def test_a_read_only_root_may_lie_on_a_disk_that_cannot_be_written_to(make_daemon, connect, tmp_path):
    need_root()
    with memory_folder(tmp_path / "disk", size="1m") as disk:
        (disk.folder / "a.txt").write_bytes(b"text")
        assert run("mount", "-o", "remount,ro", disk.folder).returncode == 0
        daemon = make_daemon(config={"root pub": {"path": disk.folder, "read_only": "yes"}})
        peer = connect(daemon)
        assert names(peer.ask("list", filename="pub")) == ["a.txt"]
        assert peer.get("pub/a.txt")[1] == b"text"
        assert peer.put("pub/b.txt", b"x")["error"] == "forbidden"
        assert "level=error" not in daemon.log()
        daemon.stop()


def test_a_root_that_holds_the_daemons_own_files_is_refused(tmp_path):
    home = tmp_path / "home"
    (home / "state/ftpd").mkdir(parents=True)
    (home / "state/ftpd/users").touch(mode=0o600)
    for options in ([], ["--check-config"]):
        refused = run_to_end(home, "--root", home, "--listen", "127.0.0.1:0", *options)
        assert refused.returncode == 2 and refused.stdout == ""
        assert f"the state folder {home}/state/ftpd ([server] state) lies inside the root {home}" in refused.stderr
    assert [item.name for item in home.iterdir()] == ["state"]


def test_a_home_folder_is_served_with_the_daemons_own_files_where_no_client_reaches(make_daemon, connect, tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    daemon = make_daemon(root=home, env={"XDG_STATE_HOME": str(home / "state")})
    wait_until(lambda: f"is kept in {home}/.ftpd/state" in daemon.log())
    assert (home / ".ftpd/state/tls/key.pem").exists()
    peer = connect(daemon)
    assert names(peer.ask("list", filename="")) == []
    assert peer.get(".ftpd/state/tls/key.pem")[0]["error"] == "name_invalid"


def attack(address, ended, rounds, faults):
    """Puts, gets, renames, lists and removes through a folder that is a link half of the time; the canary must come back from none."""
    n = 0
    peer = Peer(address)
    try:
        while not ended.is_set():
            n += 1
            try:
                peer.send(put_v1(f"work/flip/new{n % 5}", b"new") + frame(v1("get", filename="work/flip/file")))
                peer.read_frame()
                reply = peer.read_frame()
                body = peer.read(reply["filesize"]) if reply["ok"] else b""
                for request in (v1("list", filename="work/flip"), v1("mkdir", filename=f"work/flip/m/{n % 7}", parents=True),
                                v1("rename", filename=f"work/flip/new{n % 5}", to=f"work/flip/old{n % 3}"),
                                v1("rename", filename="work/flip/file", to="work/flip/stolen"),
                                v1("rename", filename="work/flip/stolen", to="work/flip/file"),
                                v1("remove", filename=f"work/flip/old{(n + 1) % 3}"),
                                v1("remove", filename="work/flip/m", recursive=True)):
                    body += repr(peer.request(request)).encode()
                if kSecret in body or b"canary" in body:
                    faults.append(body)
                rounds.append(n)
            except Closed:
                peer.close()
                peer = Peer(address)
    finally:
        peer.close()


def test_flipping_a_folder_and_a_link_under_running_commands_never_reaches_the_canary(roots, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    for name in ("canary", "file", "new1", "old1", "stolen"):
        (outside / name).write_bytes(kSecret)
    os.utime(outside / "file", ns=(1, 1))
    (tmp_path / "work/flip").mkdir()
    (tmp_path / "work/flip/file").write_bytes(b"inside")
    (tmp_path / "work/spare").symlink_to(outside)
    ended, rounds, faults = threading.Event(), [], []
    flipper = Flipper(tmp_path / "work/flip", tmp_path / "work/spare", kFlips)
    attackers = [threading.Thread(target=attack, args=(roots.address, ended, rounds, faults)) for _ in range(4)]
    for attacker in attackers:
        attacker.start()
    try:
        wait_until(lambda: len(rounds) >= kRounds * scale(), 300 * scale(), "enough rounds of attacks")
    finally:
        flips = flipper.stop()
        ended.set()
        for attacker in attackers:
            attacker.join()
    print(f"{flips} flips under {len(rounds)} rounds of 9 commands")
    assert flips >= kFlips
    assert not faults
    assert sorted(item.name for item in outside.iterdir()) == ["canary", "file", "new1", "old1", "stolen"]
    assert all(item.read_bytes() == kSecret for item in outside.iterdir())
    assert roots.running()
