"""Requests about the named schedules of contracts."""

from backbeat.api.pagination import DEFAULT_LIMIT
from backbeat.api.schemas.named_schedules import GetSchedule, UpdateSchedule
from backbeat.api.schemas.types import BodyLimit, Id, Name, Schema, Timestamp


class GetContractSchedule(GetSchedule):
    """A schedule of a contract; `properties` tell schedules of the same name apart."""

    customer_id: Id
    contract_id: Id
    properties: dict[str, str] = {}


class UpdateContractSchedule(UpdateSchedule):
    """A value in a schedule of a contract."""

    customer_id: Id
    contract_id: Id
    properties: dict[str, str] = {}


class ListContractSchedules(Schema):
    """The schedules of one contract of a customer, or of all."""

    customer_id: Id
    contract_id: Id | None = None
    schedule_name: Name | None = None
    properties: dict[str, str] = {}
    covering_date: Timestamp | None = None
    limit: BodyLimit = DEFAULT_LIMIT
    next_page: str | None = None
