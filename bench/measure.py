"""Runs a command and prints what it took: `measure.py [--stdout FILE] COMMAND ...`.

Lines of `name value unit`, as all parts print them. Wall time beside core time: on a busy machine only the second says
what the command costs.
"""

import resource
import subprocess
import sys
import time


def main() -> int:
    command = sys.argv[1:]
    stdout = subprocess.DEVNULL
    if command[:1] == ["--stdout"]:
        stdout = open(command[1], "wb")
        command = command[2:]
    begun = time.perf_counter()
    code = subprocess.call(command, stdout=stdout)
    wall = time.perf_counter() - begun
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(f"wall {wall:.3f} s")
    print(f"cpu {used.ru_utime + used.ru_stime:.3f} cpu-s")
    print(f"rss {used.ru_maxrss / 1024:.1f} MiB")
    return code


if __name__ == "__main__":
    sys.exit(main())
