"""TLS on the one port of the daemon: transfers, refusals, new certificates, lines that break."""

import os
import signal
import socket
import ssl
import time

import pytest

from support.certificates import Authority, any_context, der_of, tls_config, tls_peer
from support.daemon import run_to_end
from support.fault_proxy import Fault, FaultProxy
from support.waiting import let_pass, wait_until
from support.wire import Peer, frame, kTimeout, md5, v1

kMany = 12 << 20


@pytest.fixture
def client(ftpc):
    """ftpc that encrypts."""
    plain = ftpc.command
    ftpc.command = lambda *words: plain("--accept-new", *words)
    return ftpc


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path / "authority")


def test_files_of_every_size_come_back_over_tls_as_they_were_stored(daemon, client):
    for size in (0, 1, 8191, 16384, 16385, 65536, 300_000, 1 << 20, kMany + 1):
        data = os.urandom(size)
        (client.folder / "a").write_bytes(data)
        client.ok("put", "a", "-t", f"size{size}")
        assert (daemon.root / f"size{size}").read_bytes() == data
        client.ok("get", f"size{size}", "-o", "b")
        assert (client.folder / "b").read_bytes() == data


def test_everything_works_where_the_kernel_is_to_encrypt_and_cannot(make_daemon, make_client):
    daemon = make_daemon(config={"tls": {"kernel": "yes"}})
    client = make_client(daemon.server)
    data = os.urandom(kMany + 1)
    (client.folder / "a").write_bytes(data)
    client.ok("--accept-new", "put", "a")
    client.ok("--tls", "get", "a", "-o", "b")
    assert (client.folder / "b").read_bytes() == data
    with tls_peer(daemon.address) as peer:
        peer.send(frame(v1("ping")))
        assert peer.read_frame()["ok"]
        peer.reset()
    client.ok("--tls", "ping")


def test_large_files_go_over_several_tls_connections(daemon, client):
    data = os.urandom(3 * kMany)
    (client.folder / "large").write_bytes(data)
    client.ok("--connections", "3", "put", "large")
    assert (daemon.root / "large").read_bytes() == data
    client.ok("--connections", "3", "get", "large", "-o", "back")
    assert (client.folder / "back").read_bytes() == data


def test_trees_streams_and_holes_pass_through_tls(daemon, client):
    folder = client.folder / "tree"
    for number in range(300):
        path = folder / f"d{number % 7}" / f"f{number}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(os.urandom(number * 37))
    client.ok("put", "tree")
    client.ok("get", "tree", "-o", "again/")
    for path in folder.rglob("f*"):
        assert (client.folder / "again" / "tree" / path.relative_to(folder)).read_bytes() == path.read_bytes()
    stream = os.urandom(3_000_000)
    client.ok("put", "-", "-t", "stream", data=stream)
    assert client.ok("get", "stream", "-o", "-").out == stream
    with open(client.folder / "sparse", "wb") as sparse:
        sparse.write(b"begin")
        sparse.truncate(64 << 20)
    client.ok("put", "sparse")
    assert (daemon.root / "sparse").stat().st_size == 64 << 20
    assert (daemon.root / "sparse").stat().st_blocks * 512 < 1 << 20


def test_commands_run_over_tls(make_daemon, make_client):
    daemon = make_daemon(config={"exec.lines": {"run": "/usr/bin/seq 1 20000"}})
    client = make_client(daemon.server)
    done = client.ok("--accept-new", "exec", "lines")
    assert done.out == b"".join(b"%d\n" % number for number in range(1, 20001))


def test_requests_that_come_in_single_bytes_inside_tls_are_served(daemon):
    with tls_peer(daemon.address) as peer:
        for byte in frame(v1("ping")):
            peer.socket.send(bytes([byte]))
        assert peer.read_frame()["ok"]


def test_a_handshake_that_comes_in_single_bytes_is_served(daemon):
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    line = any_context().wrap_bio(incoming, outgoing)
    with socket.create_connection(daemon.address, kTimeout) as plain:
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

        def shaken():
            try:
                line.do_handshake()
                return True
            except ssl.SSLWantReadError:
                for byte in outgoing.read():
                    plain.send(bytes([byte]))
                incoming.write(plain.recv(65536))
                return False

        wait_until(shaken, what="the end of the handshake")
        line.write(frame(v1("ping")))
        plain.sendall(outgoing.read())
        reply = b""
        while b'"ok":true' not in reply:
            received = plain.recv(65536)
            assert received, reply
            incoming.write(received)
            try:
                reply += line.read(65536)
            except ssl.SSLWantReadError:
                pass


def test_many_requests_without_waiting_are_all_answered_over_tls(daemon):
    with tls_peer(daemon.address) as peer:
        peer.send(b"".join(frame(v1("ping", id=number)) for number in range(2000)))
        assert [peer.read_frame()["id"] for _ in range(2000)] == list(range(2000))


def test_the_plain_form_works_inside_tls_on_loopback(daemon):
    with tls_peer(daemon.address) as peer:
        peer.send(frame({"cmd": "put", "filename": "plain-form", "filesize": 5}) + b"hello")
        assert peer.get_plain("plain-form")[1] == b"hello"


