"""One worker of the message benchmark: at each word on its input it sends what is due and says what that took."""

from __future__ import annotations

import json
import resource
import sys
import time

import django

if __name__ == "__main__":
    django.setup()
    from protocols import catalogue
    from sessions import sending

    catalogue.in_force()
    print("ready", flush=True)
    for _word in sys.stdin:
        before, begun = resource.getrusage(resource.RUSAGE_SELF), time.monotonic()
        sent = sending.send_due()
        used, seconds = resource.getrusage(resource.RUSAGE_SELF), time.monotonic() - begun
        cpu = used.ru_utime + used.ru_stime - before.ru_utime - before.ru_stime
        print(json.dumps({"sent": sent, "seconds": seconds, "cpu": cpu}), flush=True)
