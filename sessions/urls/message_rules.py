from django.urls import path

from sessions.views import message_rules

urlpatterns = [
    path("mail-rules/", message_rules.mail_rules, name="mail-rules"),
    path("mail-rules/<str:mail_kind>/new/", message_rules.mail_rule_new, name="mail-rule-new"),
    path("mail-rules/<str:mail_kind>/<str:where>/", message_rules.mail_rule, name="mail-rule"),
    path("mail-rules/<str:mail_kind>/<str:where>/change/", message_rules.mail_rule_change, name="mail-rule-change"),
    path("mail-rules/<str:mail_kind>/<str:where>/end/", message_rules.mail_rule_end, name="mail-rule-end"),
    path(
        "mail-rules/<str:mail_kind>/<str:where>/<str:language>/", message_rules.mail_rule_words, name="mail-rule-words"
    ),
    path(
        "mail-rules/<str:mail_kind>/<str:where>/<str:language>/mail/", message_rules.mail_rule_mail, name="mail-rule-mail"
    ),
    path(
        "mail-rules/<str:mail_kind>/<str:where>/<str:language>/preview/", message_rules.mail_rule_preview,
        name="mail-rule-preview",
    ),
    path(
        "mail-rules/<str:mail_kind>/<str:where>/<str:language>/test/", message_rules.mail_rule_test, name="mail-rule-test"
    ),
]  # fmt: skip
