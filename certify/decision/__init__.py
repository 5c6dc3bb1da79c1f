"""Decisions: determine entitlements, issue certificates, open and settle review cases, write receipts."""
