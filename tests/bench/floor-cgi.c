/*
 * The floor under a CGI program: a header, a word, and the floor program (floor.c), which
 * $FLOOR, $FLOOR_CONFIG and $FLOOR_DATABASE name.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char answer[] = "Content-Type: application/json\r\n\r\n{\"result\":\"accepted\"}\n";

int main(void)
{
    char *argv[] = { getenv("FLOOR"), getenv("FLOOR_CONFIG"), getenv("FLOOR_DATABASE"), NULL,
                     NULL };
    static char one[] = "one";

    argv[3] = one;
    if (!argv[0] || !argv[1] || !argv[2]
        || write(STDOUT_FILENO, answer, strlen(answer)) != (ssize_t)strlen(answer))
        return 64;
    execv(argv[0], argv);
    return 71;
}
