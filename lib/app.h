/*
 * What the programs of one installation share: configuration, keys, store, the
 * time of the transaction and who acts. A program is a part, which
 * handles its requests, and a zone:
 *
 *     static const struct idb_app_program program = {
 *         .tool = { .name = "idb-verify", .help = help, .options = options, .set = idb_app_set },
 *         .zone = IDB_PHONE,
 *         .part = &idb_handle_verify_part,
 *     };
 *     int main(int argc, char **argv) { return idb_app_main(&program, argc, argv); }
 */
#ifndef IDB_APP_H
#define IDB_APP_H

#include "keys.h"
#include "serve.h"
#include "store.h"
#include "stream.h"
#include "timestamp.h"
#include "tool.h"

#define IDB_AGENT_MAX     65                           /* a user's name and NUL */
#define IDB_APP_CHALLENGE "Bearer realm=\"ID Bellen\"" /* RFC 6750 section 3 */

/* Keys a program may need; which file that is follows from its zone. */
enum idb_app_key {
    IDB_KEY_BROWSER = 1,
    IDB_KEY_CODE = 2,
    IDB_KEY_BIND = 4,
    IDB_KEY_ISSUE = 8, /* the public half at the desk */
    IDB_KEY_SEAL = 16, /* the private half at the desk */
    IDB_KEY_INVITE = 32
};
#define IDB_APP_KEYS 6

struct idb_app;

/* One kind of request: how it is called and read, what it needs and what answers it, the
 * same for its own program and for one that serves several kinds. */
struct idb_app_part {
    struct idb_serve_part served; /* comes first, for idb_asker.part */
    unsigned keys;                /* of enum idb_app_key */
    bool repeatable;              /* done twice, the outcome is the same */
    bool (*handle)(struct idb_app *app, const json_t *request, json_t **answer,
                   struct idb_error *err);
};

struct idb_app_program {
    struct idb_tool tool;
    enum idb_zone zone;
    const struct idb_app_part *part;
    bool no_store;           /* touches no store */
    bool mac_only;           /* asks no more of OpenSSL than mac.h; libpq may all the same */
    bool opens_itself;       /* the handler opens what it needs, and says what it cannot */
    idb_stream_print *human; /* how --human prints an answer; NULL where there is none */
};

enum idb_app_tx { IDB_TX_NONE, IDB_TX_READ, IDB_TX_WRITE };

struct idb_app {
    const struct idb_app_program *program;
    const char *config_option; /* --config */
    const char *line_option;   /* --line */
    const char *attest;        /* --attest */
    bool client;               /* --client: the line is that of who calls, as in CGI */
    bool human;                /* --human */
    bool cgi;
    const struct idb_asker *asker; /* who is at the other end of a socket, see serve.h */
    enum idb_zone zone;
    struct idb_config *config;
    struct idb_store *store;
    struct idb_keys *browser, *code, *bind, *issue, *seal, *invite;
    int64_t keys_stamp[IDB_APP_KEYS]; /* to see that a file was replaced */
    int64_t keys_at;                  /* ms: when they were loaded */
    json_t *tokens;                   /* of exchanges that call over HTTP, once asked for */
    int64_t tokens_stamp;
    const char *line;          /* the line acted for, of the configuration */
    char agent[IDB_AGENT_MAX]; /* "" where no person acts */
    const char *actor;         /* who acts where neither an agent nor a line does */
    enum idb_app_tx tx;
    int64_t now; /* ms, one value a transaction */
};

/* Runs the program as a filter, or as CGI under its second name. */
int idb_app_main(const struct idb_app_program *program, int argc, char **argv);

/* What answers requests by handle, whose context is app: configuration, keys and store
 * are opened and transactions made as for the program itself. */
struct idb_service idb_app_service(struct idb_app *app,
                                   bool (*handle)(void *app, const json_t *request, json_t **answer,
                                                  struct idb_error *err));

/* Takes --config (val 'c'), --line ('l'), --client ('C') and --human ('h'). */
bool idb_app_set(void *app, int option, const char *value, struct idb_error *err);

/* Reads the configuration once; opens the store once. For programs that are no
 * filter. */
bool idb_app_configure(struct idb_app *app, struct idb_error *err);
bool idb_app_open_store(struct idb_app *app, struct idb_error *err);
/* For a program without a store that some requests need one for, and invite.key: what is
 * not open yet is opened. */
bool idb_app_invitations(struct idb_app *app, struct idb_error *err);
bool idb_app_commit(struct idb_app *app, struct idb_error *err);
void idb_app_rollback(struct idb_app *app);
void idb_app_close(struct idb_app *app);
/* Reads the configuration anew, and with it, when they are next needed, keys and store.
 * Where it is not valid the old one stays. */
bool idb_app_reload(struct idb_app *app, struct idb_error *err);

/* A handler calls one of these before it touches the store: begins the group's
 * transaction where there is none yet, and fixes app->now. A read alone takes
 * no lock. */
bool idb_app_read(struct idb_app *app, struct idb_error *err);
bool idb_app_write(struct idb_app *app, struct idb_error *err);

/* Sets app->line. At the desk that is asked, or --line, or the only one. In the
 * phone zone it comes from --line, the only one, or, as CGI and with --client, from
 * who calls: the line of the bearer token where there is one (token.h), else of the
 * client that the web server authenticated; asking is IDB_DATA "bad_request".
 * IDB_NOPERM "not_authenticated", "not_permitted"; IDB_CONFIG or IDB_DATA "unknown_line";
 * IDB_USAGE "usage" where --client stands beside --line or at the desk. */
bool idb_app_line(struct idb_app *app, const char *asked, struct idb_error *err);

/* Sets app->agent to the person who acts: behind a socket the user at its other end; under CGI
 * REMOTE_USER where AUTH_TYPE is set, else sudo's user, else REMOTE_USER as above (set by glue that
 * is CGI), else the user who runs this; never a field of the request. IDB_NOPERM
 * "not_authenticated", or "not_permitted" without that role at the desk. */
bool idb_app_agent(struct idb_app *app, const char *role, struct idb_error *err);

/* Whose hands these are, for a program that needs no role: sudo's user, else the user
 * who runs this; as CGI the web server's. NULL when there is none. */
const char *idb_app_person(const struct idb_app *app);

/* Who acts, for an audit row: "agent:NAME", "attest:NAME", "line:NAME", app->actor,
 * else "resident". */
void idb_app_actor(const struct idb_app *app, char *actor, size_t size);

#endif
