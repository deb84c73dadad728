"""API keys with scopes or roles, and tokens for clients (OAuth 2.0 client credentials)."""

from backbeat import bootstrap
from backbeat.api import auth, oauth_wire, pagination
from backbeat.api.oauth_wire import NEVER_KEPT
from backbeat.api.replies import Reply, ok, page
from backbeat.api.requests import OpenRequest, Request
from backbeat.api.resolver import Api
from backbeat.api.schemas.api_keys import (
    ChangeKey,
    ChangeRole,
    CreateKey,
    ListApiKeys,
    RotateKey,
)
from backbeat.api.views.api_keys import issued_view, key_view, role_view
from backbeat.application import api_keys, oauth, roles
from backbeat.application.services import Call
from backbeat.models.api_keys import ApiKey, Role
from backbeat.models.errors import NotFound

api = Api("access", bootstrap.services)


@api.open_route("POST", "/oauth/token")
def give_token(request: OpenRequest) -> Reply:
    """Gives a client a token for an hour, for its id and secret."""
    try:
        wanted = oauth_wire.parse(request)
        given = oauth.grant(
            request.services,
            client_id=wanted.client_id,
            client_secret=wanted.client_secret,
            wanted=wanted.scope,
            user_agent=auth.user_agent(request.headers),
        )
    except oauth.Refused as why:
        return oauth_wire.refused(why)
    return oauth_wire.granted(given)


@api.route("POST", "/api/keys", secret=True, successes=(201,))
def create_key(request: Request, body: CreateKey) -> Reply:
    """Makes an API key and shows it this once."""
    auth.remember_token(request)
    now = request.call.services.clock.now()
    issued = api_keys.create(
        request.call,
        name=body.name,
        scopes=body.scopes or (),
        role=body.role,
        own_scopes=request.caller.scopes,
        expires_at=body.end(now),
    )
    [standing] = api_keys.standings(request.call, [issued.key])
    shown = issued_view(issued, standing, now)
    return Reply(201, {"data": shown}, NEVER_KEPT)


@api.route("GET", "/api/keys")
def list_keys(request: Request, query: ListApiKeys) -> Reply:
    """Lists the API keys, revoked ones too, without their secrets."""
    shown, cursor = pagination.slice_after(
        api_keys.of_owner(request.call),
        position=lambda key: key.id,
        limit=query.limit,
        cursor=pagination.decode(query.next_page, {}),
    )
    now, standings = request.call.services.clock.now(), api_keys.standings(request.call, shown)
    views = [key_view(key, one, now) for key, one in zip(shown, standings, strict=True)]
    return page(views, pagination.encode(cursor, {}))


@api.route("GET", "/api/keys/{key}")
def get_key(request: Request) -> Reply:
    """Shows an API key without its secrets."""
    return ok(_shown(request.call, api_keys.find(request.call, request.path["key"])))


@api.route("PATCH", "/api/keys/{key}")
def change_key(request: Request, body: ChangeKey) -> Reply:
    """Gives an API key other scopes or another role, from its next request on."""
    changed = api_keys.change(
        request.call,
        request.path["key"],
        scopes=body.scopes or (),
        role=body.role,
        own_scopes=request.caller.scopes,
    )
    return ok(_shown(request.call, changed))


@api.route("POST", "/api/keys/{key}/rotate", secret=True)
def rotate_key(request: Request, body: RotateKey) -> Reply:
    """Gives an API key another secret and shows it this once; the one before ends a while later."""
    issued = api_keys.rotate(
        request.call,
        request.path["key"],
        overlap=body.overlap,
        own_scopes=request.caller.scopes,
    )
    now = request.call.services.clock.now()
    [standing] = api_keys.standings(request.call, [issued.key])
    shown = issued_view(issued, standing, now)
    return Reply(200, {"data": shown}, NEVER_KEPT)


@api.route("POST", "/api/keys/{key}/revoke")
def revoke_key(request: Request) -> Reply:
    """Ends an API key at once, and the tokens that it was exchanged for."""
    return ok(_shown(request.call, api_keys.revoke(request.call, request.path["key"])))


@api.route("GET", "/api/roles")
def list_roles(request: Request) -> Reply:
    """Lists the roles that keys can have, and what they may do."""
    given = roles.of_owner(request.call)
    return page([role_view(role, scopes) for role, scopes in given.items()], None)


@api.route("PUT", "/api/roles/{role}")
def change_role(request: Request, body: ChangeRole) -> Reply:
    """Gives a role other scopes, and so all keys that have it, at once."""
    name = request.path["role"]
    if name not in set(Role):
        raise NotFound("role", name)
    role = Role(name)
    scopes = roles.change(request.call, role, body.scopes, request.caller.scopes)
    return ok(role_view(role, scopes))


def _shown(call: Call, key: ApiKey) -> dict[str, object]:
    [standing] = api_keys.standings(call, [key])
    return key_view(key, standing, call.services.clock.now())


handler = api.handler
