/* See clock.h. Calendar arithmetic is written out here so that neither TZ nor the locale nor the width of time_t has a
 * say. Relies on clock_gettime alone; only the first two functions look at a clock. */

#include "base/clock.h"

#include <string.h>
#include <time.h>

enum { MS_SECOND = 1000, MS_MINUTE = 60 * MS_SECOND, MS_HOUR = 60 * MS_MINUTE, MS_DAY = 24 * MS_HOUR };

static int64_t read_ms(clockid_t id) {
    struct timespec now = {0};
    clock_gettime(id, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t clock_wall_ms(void) {
    return read_ms(CLOCK_REALTIME);
}

int64_t clock_boot_ms(void) {
    return read_ms(CLOCK_BOOTTIME);
}

/* Days since 1970-01-01 of a Gregorian date and back (H. Hinnant, "chrono-compatible low-level date algorithms"). Years
 * begin in March, so that the leap day is the last one; eras have 400 years. Correct for years from 0. */
static int64_t days_from_date(int64_t year, int64_t month, int64_t day) {
    year -= month <= 2;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t year_of_era = year - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

static void date_from_days(int64_t days, int64_t *year, int64_t *month, int64_t *day) {
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    int64_t day_of_era = days - era * 146097;
    int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t shifted = (5 * day_of_year + 2) / 153;
    *day = day_of_year - (153 * shifted + 2) / 5 + 1;
    *month = shifted < 10 ? shifted + 3 : shifted - 9;
    *year = year_of_era + era * 400 + (*month <= 2);
}

static char *put(char *at, int64_t value, int width, char after) {
    for (int i = width - 1; i >= 0; i--, value /= 10)
        at[i] = (char)('0' + value % 10);
    at[width] = after;
    return at + width + 1;
}

/* "2026-11-20T10:00:00" and `after`; times outside the years 0 to 9999 are moved to the nearest one inside. */
static char *put_seconds(char *at, int64_t seconds, char after) {
    const int64_t first = -62167219200;
    const int64_t last = 253402300799;
    seconds = seconds < first ? first : seconds > last ? last : seconds;
    int64_t of_day = seconds % 86400;
    if (of_day < 0)
        of_day += 86400;
    int64_t year = 0;
    int64_t month = 0;
    int64_t day = 0;
    date_from_days((seconds - of_day) / 86400, &year, &month, &day);
    at = put(at, year, 4, '-');
    at = put(at, month, 2, '-');
    at = put(at, day, 2, 'T');
    at = put(at, of_day / 3600, 2, ':');
    at = put(at, of_day / 60 % 60, 2, ':');
    return put(at, of_day % 60, 2, after);
}

static int64_t floor_div(int64_t value, int64_t by) {
    return value / by - (value % by < 0);
}

void clock_format(int64_t wall_ms, char text[CLOCK_TEXT_MAX]) {
    *put_seconds(text, floor_div(wall_ms, 1000), 'Z') = '\0';
}

void clock_format_micro(int64_t wall_us, char text[CLOCK_TEXT_MAX]) {
    int64_t seconds = floor_div(wall_us, 1000000);
    char *at = put_seconds(text, seconds, '.');
    *put(at, wall_us - seconds * 1000000, 6, 'Z') = '\0';
}

/* `width` digits, then `after` ('\0': anything). False when it is something else. */
static bool take(const char **at, int width, char after, int64_t *ret_value) {
    int64_t value = 0;
    for (int i = 0; i < width; i++, (*at)++) {
        if (**at < '0' || **at > '9')
            return false;
        value = value * 10 + (**at - '0');
    }
    if (after != '\0' && *(*at)++ != after)
        return false;
    *ret_value = value;
    return true;
}

static int64_t days_in_month(int64_t year, int64_t month) {
    static const char days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && leap);
}

/* "Z" or "+02:00" at the end; minutes east of Greenwich. */
static bool take_offset(const char *at, int64_t *ret_minutes) {
    int64_t hours = 0;
    int64_t minutes = 0;
    *ret_minutes = 0;
    if (strcmp(at, "Z") == 0)
        return true;
    char sign = *at++;
    if ((sign != '+' && sign != '-') || !take(&at, 2, ':', &hours) || !take(&at, 2, '\0', &minutes) || *at != '\0')
        return false;
    if (hours > 23 || minutes > 59)
        return false;
    *ret_minutes = (hours * 60 + minutes) * (sign == '-' ? -1 : 1);
    return true;
}

/* ".25" as milliseconds; digits after the third do not count. */
static bool take_fraction(const char **at, int64_t *ret_ms) {
    *ret_ms = 0;
    if (**at != '.')
        return true;
    (*at)++;
    int digits = 0;
    for (int64_t weight = 100; **at >= '0' && **at <= '9'; (*at)++, weight /= 10, digits++)
        *ret_ms += (**at - '0') * weight;
    return digits > 0;
}

static bool parse_time(const char *at, int64_t *ret_wall_ms) {
    int64_t year, month, day, hour, minute, second, ms, east;
    if (!take(&at, 4, '-', &year) || !take(&at, 2, '-', &month) || !take(&at, 2, 'T', &day) ||
        !take(&at, 2, ':', &hour) || !take(&at, 2, ':', &minute) || !take(&at, 2, '\0', &second) ||
        !take_fraction(&at, &ms) || !take_offset(at, &east))
        return false;
    if (month < 1 || month > 12 || day < 1 || day > days_in_month(year, month) || hour > 23 || minute > 59 ||
        second > 59)
        return false;
    int64_t seconds = ((days_from_date(year, month, day) * 24 + hour) * 60 + minute - east) * 60 + second;
    *ret_wall_ms = seconds * 1000 + ms;
    return true;
}

int clock_parse(const char *text, int64_t *ret_wall_ms, struct error *err) {
    if (parse_time(text, ret_wall_ms))
        return 0;
    return error_set(err, ERROR_INVALID, "not a time such as 2026-11-20T10:00:00Z: \"%s\"", text);
}
