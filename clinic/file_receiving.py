"""Takes the files of a form from the network: at most 20 MB of them, never in memory, whatever the sender sends.

What is too large is read to its end, so that the fields beside it arrive, but not kept: the form gets an empty file that
says how large it was and refuses it in words.
"""
from __future__ import annotations

from io import BytesIO
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import StopUpload, TemporaryFileUploadHandler

LARGEST_BYTES = 20 << 20
# Beyond this nobody waits for the end: the connection is closed.
ENDLESS_BYTES = 500 << 20


class CappedFileHandler(TemporaryFileUploadHandler):
    """All files of one request together stay under the cap on disk; in memory there is one chunk."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.kept_bytes = 0  # of all files of this request
        self.seen_bytes = 0  # of this file
        self.all_seen_bytes = 0
        self.too_large = False

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        super().new_file(*args, **kwargs)
        self.seen_bytes = 0
        self.too_large = False

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        self.seen_bytes += len(raw_data)
        self.all_seen_bytes += len(raw_data)
        if self.all_seen_bytes > ENDLESS_BYTES:
            self.file.close()
            raise StopUpload(connection_reset=True)
        if self.too_large:
            return
        if self.kept_bytes + self.seen_bytes > LARGEST_BYTES:
            self.too_large = True
            self.file.close()  # which deletes it
            return
        super().receive_data_chunk(raw_data, start)

    def file_complete(self, file_size: int) -> UploadedFile | None:
        if self.too_large:
            # At least one more than allowed: several files may be too large only together.
            size = max(self.seen_bytes, LARGEST_BYTES + 1)
            return UploadedFile(BytesIO(), self.file_name, self.content_type, size)
        self.kept_bytes += self.seen_bytes
        return super().file_complete(file_size)
