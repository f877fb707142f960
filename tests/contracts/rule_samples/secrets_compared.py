"""Samples: secrets that are compared."""


def compare(found, sent, password, stored, hmac, digest, given_token, token, kind, table, status):
    # ruleid: secrets-are-compared-in-constant-time
    if found.secret == sent:
        return
    # ruleid: secrets-are-compared-in-constant-time
    if password != stored:
        return
    # ruleid: secrets-are-compared-in-constant-time
    return given_token == token or check(
        # ruleid: secrets-are-compared-in-constant-time
        digest == hash_of(sent)
    )
    # ok: secrets-are-compared-in-constant-time
    if hmac.compare_digest(password, stored):
        return
    # ok: secrets-are-compared-in-constant-time
    if token == "authorization":
        return
    # ok: secrets-are-compared-in-constant-time
    if password != None:
        return
    # ok: secrets-are-compared-in-constant-time
    where = table.c.token == token
    # ok: secrets-are-compared-in-constant-time
    return kind == status, where
