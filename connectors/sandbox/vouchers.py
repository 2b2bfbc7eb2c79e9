"""Operations on vouchers and promotions. A batch is accepted at once and made a little later."""

from base64 import b32encode
from datetime import datetime
from uuid import UUID

from pydantic import JsonValue

from ..contract import JsonObject
from .arguments import Arguments
from .members import JOB_DELAY, find_contact
from .refusals import PROMOTION_NOT_FOUND, VOUCHER_LIMIT_REACHED, VOUCHER_NOT_FOUND, Refusal
from .served import Operation, Served
from .shapes import local, show_promotion, show_voucher, voucher_status
from .state import Batch, Promotion, State, Voucher, derive

STATUSES = frozenset({"ACTIVE", "REDEEMED", "EXPIRED", "DEACTIVATED", "INACTIVE", "LOCKED"})
_LARGEST_BATCH = 500


def batch(state: State, arguments: Arguments, at: datetime) -> Served:
    """Serve `vouchers.batch`: 201 and PENDING; the vouchers appear after a delay, without a job to ask."""
    promotion_uuid = arguments.key("promotion_uuid")
    quantity = arguments.integer("quantity", required=True) or 0
    if not 1 <= quantity <= _LARGEST_BATCH:
        arguments.wrong("quantity", f"must be between 1 and {_LARGEST_BATCH}")
    contact_uuid = arguments.text("contact_uuid")
    activation, expiration = arguments.date("activation_date"), arguments.date("expiration_date")
    attributes = arguments.mapping("custom_attributes")
    arguments.check()
    promotion = _find_promotion(state, promotion_uuid)
    if contact_uuid is not None:
        find_contact(state, contact_uuid)
    if promotion.voucher_limit is not None and promotion.promised + quantity > promotion.voucher_limit:
        raise Refusal(VOUCHER_LIMIT_REACHED)
    promotion.promised += quantity
    state.jobs.append(
        Batch(at + JOB_DELAY, promotion_uuid, quantity, contact_uuid, activation, expiration, attributes)
    )
    data: JsonObject = {
        "uuid": state.identify("batch"),
        "type": "vouchers",
        "quantity": quantity,
        "status": "PENDING",
        "created_at": local(at),
    }
    return Served(data, [], status=201, wrote=True)


def finish_batch(state: State, job: Batch) -> None:
    """Make the vouchers of a batch; they go to whoever has taken over the contact meanwhile."""
    contact_uuid = None if job.contact_uuid is None else state.owner(job.contact_uuid)
    for _ in range(job.quantity):
        voucher = Voucher(
            uuid=state.identify("voucher"),
            code=_fresh_code(state),
            promotion_uuid=job.promotion_uuid,
            contact_uuid=contact_uuid,
            activation_date=job.activation_date or job.due,
            expiration_date=job.expiration_date,
            attributes=job.attributes,
        )
        state.vouchers[voucher.code] = voucher
        state.promotion_vouchers.setdefault(voucher.promotion_uuid, []).append(voucher)
        if contact_uuid is not None:
            state.contact_vouchers.setdefault(contact_uuid, []).append(voucher)


def find(state: State, arguments: Arguments, at: datetime) -> Served:
    """Serve `vouchers.find`."""
    code = arguments.key("code")
    arguments.check()
    voucher = state.vouchers.get(code)
    if voucher is None:
        raise Refusal(VOUCHER_NOT_FOUND)
    return Served(show_voucher(voucher, state, at), [])


def list_vouchers(state: State, arguments: Arguments, at: datetime) -> Served:
    """Serve `vouchers.list`: paged with `links`, and with `per_page` as a string."""
    promotion_uuid, contact_uuid = arguments.text("promotion_uuid"), arguments.text("contact_uuid")
    status = arguments.choice("status", STATUSES)
    limit = arguments.within("limit", 0, _LARGEST_BATCH, default=30)
    page = arguments.within("page", 1, 1_000_000, default=1)
    arguments.check()
    if promotion_uuid is not None:
        _find_promotion(state, promotion_uuid)
    if contact_uuid is not None:
        find_contact(state, contact_uuid)
    rows = _select(state, promotion_uuid, contact_uuid)
    if status is not None:
        rows = [row for row in rows if voucher_status(row, at) == status]
    start = (page - 1) * limit
    data: list[JsonValue] = [show_voucher(row, state, at) for row in rows[start : start + limit]]
    last_page = max(1, -(-len(rows) // limit)) if limit else 1
    return Served(
        data,
        _page_meta(page, limit, last_page, shown=len(data), total=len(rows)),
        links={
            "first": _page_url(1),
            "last": _page_url(last_page),
            "prev": _page_url(page - 1) if page > 1 else None,
            "next": _page_url(page + 1) if page < last_page else None,
        },
    )


def list_promotions(state: State, arguments: Arguments, at: datetime) -> Served:
    """Serve `promotions.list`."""
    del arguments, at
    return Served([show_promotion(promotion) for promotion in state.promotions.values()], [])


def _find_promotion(state: State, uuid: str) -> Promotion:
    promotion = state.promotions.get(uuid)
    if promotion is None:
        raise Refusal(PROMOTION_NOT_FOUND)
    return promotion


def _select(state: State, promotion_uuid: str | None, contact_uuid: str | None) -> list[Voucher]:
    if contact_uuid is None:
        if promotion_uuid is None:
            return list(state.vouchers.values())
        return state.promotion_vouchers.get(promotion_uuid, [])
    held = state.contact_vouchers.get(contact_uuid, [])
    return [row for row in held if promotion_uuid in {None, row.promotion_uuid}]


def _fresh_code(state: State) -> str:
    while True:
        number = state.number("code")
        code = b32encode(UUID(derive(state.seed, "code", str(number))).bytes)[:9].decode()
        if code not in state.vouchers:
            return code


def _page_url(page: int) -> str:
    return f"https://api.example.com/api/v3/oauth/clients/vouchers?page={page}"


def _page_meta(page: int, limit: int, last_page: int, *, shown: int, total: int) -> JsonObject:
    start = (page - 1) * limit
    links: list[JsonValue] = [
        {"url": _page_url(number), "label": str(number), "active": number == page}
        for number in range(max(1, page - 3), min(last_page, page + 3) + 1)
    ]
    return {
        "current_page": page,
        "from": start + 1 if shown else None,
        "last_page": last_page,
        "links": links,
        "path": _page_url(1).partition("?")[0],
        "per_page": str(limit),
        "to": start + shown if shown else None,
        "total": total,
    }


VOUCHER_OPERATIONS: dict[str, Operation] = {
    "vouchers.batch": batch,
    "vouchers.find": find,
    "vouchers.list": list_vouchers,
    "promotions.list": list_promotions,
}
