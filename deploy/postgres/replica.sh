#!/bin/sh
# Start a streaming replica of PRIMARY_HOST: from a copy of it the first time, from where it was later.
set -eu

if [ ! -s "$PGDATA/PG_VERSION" ]; then
    PGPASSWORD="$(cat "${SECRETS:-/run/secrets}/db_replicator")"
    export PGPASSWORD
    mkdir -p "$PGDATA"
    chmod 700 "$PGDATA"
    # The password goes into what the replica connects with, in its own folder.
    until pg_basebackup --pgdata="$PGDATA" --write-recovery-conf --wal-method=stream \
        --checkpoint=fast --host="$PRIMARY_HOST" --port="${PRIMARY_PORT:-5432}" \
        --username=profiles_replicator; do
        echo "replica.sh: $PRIMARY_HOST does not give a copy yet; once more in two seconds" >&2
        rm -rf "${PGDATA:?}"/*
        sleep 2
    done
    unset PGPASSWORD
fi

exec postgres "$@"
