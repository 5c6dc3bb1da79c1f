"""Find the text of a certificate in what people copy: mails, messages, answers of a service, with blanks and line ends.

The text has upper-case letters, digits, blanks and nine marks (base45, RFC 9285). A blank belongs to it, so blanks at
line ends cannot simply be dropped: a mail program may have put a line end in place of a blank, or between two letters.
The signed bytes tell: their form has an exact length (:func:`certify.certificates.signing.has_form`), which tells
how many blanks are lost. If it does not tell where they were, the signature does: each way is tried.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import combinations, islice

import base45  # type: ignore[import-untyped]

from certify.certificates.errors import CertificateError, CertificateMalformed, NotACertificate, SeveralCertificates
from certify.certificates.qr import MAX_TEXT, PREFIX
from certify.certificates.signing import has_form, length_of, read_unverified

MAX_CHARACTERS = 1_000_000
"""Characters of a text or an answer of a service that are searched."""
_MOST_STARTS, _MOST_LINES, _MOST_BLANKS, _MOST_WAYS = 5, 40, 12, 2_000
_MOST_TRIED = 64
_UNSEEN = str.maketrans("", "", "\ufeff\u200b\u200c\u200d\u2060\u00ad\\")
_BLANKS = str.maketrans({"\u00a0": " ", "\u202f": " ", "\t": " "})
_QUOTED = re.compile(r"^[ \t]*(?:>[ \t]?)+")
_ALLOWED = re.compile(r"[0-9A-Z $%*+\-./:]*")
_DAMAGED = (
    "This certificate text is not whole: letters are missing or were changed on the way. Copy it again from CPL1: to "
    "its end, or use the PDF or the picture."
)


def from_loose_text(text: str) -> list[bytes]:
    """Return what the signed bytes of the one certificate in a text may be.

    Args:
        text: what somebody copied.

    Returns:
        At least one. If blanks at line ends are lost, there are several, of which at most one is signed.

    Raises:
        NotACertificate: the text names no certificate (``not_a_certificate``).
        SeveralCertificates: it holds several (``several_certificates``).
        CertificateMalformed: what it holds is not whole (``malformed``).
    """
    text = text[:MAX_CHARACTERS].translate(_UNSEEN).translate(_BLANKS)
    text = re.sub(r"=\r?\n", "", text)  # soft line ends of mail
    starts = [found.end() for found in re.finditer(re.escape(PREFIX), text)]
    if not starts:
        raise NotACertificate(f"the text does not name {PREFIX}")
    found = [ways for start in starts[:_MOST_STARTS] if (ways := _whole(text[start:]))]
    if not found:
        raise CertificateMalformed("the text is not whole", said=_DAMAGED)
    return _one(found)


def from_json(text: str) -> list[bytes]:
    """Return what the signed bytes of the one certificate in an answer of a service may be, wherever it stands in it.

    Args:
        text: JSON.

    Raises:
        NotACertificate: it is no JSON, or holds no certificate (``not_a_certificate``).
        SeveralCertificates: it holds several (``several_certificates``).
        CertificateMalformed: what it holds is not whole (``malformed``).
    """
    try:
        todo = [json.loads(text[:MAX_CHARACTERS])]
    except (ValueError, RecursionError) as error:
        raise NotACertificate("not JSON") from error
    texts = []
    while todo:
        value = todo.pop()
        if isinstance(value, str) and value.lstrip().startswith(PREFIX):
            texts.append(value)
        elif isinstance(value, dict):
            todo.extend(value.values())
        elif isinstance(value, list):
            todo.extend(value)
    if not texts:
        raise NotACertificate("JSON without a certificate", said="This JSON holds no proof-of-life certificate.")
    return _one([from_loose_text(one) for one in texts[:_MOST_STARTS]])


def _one(found: list[list[bytes]]) -> list[bytes]:
    """Return the ways to read one certificate; one that is there twice, with other line ends, counts once."""
    apart: list[list[bytes]] = []
    for ways in found:
        same = next((place for place, known in enumerate(apart) if set(known) & set(ways)), None)
        if same is None:
            apart.append(ways)
        else:
            apart[same] = [cose for cose in apart[same] if cose in set(ways)]
    only_one([ways[0] for ways in apart])
    return apart[0]


def only_one(found: list[bytes]) -> bytes:
    """Return the only certificate of several findings.

    Args:
        found: the signed bytes of different certificates, at least one.

    Raises:
        SeveralCertificates: there is more than one; it names them (``several_certificates``).
    """
    if len(found) == 1:
        return found[0]
    named = []
    for cose in found:
        try:
            certificate = read_unverified(cose)
            named.append(f"{certificate.number} of {certificate.name}")
        except CertificateError:
            named.append("one that cannot be read")
    raise SeveralCertificates(
        f"several certificates: {len(found)}",
        said=f"These are {len(found)} certificates: {'; '.join(sorted(named))}. Check one at a time.",
    )


def _whole(tail: str) -> list[bytes]:
    """Return what the signed bytes may be with which a text begins, after the prefix.

    The form of the signed bytes tells how long they are, and so how many blanks were lost at line ends; where they were
    is tried. Those whose content can be read come first.
    """
    lines = list(_lines(tail[: 2 * MAX_TEXT]))
    length = _length(lines[0]) if lines else None
    if length is None:
        return []
    for count in range(len(lines), 0, -1):
        part, joints = lines[:count], count - 1
        for extra in range(5):  # a full stop behind it is a letter of base45 too
            blanks = length - sum(map(len, part)) + extra
            if not 0 <= blanks <= min(2 * joints, _MOST_BLANKS):
                continue
            ways = [_decoded(part, spread, length) for spread in islice(_spread(joints, blanks), _MOST_WAYS)]
            found = [cose for cose in ways if cose is not None]
            if found:
                return sorted(found, key=lambda cose: not _readable(cose))[:_MOST_TRIED]
    whole = _decoded(lines[:1], (), length)  # other words follow on its line
    return [] if whole is None else [whole]


def _length(first: str) -> int | None:
    """Return how many letters a text has, by its first line."""
    try:
        size = length_of(base45.b45decode(first[: len(first) // 3 * 3][:90]))
    except (ValueError, TypeError):
        return None
    return None if size is None else size // 2 * 3 + size % 2 * 2


def _spread(joints: int, blanks: int) -> Iterator[tuple[int, ...]]:
    """Return the ways to put blanks into the joints between lines, at most two into one; few twos come first."""
    for twos in range(max(0, blanks - joints), blanks // 2 + 1):
        for double in combinations(range(joints), twos):
            rest = [place for place in range(joints) if place not in double]
            for single in combinations(rest, blanks - 2 * twos):
                yield tuple(2 * (place in double) + (place in single) for place in range(joints))


def _decoded(lines: list[str], blanks: tuple[int, ...], length: int) -> bytes | None:
    text = lines[0] + "".join(" " * count + line for count, line in zip(blanks, lines[1:], strict=True))
    try:
        cose: bytes = base45.b45decode(text[:length])
    except (ValueError, TypeError):
        return None
    return cose if has_form(cose) else None


def _readable(cose: bytes) -> bool:
    try:
        read_unverified(cose)
    except CertificateError:
        return False
    return True


def _lines(tail: str) -> Iterator[str]:
    """Return what may belong to the text of each line, up to the first line that does not belong to it."""
    for number, line in enumerate(tail.splitlines()[:_MOST_LINES]):
        content = line if number == 0 else _QUOTED.sub("", line)
        belongs = (_ALLOWED.match(content.strip(" ")) or [""])[0]
        if not belongs and number:
            return
        yield belongs
        if len(belongs) < len(content.strip(" ")):
            return
