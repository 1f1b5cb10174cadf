"""The teaching clients work against the daemon unchanged: as programs and several at once."""

import subprocess
import sys
import threading

import pytest

from support.binaries import kProject
from support.services import kFree, start_services
from support.waiting import kPatience, wait_until

from plain_clients.command_line import CommandLine
from plain_clients.command_text import CommandText
from plain_clients.echo import EchoTcp, EchoUdp
from plain_clients.put import put

kFolder = kProject / "tests" / "plain_clients"


@pytest.fixture
def served(make_daemon):
    config = {"echo": {"tcp": kFree, "udp": kFree}, "plain-exec": {"listen": kFree, "greeting": "连接成功!"}}
    daemon, addresses = start_services(make_daemon, config, 3)
    return daemon, addresses


def run_program(name, address, *words):
    command = [sys.executable, str(kFolder / name), address[0], str(address[1]), *[str(word) for word in words]]
    return subprocess.run(command, capture_output=True, timeout=kPatience, check=True).stdout


def at_once(*jobs):
    failures = []

    def guarded(job):
        try:
            job()
        except Exception as error:  # told to the test's thread
            failures.append(error)

    threads = [threading.Thread(target=guarded, args=(job,)) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures, failures


def test_each_as_a_program(served, make_daemon, tmp_path):
    daemon, addresses = served
    text, answers = tmp_path / "a.txt", addresses["plain-exec"]
    text.write_bytes(b"line\n" * 1000)
    run_program("put.py", daemon.address, text)
    wait_until(lambda: (daemon.root / "a.txt").exists(), what="the stored file")
    assert (daemon.root / "a.txt").read_bytes() == text.read_bytes()
    greeted = run_program("command_line.py", answers, "greeting", "echo one", "echo two")
    assert greeted.decode().startswith("连接成功!") or b"one\n" in greeted
    assert b"one\n" in greeted and b"two\n" in greeted
    assert run_program("echo.py", addresses["echo-tcp"], "tcp", "hello") == b"HELLO\n"
    assert run_program("echo.py", addresses["echo-udp"], "udp", "hello") == b"HELLO\n"
    ungreeted = start_services(make_daemon, {"plain-exec": {"listen": kFree}}, 1)[1]["plain-exec"]
    for key in ("total_size", "data_size"):
        assert run_program("command_line.py", ungreeted, key, "seq 3") == b"1\n2\n3\n"
    older = start_services(make_daemon, {"plain-exec": {"listen": kFree, "form": "text"}}, 1)[1]["plain-exec"]
    assert run_program("command_text.py", older, "seq 3", "pwd").startswith(b"1\n2\n3\n/")


def test_all_of_them_at_once(served, make_daemon, tmp_path):
    daemon, addresses = served
    older = start_services(make_daemon, {"plain-exec": {"listen": kFree, "form": "text"}}, 1)[1]["plain-exec"]

    def store(number):
        source = tmp_path / f"source{number}"
        source.write_bytes(bytes([number]) * 100_000)
        put(daemon.address, source, f"many/{number}.bin")

    def command(number):
        line = CommandLine(addresses["plain-exec"], "data_size", greeting=True)
        assert line.greeting == "连接成功!"
        for turn in range(5):
            assert line.run(f"seq {number * 1000} {number * 1000 + turn}").split()[-1] == b"%d" % (number * 1000 + turn)
        line.close()

    def text(number):
        line = CommandText(older)
        assert line.run(f"head -c {number * 5000 + 1} /dev/zero") == bytes(number * 5000 + 1)
        line.close()

    def echo(number):
        for kind, name in ((EchoTcp, "echo-tcp"), (EchoUdp, "echo-udp")):
            client = kind(addresses[name])
            for turn in range(20):
                assert client.say(b"client %d turn %d" % (number, turn)) == b"CLIENT %d TURN %d" % (number, turn)
            client.close()

    at_once(*[lambda job=job, number=number: job(number) for number in range(8) for job in (store, command, text, echo)])
    wait_until(lambda: len(list((daemon.root / "many").glob("*.bin"))) == 8, what="the stored files")
    for number in range(8):
        assert (daemon.root / "many" / f"{number}.bin").read_bytes() == bytes([number]) * 100_000
