# shellcheck shell=bash
# What the stack in run/ is made of besides processes: folders, secrets, ports
# and run/env.  Each is made once and then kept.

# shellcheck source=scripts/services.sh
. "$(dirname "${BASH_SOURCE[0]}")/services.sh"

programs=(ingest worker poller capture api)
# The logs and run/ itself are the caller's, the rest is the fleet user's.
prepare_folders() {
    local own=("$run"/{pids,secrets,redis,postgres,storage,capture,home})
    mkdir -p "$run/logs" "${own[@]}"
    chmod 700 "$run"/{secrets,redis,postgres,capture,home}
    [ ${#fleet[@]} = 0 ] || chown nobody: "${own[@]}"
}

prepare_secrets() {
    secret_file webhook_secret random_text
    secret_file provider_key random_text
    secret_file callback_secret callback_key
    secret_file redis_password random_text
    secret_file redis.conf redis_config
    secret_file postgres_password random_text
    secret_file pgpass printf '127.0.0.1:*:*:shotfleet:%s\n' \
        "$(secret postgres_password)"
}

# secret_file NAME COMMAND...: holds what COMMAND prints.
secret_file() {
    [ ! -s "$run/secrets/$1" ] || return 0
    # shellcheck disable=SC2016 # expanded by the inner shell
    "${@:2}" | as_fleet sh -c 'umask 077; cat >"$0"' "$run/secrets/$1"
}

secret() { cat "$run/secrets/$1"; }

callback_key() { printf 'whsec_%s' "$(head -c 32 /dev/urandom | base64)"; }

random_text() { od -An -v -tx1 -N24 /dev/urandom | tr -d ' \n'; }

redis_config() {
    cat <<-END
	# Redis acknowledges only what is on the disk, and drops nothing.
	bind 127.0.0.1
	appendonly yes
	appendfsync always
	maxmemory-policy noeviction
	save ""
	requirepass $(secret redis_password)
	END
}

choose_ports() {
    local name number wish=19090
    touch "$run/ports"
    while read -r name number; do port[$name]=$number; done <"$run/ports"
    choose_port api 8080
    choose_port ingest 8081
    choose_port capture 8082
    choose_port redis 16379
    choose_port postgres 15432
    for name in "${programs[@]}"; do
        choose_port "admin_$name" $((wish++))
    done
}

# choose_port NAME WISH: a port is chosen once and kept in run/ports, because
# bookmarks and scripts expect it there.
choose_port() {
    local name=$1 number=$2
    if [ -z "${port[$name]:-}" ]; then
        while is_taken "$number" || [[ " ${port[*]} " == *" $number "* ]]; do
            number=$((20000 + RANDOM % 10000)) # below the ephemeral range
        done
        port[$name]=$number
        printf '%s %s\n' "$name" "$number" >>"$run/ports"
    elif ! is_running "${name#admin_}" && is_taken "${port[$name]}"; then
        die "port ${port[$name]} ($name) is taken by another program" \
            "stop that program, or give the port up: delete its line in" \
            "$run/ports, and make up finds another one"
    fi
}

is_taken() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

write_env() {
    local here=127.0.0.1 secrets=$run/secrets
    {
        say "# Written by make up; source it."
        setting DATABASE_URL "postgresql://shotfleet@$here:${port[postgres]}/shotfleet?passfile=$(url_encode "$secrets/pgpass")"
        setting REDIS_URL "redis://:$(secret redis_password)@$here:${port[redis]}/0"
        setting SHOTFLEET_API_LISTEN "$here:${port[api]}"
        setting SHOTFLEET_API_URL "http://$here:${port[api]}"
        setting SHOTFLEET_INGEST_LISTEN "$here:${port[ingest]}"
        setting SHOTFLEET_WEBHOOK_URL "http://$here:${port[ingest]}"
        setting SHOTFLEET_WEBHOOK_SECRETS_FILE "$secrets/webhook_secret"
        setting SHOTFLEET_CALLBACKS on
        setting SHOTFLEET_CALLBACK_SECRETS_FILE "$secrets/callback_secret"
        setting SHOTFLEET_CAPTURE_LISTEN "$here:${port[capture]}"
        setting SHOTFLEET_CAPTURE_KEYS_FILE "$secrets/provider_key"
        setting SHOTFLEET_CAPTURE_DIR "$run/capture"
        setting SHOTFLEET_PROVIDER screenshotly
        setting SHOTFLEET_PROVIDERS_DIR "$root/providers"
        setting SHOTFLEET_PROVIDER_URL "http://$here:${port[capture]}"
        setting SHOTFLEET_PROVIDER_KEY_FILE "$secrets/provider_key"
        setting SHOTFLEET_STORAGE "file://$run/storage"
        say "# Pages of this machine may be captured: for development only."
        setting SHOTFLEET_FETCH_ALLOW "127.0.0.0/8,::1/128"
        # shellcheck disable=SC2016 # expanded when it is sourced
        printf 'case :$PATH: in *:%q:*) ;; *) PATH=%q:$PATH ;; esac\n' \
            "$bin" "$bin"
    } | (umask 077 && cat >"$run/env.new")
    mv "$run/env.new" "$run/env"
}

setting() { printf 'export %s=%q\n' "$1" "$2"; }

url_encode() {
    case $1 in
    *[!A-Za-z0-9/._~-]*)
        printf %s "$1" | od -An -v -tx1 | tr -d '\n' | tr ' ' %
        ;;
    *) printf %s "$1" ;;
    esac
}
