"""scr-medicines: what each recorded medicine means for the substances of a plan. Pure.

One finding per medicine and substance. A medicine nobody has classed is unknown, and unknown is never fine: it holds
up the start of a session.
"""
from __future__ import annotations

from collections.abc import Iterator, Mapping

from patients.choices import Text
from patients.facts import PatientFacts, RecordedMedicine
from patients.questionnaire import NONE, UNSURE, as_list
from protocols.findings import Finding, Severity, Stage
from protocols.plan import Plan
from protocols.rules import MedicineClass, MedicineEffect

CODE = "scr-medicines"
CONFIRMED = "q-diabetes-confirmed"  # the clinician confirms that an antidiabetic is not taken for diabetes
_TITLE = Text.of(en="Medicines", tr="İlaçlar")


def medicine_findings(
    *,
    facts: PatientFacts,
    plan: Plan | None,
    classes: Mapping[str, MedicineClass],
    stage: Stage,
    words: frozenset[str],
) -> Iterator[Finding]:
    """Findings over the recorded medicines, and over names the patient gave that nobody has recorded yet."""
    recorded = {medicine.name.casefold() for medicine in facts.medicines}
    named = [name for name in as_list(facts.answers.get("q-medicines")) if name not in (NONE, UNSURE)]
    unrecorded = [RecordedMedicine(name) for name in named if name.casefold() not in recorded]
    for medicine in (*facts.medicines, *unrecorded):
        if medicine.classes is None or any(code not in classes for code in medicine.classes):
            yield _unclassed(medicine, stage)
            continue
        if "med-antidiabetic" in medicine.classes and _diabetes_denied(facts):
            yield _finding(medicine, Severity.INCOMPLETE, _DIABETES_SENTENCE, lifted_by=_DIABETES_LIFT)
        yield from _effects(medicine, plan, classes, words)


def would_matter_with_a_plan(facts: PatientFacts, classes: Mapping[str, MedicineClass]) -> bool:
    """A medicine is recorded that does not go together with some substance."""
    taken = {code for medicine in facts.medicines for code in medicine.classes or () if code in classes}
    return any(effect.substances for code in taken for effect in classes[code].effects)


def _diabetes_denied(facts: PatientFacts) -> bool:
    return facts.answers.get("q-diabetes") == "no" and facts.answers.get(CONFIRMED) != "yes"


def _effects(
    medicine: RecordedMedicine, plan: Plan | None, classes: Mapping[str, MedicineClass], words: frozenset[str]
) -> Iterator[Finding]:
    """Several classes of one medicine may name the same substance: the strictest speaks for it. What several note in the
    same words is noted once."""
    strictest: dict[str, tuple[MedicineEffect, MedicineClass]] = {}
    notes: dict[Text, tuple[MedicineEffect, MedicineClass]] = {}
    for medicine_class in (classes[code] for code in medicine.classes or ()):
        for effect in medicine_class.effects:
            if not effect.substances:
                notes.setdefault(effect.sentence, (effect, medicine_class))
            for substance in effect.substances:
                known = strictest.get(substance)
                if substance in words and (known is None or known[0].severity is not Severity.ABSOLUTE):
                    strictest[substance] = (effect, medicine_class)
    for substance, (effect, medicine_class) in sorted(strictest.items()):
        yield _finding(
            medicine, effect.severity, effect.sentence, medicine_class=medicine_class, substances=(substance,)
        )
    for effect, medicine_class in notes.values() if not strictest else ():
        yield _finding(medicine, effect.severity, effect.sentence, medicine_class=medicine_class)


def _unclassed(medicine: RecordedMedicine, stage: Stage) -> Finding:
    severity = Severity.INCOMPLETE if stage is Stage.START else Severity.INFO
    return _finding(medicine, severity, _UNCLASSED_SENTENCE, lifted_by=_UNCLASSED_LIFT)


def _finding(
    medicine: RecordedMedicine,
    severity: Severity,
    sentence: Text,
    *,
    medicine_class: MedicineClass | None = None,
    substances: tuple[str, ...] = (),
    lifted_by: Text | None = None,
) -> Finding:
    return Finding(
        code=CODE,
        severity=severity,
        title=_TITLE,
        sentence=sentence,
        answers=(("q-medicines", medicine.name),),
        source=medicine_class.source if medicine_class else ("S4",),
        rule_version=medicine_class.version if medicine_class else 1,
        mark=medicine_class.mark if medicine_class else "",
        lifted_by=lifted_by or _LIFTS[severity],
        substances=substances,
    )


_UNCLASSED_SENTENCE = Text.of(
    en="Nobody has yet said which kind of medicine this is, so interactions are unknown.",
    tr="Bu ilacın hangi sınıftan olduğu henüz belirtilmedi; bu nedenle etkileşimleri bilinmiyor.",
)
_UNCLASSED_LIFT = Text.of(
    en="Staff give the medicine its classes, or “none”.", tr="Personel ilacın sınıfını ya da “hiçbiri”ni seçer."
)
_DIABETES_SENTENCE = Text.of(
    en="A diabetes medicine is taken, but diabetes was answered with no.",
    tr="Diyabet ilacı kullanılıyor, ancak diyabet sorusu “hayır” olarak yanıtlanmış.",
)
_DIABETES_LIFT = Text.of(
    en="A clinician confirms what the medicine is taken for, or the answer is corrected.",
    tr="Bir hekim ilacın ne için kullanıldığını doğrular ya da yanıt düzeltilir.",
)
_LIFTS: Mapping[Severity, Text] = {
    Severity.ABSOLUTE: Text.of(
        en="A plan without this substance can be checked again.",
        tr="Bu maddeyi içermeyen bir plan yeniden değerlendirilebilir.",
    ),
    Severity.RELATIVE: Text.of(
        en="A named clinician's clearance. The patient does not stop any prescribed medicine.",
        tr="Adı belirtilen bir hekimin onayı. Hasta reçeteli hiçbir ilacını kesmez.",
    ),
    Severity.INFO: Text.of(en="A note: nothing has to be lifted.", tr="Bilgi notu: kaldırılması gereken bir şey yok."),
}
