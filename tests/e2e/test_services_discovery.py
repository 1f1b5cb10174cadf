"""Discovery: the daemon's own answer by multicast DNS on loopback, what ftpc makes of it, and Avahi where it can be started."""

import os
import re
import socket
import struct
import time

import pytest

from support import avahi_network
from support.waiting import kPatience, longer_and_longer, wait_until

kGroup = ("224.0.0.251", 5353)
kPtr, kTxt, kSrv, kA, kAny = 12, 16, 33, 1, 255
kType = "_ftpc._tcp.local"
kRun = os.getpid()  # a part of all names: another run of these tests on the same machine is heard, too


def name_bytes(name):
    return b"".join(bytes([len(part)]) + part.encode() for part in name.split(".")) + b"\0"


def question(name, kind, number=7):
    return struct.pack(">6H", number, 0, 1, 0, 0, 0) + name_bytes(name) + struct.pack(">2H", kind, 1)


def asker():
    """A socket whose multicasts go over loopback."""
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton("127.0.0.1"))
    made.settimeout(0.5)
    return made


@pytest.fixture(scope="module")
def needs_multicast():
    """Skips where datagrams to the group do not come back over loopback."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver, asker() as sender:
        receiver.settimeout(10)
        try:
            receiver.bind(("", 0))
            receiver.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP,
                                socket.inet_aton("224.0.0.251") + socket.inet_aton("127.0.0.1"))
            sender.sendto(b"x", ("224.0.0.251", receiver.getsockname()[1]))
            receiver.recv(10)
        except OSError as error:
            pytest.skip(f"no multicast over loopback here: {error}")


@pytest.fixture
def make_found(make_daemon, needs_multicast):
    """make_found(name) is a daemon that tells of itself on loopback under that name, or one like it."""
    def make(name, **more):
        daemon = make_daemon(config={"discovery": {"enabled": "yes", "interface": "lo", "name": name}}, **more)
        wait_until(lambda: "discovery by=" in daemon.log() or "discovery-off" in daemon.log(), what="discovery")
        return daemon
    return make


def answer_to(request):
    """None when there is none within half a second."""
    with asker() as sender:
        sender.sendto(request, kGroup)
        try:
            return sender.recv(9000)
        except TimeoutError:
            return None


def found_by(client, *names):
    """{name: what is told of it} of the daemons that are found, these among them; who does not answer in time, or in part, is asked again."""
    def found():
        lines = client.run("--json", "discover").lines()
        told = {line["name"]: line for line in lines if line["type"] == "daemon"}
        return told if all("fingerprint" in told.get(name, ()) for name in names) else None

    return wait_until(found, what=f"an answer of {names}")


def test_a_daemon_is_found_with_its_address(make_found, make_client):
    name = f"Röhre {kRun}"
    daemon = make_found(name)
    mine = found_by(make_client(), name)[name]
    assert mine["address"] == f"127.0.0.1:{daemon.port}"
    fingerprint = re.search(r'fingerprint="?(SHA256:[A-Za-z0-9+/]{43})', daemon.log())[1]
    assert mine["tls"] is True and mine["fingerprint"] == fingerprint
    client, line = make_client(), f"{name}\t127.0.0.1:{daemon.port}\t{fingerprint}"
    wait_until(lambda: line in client.run("discover").out.decode().splitlines(), what="the line of the daemon")


def test_daemons_of_one_name_are_told_apart(make_found, make_client):
    name = f"twin {kRun}"
    first, another = make_found(name), f"{name} (2)"

    def told_apart():
        """Another one; None where the first was kept from answering it in time, and it has the same name."""
        other = make_found(name)
        if f'name="{another}"' in other.log():
            return other
        other.stop()
        return None

    second = wait_until(told_apart, what="one that has heard of the first")
    found = found_by(make_client(), name, another)
    assert {one: found[one]["address"] for one in found if one.startswith(name)} == {name: first.server, another: second.server}


def test_a_name_under_local_is_resolved_by_asking_the_neighbours(make_found, make_client, tmp_path):
    name = f"nas {kRun}"
    daemon = make_found(name)
    host = found_by(make_client(), name)[name]["host"]
    client = make_client(f"{host}:{daemon.port}")
    (client.folder / "a.txt").write_bytes(b"by name")
    # A question or its answer may be late, and a name that nobody answers for is no reason to try again by itself.
    wait_until(lambda: client.run("put", "a.txt").code == 0, what="the name is resolved")
    assert (daemon.root / "a.txt").read_bytes() == b"by name"
    unnamed = make_client()
    (unnamed.folder / "b.txt").write_bytes(b"by operand")
    wait_until(lambda: unnamed.run("put", "b.txt", f"{host}:{daemon.port}:").code == 0, what="the name is resolved")
    assert (daemon.root / "b.txt").read_bytes() == b"by operand"


def test_a_local_name_that_nobody_has_is_a_network_error(make_client):
    assert b"no daemon at" in make_client("nobody-has-this.local").run("--retry", "0", "ping", code=5).err


def test_none_is_found_where_none_tells_of_itself(make_daemon, make_client):
    make_daemon()
    result = make_client().run("discover", "--wait", "300ms")
    if result.code == 0:
        pytest.skip("there are daemons on this network")
    assert result.code == 4 and not result.out and b"[discovery]" in result.err


def test_a_daemon_on_loopback_tells_nobody_else(make_daemon, make_client):
    daemon = make_daemon(config={"discovery": {"enabled": "yes"}})
    wait_until(lambda: "discovery-off" in daemon.log(), what="its word")


def test_an_interface_that_is_not_there_is_told(make_daemon):
    daemon = make_daemon(start=False, config={"discovery": {"enabled": "yes", "interface": "no-such0"}})
    with pytest.raises(AssertionError) as error:
        daemon.start()
    daemon.process = None
    assert error.value.code == 2 and "discovery.interface" in error.value.log


def test_questions_of_others_and_rubbish_are_not_answered(make_found):
    daemon = make_found("quiet")
    good = question(kType, kPtr)
    for cut in range(len(good)):
        with asker() as sender:
            sender.sendto(good[:cut], kGroup)
    loop = struct.pack(">6H", 7, 0, 1, 0, 0, 0) + b"\xc0\x0c" + struct.pack(">2H", kPtr, 1)
    for rubbish in (loop, b"\xff" * 9000, question("_http._tcp.local", kPtr), question("local", kAny), b""):
        assert answer_to(rubbish) is None
    wait_until(lambda: answer_to(good), what="an answer to a good question")
    assert daemon.running()


def test_the_answer_to_one_asker_carries_its_number_and_is_small(make_found):
    make_found("exact")
    answer = wait_until(lambda: answer_to(question(kType, kPtr, 0x1234)), what="an answer")
    number, flags, questions, records = struct.unpack(">4H", answer[:8])
    assert (number, flags, questions, records) == (0x1234, 0x8400, 1, 1)
    assert answer[12:].startswith(name_bytes(kType)) and len(answer) < 512


def test_multicast_answers_come_about_once_a_second_whoever_asks(make_found):
    name = f"calm {kRun}"
    make_found(name)
    with asker() as flooder:
        try:
            flooder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            flooder.bind(("", 5353))
        except OSError as error:
            pytest.skip(f"port 5353 cannot be shared here: {error}")
        flooder.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP,
                           socket.inet_aton("224.0.0.251") + socket.inet_aton("127.0.0.1"))
        flooder.settimeout(0.01)
        answers, begun = 0, time.monotonic()

        def flooded():
            nonlocal answers
            flooder.sendto(question(kType, kPtr, 0), kGroup)
            try:
                while True:
                    heard = flooder.recv(9000)
                    answers += len(heard) > 2 and heard[2] & 0x80 != 0 and name.encode() in heard
            except TimeoutError:
                return answers > 0 and time.monotonic() - begun > 3

        wait_until(flooded, what="an answer")
        assert answers <= 3 + time.monotonic() - begun


def test_a_flood_is_answered_to_a_limit(make_found):
    name = f"limited {kRun}"
    make_found(name)
    with asker() as flooder:
        flooder.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        begun, a_second = time.monotonic(), 1000
        for _ in range(20_000):
            flooder.sendto(question(kType, kPtr), kGroup)
        flooder.settimeout(kPatience)
        answers = 0
        try:
            while True:
                if name.encode() in flooder.recv(9000):
                    answers += 1
                    flooder.settimeout(1)
        except TimeoutError:
            pass
    assert answers >= 1
    assert answers <= a_second * (1 + time.monotonic() - begun)


def test_hostile_answers_are_escaped_and_do_no_harm(make_client, needs_multicast):
    """A liar that answers everything: control characters in names, loops, rubbish."""
    assert any(deceived(make_client(), limit) for limit in longer_and_longer(1, "answers while ftpc waits for some"))


def deceived(client, limit):
    """Did a search of so many seconds take the answers of the liar? False where they came too late for it."""
    evil = b"\x1b[31m\n\xff"
    instance = bytes([len(evil)]) + evil + name_bytes(kType)
    host = name_bytes("evil.local")

    def record(name, kind, data):
        return name + struct.pack(">2HIH", kind, 1, 10, len(data)) + data

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as liar:
        liar.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            liar.bind(("", 5353))
        except OSError as error:
            pytest.skip(f"port 5353 cannot be shared here: {error}")
        liar.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP,
                        socket.inet_aton("224.0.0.251") + socket.inet_aton("127.0.0.1"))
        liar.settimeout(kPatience)
        running = client.start("discover", "--wait", f"{limit}s")
        while True:
            asked, source = liar.recvfrom(9000)
            if source[1] != 5353 and b"_ftpc" in asked:
                break
        texts = b"".join(bytes([len(one)]) + one for one in (b"fp=\x1b]0;owned\x07", b"tls=yes"))
        records = [record(name_bytes(kType), kPtr, instance), record(instance, kTxt, texts),
                   record(instance, kSrv, struct.pack(">3H", 0, 0, 7021) + host),
                   record(host, kA, socket.inet_aton("192.0.2.66"))]
        head = asked[:2] + struct.pack(">5H", 0x8400, 0, len(records), 0, 0)
        liar.sendto(asked[:2] + b"\x84\0\0\1\0\0\0\0\0\0\xc0\x0c\0\x0c\0\1", source)
        liar.sendto(os.urandom(2000), source)
        liar.sendto(head + b"".join(records), source)
        out, err = running.communicate(timeout=limit + kPatience)
    assert b"\x1b" not in out + err and b"\x07" not in out + err
    assert running.returncode in (0, 4), err
    return "\\x1b[31m\\x0a\\xff\t192.0.2.66:7021\t\\x1b]0;owned\\x07\n" in out.decode()


# Until Avahi and ftpc, asked again and again, know of a daemon; a few seconds at most, where the machine does not stand still.
kBrowse = """
tries=0
until avahi-browse -rpt _ftpc._tcp >browsed 2>/dev/null && grep -q '^=;' browsed; do
  tries=$((tries + 1)); [ $tries -lt 400 ] || break; sleep 0.1
