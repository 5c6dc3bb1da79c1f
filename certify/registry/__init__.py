"""Registry comparison: feeds are read, normalised, linked with beneficiaries, and applied in runs.

``feeds`` reads and checks files, ``normalise`` brings values into one written form, ``linking`` finds the beneficiary
of each record, and ``runs`` imports, carries out, reports and replays a comparison. Commands and workers call ``runs``;
others take ``normalise.canonical`` and ``linking.link``.
"""
