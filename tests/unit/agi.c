/* agi.h: lines both ways, a hang-up in each manner, and what is no AGI. */
#include "agi.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define LONG_MS  5000
#define SHORT_MS 60

static struct idb_agi agi;
static struct idb_agi_reply reply;
static struct idb_error err;
static int peer = -1;
static char taken[4096];

static int up(void **state)
{
    int fd[2];

    (void)state;
    memset(&err, 0, sizeof err);
    taken[0] = '\0';
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, fd) == -1)
        return -1;
    idb_agi_open(&agi, fd[0], fd[0]);
    peer = fd[1];
    return 0;
}

static int down(void **state)
{
    (void)state;
    signal(SIGHUP, SIG_IGN); /* drops one that is pending */
    close(agi.in);
    if (peer != -1)
        close(peer);
    idb_agi_close(&agi);
    return 0;
}

static void says(const char *text)
{
    assert_int_equal(write(peer, text, strlen(text)), (ssize_t)strlen(text));
}

static void hangs_up(void)
{
    close(peer);
    peer = -1;
}

/* What the other side was told since. */
static void heard(const char *expected)
{
    char text[IDB_AGI_COMMAND_MAX + 2];
    ssize_t n = recv(peer, text, sizeof text - 1, MSG_DONTWAIT);

    text[n > 0 ? n : 0] = '\0';
    assert_string_equal(text, expected);
}

static bool take(void *ctx, const char *name, const char *value, struct idb_error *error)
{
    size_t used = strlen(taken);

    (void)ctx;
    snprintf(taken + used, sizeof taken - used, "%s=%s|", name, value);
    return strcmp(name, "agi_bad") != 0 || idb_fail(error, IDB_DATA, "usage", "No.");
}

static bool environment(int limit)
{
    return idb_agi_environment(&agi, limit, take, NULL, &err);
}

static bool ask(int limit)
{
    return idb_agi_ask(&agi, limit, &reply, &err, "NOOP");
}

static void fails(const char *word)
{
    char said[IDB_AGI_COMMAND_MAX];

    assert_string_equal(err.code, word);
    (void)!recv(peer, said, sizeof said, MSG_DONTWAIT);
    assert_true(agi.ended);
    /* From then on nothing is said. */
    assert_true(ask(SHORT_MS));
    assert_int_equal(reply.code, 0);
    heard("");
}

static void environment_is_taken(void **state)
{
    (void)state;
    says("agi_network: yes\nagi_accountcode: \nagi_x:y\nagi_calleridname: A: \"b\"\r\nagi_z:  2\n\n"
         "200 result=1\n");
    assert_true(environment(LONG_MS));
    assert_string_equal(
        taken, "agi_network=yes|agi_accountcode=|agi_x=y|agi_calleridname=A: \"b\"|agi_z= 2|");
    assert_false(agi.hung_up);
    /* What came along is the reply to the first command. */
    assert_true(ask(LONG_MS));
    assert_string_equal(reply.result, "1");
}

static void environment_may_be_refused(void **state)
{
    (void)state;
    says("agi_bad: 1\n\n");
    assert_false(environment(LONG_MS));
    assert_string_equal(err.code, "usage");
}

static void environments_that_are_none(void **state)
{
    static const char *const bad[] = { "x: 1\n", "agi_x\n", "200 result=0\n", "agi_x: \xff\n:\n" };

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        says(bad[i]);
        assert_false(environment(LONG_MS));
        fails("bad_agi");
        down(state);
        up(state);
    }
    says("agi_x: 1\nagi_y");
    hangs_up();
    assert_false(environment(LONG_MS));
    fails("bad_agi");
    down(state);
    up(state);
    says("agi_x: 1\nagi_y");
    assert_false(environment(SHORT_MS));
    fails("agi_silent");
}

static void nothing_at_all_is_a_hang_up(void **state)
{
    (void)state;
    hangs_up();
    assert_true(environment(LONG_MS));
    assert_true(agi.hung_up && agi.ended);
}

