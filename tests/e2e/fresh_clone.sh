#!/usr/bin/env bash
# `make start` from a fresh clone: sets itself up, answers, and stops when told to.
set -euo pipefail
cd "$(dirname "$0")/../.."

clone=$(mktemp -d)
trap 'kill "${server:-}" 2>/dev/null || true; rm -rf "$clone"' EXIT
git clone --quiet . "$clone"
cd "$clone"

port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
make start PORT="$port" >start.log 2>&1 &
server=$!

for _ in $(seq 600); do
    if curl --fail --silent --max-time 2 "http://127.0.0.1:$port/health" >/dev/null; then
        answered=yes
        break
    fi
    kill -0 "$server" 2>/dev/null || break
    sleep 0.5
done
cat start.log
[ "${answered:-}" = yes ] || { echo "make start did not serve"; exit 1; }
grep -q "http://127.0.0.1:$port" start.log
grep -q "$clone/.backbeat" start.log

kill -TERM "$server"
wait "$server" || [ $? -eq 143 ]
echo "fresh clone: make start served on port $port"
