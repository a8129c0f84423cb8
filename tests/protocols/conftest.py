"""What the tests of the catalogue stand on: the reference, and a draft in the hands of a medical lead."""
from __future__ import annotations

import pytest

from clinic.choices import Role
from clinic.doer import Doer
from clinic.models import User
from protocols import catalogue, versions
from protocols.definitions import Catalogue
from protocols.loading import load_reference
from protocols.models import CatalogueVersion
from tests import factories as make


@pytest.fixture(scope="session")
def reference() -> Catalogue:
    return load_reference()


@pytest.fixture
def lead(db: None) -> User:
    make.make_site()
    return make.make_user(Role.MEDICAL_LEAD, name="Dr Jonas Weber")


@pytest.fixture
def draft(lead: User) -> CatalogueVersion:
    return versions.make_draft(based_on=catalogue.current(), note="Review", by=Doer.staff(lead))
