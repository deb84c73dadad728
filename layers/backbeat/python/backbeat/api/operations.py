"""The 133 operations of the Metronome API and its legacy ones: what answers where.

The functions' resolvers and the template check read this table.
Ids, methods and paths are the contract's; the owner is the function that serves it.
"""

from dataclasses import dataclass
from typing import Final

from backbeat.models.errors import InvalidArgument


@dataclass(frozen=True, slots=True)
class Operation:
    """One documented call.

    `unknown_id_status` is what an unknown id in the request answers: 404, or 400 with a code
    for the calls whose documentation names no 404. `bad_request_code` is the code of a 400 without
    a documented one of its own. `closed` bodies refuse unknown fields.
    """

    id: str
    method: str
    path: str
    function: str
    unknown_id_status: int = 404
    bad_request_code: str = InvalidArgument.code
    closed: bool = False


OPERATIONS: Final[tuple[Operation, ...]] = (
    Operation(
        "setCustomerBillableStatus-v1", "POST", "/v1/customers/setBillableStatus", "customers"
    ),
    Operation("archiveCustomer-v1", "POST", "/v1/customers/archive", "customers"),
    Operation("getCustomer-v1", "GET", "/v1/customers/{customer_id}", "customers"),
    Operation("listCustomers-v1", "GET", "/v1/customers", "customers"),
    Operation("createCustomer-v1", "POST", "/v1/customers", "customers"),
    Operation(
        "setIngestAliases-v1", "POST", "/v1/customers/{customer_id}/setIngestAliases", "customers"
    ),
    Operation("setCustomerName-v1", "POST", "/v1/customers/{customer_id}/setName", "customers"),
    Operation(
        "updateCustomerConfig-v1", "POST", "/v1/customers/{customer_id}/updateConfig", "customers"
    ),
    Operation(
        "getCustomerBillingProviderConfigurations-v1",
        "POST",
        "/v1/getCustomerBillingProviderConfigurations",
        "customers",
    ),
    Operation(
        "getCustomerRevenueSystemConfigurations-v1",
        "POST",
        "/v1/getCustomerRevenueSystemConfigurations",
        "customers",
    ),
    Operation(
        "setCustomerBillingProviderConfigurations-v1",
        "POST",
        "/v1/setCustomerBillingProviderConfigurations",
        "customers",
    ),
    Operation(
        "archiveCustomerBillingProviderConfigurations-v1",
        "POST",
        "/v1/archiveCustomerBillingProviderConfigurations",
        "customers",
    ),
    Operation(
        "setCustomerRevenueSystemConfigurations-v1",
        "POST",
        "/v1/setCustomerRevenueSystemConfigurations",
        "customers",
    ),
    Operation(
        "archiveCustomerRevenueSystemConfigurations-v1",
        "POST",
        "/v1/archiveCustomerRevenueSystemConfigurations",
        "customers",
    ),
    Operation("getCustomerNamedSchedule-v1", "POST", "/v1/customers/getNamedSchedule", "customers"),
    Operation(
        "updateCustomerNamedSchedule-v1", "POST", "/v1/customers/updateNamedSchedule", "customers"
    ),
    Operation("createBillableMetricV1-v1", "POST", "/v1/billable-metrics/create", "catalog"),
    Operation("archiveBillableMetric-v1", "POST", "/v1/billable-metrics/archive", "catalog"),
    Operation("listCreditTypes-v1", "GET", "/v1/credit-types/list", "catalog"),
    Operation(
        "getBillableMetric-v1", "GET", "/v1/billable-metrics/{billable_metric_id}", "catalog"
    ),
    Operation(
        "updateBillableMetric-v1", "PUT", "/v1/billable-metrics/{billable_metric_id}", "catalog"
    ),
    Operation("listAllBillableMetrics-v1", "GET", "/v1/billable-metrics", "catalog"),
    Operation("createBillableMetric-v1", "POST", "/v1/billable-metrics", "catalog"),
    Operation(
        "listBillableMetrics-v1", "GET", "/v1/customers/{customer_id}/billable-metrics", "catalog"
    ),
    Operation("getProduct-v1", "POST", "/v1/contract-pricing/products/get", "catalog"),
    Operation("listProducts-v1", "POST", "/v1/contract-pricing/products/list", "catalog"),
    Operation("createProduct-v1", "POST", "/v1/contract-pricing/products/create", "catalog"),
    Operation("updateProduct-v1", "POST", "/v1/contract-pricing/products/update", "catalog"),
    Operation(
        "archiveProductListItem-v1", "POST", "/v1/contract-pricing/products/archive", "catalog"
    ),
    Operation(
        "getRateSchedule-v1", "POST", "/v1/contract-pricing/rate-cards/getRateSchedule", "catalog"
    ),
    Operation("getRates-v1", "POST", "/v1/contract-pricing/rate-cards/getRates", "catalog"),
    Operation("getRateCard-v1", "POST", "/v1/contract-pricing/rate-cards/get", "catalog"),
    Operation(
        "listRateCards-v1", "POST", "/v1/contract-pricing/rate-cards/list", "catalog", closed=True
    ),
    Operation("createRateCard-v1", "POST", "/v1/contract-pricing/rate-cards/create", "catalog"),
    Operation("updateRateCard-v1", "POST", "/v1/contract-pricing/rate-cards/update", "catalog"),
    Operation("archiveRateCard-v1", "POST", "/v1/contract-pricing/rate-cards/archive", "catalog"),
    Operation("addRate-v1", "POST", "/v1/contract-pricing/rate-cards/addRate", "catalog"),
    Operation("addRates-v1", "POST", "/v1/contract-pricing/rate-cards/addRates", "catalog"),
    Operation(
        "setRateCardProductsOrder-v1",
        "POST",
        "/v1/contract-pricing/rate-cards/setRateCardProductsOrder",
        "catalog",
    ),
    Operation(
        "moveRateCardProducts-v1",
        "POST",
        "/v1/contract-pricing/rate-cards/moveRateCardProducts",
        "catalog",
    ),
    Operation(
        "getRateCardNamedSchedule-v1",
        "POST",
        "/v1/contract-pricing/rate-cards/getNamedSchedule",
        "catalog",
    ),
    Operation(
        "updateRateCardNamedSchedule-v1",
        "POST",
        "/v1/contract-pricing/rate-cards/updateNamedSchedule",
        "catalog",
    ),
    Operation("getContract-v1", "POST", "/v1/contracts/get", "contracts"),
    Operation("listContracts-v1", "POST", "/v1/contracts/list", "contracts"),
    Operation("createContract-v1", "POST", "/v1/contracts/create", "contracts"),
    Operation("amendContract-v1", "POST", "/v1/contracts/amend", "contracts"),
    Operation("archiveContract-v1", "POST", "/v1/contracts/archive", "contracts"),
    Operation("setUsageFilter-v1", "POST", "/v1/contracts/setUsageFilter", "contracts"),
    Operation(
        "updateInvoiceIssueDate-v1", "POST", "/v1/contracts/updateInvoiceIssueDate", "contracts"
    ),
    Operation("updateContractEndDate-v1", "POST", "/v1/contracts/updateEndDate", "contracts"),
    Operation(
        "getContractRateSchedule-v1", "POST", "/v1/contracts/getContractRateSchedule", "contracts"
    ),
    Operation(
        "getSubscriptionQuantityHistory-v1",
        "POST",
        "/v1/contracts/getSubscriptionQuantityHistory",
        "contracts",
        unknown_id_status=400,
    ),
    Operation(
        "getSubscriptionSeatsHistory-v1",
        "POST",
        "/v1/contracts/getSubscriptionSeatsHistory",
        "contracts",
        unknown_id_status=400,
    ),
    Operation(
        "scheduleProServicesInvoice-v1",
        "POST",
        "/v1/contracts/scheduleProServicesInvoice",
        "contracts",
    ),
    Operation(
        "createHistoricalContractUsageInvoices-v1",
        "POST",
        "/v1/contracts/createHistoricalInvoices",
        "contracts",
    ),
    Operation(
        "createCustomerWithContract-v1",
        "POST",
        "/v1/composite/createCustomerWithContract",
        "contracts",
    ),
    Operation("getContractNamedSchedule-v1", "POST", "/v1/contracts/getNamedSchedule", "contracts"),
    Operation(
        "listContractsNamedSchedules-v1", "POST", "/v1/contracts/listNamedSchedules", "contracts"
    ),
    Operation(
        "updateContractNamedSchedule-v1", "POST", "/v1/contracts/updateNamedSchedule", "contracts"
    ),
    Operation("createPackage-v1", "POST", "/v1/packages/create", "contracts"),
    Operation("getPackage-v1", "POST", "/v1/packages/get", "contracts"),
    Operation("listPackages-v1", "POST", "/v1/packages/list", "contracts", closed=True),
    Operation("archivePackage-v1", "POST", "/v1/packages/archive", "contracts", closed=True),
    Operation(
        "listContractsOnPackage-v1",
        "POST",
        "/v1/packages/listContractsOnPackage",
        "contracts",
        unknown_id_status=400,
    ),
    Operation("getContract-v2", "POST", "/v2/contracts/get", "contracts", unknown_id_status=400),
    Operation(
        "getContractEditHistory-v2",
        "POST",
        "/v2/contracts/getEditHistory",
        "contracts",
        unknown_id_status=400,
    ),
    Operation("listContracts-v2", "POST", "/v2/contracts/list", "contracts", unknown_id_status=400),
    Operation(
        "editContract-v2",
        "POST",
        "/v2/contracts/edit",
        "contracts",
        bad_request_code="BadRequest",
    ),
    Operation(
        "addManualBalanceLedgerEntry-v1",
        "POST",
        "/v1/contracts/addManualBalanceLedgerEntry",
        "balances",
    ),
    Operation("listCustomerCommits-v1", "POST", "/v1/contracts/customerCommits/list", "balances"),
    Operation(
        "createCustomerCommit-v1", "POST", "/v1/contracts/customerCommits/create", "balances"
    ),
    Operation(
        "updateCommitEndDate-v1", "POST", "/v1/contracts/customerCommits/updateEndDate", "balances"
    ),
    Operation(
        "releaseExternalPaymentGateThresholdCommit-v1",
        "POST",
        "/v1/contracts/commits/threshold-billing/release",
        "balances",
    ),
    Operation("disableCommitTrueup-v1", "POST", "/v1/contracts/commits/disableTrueup", "balances"),
    Operation("listCustomerCredits-v1", "POST", "/v1/contracts/customerCredits/list", "balances"),
    Operation(
        "createCustomerCredit-v1", "POST", "/v1/contracts/customerCredits/create", "balances"
    ),
    Operation(
        "updateCreditEndDate-v1", "POST", "/v1/contracts/customerCredits/updateEndDate", "balances"
    ),
    Operation("listCustomerBalances-v1", "POST", "/v1/contracts/customerBalances/list", "balances"),
    Operation(
        "getNetBalance-v1", "POST", "/v1/contracts/customerBalances/getNetBalance", "balances"
    ),
    Operation("listSeatBalances-v1", "POST", "/v1/contracts/seatBalances/list", "balances"),
    Operation(
        "updateActiveRechargeConfig-v1",
        "POST",
        "/v1/threshold-billing/update-active-recharge-config",
        "balances",
    ),
    Operation(
        "editCommit-v2",
        "POST",
        "/v2/contracts/commits/edit",
        "balances",
        unknown_id_status=400,
        bad_request_code="BadRequest",
    ),
    Operation(
        "editCredit-v2",
        "POST",
        "/v2/contracts/credits/edit",
        "balances",
        unknown_id_status=400,
        bad_request_code="BadRequest",
    ),
    Operation(
        "archiveCommit-v2",
        "POST",
        "/v2/contracts/commits/archive",
        "balances",
        unknown_id_status=400,
        bad_request_code="BadRequest",
    ),
    Operation(
        "archiveCredit-v2",
        "POST",
        "/v2/contracts/credits/archive",
        "balances",
        unknown_id_status=400,
        bad_request_code="BadRequest",
    ),
    Operation("ingest-v1", "POST", "/v1/ingest", "ingest"),
    Operation("getSeatsUsage-v1", "POST", "/v1/usage/seats", "usage"),
    Operation("getPagedUsage-v1", "POST", "/v1/usage/groups", "usage"),
    Operation("getUsageBatch-v1", "POST", "/v1/usage", "usage"),
    Operation("searchEvents-v1", "POST", "/v1/events/search", "usage"),
    Operation("getPurchasedSeats-v1", "GET", "/v1/customers/{customer_id}/purchasedSeats", "usage"),
    Operation(
        "chargeSeats-v1", "POST", "/v1/customers/{customer_id}/invoices/invoice_seats", "invoices"
    ),
    Operation("listInvoices-v1", "GET", "/v1/customers/{customer_id}/invoices", "invoices"),
    Operation(
        "listBreakdownInvoices-v1",
        "GET",
        "/v1/customers/{customer_id}/invoices/breakdowns",
        "invoices",
    ),
    Operation(
        "getInvoicePdf-v1",
        "GET",
        "/v1/customers/{customer_id}/invoices/{invoice_id}/pdf",
        "invoices",
    ),
    Operation(
        "getInvoice-v1", "GET", "/v1/customers/{customer_id}/invoices/{invoice_id}", "invoices"
    ),
    Operation(
        "listSpendBreakdownInvoices-v1",
        "POST",
        "/v1/customers/{customer_id}/invoices/spend-breakdowns",
        "invoices",
        closed=True,
    ),
    Operation("voidInvoice-v1", "POST", "/v1/invoices/void", "invoices"),
    Operation("regenerateInvoice-v1", "POST", "/v1/invoices/regenerate", "invoices"),
    Operation(
        "previewCustomerEvents-v1",
        "POST",
        "/v1/customers/{customer_id}/previewEvents",
        "invoices",
        closed=True,
    ),
    Operation("attemptPayment-v1", "POST", "/v1/payments/attempt", "invoices"),
    Operation("cancelPayment-v1", "POST", "/v1/payments/cancel", "invoices"),
    Operation("listPayments-v1", "POST", "/v1/payments/list", "invoices"),
    Operation("archiveAlert-v1", "POST", "/v1/alerts/archive", "notifications"),
    Operation("createAlert-v1", "POST", "/v1/alerts/create", "notifications"),
    Operation("getCustomerAlert-v1", "POST", "/v1/customer-alerts/get", "notifications"),
    Operation("listCustomerAlerts-v1", "POST", "/v1/customer-alerts/list", "notifications"),
    Operation("resetCustomerAlerts-v1", "POST", "/v1/customer-alerts/reset", "notifications"),
    Operation("createNotificationConfig-v2", "POST", "/v2/notifications/create", "notifications"),
    Operation("getNotificationConfig-v2", "POST", "/v2/notifications/get", "notifications"),
    Operation(
        "listOffsetNotificationConfigs-v2", "POST", "/v2/notifications/offset/list", "notifications"
    ),
    Operation(
        "listSystemNotificationConfigs-v2", "POST", "/v2/notifications/system/list", "notifications"
    ),
    Operation(
        "editNotificationConfig-v2",
        "POST",
        "/v2/notifications/edit",
        "notifications",
        unknown_id_status=400,
    ),
    Operation("archiveNotificationConfig-v2", "POST", "/v2/notifications/archive", "notifications"),
    Operation(
        "setBillingProviderApiKey-v1",
        "POST",
        "/v1/client/billing-config/{billing_provider_type}/apiKey",
        "settings",
    ),
    Operation("setClientWebhookSecret-v1", "POST", "/v1/client/config/webhook_secret", "settings"),
    Operation(
        "createStripeBillingSettings-v1", "POST", "/v1/client/billing-config/stripe", "settings"
    ),
    Operation(
        "updateStripeBillingSettings-v1", "PATCH", "/v1/client/billing-config/stripe", "settings"
    ),
    Operation(
        "deleteStripeBillingSettings-v1", "DELETE", "/v1/client/billing-config/stripe", "settings"
    ),
    Operation("setUpBillingProvider-v1", "POST", "/v1/setUpBillingProvider", "settings"),
    Operation("upsertAnrokApiToken-v1", "POST", "/v1/upsertAnrokApiToken", "settings"),
    Operation("upsertAvalaraCredentials-v1", "POST", "/v1/upsertAvalaraCredentials", "settings"),
    Operation("rotateDeltaStreamSecret-v1", "POST", "/v1/rotateDeltaStreamSecret", "settings"),
    Operation(
        "listConfiguredBillingProviders-v1",
        "POST",
        "/v1/listConfiguredBillingProviders",
        "settings",
    ),
    Operation("integrationCloudwatchLogger-v1", "POST", "/v1/integrations/log", "settings"),
    Operation("getAuditLogs-v1", "GET", "/v1/auditLogs", "settings"),
    Operation("getServices-v1", "GET", "/v1/services", "settings"),
    Operation("addCustomFieldKey-v1", "POST", "/v1/customFields/addKey", "settings"),
    Operation("disableCustomFieldKey-v1", "POST", "/v1/customFields/removeKey", "settings"),
    Operation("setCustomFields-v1", "POST", "/v1/customFields/setValues", "settings"),
    Operation("deleteCustomFields-v1", "POST", "/v1/customFields/deleteValues", "settings"),
    Operation("listCustomFieldKeys-v1", "POST", "/v1/customFields/listKeys", "settings"),
    Operation(
        "embeddableDashboard-v1",
        "POST",
        "/v1/dashboards/getEmbeddableUrl",
        "dashboards",
        unknown_id_status=400,
    ),
)

