"""What operations answer when all went well: the envelopes, and what is inside of `data`.

Where that is not among `reply_objects`, it is just an object, or a list of them.
"""

from collections.abc import Mapping
from typing import Any, Final

from backbeat.api.reply_objects import one

_OBJECT: Final = {"type": "object"}
_OBJECTS: Final = {"type": "array", "items": _OBJECT}
_CURSOR: Final = {"type": ["string", "null"], "description": "Where the next page begins, if any."}


def _envelope(**fields: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": fields, "required": [*fields]}


def _data(**fields: Mapping[str, Any]) -> dict[str, Any]:
    return _envelope(data=_envelope(**fields))


_TEXT: Final = {"type": "string"}
_ID: Final = _data(id=_TEXT)
_ONE: Final = _envelope(data=_OBJECT)
_LIST: Final = _envelope(data=_OBJECTS)
_PAGE: Final = _envelope(data=_OBJECTS, next_page=_CURSOR)
_CURSOR_PAGE: Final = _envelope(data=_OBJECTS, cursor=_CURSOR)

EMPTY: Final = frozenset(
    {
        *("addCustomFieldKey-v1", "addManualBalanceLedgerEntry-v1", "deleteCustomFields-v1"),
        *("createStripeBillingSettings-v1", "deleteStripeBillingSettings-v1", "ingest-v1"),
        *("disableCustomFieldKey-v1", "integrationCloudwatchLogger-v1", "setIngestAliases-v1"),
        *("releaseExternalPaymentGateThresholdCommit-v1", "resetCustomerAlerts-v1"),
        *("setBillingProviderApiKey-v1", "setClientWebhookSecret-v1", "setCustomFields-v1"),
        *("setUsageFilter-v1", "updateActiveRechargeConfig-v1", "updateCustomerConfig-v1"),
        *("updateContractNamedSchedule-v1", "updateCustomerNamedSchedule-v1"),
        *("updateRateCardNamedSchedule-v1", "updateStripeBillingSettings-v1"),
        *("createCustomerBillingConfig-v1", "deleteCustomerBillingConfig-v1"),
    }
)
"""Operations that answer nothing but that it is done."""

_FORMS: Final[tuple[tuple[dict[str, Any], tuple[str, ...]], ...]] = (
    (
        _ID,
        (
            *("addRates-v1", "amendContract-v1", "archiveAlert-v1", "archiveBillableMetric-v1"),
            *("archiveCommit-v2", "archiveContract-v1", "archiveCredit-v2", "archiveCustomer-v1"),
            *("archivePackage-v1", "archiveProductListItem-v1", "archiveRateCard-v1"),
            *("createAlert-v1", "createBillableMetric-v1", "createBillableMetricV1-v1"),
            *("createContract-v1", "createCustomerCommit-v1", "createCustomerCredit-v1"),
            *("createPackage-v1", "createProduct-v1", "createRateCard-v1", "editContract-v2"),
            *("disableCommitTrueup-v1", "editCommit-v2", "editCredit-v2", "voidInvoice-v1"),
            *("moveRateCardProducts-v1", "regenerateInvoice-v1", "setRateCardProductsOrder-v1"),
            *("updateBillableMetric-v1", "updateCommitEndDate-v1", "updateContractEndDate-v1"),
            *("updateCreditEndDate-v1", "updateInvoiceIssueDate-v1", "updateProduct-v1"),
            *("updateRateCard-v1", "createCreditGrant-v1", "editCreditGrant-v1"),
            *("voidCreditGrant-v1", "createCreditType-v1", "archiveCreditType-v1"),
        ),
    ),
    (
        _LIST,
        (
            *("createHistoricalContractUsageInvoices-v1", "getContractEditHistory-v2"),
            *("getContractNamedSchedule-v1", "getCustomerBillingProviderConfigurations-v1"),
            *("getCustomerNamedSchedule-v1", "getCustomerRevenueSystemConfigurations-v1"),
            *("getPurchasedSeats-v1", "getRateCardNamedSchedule-v1", "listContracts-v1"),
            *("listContracts-v2", "previewCustomerEvents-v1", "scheduleProServicesInvoice-v1"),
            *("setCustomerBillingProviderConfigurations-v1",),
            *("setCustomerRevenueSystemConfigurations-v1",),
        ),
    ),
    (
        _PAGE,
        (
            *("getAuditLogs-v1", "getContractRateSchedule-v1", "getPagedUsage-v1"),
            *("getRateSchedule-v1", "getRates-v1", "getSeatsUsage-v1", "listAllBillableMetrics-v1"),
            *("getSubscriptionSeatsHistory-v1", "getUsageBatch-v1", "listBillableMetrics-v1"),
            *("listBreakdownInvoices-v1", "listConfiguredBillingProviders-v1"),
            *("listContractsNamedSchedules-v1", "listContractsOnPackage-v1", "listCreditTypes-v1"),
            *("listCustomFieldKeys-v1", "listCustomerAlerts-v1", "listCustomerBalances-v1"),
            *("listCustomerCommits-v1", "listCustomerCredits-v1", "listCustomers-v1"),
            *("listInvoices-v1", "listPackages-v1", "listPayments-v1", "listProducts-v1"),
            *("listRateCards-v1", "listSpendBreakdownInvoices-v1", "listCreditGrants-v1"),
            *("listCreditLedgerEntries-v1", "listPlans-v1", "listCustomerPlans-v1"),
        ),
    ),
    (
        _CURSOR_PAGE,
        ("listOffsetNotificationConfigs-v2", "listSystemNotificationConfigs-v2"),
    ),
    (_envelope(data=_OBJECTS, pagination=_OBJECT), ("listSeatBalances-v1",)),
    (
        _ONE,
        (
            *("addRate-v1", "archiveCustomerBillingProviderConfigurations-v1"),
            *("archiveCustomerRevenueSystemConfigurations-v1", "archiveNotificationConfig-v2"),
            *("attemptPayment-v1", "cancelPayment-v1", "createCustomer-v1"),
            *("createCustomerWithContract-v1", "createNotificationConfig-v2"),
            *("editNotificationConfig-v2", "getBillableMetric-v1", "getContract-v1"),
            *("getContract-v2", "getCustomer-v1", "getCustomerAlert-v1", "getInvoice-v1"),
            *("getNetBalance-v1", "getNotificationConfig-v2", "getPackage-v1", "getProduct-v1"),
            *("getRateCard-v1", "getSubscriptionQuantityHistory-v1", "setCustomerName-v1"),
            *("setCustomerBillableStatus-v1", "getCustomerBillingConfig-v1"),
        ),
    ),
    (_data(url=_TEXT), ("embeddableDashboard-v1",)),
    (_data(delivery_method_id=_TEXT), ("setUpBillingProvider-v1",)),
    (_data(success={"type": "boolean"}), ("upsertAnrokApiToken-v1",)),
    (_OBJECTS, ("searchEvents-v1",)),
    (_OBJECT, ("upsertAvalaraCredentials-v1",)),
    (_envelope(secret=_TEXT, starting_on=_TEXT), ("rotateDeltaStreamSecret-v1",)),
    (_envelope(services=_OBJECTS), ("getServices-v1",)),
)

_INSIDE: Final[Mapping[str, tuple[str, ...]]] = {
    "Customer": ("createCustomer-v1", "setCustomerName-v1"),
    "CustomerDetail": ("getCustomer-v1", "listCustomers-v1"),
    "CreditType": ("listCreditTypes-v1",),
    "BillableMetric": ("getBillableMetric-v1", "listAllBillableMetrics-v1"),
    "Product": ("getProduct-v1", "listProducts-v1"),
    "RateCard": ("getRateCard-v1", "listRateCards-v1"),
    "Rate": ("addRate-v1",),
    "DatedRate": ("getRates-v1", "getRateSchedule-v1"),
    "Invoice": (
        *("getInvoice-v1", "listInvoices-v1", "previewCustomerEvents-v1"),
        *("scheduleProServicesInvoice-v1", "createHistoricalContractUsageInvoices-v1"),
    ),
    "InvoiceOfWindow": ("listBreakdownInvoices-v1",),
    "SpendOfWindow": ("listSpendBreakdownInvoices-v1",),
    "UsageWindow": ("getUsageBatch-v1",),
    "UsageOfGroup": ("getPagedUsage-v1",),
    "UsageOfSeats": ("getSeatsUsage-v1",),
    "CustomFieldKey": ("listCustomFieldKeys-v1",),
    "AuditLog": ("getAuditLogs-v1",),
    "Payment": ("attemptPayment-v1", "cancelPayment-v1", "listPayments-v1"),
    "NetBalance": ("getNetBalance-v1",),
    "Balance": ("listCustomerBalances-v1", "listCustomerCommits-v1", "listCustomerCredits-v1"),
}
"""What is inside of `data`, or what its entries are, by the operations that answer it."""


def _with_inside(schema: Mapping[str, Any], thing: Mapping[str, Any]) -> dict[str, Any]:
    fields = schema["properties"]
    is_list = fields["data"].get("type") == "array"
    data = {"type": "array", "items": thing} if is_list else thing
    return {**schema, "properties": {**fields, "data": data}}


_THINGS: Final = {id_: one(name) for name, ids in _INSIDE.items() for id_ in ids}

SCHEMAS: Final[Mapping[str, dict[str, Any]]] = {
    operation_id: _with_inside(schema, _THINGS[operation_id]) if operation_id in _THINGS else schema
    for schema, operations in _FORMS
    for operation_id in operations
}
"""The form of a successful reply, by operation."""
