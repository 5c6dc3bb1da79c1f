"""Checks of what was decided: replay of verdicts, the random sample, ledger checkpoints.

Others call ``replay`` to decide a stored determination again, ``record_audit`` and ``audit_report`` for the random
sample of silent passes, ``publish_checkpoint`` to sign the ledger, and ``prove_inclusion``, ``prove_consistency`` and
``ledger_keys`` for auditors. No stored verdict is changed here; a false pass opens a review case.
"""
