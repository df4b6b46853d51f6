#include "common/timestamp.h"

#include <string.h>
#include <time.h>

/* 9999-12-31T23:59:59.999Z */
static const int64_t last_ms = INT64_C(253402300799999);

/* Exactly `count` digits at *text, which moves behind them; -1 otherwise. */
static int take_digits(const char **text, int count)
{
    int value = 0;

    for (int i = 0; i < count; i++) {
        char c = **text;

        if (c < '0' || c > '9')
            return -1;
        value = value * 10 + (c - '0');
        (*text)++;
    }
    return value;
}

static bool take(const char **text, char expected)
{
    if (**text != expected)
        return false;
    (*text)++;
    return true;
}

static int parse_number(const char *text, int64_t per_unit_ms, int64_t *unix_ms)
{
    size_t len = strspn(text, "0123456789");
    int64_t value = 0;

    if (len == 0 || len > 15 || text[len] != '\0')
        return -1;
    for (size_t i = 0; i < len; i++)
        value = value * 10 + (text[i] - '0');
    if (value > last_ms / per_unit_ms)
        return -1;
    *unix_ms = value * per_unit_ms;
    return 0;
}

/* "Z", "+02:00", "-05:30" as minutes east of UTC. */
static bool take_offset(const char **text, int *minutes)
{
    int sign = **text == '-' ? -1 : 1;
    int hour = 0;
    int minute = 0;

    *minutes = 0;
    if (take(text, 'Z'))
        return true;
    if (!take(text, '+') && !take(text, '-'))
        return false;
    hour = take_digits(text, 2);
    if (hour < 0 || hour > 23 || !take(text, ':'))
        return false;
    minute = take_digits(text, 2);
    if (minute < 0 || minute > 59)
        return false;
    *minutes = sign * (hour * 60 + minute);
    return true;
}

/* The fraction of a second, if there is one; digits past the third are cut. */
static bool take_fraction_ms(const char **text, int64_t *ms)
{
    int64_t weight = 100;
    size_t digits = 0;

    *ms = 0;
    if (!take(text, '.'))
        return true;
    digits = strspn(*text, "0123456789");
    if (digits == 0 || digits > 9)
        return false;
    for (size_t i = 0; i < digits; i++) {
        *ms += ((*text)[i] - '0') * weight;
        weight /= 10;
    }
    *text += digits;
    return true;
}

static int days_of_month(int year, int month)
{
    static const int days[] = {
        31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31
    };
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    return days[month] + (month == 1 && leap);
}

static bool take_date(const char **text, struct tm *tm)
{
    tm->tm_year = take_digits(text, 4) - 1900;
    if (tm->tm_year < 70 || !take(text, '-'))
        return false;
    tm->tm_mon = take_digits(text, 2) - 1;
    if (tm->tm_mon < 0 || tm->tm_mon > 11 || !take(text, '-'))
        return false;
    tm->tm_mday = take_digits(text, 2);
    return tm->tm_mday >= 1 &&
           tm->tm_mday <= days_of_month(tm->tm_year + 1900, tm->tm_mon);
}

static bool take_time(const char **text, struct tm *tm)
{
    tm->tm_hour = take_digits(text, 2);
    if (tm->tm_hour < 0 || tm->tm_hour > 23 || !take(text, ':'))
        return false;
    tm->tm_min = take_digits(text, 2);
    if (tm->tm_min < 0 || tm->tm_min > 59 || !take(text, ':'))
        return false;
    tm->tm_sec = take_digits(text, 2); /* 60 is a leap second */
    return tm->tm_sec >= 0 && tm->tm_sec <= 60;
}

static int parse_iso8601(const char *text, int64_t *unix_ms)
{
    struct tm tm = { 0 };
    int offset_minutes = 0;
    int64_t fraction_ms = 0;
    int64_t ms = 0;

    if (!take_date(&text, &tm) || !take(&text, 'T') || !take_time(&text, &tm) ||
        !take_fraction_ms(&text, &fraction_ms) ||
        !take_offset(&text, &offset_minutes) || *text != '\0')
        return -1;
    ms = ((int64_t)timegm(&tm) - offset_minutes * 60) * 1000 + fraction_ms;
    if (ms < 0 || ms > last_ms)
        return -1;
    *unix_ms = ms;
    return 0;
}

int timestamp_parse(const char *text, enum timestamp_unit unit,
                    int64_t *unix_ms)
{
    switch (unit) {
    case TIMESTAMP_SECONDS:
        return parse_number(text, 1000, unix_ms);
    case TIMESTAMP_MILLISECONDS:
        return parse_number(text, 1, unix_ms);
    case TIMESTAMP_ISO8601:
        return parse_iso8601(text, unix_ms);
    case TIMESTAMP_NONE:
        break;
    }
    return -1;
}
