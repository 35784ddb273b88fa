#include "handlers.h"

#include "audit.h"
#include "bsn.h"
#include "invitation.h"
#include "picture.h"
#include "qr.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DAY_MS       (24 * 60 * 60 * 1000LL)
#define ADDRESS_SIZE 600
#define PNG_SCALE    8 /* pixels a module: sharp in print at 25 mm */

/* What is asked for, checked. */
struct wish {
    const char *purpose;
    const char *reference;
    const char *person;
    const char *lang;
    const char *qr; /* "svg", "png" or NULL */
    int64_t expires_at;
};

static bool check_purpose(const struct idb_app *app, const struct wish *w, struct idb_error *err)
{
    const json_t *purpose = idb_config_purpose(app->config, w->purpose);

    if (!purpose)
        return idb_fail(err, IDB_DATA, "unknown_purpose",
                        "The configuration has no such purpose; idb-config show lists them.");
    if (json_array_size(json_object_get(purpose, "methods")) == 0)
        return idb_fail(err, IDB_DATA, "cannot_invite",
                        "The purpose has no method to log in by, so nobody could answer.");
    if (!w->person)
        return true;
    if (!idb_invitation_bsn(app, w->purpose))
        return idb_fail(err, IDB_DATA, "cannot_invite",
                        "The purpose asks for no citizen service number (an attribute of type bsn),"
                        " so nobody could be told from the person invited.");
    return idb_bsn_is_valid(w->person)
           || idb_fail(err, IDB_DATA, "bad_person",
                       "\"person\" is no citizen service number (nine digits, test of eleven).");
}

/* expires_in (seconds), expires_at (a moment), or the longest there is. */
static bool read_expiry(const struct idb_app *app, const json_t *request, int64_t now,
                        int64_t *expires_at, struct idb_error *err)
{
    const json_t *seconds = json_object_get(request, "expires_in");
    const char *moment = idb_request_text(request, "expires_at");
    int64_t longest = app->config->invite_days * DAY_MS;
    json_int_t in = json_integer_value(seconds);

    *expires_at = now + longest;
    if (seconds && moment)
        return idb_fail(err, IDB_DATA, "bad_request",
                        "\"expires_in\" and \"expires_at\" exclude each other.");
    if (seconds && (in < 1 || in > longest / 1000))
        return idb_fail(err, IDB_DATA, "bad_request",
                        "\"expires_in\" is a number of seconds, at most invite.days (%d days).",
                        app->config->invite_days);
    if (seconds)
        *expires_at = now + in * 1000;
    if (!moment)
        return true;
    return (idb_timestamp_parse(expires_at, moment) && *expires_at > now
            && *expires_at <= now + longest)
           || idb_fail(err, IDB_DATA, "bad_request",
                       "\"expires_at\" is RFC 3339, such as 2026-01-31T12:00:00Z, to come, and"
                       " within invite.days (%d days).",
                       app->config->invite_days);
}

/* A letter leads to a page in its language for as long as it lives. */
static bool check_lang(const struct idb_app *app, const struct wish *w, struct idb_error *err)
{
    const json_t *organisation = json_object_get(app->config->root, "organisation");

    if (json_object_get(json_object_get(organisation, "name"), w->lang))
        return true;
    return idb_fail(err, IDB_DATA, "bad_request",
                    "\"lang\" is a language that organisation.name has no text in.");
}

static bool read_wish(struct idb_app *app, const json_t *request, struct wish *w,
                      struct idb_error *err)
{
    static const struct idb_member members[] = {
        { "purpose", JSON_STRING, 64, IDB_REQUIRED },
        { "reference", JSON_STRING, 128, IDB_OPTIONAL },
        { "person", JSON_STRING, 64, IDB_OPTIONAL },
        { "lang", JSON_STRING, 2, IDB_OPTIONAL },
        { "expires_in", JSON_INTEGER, 0, IDB_OPTIONAL },
        { "expires_at", JSON_STRING, 40, IDB_OPTIONAL },
        { "qr", JSON_STRING, 3, IDB_OPTIONAL },
    };

    if (!idb_request_check(request, members, 7, err) || !idb_request_lang(request, &w->lang, err))
        return false;
    w->purpose = idb_request_text(request, "purpose");
    w->reference = idb_request_text(request, "reference");
    w->person = idb_request_text(request, "person");
    w->qr = idb_request_text(request, "qr");
    if (w->qr && strcmp(w->qr, "svg") != 0 && strcmp(w->qr, "png") != 0)
        return idb_fail(err, IDB_DATA, "bad_request", "\"qr\" is svg or png.");
    return check_lang(app, w, err) && check_purpose(app, w, err);
}

/* A whole drawing, to stand in a page or in a file of its own. */
static json_t *svg_of(const struct idb_qr *qr)
{
    json_t *drawn = idb_qr_json(qr);
    json_int_t n = json_integer_value(json_object_get(drawn, "size"));
    const char *path = json_string_value(json_object_get(drawn, "path"));
    json_t *svg = NULL;

    if (path)
        svg = json_sprintf("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\""
                           " shape-rendering=\"crispEdges\"><path fill=\"#fff\" d=\"M0 0h%dv%dH0z\""
                           "/><path d=\"%s\"/></svg>",
                           (int)n, (int)n, (int)n, (int)n, path);
    json_decref(drawn);
    return svg;
}

