"""The rows, by the names that --rows takes, in the order in which they run."""

from collections.abc import Callable

from ftbench.rows import commands, crowds, idle, large, limits, resume, small, trees, wide
from ftbench.session import Session

ROWS: dict[str, Callable[[Session], None]] = {
    "limits": limits.run,
    "large": large.run,
    "md5": large.run_md5,
    "tls": large.run_tls,
    "tree": trees.run,
    "tree-full": trees.run_durable,
    "again": trees.run_again,
    "empty": trees.run_empty,
    "small": small.run,
    "wan-tree": wide.run_tree,
    "wan-small": wide.run_small,
    "wan-large": wide.run_large,
    "crowds": crowds.run,
    "idle": idle.run,
    "resume": resume.run,
    "exec": commands.run,
}
