/*
 * Catches what the programs under test tell syslog: preloaded, it appends each
 * message to $SYSLOG_FILE. The file is opened while it is loaded, for the
 * programs cut their environment.
 */
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <syslog.h>
#include <unistd.h>

static int file = -1;

__attribute__((constructor)) static void open_file(void)
{
    const char *path = getenv("SYSLOG_FILE");

    if (path)
        file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

static void note(int priority, const char *format, va_list args)
{
    dprintf(file, "%d ", priority);
    vdprintf(file, format, args);
    dprintf(file, "\n");
}

void syslog(int priority, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    note(priority, format, args);
    va_end(args);
}

/* What syslog() becomes with _FORTIFY_SOURCE. */
void __syslog_chk(int priority, int flag, const char *format, ...);

void __syslog_chk(int priority, int flag, const char *format, ...)
{
    va_list args;

    (void)flag;
    va_start(args, format);
    note(priority, format, args);
    va_end(args);
}
