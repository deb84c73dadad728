"""The environment variables of the template, as one model."""

import os
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field

_PER_SECONDS: Final = r"^([1-9]\d{0,6}/[1-9]\d{0,4})?$"


class Config(BaseModel):
    """How this stage is set up. `state` is the SQLite file and makes everything local.

    `connection` is the owner of webhooks that come in and name no account.
    `rate_limit` is `requests/seconds`, or empty for none.
    The `mock_` variables are the older mock's own and count in profile `mock` only.
    """

    model_config = ConfigDict(frozen=True, populate_by_name=False)

    stage: Literal["dev", "test", "prod"] = Field("dev", alias="BACKBEAT_STAGE")
    sandbox: Literal["on", "off"] = Field("off", alias="BACKBEAT_SANDBOX")
    tokens: Literal["open", "issued"] = Field("issued", alias="BACKBEAT_TOKENS")
    table: str = Field("", alias="BACKBEAT_TABLE")
    webhook_queue_url: str = Field("webhooks", alias="BACKBEAT_WEBHOOK_QUEUE_URL")
    webhook_dead_letter_url: str = Field("", alias="BACKBEAT_WEBHOOK_DLQ_URL")
    job_queue_url: str = Field("jobs", alias="BACKBEAT_JOBS_QUEUE_URL")
    job_dead_letter_url: str = Field("", alias="BACKBEAT_JOBS_DLQ_URL")
    stripe_queue_url: str = Field("stripe", alias="BACKBEAT_STRIPE_QUEUE_URL")
    stripe_dead_letter_url: str = Field("", alias="BACKBEAT_STRIPE_DLQ_URL")
    inbound_queue_url: str = Field("inbound", alias="BACKBEAT_INBOUND_QUEUE_URL")
    inbound_dead_letter_url: str = Field("", alias="BACKBEAT_INBOUND_DLQ_URL")
    inbound_max_attempts: int = Field(20, alias="BACKBEAT_INBOUND_MAX_ATTEMPTS", ge=1)
    connection: str = Field("", alias="BACKBEAT_CONNECTION")
    webhook_max_attempts: int = Field(200, alias="BACKBEAT_WEBHOOK_MAX_ATTEMPTS", ge=1)
    webhook_retry_base_seconds: int = Field(1, alias="BACKBEAT_WEBHOOK_RETRY_BASE_SECONDS", ge=1)
    webhook_targets: Literal["any", "public"] = Field("public", alias="BACKBEAT_WEBHOOK_TARGETS")
    old_events: Literal["refuse", "drop"] = Field("refuse", alias="BACKBEAT_OLD_EVENTS")
    alert_interval_seconds: int = Field(60, alias="BACKBEAT_ALERT_INTERVAL_SECONDS", ge=0, le=900)
    failed_gates: Literal["told", "refused"] = Field("told", alias="BACKBEAT_FAILED_GATES")
    stripe_products: Literal["any", "mapped"] = Field("any", alias="BACKBEAT_STRIPE_PRODUCTS")
    resolved_alerts: Literal["told", "untold"] = Field("untold", alias="BACKBEAT_RESOLVED_ALERTS")
    system_events: Literal["asked", "changes"] = Field("asked", alias="BACKBEAT_SYSTEM_EVENTS")
    rate_limit: str = Field("", alias="BACKBEAT_RATE_LIMIT", pattern=_PER_SECONDS)
    api_addresses: str = Field("", alias="BACKBEAT_API_ADDRESSES")
    webhook_addresses: str = Field("", alias="BACKBEAT_WEBHOOK_ADDRESSES")
    state: str | None = Field(None, alias="BACKBEAT_STATE")
    sam_local: str | None = Field(None, alias="AWS_SAM_LOCAL")
    endpoint_url: str | None = Field(None, alias="AWS_ENDPOINT_URL")
    metronome_url: str = Field("https://api.metronome.com", alias="METRONOME_BASE_URL")
    metronome_key: str = Field("", alias="BACKBEAT_METRONOME_KEY")
    oauth_file: str = Field("", alias="METRONOME_OAUTH_CREDENTIALS_FILE")
    oauth_client_id: str = Field("", alias="METRONOME_OAUTH_CLIENT_ID")
    oauth_client_secret: str = Field("", alias="METRONOME_OAUTH_CLIENT_SECRET")
    oauth_token_url: str = Field("", alias="METRONOME_OAUTH_TOKEN_URL")
    oauth_scope: str = Field("", alias="METRONOME_OAUTH_SCOPE")
    metronome_secrets: str = Field("", alias="BACKBEAT_METRONOME_WEBHOOK_SECRETS")
    stripe_url: str = Field("https://api.stripe.com", alias="STRIPE_API_BASE")
    stripe_key: str = Field("", alias="BACKBEAT_STRIPE_KEY")
    stripe_shadow_key: str = Field("", alias="BACKBEAT_STRIPE_SHADOW_KEY")
    stripe_secrets: str = Field("", alias="BACKBEAT_STRIPE_WEBHOOK_SECRETS")
    profile: Literal["default", "mock"] = Field("default", alias="BACKBEAT_PROFILE")
    mock_secret: str = Field("", alias="METRONOME_WEBHOOK_SECRET")
    mock_targets: str = Field("", alias="MOCK_METRONOME_WEBHOOK_TARGET")
    mock_path: str = Field("", alias="MOCK_METRONOME_WEBHOOK_PATH")
    mock_environment: str = Field("SANDBOX", alias="MOCK_METRONOME_ENVIRONMENT_TYPE")
    mock_alert: str | None = Field(None, alias="MOCK_METRONOME_ALERT_CUSTOMER_BALANCE_DEPLETED")
    mock_alerts: str = Field("{}", alias="NODE_METRONOME_CONFIG")
    mock_url: str = Field("http://localhost:3000", alias="MOCK_METRONOME_URL")

    @property
    def sqlite_path(self) -> str | None:
        """The SQLite file to use instead of AWS services, or None.

        Inside `sam local` there is no table, so a throw-away file stands in for it, unless an
        endpoint of a DynamoDB-compatible server is given.
        """
        if self.state is not None:
            return self.state
        if self.sam_local and not self.endpoint_url:
            return "/tmp/backbeat.sqlite3"  # noqa: S108
        return None


def from_environment() -> Config:
    """Returns the configuration of this process.

    Raises:
        pydantic.ValidationError: names each variable that is wrong.
    """
    return Config.model_validate(dict(os.environ))
