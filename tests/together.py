"""Python programs that begin their work at the same moment."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence

START = """
import sys
print("ready", flush=True)
sys.stdin.readline()
"""


def run_together(imports: str, code: str, arguments: Sequence[Sequence[str]]) -> list[tuple[str, int]]:
    """Run `code` once per list of arguments, at once after `imports`; what each said on stderr, and its rc."""
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", imports + START + code, *own],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for own in arguments
    ]
    for process in processes:
        assert process.stdout is not None
        process.stdout.readline()
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    return [(process.communicate()[1], process.returncode) for process in processes]
