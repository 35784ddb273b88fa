/*
 * Times what the telephone waits for, each beside a service that only says the same
 * again (echo.c), by turns:
 *
 *     telephone AGI_PORT VERIFY_PORT ECHO_PORT DIALOGUES REQUESTS <CODES
 *
 * A dialogue is a connection and thereby a program of its own, from connecting until
 * the other side has closed. A request goes over a connection that is kept. CODES are as
 * many lines as both. Prints one JSON object as spawn.c does, without processor time;
 * whatever is not accepted ends it all.
 */
#include "samples.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <unistd.h>

static const char environment[] =
    "agi_network: yes\nagi_network_script: idb\nagi_request: agi://127.0.0.1:4573/idb\n"
    "agi_channel: PJSIP/trunk-00000001\nagi_language: nl\nagi_type: PJSIP\n"
    "agi_version: 22.0.0\nagi_callerid: +31612345678\nagi_calleridname: unknown\n"
    "agi_callingpres: 0\nagi_callingani2: 0\nagi_callington: 0\nagi_callingtns: 0\n"
    "agi_dnid: 31241234567\nagi_rdnis: unknown\nagi_context: idb\n"
    "agi_extension: 31241234567\nagi_priority: 3\nagi_enhanced: 0.0\nagi_accountcode: \n"
    "agi_threadid: 139860000000000\n";

/* What is answered to the commands of a good dialogue; NULL is the code. */
static const char *const replies[] = { "0", "0 endpos=32000", NULL, "1", "1", "1", "1",
                                       "1", "0 endpos=32000" };
#define COMMANDS (sizeof replies / sizeof replies[0])
#define TELLS    (COMMANDS - 2) /* this one tells the dialplan the result */

static void fail(const char *what)
{
    fprintf(stderr, "telephone: %s\n", what);
    exit(70);
}

static int call(int port)
{
    static const int on = 1;
    struct sockaddr_in door = { .sin_family = AF_INET, .sin_port = htons((in_port_t)port) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    door.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd == -1 || connect(fd, (struct sockaddr *)&door, sizeof door) == -1)
        fail("cannot connect");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return fd;
}

/* Says text and hears the answer, to the end of its last line: of as many bytes as were
 * said, when it is an echo. */
static const char *ask(int fd, const char *text, bool echo)
{
    static char heard[4096];
    size_t said = strlen(text);
    size_t n = 0;

    if (send(fd, text, said, MSG_NOSIGNAL) != (ssize_t)said)
        fail("cannot say anything");
    while (n == 0 || heard[n - 1] != '\n' || (echo && n < said)) {
        ssize_t more = recv(fd, heard + n, sizeof heard - 1 - n, 0);

        if (more <= 0)
            fail("hung up");
        n += (size_t)more;
    }
    heard[n] = '\0';
    return heard;
}

/* Says the last, and waits until the other side has closed; idb-agi does so by itself,
 * without another word: to it we would have hung up. */
static void end(int fd, const char *text, bool echo)
{
    char heard[4096];
    ssize_t n;

    if (send(fd, text, strlen(text), MSG_NOSIGNAL) == -1 || (echo && shutdown(fd, SHUT_WR) == -1))
        fail("cannot say the last");
    while ((n = recv(fd, heard, sizeof heard, 0)) > 0 && echo)
        continue;
    if (n != 0)
        fail("the dialogue has no end");
    close(fd);
}

static double dialogue(int port, long i, const char *code, bool echo)
{
    char text[2048];
    double start = bench_now_ms();
    int fd = call(port);

    snprintf(text, sizeof text, "%sagi_uniqueid: d-%ld\n\n", environment, i);
    for (size_t k = 0; k < COMMANDS; k++) {
        const char *heard = ask(fd, text, echo);

        if (!echo && k == TELLS && strcmp(heard, "SET VARIABLE IDB_RESULT \"accepted\"\n") != 0)
            fail(heard);
        snprintf(text, sizeof text, "200 result=%s\n", replies[k] ? replies[k] : code);
    }
    end(fd, text, echo);
    return bench_now_ms() - start;
}

static double request(int fd, long i, const char *code, bool echo)
{
    char text[256];
    double start = bench_now_ms();
    const char *heard;

    snprintf(text, sizeof text,
             "{\"code\":\"%s\",\"call_id\":\"k-%ld\",\"caller\":\"+31612345678\"}\n", code, i);
    heard = ask(fd, text, echo);
    if (!echo && !strstr(heard, "\"result\":\"accepted\""))
        fail(heard);
    return bench_now_ms() - start;
}

static void report(const char *name, struct samples *samples, const char *before)
{
    printf("%s", before);
    samples_report(samples, name);
    printf("}");
}

static const char *next_code(void)
{
    static char code[32];

    if (!fgets(code, sizeof code, stdin))
        fail("there are not as many codes");
    code[strcspn(code, "\n")] = '\0';
    return code;
}

int main(int argc, char **argv)
{
    long value[5] = { 0 };
    struct samples ours = { 0 }, echo = { 0 }, ours_kept = { 0 }, echo_kept = { 0 };
    int kept, kept_echo;

    for (int i = 1; i < argc && i <= 5; i++)
        value[i - 1] = strtol(argv[i], NULL, 10);
    for (long i = 0; i < value[3]; i++) {
        const char *code = next_code();

        samples_add(&ours, dialogue((int)value[0], i, code, false));
        samples_add(&echo, dialogue((int)value[2], i, code, true));
    }
    report("agi", &ours, "{");
    report("agi_echo", &echo, ",");
    kept = call((int)value[1]);
    kept_echo = call((int)value[2]);
    for (long i = 0; i < value[4]; i++) {
        const char *code = next_code();

        samples_add(&ours_kept, request(kept, i, code, false));
        samples_add(&echo_kept, request(kept_echo, i, code, true));
    }
    close(kept);
    close(kept_echo);
    report("kept", &ours_kept, ",");
    report("kept_echo", &echo_kept, ",");
    printf("}\n");
    return 0;
}
