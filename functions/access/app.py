"""API keys with scopes, and tokens for clients (OAuth 2.0 client credentials)."""

from backbeat import bootstrap
from backbeat.api import auth, oauth_wire, pagination
from backbeat.api.oauth_wire import NEVER_KEPT
from backbeat.api.replies import Reply, ok, page
from backbeat.api.requests import OpenRequest, Request
from backbeat.api.resolver import Api
from backbeat.api.schemas.api_keys import CreateKey, ListApiKeys, RotateKey
from backbeat.api.views.api_keys import issued_view, key_view
from backbeat.application import api_keys, oauth

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
        scopes=body.scopes,
        own_scopes=request.caller.scopes,
        expires_at=body.end(now),
    )
    return Reply(201, {"data": issued_view(issued, now)}, NEVER_KEPT)


@api.route("GET", "/api/keys")
def list_keys(request: Request, query: ListApiKeys) -> Reply:
    """Lists the API keys, revoked ones too, without their secrets."""
    shown, cursor = pagination.slice_after(
        api_keys.of_owner(request.call),
        position=lambda key: key.id,
        limit=query.limit,
        cursor=pagination.decode(query.next_page, {}),
    )
    now = request.call.services.clock.now()
    return page([key_view(key, now) for key in shown], pagination.encode(cursor, {}))


@api.route("GET", "/api/keys/{key}")
def get_key(request: Request) -> Reply:
    """Shows an API key without its secrets."""
    key = api_keys.find(request.call, request.path["key"])
    return ok(key_view(key, request.call.services.clock.now()))


@api.route("POST", "/api/keys/{key}/rotate", secret=True)
def rotate_key(request: Request, body: RotateKey) -> Reply:
    """Gives an API key another secret and shows it this once; the one before ends a while later."""
    issued = api_keys.rotate(request.call, request.path["key"], overlap=body.overlap)
    shown = issued_view(issued, request.call.services.clock.now())
    return Reply(200, {"data": shown}, NEVER_KEPT)


@api.route("POST", "/api/keys/{key}/revoke")
def revoke_key(request: Request) -> Reply:
    """Ends an API key at once, and the tokens that it was exchanged for."""
    key = api_keys.revoke(request.call, request.path["key"])
    return ok(key_view(key, request.call.services.clock.now()))


handler = api.handler
