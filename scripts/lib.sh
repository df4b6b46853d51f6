# shellcheck shell=bash
# What the scripts share: the folders, speaking to the person in front, running
# something slow, and the user that the fleet runs as.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck disable=SC2034 # the scripts use them
run=$root/run bin=$root/build/release/bin

say() { printf '%s\n' "$@"; }

die() {
    printf '\nerror: %s\n' "$1" >&2
    [ $# -lt 2 ] || printf '%s\n' "${@:2}" >&2
    exit 1
}

# step TEXT LOG COMMAND...: runs it with its output in LOG, shows every few
# seconds that it still runs, and the end of LOG when it fails.  Ctrl-C ends it,
# whatever it has started.
step() {
    local text=$1 log=$2 pid started=$SECONDS shown=0 code=0
    shift 2
    printf '%-46s' "$text"
    set -m # a process group of its own
    "$@" >"$log" 2>&1 </dev/null &
    pid=$!
    set +m
    trap 'kill -TERM -- -$pid 2>/dev/null; exit 130' INT TERM
    while kill -0 "$pid" 2>/dev/null; do
        sleep 0.2
        if ((SECONDS - started >= 2 && SECONDS != shown)); then
            shown=$SECONDS
            if [ -t 1 ]; then
                printf '\r%-46s %4d s' "$text" $((SECONDS - started))
            elif ((SECONDS % 5 == 0)); then
                printf '.'
            fi
        fi
    done
    wait "$pid" || code=$?
    trap - INT TERM
    if [ "$code" = 0 ]; then
        [ ! -t 1 ] || printf '\r%-46s' "$text"
        printf ' done (%d s)\n' $((SECONDS - started))
    else
        printf ' failed\n\n'
        tail -n 30 "$log" | sed 's/^/    /'
        printf '\nall of it is in %s\n' "$log"
    fi
    return "$code"
}

# poll SECONDS COMMAND...: until it succeeds.
poll() {
    local deadline=$((SECONDS + $1))
    shift
    until "$@"; do
        ((SECONDS < deadline)) || return 1
        sleep 0.1
    done
}

# Sets `fleet`: the command in front of every command of the fleet.  A normal
# user runs it as he is.  Root runs it as nobody, because PostgreSQL refuses
# root and a browser should not have its rights.  Where nobody may not enter the
# folder (below /root), the fleet keeps the one right to read past that.
fleet=()
choose_fleet_user() {
    [ "$(id -u)" = 0 ] || return 0
    id -u nobody >/dev/null || die "there is no user nobody to run as" \
        "add it, or run this as a normal user"
    local drop=(setpriv --reuid="$(id -u nobody)" --regid="$(id -g nobody)"
        --clear-groups --no-new-privs)
    local right
    fleet=("${drop[@]}" --)
    ! may_enter || return 0
    # Containers have only the second by default.  The securebit is for
    # access(2), which otherwise ignores the right.
    for right in dac_read_search dac_override; do
        fleet=("${drop[@]}" --securebits=+no_setuid_fixup
            --inh-caps="+$right" --ambient-caps="+$right" --)
        may_enter || continue
        say "note: $root is closed to others; the user nobody gets past that" \
            "with the capability $right, which opens every other folder as well"
        return
    done
    die "the user nobody may not read $root" \
        "clone into a folder that everybody may enter, such as /srv or /opt," \
        "or run this as a normal user"
}

may_enter() { as_fleet test -r "$root/scripts/packages.txt" 2>/dev/null; }

as_fleet() { "${fleet[@]}" "$@"; }

# npm_packages FOLDER TEXT LOG: what its package-lock.json names, unless it is there.
npm_packages() {
    local folder=$1
    command -v npm >/dev/null || die "there is no npm" "as root: apt-get install npm"
    [ ! "$folder/node_modules" -nt "$folder/package-lock.json" ] || return 0
    step "$2" "$3" npm ci --prefix "$folder" --no-fund --no-audit || return
    touch "$folder/node_modules"
}
