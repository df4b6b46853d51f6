# shellcheck shell=bash
# The services of run/: each is a command and the keeper that starts it again
# (scripts/keep).
#
# run/pids/NAME and run/pids/NAME.keeper hold "pid start-time", so that a pid
# that was given out again fools nobody.

# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# The clock tick in which a process started (proc(5), stat, field 22).
start_time() {
    local stat fields
    { stat=$(<"/proc/$1/stat"); } 2>/dev/null || return 1
    read -ra fields <<<"${stat##*) }"
    printf '%s' "${fields[19]}"
}

pid_write() {
    printf '%s %s\n' "$2" "$(start_time "$2")" >"$run/pids/$1.new"
    mv "$run/pids/$1.new" "$run/pids/$1"
}

# Prints the pid while that very process lives; a zombie does not.
pid_of() {
    local pid start
    { read -r pid start <"$run/pids/$1"; } 2>/dev/null || return 1
    [ "$(start_time "$pid")" = "$start" ] || return 1
    ! grep -q '^State:.Z' "/proc/$pid/status" 2>/dev/null || return 1
    printf '%s' "$pid"
}

is_running() { pid_of "$1" >/dev/null; }

# Does the process still run a program that a newer build has replaced?
is_outdated() {
    local pid exe
    pid=$(pid_of "$1") && exe=$(readlink "/proc/$pid/exe") || return 1
    [[ $exe == *' (deleted)' ]]
}

declare -A port    # by service; admin_NAME: /readyz and /metrics
declare -A already # "yes" for what start_service found running

# start_service NAME STOP-SIGNAL COMMAND...: unless it runs.
start_service() {
    local name=$1
    already[$name]=
    if is_running "$name.keeper" && ! is_outdated "$name"; then
        already[$name]=yes
        return
    fi
    stop_services "$name" # a command that lost its keeper, or an old program
    as_fleet setsid --fork "$root/scripts/keep" "$@" \
        </dev/null >>"$run/logs/$name.log" 2>&1 9>&-
    poll 5 is_running "$name.keeper" ||
        die "could not start $name" "$(tail -n 5 "$run/logs/$name.log")"
}

# show_service NAME COMMAND...: waits until COMMAND says that it is ready.
show_service() {
    local name=$1 text=$1
    [ -z "${port[$name]:-}" ] || text+=" on port ${port[$name]}"
    [ -z "${already[$name]}" ] || text+=", running already"
    step "$text" "$run/logs/up.log" wait_service "$@"
}

wait_service() {
    local name=$1 deadline=$((SECONDS + 60))
    shift
    until "$@" >/dev/null 2>&1; do
        if ! is_running "$name.keeper" || ((SECONDS >= deadline)); then
            tail -n 15 "$run/logs/$name.log"
            return 1
        fi
        sleep 0.1
    done
}

# Every keeper is told first, so that nothing is started again; then whoever has
# not ended in time is killed.
stop_services() {
    local name
    for name; do
        signal_service TERM "$name.keeper"
        is_running "$name.keeper" || signal_service TERM "$name"
    done
    for name; do
        poll 30 has_stopped "$name" || {
            say "$name did not stop within 30 s, killing it"
            signal_service KILL "$name.keeper"
            signal_service KILL "$name"
            poll 5 has_stopped "$name" || say "$name cannot be killed"
        }
        rm -f "$run/pids/$name" "$run/pids/$name.keeper"
    done
}

has_stopped() { ! is_running "$1" && ! is_running "$1.keeper"; }

# As the fleet's user, so that a forged pid file hits nobody else.  A command
# leads its process group, and the group dies with it.
signal_service() {
    local pid
    pid=$(pid_of "$2") || return 0
    [[ $1 != KILL || $2 == *.keeper ]] || pid=-$pid
    as_fleet kill "-$1" -- "$pid" 2>/dev/null || true
}
