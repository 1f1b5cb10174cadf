"""OpenSSH's ssh-agent, with keys in its keeping."""

import subprocess

from support.environment import clean_environment
from support.waiting import wait_until


class KeyAgent:
    """To be used with `with`: the agent runs inside of it."""

    def __init__(self, folder, keys):
        self.place = folder / "agent"
        self.variables = {"SSH_AUTH_SOCK": str(self.place)}
        self._environment = {**clean_environment(folder), **self.variables}
        self._keys = keys

    def __enter__(self):
        self._agent = subprocess.Popen(["ssh-agent", "-D", "-a", self.place], stdout=subprocess.DEVNULL)
        # It has its socket a moment before it listens there. 2: it cannot be reached.
        wait_until(lambda: self._ask("-l").returncode != 2, what="the agent answers")
        self._ask("-q", *self._keys).check_returncode()
        return self

    def __exit__(self, *_):
        self._agent.terminate()
        self._agent.wait()

    def _ask(self, *arguments):
        return subprocess.run(["ssh-add", *arguments], env=self._environment, capture_output=True)
