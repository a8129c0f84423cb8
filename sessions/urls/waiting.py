from django.urls import path

from sessions.views import call_list, wait_list

urlpatterns = [
    path("call-list/", call_list.call_list_page, name="call-list"),
    path("patients/<public:public_id>/call/", call_list.call_log, name="call-log"),
    path("wait-list/", wait_list.wait_list, name="wait-list"),
    path("wait-list/new/", wait_list.wait_entry_new, name="wait-entry-new"),
    path("wait-list/slot/", wait_list.wait_slot, name="wait-slot"),
    path("wait-list/freed/", wait_list.wait_freed, name="wait-freed"),
    path("wait-list/openings/", wait_list.wait_openings, name="wait-openings"),
    path("wait-list/<public:public_id>/edit/", wait_list.wait_entry_edit, name="wait-entry-edit"),
    path("wait-list/<public:public_id>/withdraw/", wait_list.wait_entry_withdraw, name="wait-entry-withdraw"),
    path("wait-list/<public:public_id>/book/", wait_list.wait_book, name="wait-book"),
]
