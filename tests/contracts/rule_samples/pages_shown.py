"""Samples: pages, cookies, and where people are led."""


def show(request, response, name, title, remembered):
    # ruleid: markup-is-filled
    body = Markup(f"<b>{name}</b>")
    # ruleid: markup-is-filled
    more = Markup("<b>" + name)
    # ruleid: markup-is-filled
    page = HTMLResponse(f"<h1>{title}</h1>")
    # ok: markup-is-filled
    fixed = Markup("<b>fixed</b>")
    # ok: markup-is-filled
    filled = fill("account", name=name)
    # ruleid: cookies-are-closed
    response.set_cookie("a", "b")
    # ruleid: cookies-are-closed
    response.set_cookie("a", "b", httponly=False, samesite="lax")
    # ok: cookies-are-closed
    response.set_cookie("a", "b", path="/", secure=True, httponly=True, samesite="lax")
    # ruleid: redirects-stay-here
    led = RedirectResponse(request.query_params["next"], status_code=303)
    # ruleid: redirects-stay-here
    on = RedirectResponse(remembered.next)
    # ok: redirects-stay-here
    here = RedirectResponse("/auth/account", status_code=303)
    # ok: redirects-stay-here
    RedirectResponse(f"/auth/sign-in?next={name}")
    # ok: redirects-stay-here
    asked = RedirectResponse(place_within(request.query_params["next"]))
    return body, more, page, fixed, filled, led, on, here, asked
