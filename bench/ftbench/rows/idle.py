"""Idle connections: what each one costs the server, after it has been served once and waits for more."""

import json
import os
import socket
import struct
from collections.abc import Callable

from ftbench import process
from ftbench.contest import GoalResult, Line, RowResult
from ftbench.peers.ftpd import Ftpd
from ftbench.peers.nginx import Nginx
from ftbench.peers.peer import Peer
from ftbench.peers.vsftpd import Vsftpd
from ftbench.process import Failed
from ftbench.session import Session

ANSWER_LIMIT = 60.0  # seconds
FORKING_CONNECTIONS = 500  # enough to see the cost where each connection is a process


def run(session: Session) -> None:
    result = RowResult("idle", f"{session.scale.idle:,} idle connections: memory of the server for each", "KiB each", "nginx + curl")
    session.say(f"idle: {result.title}")
    for kind, ask, most in ((Ftpd, _ask_ftpd, session.scale.idle), (Nginx, _ask_nginx, session.scale.idle),
                            (Vsftpd, _ask_vsftpd, FORKING_CONNECTIONS)):
        try:
            peer = session.peer(kind)
            result.lines.append(_measure(peer, ask, min(most, session.scale.idle)))
        except (Failed, OSError) as failure:
            result.skipped.append(f"{kind.__name__}: {failure}")
            session.say(f"  not taking part: {failure}")
    session.stop_peers()
    _judge(result)
    session.publish(result)


def _measure(peer: Peer, ask: Callable[[socket.socket], None], count: int) -> Line:
    connections: list[socket.socket] = []
    try:
        connections.append(_connect(peer, ask))
        memory, threads = _memory(peer), _threads(peer)
        connections += [_connect(peer, ask) for _ in range(count)]
        each = (_memory(peer) - memory) / count / 1024
        note = f"{count:,} connections; threads and processes: {threads} before, {_threads(peer)} then"
    finally:
        for connection in connections:
            connection.close()
    return Line(peer.name, "-", each, each, each, None, 1, note=note)


def _connect(peer: Peer, ask: Callable[[socket.socket], None]) -> socket.socket:
    connection = socket.create_connection((peer.place.address, peer.port), ANSWER_LIMIT)
    ask(connection)
    return connection


def _ask_ftpd(connection: socket.socket) -> None:
    header = json.dumps({"v": 1, "cmd": "ping"}).encode()
    connection.sendall(struct.pack("<i", len(header)) + header)
    _expect(connection, b"true")


def _ask_nginx(connection: socket.socket) -> None:
    connection.sendall(b"GET /none HTTP/1.1\r\nHost: localhost\r\n\r\n")
    _expect(connection, b"</html>")


def _ask_vsftpd(connection: socket.socket) -> None:
    _expect(connection, b"220")
    connection.sendall(b"USER anonymous\r\n")
    _expect(connection, b"230")


def _expect(connection: socket.socket, wanted: bytes) -> None:
    answer = b""
    while wanted not in answer:
        part = connection.recv(4096)
        if not part:
            raise Failed(f"the server closed the connection after {answer[:100]!r}")
        answer += part


def _memory(peer: Peer) -> int:
    """Shared pages are counted once."""
    return sum(process.status_bytes(pid, "Pss", "smaps_rollup") for pid in process.family(peer.daemon.pid))


def _threads(peer: Peer) -> int:
    count = 0
    for pid in process.family(peer.daemon.pid):
        try:
            count += len(os.listdir(f"/proc/{pid}/task"))
        except OSError:
            continue
    return count


def _judge(result: RowResult) -> None:
    values = {line.name: line.value for line in result.lines}
    text = "ftpd: less memory for each than nginx"
    if "ftpd" in values and "nginx + curl" in values:
        result.goals.append(GoalResult(text, values["ftpd"] < values["nginx + curl"]))
    else:
        result.goals.append(GoalResult(text + ": not measured", None))
