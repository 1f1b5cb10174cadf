"""Rows over a long line, in which round trips count: 50 ms there and back, 1 Gbit/s, no loss."""

from ftbench import line
from ftbench.contest import Goal, Row, RowResult
from ftbench.peers.ftpd import Ftpd
from ftbench.peers.openssh import Sftp
from ftbench.peers.peer import Peer
from ftbench.peers.rsync import Rsync
from ftbench.peers.vsftpd import Lftp, Vsftpd
from ftbench.process import Failed
from ftbench.rows.build import Field, put_file, put_tree
from ftbench.session import Session
from ftbench.workspace import SMALL_BYTES

ROUND_TRIP = 2 * line.ONE_WAY_MS / 1000
TREE_LIMIT = 8 * ROUND_TRIP
SMALL_LIMIT_MS = 110.0
LINE_SHARE = 0.95
WHERE = f"{2 * line.ONE_WAY_MS} ms round trip, {line.RATE_MBIT / 1000:g} Gbit/s, {line.congestion_control()}"


def _field(session: Session, key: str) -> Field | None:
    try:
        return Field(session, session.long_line())
    except Failed as failure:
        session.publish(RowResult(key, "skipped", "s", "", skipped=[str(failure)]))
        return None




def run_tree(session: Session) -> None:
    field = _field(session, "wan-tree")
    if field is None:
        return
    folders = max(1, session.scale.line_files // 100)
    source = session.workspace.tree(folders, session.scale.line_files // folders)
    field.add(put_tree(source), Ftpd)
    field.add(put_tree(source), Rsync)
    _add_once(field, put_tree(source), Lftp)
    if session.scale.slow_peers:
        _add_once(field, put_tree(source), Sftp)
    field.run(Row(
        "wan-tree", f"put of {session.scale.line_files:,} files of 4 KiB, {WHERE}", [], "rsync", session.scale.line_rounds,
        goals=[Goal("ftpd", below=TREE_LIMIT)]))


def _add_once(field: Field, make, kind: type[Peer]) -> None:
    """For peers that wait a round trip for each file: the first run is the only one."""
    contestant = field.add(make, kind)
    if contestant:
        contestant.most_rounds = 0


def run_small(session: Session) -> None:
    field = _field(session, "wan-small")
    if field is None:
        return
    make = put_file(session.workspace.file("small.bin", SMALL_BYTES))
    for kind in (Ftpd, Vsftpd, Rsync, Sftp):
        field.add(make, kind)
    field.run(Row(
        "wan-small", f"put of one file of 4 KiB, cold start to exit, {WHERE}", [], "vsftpd + curl", session.scale.line_rounds,
        in_milliseconds=True, goals=[Goal("ftpd", below=SMALL_LIMIT_MS)]))


def run_large(session: Session) -> None:
    field = _field(session, "wan-large")
    if field is None:
        return
    make = put_file(session.workspace.file("line.bin", session.scale.line_bytes))
    for kind in (Ftpd, Vsftpd, Rsync):
        field.add(make, kind)
    if session.scale.slow_peers:
        field.add(make, Sftp)
    alone = session.scale.line_bytes * 8 / (line.RATE_MBIT * 1e6)
    field.run(Row(
        "wan-large", f"put of one file of {session.scale.line_bytes >> 20} MiB, {WHERE}; the line alone: {alone:.2f} s", [],
        "vsftpd + curl", session.scale.line_rounds, cpu_bytes=session.scale.line_bytes,
        goals=[Goal("ftpd", below=round(alone / LINE_SHARE, 3))]))
