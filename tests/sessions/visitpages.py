"""What the tests of the pages of a visit type and open again and again."""
from __future__ import annotations

from django.urls import reverse

HOSTILE = [
    "\x00", "x" * 5_000, "\u202ecod", "'; DROP TABLE x;--", "<script>alert(1)</script>", "2026-02-30", "-1", "99:99",
]  # fmt: skip
NEW = "/appointments/new/"


def page_of(client, appointment) -> str:
    answer = client.get(reverse("appointment", args=[appointment.public_id]))
    assert answer.status_code == 200
    return answer.content.decode()
