#include "input.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

bool idb_input_read(int fd, char *to, size_t room, size_t *have, bool *eof, struct idb_error *err)
{
    ssize_t n;

    do
        n = read(fd, to, room);
    while (n == -1 && errno == EINTR);
    if (n == -1 && errno == EAGAIN)
        return true;
    if (n == -1)
        return idb_fail(err, IDB_UNAVAILABLE, "input", "Cannot read requests: %s.",
                        strerror(errno));
    *eof = n == 0;
    *have += (size_t)n;
    return true;
}
