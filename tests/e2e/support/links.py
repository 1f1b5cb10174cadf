"""A process that swaps a folder and a symbolic link for each other, as fast as it can."""

import subprocess
import sys

kProgram = """
import ctypes, sys, threading
libc = ctypes.CDLL(None, use_errno=True)
here, exchange = -100, 2
one, other, least = sys.argv[1].encode(), sys.argv[2].encode(), int(sys.argv[3])
ended = threading.Event()
threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
done = 0
while done < least or not ended.is_set():
    if libc.renameat2(here, one, here, other, exchange) == 0:
        done += 1
    elif ctypes.get_errno() != 2:
        sys.exit(1)
print(done)
"""


class Flipper:
    """Exchanges the two names at least `least` times, and goes on until stop()."""

    def __init__(self, one, other, least):
        self.process = subprocess.Popen([sys.executable, "-c", kProgram, str(one), str(other), str(least)],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def stop(self, timeout=300):
        """The number of exchanges; fails when one could not be made."""
        output, _ = self.process.communicate(timeout=timeout)
        assert self.process.returncode == 0
        return int(output)
