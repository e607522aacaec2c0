#!/bin/sh
# Makes sure that the things named as arguments are there: postgres, pgbouncer, cc, git, make, ca-certificates,
# promtool, systemd-analyze.
# On Debian and Ubuntu, as root, what is missing is installed from the distribution, which is said; elsewhere the ways
# out are printed and the script fails. DRY_RUN=1 shows what apt-get would do, and does nothing.
# DSN_VARIABLE names the variable that may hold the DSN of a running server instead; with OR_DOCKER=1 a working Docker
# will do where nothing can be installed.
set -eu

# Looks where internal/localpg/find.go looks.
have_postgres() {
    [ -z "${DSN_VARIABLE:-}" ] || [ -z "$(printenv "$DSN_VARIABLE")" ] || return 0
    [ -z "${PG_BIN:-}" ] || return 0 # named by the user: syncd uses it or refuses it, and says why
    for dir in $(printf %s "$PATH" | tr ':' ' ') "$(dirname "$(readlink -f "$(command -v initdb)" || :)")" \
        ${POSTGRES_PLACES-/usr/lib/postgresql/*/bin /usr/pgsql-*/bin /usr/libexec/postgresql* \
            /opt/homebrew/opt/postgresql@*/bin /usr/local/opt/postgresql@*/bin \
            /home/linuxbrew/.linuxbrew/opt/postgresql@*/bin /Applications/Postgres.app/Contents/Versions/*/bin}; do
        if [ -x "$dir/initdb" ] && [ -x "$dir/postgres" ]; then return 0; fi
    done
    return 1
}

can_install() { command -v apt-get >/dev/null && [ "$(id -u)" -eq 0 ]; }

have() {
    case $1 in
    postgres) have_postgres ;;
    cc) command -v "${CC:-gcc}" >/dev/null && { [ "$(uname)" != Linux ] || [ -e /usr/include/stdlib.h ]; } ;;
    pgbouncer) command -v pgbouncer >/dev/null || [ -x /usr/sbin/pgbouncer ] || ! can_install ;; # tests that want it are skipped without
    ca-certificates) [ "$(uname)" != Linux ] || [ -d /etc/ssl/certs ] || [ -d /etc/pki ] ;; # or Go cannot fetch modules
    *) command -v "$1" >/dev/null ;;
    esac
}

packages() {
    case $1 in
    postgres) echo postgresql ;;
    cc) echo gcc libc6-dev ;; # the race detector needs cgo
    promtool) echo prometheus ;;
    systemd-analyze) echo systemd ;;
    *) echo "$1" ;;
    esac
}

missing='' install=''
for thing; do
    if ! have "$thing"; then
        missing="$missing $thing" install="$install $(packages "$thing")"
    fi
done
[ -n "$missing" ] || exit 0

run() { if [ -n "${DRY_RUN:-}" ]; then echo "would run: $*"; else "$@"; fi; }
apt() { # what it says matters only when it fails
    [ -z "${DRY_RUN:-}" ] || { run apt-get "$@" && return; }
    if ! said=$(DEBIAN_FRONTEND=noninteractive apt-get -q -y -o Dpkg::Use-Pty=0 "$@" 2>&1); then
        echo "$said" >&2
        echo "apt-get $* failed" >&2
        return 1
    fi
}

if ! can_install; then
    if [ "$missing" = " postgres" ] && [ -n "${OR_DOCKER:-}" ] && docker info >/dev/null 2>&1; then exit 0; fi
    echo "missing:$missing" >&2
    if command -v apt-get >/dev/null; then
        echo "  install: sudo apt-get install$install" >&2
    elif command -v brew >/dev/null; then
        case $missing in *postgres*) echo "  install: brew install postgresql@17" >&2 ;; esac
        case $missing in *cc* | *git* | *make*) echo "  install: xcode-select --install" >&2 ;; esac
    else
        echo "  install them with your system's package manager (for postgres: the server package)" >&2
    fi
    case $missing in *postgres*)
        echo "  or set PG_BIN to the directory that holds initdb and postgres${DSN_VARIABLE:+, or $DSN_VARIABLE to the DSN of a running server}" >&2
        ;;
    esac
    exit 1
fi

echo "missing:$missing; installing from the distribution:$install" >&2
apt update
case $missing in *postgres*)
    # The programs are wanted, not a cluster of the system's own: none is made, none is started.
    apt install --no-install-recommends postgresql-common
    no_cluster=/etc/postgresql-common/createcluster.d/syncd.conf
    run mkdir -p "$(dirname $no_cluster)"
    trap 'run rm -f $no_cluster' EXIT
    run sh -c "echo 'create_main_cluster = false' >$no_cluster"
    ;;
esac
case $missing in *pgbouncer* | *promtool*)
    # Here, too, the programs alone: Debian would start services.
    no_start=/usr/sbin/policy-rc.d
    if [ ! -e $no_start ]; then
        trap 'run rm -f ${no_cluster:-} $no_start' EXIT
        run sh -c "printf '#!/bin/sh\nexit 101\n' >$no_start && chmod +x $no_start"
    fi
    ;;
esac
# shellcheck disable=SC2086 # a list of packages
apt install --no-install-recommends $install
