"""Beneficiaries: enrolment, references, identifiers, contact details, consent and access.

Others call ``add_beneficiary`` and ``add_reference`` to enrol, ``look_up`` to find a person by number, ``identify`` and
``open_link`` or ``open_code`` to let a person in, ``set_consent`` and ``set_contact`` for what a person decides. The
worker calls ``measure_reference``. The room decides nothing about pensions and knows no capture session.
"""
