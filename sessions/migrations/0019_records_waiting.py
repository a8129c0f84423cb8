import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    """History has no gap: its trigger goes and comes back in one transaction."""

    dependencies = [
        ('clinic', '0004_site_insurer'),
        ('patients', '0006_fill_passed_at'),
        ('protocols', '0003_texts_in_other_languages'),
        ('treatment_sessions', '0018_messages_in_trouble'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        pgtrigger.migrations.RemoveTrigger(
            model_name='treatmentsession',
            name='update_update',
        ),
        migrations.AddField(
            model_name='treatmentsession',
            name='unsigned_site',
            field=models.ForeignKey(blank=True, db_index=False, editable=False, help_text='Where it waits for its signature; the database keeps it, so that a board finds the few among all', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='clinic.site'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='treatmentsession',
            trigger=pgtrigger.compiler.Trigger(name='record_waits_at_its_site', sql=pgtrigger.compiler.UpsertTriggerSql(func="\n                    NEW.unsigned_site_id := CASE WHEN NEW.status = 'ended' THEN (\n                        SELECT a.site_id FROM treatment_sessions_appointment a WHERE a.id = NEW.appointment_id\n                    ) END;\n                    RETURN NEW;\n                    ", hash='45f0634f39861ee87eeb6a2508fd42a1139d4f8a', operation='INSERT OR UPDATE', pgid='pgtrigger_record_waits_at_its_site_6d341', table='treatment_sessions_treatmentsession', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='treatmentsession',
            trigger=pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD."appointment_id" IS DISTINCT FROM (NEW."appointment_id") OR OLD."begun_at" IS DISTINCT FROM (NEW."begun_at") OR OLD."catalogue_id" IS DISTINCT FROM (NEW."catalogue_id") OR OLD."content_digest" IS DISTINCT FROM (NEW."content_digest") OR OLD."course_id" IS DISTINCT FROM (NEW."course_id") OR OLD."delivery" IS DISTINCT FROM (NEW."delivery") OR OLD."depth_mm" IS DISTINCT FROM (NEW."depth_mm") OR OLD."drawn_up_ml" IS DISTINCT FROM (NEW."drawn_up_ml") OR OLD."ended_at" IS DISTINCT FROM (NEW."ended_at") OR OLD."gate_overrides" IS DISTINCT FROM (NEW."gate_overrides") OR OLD."history_changes" IS DISTINCT FROM (NEW."history_changes") OR OLD."history_confirmed_at" IS DISTINCT FROM (NEW."history_confirmed_at") OR OLD."history_confirmed_by_id" IS DISTINCT FROM (NEW."history_confirmed_by_id") OR OLD."id" IS DISTINCT FROM (NEW."id") OR OLD."identity_checked" IS DISTINCT FROM (NEW."identity_checked") OR OLD."mixed_at" IS DISTINCT FROM (NEW."mixed_at") OR OLD."note" IS DISTINCT FROM (NEW."note") OR OLD."opened_at" IS DISTINCT FROM (NEW."opened_at") OR OLD."opened_by_id" IS DISTINCT FROM (NEW."opened_by_id") OR OLD."patient_id" IS DISTINCT FROM (NEW."patient_id") OR OLD."planned" IS DISTINCT FROM (NEW."planned") OR OLD."planned_session_id" IS DISTINCT FROM (NEW."planned_session_id") OR OLD."practitioner_id" IS DISTINCT FROM (NEW."practitioner_id") OR OLD."public_id" IS DISTINCT FROM (NEW."public_id") OR OLD."reaction_note" IS DISTINCT FROM (NEW."reaction_note") OR OLD."saved_at" IS DISTINCT FROM (NEW."saved_at") OR OLD."screening_id" IS DISTINCT FROM (NEW."screening_id") OR OLD."signed_at" IS DISTINCT FROM (NEW."signed_at") OR OLD."signed_by_id" IS DISTINCT FROM (NEW."signed_by_id") OR OLD."signed_meaning" IS DISTINCT FROM (NEW."signed_meaning") OR OLD."status" IS DISTINCT FROM (NEW."status") OR OLD."technique" IS DISTINCT FROM (NEW."technique") OR OLD."version" IS DISTINCT FROM (NEW."version") OR OLD."wasted_ml" IS DISTINCT FROM (NEW."wasted_ml"))', func='INSERT INTO "treatment_sessions_treatmentsessionevent" ("appointment_id", "begun_at", "catalogue_id", "content_digest", "course_id", "delivery", "depth_mm", "drawn_up_ml", "ended_at", "gate_overrides", "history_changes", "history_confirmed_at", "history_confirmed_by_id", "id", "identity_checked", "mixed_at", "note", "opened_at", "opened_by_id", "patient_id", "pgh_context", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "planned", "planned_session_id", "practitioner_id", "public_id", "reaction_note", "saved_at", "screening_id", "signed_at", "signed_by_id", "signed_meaning", "status", "technique", "version", "wasted_ml") VALUES (NEW."appointment_id", NEW."begun_at", NEW."catalogue_id", NEW."content_digest", NEW."course_id", NEW."delivery", NEW."depth_mm", NEW."drawn_up_ml", NEW."ended_at", NEW."gate_overrides", NEW."history_changes", NEW."history_confirmed_at", NEW."history_confirmed_by_id", NEW."id", NEW."identity_checked", NEW."mixed_at", NEW."note", NEW."opened_at", NEW."opened_by_id", NEW."patient_id", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_id\', TRUE), \'\'), NULL)::UUID, NOW(), \'update\', NEW."id", NEW."planned", NEW."planned_session_id", NEW."practitioner_id", NEW."public_id", NEW."reaction_note", NEW."saved_at", NEW."screening_id", NEW."signed_at", NEW."signed_by_id", NEW."signed_meaning", NEW."status", NEW."technique", NEW."version", NEW."wasted_ml"); RETURN NULL;', hash='1fb4eaa13e6861563de062c8967534efdf67500f', operation='UPDATE', pgid='pgtrigger_update_update_61bc3', table='treatment_sessions_treatmentsession', when='AFTER')),
        ),
    ]
