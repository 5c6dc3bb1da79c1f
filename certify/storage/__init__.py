"""Store everything that the service keeps, in PostgreSQL: tables, queries, migrations and encryption.

Each module holds the queries of one subject, such as ``people``, ``sessions`` or ``ledger``; other rooms call their
functions with the session of the running transaction. ``tables`` has the tables, ``database`` opens the connection,
``vault`` and ``keys`` encrypt, ``migrate`` changes the schema. ``direct`` and ``copy`` are for the modules of this
room that read or write in bulk. No function here commits: the caller's unit of work does.
"""
