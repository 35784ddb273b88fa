/*
 * Bearer tokens (RFC 6750) of telephone exchanges that call over HTTP. A token is
 * "idb_" and 256 random bits in base64url; DIRECTORY/phone/tokens holds only their
 * SHA-256, each with its line, several at once so that they can be replaced one after
 * the other:
 *
 *     {"tokens":[{"id":"16 hex digits","line":"kcc","hash":"…","created_at":"…"}]}
 *
 *     const char *line = NULL;
 *     json_t *tokens = idb_tokens_read(config, err);
 *     if (tokens && idb_token_is_bearer(authorization)
 *         && !idb_token_line(&line, config, tokens, authorization, err)) ...
 */
#ifndef IDB_TOKEN_H
#define IDB_TOKEN_H

#include "b64.h"
#include "keys.h"

#define IDB_TOKENS_FILE  "tokens"
#define IDB_TOKENS_MAX   64
#define IDB_TOKEN_PREFIX "idb_"
#define IDB_TOKEN_SIZE   (sizeof IDB_TOKEN_PREFIX - 1 + IDB_B64_SIZE(IDB_KEY_SIZE)) /* with NUL */
#define IDB_TOKEN_HASH   IDB_B64_SIZE(IDB_MAC_SIZE)                                 /* with NUL */

/* True when an Authorization header, or NULL, is of the scheme Bearer. */
bool idb_token_is_bearer(const char *authorization);

/* The line of the token in such a header, borrowed from config. Every one of tokens is
 * compared, each in constant time. IDB_NOPERM "not_authenticated" where none is it, or there
 * are none, and "not_permitted" where its line is gone. */
bool idb_token_line(const char **line, const struct idb_config *config, const json_t *tokens,
                    const char *authorization, struct idb_error *err);

/* What the file holds, checked, a new reference; no file is no tokens. "key_unreadable",
 * "key_rights" and "key_corrupt" as idb_keys_load says. */
json_t *idb_tokens_read(const struct idb_config *config, struct idb_error *err);

/* Base64url of the SHA-256 of a token; false only when OpenSSL fails. */
bool idb_token_hash(char hash[IDB_TOKEN_HASH], const char *token, size_t n);

#endif
