#include "handlers.h"

static const char help[] =
    "usage: idb-health [--config=FILE] [--line=LINE | --client]\n"
    "\n"
    "Tells whether a telephone can have codes checked, as one line of JSON. Takes no\n"
    "input.\n"
    "\n"
    "  "
    "{\"result\":\"ok\",\"configuration\":\"ok\",\"keys\":\"ok\",\"store\":\"ok\",\"line\":"
    "\"open\"}\n"
    "\n"
    "What is broken has an error and a message in place of ok.\n"
    "\n"
    "  --config=FILE  instead of $IDB_CONFIG or /etc/idb/idb.json\n"
    "  --line=LINE    the line acted for, where the configuration has several\n"
    "  --client       the line of who calls by HTTP, for scripts that are CGI\n"
    "  --help, --version\n"
    "\n"
    "Exit: 0 ok, else that of the gravest, see idb-health(1).\n";

static const struct option options[] = { { "config", required_argument, NULL, 'c' },
                                         { "line", required_argument, NULL, 'l' },
                                         { "client", no_argument, NULL, 'C' },
                                         { 0 } };

static const struct idb_app_program program = {
    .tool = { .name = "idb-health", .help = help, .options = options, .set = idb_app_set },
    .zone = IDB_PHONE,
    .part = &idb_handle_health_part,
    .opens_itself = true,
};

static bool handle(void *app, const json_t *request, json_t **answer, struct idb_error *err)
{
    return idb_handle_health(app, request, answer, err);
}

/* A filter would wait for a request, and there is nothing to ask. */
static int check(int argc, char **argv)
{
    struct idb_app app = { .program = &program, .zone = program.zone };
    struct idb_service service = idb_app_service(&app, handle);
    struct idb_exchange x = { 0 };
    struct idb_error err = { 0 };
    json_t *answer = NULL;

    if (idb_tool_start(&program.tool, argc, argv, &app, &err)) {
        x.request = json_object();
        idb_service_run(&service, &x, 1);
        answer = x.answer;
        x.answer = NULL;
        err = x.err;
    }
    idb_exchange_clear(&x);
    idb_app_close(&app);
    return idb_tool_finish(&program.tool, answer, &err);
}

int main(int argc, char **argv)
{
    return idb_cgi_called(argv[0]) ? idb_app_main(&program, argc, argv) : check(argc, argv);
}
