"""What a row needs of a program that moves files."""

from pathlib import Path

from ftbench import process
from ftbench.daemon import Daemon, Place
from ftbench.workspace import Workspace


class Peer:
    """A server and the client that is used with it. The argv functions return None where the program cannot do the work.

    `remote` is a path below the server's folder, with / between its parts; files are put to names and trees to folders whose last part is
    that of the local tree."""

    name = ""
    verified = "no"
    programs: list[str] = []  # all that must be installed

    def __init__(self, workspace: Workspace, place: Place):
        self.workspace = workspace
        self.place = place
        self.home = workspace.folder(f"{type(self).__name__.lower()}-{place.name}-{workspace.fresh_name('')}")
        self.files = self.home / "root"
        self.files.mkdir()
        self.daemon: Daemon | None = None
        self.port = 0

    @classmethod
    def missing(cls) -> list[str]:
        return [name for name in cls.programs if process.find_program(name) is None]

    def start(self) -> None:
        """Starts the server and returns when it can be used."""

    def stop(self) -> None:
        if self.daemon:
            self.daemon.stop()
            self.daemon = None

    def stored(self, remote: str) -> Path:
        """Where the server keeps what was put as `remote`."""
        return self.files / remote

    def client_environment(self) -> dict[str, str]:
        """For the next run of the client that puts a file."""
        return {}

    def client(self, *words: str | Path) -> list[str]:
        return self.place.client_prefix + [str(word) for word in words]

    def server(self, *words: str | Path, environment: dict[str, str] | None = None) -> Daemon:
        argv = self.place.server_prefix + [str(word) for word in words]
        self.daemon = Daemon(argv, self.home / "server.log", environment)
        return self.daemon

    def put_file(self, local: Path, remote: str) -> list[str] | None:
        return None

    def get_file(self, remote: str, local: Path) -> list[str] | None:
        return None

    def put_tree(self, local: Path, remote: str) -> list[str] | None:
        return None

    def get_tree(self, remote: str, local: Path) -> list[str] | None:
        """`local` is the tree to be made; the folder that holds it exists."""
        return None
