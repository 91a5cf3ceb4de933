"""Memory that is freed stays with the process; tried in processes of their own, as there is no way back."""

import subprocess
import sys

SCRIPT = """
import resource, sys
if sys.argv[1] == "keep":
    from par_core.training.allocator import keep_freed_memory
    assert keep_freed_memory()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20):
    block = bytearray(b"x") * (50 * 2**20)
    del block
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def page_faults(how: str) -> int:
    return int(
        subprocess.run([sys.executable, "-c", SCRIPT, how], capture_output=True, text=True, check=True).stdout
    )


def test_blocks_that_were_freed_are_used_again() -> None:
    assert page_faults("keep") < page_faults("as usual") / 5
