"""One small file: from the cold start of the client to its exit."""

from ftbench.contest import Goal, Row
from ftbench.peers.ftpd import Ftpd
from ftbench.peers.nginx import Nginx
from ftbench.peers.openssh import Sftp
from ftbench.peers.rsync import Rsync
from ftbench.peers.vsftpd import Vsftpd
from ftbench.rows.build import Field, get_file, put_file
from ftbench.session import Session
from ftbench.workspace import SMALL_BYTES

LONGEST_MS = 10.0


def run(session: Session) -> None:
    source = session.workspace.file("small.bin", SMALL_BYTES)
    for way in ("put", "get"):
        make = put_file(source) if way == "put" else get_file(source)
        field = Field(session)
        field.add(make, Ftpd)
        if way == "put":
            field.add(make, Ftpd, durability="full")
        else:
            field.add(make, Ftpd, sync=True)
        for kind in (Vsftpd, Nginx, Rsync, Sftp):
            field.add(make, kind)
        for contestant in field.contestants:
            contestant.repeats = session.scale.cold_starts
        others = [one.name for one in field.contestants if not one.name.startswith("ftpd")]
        field.run(Row(
            f"small-{way}", f"{way} of one file of 4 KiB, cold start of the client to its exit", [], "vsftpd + curl",
            session.scale.rounds, in_milliseconds=True, goals=[Goal("ftpd", others, 1.0), Goal("ftpd", below=LONGEST_MS)]))