static bool png_of(const struct idb_qr *qr, json_t **png, struct idb_error *err)
{
    unsigned char *bytes = NULL;
    size_t size = 0;

    if (!idb_picture_of_qr(&bytes, &size, qr, PNG_SCALE, err))
        return false;
    *png = idb_picture_base64(bytes, size);
    idb_picture_free(bytes, size);
    return true;
}

static bool add_qr(json_t *answer, const char *kind, const char *address, struct idb_error *err)
{
    bool png = !strcmp(kind, "png");
    struct idb_qr qr = { 0 };
    json_t *drawn = NULL;
    bool ok = idb_qr_make(&qr, address, err);

    if (ok && png)
        ok = png_of(&qr, &drawn, err);
    else if (ok)
        drawn = svg_of(&qr);
    idb_qr_free(&qr);
    return ok
           && (!json_object_set_new(answer, png ? "qr_png" : "qr_svg", drawn)
               || idb_fail(err, IDB_TEMPFAIL, "memory", "Out of memory."));
}

/* Where to type the code, and where it is typed already. The short one is Dutch and
 * leads on to the other languages. */
static void write_addresses(const struct idb_app *app, const char *lang, const char *code,
                            char plain[ADDRESS_SIZE], char with_code[ADDRESS_SIZE])
{
    const char *url = json_string_value(
        json_object_get(json_object_get(app->config->root, "organisation"), "url"));
    int n = (int)strlen(url);

    while (n > 0 && url[n - 1] == '/')
        n--;
    snprintf(plain, ADDRESS_SIZE, "%.*s/i", n, url);
    if (!strcmp(lang, "nl"))
        snprintf(with_code, ADDRESS_SIZE, "%.*s/i?c=%s", n, url, code);
    else
        snprintf(with_code, ADDRESS_SIZE, "%.*s/%s/invite?c=%s", n, url, lang, code);
}

/* Everything that a letter needs, but for the address of whom it goes to. */
static bool describe(struct idb_app *app, const struct wish *w, const struct idb_invitation *inv,
                     json_t **answer, struct idb_error *err)
{
    const json_t *organisation = json_object_get(app->config->root, "organisation");
    const char *line =
        json_string_value(json_object_get(idb_config_purpose(app->config, w->purpose), "line"));
    char plain[ADDRESS_SIZE], with_code[ADDRESS_SIZE];
    char shown[IDB_INVITATION_SHOWN_SIZE];
    bool ok;

    write_addresses(app, w->lang, inv->code, plain, with_code);
    idb_invitation_show(shown, inv->code);
    *answer =
        json_pack("{s:s, s:s, s:s, s:s, s:s, s:o, s:s*, s:s, s:b}", "invitation", inv->id, "code",
                  shown, "address", plain, "address_with_code", with_code, "organisation",
                  idb_config_text(json_object_get(organisation, "name"), w->lang), "purpose",
                  idb_answer_purpose(app, w->purpose, w->lang), "reference", w->reference, "lang",
                  w->lang, "bound", inv->is_bound);
    ok = *answer || idb_fail(err, IDB_TEMPFAIL, "memory", "Out of memory.");
    if (ok) {
        idb_answer_time(*answer, "expires_at", inv->expires_at);
        idb_answer_number(app, *answer, line, NULL);
    }
    ok = ok && (!w->qr || add_qr(*answer, w->qr, with_code, err));
    idb_wipe(with_code, sizeof with_code);
    idb_wipe(shown, sizeof shown);
    return ok;
}

static bool record(struct idb_app *app, const struct idb_invitation *inv, struct idb_error *err)
{
    char actor[IDB_AGENT_MAX + 8];
    bool ok;

    snprintf(actor, sizeof actor, "invite:%s", idb_app_person(app));
    app->actor = actor;
    ok = idb_audit(app, "invite", NULL, "ok",
                   json_pack("{s:s, s:s, s:b}", "invitation", inv->id, "purpose", inv->purpose,
                             "bound", inv->is_bound),
                   err);
    app->actor = NULL;
    return ok;
}

bool idb_handle_invite(struct idb_app *app, const json_t *request, json_t **answer,
                       struct idb_error *err)
{
    struct idb_invitation inv = { 0 };
    struct wish w = { 0 };
    bool ok;

    if (app->cgi || !idb_app_person(app))
        return idb_fail(err, IDB_NOPERM, "not_permitted",
                        "Invitations are made from a shell, by the user of the invite zone, not"
                        " over HTTP.");
    ok = read_wish(app, request, &w, err) && idb_app_write(app, err)
         && read_expiry(app, request, app->now, &w.expires_at, err);
    if (ok) {
        snprintf(inv.purpose, sizeof inv.purpose, "%s", w.purpose);
        inv.is_bound = w.person != NULL;
        inv.expires_at = w.expires_at;
        ok = idb_invitation_add(app, &inv, w.reference, w.person, err) && record(app, &inv, err)
             && describe(app, &w, &inv, answer, err);
    }
    idb_invitation_clear(&inv);
    return ok;
}

const struct idb_app_part idb_handle_invite_part = {
    .served = { .name = "invite" },
    .keys = IDB_KEY_INVITE,
    .handle = idb_handle_invite,
};
