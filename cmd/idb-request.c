#include "mac.h"
#include "tool.h"
#include "web_request.h"

static const char help[] =
    "usage: idb-request [--check-form-token | --form-token]\n"
    "\n"
    "Turns the CGI request it is called with (environment and body) into one JSON\n"
    "line, the beginning of a page's pipe.\n"
    "\n"
    "  {\"verb\":\"POST\",\"path\":[…],\"query\":{…},\"form\":{…},\"cookies\":\"…\"}\n"
    "\n"
    "  --check-form-token  refuse a request of nobody, and a POST whose form_token is\n"
    "                      not of this agent's page in this browser\n"
    "  --form-token        instead, reading no body: the token for a page's forms,\n"
    "                      {\"form_token\":\"…\",\"cookies\":[…]}\n"
    "  --help, --version\n"
    "\n"
    "Exit: 0 done, 65 a bad request, 77 nobody was authenticated, which the line\n"
    "then says; see idb-request(1).\n";

static const struct option options[] = { { "check-form-token", no_argument, NULL, 'c' },
                                         { "form-token", no_argument, NULL, 'f' },
                                         { 0 } };

struct settings {
    bool check;
    bool make;
};

static bool set(void *settings, int option, const char *value, struct idb_error *err)
{
    struct settings *s = settings;

    (void)value;
    if (option == 1)
        return idb_fail(err, IDB_USAGE, "usage",
                        "idb-request takes no words. Try 'idb-request --help'.");
    s->check |= option == 'c';
    s->make |= option == 'f';
    return !(s->check && s->make)
           || idb_fail(err, IDB_USAGE, "usage",
                       "--check-form-token and --form-token exclude each other.");
}

static const struct idb_tool tool = {
    .name = "idb-request", .help = help, .options = options, .set = set
};

int main(int argc, char **argv)
{
    struct idb_error err = { 0 };
    struct settings settings = { 0 };
    json_t *answer = NULL;

    idb_mac_only();
    if (idb_tool_start(&tool, argc, argv, &settings, &err)) {
        if (settings.make)
            idb_web_form_token(&answer, &err);
        else
            idb_web_request(&answer, settings.check, &err);
    }
    return idb_tool_finish(&tool, answer, &err);
}
