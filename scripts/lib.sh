# Shared by the scripts beside it: messages, missing packages, the widget build and private databases.
# shellcheck shell=bash

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root" || exit
# shellcheck disable=SC2034 # used by the scripts that read this one
target=${CARGO_TARGET_DIR:-$root/target}
scratch=
apt_is_fresh=

say() { printf '\n== %s\n' "$*"; }

die() {
  printf '%s\n' "$*" >&2
  exit 1
}

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

may_install() {
  command -v apt-get >/dev/null || return 1
  [ "$(id -u)" = 0 ] || { command -v sudo >/dev/null && sudo -n true 2>/dev/null; }
}

# install_package <Debian package> <what it is for>
install_package() {
  may_install || die "Please install the package '$1' ($2), for example: sudo apt-get install $1"
  say "Installing $1 ($2)"
  if [ -z "$apt_is_fresh" ]; then
    as_root apt-get update -q
    apt_is_fresh=yes
  fi
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "$1" ||
    die "The package '$1' ($2) could not be installed; the lines above say why."
}

need_rust() {
  command -v cargo >/dev/null || die "Please install Rust 1.94 or newer from https://rustup.rs."
}

need_node() {
  command -v npm >/dev/null || die "Please install Node 20.19 or newer with npm from https://nodejs.org."
  node -e 'const [major, minor] = process.versions.node.split(".").map(Number);
    process.exit(major > 20 || (major === 20 && minor >= 19) ? 0 : 1)' ||
    die "Usher's widget needs Node 20.19 or newer; this is Node $(node --version)."
}

# The directory of PostgreSQL's server programs; Debian keeps them off the PATH.
postgres_programs() {
  local found
  found=$(find /usr/lib/postgresql -path '*/bin/initdb' 2>/dev/null | sort -V | tail -n 1)
  [ -n "$found" ] || found=$(command -v initdb || true)
  [ -z "$found" ] || dirname "$found"
}

need_postgres() {
  [ -n "$(postgres_programs)" ] || install_package postgresql "the database the tests run on beside SQLite"
}

need_redis() {
  command -v redis-server >/dev/null || install_package redis-server "presence between nodes"
}

need_chromium() {
  command -v chromium >/dev/null || install_package chromium "the browser of the widget's tests"
}

# Installs the widget's packages when the lock file asks for others than are there. The registry fails now and then:
# one more try, and npm's own words when that fails too.
install_widget() {
  local stamp=widget/node_modules/.package-lock.json
  [ ! -f "$stamp" ] || [ widget/package-lock.json -nt "$stamp" ] || return 0
  say "Installing the widget's packages"
  local log
  log=$(mktemp)
  npm ci --prefix widget --ignore-scripts --no-audit --no-fund >"$log" 2>&1 ||
    { echo "npm ci failed, trying once more" && npm ci --prefix widget --ignore-scripts --no-audit --no-fund >"$log" 2>&1; } ||
    { cat "$log" && rm -f "$log" && die "npm ci failed twice; its own words are above."; }
  rm -f "$log"
}

build_widget() {
  install_widget
  say "Building the widget"
  npm run build --prefix widget
}

free_port() {
  local port
  while :; do
    port=$((20000 + RANDOM % 12000))
    (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || break
  done
  echo "$port"
}

random_password() { od -An -N16 -tx1 /dev/urandom | tr -d ' \n'; }

# PostgreSQL refuses to run as root, so then it runs as the user its package made.
as_postgres() {
  if [ "$(id -u)" = 0 ]; then (cd / && runuser -u postgres -- "$@"); else "$@"; fi
}

# start_postgres <on|off>: a private server, durable or (for tests, which never cut its power) not. Its URL names an
# ordinary role, as in production: one that may make databases, and is bound by row-level security. The role
# usher_unbound, which is not bound, is for the tests that such a role is noticed.
start_postgres() {
  local durable=$1 programs port password
  programs=$(postgres_programs)
  postgres_data=$scratch/postgres
  password=$(random_password)
  mkdir "$postgres_data"
  printf '%s' "$password" >"$scratch/password"
  if [ "$(id -u)" = 0 ]; then
    chmod 755 "$scratch"
    chown postgres "$postgres_data" "$scratch/password"
  fi
  as_postgres "$programs/initdb" -D "$postgres_data" -U postgres --pwfile="$scratch/password" --auth=scram-sha-256 \
    -E UTF8 --locale=C --no-sync >"$scratch/initdb.log" || die "initdb failed: $(cat "$scratch/initdb.log")"
  rm -f "$scratch/password"
  for _ in 1 2 3; do
    port=$(free_port)
    if as_postgres "$programs/pg_ctl" -D "$postgres_data" -l "$postgres_data/server.log" -w -t 60 -s \
      -o "-p $port -k $postgres_data -c listen_addresses=127.0.0.1 -c max_connections=300 -c shared_buffers=256MB \
          -c fsync=$durable -c synchronous_commit=$durable -c full_page_writes=$durable" start; then
      make_postgres_roles "$programs/psql" "$port" "$password"
      export USHER_TEST_POSTGRES_URL="postgres://usher:$password@127.0.0.1:$port/postgres"
      return 0
    fi
  done
  die "PostgreSQL did not start: $(cat "$postgres_data/server.log")"
}

# make_postgres_roles <psql> <port> <password>
make_postgres_roles() {
  PGPASSWORD=$3 "$1" -h 127.0.0.1 -p "$2" -U postgres -d postgres -v ON_ERROR_STOP=1 -q \
    <<<"CREATE ROLE usher LOGIN NOSUPERUSER NOBYPASSRLS CREATEDB PASSWORD '$3';
        CREATE ROLE usher_unbound LOGIN NOSUPERUSER BYPASSRLS IN ROLE usher PASSWORD '$3';" ||
    die "PostgreSQL did not take the roles of the tests."
}

start_redis() {
  local port
  port=$(free_port)
  redis-server --port "$port" --bind 127.0.0.1 --save '' --appendonly no \
    --dir "$scratch" >"$scratch/redis.log" 2>&1 &
  redis_pid=$!
  for _ in $(seq 100); do
    if [ "$(redis-cli -p "$port" ping 2>/dev/null)" = PONG ]; then
      export USHER_TEST_REDIS_URL="redis://127.0.0.1:$port/0"
      return 0
    fi
    sleep 0.1
  done
  die "Redis did not start: $(cat "$scratch/redis.log")"
}

# Called on every way out: no server and no file outlives a run.
stop_services() {
  [ -z "${redis_pid:-}" ] || kill "$redis_pid" 2>/dev/null || true
  [ -z "${postgres_data:-}" ] || [ ! -f "$postgres_data/postmaster.pid" ] ||
    as_postgres "$(postgres_programs)/pg_ctl" -D "$postgres_data" -m immediate -s stop || true
  [ -z "$scratch" ] || rm -rf "$scratch"
}

use_scratch() {
  scratch=$(mktemp -d "${TMPDIR:-/tmp}/usher.XXXXXX")
  trap stop_services EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
}
