"""Samples: what is logged."""


def tell(logger, self, password, cookie, key, error, api_key, id_, session):
    # ruleid: no-secret-in-logs
    logger.info("Somebody typed %s", password)
    # ruleid: no-secret-in-logs
    self._logger.warning(f"The cookie {cookie} is old")
    # ruleid: no-secret-in-logs
    logger.debug("Key %s of %s", api_key, id_)
    # ruleid: no-secret-in-logs
    logger.error("Sent %s", session.token)
    # ruleid: no-secret-in-logs
    logger.error("Sent %s", cookie.text)
    # ok: no-secret-in-logs
    logger.info("The password of %s was changed", id_)
    # ok: no-secret-in-logs
    logger.warning("A token could not be looked up: %s", error.code)
    # ok: no-secret-in-logs
    self.cookies.set("name", cookie)
