#!/bin/sh
# Make the role that the running service connects as, and give it its password. Run again, it changes the password.
# 'certify db upgrade' gives the role its rights (docs/decisions/0028). libpq reads where the database is, and the
# password of its owner, from the environment (PGHOST, PGUSER, PGPASSFILE).
#
#   RUNTIME_PASSWORD_FILE=FILE roles.sh
set -eu
psql --no-psqlrc --quiet --no-password --set=ON_ERROR_STOP=1 <<'SQL'
\set password `cat "$RUNTIME_PASSWORD_FILE"`
select 'create role certify_runtime' where not exists (select from pg_roles where rolname = 'certify_runtime') \gexec
alter role certify_runtime with login nosuperuser nocreatedb nocreaterole noreplication nobypassrls password :'password';
SQL
echo "roles: certify_runtime is ready"
