"""The effect classes: for each a workflow with one write of it, and what must stand at the vendor beforehand."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import orjson
from mendflow.connectors.contract import JsonObject
from mendflow.connectors.sandbox.account import (
    ANONYMOUS_CONTACT_UUID,
    CONTACT_EMAIL,
    POS_TRANSACTION_UUID,
    PROMOTION_UUID,
    SHOP_UUID,
)

from tests.kill.signals import STEP
from tests.kill.vendor import Vendor


@dataclass(frozen=True, slots=True)
class EffectCase:
    """One class of effects, as one write shows it."""

    name: str
    operation: str
    prepare: Callable[[Vendor], JsonObject]
    """Sets the vendor's account up and returns the arguments of the write."""
    retyped: str
    """A field of the write's answer that the fault `drift_retype` can spoil."""
    once: str = "'the only one'"
    """CEL text of the business key; empty where the run itself names the effect."""
    settles: bool = True
    """Whether an unknown outcome of this class can always be settled, so that a parked end is a defect."""
    needs_retyped: bool = True
    """Whether the answer proves nothing while that field is spoiled."""

    def workflow(self, vendor: Vendor, folder: Path) -> Path:
        """Write the workflow, whose arguments fit the vendor's account."""
        effect: JsonObject = {"call": f"piggy.{self.operation}", "with": self.prepare(vendor)}
        if self.once:
            effect["once"] = self.once
        document: JsonObject = {
            "apiVersion": "mendflow/v1",
            "kind": "Workflow",
            "metadata": {"name": f"kill-{self.name.replace('_', '-')}", "version": "1.0.0"},
            "connections": {"piggy": {"connector": "piggy", "credential": {"file": str(vendor.key_file)}}},
            "steps": {STEP: effect, "after": {"call": "piggy.PIGGY_LIST_PERKS", "needs": [STEP]}},
            "outputs": {"perks": "${{ size(steps.after.output) }}"},
        }
        path = folder / "workflow.yaml"
        path.write_bytes(orjson.dumps(document))  # JSON is YAML
        return path


def _contact(vendor: Vendor, name: str) -> str:
    return str(vendor.call("GET", f"/contacts/find-or-create?email={name}%40example.com")["uuid"])


def _award(vendor: Vendor) -> JsonObject:
    return {"contact_uuid": _contact(vendor, "ann"), "shop_uuid": SHOP_UUID, "credits": 50}


def _keyed_award(vendor: Vendor) -> JsonObject:
    return {**_award(vendor), "pos_transaction_uuid": POS_TRANSACTION_UUID}


def _update(vendor: Vendor) -> JsonObject:
    return {"contact_uuid": _contact(vendor, "ann"), "city": "Delft"}


def _merge(vendor: Vendor) -> JsonObject:
    return {
        "source_contact_uuid": _contact(vendor, "ann"),
        "destination_contact_uuid": _contact(vendor, "bob"),
    }


CLASSES = (
    EffectCase("marked", "credit_receptions.create", _award, "credits"),
    EffectCase("marked_by_run", "credit_receptions.create", _award, "credits", once=""),
    EffectCase("vendor_key", "credit_receptions.create", _keyed_award, "credits"),
    EffectCase(
        "natural_key", "contacts.find_or_create", lambda _: {"email": "new@example.com"}, "uuid", once=""
    ),
    EffectCase("idempotent", "contacts.update", _update, "credit_balance", once=""),
    EffectCase(
        "claimed",
        "contacts.claim",
        lambda _: {"anonymous_contact_uuid": ANONYMOUS_CONTACT_UUID, "email": "new@example.com"},
        "uuid",
    ),
    EffectCase("merged", "contacts.merge", _merge, "uuid", settles=False),
    EffectCase(
        "asynchronous",
        "vouchers.batch",
        lambda _: {"promotion_uuid": PROMOTION_UUID, "quantity": 3},
        "quantity",
        settles=False,
    ),
    EffectCase(
        "blind",
        "contact_verification.send",
        lambda _: {"email": CONTACT_EMAIL},
        "type",
        settles=False,
        needs_retyped=False,
    ),
)
BY_NAME = {one.name: one for one in CLASSES}
