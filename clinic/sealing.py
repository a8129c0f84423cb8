"""The clinic's seal on a finished PDF: a PAdES signature with the clinic's own certificate, put on once.

A seal says which installation issued these bytes and that none of them changed since. It is not the signature of a
person, and nowhere called a qualified one. Key and certificate are two PEM files in a private directory
(`settings.SEAL_DIRECTORY`), never in the database; where none are, a self-signed pair is made at the first seal.
"""
from __future__ import annotations

import datetime as dt
import fcntl
import hashlib
import io
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from django.conf import settings

from clinic.models import Organisation

if TYPE_CHECKING:
    from pyhanko.sign.signers import SimpleSigner  # loaded with the first seal; most processes never need it

KEY, CERTIFICATE = "seal-key.pem", "seal-certificate.pem"
FIELD_NAME = "Seal"
REASON = "Issued by the clinic; any later change shows"
VALID_YEARS = 20  # a consent is kept for long; renewing the pair leaves older seals as they are


class CannotSeal(RuntimeError):
    """The pair is there but unusable: only the technician can mend it."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """`certificate_sha256` names the certificate the seal was made with."""

    content: bytes
    certificate_sha256: str


def seal(content: bytes) -> Sealed:
    """The same document with the clinic's seal after its last byte. Raises `CannotSeal`."""
    from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
    from pyhanko.sign import fields, signers

    signer, certificate_sha256 = signer_in(str(prepared()))
    writer = IncrementalPdfFileWriter(io.BytesIO(content))
    about = signers.PdfSignatureMetadata(
        field_name=FIELD_NAME, md_algorithm="sha256", subfilter=fields.SigSeedSubFilter.PADES, reason=REASON
    )
    sealed = io.BytesIO()
    sealer = signers.PdfSigner(about, signer, new_field_spec=fields.SigFieldSpec(FIELD_NAME))
    # pyHanko runs an event loop of its own, which a thread that has one already cannot.
    with ThreadPoolExecutor(max_workers=1) as apart:
        apart.submit(sealer.sign_pdf, writer, output=sealed).result()
    return Sealed(sealed.getvalue(), certificate_sha256)


@lru_cache(maxsize=4)
def signer_in(directory: str) -> tuple[SimpleSigner, str]:
    """Key and certificate as pyHanko takes them, and the certificate's SHA-256; read once a process."""
    from asn1crypto import keys, pem
    from asn1crypto import x509 as asn1_x509
    from pyhanko.sign import signers
    from pyhanko_certvalidator.registry import SimpleCertificateStore

    try:
        loaded = serialization.load_pem_private_key((Path(directory) / KEY).read_bytes(), password=None)
        plain = loaded.private_bytes(
            serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        chain = [
            asn1_x509.Certificate.load(der)
            for _kind, _headers, der in pem.unarmor((Path(directory) / CERTIFICATE).read_bytes(), multiple=True)
        ]
    except (OSError, ValueError, TypeError) as problem:
        raise CannotSeal(f"The seal in {directory} cannot be read; see docs/running.md.") from problem
    others = SimpleCertificateStore()
    others.register_multiple(chain[1:])
    signer = signers.SimpleSigner(
        signing_cert=chain[0], signing_key=keys.PrivateKeyInfo.load(plain), cert_registry=others
    )
    return signer, hashlib.sha256(chain[0].dump()).hexdigest()


def prepared() -> Path:
    """The directory with a pair in it. One that is empty gets a self-signed pair, made by whoever is first."""
    directory = Path(settings.SEAL_DIRECTORY)
    if not (directory / CERTIFICATE).exists():
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        make_pair(directory)
    return directory


def make_pair(directory: Path) -> None:
    """A key and its self-signed certificate. The certificate is put in its place last, and only by the one whose key is
    there: several processes may start at once."""
    # RSA, not an elliptic curve: with a curve the file would have to call itself PDF 2.0, and PDF/A-3 ends with 1.7.
    key = rsa.generate_private_key(public_exponent=65537, key_size=3072)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    with pair_lock(directory):
        if (directory / CERTIFICATE).exists():
            return
        write(directory / KEY, private, mode=0o600)
        write(directory / CERTIFICATE, self_signed(key).public_bytes(serialization.Encoding.PEM), mode=0o644)


@contextmanager
def pair_lock(directory: Path) -> Iterator[None]:
    """Held while a pair is made; ends with its process."""
    with (directory / ".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def write(path: Path, content: bytes, *, mode: int) -> None:
    """Whole or not at all, and never readable to others for a moment."""
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(content)
    fresh.replace(path)


def self_signed(key: rsa.RSAPrivateKey) -> x509.Certificate:
    organisation = Organisation.objects.first()
    name = organisation.name if organisation else "Mesoclinic"
    who = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, name[:64]),
            x509.NameAttribute(NameOID.COMMON_NAME, f"{name[:50]} documents"),
        ]
    )
    now = dt.datetime.now(dt.UTC)
    usage = x509.KeyUsage(
        digital_signature=True, content_commitment=True, key_encipherment=False, data_encipherment=False,
        key_agreement=False, key_cert_sign=False, crl_sign=False, encipher_only=False, decipher_only=False,
    )  # fmt: skip
    return (
        x509.CertificateBuilder()
        .subject_name(who).issuer_name(who).public_key(key.public_key()).serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1)).not_valid_after(now + dt.timedelta(days=365 * VALID_YEARS))
        .add_extension(usage, critical=True)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
