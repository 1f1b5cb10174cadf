"""Users with rules, homes and quotas, as an administrator sets them up and as their clients see them."""

import contextlib
import os
import signal
import threading
import time

import pytest

from support.accounts import Accounts
from support.daemon import run_to_end
from support.waiting import wait_until
from support.wire import Closed, Peer, frame, put_v1, v1

kPasswords = {"anna": "correct horse", "bert": "battery staple"}
kRules = {
    "user *": {"allow": "pub: read; homes/{user}: all; in: put"},
    "user bert": {"home": "homes/{user}", "quota_bytes": "10000", "quota_files": "5", "transfers": "2"},
}


@pytest.fixture(name="accounts")
def _accounts(tmp_path):
    made = Accounts(tmp_path / "accounts")
    for user, password in kPasswords.items():
        made.add(user, password)
    return made


@pytest.fixture(name="guarded")
def _guarded(make_daemon, accounts):
    daemon = make_daemon(start=False, config={**accounts.config(), **kRules})
    for name in ("pub", "in", "secret", "homes/anna"):
        (daemon.root / name).mkdir(parents=True)
    (daemon.root / "pub/a.txt").write_bytes(b"public")
    (daemon.root / "secret/b.txt").write_bytes(b"secret")
    return daemon.start()


@pytest.fixture(name="login")
def _login(guarded):
    """login(user) is a connection that has logged in."""
    peers = []

    def enter(user):
        peer = Peer(guarded.address)
        peers.append(peer)
        assert peer.ask("login", user=user, password=kPasswords[user])["ok"]
        return peer

    yield enter
    for peer in peers:
        peer.close()


def names(reply):
    return [entry["name"] for entry in reply["entries"]]


def test_each_user_sees_what_the_rules_say_and_nothing_else(guarded, login):
    anna, bert = login("anna"), login("bert")
    assert sorted(names(anna.ask("list", filename=""))) == ["homes", "in", "pub"]
    assert names(anna.ask("list", filename="homes")) == ["anna"]
    assert anna.ask("stat", filename="secret")["error"] == "forbidden"
    assert anna.put("homes/anna/x", b"mine")["ok"]
    assert anna.put("homes/bert/x", b"his")["error"] == "forbidden"
    assert names(bert.ask("list", filename="")) == []
    assert bert.put("x", b"his")["ok"]
    assert (guarded.root / "homes/bert/x").read_bytes() == b"his"
    assert bert.get("homes/anna/x")[0]["error"] == "not_found"


def test_a_refusal_names_the_rule_and_explain_says_the_same(guarded, login):
    reply = login("anna").put("pub/new.txt", b"x")
    line = guarded.config_path.read_text().split("\n").index("allow = " + kRules["user *"]["allow"]) + 1
    rule = f"[user *] allow 'pub: read' (ftpd.conf:{line})"
    assert reply["error"] == "forbidden" and reply["message"] == f"cannot store 'pub/new.txt': not allowed by {rule}"
    told = run_to_end(guarded.folder, "user", "explain", "anna", "put", "pub/new.txt", "--config", guarded.config_path)
    assert told.stdout.startswith("denied: anna may not put /pub/new.txt\n") and f"by {rule}\n" in told.stdout


def test_a_user_may_put_into_a_box_that_others_read_nothing_of(guarded, login):
    anna = login("anna")
    assert anna.put("in/a", b"one")["ok"]
    assert anna.put("in/a", b"two")["error"] == "forbidden"
    assert anna.get("in/a")[0]["error"] == "not_found"
    assert anna.ask("list", filename="in")["error"] == "forbidden"
    assert anna.ask("remove", filename="in/a")["error"] == "forbidden"
    assert (guarded.root / "in/a").read_bytes() == b"one"


