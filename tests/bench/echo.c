/*
 * The floor under a service behind inetd: a program of its own for each connection,
 * which says again what it hears.
 */
#include <unistd.h>

int main(void)
{
    char text[4096];
    ssize_t n;

    while ((n = read(STDIN_FILENO, text, sizeof text)) > 0)
        if (write(STDOUT_FILENO, text, (size_t)n) != n)
            return 69;
    return n != 0;
}