LEGACY: Final[tuple[Operation, ...]] = (
    Operation("createCreditType-v1", "POST", "/v1/credit-types/create", "catalog"),
    Operation("archiveCreditType-v1", "POST", "/v1/credit-types/archive", "catalog"),
    Operation("createCreditGrant-v1", "POST", "/v1/credits/createGrant", "legacy"),
    Operation("listCreditGrants-v1", "POST", "/v1/credits/listGrants", "legacy"),
    Operation("editCreditGrant-v1", "POST", "/v1/credits/editGrant", "legacy"),
    Operation("voidCreditGrant-v1", "POST", "/v1/credits/voidGrant", "legacy"),
    Operation("listCreditLedgerEntries-v1", "POST", "/v1/credits/listEntries", "legacy"),
    Operation("listPlans-v1", "GET", "/v1/plans", "legacy"),
    Operation("getPlanDetails-v1", "GET", "/v1/planDetails/{plan_id}", "legacy"),
    Operation("listPlanCharges-v1", "GET", "/v1/planDetails/{plan_id}/charges", "legacy"),
    Operation("listPlanCustomers-v1", "GET", "/v1/planDetails/{plan_id}/customers", "legacy"),
    Operation("listCustomerPlans-v1", "GET", "/v1/customers/{customer_id}/plans", "legacy"),
    Operation("addPlanToCustomer-v1", "POST", "/v1/customers/{customer_id}/plans/add", "legacy"),
    Operation(
        "endCustomerPlan-v1",
        "POST",
        "/v1/customers/{customer_id}/plans/{customer_plan_id}/end",
        "legacy",
    ),
    Operation(
        "listCustomerPlanPriceAdjustments-v1",
        "GET",
        "/v1/customers/{customer_id}/plans/{customer_plan_id}/priceAdjustments",
        "legacy",
    ),
    Operation("addCustomerCharge-v1", "POST", "/v1/customers/{customer_id}/addCharge", "legacy"),
    Operation(
        "createCustomerBillingConfig-v1",
        "POST",
        "/v1/customers/{customer_id}/billing-config/{billing_provider_type}",
        "legacy",
    ),
    Operation(
        "getCustomerBillingConfig-v1",
        "GET",
        "/v1/customers/{customer_id}/billing-config/{billing_provider_type}",
        "legacy",
    ),
    Operation(
        "deleteCustomerBillingConfig-v1",
        "DELETE",
        "/v1/customers/{customer_id}/billing-config/{billing_provider_type}",
        "legacy",
    ),
)
"""What SDKs carry though the documentation does not name it: the oldest, and the newest."""

ROUTED: Final[tuple[Operation, ...]] = (*OPERATIONS, *LEGACY)
"""Every operation that is routed."""

BY_ID: Final[dict[str, Operation]] = {operation.id: operation for operation in ROUTED}
