#!/bin/sh
# Run once, on a new primary: the roles, the database, and who may connect. Each password is a file in
# SECRETS. The service runs as a role that cannot change tables; `profilecore migrate up` as their owner.
set -eu

secret() {
    cat "${SECRETS:-/run/secrets}/$1"
}

psql --no-psqlrc --quiet --set=ON_ERROR_STOP=1 --username=postgres --dbname=postgres \
    --set=owner="$(secret db_owner)" \
    --set=service="$(secret db_service)" \
    --set=replicator="$(secret db_replicator)" <<'SQL'
CREATE ROLE profiles_owner LOGIN PASSWORD :'owner';
CREATE ROLE profiles_service LOGIN PASSWORD :'service';
CREATE ROLE profiles_replicator REPLICATION LOGIN PASSWORD :'replicator';
CREATE DATABASE profiles OWNER profiles_owner ENCODING 'UTF8' TEMPLATE template0;
REVOKE ALL ON DATABASE profiles FROM PUBLIC;
GRANT CONNECT ON DATABASE profiles TO profiles_service;
\connect profiles
ALTER DEFAULT PRIVILEGES FOR ROLE profiles_owner
    GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO profiles_service;
SQL

echo "host replication profiles_replicator all scram-sha-256" >> "$PGDATA/pg_hba.conf"
