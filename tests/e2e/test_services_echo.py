"""Upper-case echo over TCP and UDP: many clients, exact bytes, and no help for a flood."""

import socket
import threading
import time

import pytest

from support.services import kFree, start_services
from support.waiting import kPatience
from support.wire import Peer

kAll = bytes(range(256))


@pytest.fixture
def echo(make_daemon):
    return start_services(make_daemon, {"echo": {"tcp": kFree, "udp": kFree}}, 2)


def udp_socket(source="127.0.0.1", timeout=kPatience):
    client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    client.bind((source, 0))
    client.settimeout(timeout)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
    return client


def test_both_raise_ascii_letters_only(echo):
    addresses = echo[1]
    with Peer(addresses["echo-tcp"]) as peer:
        peer.send(kAll)
        assert peer.read(256) == kAll.upper()
    with udp_socket() as client:
        client.sendto("grüße".encode(), addresses["echo-udp"])
        assert client.recv(100) == "grüße".encode().upper()


def test_tcp_serves_500_clients_at_once(echo):
    peers = [Peer(echo[1]["echo-tcp"]) for _ in range(500)]
    for turn in range(3):
        for number, peer in enumerate(peers):
            peer.send(b"client %d turn %d\n" % (number, turn))
        for number, peer in enumerate(peers):
            expected = b"CLIENT %d TURN %d\n" % (number, turn)
            assert peer.read(len(expected)) == expected
    assert echo[0].threads() < 100
    for peer in peers:
        peer.close()


def test_tcp_takes_single_bytes_and_megabytes(echo):
    with Peer(echo[1]["echo-tcp"]) as peer:
        peer.send_torn(b"one byte at a time")
        assert peer.read(18) == b"ONE BYTE AT A TIME"
        data = b"much at once " * 300_000
        sender = threading.Thread(target=peer.send, args=(data,))
        sender.start()
        assert peer.read(len(data)) == data.upper()
        sender.join()


def test_a_client_that_reads_nothing_holds_nobody_up(echo):
    with Peer(echo[1]["echo-tcp"]) as stuck, Peer(echo[1]["echo-tcp"]) as other:
        stuck.socket.setblocking(False)
        with pytest.raises(BlockingIOError):
            while True:
                stuck.socket.send(b"x" * 65536)
        other.send(b"me")
        assert other.read(2) == b"ME"


def test_udp_echoes_100000_datagrams_and_the_loss_is_told(echo, capsys):
    count, size, window = 100_000, 512, 64
    received = set()
    # What is not back by then is taken for lost; a machine that stands still for a while loses nothing.
    with udp_socket(timeout=10.0) as client:
        sent = 0
        while sent < count and sent - len(received) < count / 100:
            for number in range(sent, min(sent + window, count)):
                client.sendto(b"%06d" % number + b"a" * (size - 6), echo[1]["echo-udp"])
            sent += window
            try:
                while len(received) < sent:
                    data = client.recv(2048)
                    assert len(data) == size and data.endswith(b"A")
                    received.add(data[:6])
            except socket.timeout:
                continue
    lost = sent - len(received)
    with capsys.disabled():
        print(f"[{lost} of {count} datagrams lost]", end=" ")
    assert sent >= count and lost < count / 100


def test_udp_of_every_size_comes_back_as_large_as_it_went(echo):
    with udp_socket() as client:
        for size in (0, 1, 2, 511, 1472, 1473, 9000, 65507):
            client.sendto(b"q" * size, echo[1]["echo-udp"])
            assert client.recv(70000) == b"Q" * size


def test_udp_is_limited_for_each_source(make_daemon):
    config = {"echo": {"udp": kFree, "udp_loopback_rate": 50}}
    address = start_services(make_daemon, config, 1)[1]["echo-udp"]
    with udp_socket() as greedy, udp_socket() as modest:
        begun = time.monotonic()
        for _ in range(1000):
            greedy.sendto(b"more", address)
        answers = 0
        try:
            while True:
                assert greedy.recv(10) == b"MORE"
                answers += 1
                if answers == 50:
                    greedy.settimeout(0.5)
        except socket.timeout:
            pass
        assert 50 <= answers <= 50 + 50 * (time.monotonic() - begun + 1)
        modest.sendto(b"me", address)
        assert modest.recv(10) == b"ME"


def test_a_flood_from_one_source_slows_no_other(make_daemon):
    rate, burst = 20, 100
    config = {"echo": {"udp": kFree, "udp_loopback_rate": rate}}
    address = start_services(make_daemon, config, 1)[1]["echo-udp"]
    # A burst is five seconds' worth, and so short that the kernel holds all of it and the question behind it: what it drops for want
    # of room is nobody's decision here. Each who asks has an address of its own, and asks no more than it may.
    with udp_socket("127.0.0.3") as flooder:
        for turn in range(300):
            for _ in range(burst):
                flooder.sendto(b"x", address)
            with udp_socket(f"127.0.1.{1 + turn % 200}") as other:
                other.sendto(b"ping", address)
                assert other.recv(10) == b"PING"


def test_a_port_in_use_is_told_and_nothing_is_left_half_started(make_daemon):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        daemon = make_daemon(start=False, config={"echo": {"tcp": f"127.0.0.1:{port}"}})
        with pytest.raises(AssertionError) as error:
            daemon.start()
        daemon.process = None
    assert error.value.code == 2
    assert "echo.tcp" in error.value.log and str(port) in error.value.log
