#!/bin/sh
# Dump the database into a folder, check that the dump can be read, and keep the newest ones. With "every NIGHT_HOUR",
# do so each night until stopped. libpq reads where the database is from the environment (PGHOST, PGUSER, PGPASSFILE).
#
#   backup.sh once|every [HOUR]      BACKUP_DIR (default /backups), BACKUP_KEEP (default 14 dumps)
set -eu
umask 077
folder=${BACKUP_DIR:-/backups}
keep=${BACKUP_KEEP:-14}

backup() {
    name="$folder/certify-$(date -u +%Y-%m-%dT%H%M%SZ).dump"
    pg_dump --format=custom --no-password --file="$name.part"
    # A dump that cannot be listed to its end is none. The restore test of docs/operations.md is still needed.
    pg_restore --list "$name.part" > /dev/null
    mv "$name.part" "$name"
    rm -f "$folder"/*.part
    # Names sort by time; everything but the newest goes.
    find "$folder" -name 'certify-*.dump' | sort -r | tail -n "+$((keep + 1))" | while read -r old; do rm -f "$old"; done
    echo "backup: wrote $name"
}

case "${1:-once}" in
once) backup ;;
every)
    hour=${2:-2}
    trap 'exit 0' TERM INT
    while true; do
        now=$(date -u +%s)
        next=$((now / 86400 * 86400 + hour * 3600))
        [ "$next" -gt "$now" ] || next=$((next + 86400))
        sleep $((next - now)) &
        wait $!
        backup || echo "backup: FAILED" >&2
    done
    ;;
*)
    echo "usage: backup.sh once|every [HOUR]" >&2
    exit 2
    ;;
esac
