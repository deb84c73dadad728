"""Charges, discounts, professional services and royalties as the API shows them."""

from collections.abc import Mapping, Sequence

from backbeat.api import json
from backbeat.api.views.catalog import credit_type_view
from backbeat.api.views.times import optional, present, timestamp
from backbeat.models.charges import (
    Discount,
    PointSchedule,
    ProService,
    ResellerRoyalty,
    ScheduledCharge,
    ScheduledChargeUpdate,
)
from backbeat.models.invoices import RoyaltyRecord

Names = Mapping[str, str]
"""Names, or ids of invoices, by the id of what they belong to."""


def scheduled_charge_view(
    charge: ScheduledCharge, *, products: Names, invoices: Names
) -> dict[str, object]:
    """Returns a scheduled charge. `products` names them, `invoices` those of schedule items."""
    return present(
        id=charge.id,
        product={"id": charge.product_id, "name": products[charge.product_id]},
        name=charge.name,
        schedule=schedule_view(charge.schedule, invoices=invoices),
        netsuite_sales_order_id=charge.netsuite_sales_order_id,
        custom_fields=charge.custom_fields,
        archived_at=optional(charge.archived_at),
    )


def discount_view(discount: Discount, *, products: Names, invoices: Names) -> dict[str, object]:
    """Returns a discount. `products` names them, `invoices` those of schedule items."""
    return present(
        id=discount.id,
        product={"id": discount.product_id, "name": products[discount.product_id]},
        name=discount.name,
        schedule=schedule_view(discount.schedule, invoices=invoices),
        netsuite_sales_order_id=discount.netsuite_sales_order_id,
        custom_fields=discount.custom_fields,
    )


def schedule_view(schedule: PointSchedule, *, invoices: Names) -> dict[str, object]:
    """Returns dated amounts, each with the invoice it is on."""
    return {
        "credit_type": credit_type_view(schedule.credit_type),
        "schedule_items": [
            {
                "id": item.id,
                "timestamp": timestamp(item.timestamp),
                "amount": item.amount.total,
                "unit_price": item.amount.unit_price,
                "quantity": item.amount.quantity,
                "invoice_id": invoices.get(item.id),
            }
            for item in schedule.items
        ],
        "do_not_invoice": schedule.do_not_invoice,
    }


def pro_service_view(service: ProService) -> dict[str, object]:
    """Returns a professional service."""
    return present(
        id=service.id,
        product_id=service.product_id,
        description=service.description,
        unit_price=service.unit_price,
        quantity=service.quantity,
        max_amount=service.max_amount,
        netsuite_sales_order_id=service.netsuite_sales_order_id,
        custom_fields=service.custom_fields,
    )


def royalty_view(royalty: ResellerRoyalty) -> dict[str, object]:
    """Returns one segment of a royalty."""
    return present(
        reseller_type=royalty.reseller_type.value,
        fraction=royalty.fraction,
        netsuite_reseller_id=royalty.netsuite_reseller_id,
        starting_at=timestamp(royalty.starting_at),
        ending_before=optional(royalty.ending_before),
        applicable_product_ids=list(royalty.applicable_product_ids) or None,
        applicable_product_tags=list(royalty.applicable_product_tags) or None,
        reseller_contract_value=royalty.reseller_contract_value,
        aws_account_number=royalty.aws_account_number,
        aws_payer_reference_id=royalty.aws_payer_reference_id,
        aws_offer_id=royalty.aws_offer_id,
        gcp_account_id=royalty.gcp_account_id,
        gcp_offer_id=royalty.gcp_offer_id,
    )


def royalties_by_type_view(royalties: Sequence[ResellerRoyalty]) -> list[dict[str, object]]:
    """Returns the royalties in the newer form: the segments of each reseller type."""
    types = dict.fromkeys(royalty.reseller_type for royalty in royalties)
    return [
        {
            "reseller_type": type_.value,
            "segments": [
                royalty_view(royalty) for royalty in royalties if royalty.reseller_type is type_
            ],
        }
        for type_ in types
    ]


def royalty_record_view(record: RoyaltyRecord) -> dict[str, object]:
    """Returns what an invoice says about its royalty; the fraction is a text there."""
    royalty = record.royalty
    aws = present(
        aws_account_number=royalty.aws_account_number,
        aws_offer_id=royalty.aws_offer_id,
        aws_payer_reference_id=royalty.aws_payer_reference_id,
    )
    gcp = present(gcp_account_id=royalty.gcp_account_id, gcp_offer_id=royalty.gcp_offer_id)
    return present(
        reseller_type=royalty.reseller_type.value,
        netsuite_reseller_id=royalty.netsuite_reseller_id,
        fraction=json.number_text(royalty.fraction),
        aws_options=aws or None,
        gcp_options=gcp or None,
    )


def scheduled_charge_update_view(update: ScheduledChargeUpdate) -> dict[str, object]:
    """Returns what an edit did to a scheduled charge."""
    added = [
        {
            "timestamp": timestamp(item.timestamp),
            "unit_price": item.amount.unit_price,
            "quantity": item.amount.quantity,
            "amount": item.amount.total,
        }
        for item in update.add_items
    ]
    updated = [
        {
            "id": item.id,
            "timestamp": timestamp(item.timestamp),
            "unit_price": item.amount.unit_price,
            "quantity": item.amount.quantity,
            "amount": item.amount.total,
        }
        for item in update.update_items
    ]
    schedule = present(
        add_schedule_items=added or None,
        update_schedule_items=updated or None,
        remove_schedule_items=[{"id": id_} for id_ in update.remove_items] or None,
    )
    view = present(
        id=update.scheduled_charge_id,
        netsuite_sales_order_id=update.netsuite_sales_order_id,
        invoice_schedule=schedule or None,
    )
    if update.removes_netsuite_sales_order_id:
        view["netsuite_sales_order_id"] = None
    return view
