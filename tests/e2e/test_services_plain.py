"""The plain command line: both forms, as the teaching clients use it, torn and several at once, and what goes wrong."""

import hashlib
import threading
import time

import pytest

from support import binaries
from support.processes import processes_with, unique_seconds
from support.services import kFree, plain_answer, start_services
from support.waiting import kPatience, longer_and_longer, wait_until
from support.wire import Peer

kMegabyte = 1_000_000


def start(make_daemon, **keys):
    daemon, addresses = start_services(make_daemon, {"plain-exec": {"listen": kFree, **keys}}, 1)
    return daemon, addresses["plain-exec"]


@pytest.fixture
def plain(make_daemon):
    return start(make_daemon)[1]


def ask(peer, command):
    peer.send(command)
    return plain_answer(peer.read)


def test_the_header_has_size_twice_a_name_and_the_digest_of_both_streams(plain):
    with Peer(plain) as peer:
        header, output = ask(peer, b"echo out; echo err >&2; exit 3")
        assert output == b"out\nerr\n"
        assert list(header) == ["total_size", "data_size", "filename", "md5"]
        assert header["total_size"] == header["data_size"] == 8
        assert header["md5"] == hashlib.md5(output).hexdigest()


def test_commands_of_one_connection_never_stick_together_and_cd_holds(plain):
    with Peer(plain) as peer:
        assert ask(peer, b"cd /usr")[1] == b""
        assert ask(peer, b"pwd")[1] == b"/usr\n"
        assert ask(peer, b"cd lib && cd nowhere; true")[1] != b""
        assert ask(peer, b"pwd")[1] == b"/usr/lib\n"
        assert ask(peer, b"no-such-program")[1].endswith(b"no-such-program: not found\n")


def test_torn_into_single_bytes(make_daemon):
    """A command is whole when nothing more has come for a while. What this process sends in pieces must come in less than that."""
    assert any(torn(start(make_daemon, settle=f"{limit}s")[1], limit) for limit in longer_and_longer(1, "a command without a pause"))


def torn(address, limit):
    """Were five commands in single bytes answered? False where this process has paused in one of them."""
    with Peer(address) as peer:
        for _ in range(5):
            begun = time.monotonic()
            peer.send_torn(b"echo torn")
            paused = time.monotonic() - begun > limit / 2
            answer = plain_answer(peer.read)[1]
            if paused:
                return False
            assert answer == b"torn\n"
    return True


def test_an_empty_command_is_ignored_and_1024_bytes_are_the_most(plain):
    with Peer(plain) as peer:
        peer.send(b"\n")
        assert ask(peer, b"echo first\n")[1] == b"first\n"
        longest = b"echo " + b"x" * 1019
        assert ask(peer, longest)[1] == b"x" * 1019 + b"\n"
        assert b"1024" in ask(peer, longest + b"y" * 5000)[1]
        assert ask(peer, b"echo last")[1] == b"last\n"


