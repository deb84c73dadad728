"""Invoices as PDF documents."""

from datetime import UTC, datetime
from decimal import Decimal
from io import BytesIO
from typing import TYPE_CHECKING, Final
from unicodedata import normalize

from backbeat.api import json
from backbeat.models.customers import Customer
from backbeat.models.invoices import Invoice, InvoiceStatus, LineItem
from backbeat.models.money import USD, CreditType

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reportlab.platypus import Flowable, Paragraph, Table

_LATIN: Final = "Helvetica"
_FONTS: Final = (
    ("cp1252", _LATIN),
    ("shift_jis", "HeiseiKakuGo-W5"),
    ("euc_kr", "HYGothic-Medium"),
    ("gb18030", "STSong-Light"),
)
"""Encodings and the font that has their characters; the Japanese one has Greek and Cyrillic too.

Only Latin letters are part of every viewer, the others come with the viewer's language support.
"""


def invoice_pdf(invoice: Invoice, customer: Customer) -> bytes:
    """Returns an invoice as a document; the same invoice always gives the same bytes."""
    # Imported here: it takes 100 ms that only this operation should pay for.
    from reportlab.lib.pagesizes import A4
    from reportlab.lib.units import mm
    from reportlab.platypus import SimpleDocTemplate, Spacer

    buffer = BytesIO()
    document = SimpleDocTemplate(
        buffer,
        pagesize=A4,
        title=f"Invoice {invoice.id}",
        author="Backbeat",
        subject=customer.name,
        leftMargin=18 * mm,
        rightMargin=18 * mm,
        topMargin=18 * mm,
        bottomMargin=18 * mm,
        # Without dates and random ids in the file.
        invariant=1,
    )
    story: list[Flowable] = [
        _paragraph(_title(invoice), size=20),
        Spacer(1, 6 * mm),
        _facts(invoice, customer),
        Spacer(1, 8 * mm),
        _lines(invoice),
        Spacer(1, 4 * mm),
        _paragraph(f"Total due: {money(invoice.total, invoice.credit_type)}", size=13, right=True),
    ]
    document.build(story)
    return buffer.getvalue()


def money(amount: Decimal, unit: CreditType) -> str:
    """Returns an exact amount as people read it: USD in dollars, all else in its own unit."""
    if unit.id == USD.id:
        return f"{_grouped(amount.scaleb(-2), places=2)} USD"
    if unit.is_currency:
        return f"{_grouped(amount, places=2)} {unit.name}"
    return f"{_grouped(amount, places=0)} {unit.name}"


def _grouped(amount: Decimal, *, places: int) -> str:
    """Returns a number with thousands separated, never rounded, with at least some places."""
    text = json.number_text(amount)
    _, _, fraction = text.partition(".")
    return format(Decimal(text), f",.{max(places, len(fraction))}f")


def _title(invoice: Invoice) -> str:
    match invoice.status:
        case InvoiceStatus.DRAFT:
            return "Invoice (draft)"
        case InvoiceStatus.VOID:
            return "Invoice (void)"
        case InvoiceStatus.FINALIZED:
            return "Invoice"


def _facts(invoice: Invoice, customer: Customer) -> "Table":
    from reportlab.platypus import Table

    period = invoice.period
    facts: Mapping[str, str | None] = {
        "Invoice": invoice.id,
        "Billed to": customer.name,
        "Customer": customer.id,
        "Contract": invoice.contract_id,
        "Billing period": None if period is None else _span(*period),
        "Issued": _date(invoice.issued_at),
        "Payment terms": None
        if invoice.net_payment_terms_days is None
        else f"{invoice.net_payment_terms_days} days",
        "Replaces invoice": invoice.regenerated_from_invoice_id,
    }
    rows = [
        [_paragraph(name, colour="#666666"), _paragraph(value)]
        for name, value in facts.items()
        if value is not None
    ]
    return Table(rows, colWidths=["25%", "75%"], style=[("LEFTPADDING", (0, 0), (-1, -1), 0)])


