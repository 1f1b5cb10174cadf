"""A process that swaps a folder and a symbolic link for each other, as fast as it can, so often."""

import subprocess
import sys

kProgram = """
import ctypes, sys
libc = ctypes.CDLL(None, use_errno=True)
here, exchange = -100, 2
one, other, count = sys.argv[1].encode(), sys.argv[2].encode(), int(sys.argv[3])
done = 0
while done < count:
    if libc.renameat2(here, one, here, other, exchange) == 0:
        done += 1
    elif ctypes.get_errno() != 2:
        sys.exit(1)
print(done)
"""


def start_flipping(one, other, count):
    """A running process that ends with 0 after `count` exchanges of the two names."""
    return subprocess.Popen([sys.executable, "-c", kProgram, str(one), str(other), str(count)], stdout=subprocess.PIPE)
