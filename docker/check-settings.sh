#!/bin/sh
# Rejects the published example passwords if other machines can reach the ports.
case $BIND in
127.* | localhost | ::1 | "[::1]") exit 0 ;;
esac
for name in POSTGRES_PASSWORD STORE_PASSWORD PREFECT_PASSWORD; do
  eval "value=\$$name"
  case $value in
  example-*)
    echo "docker/.env: $name is the example password, and BIND=$BIND opens the ports to other machines;" \
      "expected a password of your own: set $name (openssl rand -hex 24), or BIND=127.0.0.1" >&2
    exit 2
    ;;
  esac
done
