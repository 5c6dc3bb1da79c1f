"""Checks of what was decided: replay of verdicts, the random sample, ledger checkpoints."""
