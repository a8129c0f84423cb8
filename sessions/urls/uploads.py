from django.urls import path

from sessions.views import clearances, uploads

urlpatterns = [
    path("patients/<public:public_id>/uploads/", uploads.uploads, name="uploads"),
    path("patients/<public:public_id>/uploads/new/", uploads.upload_new, name="upload-new"),
    path("uploads/<public:public_id>/file/", uploads.upload_file, name="upload-file"),
    path("uploads/<public:public_id>/withdraw/", uploads.upload_withdraw, name="upload-withdraw"),
    path("courses/<public:public_id>/clear/<slug:code>/", clearances.clearance_new, name="clearance-new"),
    path("clearances/<public:public_id>/end/", clearances.clearance_end, name="clearance-end"),
]
