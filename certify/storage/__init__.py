"""PostgreSQL behind repositories: tables, encryption of templates and media, migrations. Queries live only here."""
