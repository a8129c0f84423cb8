"""One worker of the re-screening benchmark, in a process of its own, so that it can be measured and killed."""

from __future__ import annotations

import json
import resource
import sys
import time

import django

if __name__ == "__main__":
    django.setup()
    from sessions import rescreening

    begun = time.monotonic()
    looked_at = 0
    while done := rescreening.work(seconds=20):
        looked_at += done
    used = resource.getrusage(resource.RUSAGE_SELF)
    json.dump(
        {"patients": looked_at, "seconds": time.monotonic() - begun, "cpu": used.ru_utime + used.ru_stime,
         "peak_mb": used.ru_maxrss / 1024},
        sys.stdout,
    )  # fmt: skip
