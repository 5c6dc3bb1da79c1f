"""Decisions: determine entitlements, issue certificates, open and settle review cases, write receipts.

Others call ``determine`` and its variants after new evidence, ``record`` for what registries and officers report,
``open_case`` and ``rule`` for review cases, ``revoke`` for certificates, and ``receipts_of`` and ``deny`` for the
records and attestations that a certification rested on. ``close_unprocessable`` ends sessions that no worker can
process. All of them run in the caller's transaction, and the verdict itself comes from the pure
``certify.domain.decide``.
"""
