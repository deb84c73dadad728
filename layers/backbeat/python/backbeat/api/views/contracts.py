"""Contracts as the API shows them."""

from collections.abc import Mapping, Sequence

from backbeat.api.views.balances import (
    added_balance_view,
    balance_update_view,
    balance_view,
)
from backbeat.api.views.charges import (
    discount_view,
    pro_service_view,
    royalties_by_type_view,
    royalty_view,
    scheduled_charge_update_view,
    scheduled_charge_view,
)
from backbeat.api.views.customers import billing_configuration_view
from backbeat.api.views.overrides import override_view
from backbeat.api.views.recurring import recurring_update_view, recurring_view
from backbeat.api.views.subscriptions import subscription_update_view, subscription_view
from backbeat.api.views.threshold_billing import (
    prepaid_threshold_view,
    spend_threshold_view,
    spend_tracker_view,
)
from backbeat.api.views.times import optional, present, timestamp
from backbeat.application.contract_reading import ShownContract, ShownEdit, ShownHistory
from backbeat.models.balances import BalanceType
from backbeat.models.contracts import Contract, FilterSegment, HierarchyLink, UsageFilter
from backbeat.models.edits import ContractEdit

CREATED_BY = "api"


def contract_v1_view(shown: ShownHistory) -> dict[str, object]:
    """Returns the older form: initial terms, amendments, and what everything adds up to."""
    contract = shown.current.contract
    return present(
        id=contract.id,
        customer_id=contract.customer_id,
        package_id=contract.package_id,
        customer_billing_provider_configuration=None
        if shown.current.account is None
        else billing_configuration_view(shown.current.account),
        initial=_v1_terms(shown.initial),
        current=_v1_terms(shown.current),
        amendments=[_amendment_view(edit) for edit in shown.amendments],
        scheduled_charges_on_usage_invoices=contract.scheduled_charges_on_usage_invoices,
        subscriptions=_subscription_views(shown.current),
        custom_fields=contract.custom_fields,
        uniqueness_key=contract.uniqueness_key,
        archived_at=optional(contract.archived_at),
    )


def contract_v2_view(shown: ShownContract) -> dict[str, object]:
    """Returns the newer, flat form."""
    contract = shown.contract
    return present(
        id=contract.id,
        customer_id=contract.customer_id,
        package_id=contract.package_id,
        uniqueness_key=contract.uniqueness_key,
        archived_at=optional(contract.archived_at),
        custom_fields=contract.custom_fields,
        customer_billing_provider_configuration=None
        if shown.account is None
        else billing_configuration_view(shown.account),
        has_more={"commits": False, "credits": False},
        usage_filter=[usage_filter_segment_view(segment) for segment in shown.filters],
        multiplier_override_prioritization=contract.multiplier_override_prioritization.value,
        subscriptions=_subscription_views(shown),
        **{
            **_terms(shown),
            # Only here a credit does not say at which rates it is drawn.
            "credits": [
                _without(view, "rate_type") for view in _balance_views(shown, commits=False)
            ],
            "reseller_royalties": _royalties_by_type(shown),
        },
    )


def edit_view(shown: ShownEdit) -> dict[str, object]:
    """Returns what one edit did, and nothing else."""
    edit, products = shown.edit, shown.products
    rename, end, payment = (
        edit.update_contract_name,
        edit.update_contract_end_date,
        edit.update_net_payment_terms_days,
    )
    view = present(
        id=edit.id,
        timestamp=timestamp(edit.timestamp),
        uniqueness_key=edit.uniqueness_key,
        add_overrides=[override_view(o, products=products) for o in edit.add_overrides] or None,
        remove_overrides=[{"id": id_} for id_ in edit.remove_overrides] or None,
        **_charge_changes(shown),
        add_subscriptions=[subscription_view(s, products=products) for s in shown.subscriptions]
        or None,
        update_subscriptions=[subscription_update_view(u) for u in edit.update_subscriptions]
        or None,
        add_recurring_commits=_recurring_views(shown, commits=True) or None,
        add_recurring_credits=_recurring_views(shown, commits=False) or None,
        update_recurring_commits=_recurring_update_views(edit, commits=True) or None,
        update_recurring_credits=_recurring_update_views(edit, commits=False) or None,
        add_prepaid_balance_threshold_configuration=prepaid_threshold_view(
            edit.add_prepaid_threshold
        ),
        update_prepaid_balance_threshold_configuration=prepaid_threshold_view(
            edit.update_prepaid_threshold
        ),
        add_spend_threshold_configuration=spend_threshold_view(edit.add_spend_threshold),
        update_spend_threshold_configuration=spend_threshold_view(edit.update_spend_threshold),
        **_balance_changes(shown),
        add_usage_filters=[_usage_filter_view(f) for f in edit.add_usage_filters] or None,
        # An end that was taken away has no place in the documented form of an edit.
        update_contract_end_date=None if end is None else optional(end.ending_before),
    )
    if rename is not None:
        view["update_contract_name"] = rename.name
    if payment is not None:
        view["update_net_payment_terms_days"] = payment.days
    return view


