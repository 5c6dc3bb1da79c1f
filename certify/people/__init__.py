"""Beneficiaries: enrolment, references, identifiers, contact details, consent and access."""
