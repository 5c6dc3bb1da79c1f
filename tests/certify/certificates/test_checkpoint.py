"""Signed checkpoints and notes: the format of the specification, and every forgery refused."""

from __future__ import annotations

import base64
import re
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certify.certificates import Algorithm, BadSignature, CertificateError, CertificateMalformed, SigningKey, UnknownKey
from certify.certificates.checkpoint import Checkpoint, parse, sign_checkpoint, verify_checkpoint
from certify.certificates.merkle import EMPTY_ROOT
from certify.certificates.note import NoteKey, parse_note, sign_note, verify_note

ORIGIN = "example.org/ledger"
ROOT = bytes(range(32))

# From the documentation of Go's golang.org/x/mod/sumdb/note.
GO_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
GO_TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
GO_NOTE = GO_TEXT + (
    "\n\u2014 PeterNeumann "
    "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)


@pytest.fixture
def note_key(key: SigningKey) -> NoteKey:
    return NoteKey(ORIGIN, key.verification_key)


def test_a_note_of_another_implementation_verifies() -> None:
    key = NoteKey.from_text(GO_KEY)
    assert key.to_text() == GO_KEY
    assert verify_note(GO_NOTE, key) == GO_TEXT


def test_round_trip(key: SigningKey, note_key: NoteKey) -> None:
    for checkpoint in (Checkpoint(ORIGIN, 0, EMPTY_ROOT), Checkpoint(ORIGIN, 20_852_163, ROOT, ("more", "ünd mehr"))):
        note = sign_checkpoint(checkpoint, key)
        assert parse(note) == checkpoint
        assert verify_checkpoint(note, note_key) == checkpoint
        assert sign_checkpoint(checkpoint, key) == note


def test_the_text_is_the_one_of_the_specification(key: SigningKey, note_key: NoteKey) -> None:
    lines = sign_checkpoint(Checkpoint(ORIGIN, 7, ROOT), key).split("\n")
    assert lines[:4] == [ORIGIN, "7", base64.b64encode(ROOT).decode(), ""]
    assert lines[4].startswith(f"\u2014 {ORIGIN} ")
    assert base64.b64decode(lines[4].split(" ")[2])[:4] == note_key.key_id
    assert lines[5:] == [""]


def test_a_changed_checkpoint_is_refused(key: SigningKey, note_key: NoteKey) -> None:
    note = sign_checkpoint(Checkpoint(ORIGIN, 7, ROOT), key)
    with pytest.raises(BadSignature):
        verify_checkpoint(note.replace("\n7\n", "\n8\n"), note_key)


def test_signatures_of_witnesses_are_ignored(key: SigningKey, note_key: NoteKey) -> None:
    checkpoint = Checkpoint(ORIGIN, 7, ROOT)
    witness = SigningKey.generate()
    line = sign_checkpoint(checkpoint, witness, name="witness.example").split("\n\n")[1]
    note = sign_checkpoint(checkpoint, key) + line
    assert verify_checkpoint(note, note_key) == checkpoint
    assert len(parse_note(note).signatures) == 2
    with pytest.raises(UnknownKey):
        verify_checkpoint(checkpoint.to_text() + "\n" + line, note_key)


def test_a_checkpoint_of_another_ledger(key: SigningKey, note_key: NoteKey) -> None:
    note = sign_checkpoint(Checkpoint("example.org/other", 7, ROOT), key, name=ORIGIN)
    with pytest.raises(CertificateMalformed):
        verify_checkpoint(note, note_key)
    assert verify_checkpoint(note, note_key, origin="example.org/other").size == 7


@pytest.mark.parametrize(
    "text",
    [
        "origin\n1\n",
        "origin\n01\n" + base64.b64encode(ROOT).decode() + "\n",
        "origin\n-1\n" + base64.b64encode(ROOT).decode() + "\n",
        "origin\n\u0661\n" + base64.b64encode(ROOT).decode() + "\n",
        "origin\n9999999999999999999\n" + base64.b64encode(ROOT).decode() + "\n",
        "origin\n1\nAAAA\n",
        "origin\n1\n!\n",
        "origin\n1\n" + "A" * 42 + "B=\n",
    ],
)
def test_signed_texts_that_are_no_checkpoints(key: SigningKey, text: str) -> None:
    note = sign_note(text, key, name="origin")
    with pytest.raises(CertificateMalformed):
        verify_checkpoint(note, NoteKey("origin", key.verification_key))


@given(st.text(max_size=200))
def test_rubbish(text: str) -> None:
    with pytest.raises(CertificateError):
        parse(text)
    note = f"origin\n1\n{base64.b64encode(ROOT).decode()}\n\n\u2014 {text}\n"
    if re.fullmatch(r"\S+ \S{8,}", text):  # it may be a signature line, as "0 00000000" is
        with suppress(CertificateError):
            assert parse(note) == Checkpoint("origin", 1, ROOT)
        return
    with pytest.raises(CertificateError):
        parse(note)


@pytest.mark.parametrize("line", ["\u2014 a !!!!", "\u2014 a AAAA", "\u2014 a", "- a AAAAAAAA", "\u2014  AAAAAAAA"])
def test_bad_signature_lines(line: str) -> None:
    with pytest.raises(CertificateMalformed):
        parse_note(f"text\n\n{line}\n")


def test_too_many_signatures() -> None:
    with pytest.raises(CertificateMalformed):
        parse_note("text\n\n" + "\u2014 a AAAAAAAA\n" * 101)


def test_texts_and_names_that_cannot_be_signed(key: SigningKey) -> None:
    with pytest.raises(ValueError, match="Ed25519"):
        sign_checkpoint(Checkpoint(ORIGIN, 1, ROOT), SigningKey.generate(Algorithm.ES256))
    for name in ("a b", "a+b", "a\u00a0b"):
        with pytest.raises(ValueError, match="no spaces"):
            sign_checkpoint(Checkpoint(name, 1, ROOT), key)
    with pytest.raises(ValueError, match="newline"):
        sign_note("text", key, name="a")
    for values in (("", 1, ROOT), ("a\nb", 1, ROOT), ("a", -1, ROOT), ("a", 1, b"")):
        with pytest.raises(ValueError, match="checkpoint"):
            Checkpoint(*values)


@pytest.mark.parametrize("text", ["", "a+b+c", GO_KEY.replace("c74f", "c74e"), "a+00000000+Ag==", GO_KEY[:-4] + "AAAA"])
def test_bad_note_keys(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - each case has its own message
        NoteKey.from_text(text)
