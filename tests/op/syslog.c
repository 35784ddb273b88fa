/*
 * What a program says to syslog goes to a file instead, $SYSLOG_FILE, so that a
 * test can read it: preloaded into any dynamically linked program. The name is
 * read before main, for the programs cut their environment.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <syslog.h>

void __vsyslog_chk(int priority, int flag, const char *format, va_list arguments);
void __syslog_chk(int priority, int flag, const char *format, ...);

static FILE *file;

__attribute__((constructor)) static void open_file(void)
{
    const char *name = getenv("SYSLOG_FILE");

    file = name ? fopen(name, "a") : NULL;
}

void vsyslog(int priority, const char *format, va_list arguments)
{
    if (!file)
        return;
    fprintf(file, "<%d> ", priority);
    vfprintf(file, format, arguments);
    fputc('\n', file);
    fflush(file);
}

void syslog(int priority, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsyslog(priority, format, arguments);
    va_end(arguments);
}

void __vsyslog_chk(int priority, int flag, const char *format, va_list arguments)
{
    (void)flag;
    vsyslog(priority, format, arguments);
}

void __syslog_chk(int priority, int flag, const char *format, ...)
{
    va_list arguments;

    (void)flag;
    va_start(arguments, format);
    vsyslog(priority, format, arguments);
    va_end(arguments);
}
