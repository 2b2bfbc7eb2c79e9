"""What the simulated runs do: one workflow for each group of effect classes, and the people whom it is done to."""

from collections.abc import Callable
from datetime import datetime
from functools import cache
from pathlib import Path
from random import Random
from typing import Final

from mendflow.connectors.catalogue import tools_of
from mendflow.connectors.contract import JsonObject
from mendflow.connectors.sandbox.account import PROMOTION_UUID, SHOP_UUID
from mendflow.connectors.sandbox.world import Command, World
from mendflow.graph.language.compiler import compile_text
from mendflow.graph.language.plan import Plan

Person = JsonObject
Make = Callable[[str, JsonObject], str]
"""Makes something at the vendor before anything begins, and returns its uuid."""

_HEAD: Final = """\
apiVersion: mendflow/v1
kind: Workflow
metadata: {name: NAME, version: 1.0.0}
inputs:
  people: {type: array}
connections:
  piggy: {connector: piggy, credential: {file: key}}
TILL
steps:
"""
FEW: Final = 25
"""Awards of a workflow without a map."""
KNOWN: Final = 0.2
"""The share of claims for an address that somebody has: the two become one."""
_TILL: Final = "  till: {connector: piggy, credential: {file: key}, prefix: /api/v3/register}"
_MAP: Final = """\
  people:
    map: inputs.people
    as: person
    parallel: PARALLEL
    steps:
"""
_AWARD: Final = f"""\
      NAME:
        call: piggy.PIGGY_CREATE_CREDIT_RECEPTION
        once: person.key + "/NAME"
        with:
          contact_uuid: "${{{{ CONTACT }}}}"
          shop_uuid: {SHOP_UUID}
          credits: "${{{{ person.credits }}}}"
          gift: "${{{{ person.key }}}}/NAME"
"""
_SALE: Final = """\
      sale_TIME:
        call: till.pos_transactions.create
        once: person.key + "/TIME"
        may_repeat: true
        with: {amount_in_cents: "${{ person.credits }}", transaction_id: "${{ person.TIME }}"}
""" + _AWARD.replace("NAME", "award_TIME").replace("CONTACT", "person.contact").replace(
    "credits: ", 'pos_transaction_uuid: "${{ steps.sale_TIME.output.uuid }}"\n          credits: '
)
_STEPS: Final = {
    "awards": _MAP
    + "".join(
        _AWARD.replace("NAME", name).replace("CONTACT", "person.contact")
        for name in ("spring", "summer", "autumn", "winter")
    ),
    "members": """\
  field: {call: piggy.PIGGY_CREATE_CONTACT_ATTRIBUTE, with: {name: note, label: Note, data_type: text}}
"""
    + _MAP.replace("    steps:", "    needs: [field]\n    steps:")
    + """\
      member: {call: piggy.contacts.find_or_create, with: {email: "${{ person.email }}"}}
      product:
        call: piggy.PIGGY_FIND_OR_CREATE_PRODUCTS
        with: {external_identifier: "${{ person.key }}", name: A gift}
      note:
        call: piggy.contacts.update
        with: {contact_uuid: "${{ steps.member.output.uuid }}", note: "for ${{ person.key }}"}
"""
    + _AWARD.replace("NAME", "award").replace("CONTACT", "steps.member.output.uuid"),
    "changes": _MAP
    + f"""\
      claim:
        call: piggy.PIGGY_CLAIM_ANONYMOUS_CONTACT
        once: person.key
        with: {{anonymous_contact_uuid: "${{{{ person.anonymous }}}}", email: "${{{{ person.new_email }}}}"}}
      merge:
        call: piggy.PIGGY_MERGE_CONTACTS
        once: person.key
        with:
          source_contact_uuid: "${{{{ person.double }}}}"
          destination_contact_uuid: "${{{{ person.contact }}}}"
      batch:
        call: piggy.PIGGY_CREATE_VOUCHERS_BATCH
        once: person.key
        with: {{promotion_uuid: {PROMOTION_UUID}, quantity: 1, contact_uuid: "${{{{ person.contact }}}}"}}
      mail:
        call: piggy.PIGGY_SEND_CONTACT_VERIFICATION_EMAIL
        once: person.key
        with: {{email: "${{{{ person.email }}}}"}}
""",
    "sales": _MAP + _SALE.replace("TIME", "today") + _SALE.replace("TIME", "later"),
    "flat": "".join(
        _AWARD.replace("NAME", f"award_{number}")
        .replace("CONTACT", f"inputs.people[{number}].contact")
        .replace("person.", f"inputs.people[{number}].")
        .replace("      ", "  ", 1)
        for number in range(FEW)
    ),
}
GROUPS: Final = tuple(_STEPS)
EACH: Final = {"awards": 4, "members": 4, "changes": 4, "sales": 4, "flat": 1}
"""Effects for each person."""


@cache
def plan_of(group: str, parallel: int) -> Plan:
    """Return the compiled workflow of a group, done to so many people at once."""
    head = _HEAD.replace("TILL\n", f"{_TILL}\n" if group == "sales" else "")
    text = (head + _STEPS[group]).replace("NAME", group).replace("PARALLEL", str(parallel))
    return compile_text(text, file=f"{group}.yaml", folder=Path(), catalogue=tools_of)


def people(world: World, dice: Random, group: str, count: int, at: datetime) -> list[Person]:
    """Return people whom the vendor knows as far as the work needs it."""

    def make(operation: str, arguments: JsonObject) -> str:
        served = world.apply(Command(operation=operation, arguments=arguments, at=at))
        return str(served.data["uuid"]) if isinstance(served.data, dict) else ""

    return [_person(make, dice, group, number) for number in range(count)]


def _person(make: Make, dice: Random, group: str, number: int) -> Person:
    email = f"person-{number}@example.com"
    person: Person = {"key": f"key-{number}", "email": email, "credits": dice.randint(1, 500)}
    if group == "sales":
        person |= {"today": 2 * number + 1, "later": 2 * number + 2}
    if group != "members":
        person["contact"] = make("contacts.find_or_create", {"email": email})
    if group == "changes":
        person["anonymous"] = make("contacts.create_anonymous", {})
        person["new_email"] = f"claimed-{number}@example.com"
        if dice.random() < KNOWN:
            make("contacts.find_or_create", {"email": person["new_email"]})
        person["double"] = make("contacts.find_or_create", {"email": f"double-{number}@example.com"})
    return person
