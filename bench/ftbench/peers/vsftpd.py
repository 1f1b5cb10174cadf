"""vsftpd with anonymous users, sendfile on; curl and lftp as its clients."""

import os
import shutil
from pathlib import Path

from ftbench.daemon import free_port
from ftbench.peers.peer import Peer
from ftbench.process import Failed

CONFIG = """\
listen=YES
listen_address={address}
listen_port={port}
background=NO
anonymous_enable=YES
local_enable=NO
no_anon_password=YES
anon_root={root}
write_enable=YES
anon_upload_enable=YES
anon_mkdir_write_enable=YES
anon_other_write_enable=YES
anon_world_readable_only=NO
anon_umask=022
use_sendfile=YES
xferlog_enable=NO
connect_from_port_20=NO
idle_session_timeout=3600
max_clients=0
max_per_ip=0
secure_chroot_dir={empty}
pasv_address={address}
"""


class Vsftpd(Peer):
    name = "vsftpd + curl"
    programs = ["vsftpd", "curl"]

    def start(self) -> None:
        if self.daemon:
            return
        if os.geteuid() != 0:
            raise Failed("vsftpd needs root to serve a folder that is not the user's home")
        self.port = free_port()
        folder = self.files / "pub"  # the top folder must not be writable for the user it is chrooted to
        folder.mkdir(exist_ok=True)
        if os.geteuid() == 0:
            shutil.chown(folder, "ftp")
        empty = self.home / "empty"
        empty.mkdir(exist_ok=True)
        config = self.home / "vsftpd.conf"
        config.write_text(CONFIG.format(address=self.place.address, port=self.port, root=self.files, empty=empty))
        self.server("vsftpd", config).wait_for_port(self.place, self.port)

    def stored(self, remote: str) -> Path:
        return self.files / "pub" / remote

    def open_for_put(self, folder: Path) -> None:
        """Files laid into the server's folder by the benchmark belong to the server's user."""
        if os.geteuid() == 0:
            shutil.chown(folder, "ftp")

    def _url(self, remote: str) -> str:
        return f"ftp://{self.place.address}:{self.port}/pub/{remote}"

    def put_file(self, local: Path, remote: str) -> list[str]:
        return self.client("curl", "-qsS", "-T", local, self._url(remote))

    def append_file(self, local: Path, remote: str) -> list[str]:
        return self.client("curl", "-qsS", "-C", "-", "-T", local, self._url(remote))

    def get_file(self, remote: str, local: Path) -> list[str]:
        return self.client("curl", "-qsS", "-o", local, self._url(remote))


class Lftp(Vsftpd):
    """The same server by lftp, which can mirror trees, with several connections and requests sent ahead."""

    name = "vsftpd + lftp -P8"
    programs = ["vsftpd", "lftp"]

    def _lftp(self, command: str) -> list[str]:
        settings = "set ftp:sync-mode off; set net:connection-limit 8; set ftp:use-allo no; set mirror:set-permissions no"
        return self.client("lftp", "-c", f"{settings}; open ftp://{self.place.address}:{self.port}/; {command}")

    def put_file(self, local: Path, remote: str) -> list[str]:
        return self._lftp(f"put {local} -o pub/{remote}")

    def get_file(self, remote: str, local: Path) -> list[str]:
        return self._lftp(f"get pub/{remote} -o {local}")

    def put_tree(self, local: Path, remote: str) -> list[str]:
        return self._lftp(f"mkdir -f -p pub/{Path(remote).parent}; mirror -R --parallel=8 {local} pub/{remote}")

    def get_tree(self, remote: str, local: Path) -> list[str]:
        return self._lftp(f"mirror --parallel=8 pub/{remote} {local}")