def _lines(invoice: Invoice) -> "Table":
    from reportlab.lib import colors
    from reportlab.platypus import Table

    heads = ("Description", "Quantity", "Unit price", "Amount")
    rows = [[_paragraph(head, bold=True, right=place > 0) for place, head in enumerate(heads)]]
    rows += [_row(line) for line in invoice.line_items]
    return Table(
        rows,
        colWidths=["46%", "16%", "18%", "20%"],
        repeatRows=1,
        style=[
            ("LINEBELOW", (0, 0), (-1, 0), 1, colors.black),
            ("LINEBELOW", (0, 1), (-1, -1), 0.25, colors.lightgrey),
            ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ],
    )


def _row(line: LineItem) -> "list[Paragraph]":
    details = [line.name, *_details(line)]
    quantity = "" if line.quantity is None else _grouped(line.quantity, places=0)
    price = "" if line.unit_price is None else money(line.unit_price, line.credit_type)
    return [
        _paragraph(*details),
        _paragraph(quantity, right=True),
        _paragraph(price, right=True),
        _paragraph(money(line.total, line.credit_type), right=True),
    ]


def _details(line: LineItem) -> list[str]:
    values = {**line.pricing_group_values, **line.presentation_group_values}
    details = [", ".join(f"{key}: {value}" for key, value in values.items())]
    if line.tier is not None:
        details.append(f"tier {line.tier.level}, from {json.number_text(line.tier.starting_at)}")
    if line.is_prorated:
        details.append("prorated")
    if line.starting_at is not None and line.ending_before is not None:
        details.append(_span(line.starting_at, line.ending_before))
    return [detail for detail in details if detail]


def _span(start: datetime, end: datetime) -> str:
    return f"{_date(start)} to {_date(end)} (exclusive)"


def _date(instant: datetime) -> str:
    utc = instant.astimezone(UTC)
    return utc.strftime("%Y-%m-%d" if utc.hour == utc.minute == 0 else "%Y-%m-%d %H:%M UTC")


def _paragraph(
    *texts: str,
    size: int = 9,
    bold: bool = False,
    right: bool = False,
    colour: str = "#000000",
) -> "Paragraph":
    """Returns the texts below each other, the first in full colour, wrapped where they are long."""
    from xml.sax.saxutils import escape

    from reportlab.lib.colors import HexColor
    from reportlab.lib.enums import TA_LEFT, TA_RIGHT
    from reportlab.lib.styles import ParagraphStyle
    from reportlab.platypus import Paragraph

    shown = [_printable(text) for text in texts]
    style = ParagraphStyle(
        "text",
        fontName=_LATIN,
        fontSize=size,
        leading=size * 1.3,
        textColor=HexColor(colour),
        alignment=TA_RIGHT if right else TA_LEFT,
        splitLongWords=1,
    )
    first, *rest = [f'<font name="{font}">{escape(text)}</font>' for font, text in shown]
    if bold:
        first = f"<b>{first}</b>"
    small = [f'<font size="{size - 2}" color="#666666">{text}</font>' for text in rest]
    return Paragraph("<br/>".join([first, *small]), style)


def _printable(text: str) -> tuple[str, str]:
    """Returns a font that has the text's characters, and the text; what no font has becomes "?"."""
    for encoding, font in _FONTS:
        try:
            text.encode(encoding)
        except UnicodeEncodeError:
            continue
        # GB 18030 can write every character, its font cannot: accents are dropped before.
        if font != "STSong-Light" or any(ord(letter) >= 0x2E80 for letter in text):
            return _registered(font), text
    plain = normalize("NFKD", text).encode("cp1252", "ignore" if text.isalpha() else "replace")
    return _LATIN, plain.decode("cp1252")


def _registered(font: str) -> str:
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.cidfonts import UnicodeCIDFont

    if font != _LATIN and font not in pdfmetrics.getRegisteredFontNames():
        pdfmetrics.registerFont(UnicodeCIDFont(font))
    return font