static void replies(void **state)
{
    static const struct {
        const char *said;
        int code;
        const char *result;
        bool timeout;
    } cases[] = {
        { "200 result=0\n", 200, "0", false },
        { "200 result=1234567890\n", 200, "1234567890", false },
        { "200 result= (timeout)\n", 200, "", true },
        { "200 result=12345 (timeout)\n", 200, "12345", true },
        { "200 result=\n", 200, "", false },
        { "200 result=-1\r\n", 200, "-1", false },
        { "200 result=1 (value)\n", 200, "1", false },
        { "200 result=35 endpos=2880\n", 200, "35", false },
        { "510 Invalid or unknown command\n", 510, "", false },
        { "510\n", 510, "", false },
        { "520 End of proper usage.\n", 520, "", false },
        { "520-Invalid command syntax.\nUsage: X\n200 result=1\n510-x\n\n520 End.\n", 520, "",
          false },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        says(cases[i].said);
        assert_true(ask(LONG_MS));
        heard("NOOP\n");
        assert_int_equal(reply.code, cases[i].code);
        assert_string_equal(reply.result, cases[i].result);
        assert_int_equal(reply.timeout, cases[i].timeout);
    }
    assert_false(agi.hung_up);
}

static void replies_that_are_none(void **state)
{
    static const char *const bad[] = {
        "\n",      "HELLO\n",        "20 result=0\n",   "2000 result=0\n",       "200\n",
        "200 0\n", "200:result=0\n", "-200 result=0\n", "200-result=0\n200 0\n", "000 0\n"
    };
    char many[IDB_AGI_LINES_MAX * 8 + 1] = "";

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        says(bad[i]);
        assert_false(ask(LONG_MS));
        fails("bad_agi");
        down(state);
        up(state);
    }
    for (int i = 0; i < IDB_AGI_LINES_MAX; i++)
        snprintf(many + i * 8, 9, "520-xyz\n");
    says(many);
    assert_false(ask(LONG_MS));
    fails("bad_agi");
}

/* A line of exactly that many bytes, its end included. */
static void says_line(size_t size)
{
    char line[IDB_AGI_LINE_MAX + 1];

    memset(line, ' ', sizeof line);
    memcpy(line, "200 result=7", 12);
    line[size - 1] = '\n';
    assert_int_equal(write(peer, line, size), (ssize_t)size);
}

static void lines_have_a_limit(void **state)
{
    static char result[IDB_AGI_RESULT_SIZE + 16];

    says_line(IDB_AGI_LINE_MAX);
    assert_true(ask(LONG_MS));
    assert_string_equal(reply.result, "7");
    says_line(IDB_AGI_LINE_MAX + 1);
    assert_false(ask(LONG_MS));
    fails("bad_agi");
    for (int more = 0; more < 2; more++) {
        down(state);
        up(state);
        snprintf(result, sizeof result, "200 result=%0*d\n", IDB_AGI_RESULT_SIZE - 1 + more, 0);
        says(result);
        assert_int_equal(ask(LONG_MS), !more);
    }
}

static void a_nul_is_refused(void **state)
{
    (void)state;
    assert_int_equal(write(peer, "200 result=0\0\n", 14), 14);
    assert_false(ask(LONG_MS));
    fails("bad_agi");
}

static void hang_up_lines(void **state)
{
    (void)state;
    says("HANGUP\n200 result=0\n");
    assert_true(ask(LONG_MS));
    assert_int_equal(reply.code, 200);
    assert_true(agi.hung_up && !agi.ended);
    /* A dead channel takes some commands. */
    says("200 result=1\n");
    assert_true(ask(LONG_MS));
    assert_string_equal(reply.result, "1");
    heard("NOOP\nNOOP\n");
}

static void hang_up_by_511(void **state)
{
    (void)state;
    says("511 Command Not Permitted on a dead channel or intercept routine\n");
    assert_true(ask(LONG_MS));
    assert_int_equal(reply.code, 511);
    assert_true(agi.hung_up && !agi.ended);
}

static void hang_up_by_signal(void **state)
{
    (void)state;
    raise(SIGHUP);
    assert_false(agi.hung_up);
    says("200 result=-1\n");
    assert_true(ask(LONG_MS));
    assert_string_equal(reply.result, "-1");
    assert_true(agi.hung_up && !agi.ended);
}

static void hang_up_by_the_end(void **state)
{
    (void)state;
    hangs_up();
    assert_true(ask(LONG_MS));
    assert_int_equal(reply.code, 0);
    assert_true(agi.hung_up && agi.ended);
}

static void half_a_reply_and_the_end(void **state)
{
    (void)state;
    says("200 result=1");
    hangs_up();
    assert_true(ask(LONG_MS));
    assert_int_equal(reply.code, 0);
    assert_true(agi.hung_up && agi.ended);
}

