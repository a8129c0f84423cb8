"""One worker of the message benchmark: waits for its start, sends what is due, says what it took."""

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
    before = resource.getrusage(resource.RUSAGE_SELF)
    print("ready", flush=True)
    sys.stdin.readline()
    begun = time.monotonic()
    sent = sending.send_due()
    used = resource.getrusage(resource.RUSAGE_SELF)
    cpu = used.ru_utime + used.ru_stime - before.ru_utime - before.ru_stime
    print(json.dumps({"sent": sent, "seconds": time.monotonic() - begun, "cpu": cpu}))
