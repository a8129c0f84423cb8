"""The fence around a process that reads what strangers wrote: limits on CPU time, memory and file size, no network.

Called by the child itself, before it looks at a single byte. Knows neither Django nor any library.
"""
from __future__ import annotations

import ctypes
import os
import resource
import signal
from collections.abc import Collection
from dataclasses import dataclass

ADDRESS_SPACE_FACTOR = 2  # libraries map more than they use; the memory limit is what counts
LARGEST_FILE_BYTES = 64 << 20
NICE = 10  # pages for people go before papers
MOST_DESCRIPTORS = 4096

CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000


@dataclass(frozen=True)
class Limits:
    """What one document may take."""

    cpu_seconds: int = 20
    memory_bytes: int = 512 << 20


def fence(limits: Limits, *, keep: Collection[int]) -> None:
    """Only the descriptors to keep stay open; limits on CPU, memory and file size; no network where the kernel lets us
    leave it. Raises `OSError` where a limit cannot be set."""
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGXCPU):
        signal.signal(number, signal.SIG_DFL)
    os.nice(NICE)
    first = 3
    for descriptor in sorted(one for one in keep if one >= first):
        os.closerange(first, descriptor)
        first = descriptor + 1
    os.closerange(first, MOST_DESCRIPTORS)
    for limit, soft, hard in (
        (resource.RLIMIT_CPU, limits.cpu_seconds, limits.cpu_seconds + 2),
        (resource.RLIMIT_DATA, limits.memory_bytes, limits.memory_bytes),
        (resource.RLIMIT_AS, limits.memory_bytes * ADDRESS_SPACE_FACTOR, limits.memory_bytes * ADDRESS_SPACE_FACTOR),
        (resource.RLIMIT_FSIZE, LARGEST_FILE_BYTES, LARGEST_FILE_BYTES),
        (resource.RLIMIT_CORE, 0, 0),
    ):
        resource.setrlimit(limit, (soft, hard))
    # A network namespace of its own holds no interface but a dead loopback. Refused in some containers; the fetcher
    # reaches nothing either way, and docker-compose.yml gives the renderer no network at all.
    ctypes.CDLL(None).unshare(CLONE_NEWUSER | CLONE_NEWNET)
