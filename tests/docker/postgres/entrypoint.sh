#!/bin/sh
# As the official image: POSTGRES_USER with POSTGRES_PASSWORD, and the scripts of /docker-entrypoint-initdb.d once.
set -eu
data=/var/lib/postgresql/data
if [ ! -f "$data/PG_VERSION" ]; then
  echo "$POSTGRES_PASSWORD" >/tmp/password
  # shellcheck disable=SC2086 - several options
  initdb --pgdata "$data" $POSTGRES_INITDB_ARGS --username "$POSTGRES_USER" --pwfile /tmp/password --auth-local trust --auth-host scram-sha-256 >/dev/null
  rm /tmp/password
  echo "host all all all scram-sha-256" >>"$data/pg_hba.conf"
  pg_ctl --pgdata "$data" --options "-c listen_addresses=" --wait start >/dev/null
  for script in /docker-entrypoint-initdb.d/*.sql; do
    psql --quiet --username "$POSTGRES_USER" --dbname postgres --file "$script"
  done
  pg_ctl --pgdata "$data" --wait stop >/dev/null
fi
exec postgres -D "$data" -c "listen_addresses=*"
