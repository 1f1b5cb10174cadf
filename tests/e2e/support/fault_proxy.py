"""A bad network in user space: a TCP proxy that delays, slices, stalls, cuts, resets or damages what passes."""

import select
import socket
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass

from support.loopback_server import LoopbackServer, kTick
from support.waiting import kPatience

kPiece = 65536
kHoldTick = 0.01


@dataclass
class Fault:
    """What happens to one connection, in one direction ("up": from the client; "down": to it). Counts are bytes."""

    direction: str = "up"
    cut_after: int | None = None     # orderly end of both sides; of the client's when the target has ended its own
    reset_after: int | None = None   # RST to both sides
    stall_after: int | None = None   # nothing more passes, the connection stays open
    flip_at: int | None = None       # the lowest bit of this byte is turned round
    slice_to: int | None = None      # at most so many bytes at once
    delay: float = 0.0               # seconds before each piece
    hold_after: int | None = None    # nothing more passes until the test says let_pass()
    held: bool = False               # a connection stands still for hold_after
    before_piece: Callable | None = None  # called before each piece, by the thread that moves it

    def let_pass(self):
        self.hold_after = None


kHealthy = Fault()


class FaultProxy(LoopbackServer):
    """Passes on to `target`.

    `faults` is a list: the n-th connection gets the n-th; those after the last are healthy. `passed[direction]`
    counts the bytes that went through, over all connections.
    """

    def __init__(self, target, faults=()):
        self.target = target
        self.faults = list(faults)
        self.passed = {"up": 0, "down": 0}
        self.connections = 0
        self._released = threading.Event()
        self._lock = threading.Lock()
        super().__init__()

    def release(self):
        """Ends the connections that stand still now; new ones go on as their faults say."""
        self._released.set()

    def _take(self, near):
        fault = self.faults[self.connections] if self.connections < len(self.faults) else kHealthy
        self.connections += 1
        self._spawn(self._serve, near, fault)

    def _serve(self, near, fault):
        try:
            far = socket.create_connection(self.target, kPatience)
        except OSError:
            near.close()
            return
        with near, far:
            for sock in (near, far):
                sock.settimeout(None)
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            try:
                if self._pump(_Line("up", near, far, fault), _Line("down", far, near, fault)):
                    self._finish(far)
            except OSError:
                return

    def _finish(self, target):
        """Tells the target of the end, and waits for its own: whose line was cut comes back to one that knows of it."""
        target.shutdown(socket.SHUT_WR)
        while not self._ended.is_set():
            if select.select([target], [], [], kTick)[0] and not target.recv(kPiece):
                return

    def _pump(self, *lines):
        """Moves what comes until the connection is over; True when it was cut."""
        open_lines = list(lines)
        while not self._ended.is_set() and (open_lines or any(line.stalled for line in lines)):
            ready = select.select([line.source for line in open_lines], [], [], kTick)[0]
            for line in [line for line in open_lines if line.source in ready]:
                count = line.move(self._ended)
                with self._lock:
                    self.passed[line.direction] += count
                if line.broken:
                    return line.fault.cut_after is not None
                if line.finished:
                    open_lines.remove(line)
            if self._released.is_set() and any(line.stalled for line in lines):
                return False
        return False


class _Line:
    """One direction of one connection."""

    def __init__(self, direction, source, sink, fault):
        self.direction = direction
        self.source = source
        self.sink = sink
        self.fault = fault if fault.direction == direction else kHealthy
        self.passed = 0
        self.finished = False
        self.broken = False
        self.stalled = False

    def move(self, ended):
        """Moves one piece; returns how many bytes of it have passed."""
        self._hold(ended)
        piece = self.source.recv(min(kPiece, self.fault.slice_to or kPiece))
        if not piece:
            self.sink.shutdown(socket.SHUT_WR)
            self.finished = True
            return 0
        if self.fault.before_piece:
            self.fault.before_piece()
        if self.fault.delay:
            ended.wait(self.fault.delay)
        piece = self._damaged(piece)
        self.sink.sendall(piece)
        self.passed += len(piece)
        return len(piece)

    def _hold(self, ended):
        fault = self.fault
        while (limit := fault.hold_after) is not None and self.passed >= limit and not ended.is_set():
            fault.held = True
            ended.wait(kHoldTick)

    def _damaged(self, piece):
        fault = self.fault
        if fault.flip_at is not None and self.passed <= fault.flip_at < self.passed + len(piece):
            at = fault.flip_at - self.passed
            piece = piece[:at] + bytes([piece[at] ^ 1]) + piece[at + 1:]
        for limit in (fault.cut_after, fault.reset_after, fault.stall_after):
            if limit is not None and self.passed + len(piece) >= limit:
                self._break()
                return piece[:limit - self.passed]
        return piece

    def _break(self):
        if self.fault.stall_after is not None:
            self.finished = self.stalled = True
            return
        self.broken = True
        if self.fault.reset_after is not None:
            for sock in (self.source, self.sink):
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
