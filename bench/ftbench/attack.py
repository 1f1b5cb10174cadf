"""Attacks on a daemon with an honest client beside them: bench/attack. On the wire and the daemon of the whole-program tests."""

import multiprocessing
import os
import resource
import selectors
import socket
import struct
import tempfile
import time
from pathlib import Path

from support import binaries
from support.daemon import Daemon
from support.waiting import wait_until
from support.wire import Closed, Peer, frame, put_v1, v1

DATA = os.urandom(1 << 20)
FEWEST_ROUNDS = 100
HEADER_TIMEOUT = 3.0   # seconds; short, so that a run is
LOGIN_TIMEOUT = 6.0
AFTER_DEADLINE = 2.0
WORST_P99 = 1.0
DESCRIPTORS = 300      # of the daemon that runs out of them
CLIENT_HELLO = bytes.fromhex("16030100c8010000c40303") + bytes(40)  # the first part of one


def honest_round(address):
    """Seconds for a put and for a get of 1 MiB, each with its connection."""
    times = []
    begun = time.monotonic()
    with Peer(address) as peer:
        peer.send(put_v1("honest", DATA))
        assert peer.read_frame()["ok"]
    times.append(time.monotonic() - begun)
    begun = time.monotonic()
    with Peer(address) as peer:
        assert peer.get("honest")[1] == DATA
    times.append(time.monotonic() - begun)
    return times


class Attackers:
    """Connections in a process of their own, each with what it sends once and again; tells when the daemon has ended the last of them."""

    def __init__(self, address, count, first, again=b""):
        self.ours, theirs = multiprocessing.Pipe()
        self.process = multiprocessing.Process(target=self._run, args=(theirs, address, count, first, again), daemon=True)
        self.process.start()
        self.opened = self.ours.recv()
        self.begun = time.monotonic()

    @staticmethod
    def _run(pipe, address, count, first, again):
        resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
        peers = selectors.DefaultSelector()
        for _ in range(count):
            peer = socket.create_connection(address, 60)
            peer.setblocking(False)
            if first:
                peer.send(first)
            peers.register(peer, selectors.EVENT_READ)
        pipe.send(count)
        while peers.get_map():
            for key, _ in peers.select(0.5):
                if Attackers._ended(key.fileobj):
                    peers.unregister(key.fileobj)
                    key.fileobj.close()
            for key in list(peers.get_map().values()) if again else []:
                try:
                    key.fileobj.send(again)
                except OSError:
                    pass
            if pipe.poll():
                break
        pipe.send(time.monotonic())

    @staticmethod
    def _ended(peer):
        try:
            return not peer.recv(65536)
        except BlockingIOError:
            return False
        except OSError:
            return True

    def gone_after(self, limit):
        """Seconds until all were ended; None when some are left after `limit`."""
        left = self.begun + limit - time.monotonic()
        gone = self.ours.recv() - self.begun if self.ours.poll(max(0.0, left)) else None
        self.stop()
        return gone

    def stop(self):
        self.process.terminate()
        self.process.join()


def reset_many(address, count):
    """Connects and resets, one after the other."""
    for _ in range(count):
        with socket.socket() as peer:
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            try:
                peer.connect(address)
            except OSError:
                pass


def measure(daemon, busy):
    """Times of honest rounds while busy() is true, at least FEWEST_ROUNDS of them."""
    times = []
    while busy() or len(times) < 2 * FEWEST_ROUNDS:
        times += honest_round(daemon.address)
    return times


def stay(daemon, size, message, limit):
    """Peers that stay until the daemon ends them: (times, seconds until all were gone). `message`: what each sends first, and again."""
    attackers = Attackers(daemon.address, size, *message)
    times = measure(daemon, lambda: False)
    return times, attackers.gone_after(limit)


def trickle(daemon, scale, limit):
    return stay(daemon, max(5, int(200 * scale)), (b"\x40\0\0\0", b"{"), limit)


def idle(daemon, scale, limit):
    return stay(daemon, max(20, int(1000 * scale)), (b"", b""), limit)


def handshakes(daemon, scale, limit):
    return stay(daemon, max(5, int(300 * scale)), (CLIENT_HELLO, b""), limit)