def test_a_quota_holds_before_the_first_byte_and_in_every_race(guarded, login):
    bert = login("bert")
    assert bert.put("a", bytes(6000))["ok"]
    refused = bert.put("b", bytes(4001))
    assert refused["error"] == "quota" and "[user bert] quota_bytes" in refused["message"]

    def fill(n):
        with Peer(guarded.address) as peer:
            peer.ask("login", user="bert", password=kPasswords["bert"])
            for i in range(20):
                peer.put(f"f{n}", bytes(100 * ((i * 7 + n) % 30)))

    threads = [threading.Thread(target=fill, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    files = [path for path in (guarded.root / "homes/bert").rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) <= 10000
    assert len(files) <= 5


def test_rules_that_are_taken_away_are_gone_for_connections_that_are_open(guarded, login):
    anna = login("anna")
    assert anna.get("pub/a.txt")[0]["ok"]
    guarded.config_path.write_text(guarded.config_path.read_text().replace("pub: read", "pub: list"))
    guarded.send_signal(signal.SIGHUP)
    wait_until(lambda: anna.get("pub/a.txt")[0].get("error") == "forbidden")


def test_puts_that_were_offered_or_begun_before_a_right_was_taken_away_are_refused(guarded, login):
    offering, putting, asking = login("anna"), login("anna"), login("anna")
    body = bytes(3000)
    name = "homes/anna/"
    assert offering.ask("offer", filename=name + "offered", filesize=3000, mtime_ns=1)["ok"]
    whole = put_v1(name + "begun", body)
    putting.send(whole[:-1])
    guarded.config_path.write_text(guarded.config_path.read_text().replace("homes/{user}: all", "homes/{user}: read"))
    guarded.send_signal(signal.SIGHUP)
    wait_until(lambda: asking.put(name + "new", b"x").get("error") == "forbidden")
    putting.send(whole[-1:])
    refused = putting.read_frame()
    assert refused["error"] == "forbidden" and "allow 'homes/{user}: read'" in refused["message"]
    again = v1("put", filename=name + "offered", filesize=3000, mtime_ns=1, offset=0)
    assert offering.request(again, body)["error"] == "forbidden"
    assert not [path for path in (guarded.root / name).iterdir() if path.name != "new"]


def test_what_a_cut_put_has_left_does_not_keep_its_user_from_storing(guarded, login):
    first = login("bert")
    assert first.ask("offer", filename="cut", filesize=9000, mtime_ns=1)["ok"]
    first.send(frame(v1("put", filename="cut", filesize=9000, mtime_ns=1, offset=0)) + bytes(8000))
    wait_until(lambda: guarded.staged_bytes() > 0, what="the put to begin")
    second = login("bert")
    wait_until(lambda: second.ask("offer", filename="cut", filesize=9000, mtime_ns=1).get("error") == "busy")
    first.close()
    wait_until(lambda: second.put("new", bytes(5000)).get("ok"))


def test_the_client_works_in_a_home_and_ends_with_11_and_14(guarded, accounts, make_client):
    client = make_client(guarded.server)
    (client.folder / "t").mkdir()
    (client.folder / "t/a").write_bytes(b"x" * 100)
    (client.folder / "big").write_bytes(b"x" * 20000)
    bert = ["--user", "bert", "--password-file", accounts.secret(kPasswords["bert"], "bert.secret")]
    anna = ["--user", "anna", "--password-file", accounts.secret(kPasswords["anna"], "anna.secret")]
    client.run(*bert, "put", "t", code=0)
    client.run(*bert, "get", "t", "-o", "back/", code=0)
    assert client.run(*bert, "ls", code=0).out.decode().split() == ["t"]
    assert b"quota_bytes" in client.run(*bert, "put", "big", code=14).err
    assert b"not allowed by [user *] allow" in client.run(*anna, "put", "big", "-t", "pub/", code=11).err
    client.run(*anna, "put", "t", "-t", "homes/anna/", code=0)
    client.run(*anna, "rm", "-r", "homes/anna/t", code=0)


def test_a_users_rate_holds_for_all_its_connections_and_for_nobody_else(make_daemon, accounts):
    daemon = make_daemon(config={**accounts.config(), "user bert": {"rate": "4MiB"}})

    def put(user, name, size):
        with Peer(daemon.address) as peer:
            assert peer.ask("login", user=user, password=kPasswords[user])["ok"]
            assert peer.put(name, os.urandom(1 << 20) * (size >> 20))["ok"]

    def put_until_killed(*what):
        with contextlib.suppress(Closed):
            put(*what)

    def begin_four(user, size):
        threads = [threading.Thread(target=put_until_killed, args=(user, f"{user}{size}/{n}", size)) for n in range(4)]
        for thread in threads:
            thread.start()
        return threads

    def stored(user):
        return len([name for name in daemon.visible() if name.startswith(user) and "/" in name])

    # 12 MiB at 4 MiB a second, of which a part of a second's worth may pass at once.
    begun = time.monotonic()
    for thread in begin_four("bert", 3 << 20):
        thread.join()
    assert 1.5 < time.monotonic() - begun < 28 and stored("bert") == 4
    # As much of anna's goes past what bert has begun before and takes him 60 s.
    slow = begin_four("bert", 60 << 20)
    wait_until(lambda: daemon.staged_bytes() > 0, what="bert's puts to begin")
    for thread in begin_four("anna", 3 << 20):
        thread.join()
    assert stored("anna") == 4 and stored("bert") == 4 and all(thread.is_alive() for thread in slow)
    daemon.kill()
    for thread in slow:
        thread.join()