static void looking_does_not_wait(void **state)
{
    (void)state;
    idb_agi_look(&agi);
    assert_false(agi.hung_up);
    says("HANG");
    idb_agi_look(&agi);
    assert_false(agi.hung_up);
    says("UP\n");
    idb_agi_look(&agi);
    assert_true(agi.hung_up);
    hangs_up();
    idb_agi_look(&agi);
    assert_true(agi.ended);
    idb_agi_look(&agi);
}

static void looking_sees_the_signal_and_leaves_replies(void **state)
{
    (void)state;
    says("200 result=5\n");
    idb_agi_look(&agi);
    assert_false(agi.hung_up);
    raise(SIGHUP);
    idb_agi_look(&agi);
    assert_true(agi.hung_up);
    assert_true(ask(LONG_MS));
    assert_string_equal(reply.result, "5");
}

static void silence(void **state)
{
    (void)state;
    says("200 res");
    assert_false(ask(SHORT_MS));
    fails("agi_silent");
    assert_false(agi.hung_up);
}

static void silence_of_the_dead_is_none(void **state)
{
    (void)state;
    says("HANGUP\n");
    assert_true(ask(SHORT_MS));
    assert_int_equal(reply.code, 0);
    assert_true(agi.hung_up && agi.ended);
}

static void many_hang_ups_have_an_end(void **state)
{
    (void)state;
    for (int i = 0; i < IDB_AGI_LINES_MAX; i++)
        says("HANGUP\n");
    assert_false(ask(LONG_MS));
    fails("bad_agi");
}

static void commands_are_one_line(void **state)
{
    (void)state;
    says("200 result=0\n");
    assert_true(idb_agi_ask(&agi, LONG_MS, &reply, &err, "VERBOSE %s", "a\nHANGUP\r\x7f\tb"));
    heard("VERBOSE a HANGUP   b\n");
    assert_false(idb_agi_ask(&agi, LONG_MS, &reply, &err, "%*s", IDB_AGI_COMMAND_MAX + 1, ""));
    assert_string_equal(err.code, "internal");
    heard("");
    says("200 result=0\n");
    assert_true(idb_agi_ask(&agi, LONG_MS, &reply, &err, "%*s", IDB_AGI_COMMAND_MAX, ""));
}

static void quoting(void **state)
{
    char out[13];

    (void)state;
    assert_true(idb_agi_quote(out, sizeof out, "a \"t\" x"));
    assert_string_equal(out, "\"a \\\"t\\\" x\"");
    assert_true(idb_agi_quote(out, sizeof out, "a\\b"));
    assert_string_equal(out, "\"a\\\\b\"");
    assert_true(idb_agi_quote(out, sizeof out, ""));
    assert_string_equal(out, "\"\"");
    assert_true(idb_agi_quote(out, sizeof out, "1234567890"));
    assert_false(idb_agi_quote(out, sizeof out, "12345678901"));
    assert_false(idb_agi_quote(out, sizeof out, "123456789\""));
    assert_false(idb_agi_quote(out, 2, ""));
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, up, down)

static void a_hang_up_behind_nonsense_is_not_believed(void **state)
{
    (void)state;
    says("nonsense\nHANGUP\n");
    assert_false(ask(LONG_MS));
    fails("bad_agi");
    idb_agi_look(&agi);
    assert_false(agi.hung_up);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(environment_is_taken),
        CASE(environment_may_be_refused),
        CASE(environments_that_are_none),
        CASE(nothing_at_all_is_a_hang_up),
        CASE(replies),
        CASE(replies_that_are_none),
        CASE(lines_have_a_limit),
        CASE(a_nul_is_refused),
        CASE(hang_up_lines),
        CASE(hang_up_by_511),
        CASE(hang_up_by_signal),
        CASE(hang_up_by_the_end),
        CASE(half_a_reply_and_the_end),
        CASE(looking_does_not_wait),
        CASE(looking_sees_the_signal_and_leaves_replies),
        CASE(silence),
        CASE(silence_of_the_dead_is_none),
        CASE(many_hang_ups_have_an_end),
        CASE(commands_are_one_line),
        CASE(quoting),
        CASE(a_hang_up_behind_nonsense_is_not_believed),
    };

    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
