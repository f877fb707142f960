"""Every route beside GraphQL leaves an audit entry where it changes something, or says why not."""

import base64
import hashlib
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

from pyotp.totp import TOTP
from sqlalchemy import select
from starlette.routing import BaseRoute, Route

from headgate_server.domain import ids
from headgate_server.domain.permissions import BuiltinRole
from headgate_server.http.frontend import frontend_routes
from headgate_server.services import login_sessions
from headgate_server.tables.audit_entries import audit_entries
from tests.factories.invitations import make_invitation, newcomer
from tests.factories.members import everywhere, make_member
from tests.factories.people import Person, code_of, make_person
from tests.fixtures.provider_worlds import ProviderWorld
from tests.fixtures.visitors import visit

VERIFIER = "a verifier of more than forty-three characters, all random"
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=")

UNAUDITED = {
    "GET /healthz/live": "says how the process does, and nothing of anybody",
    "GET /healthz/ready": "as live",
    "GET /healthz/startup": "as live",
    "GET /{path:path}": "the files of the web application",
    "GET /auth/pages.css": "a file",
    "GET /auth/pages.js": "a file",
    "GET /auth/sign-in": "an empty form",
    "GET /auth/password/reset": "an empty form",
    "GET /auth/password/new": "an empty form: the link's token stays in the browser",
    "GET /auth/email/new": "as password/new",
    "GET /auth/invitation": "as password/new",
    "GET /auth/device": "a form, and one's own organizations by name",
    "GET /auth/cli": "as device",
    "GET /auth/account": "shows people themselves: their sessions, identities and names of keys",
    "POST /auth/password/reset": "whoever asks is nobody yet: what changes is a mail to the owner; "
    "the reset itself is written down",
    "POST /auth/email": "what changes is a mail; the change of the address is written down",
    "POST /auth/second-factor/begin": "nothing is on until a code is shown, which is written down",
    "POST /auth/oidc/okta": "sends a browser away; the way back is written down",
    "POST /auth/oidc/other": "as okta",
    "POST /auth/oidc/okta/link": "as okta",
    "POST /auth/oidc/other/link": "as okta",
    "POST /auth/invitation/look": "shows an invitation to who has its link, and changes nothing",
    "POST /auth/device/begin": "whoever asks is nobody yet; the key that it may end in is written "
    "down",
    "POST /auth/device/look": "shows what a program asks for to who typed its code",
    "POST /auth/device/decide": "gives nothing by itself: the key is made, and written down, as "
    "the program takes it within minutes",
    "POST /auth/cli/allow": "as device/decide",
}
"""What changes nothing that lasts, or shows nothing of others."""


@dataclass(slots=True)
class Scene:
    """Somebody at a browser, who owns an organization, and may sign in with a provider, too."""

    world: ProviderWorld
    person: Person
    code: TOTP | None = None

    async def post(self, path: str, **body: Any) -> Any:
        answer = await self.world.visitor.post(path, **body)
        assert answer.status_code in {200, 202}, (path, answer.text)
        return answer.json()

    async def sign_in(self) -> None:
        given = {"email": self.person.email, "password": self.person.password}
        await self.post("/auth/sign-in", **given)

    async def place(self) -> str:
        page = (await self.world.visitor.get("/auth/device")).text
        (found,) = re.findall(r'<option value="(org_\w+)">', page)
        return found

    async def invited(self) -> str:
        owner = await make_member(
            self.world.installation.database, self.world.tenant, everywhere(BuiltinRole.OWNER)
        )
        _, token = await make_invitation(
            self.world.installation.database, owner, is_for_anybody=True
        )
        return token

    async def mailed(self) -> str:
        """Return the token of the next mail that has a link with one."""
        while True:
            letter = await self.world.installation.post_office.take()
            if "#" in letter.text:
                return letter.token


async def turn_on(scene: Scene) -> None:
    begun = await scene.post("/auth/second-factor/begin", password=scene.person.password)
    scene.code = TOTP(begun["secret"])
    code = await code_of(scene.world.installation.database, scene.code, steps=-1)
    await scene.post("/auth/second-factor/confirm", code=code)


async def turn_off(scene: Scene) -> None:
    assert scene.code is not None
    code = await code_of(scene.world.installation.database, scene.code)
    await scene.post("/auth/second-factor/end", code=code)


async def change_password(scene: Scene) -> None:
    new = "a few other words"
    await scene.post("/auth/password", current=scene.person.password, new=new)
    scene.person.password = new


async def end_session(scene: Scene) -> None:
    given = {"email": scene.person.email, "password": scene.person.password}
    async with visit(scene.world.installation.app) as other:
        await other.post("/auth/sign-in", **given)
    async with scene.world.installation.database.system() as work:
        open_ = await login_sessions.list_sessions(work, user_id=scene.person.id)
    latest = max(open_, key=lambda one: one.created_at)
    await scene.post("/auth/sessions/end", id=ids.show(ids.Kind.LOGIN_SESSION, latest.id))


