"""The daemon on a Unix socket: both programs, who may connect, and what is left behind."""

import os
import signal
import socket
import stat
from contextlib import ExitStack
from pathlib import Path

from support.daemon import run_to_end
from support.waiting import kPatience, wait_until
from support.wire import Peer, frame, kTimeout, v1


def listening_on(make_daemon, path, **more):
    return make_daemon(options=["--listen", "127.0.0.1:0", "--listen", f"unix:{path}"], **more)


def unix_peer(path):
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    sock.settimeout(kTimeout)
    sock.connect(str(path))
    peer = Peer.__new__(Peer)
    peer.socket, peer.received = sock, 0
    return peer


def test_ftpc_stores_and_fetches_over_a_unix_socket(make_daemon, make_client, tmp_path):
    path = tmp_path / "ftpd.sock"
    daemon = listening_on(make_daemon, path)
    assert daemon.addresses[1] == ("unix", str(path))
    client = make_client(f"unix:{path}")
    (client.folder / "a.txt").write_bytes(os.urandom(3_000_000))
    client.ok("put", "a.txt")
    client.ok("get", "a.txt", "-o", "b.txt")
    assert (client.folder / "b.txt").read_bytes() == (client.folder / "a.txt").read_bytes()
    assert "unix:" in daemon.log()


def blocks_interrupt(pid):
    mask = next(line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("SigBlk:"))
    return int(mask.split()[1], 16) >> (signal.SIGINT - 1) & 1


def test_ftpc_waits_its_time_for_a_socket_whose_queue_is_full_and_can_be_interrupted(make_client, tmp_path):
    path = str(tmp_path / "full.sock")
    with ExitStack() as open_sockets:
        listener = open_sockets.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
        listener.bind(path)
        listener.listen(0)
        full = False
        while not full:
            waiting = open_sockets.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
            waiting.setblocking(False)
            full = waiting.connect_ex(path) != 0
        client = make_client(f"unix:{path}")
        assert b"no answer" in client.run("--timeout", "100ms", "--retry", "0", "ping", code=5).err
        running = client.start("ping")
        wait_until(lambda: blocks_interrupt(running.pid), what="a client that minds Ctrl-C")
        running.send_signal(signal.SIGINT)
        running.communicate(timeout=kPatience)
        assert running.returncode == 130


def test_the_plain_form_is_served_there_too(make_daemon, tmp_path):
    daemon = listening_on(make_daemon, tmp_path / "s")
    with unix_peer(tmp_path / "s") as peer:
        peer.send(frame({"cmd": "put", "filename": "p", "filesize": 3}) + b"abc")
        assert peer.get_plain("p")[1] == b"abc"
    assert "p" in daemon.visible()


def test_the_socket_has_the_mode_of_the_configuration_and_goes_with_the_daemon(make_daemon, tmp_path):
    path = tmp_path / "s"
    daemon = listening_on(make_daemon, path, config={"server": {"socket_mode": "0600"}})
    assert stat.S_ISSOCK(path.stat().st_mode) and stat.S_IMODE(path.stat().st_mode) == 0o600
    daemon.stop()
    assert not path.exists()


def test_a_socket_that_a_killed_daemon_has_left_is_replaced(make_daemon, tmp_path):
    path = tmp_path / "s"
    listening_on(make_daemon, path).kill()
    assert path.exists()
    listening_on(make_daemon, path)
    with unix_peer(path) as peer:
        assert peer.request(v1("ping"))["ok"]


def test_a_socket_that_is_served_or_a_file_that_is_none_is_left_alone(make_daemon, tmp_path):
    path = tmp_path / "s"
    listening_on(make_daemon, path)
    second = run_to_end(tmp_path, "--root", tmp_path / "root", "--listen", f"unix:{path}")
    assert second.returncode == 2 and "another daemon serves it" in second.stderr
    with unix_peer(path) as peer:
        assert peer.request(v1("ping"))["ok"]
    (tmp_path / "file").write_text("precious")
    ended = run_to_end(tmp_path, "--root", tmp_path / "root", "--listen", f"unix:{tmp_path}/file")
    assert ended.returncode == 2 and "something else than a socket" in ended.stderr
    assert (tmp_path / "file").read_text() == "precious"


def test_no_daemon_at_a_unix_socket_is_exit_code_5(make_client, tmp_path):
    client = make_client(f"unix:{tmp_path}/nobody")
    ended = client.run("ls", "--retry", "0", code=5)
    assert b"nobody" in ended.err
