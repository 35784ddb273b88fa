#include "desk_text.h"

#include "timestamp.h"
#include "tool.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define LABEL_WIDTH 24 /* columns */

static const char *text(const json_t *object, const char *name)
{
    const char *value = json_string_value(json_object_get(object, name));

    return value ? value : "";
}

/* Columns a UTF-8 text takes, near enough for labels: its characters. */
static int columns(const char *utf8)
{
    int n = 0;

    for (; *utf8; utf8++)
        n += (*utf8 & 0xc0) != 0x80;
    return n;
}

/* What could steer a terminal is shown as a question mark. */
static void print_safe(const char *value)
{
    for (const unsigned char *p = (const unsigned char *)value; *p; p++)
        putchar(*p < ' ' || *p == 0x7f
                        || (*p >= 0x80 && *p < 0xa0 && p > (const unsigned char *)value
                            && p[-1] == 0xc2)
                    ? '?'
                    : *p);
}

static void row(const char *label, const char *value, const char *note)
{
    int pad = LABEL_WIDTH - columns(label);

    if (!value[0])
        return;
    printf("  %s%*s  ", label, pad > 0 ? pad : 0, "");
    print_safe(value);
    printf("%s\n", note);
}

/* 2026-11-24 14:05, where the reader is. */
static void time_row(const char *label, const json_t *answer, const char *name)
{
    char shown[32] = "";
    struct tm tm;
    int64_t ms;
    time_t seconds;

    if (!idb_timestamp_parse(&ms, text(answer, name)))
        return;
    seconds = (time_t)(ms / 1000);
    localtime_r(&seconds, &tm);
    strftime(shown, sizeof shown, "%Y-%m-%d %H:%M:%S", &tm);
    row(label, shown, "");
}

/* What an answer says, in words. */
static const char *headline(const json_t *answer)
{
    static const char *const words[][2] = {
        { "open", "IDENTIFIED" },
        { "peek", "A call with a session (not opened)" },
        { "handed_over", "Handed over: a colleague can open it now" },
        { "unconfirmed", "NOT YET CONFIRMED by the resident: no data until they do" },
        { "ended", "NOT IDENTIFIED: this call has ended" },
        { "ticket", "Case" },
        { "calls", "Open calls" },
    };

    if (!strcmp(text(answer, "warning"), "not_me"))
        return "WARNING: the resident said THIS IS NOT ME. Do not trust this caller.";
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (!strcmp(words[i][0], text(answer, "result")))
            return words[i][1];
    return text(answer, "message");
}

static void print_login(const json_t *answer)
{
    const char *label = text(answer, "method_label");

    if (!text(answer, "method")[0])
        return;
    row("Login", label[0] ? label : text(answer, "method"),
        text(answer, "attested_by")[0] ? " (stated, no login here)" : "");
    row("Stated by", text(answer, "attested_by"), "");
    row("Level", text(answer, "level"), "");
    time_row("Login at", answer, "auth_time");
}

static void print_call(const json_t *answer)
{
    const json_t *handed = json_object_get(answer, "handed_over");
    bool page = !strcmp(text(answer, "confirm"), "page");
    bool yes = json_is_true(json_object_get(answer, "confirmed"));

    row("Purpose", text(json_object_get(answer, "purpose"), "label"), "");
    row("State", text(answer, "state"), "");
    row("Ticket", text(answer, "ticket"), "");
    row("Call", text(answer, "call_id"), "");
    time_row("Recognised by code at", answer, "called_at");
    if (text(answer, "confirm")[0])
        row("Resident confirmed", yes ? "yes" : page ? "no, and it is needed" : "not asked", "");
    row("Caller's number ends in", text(answer, "caller"), "");
    row("Announced number", text(answer, "number_hint"), "");
    row("Reference", text(answer, "reference"), "");
    row("Handed over by", text(handed, "by"), "");
    time_row("Handed over at", handed, "at");
    time_row("Wrap up until", answer, "wrap_up_until");
}

static void print_case(const json_t *answer)
{
    if (json_object_get(answer, "code_valid"))
        row("Code",
            json_is_true(json_object_get(answer, "code_valid")) ? "valid" : "not valid any more",
            "");
    time_row("Issued at", answer, "created_at");
    time_row("Code valid until", answer, "code_expires_at");
    time_row("Ended at", answer, "ended_at");
    row("Why it ended", text(answer, "reason"), "");
    row("Last refusal", text(answer, "refusal"), "");
    time_row("Refused at", answer, "refused_at");
}

static void print_attributes(const json_t *attributes)
{
    const json_t *a;
    size_t i;

    if (json_array_size(attributes) > 0)
        putchar('\n');
    json_array_foreach (attributes, i, a)
        row(text(a, "label"), text(a, "value"),
            json_is_true(json_object_get(a, "masked")) ? "  (hidden; ask with reveal)" : "");
}

bool idb_desk_text_print(const json_t *answer, struct idb_error *err)
{
    const json_t *calls = json_object_get(answer, "calls");
    const json_t *call;
    size_t i;

    printf("%s\n", headline(answer));
    print_call(answer);
    print_login(answer);
    print_case(answer);
    print_attributes(json_object_get(answer, "attributes"));
    json_array_foreach (calls, i, call) {
        putchar('\n');
        print_call(call);
    }
    if (calls && json_array_size(calls) == 0)
        printf("  none\n");
    if (putchar('\n') == EOF)
        return idb_fail(err, IDB_UNAVAILABLE, "output", "Cannot write the answer.");
    return true;
}
