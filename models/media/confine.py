"""Take from this process all it does not need to decode media: memory, time, files, other processes, the network.

The filter of system calls is a short program for the kernel (seccomp, classic BPF) that allows what reading and writing
open descriptors and allocating memory take. Every other call fails with EPERM. So a decoder that was taken over by the
file it reads cannot open a key file, connect to the database, start a program or touch another process. The kernel's
interface is stable and needs no library (docs/decisions/0027-decoders-without-keys.md).
"""

from __future__ import annotations

import ctypes
import platform
import resource
import signal
import struct
from dataclasses import dataclass
from pathlib import Path

_PR_SET_PDEATHSIG, _PR_SET_SECCOMP, _PR_SET_NO_NEW_PRIVS = 1, 22, 38
_FILTER_MODE = 2
_ALLOW, _REFUSE, _KILL = 0x7FFF0000, 0x00050001, 0x80000000  # _REFUSE: errno 1, EPERM
_UNKNOWN = 0x00050026
"""errno 38, ENOSYS: the C library then starts a thread by the older call, whose flags can be checked."""
_LOAD, _EQUAL, _ABOVE, _ALL_SET, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_NUMBER_AT, _MACHINE_AT, _FIRST_ARGUMENT_AT = 0, 4, 16
_CLONE, _CLONE3 = (56, 220), 435
_THREAD = 0x00010000
"""CLONE_THREAD: a thread of this process and no new process. The library for HEIC always starts one."""
_FOREIGN = 0x40000000
"""On x86-64, numbers from here on are those of another interface (x32), which could go round the list."""

# Numbers of the kernel's tables (arch/x86/entry/syscalls/syscall_64.tbl, include/uapi/asm-generic/unistd.h).
_CALLS: dict[str, tuple[int, int]] = {
    "read": (0, 63),
    "write": (1, 64),
    "close": (3, 57),
    "fstat": (5, 80),
    "lseek": (8, 62),
    "mmap": (9, 222),
    "mprotect": (10, 226),
    "munmap": (11, 215),
    "brk": (12, 214),
    "rt_sigaction": (13, 134),
    "rt_sigprocmask": (14, 135),
    "rt_sigreturn": (15, 139),
    "readv": (19, 65),
    "writev": (20, 66),
    "sched_yield": (24, 124),
    "mremap": (25, 216),
    "madvise": (28, 233),
    "nanosleep": (35, 101),
    "getpid": (39, 172),
    "sendto": (44, 206),
    "recvfrom": (45, 207),
    "sendmsg": (46, 211),
    "recvmsg": (47, 212),
    "shutdown": (48, 210),
    "exit": (60, 93),
    "gettimeofday": (96, 169),
    "getrusage": (98, 165),
    "sysinfo": (99, 179),
    "sigaltstack": (131, 132),
    "gettid": (186, 178),
    "futex": (202, 98),
    "sched_getaffinity": (204, 123),
    "restart_syscall": (219, 128),
    "clock_gettime": (228, 113),
    "clock_getres": (229, 114),
    "clock_nanosleep": (230, 115),
    "exit_group": (231, 94),
    "ppoll": (271, 73),
    "set_robust_list": (273, 99),
    "getcpu": (309, 168),
    "getrandom": (318, 278),
    "membarrier": (324, 283),
    "rseq": (334, 293),
}
_OLD_X86 = {"poll": 7, "select": 23}
_MACHINES = {"x86_64": (0xC000003E, 0), "aarch64": (0xC00000B7, 1)}
"""The kernel's name of a machine (include/uapi/linux/audit.h), and its column above."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """What one job may take.

    Attributes:
        memory: bytes of address space beyond what the process has when the job begins.
        cpu_seconds: processor time of the job.
    """

    memory: int = 300_000_000
    cpu_seconds: int = 20


_OPEN_FILES = 16


def die_with_parent() -> None:
    """End this process when the one that forked it ends."""
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def confine(bounds: Bounds) -> bool:
    """Limit this process, which has one thread, for the rest of its life.

    Args:
        bounds: what it may take from now on.

    Returns:
        Whether the kernel also filters system calls; other kernels than Linux, and other machines, only limit.
    """
    size = _address_space() + bounds.memory
    used = sum(resource.getrusage(resource.RUSAGE_SELF)[:2])
    seconds = int(used) + 1 + bounds.cpu_seconds
    for kind, limit in (
        (resource.RLIMIT_AS, size),
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, _OPEN_FILES),
    ):
        resource.setrlimit(kind, (limit, limit))
    return _filter_calls()


def _address_space() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    return pages * resource.getpagesize()


def _filter_calls() -> bool:
    found = _MACHINES.get(platform.machine())
    if platform.system() != "Linux" or found is None:
        return False
    machine, column = found
    numbers = [numbers[column] for numbers in _CALLS.values()] + (list(_OLD_X86.values()) if column == 0 else [])
    count = len(numbers)
    # Another machine's calls end the process. A listed call jumps to the last line; a new thread is one by its flags.
    lines = [
        (_LOAD, 0, 0, _MACHINE_AT),
        (_EQUAL, 1, 0, machine),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER_AT),
        (_ABOVE, count + 5, 0, _FOREIGN),
        *((_EQUAL, count - place + 5, 0, number) for place, number in enumerate(numbers)),
        (_EQUAL, 0, 2, _CLONE[column]),
        (_LOAD, 0, 0, _FIRST_ARGUMENT_AT),
        (_ALL_SET, 3, 2, _THREAD),
        (_EQUAL, 0, 1, _CLONE3),
        (_RETURN, 0, 0, _UNKNOWN),
        (_RETURN, 0, 0, _REFUSE),
        (_RETURN, 0, 0, _ALLOW),
    ]
    code = b"".join(struct.pack("HBBI", *line) for line in lines)
    program = ctypes.create_string_buffer(code, len(code))
    header = struct.pack("HP", len(lines), ctypes.addressof(program))
    if not _prctl(_PR_SET_NO_NEW_PRIVS, 1):
        return False
    return _prctl(_PR_SET_SECCOMP, _FILTER_MODE, header)


def _prctl(option: int, first: int, second: bytes | int = 0) -> bool:
    argument = ctypes.c_char_p(second) if isinstance(second, bytes) else ctypes.c_ulong(second)
    zero = ctypes.c_ulong(0)
    return bool(ctypes.CDLL(None).prctl(option, ctypes.c_ulong(first), argument, zero, zero) == 0)
