"""Static files under names that carry their content's hash, so that browsers may keep them for ever."""
from whitenoise.storage import CompressedManifestStaticFilesStorage


class ModuleManifestStorage(CompressedManifestStaticFilesStorage):
    """Also rewrites `import` lines of ES modules, since nothing is bundled here."""

    support_js_module_import_aggregation = True
