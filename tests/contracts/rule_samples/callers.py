"""Samples: who calls, as headers say it."""


def who(request):
    # ruleid: proxies-name-the-caller-in-one-place
    address = request.headers.get("x-forwarded-for")
    # ruleid: proxies-name-the-caller-in-one-place
    scheme = request.headers["X-Forwarded-Proto"]
    # ruleid: proxies-name-the-caller-in-one-place
    real = request.headers.get("X-Real-IP", "")
    # ok: proxies-name-the-caller-in-one-place
    client = request.client.host
    # ok: proxies-name-the-caller-in-one-place
    agent = request.headers.get("user-agent")
    return address, scheme, real, client, agent
