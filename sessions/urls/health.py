from django.urls import path

from sessions.views import conditions, measurements

urlpatterns = [
    path("patients/<public:public_id>/measurements/", measurements.measurements, name="measurements"),
    path(
        "patients/<public:public_id>/measurements/<public:measurement_id>/withdraw/", measurements.measurement_withdraw,
        name="measurement-withdraw",
    ),
    path("patients/<public:public_id>/medicines/", conditions.medicines, name="medicines"),
    path("patients/<public:public_id>/medicines/add/", conditions.medicine_add, name="medicine-add"),
    path("patients/<public:public_id>/medicines/<public:medicine_id>/", conditions.medicine_class, name="medicine-class"),
    path("patients/<public:public_id>/medicines/<public:medicine_id>/end/", conditions.medicine_end, name="medicine-end"),
    path("patients/<public:public_id>/allergies/add/", conditions.allergy_add, name="allergy-add"),
    path("patients/<public:public_id>/allergies/none/", conditions.allergy_none, name="allergy-none"),
    path("patients/<public:public_id>/allergies/<public:allergy_id>/end/", conditions.allergy_end, name="allergy-end"),
]  # fmt: skip