def test_a_megabyte_arrives_whole_every_time(plain):
    runs, at_once = 1000 * binaries.scale() // 10, 4
    expected = hashlib.md5(b"y\n" * (kMegabyte // 2)).hexdigest()
    wrong = []

    def run_many():
        with Peer(plain) as peer:
            for _ in range(runs // at_once):
                header, output = ask(peer, b"yes | head -c 1000000\n")
                if header["md5"] != expected or hashlib.md5(output).hexdigest() != expected:
                    wrong.append(header)

    threads = [threading.Thread(target=run_many) for _ in range(at_once)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_bytes_that_are_not_utf8_arrive_as_they_are(plain):
    with Peer(plain) as peer:
        assert ask(peer, b"printf '\\326\\320\\316\\304'")[1] == "中文".encode("gbk")


def test_64_clients_at_once(plain):
    peers = [Peer(plain) for _ in range(64)]
    for peer in peers:
        peer.send(b"sleep 0.5; echo $$\n")
    numbers = {plain_answer(peer.read)[1] for peer in peers}
    assert len(numbers) == 64
    for peer in peers:
        peer.close()


def test_greeting_and_text_for_no_output(make_daemon):
    _, address = start(make_daemon, greeting="连接成功!", empty_output="no output")
    with Peer(address) as peer:
        assert peer.read(len("连接成功!".encode())).decode() == "连接成功!"
        assert ask(peer, b"true")[1] == b"no output"


def test_text_form_waits_for_any_answer(make_daemon):
    _, address = start(make_daemon, form="text")
    with Peer(address) as peer:
        for ready in (b"recv_ready", b"ok", b"x"):
            peer.send(b"printf 0123456789")
            assert peer.read(2) == b"10"
            peer.send(ready)
            assert peer.read(10) == b"0123456789"
    assert any(taken_apart(make_daemon, limit) for limit in longer_and_longer(1, "an answer without a pause"))


def taken_apart(make_daemon, limit):
    """Is an answer in single bytes told from the command that comes at once behind it? False where this process has paused in it."""
    _, address = start(make_daemon, form="text", settle=f"{limit}s")
    with Peer(address) as peer:
        peer.send(b"true\n")
        assert peer.read(1) == b"0"
        begun = time.monotonic()
        peer.send_torn(b"recv_ready")
        peer.send(b"echo next\n")
        if time.monotonic() - begun > limit / 2:
            return False
        assert peer.read(1) == b"5"
        peer.send(b"recv_ready")
        assert peer.read(5) == b"next\n"
    return True


def test_output_over_the_limit_is_told_after_what_came_before(make_daemon):
    _, address = start(make_daemon, output="100KiB")
    with Peer(address) as peer:
        output = ask(peer, b"yes")[1]
        assert output.startswith(b"y\n" * 51200)
        assert b"larger than 100.0 KiB ([plain-exec] output)" in output[102400:]
        assert ask(peer, b"echo on")[1] == b"on\n"


def test_a_command_that_takes_too_long_is_ended_and_told(make_daemon):
    word = unique_seconds(8)
    for limit, told in (("300ms", b"300 ms"), ("3s", b"3.0 s"), ("30s", b"30.0 s")):  # until a shell has said its first word
        _, address = start(make_daemon, time=limit)
        with Peer(address) as peer:
            output = ask(peer, f"echo begun; sleep {word}\n".encode())[1]
            assert told + b" ([plain-exec] time)" in output
            wait_until(lambda: not processes_with(word), what="the end of the command")
            if output.startswith(b"begun\n") and ask(peer, b"echo on\n")[1] == b"on\n":
                return
    pytest.fail(f"not in time: {output}")


def test_a_client_that_leaves_leaves_no_process(plain):
    word = unique_seconds(8)
    with Peer(plain) as peer:
        peer.send(f"sleep {word} & setsid sleep {word} & (setsid sleep {word} &); sleep {word}".encode())
        wait_until(lambda: len(processes_with(word)) >= 4, what="the processes")
    wait_until(lambda: not processes_with(word), what="their end")


def test_it_listens_on_loopback_only(make_daemon):
    daemon = make_daemon(start=False, config={"plain-exec": {"listen": "0.0.0.0:0"}})
    with pytest.raises(AssertionError) as error:
        daemon.start()
    daemon.process = None
    assert error.value.code == 2
    assert "plain-exec.listen" in error.value.log and "loopback" in error.value.log


def test_the_daemon_ends_at_once_with_idle_clients_and_after_running_commands(make_daemon, tmp_path):
    config = {"plain-exec": {"listen": kFree}, "server": {"drain_timeout": "1h"}}
    daemon, addresses = start_services(make_daemon, config, 1)
    begun, go = tmp_path / "begun", tmp_path / "go"
    with Peer(addresses["plain-exec"]) as idle, Peer(addresses["plain-exec"]) as busy:
        assert ask(idle, b"echo here")[1] == b"here\n"
        busy.send(f"touch {begun}; until [ -e {go} ]; do sleep 0.05; done; echo done\n".encode())
        wait_until(begun.exists, what="the command")
        daemon.process.terminate()
        assert idle.ended() and daemon.running()
        go.touch()
        assert plain_answer(busy.read)[1] == b"done\n"
        assert daemon.process.wait(kPatience) == 0
