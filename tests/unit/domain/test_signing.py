"""Webhook signatures: lower-case hex of HMAC-SHA256 over "<date>\\n<body>"."""

import hashlib

import pytest

from backbeat.domain.signing import is_signed, sign

SECRET = "whsec"
DATE = "Sat, 01 Feb 2025 00:00:00 GMT"
BODY = b'{"type":"invoice.finalized"}'
SIGNATURE = "e8e7d6a0633a4e416b3850899acc96e7f9930a3c9e14bf641e6fd1d6cf446be0"
"""Computed with `openssl dgst -sha256 -hmac whsec` over the date, a newline and the body."""


def hmac_by_hand(secret: bytes, text: bytes) -> str:
    """RFC 2104 with nothing but the hash: H(K xor opad, H(K xor ipad, text))."""
    key = secret.ljust(64, b"\0")
    inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in key) + text)
    return hashlib.sha256(bytes(byte ^ 0x5C for byte in key) + inner.digest()).hexdigest()


def test_the_known_signature() -> None:
    assert sign(secret=SECRET, date=DATE, body=BODY) == SIGNATURE
    assert is_signed(SIGNATURE, secret=SECRET, date=DATE, body=BODY)


@pytest.mark.parametrize(
    ("secret", "date", "body"),
    [
        (SECRET, DATE, BODY),
        (SECRET, DATE, b""),
        ("schlüssel", DATE, "Größe €".encode()),
        (SECRET, DATE, b"\xff\x00\n"),
    ],
)
def test_date_and_body_are_signed_byte_for_byte(secret: str, date: str, body: bytes) -> None:
    expected = hmac_by_hand(secret.encode(), date.encode() + b"\n" + body)
    assert sign(secret=secret, date=date, body=body) == expected


@pytest.mark.parametrize(
    ("secret", "date", "body"),
    [
        ("whseC", DATE, BODY),
        (SECRET, DATE.replace("00:00:00", "00:00:01"), BODY),
        (SECRET, DATE, BODY + b" "),
        # The newline between the two is not interchangeable with one inside.
        (SECRET, DATE + "\n", BODY[1:]),
    ],
)
def test_any_change_is_noticed(secret: str, date: str, body: bytes) -> None:
    assert not is_signed(SIGNATURE, secret=secret, date=date, body=body)


@pytest.mark.parametrize("signature", ["", SIGNATURE.upper(), SIGNATURE[:-1], "ü" * 64])
def test_what_is_no_signature_is_refused(signature: str) -> None:
    assert not is_signed(signature, secret=SECRET, date=DATE, body=BODY)
