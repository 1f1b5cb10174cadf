"""The tools are checked themselves: a wrong codec or a proxy that does not damage would let every other test lie."""

import pytest

from support.fault_proxy import Fault, FaultProxy
from support.tiny_server import TinyServer
from support.waiting import wait_until
from support.wire import Closed, Peer, chunk, frame, hole, kEnd, md5, put_plain, put_v1, trailer, v1

kData = bytes(range(256)) * 40


@pytest.fixture
def server():
    with TinyServer({"a.bin": kData}) as tiny:
        yield tiny


def test_frame_is_a_little_endian_length_of_the_header_alone():
    assert frame({"cmd": "x"}) == b"\x0c\0\0\0" + b'{"cmd": "x"}'
    assert frame(b"{}") == b"\x02\0\0\0{}"


def test_both_forms_store_and_fetch(server):
    with Peer(server.address) as peer:
        assert peer.put("b", kData)["md5"] == md5(kData)
        peer.send(put_plain("c", b"plain") + frame({"cmd": "get", "filename": "c"}))
        assert peer.read_frame()["filesize"] == 5
        assert peer.read(5) == b"plain"
        assert peer.get("b")[1] == kData
        assert peer.ask("get", filename="nowhere")["error"] == "not_found"


def test_chunked_bodies_carry_data_holes_and_a_trailer(server):
    with Peer(server.address) as peer:
        peer.send(frame(v1("put", filename="d", body="chunks")) + chunk(b"ab") + hole(3) + chunk(b"c") + kEnd + trailer(6))
        assert peer.read_frame()["md5"] == md5(b"ab\0\0\0c")
        reply, data, end = peer.get_chunks("d")
        assert reply["ok"] and data == b"ab\0\0\0c" and end["md5"] == md5(data)


def test_proxy_passes_all_when_healthy_and_sliced(server):
    for fault in (Fault(), Fault(slice_to=1), Fault(direction="down", slice_to=7)):
        with FaultProxy(server.address, [fault]) as proxy, Peer(proxy.address) as peer:
            assert peer.get("a.bin")[1] == kData


def test_proxy_cuts_after_exactly_n_bytes(server):
    with FaultProxy(server.address, [Fault(direction="down", cut_after=1000)]) as proxy, Peer(proxy.address) as peer:
        with pytest.raises(Closed):
            peer.get("a.bin")
        assert peer.received == 1000
        with Peer(proxy.address) as second:
            assert second.get("a.bin")[1] == kData


def test_proxy_resets(server):
    with FaultProxy(server.address, [Fault(reset_after=10)]) as proxy, Peer(proxy.address) as peer:
        peer.send(put_v1("r", kData)[:10])
        with pytest.raises(ConnectionResetError):
            peer.socket.recv(1)


def test_proxy_stalls_and_stays_open(server):
    with FaultProxy(server.address, [Fault(stall_after=100)]) as proxy, Peer(proxy.address, timeout=0.2) as peer:
        peer.send(put_v1("s", kData))
        wait_until(lambda: proxy.passed["up"] == 100, what="the bytes before the stall")
        assert not peer.ended()


def test_proxy_holds_until_it_is_let_pass(server):
    fault = Fault(direction="down", hold_after=1000)
    with FaultProxy(server.address, [fault]) as proxy, Peer(proxy.address) as peer:
        peer.send(frame(v1("get", filename="hold.bin")))
        assert peer.read_frame()["error"] == "not_found" and not fault.held
        server.files["hold.bin"] = bytes(1 << 20)
        peer.send(frame(v1("get", filename="hold.bin")))
        wait_until(lambda: fault.held, what="the line that stands still")
        assert 1000 <= proxy.passed["down"] < 1 << 20
        fault.let_pass()
        assert peer.read_frame()["ok"] and peer.read(1 << 20) == bytes(1 << 20)


def test_proxy_flips_one_bit(server):
    with FaultProxy(server.address, [Fault(flip_at=len(put_v1("f", kData)) - 1)]) as proxy, Peer(proxy.address) as peer:
        assert peer.put("f", kData)["md5"] == md5(kData[:-1] + bytes([kData[-1] ^ 1]))


def test_waiting_fails_when_the_deadline_passes():
    with pytest.raises(AssertionError, match="never"):
        wait_until(lambda: False, deadline=0.02, what="never")
