"""One large file, both ways: with the default digest, with MD5, over TLS."""

import time
from pathlib import Path

from ftbench.contest import Contestant, Goal, Row
from ftbench.peers.ftpd import Ftpd
from ftbench.peers.nginx import Nginx
from ftbench.peers.openssh import Rclone, Sftp
from ftbench.peers.rsync import Rsync
from ftbench.peers.vsftpd import Vsftpd
from ftbench.process import Action, Failed
from ftbench.rows.build import Field, get_file, put_file, take
from ftbench.session import Session

LINE = "limit: sendfile into splice"
OLD = 2.0  # seconds since a file was changed
REMEMBERED = 8 << 20  # bytes; ftpc does not remember the digests of shorter files


def size_of(session: Session) -> str:
    return f"{session.scale.large_bytes / (1 << 20):.0f} MiB"


def run(session: Session) -> None:
    source = session.workspace.file("large.bin", session.scale.large_bytes)
    _one_way(session, source, "put")
    _one_way(session, source, "get")


def _one_way(session: Session, source: Path, way: str) -> None:
    make = put_file(source) if way == "put" else get_file(source)
    field = Field(session)
    field.add(make, Ftpd)
    if way == "put":
        field.add(make, Ftpd, durability="full")
    else:
        field.add(make, Ftpd, sync=True)
    field.add_with_digest(make, Vsftpd)
    field.add_with_digest(make, Nginx)
    field.add(make, Rsync)
    if session.scale.slow_peers:
        field.add(make, Sftp)
        field.add(make, Rclone)
    _add_limits(session, field, source)
    field.run(Row(
        f"large-{way}", f"{way} of one file of {size_of(session)}, default digest, loopback", [], "vsftpd + curl",
        session.scale.rounds, session.scale.large_bytes,
        goals=[Goal("ftpd", ["vsftpd + curl"], 2.0), Goal("ftpd", [LINE], 0.7)]))


def _add_limits(session: Session, field: Field, source: Path) -> None:
    target = session.workspace.folder("limits") / "copy.bin"

    def limit(name: str, argv: list[str]) -> Contestant:
        return Contestant(name, "no", lambda _: Action([argv]), lambda _: take(source, target))

    field.contestants.append(limit("limit: cp", ["cp", "--reflink=never", str(source), str(target)]))
    try:
        program = session.program("limits/line_copy.cpp")
    except Failed as failure:
        field.skipped.append(f"{LINE}: {failure}")
        return
    field.contestants.append(limit(LINE, [program, str(source), str(target)]))


def run_md5(session: Session) -> None:
    source = session.workspace.file("large.bin", session.scale.large_bytes)
    for way in ("put", "get"):
        field = Field(session)
        field.add(put_file(source) if way == "put" else get_file(source), Ftpd, digest="md5")
        if way == "put":
            _wait_until_old(source)
            field.add(_put_known(source), Ftpd, digest="md5", known=True)
        argv = ["openssl", "dgst", "-md5", str(source)]
        field.contestants.append(Contestant("openssl dgst -md5", "-", lambda _: Action([argv])))
        field.run(Row(
            f"md5-{way}", f"{way} of one file of {size_of(session)} with MD5", [], "openssl dgst -md5", session.scale.rounds,
            session.scale.large_bytes, goals=[Goal("ftpd md5", ["openssl dgst -md5"], 0.9)]))


def _wait_until_old(source: Path) -> None:
    """ftpc does not remember the digest of a file that was changed a moment ago."""
    while time.time() - source.stat().st_ctime <= OLD:
        time.sleep(OLD / 20)


def _put_known(source: Path):
    """Its first round, which is not counted, is the one that hashes the source."""

    def make(session: Session, peer: Ftpd) -> Contestant:
        contestant = put_file(source)(session, peer)
        compare = contestant.check

        def check(number: int) -> None:
            compare(number)
            if source.stat().st_size >= REMEMBERED and not any(peer.cache.rglob("digests")):
                raise Failed("the digest was not remembered")

        contestant.check = check
        return contestant

    return make


def run_tls(session: Session) -> None:
    source = session.workspace.file("large.bin", session.scale.large_bytes)
    for way in ("put", "get"):
        make = put_file(source) if way == "put" else get_file(source)
        field = Field(session)
        field.add(make, Ftpd, tls=True)
        field.add(make, Nginx, tls=True)
        field.add(make, Sftp)
        field.run(Row(
            f"tls-{way}", f"{way} of one file of {size_of(session)}, encrypted", [], "nginx TLS + curl", session.scale.rounds,
            session.scale.large_bytes,
            goals=[Goal("ftpd TLS", ["nginx TLS + curl"], 1.2), Goal("ftpd TLS", ["sftp"], 4.0)]))
