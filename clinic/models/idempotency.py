"""One effect per form: the token of a submitted form, and where its first answer led."""

from __future__ import annotations

from django.db import models


class IdempotencyKey(models.Model):
    """Inserted in the transaction of the deed itself, so that a copy waits, then finds the first answer."""

    key = models.CharField(max_length=64, unique=True)
    doer_public_id = models.CharField(max_length=22, blank=True)
    payload_digest = models.BinaryField(max_length=32)
    answer_url = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)

    def __str__(self) -> str:
        return self.key
