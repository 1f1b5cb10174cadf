"""Trees: many small files, the same again unchanged, and folders without files."""

from ftbench.contest import Contestant, Goal, Row
from ftbench.peers.ftpd import Ftpd
from ftbench.peers.openssh import Rclone, Sftp
from ftbench.peers.peer import Peer
from ftbench.peers.rsync import Rsync
from ftbench.peers.vsftpd import Lftp
from ftbench.process import Action
from ftbench.rows.build import Field, get_tree, put_tree, supported
from ftbench.session import Session
from ftbench.workspace import SMALL_BYTES, check_same

SLOW_ROUNDS = 1  # for peers that need more than ten times as long as the others


def _title(session: Session, way: str, more: str) -> str:
    files = session.scale.tree_folders * session.scale.tree_files
    return f"{way} of {files:,} files of 4 KiB in {session.scale.tree_folders} folders, {more}"


def _bytes(session: Session) -> int:
    return session.scale.tree_folders * session.scale.tree_files * SMALL_BYTES


def run(session: Session) -> None:
    source = session.workspace.tree(session.scale.tree_folders, session.scale.tree_files)
    for way in ("put", "get"):
        make = put_tree(source) if way == "put" else get_tree(source)
        field = Field(session)
        field.add(make, Ftpd)
        if way == "get":
            field.add(make, Ftpd, sync=True)
        field.add(make, Rsync)
        _add_slow(field, make, Lftp)
        if session.scale.slow_peers:
            _add_slow(field, make, Sftp)
        field.run(Row(
            f"tree-{way}", _title(session, way, "no sync"), [], "rsync", session.scale.rounds, cpu_bytes=_bytes(session),
            goals=[Goal("ftpd", ["rsync"], 2.0), Goal("ftpd", [Lftp.name], 20.0)]))


def _add_slow(field: Field, make, kind: type[Peer]) -> None:
    contestant = field.add(make, kind)
    if contestant:
        contestant.most_rounds = SLOW_ROUNDS


def run_durable(session: Session) -> None:
    source = session.workspace.tree(session.scale.tree_folders, session.scale.tree_files)
    field = Field(session)
    field.add(put_tree(source), Ftpd, durability="full")
    field.add(put_tree(source), Rsync, fsync=True)
    field.run(Row(
        "tree-full", _title(session, "put", "each file synced"), [], "rsync --fsync", session.scale.rounds, cpu_bytes=_bytes(session),
        goals=[Goal("ftpd, durability full", ["rsync --fsync"], 5.0)]))


def run_again(session: Session) -> None:
    source = session.workspace.tree(session.scale.tree_folders, session.scale.tree_files)

    def make(ses: Session, peer: Peer) -> Contestant:
        remote = f"{ses.workspace.fresh_name('again')}/tree"
        action = Action([supported(peer, peer.put_tree(source, remote))])
        # The first, uncounted round stores the tree; all others find it there.
        return Contestant(peer.name, peer.verified, lambda _: action, lambda _: check_same(source, peer.stored(remote)), peer.daemon)

    field = Field(session)
    field.add(make, Ftpd)
    field.add(make, Rsync)
    field.run(Row(
        "again", _title(session, "put", "unchanged since the last put"), [], "rsync", session.scale.rounds,
        goals=[Goal("ftpd", ["rsync"], 1.5)]))


def run_empty(session: Session) -> None:
    source = session.workspace.empty_folders(session.scale.empty_folders)
    field = Field(session)
    field.add(put_tree(source), Ftpd)
    field.add(put_tree(source), Rsync)
    _add_slow(field, put_tree(source), Rclone)
    field.run(Row(
        "empty", f"put of {session.scale.empty_folders:,} empty folders", [], "rsync", session.scale.rounds,
        goals=[Goal("ftpd", ["rsync", Rclone.name], 2.0)]))
