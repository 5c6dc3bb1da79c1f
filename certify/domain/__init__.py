"""Frozen types and pure rules: evidence, policies, decisions, session demands, visit plans and integrity scores.

Everybody may import from here. The room itself imports only the standard library, and has no IO, clock or chance:
callers hand in dates and random bytes. Start reading at :mod:`certify.domain.decide`. Lists of stored words (states,
channels, case kinds, ledger events, error codes) stand here once, for constraints, code and documents.
"""
