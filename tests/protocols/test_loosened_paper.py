"""What a plan's limits are worth is printed on its consent form: a default nobody approved, or loosened by whom and why."""

from __future__ import annotations

import pytest

from clinic.choices import Role
from clinic.doer import Doer
from protocols import catalogue, versions
from protocols.models import CatalogueVersion
from sessions import documents
from tests import factories as make
from tests.protocols.drafts import change, in_force
from tests.renderer import RendererProcess
from tests.sessions.test_documents import made, text_of

pytestmark = pytest.mark.django_db


def test_the_consent_form_prints_what_its_limits_are_worth(renderer: RendererProcess) -> None:
    site = make.make_site()
    lead, doctor = make.make_user(Role.MEDICAL_LEAD), make.make_user(Role.PRACTITIONER)
    course = make.make_course(make.make_patient(site), doctor)
    by = Doer.staff(doctor, site)
    first = text_of(made(documents.issue_consent(course=course, by=by, language="en")))
    assert "Default limits, not yet approved by your medical lead." in first
    assert "loosened" not in first
    draft = versions.make_draft(based_on=catalogue.current(), note="Looser", by=Doer.staff(lead))
    change(draft, course.items.first().substance, lead, reason="Specialist clinic", hard_max="9")
    change(draft, "sub-txa", lead, reason="Elsewhere", hard_max="120")
    in_force(CatalogueVersion.objects.get(pk=draft.pk), lead)
    for language, sentence in (("en", "A limit of this plan was loosened"), ("tr", "Bu planın bir sınırı gevşetildi")):
        paper = made(documents.issue_consent(course=course, by=by, language=language))
        printed = text_of(paper)
        assert sentence in printed
        assert "Specialist clinic" in printed
        assert lead.name in printed
        assert "Elsewhere" not in printed
        assert "not yet approved" not in printed
