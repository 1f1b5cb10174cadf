"""What the daemon gives up after its start, and that files, commands and reloads work all the same."""

import os
import pwd
import signal

import pytest

from support.binaries import sanitized
from support.daemon import run_to_end
from support.waiting import wait_until
from support.wire import Peer, v1

kFileCapabilities = 0b11111  # chown, dac_override, dac_read_search, fowner, fsetid


@pytest.fixture(autouse=True)
def needs_a_sandbox(ftpd_binary):
    if sanitized(ftpd_binary):
        pytest.skip("a sanitizer is built in: there is no sandbox")


def threads(daemon):
    """The /proc status of each thread as a dict."""
    return [dict(line.split(":\t", 1) for line in text.splitlines() if ":\t" in line) for text in daemon.thread_files("status")]


def use_all(daemon, client):
    """Every kind of request once, with moves between folders."""
    data = os.urandom(300_000)
    (client.folder / "a").write_bytes(data)
    (client.folder / "large").write_bytes(data * 30)
    client.ok("put", "a", "large", "-t", "one/two/")
    client.ok("mkdir", "-p", "three/four")
    client.ok("mv", "one/two/a", "three/four/b")
    client.ok("mv", "three", "five")
    client.ok("get", "five/four/b", "one/two/large", "-o", "back/")
    assert (client.folder / "back" / "b").read_bytes() == data
    assert (client.folder / "back" / "large").read_bytes() == data * 30
    client.ok("sum", "five/four/b")
    client.ok("ls", "-R")
    client.ok("rm", "-r", "one", "five")
    assert not daemon.visible()


def hello(daemon):
    with Peer(daemon.address) as peer:
        return peer.request(v1("hello"))


def test_every_thread_is_confined_and_everything_works(make_daemon, make_client):
    daemon = make_daemon(config={"server": {"sandbox": "required"}})
    use_all(daemon, make_client(daemon.server))
    for status in threads(daemon):
        assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2")
        for kind in ("CapPrm", "CapEff", "CapInh", "CapAmb"):
            assert int(status[kind], 16) & ~kFileCapabilities == 0
    if os.geteuid() == 0:
        assert int(threads(daemon)[0]["CapBnd"], 16) & ~kFileCapabilities == 0
    assert "WARN" not in daemon.log()


def test_the_oldest_landlock_that_is_supported_is_enough(make_daemon, make_client):
    daemon = make_daemon(config={"server": {"sandbox": "required"}}, env={"FTPD_LANDLOCK_MOST": "2"})
    use_all(daemon, make_client(daemon.server))
    assert "landlock 2" in hello(daemon)["sandbox"]


def test_hello_the_log_and_ping_tell_what_holds(make_daemon, make_client):
    daemon = make_daemon()
    told = hello(daemon)["sandbox"]
    assert all(part in told for part in ("no-new-privileges", "landlock", "seccomp"))
    wait_until(lambda: told in daemon.log(), what="the sandbox in the log")
    assert told.encode() in make_client(daemon.server).ok("ping", "-v").out
    off = make_daemon(config={"server": {"sandbox": "off"}})
    assert hello(off)["sandbox"] == "off"
    assert threads(off)[0]["Seccomp"] == "0"


def test_what_cannot_be_had_ends_a_required_sandbox_and_is_logged_for_best_effort(make_daemon, tmp_path):
    old = {"FTPD_LANDLOCK_MOST": "1"}
    ended = run_to_end(tmp_path, "--root", tmp_path / "r", "--listen", "127.0.0.1:0",
                       env={**old, "FTPD_SERVER__SANDBOX": "required"})
    assert ended.returncode == 2 and "landlock is not available" in ended.stderr and ended.stdout == ""
    daemon = make_daemon(env=old)
    assert "landlock" not in hello(daemon)["sandbox"] and "seccomp" in hello(daemon)["sandbox"]
    wait_until(lambda: "too old" in daemon.log(), what="what is missing, in the log")


def test_the_daemon_becomes_its_user_and_keeps_nothing(make_daemon, make_client, needs_root, open_folder):
    nobody = pwd.getpwnam("nobody")
    daemon = make_daemon(start=False, root=f"{open_folder}/root",
                         config={"server": {"user": "nobody", "sandbox": "required"}},
                         options=["--listen", "127.0.0.1:0", "--listen", f"unix:{open_folder}/s"])
    os.chown(daemon.root, nobody.pw_uid, nobody.pw_gid)
    daemon.start()
    use_all(daemon, make_client(daemon.server))
    for status in threads(daemon):
        assert status["Uid"].split() == [str(nobody.pw_uid)] * 4
        assert status["Gid"].split() == [str(nobody.pw_gid)] * 4
        assert status["Groups"].split() == []
        assert {int(status[kind], 16) for kind in ("CapPrm", "CapEff", "CapInh", "CapAmb")} == {0}
    assert "no-capabilities" in hello(daemon)["sandbox"]


def test_a_user_that_cannot_be_had_starts_nothing(tmp_path, needs_root):
    ended = run_to_end(tmp_path, "--root", tmp_path / "r", "--listen", "127.0.0.1:0",
                       env={"FTPD_SERVER__USER": "no-such-user"})
    assert ended.returncode == 2 and "no-such-user" in ended.stderr and "server.user" in ended.stderr
    assert not (tmp_path / "r").exists()


def test_a_reload_and_the_end_come_through_the_sandbox(make_daemon):
    daemon = make_daemon()
    daemon.send_signal(signal.SIGHUP)
    wait_until(lambda: " reload outcome=ok" in daemon.log(), what="the reload")
    assert hello(daemon)["ok"]
    daemon.stop()
