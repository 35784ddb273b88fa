#include "schema.h"

#include <stddef.h>

const struct idb_migration idb_migrations[] = {
    { 1, "CREATE TABLE meta ("
         " name TEXT PRIMARY KEY,"
         " value BIGINT NOT NULL);"
         "INSERT INTO meta (name, value) VALUES ('schema_version', 1);"

         "CREATE TABLE session ("
         " id TEXT PRIMARY KEY,"         /* 128 random bits, base64url */
         " ticket TEXT NOT NULL UNIQUE," /* six characters, for support */
         " state TEXT NOT NULL,"    /* issued called connected wrap_up done expired cancelled */
         " purpose TEXT NOT NULL,"  /* its name in the configuration */
         " line TEXT NOT NULL,"     /* the line it may be called on */
         " lang TEXT NOT NULL,"     /* the resident's language */
         " confirm TEXT NOT NULL,"  /* notify, or page: the resident must confirm */
         " token_hash BLOB UNIQUE," /* SHA-256 of the status token */
         " code_mac BLOB UNIQUE,"   /* HMAC of the code under code.key */
         " code_expires_at BIGINT NOT NULL," /* ms */
         " renewals BIGINT NOT NULL,"        /* new codes given so far */
         " renew_until BIGINT NOT NULL,"     /* ms: no new code after this */
         " created_at BIGINT NOT NULL,"      /* ms */
         " expires_at BIGINT NOT NULL,"      /* ms: erased by then, whatever happens */
         " due_at BIGINT,"                   /* ms: not alive from then on; NULL once ended */
         " call_id TEXT,"                    /* the call the code was keyed in on */
         " called_at BIGINT,"                /* ms */
         " bound BLOB,"                      /* HMAC under bind.key over id, line, call, time */
         " bound_key TEXT,"                  /* the id of that key */
         " caller_last2 TEXT,"               /* last two digits of the caller, or '' withheld */
         " announced BLOB,"                  /* HMAC of the number the resident announced */
         " number_hint TEXT,"                /* match differs withheld unknown */
         " connected_at BIGINT,"             /* ms: first opened by an agent */
         " confirmation TEXT,"               /* JWS by issue.key: the resident said yes */
         " sealed TEXT,"                     /* JWE of the signed record */
         " ended_at BIGINT,"                 /* ms */
         " end_reason TEXT,"                 /* why it ended */
         " refusal TEXT,"                    /* the last refusal, for support */
         " refused_at BIGINT);"              /* ms */
         "CREATE UNIQUE INDEX session_call ON session (line, call_id) WHERE call_id IS NOT NULL;"
         "CREATE INDEX session_due ON session (due_at) WHERE due_at IS NOT NULL;"
         "CREATE INDEX session_codes ON session (code_expires_at) WHERE state = 'issued';"
         "CREATE INDEX session_ended ON session (ended_at) WHERE ended_at IS NOT NULL;"

         /* Calls that had their session or hung up: their ids are never used again. */
         "CREATE TABLE ended_call ("
         " call_hash BLOB PRIMARY KEY," /* SHA-256 over line and call id */
         " at BIGINT NOT NULL,"         /* ms */
         " reason TEXT NOT NULL,"       /* hung_up ended not_me transferred expired … */
         " session TEXT);"
         "CREATE INDEX ended_call_at ON ended_call (at);"

         /* Wrong codes: per call, per caller (HMAC under a daily key), in all. */
         "CREATE TABLE attempts ("
         " subject BLOB PRIMARY KEY,"
         " since BIGINT NOT NULL," /* ms: start of the window that is counted */
         " count BIGINT NOT NULL,"
         " before BIGINT NOT NULL);" /* counted in the window before */
         "CREATE INDEX attempts_since ON attempts (since);"

         "CREATE TABLE audit ("
         " id INTEGER PRIMARY KEY,"
         " at BIGINT NOT NULL,"  /* ms */
         " actor TEXT NOT NULL," /* agent:NAME line:NAME attest:NAME resident purge admin */
         " action TEXT NOT NULL,"
         " session TEXT,"
         " result TEXT NOT NULL,"
         " detail TEXT);" /* JSON: names and ids, never a value */
         "CREATE INDEX audit_at ON audit (at);"
         "CREATE INDEX audit_session ON audit (session);"

         "CREATE TABLE counter ("
         " name TEXT PRIMARY KEY," /* alarms by error word */
         " count BIGINT NOT NULL);" },
    { 2, /* Codes in letters and e-mails. With the store alone none is found or opened: both
            take invite.key, and opening the code too. */
      "CREATE TABLE invitation ("
      " id TEXT PRIMARY KEY,"           /* 128 random bits, base64url */
      " code_mac BLOB NOT NULL UNIQUE," /* HMAC of the code under invite.key */
      " purpose TEXT NOT NULL,"         /* its name in the configuration */
      " bound BIGINT NOT NULL,"         /* 1: good for one person alone */
      " expires_at BIGINT NOT NULL,"    /* ms */
      " spent_at BIGINT,"               /* ms: when somebody agreed to share, by it */
      " sealed TEXT);" /* JWE of reference and person; NULL once spent or expired */
      "CREATE INDEX invitation_expires ON invitation (expires_at);"
      "CREATE INDEX invitation_over ON invitation (COALESCE(spent_at, expires_at));"
      "UPDATE meta SET value = 2 WHERE name = 'schema_version';" },
    { 3, /* A code keyed in writes a page less: audit rows are sought by session only where
          * a call was handed over. */
      "DROP INDEX audit_session;"
      "CREATE INDEX audit_hand_over ON audit (session) WHERE action = 'hand_over';"
      "UPDATE meta SET value = 3 WHERE name = 'schema_version';" },
    { 0, NULL },
};
