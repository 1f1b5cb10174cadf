"""Users of a daemon under test: makes them as an administrator would, and clients that log in."""

import os
import subprocess

from support import binaries
from support.daemon import run_to_end
from support.environment import clean_environment
from support.waiting import kPatience, wait_until

kPassword = "correct horse"


class Accounts:
    """A users file in `folder`, kept by `ftpd user`; `daemon`, once it is set, has taken over each change before the call returns."""

    def __init__(self, folder):
        self.daemon = None
        self.folder = folder
        self.folder.mkdir(parents=True, exist_ok=True)
        self.file = folder / "users"

    def config(self, **more):
        """What a daemon needs in its configuration."""
        return {"access": {"users": self.file, **more}, "user *": {"allow": "/: all"}}

    def run(self, *words, code=0):
        """`ftpd user WORDS`; a CompletedProcess with text."""
        before = self.readings()
        done = run_to_end(self.folder, "user", *words, "--users", self.file)
        assert done.returncode == code, f"ftpd user {words}: {done.returncode}\n{done.stdout}{done.stderr}"
        if self.daemon and code == 0 and words[0] != "list":
            wait_until(lambda: self.readings() > before, what="the daemon has read the users again")
        return done

    def readings(self):
        """How often the daemon has said that it has read the users."""
        return self.daemon.log().count(" users file=") if self.daemon else 0

    def secret(self, text, name="secret"):
        """A file that only its owner may read."""
        path = self.folder / name
        path.write_text(text + "\n")
        path.chmod(0o600)
        return path

    def add(self, user, password=None):
        if password is None:
            return self.run("add", user, "--no-password")
        return self.run("add", user, "--password-file", self.secret(password, f"{user}.password"))

    def token(self, user, name, *options):
        return self.run("token", "add", user, name, *options).stdout.strip()


def passwd_by_descriptor(accounts, user, password):
    """`ftpd user passwd` with the password on a descriptor that is a pipe."""
    read, write = os.pipe()
    with os.fdopen(write, "w") as pipe:
        pipe.write(password + "\n")
    try:
        return subprocess.run([str(binaries.find("ftpd")), "user", "passwd", user, "--users", str(accounts.file),
                               "--password-fd", str(read)], pass_fds=[read], capture_output=True, text=True,
                              env=clean_environment(accounts.folder), timeout=kPatience, check=False)
    finally:
        os.close(read)


def login(peer, user, password):
    return peer.ask("login", user=user, password=password)
