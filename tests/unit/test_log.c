/* What reaches standard error, line by line. */
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/json.h"
#include "common/log.h"
#include "tests/unit/unit.h"

enum { OUTPUT_SIZE = 16 * 1024 };

struct capture {
    int saved_stderr;
    FILE *file;
};

static struct capture begin(void)
{
    struct capture c = { dup(STDERR_FILENO), tmpfile() };

    assert_true(c.saved_stderr >= 0);
    assert_non_null(c.file);
    dup2(fileno(c.file), STDERR_FILENO);
    return c;
}

static void end(struct capture *c, char output[OUTPUT_SIZE])
{
    size_t len = 0;

    dup2(c->saved_stderr, STDERR_FILENO);
    close(c->saved_stderr);
    rewind(c->file);
    len = fread(output, 1, OUTPUT_SIZE - 1, c->file);
    output[len] = '\0';
    fclose(c->file);
}

static size_t count(const char *text, char c)
{
    size_t n = 0;

    for (; *text; text++)
        n += *text == c;
    return n;
}

/* What follows "TIME [PID] ". */
static const char *behind_the_pid(const char *line)
{
    const char *end_of_pid = strstr(line, "] ");

    assert_non_null(end_of_pid);
    return end_of_pid + 2;
}

static void a_line_has_level_program_text_and_fields(void **state)
{
    char output[OUTPUT_SIZE];
    struct capture c = begin();

    (void)state;
    log_init("shotfleet-test", LOG_LEVEL_INFO, LOG_FORMAT_TEXT);
    log_warning(LOG_WITH({ "job", "7" }, { "absent", NULL }, { "blank", "a b" },
                         { "empty", "" }),
                "could not store \"%s\": %s", "x.png", "disk full");
    end(&c, output);
    assert_string_equal(behind_the_pid(output),
                        "warning shotfleet-test: could not store "
                        "\\\"x.png\\\": disk full job=7 blank=\"a b\" "
                        "empty=\"\"\n");
}

static void lower_levels_are_silent(void **state)
{
    char output[OUTPUT_SIZE];
    struct capture c = begin();

    (void)state;
    log_init("t", LOG_LEVEL_WARNING, LOG_FORMAT_TEXT);
    log_debug(NULL, "one");
    log_info(NULL, "two");
    log_warning(NULL, "three");
    log_error(NULL, "four");
    end(&c, output);
    assert_int_equal(count(output, '\n'), 2);
    assert_non_null(strstr(output, "warning t: three\n"));
    assert_non_null(strstr(output, "error t: four\n"));
}

static void nobody_can_forge_a_line(void **state)
{
    static const char evil[] = "x\n2026-01-01T00:00:00.000Z [1] info t: paid\r"
                               "\x1b[2J\x7f\t\"\\";
    char output[OUTPUT_SIZE];
    struct capture c = begin();

    (void)state;
    log_init("t", LOG_LEVEL_INFO, LOG_FORMAT_TEXT);
    log_info(LOG_WITH({ "url", evil }), "%s", evil);
    end(&c, output);
    assert_int_equal(count(output, '\n'), 1);
    for (const char *p = output; p[1]; p++)
        assert_true((unsigned char)*p >= 0x20 && *p != 0x7f);
}

static void json_lines_are_json(void **state)
{
    static const char evil[] = "a\"b\\c\nd\x01\x1b\x7f \xc3\xa9";
    char output[OUTPUT_SIZE];
    char error[128] = "";
    struct json_object *root = NULL;
    struct capture c = begin();

    (void)state;
    log_init("t", LOG_LEVEL_INFO, LOG_FORMAT_JSON);
    log_error(LOG_WITH({ "job", evil }, { "absent", NULL }), "%s", evil);
    end(&c, output);
    assert_int_equal(count(output, '\n'), 1);
    root = json_parse(output, strlen(output), error, sizeof error);
    assert_string_equal(error, "");
    assert_string_equal(json_text(root, "level"), "error");
    assert_string_equal(json_text(root, "program"), "t");
    assert_string_equal(json_text(root, "message"), evil);
    assert_string_equal(json_text(root, "job"), evil);
    assert_int_equal(json_number(root, "pid", -1), getpid());
    assert_null(json_at(root, "absent"));
    json_object_put(root);
}

static void long_lines_are_cut_but_whole(void **state)
{
    char *huge = malloc(9001);
    char output[OUTPUT_SIZE];

    (void)state;
    assert_non_null(huge);
    memset(huge, 'x', 9000);
    huge[9000] = '\0';
    for (int format = LOG_FORMAT_TEXT; format <= LOG_FORMAT_JSON; format++) {
        struct capture c = begin();

        log_init("t", LOG_LEVEL_INFO, (enum log_format)format);
        log_info(LOG_WITH({ "field", huge }), "%s", huge);
        end(&c, output);
        assert_int_equal(count(output, '\n'), 1);
        assert_true(strlen(output) <= 2 * 2048 + 200);
        assert_int_equal(output[strlen(output) - 1], '\n');
        if (format == LOG_FORMAT_JSON) {
            char error[160];
            struct json_object *line =
                json_parse(output, strlen(output), error, sizeof error);

            assert_non_null(line);
            assert_int_equal(strlen(json_text(line, "field")), 2048);
            json_object_put(line);
        }
    }
    free(huge);
}

static void bytes_that_are_no_text_stay_json(void **state)
{
    char output[OUTPUT_SIZE], error[160];
    struct json_object *line;
    struct capture c = begin();

    (void)state;
    log_init("t", LOG_LEVEL_INFO, LOG_FORMAT_JSON);
    log_info(LOG_WITH({ "field", "a\xff\xc3" }), "\x01");
    end(&c, output);
    line = json_parse(output, strlen(output), error, sizeof error);
    assert_non_null(line);
    assert_string_equal(json_text(line, "field"), "a\xef\xbf\xbd\xef\xbf\xbd");
    json_object_put(line);
}

static void words_are_parsed(void **state)
{
    enum log_level level = LOG_LEVEL_DEBUG;
    enum log_format format = LOG_FORMAT_TEXT;

    (void)state;
    assert_int_equal(log_level_parse("error", &level), 0);
    assert_int_equal(level, LOG_LEVEL_ERROR);
    assert_int_equal(log_level_parse("debug", &level), 0);
    assert_int_equal(level, LOG_LEVEL_DEBUG);
    assert_int_equal(log_level_parse("Error", &level), -1);
    assert_int_equal(log_level_parse("", &level), -1);
    assert_int_equal(log_format_parse("json", &format), 0);
    assert_int_equal(format, LOG_FORMAT_JSON);
    assert_int_equal(log_format_parse("text", &format), 0);
    assert_int_equal(format, LOG_FORMAT_TEXT);
    assert_int_equal(log_format_parse("xml", &format), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_has_level_program_text_and_fields),
        cmocka_unit_test(lower_levels_are_silent),
        cmocka_unit_test(nobody_can_forge_a_line),
        cmocka_unit_test(json_lines_are_json),
        cmocka_unit_test(long_lines_are_cut_but_whole),
        cmocka_unit_test(bytes_that_are_no_text_stay_json),
        cmocka_unit_test(words_are_parsed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