def usage_filter_segment_view(segment: FilterSegment) -> dict[str, object]:
    """Returns a dated usage filter."""
    return present(
        group_key=segment.filter.group_key,
        group_values=list(segment.filter.group_values),
        starting_at=timestamp(segment.starting_at),
        ending_before=optional(segment.ending_before),
    )


def _balance_changes(shown: ShownEdit) -> dict[str, object]:
    edit = shown.edit
    changes: dict[str, object] = {}
    for kind, is_commit in (("commits", True), ("credits", False)):
        added = _added_balances(shown, commits=is_commit)
        updated = [
            balance_update_view(one) for one in edit.update_balances if one.is_commit is is_commit
        ]
        archived = [
            {"id": one.balance_id} for one in edit.archive_balances if one.is_commit is is_commit
        ]
        changes |= {
            f"add_{kind}": added or None,
            f"update_{kind}": updated or None,
            f"archive_{kind}": archived or None,
        }
    return present(**changes)


def _added_balances(shown: ShownEdit, *, commits: bool) -> list[dict[str, object]]:
    return [
        added_balance_view(one, products=shown.products, invoices=shown.invoices)
        for one in shown.edit.add_balances
        if one.is_commit is commits
    ]


def _charge_changes(shown: ShownEdit) -> dict[str, object]:
    edit, products, invoices = shown.edit, shown.products, shown.invoices
    added = [
        _without(
            scheduled_charge_view(charge, products=products, invoices=invoices), "custom_fields"
        )
        for charge in edit.add_scheduled_charges
    ]
    discounts = [
        discount_view(discount, products=products, invoices=invoices)
        for discount in edit.add_discounts
    ]
    return present(
        add_scheduled_charges=added or None,
        update_scheduled_charges=[
            scheduled_charge_update_view(update) for update in edit.update_scheduled_charges
        ]
        or None,
        archive_scheduled_charges=[{"id": id_} for id_ in edit.archive_scheduled_charges] or None,
        add_discounts=discounts or None,
        add_pro_services=[pro_service_view(service) for service in edit.add_professional_services]
        or None,
        add_reseller_royalties=[
            royalty_view(change.royalty) for change in edit.add_reseller_royalties
        ]
        or None,
    )


def _amendment_view(shown: ShownEdit) -> dict[str, object]:
    edit, products, invoices = shown.edit, shown.products, shown.invoices
    amendment = edit.amendment
    return present(
        id=edit.id,
        created_at=timestamp(edit.timestamp),
        created_by=CREATED_BY,
        starting_at=None if amendment is None else timestamp(amendment.starting_at),
        salesforce_opportunity_id=None
        if amendment is None
        else amendment.salesforce_opportunity_id,
        netsuite_sales_order_id=None if amendment is None else amendment.netsuite_sales_order_id,
        overrides=[override_view(override, products=products) for override in edit.add_overrides],
        commits=_amended_balances(shown, commits=True),
        credits=_amended_balances(shown, commits=False),
        scheduled_charges=[
            scheduled_charge_view(charge, products=products, invoices=invoices)
            for charge in edit.add_scheduled_charges
        ],
        discounts=[
            discount_view(discount, products=products, invoices=invoices)
            for discount in edit.add_discounts
        ],
        professional_services=[
            pro_service_view(service) for service in edit.add_professional_services
        ],
        reseller_royalties=[
            _without(
                royalty_view(change.royalty), "applicable_product_ids", "applicable_product_tags"
            )
            for change in edit.add_reseller_royalties
        ],
    )


def _amended_balances(shown: ShownEdit, *, commits: bool) -> list[dict[str, object]]:
    return [
        balance_view(one, with_balance=False, with_ledger=False)
        for one in shown.balances
        if one.balance.is_commit is commits
    ]


def _v1_terms(shown: ShownContract) -> dict[str, object]:
    filters = shown.contract.usage_filters
    usage_filter = None
    if shown.usage_filter is not None:
        usage_filter = {
            "initial": _usage_filter_view(filters[0]),
            "current": _usage_filter_view(shown.usage_filter),
            "updates": [_usage_filter_view(entry) for entry in filters[1:]],
        }
    return present(usage_filter=usage_filter, **_terms(shown))


