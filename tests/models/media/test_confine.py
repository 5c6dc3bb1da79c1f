"""Attacks by a decoder that was taken over: it opens, starts and touches nothing, and takes no more than it may."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="decoders are confined on Linux")


def run_confined(code: str) -> str:
    """Run a piece of code in a process that has confined itself as a job does; return what it writes."""
    program = f"import os, sys\nfrom models.media.confine import Bounds, confine\n{textwrap.dedent(code)}"
    done = subprocess.run(
        [sys.executable, "-P", "-c", program],
        env={"PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout + (f"signal {-done.returncode}" if done.returncode < 0 else "")


@pytest.mark.parametrize(
    "attack",
    [
        "open('/etc/passwd')",
        "os.listdir('/')",
        "__import__('socket').socket(1)",
        "os.fork()",
        "os.execv('/bin/true', ['true'])",
        "os.kill(os.getppid(), 0)",
        "os.pidfd_open(os.getppid())",
        "__import__('resource').setrlimit(9, (-1, -1))",
        "os.memfd_create('more')",
    ],
)
def test_a_taken_over_decoder_opens_starts_and_touches_nothing(attack: str) -> None:
    assert (
        run_confined(
            f"""
            import ctypes, resource, socket
            assert confine(Bounds())
            try:
                {attack}
            except (PermissionError, ValueError) as error:
                os.write(1, b"refused")
            """
        )
        == "refused"
    )


def test_a_job_takes_no_more_memory_and_time_than_it_may() -> None:
    greedy = "confine(Bounds(memory=50_000_000))\ntry:\n    bytearray(60_000_000)\nexcept MemoryError:\n    print('no')"
    assert run_confined(greedy) == "no\n"
    assert run_confined("confine(Bounds(cpu_seconds=0))\nwhile True: pass") == f"signal {signal.SIGKILL.value}"