def test_a_daemon_that_requires_tls_refuses_plain_text_in_words(make_daemon, make_client, connect):
    daemon = make_daemon(config={"tls": {"mode": "required"}})
    client = make_client(daemon.server)
    (client.folder / "a").write_bytes(os.urandom(5 << 20))
    done = client.run("put", "a", code=11)
    assert b"speaks only TLS" in done.err
    client.ok("--accept-new", "put", "a")
    for request in (frame(v1("put", filename="b", filesize=3)) + b"abc",
                    frame({"cmd": "put", "filename": "b", "filesize": 3}) + b"abc"):
        peer = connect(daemon)
        peer.send(request)
        reply = peer.read_frame()
        assert (reply["ok"], reply["error"]) == (False, "forbidden")
        assert peer.ended()
    assert daemon.visible() == {"a"}


def test_old_versions_and_weak_ciphers_are_refused(daemon, make_daemon):
    for most in (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1):
        context = any_context()
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = most
        with pytest.raises((ssl.SSLError, ConnectionError)):
            tls_peer(daemon.address, context=context)
    for weak in ("AES128-SHA", "AES128-GCM-SHA256", "ECDHE-ECDSA-AES128-SHA256"):
        context = any_context()
        context.set_ciphers(weak)
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        with pytest.raises((ssl.SSLError, ConnectionError)):
            tls_peer(daemon.address, context=context)
    strict = make_daemon(config={"tls": {"min_version": "1.3"}})
    context = any_context()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with tls_peer(daemon.address, context=context) as peer:
        assert peer.ask("ping")["ok"]
    with pytest.raises((ssl.SSLError, ConnectionError)):
        tls_peer(strict.address, context=context)


