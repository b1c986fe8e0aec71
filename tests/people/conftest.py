"""What several files of tests of people start from: two sites, and a mediator of the first."""

import pytest

from people.models import Person, Role, Site
from tests.factories import make_site, make_staff


@pytest.fixture
def here() -> Site:
    return make_site(name="Riverside")


@pytest.fixture
def there() -> Site:
    return make_site(name="Hilltop")


@pytest.fixture
def mediator(here: Site) -> Person:
    return make_staff(site=here, role=Role.MEDIATOR)
