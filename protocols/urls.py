from django.urls import path

from protocols.views import catalogue, clauses, enabling, entries, services, texts, versions

VERSION = "protocols/versions/<public:public_id>/"

urlpatterns = [
    path("protocols/", catalogue.protocols, name="protocols"),
    path("protocols/versions/", catalogue.catalogue_versions, name="catalogue-versions"),
    path(VERSION, catalogue.catalogue_version, name="catalogue-version"),
    path(f"{VERSION}draft/", versions.catalogue_draft_new, name="catalogue-draft-new"),
    path(f"{VERSION}difference/", versions.catalogue_difference, name="catalogue-difference"),
    path(f"{VERSION}approve/", versions.catalogue_approve, name="catalogue-approve"),
    path(f"{VERSION}reopen/", versions.catalogue_reopen, name="catalogue-reopen"),
    path(f"{VERSION}give-up/", versions.catalogue_give_up, name="catalogue-give-up"),
    path(f"{VERSION}publish/", versions.catalogue_publish, name="catalogue-publish"),
    path(f"{VERSION}add/<slug:entry_kind>/", entries.catalogue_entry_add, name="catalogue-entry-add"),
    path(f"{VERSION}entries/<slug:code>/", entries.catalogue_entry, name="catalogue-entry"),
    path(f"{VERSION}entries/<slug:code>/remove/", entries.catalogue_entry_remove, name="catalogue-entry-remove"),
    path(f"{VERSION}entries/<slug:code>/rework/", clauses.catalogue_mixing_rule, name="catalogue-mixing-rule"),
    path(f"{VERSION}entries/<slug:code>/clauses/new/", clauses.catalogue_clause_new, name="catalogue-clause-new"),
    path(f"{VERSION}entries/<slug:code>/clauses/<slug:sign>/", clauses.catalogue_clause, name="catalogue-clause"),
    path(f"{VERSION}entries/<slug:code>/clauses/<slug:sign>/remove/", clauses.catalogue_clause_remove,
         name="catalogue-clause-remove"),
    path("protocols/texts/", texts.catalogue_texts, name="catalogue-texts"),
    path("protocols/texts/<slug:in_language>/", texts.catalogue_texts_language, name="catalogue-texts-language"),
    path("protocols/texts/<slug:in_language>/approve/", texts.catalogue_texts_approve_all, name="catalogue-texts-approve-all"),
    path("protocols/texts/<slug:in_language>/<slug:code>/<str:field>/", texts.catalogue_text, name="catalogue-text"),
    path("catalogue-texts/<public:public_id>/approve/", texts.catalogue_text_approve, name="catalogue-text-approve"),
    path("catalogue-texts/<public:public_id>/withdraw/", texts.catalogue_text_withdraw, name="catalogue-text-withdraw"),
    path("allowed-at-site/", enabling.enablements, name="enablements"),
    path("allowed-at-site/new/", enabling.enablement_new, name="enablement-new"),
    path("allowed-at-site/<public:public_id>/end/", enabling.enablement_end, name="enablement-end"),
    path("services/", services.services, name="services"),
    path("services/<public:public_id>/", services.service_edit, name="service-edit"),
    path("services/<public:public_id>/people/", services.service_people, name="service-people"),
]
