"""The audit log: one JSON line a decision, escaped, in a file of its own."""

import hashlib
import json
import signal
import time

import pytest

from support.daemon import run_to_end
from support.waiting import wait_until
from support.wire import Peer, frame, put_v1, v1


@pytest.fixture
def audited(make_daemon, tmp_path):
    path = tmp_path / "audit.log"
    return make_daemon(config={"audit": {"file": path}}), path


def lines(path):
    """The lines that are whole: one that is just being written may be seen in part."""
    return [json.loads(line) for line in path.read_text().rpartition("\n")[0].splitlines()]


def test_each_request_is_one_line_that_tells_who_what_and_how_it_ended(audited):
    daemon, path = audited
    data = b"x" * 1000
    with Peer(daemon.address) as peer:
        assert peer.put("a", data)["ok"]
        assert peer.get("a")[1] == data
        assert peer.ask("rename", filename="a", to="b")["ok"]
        assert not peer.ask("stat", filename="missing")["ok"]
        assert not peer.ask("remove", filename="../a")["ok"]
        assert peer.ask("remove", filename="b")["ok"]
    told = wait_until(lambda: len(lines(path)) >= 6 and lines(path), what="six lines")
    assert [(line["command"], line["outcome"]) for line in told] == [
        ("put", "ok"), ("get", "ok"), ("rename", "ok"), ("stat", "not_found"), ("remove", "name_invalid"), ("remove", "ok")]
    assert {line["peer"].rpartition(":")[0] for line in told} == {"127.0.0.1"}
    put = told[0]
    assert (put["filename"], put["bytes"], put["micros"] > 0) == ("a", 1000, True)
    assert told[1]["bytes"] == 1000 and told[2]["to"] == "b"
    assert "md5:" + hashlib.md5(data).hexdigest() in (put["digest"], told[1]["digest"])
    assert "missing" in told[3]["reason"]
    assert path.stat().st_mode & 0o777 == 0o600


def test_names_from_outside_cannot_make_a_line_of_their_own(audited):
    daemon, path = audited
    evil = "a\n{\"event\":\"done\"}\x1b[2J\u2028"
    with Peer(daemon.address) as peer:
        peer.ask("stat", filename=evil)
        peer.send(frame(v1("no\nsuch")))
        peer.read_frame()
    told = wait_until(lambda: len(lines(path)) >= 2 and lines(path), what="two lines")
    assert len(told) == 2
    assert b"\x1b" not in path.read_bytes()


def test_after_sighup_a_renamed_file_is_left_and_a_new_one_begun(audited):
    daemon, path = audited
    with Peer(daemon.address) as peer:
        assert peer.put("a", b"1")["ok"]
        wait_until(lambda: lines(path), what="a line in the old file")
        old = path.rename(path.with_suffix(".1"))
        daemon.send_signal(signal.SIGHUP)
        wait_until(lambda: " reload outcome=ok" in daemon.log(), what="the new file")
        assert peer.put("b", b"2")["ok"]
    wait_until(lambda: lines(path), what="a line in the new file")
    assert [line["filename"] for line in lines(path)] == ["b"]
    assert [line["filename"] for line in lines(old)] == ["a"]


def test_a_flood_of_refusals_is_counted_and_hides_nothing_that_was_done(audited):
    daemon, path = audited
    flood, a_second = 3000, 200
    begun = time.monotonic()
    with Peer(daemon.address) as peer, Peer(daemon.address) as honest:
        peer.send(frame(v1("stat", filename="missing")) * flood)
        for _ in range(flood):
            peer.read_frame()
        honest.send(put_v1("kept", b"data"))
        assert honest.read_frame()["ok"]
    daemon.stop()
    told = lines(path)
    refused = [line for line in told if line["event"] == "refused"]
    assert len(refused) <= a_second * (2 + time.monotonic() - begun)
    counted = sum(line["count"] for line in told if line["event"] == "suppressed")
    assert len(refused) + counted == flood
    assert [line["filename"] for line in told if line["event"] == "done"] == ["kept"]


def test_a_connection_that_is_refused_is_a_line_too(make_daemon, tmp_path):
    path = tmp_path / "audit.log"
    daemon = make_daemon(config={"audit": {"file": path}, "server": {"max_connections": 1}})
    with Peer(daemon.address) as kept:
        assert kept.ask("ping")["ok"]
        with Peer(daemon.address) as refused:
            assert refused.read_frame()["error"] == "busy"
    told = wait_until(lambda: len(lines(path)) >= 2 and lines(path), what="two lines")
    assert {(line["command"], line["outcome"]) for line in told} == {("connect", "busy"), ("ping", "ok")}


def test_an_audit_log_that_cannot_be_had_starts_nothing(tmp_path, ftpd_binary):
    ended = run_to_end(tmp_path, "--root", tmp_path / "r", "--listen", "127.0.0.1:0",
                       env={"FTPD_AUDIT__FILE": str(tmp_path / "none" / "audit")})
    assert ended.returncode == 2 and "audit.file" in ended.stderr and ended.stdout == ""


def test_a_full_disk_under_the_audit_log_is_told_in_the_log(make_daemon):
    daemon = make_daemon(config={"audit": {"file": "/dev/full"}})
    with Peer(daemon.address) as peer:
        assert peer.put("a", b"1")["ok"]
    wait_until(lambda: "audit-failed" in daemon.log(), what="the event")
