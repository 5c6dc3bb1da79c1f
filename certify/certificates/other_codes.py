"""Say in words what a QR code is that is no certificate, so that a person looks for the right one."""

from __future__ import annotations

_KINDS: tuple[tuple[tuple[str, ...], str], ...] = (
    (("HC1:", "SHC:/"), "a health certificate"),
    (("BEGIN:VCARD", "MECARD:"), "an address card"),
    (("WIFI:",), "the password of a wireless network"),
    (("BCD\n", "BCD\r\n", "SPC\n", "SPC\r\n", "UPI://", "BITCOIN:", "00020101", "00020102", "BEZ@"), "a payment"),
    (("BEGIN:VEVENT", "BEGIN:VCALENDAR"), "an appointment"),
    (("MAILTO:", "MATMSG:", "SMTP:"), "an e-mail address"),
    (("TEL:", "SMSTO:", "SMS:"), "a telephone number"),
    (("GEO:",), "a place on the map"),
    (("OTPAUTH://", "OTPAUTH-MIGRATION://"), "a key for sign-in codes"),
    (("HTTP://", "HTTPS://", "WWW."), "a web address"),
)


def kind_of_code(text: str) -> str:
    """Return in words what the text of a QR code is for.

    Args:
        text: the content of the code.
    """
    start = text.lstrip("\ufeff \t\r\n").upper()
    for beginnings, name in _KINDS:
        if start.startswith(beginnings):
            return name
    return "a number" if start.strip().isdigit() else "another text"
