"""Capture sessions: open one, receive the media, analyse and evaluate them, recorded or live."""