def resets(daemon, scale, _limit):
    count = max(200, int(40_000 * scale))
    halves = [multiprocessing.Process(target=reset_many, args=(daemon.address, count // 2), daemon=True) for _ in range(2)]
    for half in halves:
        half.start()
    times = measure(daemon, lambda: any(half.is_alive() for half in halves))
    for half in halves:
        half.join()
    return times, 0.0


def descriptors(daemon, _scale, limit):
    """More connections than there are descriptors. One that is there is served; new ones are as soon as the others have reached their deadline."""
    times = []
    with Peer(daemon.address) as honest:
        assert honest.request(v1("ping"))["ok"]
        attackers = Attackers(daemon.address, 2 * DESCRIPTORS, b"")
        for _ in range(FEWEST_ROUNDS):
            begun = time.monotonic()
            assert honest.put("honest", DATA)["ok"]
            times.append(time.monotonic() - begun)
            begun = time.monotonic()
            assert honest.get("honest")[1] == DATA
            times.append(time.monotonic() - begun)
        gone = attackers.gone_after(limit)
    wait_until(lambda: served(daemon.address), what="a new connection to be served")
    return times, gone


def served(address):
    try:
        with Peer(address) as peer:
            peer.send(frame(v1("ping")))
            return peer.read_frame()["ok"]
    except (Closed, OSError):
        return False


# What runs, and the seconds that the daemon gives such peers.
ATTACKS = {"trickle": (trickle, HEADER_TIMEOUT), "idle": (idle, LOGIN_TIMEOUT), "resets": (resets, 0.0), "handshakes": (handshakes, LOGIN_TIMEOUT),
           "descriptors": (descriptors, LOGIN_TIMEOUT)}


def memory(daemon):
    """Resident bytes."""
    pages = int(Path(f"/proc/{daemon.process.pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def state(daemon):
    return daemon.threads(), daemon.descriptors(), memory(daemon)


def same(before, after):
    """Threads of the pool may stay for a while; memory may keep what the allocator holds."""
    return after[0] <= before[0] + 34 and after[1] <= before[1] + 8 and after[2] <= before[2] + (24 << 20)


def attack(name, scale, folder, tolerance):
    action, deadline = ATTACKS[name]
    limit = deadline + AFTER_DEADLINE + tolerance
    config = {"server": {"header_timeout": f"{HEADER_TIMEOUT}s".replace(".0", ""), "idle_timeout": f"{LOGIN_TIMEOUT:.0f}s"},
              "limits": {"login_timeout": f"{LOGIN_TIMEOUT:.0f}s"}, "log": {"level": "warn"}}
    wrapper = ["prlimit", f"--nofile={DESCRIPTORS}:{DESCRIPTORS}"] if name == "descriptors" else []
    daemon = Daemon(folder / name, config=config, wrapper=wrapper)
    daemon.start()
    try:
        for _ in range(5):
            honest_round(daemon.address)
        before = state(daemon)
        times, gone = action(daemon, scale, limit)
        try:
            wait_until(lambda: same(before, state(daemon)), 15 + tolerance, "the daemon to be as before")
        except AssertionError:
            pass
        after = state(daemon)
    finally:
        daemon.stop()
    times.sort()
    p99 = times[min(len(times) - 1, int(len(times) * 0.99))]
    good = p99 < WORST_P99 + tolerance and gone is not None and gone <= limit and same(before, after)
    print(f"{name:12} {len(times):6} {times[len(times) // 2] * 1000:8.1f} {p99 * 1000:8.1f} {times[-1] * 1000:8.1f}  "
          f"{'never' if gone is None else f'{gone:.1f}':>6} {limit:5.1f}  {before[0]:3} {after[0]:3}  {before[1]:4} {after[1]:4}  "
          f"{before[2] / 2**20:6.1f} {after[2] / 2**20:6.1f}  {'ok' if good else 'BROKEN'}", flush=True)
    return good


def run(names, scale, ftpd, tolerance):
    if ftpd:
        os.environ["FTPD_BIN"] = ftpd
    elif "FTPD_BIN" not in os.environ:
        release = binaries.kProject / "build/release/bin/ftpd"
        if release.exists():
            os.environ["FTPD_BIN"] = str(release)
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    print(f"Honest client: put and get of 1 MiB each over a new connection; scale {scale:g}\n"
          f"{'attack':12} {'served':>6} {'median':>8} {'p99':>8} {'worst':>8}  {'gone':>6} {'limit':>5}  {'threads':>7}  "
          f"{'descriptors':>9}  {'MiB':>13}\n{'':12} {'':6} {'ms':>8} {'ms':>8} {'ms':>8}  {'s':>6} {'s':>5}", flush=True)
    with tempfile.TemporaryDirectory(prefix="ftpd-attack-") as folder:
        return 0 if all([attack(name, scale, Path(folder), tolerance) for name in names]) else 1
