"""Registry sources: identifiers and the import of beneficiaries; feeds and linking will live here."""
