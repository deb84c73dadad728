"""Whose account at the providers a call acts in."""

from dataclasses import replace
from typing import cast

import pytest

from backbeat import bootstrap
from backbeat.application import connections
from backbeat.application.services import Call, Services
from backbeat.config import Config
from backbeat.models.errors import Unprocessable
from backbeat.ports.connections import ProviderName
from backbeat.ports.metronome import Metronome
from backbeat.ports.providers import Access
from backbeat.ports.stripe import Stripe
from tests.unit.application.conftest import NOON, HandClock


class Opened:
    """Notes the accounts that are opened, and opens none."""

    def __init__(self) -> None:
        self.metronome: list[Access] = []
        self.stripe: list[Access] = []

    def open_metronome(self, access: Access) -> Metronome:
        self.metronome.append(access)
        return cast("Metronome", None)

    def open_stripe(self, access: Access) -> Stripe:
        self.stripe.append(access)
        return cast("Stripe", None)


@pytest.fixture
def opened() -> Opened:
    return Opened()


def services(opened: Opened, clock: HandClock, **settings: str) -> Services:
    config = Config.model_validate({"BACKBEAT_STATE": ":memory:", **settings})
    built = bootstrap.build(config, clock=clock)
    providers = replace(
        built.providers, open_metronome=opened.open_metronome, open_stripe=opened.open_stripe
    )
    return replace(built, providers=providers)


def call(services: Services, tenant: str = "t1") -> Call:
    return Call(services, tenant, tenant, NOON)


def test_a_deployed_stage_has_its_keys_as_secrets(opened: Opened) -> None:
    clock = HandClock(NOON)
    stage = services(opened, clock)
    with pytest.raises(Unprocessable, match="No account at Stripe"):
        connections.stripe(call(stage))
    stage.secrets.put("stripe_key", "sk_live_stage")
    stage.secrets.put("metronome_key", "stage-token")
    clock.advance(minutes=1)
    connections.stripe(call(stage))
    connections.metronome(call(stage))
    assert opened.stripe == [Access("https://api.stripe.com", "sk_live_stage")]
    assert opened.metronome == [Access("https://api.metronome.com", "stage-token")]


def test_an_owner_s_own_key_comes_first_and_a_new_one_counts_within_a_minute(
    opened: Opened,
) -> None:
    clock = HandClock(NOON)
    stage = services(opened, clock, BACKBEAT_STRIPE_KEY="sk_live_all")
    for key in ("sk_live_first", "sk_live_second"):
        stage.secrets.put("t1/stripe_key", key)
        clock.advance(minutes=1)
        connections.stripe(call(stage))
    connections.stripe(call(stage, "t2"))
    assert [one.key for one in opened.stripe] == ["sk_live_first", "sk_live_second", "sk_live_all"]


def test_the_caller_s_token_opens_its_own_sandbox_later_too(opened: Opened) -> None:
    stage = services(
        opened,
        HandClock(NOON),
        METRONOME_BASE_URL="http://127.0.0.1:3000/",
        BACKBEAT_METRONOME_KEY="{token}",
        BACKBEAT_STRIPE_KEY="sk_test_{token}",
    )
    with pytest.raises(Unprocessable):
        connections.metronome(call(stage))
    connections.remember_token(call(stage), "tour")
    # A job acts for the tenant, which has another name once the sandbox was reset.
    connections.metronome(call(stage))
    connections.stripe(call(stage, "t1.2"))
    assert opened.metronome == [Access("http://127.0.0.1:3000", "tour")]
    assert opened.stripe[0].key == "sk_test_tour"
    with pytest.raises(Unprocessable):
        connections.stripe(call(stage, "t2"))


def test_a_stage_may_be_its_own_provider_once_its_address_is_known(opened: Opened) -> None:
    clock = HandClock(NOON)
    stage = services(
        opened,
        clock,
        METRONOME_BASE_URL="{own}",
        STRIPE_API_BASE="{own}/stripe",
        BACKBEAT_METRONOME_KEY="key",
        BACKBEAT_STRIPE_KEY="sk_test_key",
    )
    with pytest.raises(Unprocessable, match="Metronome"):
        connections.metronome(call(stage))
    with pytest.raises(Unprocessable, match="Metronome"):
        connections.metronome_address(call(stage))
    # The stack's deployment writes it, in the end.
    stage.secrets.put("own_address", "https://abc.execute-api.eu-west-1.amazonaws.com/")
    clock.advance(minutes=1)
    connections.metronome(call(stage))
    connections.stripe(call(stage))
    own = "https://abc.execute-api.eu-west-1.amazonaws.com"
    assert connections.metronome_address(call(stage)) == own
    assert opened.metronome == [Access(own, "key")]
    assert opened.stripe == [Access(f"{own}/stripe", "sk_test_key")]


def test_tokens_are_kept_only_where_keys_are_made_of_them(opened: Opened) -> None:
    stage = services(opened, HandClock(NOON), BACKBEAT_STRIPE_KEY="sk_live_all")
    connections.remember_token(call(stage), "secret")
    assert stage.secrets.get("t1/token") is None


def test_webhook_secrets_of_the_stage(opened: Opened) -> None:
    stage = services(opened, HandClock(NOON), BACKBEAT_STRIPE_WEBHOOK_SECRETS="whsec_a whsec_b")
    stripe = ProviderName.STRIPE
    assert connections.default_webhook_secrets(call(stage), stripe) == ["whsec_a", "whsec_b"]
    assert connections.default_webhook_secrets(call(stage), ProviderName.METRONOME) == []
    connections.keep_as(call(stage), "stripe_webhook_secrets", "whsec_new whsec_a")
    assert connections.default_webhook_secrets(call(stage), stripe) == ["whsec_new", "whsec_a"]
