"""Capture sessions: open one, receive the media, analyse and evaluate them, recorded or live.

Others call ``open_session`` for a known person, ``open_public_session`` for a caller who only gives an identifier and a
birth date, ``submit_media``, ``put_chunk`` or ``finish_live`` to send media, and the worker calls ``evaluate_session``.
An agent's visit stores its session with ``new_session`` and ``accept_media``. The face models run only in the worker.
"""
