"""OpenSSH's server with sftp inside it; sftp and rclone as its clients. The fastest cipher that both have."""

import getpass
import os
import subprocess
from pathlib import Path

from ftbench.daemon import free_port
from ftbench.peers.peer import Peer

CIPHER = "aes128-gcm@openssh.com"
# Where sshd locks its children in; root's sshd insists on it. It is left there, since other servers may be using it by then.
EMPTY_FOLDER = Path("/run/sshd")
CONFIG = """\
ListenAddress {address}:{port}
HostKey {home}/host_key
AuthorizedKeysFile {home}/user_key.pub
StrictModes no
UsePAM no
UseDNS no
PidFile none
MaxStartups 500
PermitRootLogin prohibit-password
PasswordAuthentication no
Subsystem sftp internal-sftp
"""


class Sftp(Peer):
    name = "sftp"
    verified = "in transit (AEAD)"
    programs = ["sshd", "sftp", "ssh-keygen"]

    def start(self) -> None:
        if self.daemon:
            return
        self.port = free_port()
        if os.geteuid() == 0:
            EMPTY_FOLDER.mkdir(mode=0o755, exist_ok=True)
        for name in ("host_key", "user_key"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(self.home / name)], check=True)
        config = self.home / "sshd_config"
        config.write_text(CONFIG.format(address=self.place.address, port=self.port, home=self.home))
        self.server("/usr/sbin/sshd", "-D", "-e", "-f", config).wait_for_port(self.place, self.port)

    def _sftp(self, command: str) -> list[str]:
        batch = self.home / f"{self.workspace.fresh_name('batch')}.txt"
        batch.write_text(command + "\n")
        return self.client("sftp", "-q", "-F", "none", "-P", str(self.port), "-c", CIPHER, "-i", self.home / "user_key",
                           "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR",
                           "-b", batch, f"{getpass.getuser()}@{self.place.address}")

    def put_file(self, local: Path, remote: str) -> list[str]:
        return self._sftp(f"put {local} {self.stored(remote)}")

    def get_file(self, remote: str, local: Path) -> list[str]:
        return self._sftp(f"get {self.stored(remote)} {local}")

    def put_tree(self, local: Path, remote: str) -> list[str]:
        return self._sftp(f"-mkdir {self.stored(remote).parent}\nput -r {local} {self.stored(remote).parent}")

    def get_tree(self, remote: str, local: Path) -> list[str]:
        return self._sftp(f"get -r {self.stored(remote)} {local.parent}")


class Rclone(Sftp):
    """It verifies each file by a command on the server's side: right for large files, hopeless for many small ones."""

    name = "rclone to sftp"
    verified = "md5 of both files"
    programs = ["sshd", "ssh-keygen", "rclone"]

    def _rclone(self, command: str, source: str, target: str) -> list[str]:
        folders = ["--create-empty-src-dirs"] if command == "copy" else []
        return self.client("rclone", command, *folders, "--transfers", "8", "--checkers", "8", "--ignore-times", source, target)

    def _remote(self, remote: str) -> str:
        return (f":sftp,host={self.place.address},port={self.port},user={getpass.getuser()},key_file={self.home}/user_key,"
                f"ciphers={CIPHER}:{self.stored(remote)}")

    def put_file(self, local: Path, remote: str) -> list[str]:
        return self._rclone("copyto", str(local), self._remote(remote))

    def get_file(self, remote: str, local: Path) -> list[str]:
        return self._rclone("copyto", self._remote(remote), str(local))

    def put_tree(self, local: Path, remote: str) -> list[str]:
        return self._rclone("copy", str(local), self._remote(remote))

    def get_tree(self, remote: str, local: Path) -> list[str]:
        return self._rclone("copy", self._remote(remote), str(local))
