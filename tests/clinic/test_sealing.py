"""The clinic's seal: it covers the whole file, one changed byte shows, it keeps PDF/A-3a, and its key is private."""
from __future__ import annotations

import gc
import io
import os
import random
import stat
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from asn1crypto import pem, x509
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko_certvalidator import ValidationContext
from pypdf import PdfReader
from weasyprint import HTML

from clinic import pdf, sealing
from tests import factories as make
from tests.figures import full_figures

pytestmark = pytest.mark.django_db
PAGE = "<html lang='tr'><title>Onam formu 7KQ4-M2XP</title><h1>Onam</h1><p>Ağrı, şimdi</p><table><tr><td>a</td></tr></table>"


@pytest.fixture
def directory(settings: Any, tmp_path: Path) -> Path:
    settings.SEAL_DIRECTORY = str(tmp_path / "seal")
    make.make_organisation()
    return tmp_path / "seal"


@pytest.fixture(scope="module")
def plain() -> bytes:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # the library leaves its colour profile open
        content: bytes = HTML(string=PAGE).write_pdf(pdf_variant=pdf.VARIANT)
        gc.collect()
    return content


def certificate_in(directory: Path) -> x509.Certificate:
    _kind, _headers, der = pem.unarmor((directory / sealing.CERTIFICATE).read_bytes())
    return x509.Certificate.load(der)


def status_of(content: bytes, directory: Path) -> Any:
    """What pyHanko's own validator says about the one seal."""
    (signature,) = PdfFileReader(io.BytesIO(content)).embedded_signatures
    trusted = ValidationContext(trust_roots=[certificate_in(directory)], allow_fetching=False)
    # The validator runs an event loop of its own, which a thread with a browser's loop cannot.
    with ThreadPoolExecutor(max_workers=1) as apart:
        return apart.submit(validate_pdf_signature, signature, trusted).result()


def holds(content: bytes, directory: Path) -> bool:
    """Whether the file opens and its seal is sound, trusted and over the whole file."""
    try:
        status = status_of(content, directory)
    except Exception:  # a broken file is as good as a broken seal
        return False
    return bool(status.bottom_line and status.coverage.name == "ENTIRE_FILE")


def test_the_seal_covers_the_whole_file(directory: Path, plain: bytes) -> None:
    sealed = sealing.seal(plain)
    status = status_of(sealed.content, directory)
    assert status.bottom_line
    assert (status.intact, status.valid, status.trusted) == (True, True, True)
    assert status.coverage.name == "ENTIRE_FILE"
    assert sealed.content.startswith(plain), "what was rendered stays byte for byte"
    assert sealed.certificate_sha256 == certificate_in(directory).sha256.hex()


def signature_digits(sealed: bytes) -> range:
    """Where the hexadecimal digits of the signature's container stand."""
    start = sealed.index(b"/Contents <") + len(b"/Contents <")
    return range(start, sealed.index(b">", start))


def test_any_changed_byte_is_found(directory: Path, plain: bytes) -> None:
    """Every flip of a byte the seal covers is found, a thousand in `bin/prove`."""
    sealed = sealing.seal(plain).content
    assert holds(sealed, directory)
    chance = random.Random(20261130)
    digits = signature_digits(sealed)
    covered = [place for place in range(len(sealed)) if place not in digits]
    for place in chance.sample(covered, 1_000 if full_figures() else 60):
        changed = bytearray(sealed)
        changed[place] ^= 1 << chance.randrange(8)
        assert not holds(bytes(changed), directory), f"a flip at {place} went unnoticed"


def test_another_number_for_a_signature_is_found(directory: Path, plain: bytes) -> None:
    """The signature value ends the container. (Elsewhere in the container a flip may mean nothing: `a` and `A` are one
    digit, the padding is not read, and CMS leaves its version numbers and list of digests unsigned.)"""
    sealed = sealing.seal(plain).content
    digits = signature_digits(sealed)
    end = len(sealed[: digits.stop].rstrip(b"0"))
    chance = random.Random(20261130)
    for place in chance.sample(range(end - 700, end), 100 if full_figures() else 20):  # 384 bytes of RSA are 768 digits
        changed = bytearray(sealed)
        changed[place] = ord("1") if sealed[place : place + 1] != b"1" else ord("2")
        assert not holds(bytes(changed), directory), f"a digit at {place} went unnoticed"


def test_words_added_behind_the_seal_are_found(directory: Path, plain: bytes) -> None:
    sealed = sealing.seal(plain).content
    assert not holds(sealed + b"\n1 0 obj << >> endobj\n%%EOF\n", directory)


def test_a_sealed_paper_is_still_archival_and_tagged(directory: Path, plain: bytes) -> None:
    for content in (plain, sealing.seal(plain).content):
        read = PdfReader(io.BytesIO(content))
        root = read.root_object
        assert read.pdf_header == "%PDF-1.7"
        assert root.get("/Version") in {None, "/1.7"}
        assert str(root["/MarkInfo"]["/Marked"]) == "True"
        assert root["/StructTreeRoot"]
        assert root["/OutputIntents"]
        assert root["/Lang"] == "tr"
        about = root["/Metadata"].get_object().get_data().decode()
        assert 'pdfaid:part="3"' in about
        assert 'pdfaid:conformance="A"' in about
        assert read.metadata.title == "Onam formu 7KQ4-M2XP"
    (widget,) = [one.get_object() for one in read.pages[0]["/Annots"]]
    assert list(widget["/Rect"]) == [0, 0, 0, 0], "the seal draws nothing"
    assert widget["/F"] & 4, "printed"
    assert not widget["/F"] & 2, "not hidden"


def test_the_pair_is_made_once_and_the_key_is_private(directory: Path, plain: bytes) -> None:
    first = sealing.seal(plain)
    key, certificate = (directory / name for name in (sealing.KEY, sealing.CERTIFICATE))
    assert stat.S_IMODE(os.stat(key).st_mode) == 0o600
    assert stat.S_IMODE(os.stat(directory).st_mode) == 0o700
    before = key.read_bytes()
    sealing.make_pair(directory)
    sealing.signer_in.cache_clear()
    assert key.read_bytes() == before
    assert sealing.seal(plain).certificate_sha256 == first.certificate_sha256
    assert b"PRIVATE" not in certificate.read_bytes()
    assert b"PRIVATE" not in first.content


@pytest.mark.parametrize("broken", [b"", b"not a key", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"])
def test_a_broken_pair_says_so_instead_of_making_another(directory: Path, plain: bytes, broken: bytes) -> None:
    sealing.seal(plain)
    (directory / sealing.KEY).write_bytes(broken)
    sealing.signer_in.cache_clear()
    with pytest.raises(sealing.CannotSeal):
        sealing.seal(plain)
    assert (directory / sealing.KEY).read_bytes() == broken
