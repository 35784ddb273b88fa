#include "tool.h"
#include "web_request.h"

static const char help[] =
    "usage: idb-request\n"
    "\n"
    "Turns the CGI request it is called with (environment and body) into one JSON\n"
    "line, the beginning of a page's pipe.\n"
    "\n"
    "  {\"verb\":\"POST\",\"path\":[…],\"query\":{…},\"form\":{…},\"cookies\":\"…\"}\n"
    "\n"
    "  --help, --version\n"
    "\n"
    "Exit: 0 done, 65 a bad request, which the line then says; see idb-request(1).\n";

static const struct idb_tool tool = { .name = "idb-request", .help = help };

int main(int argc, char **argv)
{
    struct idb_error err = { 0 };
    json_t *request = NULL;

    if (idb_tool_start(&tool, argc, argv, NULL, &err))
        idb_web_request(&request, &err);
    return idb_tool_finish(&tool, request, &err);
}
