"""What two officers decide about a person: propose, carry out, recall; and the erasure of everything a person left.

Others call ``propose``, ``carry_out``, ``carry_out_due`` and ``recall_erasure``. docs/decisions/0022-four-eyes.md says
why one officer is not enough.
"""
