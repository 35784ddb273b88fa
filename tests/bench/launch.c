/*
 * Starts a program as inetd starts one that waits: standard input is a listening socket,
 * on 127.0.0.1 or, where ADDRESS holds a slash, in the file system.
 *
 *     launch ADDRESS PROGRAM [ARG…]
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 64

static void fail(const char *what)
{
    fprintf(stderr, "launch: %s\n", what);
    exit(71);
}

static int bind_port(const char *port)
{
    static const int on = 1;
    struct sockaddr_in door = { .sin_family = AF_INET };
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    door.sin_port = htons((in_port_t)strtol(port, NULL, 10));
    door.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd == -1 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == -1
        || bind(fd, (struct sockaddr *)&door, sizeof door) == -1)
        fail("cannot have that port");
    return fd;
}

static int bind_path(const char *path)
{
    struct sockaddr_un door = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    if (strlen(path) >= sizeof door.sun_path)
        fail("the path is too long for a socket");
    strcpy(door.sun_path, path);
    unlink(path);
    if (fd == -1 || bind(fd, (struct sockaddr *)&door, sizeof door) == -1)
        fail("cannot have that path");
    return fd;
}

int main(int argc, char **argv)
{
    int fd;

    if (argc < 3)
        fail("usage: launch ADDRESS PROGRAM [ARG…]");
    fd = strchr(argv[1], '/') ? bind_path(argv[1]) : bind_port(argv[1]);
    if (listen(fd, BACKLOG) == -1 || dup2(fd, STDIN_FILENO) == -1)
        fail("cannot listen");
    close(fd);
    execv(argv[2], &argv[2]);
    fail("cannot start the program");
}
