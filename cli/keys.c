/* shotfleet keys: API keys, made, listed and revoked */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/database.h"
#include "cli/output.h"
#include "common/digest.h"

enum {
    PATIENCE_MS = 2000,
    SECRET_BYTES = 24, /* 192 bits */
    PREFIX_CHARACTERS = 11,
    KEY_SIZE = sizeof "sf_" + 2 * SECRET_BYTES,
};

enum action { CREATE, LIST, REVOKE };

struct arguments {
    enum action action;
    const char *name; /* create: its name; revoke: name, id or prefix */
    const char *scope;
    const char *limit; /* NULL: none */
    const char *days;  /* NULL: for good */
    bool all;          /* list: also those that do not count any more */
};

/* --- the command line */

static int take_options(struct arguments *a, int argc, char **argv)
{
    static const struct option options[] = {
        { "scope", required_argument, NULL, 's' },
        { "limit", required_argument, NULL, 'l' },
        { "days", required_argument, NULL, 'd' },
        { "all", no_argument, NULL, 'a' },
        { 0 },
    };
    long ignored;
    int c;

    while ((c = getopt_long(argc, argv, ":", options, NULL)) != -1) {
        if (c == 's')
            a->scope = optarg;
        else if (c == 'l')
            a->limit = optarg;
        else if (c == 'd')
            a->days = optarg;
        else if (c == 'a')
            a->all = true;
        else
            return cli_misuse(
                "keys", c == ':' ? "%s needs a value" : "there is no option %s",
                argv[optind - 1]);
    }
    if ((a->limit &&
         cli_number("keys", "--limit", a->limit, 1, 1000000, &ignored) != 0) ||
        (a->days &&
         cli_number("keys", "--days", a->days, 1, 36500, &ignored) != 0))
        return CLI_REFUSED;
    if (a->scope && strcmp(a->scope, "read") != 0 &&
        strcmp(a->scope, "submit") != 0 && strcmp(a->scope, "admin") != 0)
        return cli_misuse("keys", "--scope is read, submit or admin");
    return CLI_FINE;
}

static int take_action(struct arguments *a, const char *word)
{
    static const char *const words[] = {
        [CREATE] = "create", [LIST] = "list", [REVOKE] = "revoke"
    };

    for (size_t i = 0; word && i < ARRAY_LEN(words); i++) {
        if (strcmp(word, words[i]) == 0) {
            a->action = (enum action)i;
            return CLI_FINE;
        }
    }
    return cli_misuse("keys", "say create, list or revoke");
}

static int parse(struct arguments *a, int argc, char **argv)
{
    bool named;
    int code = take_action(a, argc > 1 ? argv[1] : NULL);

    if (code == CLI_FINE)
        code = take_options(a, argc - 1, argv + 1);
    if (code != CLI_FINE)
        return code;
    named = argc - 1 - optind == 1;
    a->name = named ? argv[1 + optind] : NULL;
    if (a->action == LIST ? optind != argc - 1 : !named)
        return cli_misuse("keys", a->action == LIST
                                      ? "list takes no name"
                                      : "say one key, by its name");
    if (a->action != CREATE && (a->scope || a->limit || a->days))
        return cli_misuse("keys", "--scope, --limit and --days are for create");
    if (a->action == CREATE && (!*a->name || strlen(a->name) > 100))
        return cli_misuse("keys", "a name has 1 to 100 characters");
    return CLI_FINE;
}

/* --- the work */

/* The only time that the key is seen by anybody. */
static int create(struct database *d, const struct arguments *a)
{
    char key[KEY_SIZE] = "sf_";
    char prefix[PREFIX_CHARACTERS + 1];
    char sum[SHA256_HEX_SIZE];
    struct rows *made;

    random_hex(SECRET_BYTES, key + strlen("sf_"));
    snprintf(prefix, sizeof prefix, "%.*s", PREFIX_CHARACTERS, key);
    sha256_hex(key, strlen(key), sum);
    made = database_query(
        d,
        "insert into api_keys (name, prefix, key_sha256, scope,"
        " requests_per_minute, expires_at) values ($1, $2, $3, $4, $5::integer,"
        " now() + $6::integer * interval '1 day') returning id",
        (const char *const[]){ a->name, prefix, sum,
                               a->scope ? a->scope : "submit", a->limit,
                               a->days },
        6, "make the key (a name can be used once)");
    if (!made)
        return CLI_REFUSED;
    rows_free(made);
    printf("%s\n", key);
    cli_complain("this is the only time that the key is shown; its hash is "
                 "kept");
    return CLI_FINE;
}

