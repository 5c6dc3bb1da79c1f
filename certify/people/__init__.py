"""Beneficiaries: enrolment, references, identifiers, contact details, consent, the entrance, access and sign-ins.

Others call ``add_beneficiary`` and ``add_reference`` to enrol, ``look_up`` to find a person by number, and
``set_consent`` and ``set_contact`` for what a person decides. At the entrance ``admit`` counts an attempt, ``identify``
and ``open_link`` or ``open_code`` find the person, ``sign_in_person`` signs them in, and ``end_all_sign_ins`` ends it.
The worker calls ``measure_reference``. The room decides nothing about pensions and knows no capture session.
"""
