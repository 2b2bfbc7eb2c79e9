"""The table of faults: the one place from which the tests and the page are made."""

from typing import Final

from tests.faults.bodies import BODIES
from tests.faults.codes import CODES
from tests.faults.connections import CONNECTIONS
from tests.faults.form import Form
from tests.faults.limits import LIMITS
from tests.faults.statuses import STATUSES

FAMILIES: Final[dict[str, tuple[Form, ...]]] = {
    "Rate limits and maintenance": LIMITS,
    "Statuses": STATUSES,
    "Bodies under status 200": BODIES,
    "The vendor's errors": CODES,
    "Connections": CONNECTIONS,
}
FORMS: Final = tuple(form for forms in FAMILIES.values() for form in forms)