done
cat browsed
"""
kDiscover = """
tries=0
until {where} {ftpc} discover >discovered 2>&1 && grep -q SHA256: discovered; do
  tries=$((tries + 1)); [ $tries -lt 40 ] || break; sleep 0.1
done
cat discovered
"""


@pytest.fixture
def avahi(tmp_path, ftpd_binary, ftpc_binary):
    """avahi(script) is what the script says on two machines, one of which has Avahi; {ftpd} starts a daemon there."""
    avahi_network.need()

    def run(script):
        ftpd = (f"env XDG_DATA_HOME={tmp_path} XDG_STATE_HOME={tmp_path}/state FTPD_DISCOVERY__ENABLED=yes FTPD_DISCOVERY__NAME=Office "
                f"{ftpd_binary} --insecure-no-auth --listen")
        done = avahi_network.run(f"cd {tmp_path}\n" + script.format(
            ftpd=ftpd, browse=kBrowse, first_discovers=kDiscover.format(where="", ftpc=ftpc_binary),
            second_discovers=kDiscover.format(where="second", ftpc=ftpc_binary)))
        return done.stdout + done.stderr
    return run


def test_where_avahi_runs_it_tells_of_the_daemon_and_answers_ftpc_on_another_machine(avahi):
    said = avahi("{ftpd} 10.78.0.1:7021 & {browse} {second_discovers}")
    assert "discovery by=Avahi" in said and ";lo;" not in said, said
    assert ";10.78.0.1;7021;" in said and '"v=1"' in said and '"tls=yes"' in said and '"fp=SHA256:' in said, said
    assert "Office\t10.78.0.1:7021\tSHA256:" in said, said


def test_avahi_on_another_machine_understands_the_daemons_own_answer(avahi):
    said = avahi("second {ftpd} 10.78.0.2:7021 & {browse} {first_discovers}")
    assert 'discovery by="ftpd itself"' in said, said
    assert ";10.78.0.2;7021;" in said and '"v=1"' in said and '"tls=yes"' in said and '"fp=SHA256:' in said, said
    assert "Office\t10.78.0.2:7021\tSHA256:" in said, said