@pytest.mark.parametrize("most", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_sessions_are_resumed(daemon, most):
    context = any_context()
    context.maximum_version = most
    with socket.create_connection(daemon.address, kTimeout) as plain, context.wrap_socket(plain) as first:
        first.sendall(frame(v1("ping")))
        first.recv(4096)
        session = first.session
    with socket.create_connection(daemon.address, kTimeout) as plain, context.wrap_socket(plain, session=session) as second:
        assert second.session_reused
        second.sendall(frame(v1("ping")))
        assert second.recv(4096)


def test_sighup_brings_a_new_certificate_and_drops_no_connection(make_daemon, authority, tmp_path):
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"

    def install(files):
        for source, target in zip(files, (certificate, key)):
            copy = target.with_suffix(".new")
            copy.write_bytes(source.read_bytes())
            copy.chmod(0o600)
            copy.rename(target)

    install(authority.issue())
    daemon = make_daemon(config=tls_config(certificate, key))
    before = der_of(certificate)
    with tls_peer(daemon.address) as old:
        assert old.certificate() == before
        install(authority.issue())
        daemon.send_signal(signal.SIGHUP)
        wait_until(lambda: "tls-reloaded" in daemon.log())
        with tls_peer(daemon.address) as new:
            assert new.certificate() == der_of(certificate) != before
        assert old.ask("ping")["ok"]
        body = os.urandom(200_000)
        assert old.put("kept", body, md5=md5(body))["ok"]
        # A certificate that is of no use leaves the last good one in place.
        good = der_of(certificate)
        certificate.write_text("nonsense")
        daemon.send_signal(signal.SIGHUP)
        wait_until(lambda: "tls-kept" in daemon.log())
        with tls_peer(daemon.address) as new:
            assert new.certificate() == good
        assert old.ask("ping")["ok"]


def test_changed_files_are_read_without_a_signal(make_daemon, authority, tmp_path):
    certificate, key = authority.issue()
    daemon = make_daemon(config=tls_config(certificate, key))
    other = authority.issue()
    daemon.send_signal(signal.SIGSTOP)  # it looks every second, and the two go together
    other[0].rename(certificate)
    other[1].rename(key)
    daemon.send_signal(signal.SIGCONT)
    wait_until(lambda: "tls-reloaded" in daemon.log())
    with tls_peer(daemon.address) as peer:
        assert peer.certificate() == der_of(certificate)
    assert "tls-kept" not in daemon.log()


@pytest.mark.parametrize("direction", ["up", "down"])
@pytest.mark.parametrize("how", ["cut_after", "reset_after"])
def test_a_tls_line_that_breaks_in_a_body_is_resumed(daemon, make_client, direction, how):
    data = os.urandom(kMany)
    name = f"broken-{direction}-{how}"
    with FaultProxy(daemon.address, [Fault(direction=direction, **{how: 5_000_000})]) as proxy:
        client = make_client(proxy.server)
        (client.folder / "a").write_bytes(data)
        if direction == "up":
            client.ok("--accept-new", "put", "a", "-t", name)
            assert (daemon.root / name).read_bytes() == data
        else:
            (daemon.root / name).write_bytes(data)
            client.ok("--accept-new", "get", name, "-o", "b")
            assert (client.folder / "b").read_bytes() == data
        assert proxy.connections >= 2


def test_a_byte_that_is_changed_on_the_way_never_reaches_a_file(daemon, make_client):
    data = os.urandom(kMany)
    with FaultProxy(daemon.address, [Fault(direction="up", flip_at=3_000_000)]) as proxy:
        client = make_client(proxy.server)
        (client.folder / "a").write_bytes(data)
        client.ok("--accept-new", "put", "a", "-t", "flipped")
    assert (daemon.root / "flipped").read_bytes() == data
    wait_until(lambda: "bytes were changed on the way" in daemon.log())


def test_a_put_whose_line_is_cut_without_a_goodbye_leaves_nothing(daemon):
    with tls_peer(daemon.address) as peer:
        peer.send(frame(v1("put", filename="cut", filesize=1000)) + b"x" * 999)
        peer.reset()
    with tls_peer(daemon.address) as peer:
        assert peer.ask("stat", filename="cut")["error"] == "not_found"


def test_half_a_handshake_holds_no_thread(make_daemon, make_client):
    daemon = make_daemon(config={"server": {"workers": 2, "header_timeout": "1h", "idle_timeout": "1h"}})
    hello = bytes([0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3])
    lines = []
    for number in range(100):
        line = socket.create_connection(daemon.address, kTimeout)
        line.sendall(hello[:1 + number % len(hello)])
        lines.append(line)
    make_client(daemon.server).ok("--accept-new", "ping")
    begun, busy = time.monotonic(), daemon.cpu_seconds()
    let_pass(0.5)
    busy = daemon.cpu_seconds() - busy
    assert busy < 0.5 * (time.monotonic() - begun), "half-open handshakes keep the daemon busy"
    for line in lines:
        line.close()


def test_a_peer_that_ends_within_its_first_bytes_keeps_no_thread_busy(make_daemon):
    daemon = make_daemon()
    with Peer(daemon.address) as peer:
        peer.send(b"\x16\x03")
        peer.finish()
        assert peer.ended()


def test_idle_tls_connections_cost_little_memory(make_daemon, needs_memory_figures):
    daemon = make_daemon()
    with tls_peer(daemon.address) as first:
        first.ask("ping")
        before = daemon.peak_memory()
        peers = [tls_peer(daemon.address) for _ in range(200)]
        for peer in peers:
            assert peer.ask("ping")["ok"]
        assert (daemon.peak_memory() - before) / len(peers) < 64 * 1024
        for peer in peers:
            peer.close()


@pytest.mark.parametrize("keys, words", [
    ({"certificate": "missing.pem", "key": "missing.key"}, "missing.pem: No such file"),
    ({"certificate": "only.pem"}, "ftpd.conf:2: 'certificate' is named and 'key' is not"),
    ({"mode": "perhaps"}, "auto, required or off"),
    ({"client_ca": "missing.pem"}, "missing.pem: No such file"),
])
def test_a_configuration_that_cannot_work_starts_nothing(tmp_path, keys, words):
    lines = "\n".join(f"{key} = {value}" for key, value in keys.items())
    (tmp_path / "ftpd.conf").write_text(f"[tls]\n{lines}\n")
    done = run_to_end(tmp_path, "--config", "ftpd.conf", "--root", tmp_path / "root", "--listen", "127.0.0.1:0")
    assert done.returncode == 2
    assert words in done.stderr
    assert done.stdout == ""


def test_a_key_that_others_can_read_is_refused(tmp_path, authority):
    certificate, key = authority.issue()
    key.chmod(0o644)
    (tmp_path / "ftpd.conf").write_text(f"[tls]\ncertificate = {certificate}\nkey = {key}\n")
    for more in (["--check-config"], ["--root", tmp_path / "root", "--listen", "127.0.0.1:0"]):
        done = run_to_end(tmp_path, "--config", "ftpd.conf", *more)
        assert done.returncode == 2
        assert f"{key}: others can read or replace this private key" in done.stderr


def test_without_a_place_for_its_key_a_daemon_on_loopback_serves_plain_text_and_says_so(make_daemon, make_client, tmp_path):
    (tmp_path / "file").write_text("not a folder")
    daemon = make_daemon(config={"server": {"state": tmp_path / "file"}})
    make_client(daemon.server).ok("ping")
    assert "tls-off" in daemon.log()
    done = run_to_end(tmp_path, "--root", tmp_path / "root", "--listen", "127.0.0.1:0", env={
        "FTPD_SERVER__STATE": str(tmp_path / "file"), "FTPD_TLS__MODE": "required"})
    assert done.returncode == 2 and str(tmp_path / "file") in done.stderr


def test_a_line_ends_with_a_goodbye_when_the_daemon_stops(make_daemon):
    daemon = make_daemon()
    with tls_peer(daemon.address) as peer:
        assert peer.ask("ping")["ok"]
        daemon.send_signal(signal.SIGTERM)
        assert peer.socket.recv(10) == b""  # a cut line would raise an error here


def test_a_frame_whose_length_begins_like_tls_is_a_frame(connect):
    ping = b'{"v":1,"cmd":"ping"'
    for size in (0x16, 0x0316):
        peer = connect()
        peer.send_torn(frame(ping + b" " * (size - len(ping) - 1) + b"}"))
        assert peer.read_frame()["ok"]