async def log_in_by_browser(scene: Scene) -> None:
    allowed = await scene.post(
        "/auth/cli/allow",
        port=50_000,
        state="state-state-state",
        challenge=CHALLENGE.decode(),
        client="a laptop",
        isAllowed=True,
        organization=await scene.place(),
    )
    code = parse_qs(urlsplit(str(allowed["location"])).query)["code"][0]
    await scene.post("/auth/cli/token", code=code, verifier=VERIFIER)


async def log_in_by_code(scene: Scene) -> None:
    begun = await scene.post("/auth/device/begin", client="a server")
    await scene.post(
        "/auth/device/decide",
        code=begun["userCode"],
        isAllowed=True,
        organization=await scene.place(),
    )
    await scene.post("/auth/device/token", deviceCode=begun["deviceCode"])


async def revoke_keys(scene: Scene) -> None:
    await scene.post("/auth/keys/revoke-all")


async def link(scene: Scene) -> None:
    done = await scene.world.sign_in(slug="okta/link", back="okta")
    assert done.status_code == 303


async def unlink(scene: Scene) -> None:
    viewer = await scene.world.visitor.ask("{ viewer { identities { id } } }")
    await scene.post("/auth/identities/unlink", id=viewer["viewer"]["identities"][0]["id"])


async def change_address(scene: Scene) -> None:
    new = "ada.lovelace@example.com"
    await scene.post("/auth/email", email=new, password=scene.person.password)
    await scene.post("/auth/email/new", token=await scene.mailed())
    scene.person.email = new


async def reset_password(scene: Scene) -> None:
    await scene.post("/auth/password/reset", email=scene.person.email)
    scene.person.password = "words of a better day"
    await scene.post(
        "/auth/password/new", token=await scene.mailed(), password=scene.person.password
    )


async def sign_out(scene: Scene) -> None:
    await scene.post("/auth/sign-out")


async def join(scene: Scene) -> None:
    await scene.sign_in()
    await scene.post("/auth/invitation/join", token=await scene.invited())


async def join_as_new(scene: Scene) -> None:
    await scene.post("/auth/invitation/new", **newcomer(await scene.invited()))


async def delete(scene: Scene) -> None:
    await scene.sign_in()
    await scene.post("/auth/account/delete", password=scene.person.password)


JOURNEYS: tuple[tuple[str, str, Callable[[Scene], Awaitable[None]]], ...] = (
    ("POST /auth/sign-in", "user.signed_in", Scene.sign_in),
    ("POST /auth/second-factor/confirm", "user.second_factor_turned_on", turn_on),
    ("POST /auth/second-factor/end", "user.second_factor_turned_off", turn_off),
    ("POST /auth/password", "user.password_changed", change_password),
    ("POST /auth/sessions/end", "user.signed_out", end_session),
    ("POST /auth/cli/token", "api_key.created", log_in_by_browser),
    ("POST /auth/device/token", "api_key.created", log_in_by_code),
    ("POST /auth/keys/revoke-all", "api_key.revoked", revoke_keys),
    ("GET /auth/oidc/{slug}/callback", "user.identity_linked", link),
    ("POST /auth/identities/unlink", "user.identity_unlinked", unlink),
    ("POST /auth/email/new", "user.email_changed", change_address),
    ("POST /auth/password/new", "user.password_reset", reset_password),
    ("POST /auth/invitation/join", "invitation.accepted", join),
    ("POST /auth/invitation/new", "invitation.accepted", join_as_new),
    ("POST /auth/sign-out", "user.signed_out", sign_out),
    ("POST /auth/account/delete", "user.deleted", delete),
)
"""What is tried, one after the other; each leaves an entry of its action."""


def _named(route: BaseRoute) -> list[str]:
    if not isinstance(route, Route) or route.path == "/graphql":
        return []
    methods = (route.methods or {"GET"}) - {"HEAD"}
    return [f"{method} {route.path}" for method in methods]


async def test_every_route_is_tried_or_has_a_reason(provider_world: ProviderWorld) -> None:
    routes = [*provider_world.installation.app.routes, *frontend_routes()]
    tried = [path for path, _, _ in JOURNEYS]

    assert {name for route in routes for name in _named(route)} == {*tried, *UNAUDITED}
    assert not {*tried} & {*UNAUDITED}
    assert all(UNAUDITED.values())


async def test_what_changes_something_leaves_an_entry(provider_world: ProviderWorld) -> None:
    installation = provider_world.installation
    person = await make_person(installation.database, owns=provider_world.tenant)
    scene = Scene(provider_world, person)

    async def actions() -> list[str]:
        listed = select(audit_entries.c.action).order_by(audit_entries.c.at, audit_entries.c.id)
        async with installation.database.system() as work:
            return list((await work.execute(listed)).scalars())

    silent: list[str] = []
    for path, action, go in JOURNEYS:
        before = len(await actions())
        await go(scene)
        if action not in (await actions())[before:]:
            silent.append(path)

    assert silent == []