def _terms(shown: ShownContract) -> dict[str, object]:
    contract = shown.contract
    schedule = contract.usage_statement_schedule
    return present(
        name=contract.name,
        created_at=timestamp(contract.created_at),
        created_by=CREATED_BY,
        starting_at=timestamp(contract.starting_at),
        ending_before=optional(contract.ending_before),
        rate_card_id=contract.rate_card_id,
        net_payment_terms_days=contract.net_payment_terms_days,
        total_contract_value=contract.total_contract_value,
        salesforce_opportunity_id=contract.salesforce_opportunity_id,
        netsuite_sales_order_id=contract.netsuite_sales_order_id,
        usage_statement_schedule={
            "frequency": schedule.frequency.value,
            "billing_anchor_date": timestamp(schedule.anchor),
        },
        scheduled_charges_on_usage_invoices=contract.scheduled_charges_on_usage_invoices,
        hierarchy_configuration=_hierarchy_view(contract),
        transitions=[
            {
                "type": made.type.value,
                "from_contract_id": made.from_contract_id,
                "to_contract_id": made.to_contract_id,
            }
            for made in contract.transitions
        ],
        overrides=_override_views(shown),
        commits=_balance_views(shown, commits=True),
        credits=_balance_views(shown, commits=False),
        recurring_commits=_recurring_views(shown, commits=True),
        recurring_credits=_recurring_views(shown, commits=False),
        prepaid_balance_threshold_configuration=prepaid_threshold_view(contract.prepaid_threshold),
        spend_threshold_configuration=spend_threshold_view(contract.spend_threshold),
        spend_trackers=[
            spend_tracker_view(one, shown.open_period) for one in contract.spend_trackers
        ]
        or None,
        scheduled_charges=[
            scheduled_charge_view(charge, products=shown.products, invoices=shown.invoices)
            for charge in contract.scheduled_charges
            if charge.commit_id is None
        ],
        discounts=[
            discount_view(discount, products=shown.products, invoices=shown.invoices)
            for discount in contract.discounts
        ],
        professional_services=[
            pro_service_view(service) for service in contract.professional_services
        ],
        reseller_royalties=[royalty_view(royalty) for royalty in contract.reseller_royalties],
    )


def _subscription_views(shown: ShownContract) -> Sequence[object]:
    return [subscription_view(entry, products=shown.products) for entry in shown.subscriptions]


def _royalties_by_type(shown: ShownContract) -> Sequence[object]:
    return royalties_by_type_view(shown.contract.reseller_royalties)


def _override_views(shown: ShownContract) -> Sequence[object]:
    return [override_view(o, products=shown.products) for o in shown.contract.overrides]


def _usage_filter_view(entry: UsageFilter) -> dict[str, object]:
    return {
        "group_key": entry.group_key,
        "group_values": list(entry.group_values),
        "starting_at": timestamp(entry.starting_at),
    }


def _hierarchy_view(contract: Contract) -> dict[str, object] | None:
    if contract.parent_role is not None:
        consolidation = contract.parent_role.invoice_consolidation_type
        return present(
            children=[_link_view(link) for link in contract.parent_role.children],
            parent_behavior=None
            if consolidation is None
            else {"invoice_consolidation_type": consolidation.value},
        )
    if contract.child_role is not None:
        role = contract.child_role
        behavior = role.usage_statement_behavior
        return present(
            parent=_link_view(role.parent),
            payer=None if role.payer is None else role.payer.value,
            usage_statement_behavior=None if behavior is None else behavior.value,
        )
    return None


def _link_view(link: HierarchyLink) -> dict[str, object]:
    return {"contract_id": link.contract_id, "customer_id": link.customer_id}


def _balance_views(shown: ShownContract, *, commits: bool) -> list[dict[str, object]]:
    return [
        balance_view(one, with_balance=shown.detail.worth, with_ledger=shown.detail.ledger)
        for one in shown.balances
        if (one.balance.type is not BalanceType.CREDIT) is commits
    ]


def _recurring_update_views(edit: ContractEdit, *, commits: bool) -> list[dict[str, object]]:
    return [
        recurring_update_view(update)
        for update in edit.update_recurring
        if (update.type is not BalanceType.CREDIT) is commits
    ]


def _recurring_views(shown: ShownContract | ShownEdit, *, commits: bool) -> list[dict[str, object]]:
    return [
        recurring_view(
            template,
            contract_id=shown.contract.id,
            anchor=anchor,
            product_name=shown.products[template.product_id],
        )
        for template, anchor in shown.recurring
        if (template.type is not BalanceType.CREDIT) is commits
    ]


def _without(view: Mapping[str, object], *names: str) -> dict[str, object]:
    """Returns a view less what its documented form does not have in this place."""
    return {name: value for name, value in view.items() if name not in names}
