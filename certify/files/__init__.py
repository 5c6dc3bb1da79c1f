"""Import CSV and Parquet files about people, and quarantine the rows that are wrong.

``import_people`` (``people_file``) enrols people, ``import_contacts`` (``contact_file``) stores contact details. Other
rooms build imports of their own on ``row_file``, which finds the person of each row, and on ``table_file``, which
reads a file row by row. ``quarantine`` writes the rejected rows with their reasons.
"""