static int list(struct database *d, const struct arguments *a)
{
    enum { COLUMNS = 8 };
    struct rows *r = database_query(
        d,
        "select name, prefix || '…', scope,"
        " coalesce(requests_per_minute || '/min', '-'),"
        " to_char(created_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI'),"
        " to_char(last_used_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI'),"
        " to_char(expires_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI'),"
        " case when revoked_at is not null then 'revoked'"
        "      when expires_at <= now() then 'expired' else 'valid' end "
        "from api_keys where $1::boolean or (revoked_at is null and"
        " (expires_at is null or expires_at > now())) order by id",
        (const char *const[]){ a->all ? "true" : "false" }, 1, "read the keys");

    if (!r)
        return CLI_REFUSED;
    for (size_t row = 0; row < rows_count(r); row++) {
        for (size_t column = 0; column < COLUMNS; column++) {
            const char *value = rows_value(r, row, column);

            output_safely(stdout, value ? value : "-");
            putchar(column == COLUMNS - 1 ? '\n' : '\t');
        }
    }
    if (rows_count(r) == 0)
        cli_complain("no keys");
    rows_free(r);
    return CLI_FINE;
}

static int revoke(struct database *d, const struct arguments *a)
{
    struct rows *r = database_query(
        d,
        "update api_keys set revoked_at = now() where revoked_at is null"
        " and (name = $1 or prefix = $1 or id::text = $1) returning name",
        &a->name, 1, "revoke the key");
    int code = CLI_REFUSED;

    if (!r)
        return code;
    code = rows_count(r) > 0 ? CLI_FINE : CLI_SOME_FAILED;
    if (code == CLI_SOME_FAILED)
        cli_complain("no key that counts has this name, prefix or id");
    for (size_t row = 0; row < rows_count(r); row++) {
        output_safely(stdout, rows_value(r, row, 0));
        puts(" revoked");
    }
    rows_free(r);
    return code;
}

static int run(int argc, char **argv, const struct cli_settings *settings)
{
    struct arguments arguments = { 0 };
    struct database *d = NULL;
    int code = parse(&arguments, argc, argv);

    if (code == CLI_FINE)
        d = database_open(settings->database_url, PATIENCE_MS, &code);
    if (d && arguments.action == CREATE)
        code = create(d, &arguments);
    else if (d && arguments.action == LIST)
        code = list(d, &arguments);
    else if (d)
        code = revoke(d, &arguments);
    database_close(d);
    return code;
}

const struct command command_keys = {
    "keys",
    "create NAME [--scope S] [--limit N] [--days N] | list [--all] |\n"
    "       revoke NAME",
    "API keys: make, list and revoke them",
    "Whoever asks api sends one, as `Authorization: Bearer KEY`.  As soon as "
    "there\n"
    "is one, keys are needed; those in SHOTFLEET_API_KEYS count as well.\n\n"
    "  create  prints the key, once; only its hash is kept\n"
    "  list    name, first characters, scope, limit, made, last used, "
    "expires,\n"
    "          state; times in UTC\n"
    "  revoke  by name, by the first characters or by id; api refuses it at\n"
    "          once\n\n"
    "  --scope S  read: look at everything but dead letters; submit (unless\n"
    "             you say otherwise): also submit, cancel, retry; admin: all\n"
    "  --limit N  requests a minute, counted by each api process\n"
    "  --days N   until it expires\n"
    "  --all      also those that are revoked or expired\n\n"
    "Exit codes: 0 done, 1 no such key, 2 wrong usage, 3 PostgreSQL could not "
    "be\n"
    "reached.\n",
    run,
};
