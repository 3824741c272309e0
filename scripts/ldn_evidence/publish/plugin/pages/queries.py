"""The named queries of the pages. A page shows no number that did not come through one of them."""

from __future__ import annotations

from collections.abc import Mapping

from ldn_evidence.store.search import best_first, is_named

# Kind of record, the column that refers to it, and what names it.
_REFERRED = (
    ("studies", "study_id", "title"),
    ("trials", "trial_id", "title"),
    ("sources", "source_id", "title"),
    ("conditions", "condition_id", "name"),
    ("mechanisms", "mechanism_id", "name"),
    ("adverse-effects", "adverse_effect_id", "name"),
    ("interactions", "interaction_id", "name"),
    ("precautions", "precaution_id", "name"),
    ("dosing", "dosing_id", "name"),
    ("pharmacology", "pharmacology_id", "name"),
    ("regulatory", "regulatory_id", "name"),
)


# Number in a register of a study that is known from its entry there.
_NUMBER = """(SELECT study_registrations.registry_number FROM study_registrations
    WHERE study_registrations.study_id = studies.id AND studies.verification_depth = 'registry'
    ORDER BY study_registrations.position LIMIT 1)"""
# What a study is cited by, beside its year: authors, else the number in a register, else the title.
_CITED = f"studies.authors, studies.title AS cited_title, {_NUMBER} AS cited_number"


def _reference(table: str) -> str:
    """Columns kind, id, title, authors, year and depth of whatever record a row of `table` refers to."""
    kinds = " ".join(f"WHEN {table}.{column} IS NOT NULL THEN '{kind}'" for kind, column, _ in _REFERRED)
    ids = ", ".join(f"{table}.{column}" for _, column, _ in _REFERRED)
    titles = ", ".join(
        f"(SELECT {name} FROM {kind.replace('-', '_')} WHERE id = {table}.{column})"
        for kind, column, name in _REFERRED
    )
    return f"""CASE {kinds} END AS kind, coalesce({ids}) AS id, coalesce({titles}) AS title,
        (SELECT authors FROM studies WHERE id = {table}.study_id) AS authors,
        (SELECT {_NUMBER} FROM studies WHERE id = {table}.study_id) AS cited_number,
        (SELECT year FROM studies WHERE id = {table}.study_id) AS year,
        (SELECT verification_depth FROM studies WHERE id = {table}.study_id) AS verification_depth,
        (SELECT retraction_status FROM studies WHERE id = {table}.study_id) AS retraction_status"""


# A study with what a list of studies shows of it.
_STUDY = f"""
studies.id, studies.title, {_CITED}, studies.year, studies.journal, studies.design, studies.blinding,
studies.status, studies.conclusion, studies.verification_depth, studies.retraction_status,
studies.isolates_naltrexone, studies.uncontrolled_result,
coalesce(studies.enrolment_randomized, studies.enrolment_analyzed, studies.enrolment_enrolled,
    studies.review_participants) AS participants,
coalesce(studies.enrolment_analyzed, studies.enrolment_randomized, studies.enrolment_enrolled) AS analyzed,
studies.enrolment_analyzed, studies.review_studies_included,
terms.evidence_kind, coalesce(terms.randomized, 0) AS is_randomized, coalesce(terms.human, 0) AS is_human,
(SELECT group_concat(DISTINCT arms.dose_class) FROM arms
    WHERE arms.study_id = studies.id AND arms.role = 'intervention') AS dose_classes,
(SELECT min(coalesce(arms.dose_low_mg_per_day, arms.dose_mg_per_day)) FROM arms
    WHERE arms.study_id = studies.id AND arms.role = 'intervention') AS dose_low,
(SELECT max(coalesce(arms.dose_high_mg_per_day, arms.dose_mg_per_day)) FROM arms
    WHERE arms.study_id = studies.id AND arms.role = 'intervention') AS dose_high,
(SELECT max(arms.weeks) FROM arms WHERE arms.study_id = studies.id AND arms.role = 'intervention') AS weeks,
(SELECT group_concat(DISTINCT arms.control_kind) FROM arms
    WHERE arms.study_id = studies.id AND arms.role = 'comparator') AS controls,
(SELECT study_relations.type FROM study_relations WHERE study_relations.study_id = studies.id
    ORDER BY study_relations.position LIMIT 1) AS relation,
(SELECT study_relations.related_study_id FROM study_relations WHERE study_relations.study_id = studies.id
    ORDER BY study_relations.position LIMIT 1) AS related_id
"""
_TERMS = (
    "LEFT JOIN vocabulary_terms AS terms ON terms.vocabulary_id = 'designs' AND terms.term = studies.design"
)

# An outcome with its printed effect, and the one that was computed from its arms where nothing is printed.
_OUTCOME = """
outcomes.id, outcomes.study_id, outcomes.name, outcomes.domain, outcomes.role, outcomes.timepoint, outcomes.unit,
outcomes.better, outcomes.direction, outcomes.effect_measure, outcomes.effect_label, outcomes.effect_value,
outcomes.effect_ci_low, outcomes.effect_ci_high, outcomes.effect_ci_level, outcomes.effect_p, outcomes.effect_printed,
outcomes.effect_note, outcomes.note, outcomes.instrument_note, outcomes.effect_studies, outcomes.effect_participants,
outcomes.effect_i_squared, outcomes.effect_model, outcomes.effect_standard_error, outcomes.effect_iqr,
outcomes.effect_standardized_measure, outcomes.effect_standardized_value, instruments.name AS instrument,
computed.measure AS computed_measure, computed.value AS computed_value, computed.ci_low AS computed_low,
computed.ci_high AS computed_high, computed.computed_from, computed.reading,
computed.minimal_important_difference
"""
_OUTCOME_FROM = """
FROM outcomes
LEFT JOIN instruments ON instruments.id = outcomes.instrument_id
LEFT JOIN effects AS computed ON computed.id = (
    SELECT best.id FROM effects AS best WHERE best.outcome_id = outcomes.id AND best.value IS NOT NULL
    ORDER BY best.is_printed DESC, best.measure = 'MD' DESC, best.measure = 'RR' DESC, best.id LIMIT 1
)
"""
_ROLE_ORDER = """CASE outcomes.role WHEN 'primary' THEN 1 WHEN 'unspecified' THEN 2 WHEN 'secondary' THEN 3
    WHEN 'post_hoc' THEN 4 ELSE 5 END"""


def _people_of(arm: str) -> str:
    """People of an arm in a comparison: those whose result was told, else those allotted to it."""
    return f"""(SELECT coalesce(max(coalesce(results.total, results.n)), arms.n) FROM arms
    LEFT JOIN results ON results.outcome_id = effects.outcome_id AND results.arm_id = arms.id
        AND results.kind IS NOT 'baseline'
    WHERE arms.id = effects.{arm})"""


# People whom an effect compares; in a crossover trial the same are in both arms.
_COMPARED = f"""coalesce(CASE WHEN studies.design LIKE '%crossover%'
    THEN max({_people_of("intervention_id")}, {_people_of("comparator_id")})
    ELSE {_people_of("intervention_id")} + {_people_of("comparator_id")} END, studies.enrolment_analyzed)"""

# People in both sides of an outcome, by the results of its arms; unknown where that of one arm is not told.
_COMPARED_IN_OUTCOME = """(SELECT CASE
        WHEN count(DISTINCT sides.role) < 2 OR count(sides.people) < count(*) THEN NULL
        WHEN studies.design LIKE '%crossover%' THEN max(sides.people) ELSE sum(sides.people) END
    FROM (SELECT arms.role, max(coalesce(results.total, results.n)) AS people
        FROM arms LEFT JOIN results ON results.arm_id = arms.id AND results.outcome_id = outcomes.id
            AND results.kind IS NOT 'baseline'
        WHERE arms.study_id = outcomes.study_id
            AND (arms.role = 'intervention' AND arms.id = coalesce(outcomes.effect_intervention_id, arms.id)
                OR arms.role = 'comparator'
                    AND arms.id = coalesce(outcomes.effect_comparator_id, computed.comparator_id, arms.id))
        GROUP BY arms.id) AS sides)"""

# What was measured in each arm of an outcome after the start; only the arms of its effect where that names them.
_BY_ARM = """(SELECT json_group_array(json_object('role', arms.role, 'kind', results.kind,
        'events', results.events, 'total', results.total, 'percent', results.percent, 'mean', results.mean,
        'median', results.median, 'printed', results.printed))
    FROM results JOIN arms ON arms.id = results.arm_id
    WHERE results.study_id = outcomes.study_id AND results.outcome_id = outcomes.id
        AND results.kind IS NOT 'baseline'
        AND (arms.role = 'intervention' AND arms.id = coalesce(outcomes.effect_intervention_id, arms.id)
            OR arms.role = 'comparator' AND arms.id = coalesce(outcomes.effect_comparator_id, arms.id)))"""

QUERIES: Mapping[str, str] = {
    "is_catalogue": """
SELECT count(*) AS tables FROM sqlite_master
WHERE name IN ('condition_catalogue', 'condition_appraisals', 'build_info', 'search', 'tier_history')""",
    "build_info": "SELECT key, value FROM build_info",
    "generated_text": "SELECT id, title, text FROM generated_text",
    "vocabulary_terms": """
SELECT vocabulary_id, term, label, description FROM vocabulary_terms
WHERE vocabulary_id <> 'instruments' ORDER BY vocabulary_id, position""",
    "vocabulary": """
SELECT term, label, description FROM vocabulary_terms WHERE vocabulary_id = :vocabulary ORDER BY position""",
    # --- home -----------------------------------------------------------------------------------------------
    "totals": """
SELECT (SELECT count(*) FROM conditions) AS conditions,
    (SELECT count(*) FROM studies) AS studies,
    (SELECT count(*) FROM claims) AS claims,
    (SELECT count(*) FROM questions) AS questions,
    (SELECT count(*) FROM trials) AS registrations,
    (SELECT count(DISTINCT studies.id) FROM studies
        JOIN vocabulary_terms ON vocabulary_terms.vocabulary_id = 'designs'
            AND vocabulary_terms.term = studies.design AND vocabulary_terms.randomized = 1
        JOIN arms ON arms.study_id = studies.id AND arms.role = 'intervention' AND arms.dose_class = 'low'
        WHERE NOT EXISTS (SELECT 1 FROM study_relations WHERE study_relations.study_id = studies.id
            AND study_relations.type IN (SELECT value FROM json_each(:relations)))
    ) AS randomized_low_dose,
    (SELECT count(*) FROM open_trials) AS open_trials""",
    "catalogue": """
SELECT condition_catalogue.*, terms.label AS category_label,
    coalesce((SELECT max(asserted_tiers.tier <> condition_catalogue.evidence_tier) FROM asserted_tiers
        WHERE asserted_tiers.condition_id = condition_catalogue.condition_id), 0) AS asserted_differs,
    coalesce((SELECT group_concat(condition_names.name, '; ') FROM condition_names
        WHERE condition_names.condition_id = condition_catalogue.condition_id), '') AS names,
    (SELECT condition_appraisals.randomized_trials_of_unknown_size FROM condition_appraisals
        WHERE condition_appraisals.condition_id = condition_catalogue.condition_id) AS trials_of_unknown_size
FROM condition_catalogue
LEFT JOIN vocabulary_terms AS terms
    ON terms.vocabulary_id = 'condition-categories' AND terms.term = condition_catalogue.category
ORDER BY CASE condition_catalogue.evidence_tier WHEN 'strong' THEN 1 WHEN 'emerging' THEN 2 ELSE 3 END,
    condition_catalogue.randomized_participants DESC, condition_catalogue.randomized_trials DESC,
    condition_catalogue.studies DESC, condition_catalogue.name""",
    "evidence_map": """
SELECT condition_id, name, evidence_tier, direction, randomized_trials, randomized_participants, low_dose_studies
FROM evidence_map ORDER BY condition_id""",
    "tier_changes": """
SELECT tier_history.condition_id, conditions.name, tier_history.year, tier_history.tier, tier_history.direction,
    tier_history.caused_by, before.tier AS tier_before, before.direction AS direction_before
FROM tier_history
JOIN conditions ON conditions.id = tier_history.condition_id
JOIN tier_history AS before ON before.condition_id = tier_history.condition_id AND before.year = (
    SELECT max(earlier.year) FROM tier_history AS earlier
    WHERE earlier.condition_id = tier_history.condition_id AND earlier.year < tier_history.year)
WHERE tier_history.changed = 1
ORDER BY tier_history.year DESC, conditions.name LIMIT :most""",
    "newest_studies": f"""
SELECT {_STUDY} FROM studies {_TERMS}
WHERE terms.randomized = 1 AND studies.year IS NOT NULL
ORDER BY studies.year DESC, participants DESC, studies.id LIMIT :most""",
    "outcome_names": "SELECT id, name FROM outcomes WHERE id IN (SELECT value FROM json_each(:ids))",
    "cited_pharmacology": "SELECT id, name FROM pharmacology WHERE id IN (SELECT value FROM json_each(:ids))",
    "cited_studies": f"""
SELECT studies.id, {_CITED}, studies.year FROM studies WHERE id IN (SELECT value FROM json_each(:ids))""",
    "condition_names": "SELECT condition_id, name FROM condition_names ORDER BY condition_id, position",
    # --- condition ------------------------------------------------------------------------------------------
    "condition": """
SELECT conditions.*, condition_appraisals.computed_tier, condition_appraisals.computed_direction,
    condition_appraisals.deciding_rule, condition_appraisals.deciding_direction_rule, condition_appraisals.reason,
    condition_appraisals.overridden, condition_appraisals.rule_version, condition_appraisals.randomized_trials,
    condition_appraisals.randomized_participants, condition_appraisals.randomized_trials_of_unknown_size,
    condition_appraisals.uncontrolled_studies, condition_appraisals.counted_studies, condition_appraisals.newest_year
FROM conditions LEFT JOIN condition_appraisals ON condition_appraisals.condition_id = conditions.id
WHERE conditions.id = :id""",
    "names": "SELECT name FROM condition_names WHERE condition_id = :id ORDER BY position",
    "identifiers": """
SELECT scheme, code, label, predicate FROM condition_identifiers WHERE condition_id = :id ORDER BY position""",
    "members": """
SELECT conditions.id, conditions.name, conditions.evidence_tier, conditions.direction,
    condition_appraisals.randomized_trials, condition_appraisals.randomized_participants
FROM condition_members JOIN conditions ON conditions.id = condition_members.member_id
LEFT JOIN condition_appraisals ON condition_appraisals.condition_id = conditions.id
WHERE condition_members.condition_id = :id ORDER BY condition_members.position""",
    "groups": """
SELECT conditions.id, conditions.name FROM condition_members
JOIN conditions ON conditions.id = condition_members.condition_id
WHERE condition_members.member_id = :id ORDER BY conditions.name""",
    "asserted_tiers": """
SELECT asserted_tiers.*, sources.title, sources.url, sources.publisher, sources.commercial_interest
FROM asserted_tiers JOIN sources ON sources.id = asserted_tiers.source_id
WHERE asserted_tiers.condition_id = :id ORDER BY asserted_tiers.position""",
    "points": """
SELECT stance, position, statement FROM condition_points WHERE condition_id = :id ORDER BY stance, position""",
    "citations": f"""
SELECT citations.place, citations.position, citations.locator, citations.note, {_reference("citations")}
FROM citations WHERE citations.record_kind = :kind AND citations.record_id = :id
ORDER BY citations.place, citations.position""",
    "kind_citations": f"""
SELECT citations.record_id, citations.place, citations.locator, citations.note, {_reference("citations")}
FROM citations WHERE citations.record_kind = :kind
ORDER BY citations.record_id, citations.place, citations.position""",
    "condition_mechanisms": """
SELECT mechanisms.id, mechanisms.name, mechanisms.evidence_level, condition_mechanisms.note,
    condition_mechanisms.position
FROM condition_mechanisms JOIN mechanisms ON mechanisms.id = condition_mechanisms.mechanism_id
WHERE condition_mechanisms.condition_id = :id ORDER BY condition_mechanisms.position""",
    "condition_studies": f"""
SELECT {_STUDY} FROM study_conditions JOIN studies ON studies.id = study_conditions.study_id {_TERMS}
WHERE study_conditions.condition_id = :id
ORDER BY studies.year DESC, participants DESC, studies.id""",
    "condition_outcomes": f"""
SELECT {_OUTCOME}, {_COMPARED_IN_OUTCOME} AS compared, {_BY_ARM} AS by_arm {_OUTCOME_FROM}
JOIN studies ON studies.id = outcomes.study_id
JOIN study_conditions ON study_conditions.study_id = outcomes.study_id
WHERE study_conditions.condition_id = :id
    AND (outcomes.condition_id IS NULL OR outcomes.condition_id = :id)
ORDER BY outcomes.study_id, {_ROLE_ORDER}, outcomes.position""",
    "meta_analyses": """
SELECT meta_analyses.*,
    (SELECT CASE WHEN count(DISTINCT outcomes.unit) = 1 AND count(outcomes.unit) = count(*) THEN max(outcomes.unit) END
        FROM meta_analysis_inputs AS inputs JOIN outcomes ON outcomes.id = inputs.outcome_id
        WHERE inputs.meta_analysis_id = meta_analyses.id AND inputs.used = 1
            AND meta_analyses.measure = 'MD') AS unit
FROM meta_analyses WHERE condition_id = :id ORDER BY decides DESC, trials DESC, participants DESC, id""",
    "meta_analysis_inputs": f"""
SELECT inputs.domain, inputs.study_id, inputs.meta_analysis_id, inputs.used, inputs.reason, inputs.weight,
    inputs.leave_one_out_value, {_CITED}, studies.year, outcomes.name AS outcome,
    effects.measure, effects.value, effects.ci_low, effects.ci_high, effects.computed_from, effects.is_printed,
    {_COMPARED} AS participants
FROM meta_analysis_inputs AS inputs
JOIN studies ON studies.id = inputs.study_id
JOIN outcomes ON outcomes.id = inputs.outcome_id
LEFT JOIN effects ON effects.id = inputs.effect_id
WHERE inputs.condition_id = :id
ORDER BY inputs.used DESC, studies.year, inputs.study_id, inputs.position""",
    "condition_reviews": f"""
SELECT review_conflicts.*, {_CITED} FROM review_conflicts
LEFT JOIN studies ON studies.id = review_conflicts.study_id
WHERE review_conflicts.condition_id = :id AND review_conflicts.value IS NOT NULL
    AND review_conflicts.measure <> 'within_group_change'
ORDER BY review_conflicts.domain, review_conflicts.measure, review_conflicts.origin DESC, review_conflicts.year DESC""",
    "condition_doses": f"""
SELECT doses_tried.*, {_CITED}, coalesce(terms.human, 0) AS is_human
FROM doses_tried JOIN studies ON studies.id = doses_tried.study_id
LEFT JOIN vocabulary_terms AS terms ON terms.vocabulary_id = 'designs' AND terms.term = studies.design
WHERE doses_tried.condition_id = :id ORDER BY studies.year, studies.id""",
    "condition_dosing": """
SELECT dosing.id, dosing.name, dosing.statement, dosing.setting, dosing.dose_range FROM dosing
JOIN dosing_conditions ON dosing_conditions.dosing_id = dosing.id
WHERE dosing_conditions.condition_id = :id ORDER BY dosing.name""",
    "condition_adverse_events": f"""
SELECT adverse_events.study_id, adverse_events.term, adverse_events.adverse_effect_id, arms.label AS arm, arms.role,
    arms.dose_class, adverse_events.events, adverse_events.total, adverse_events.percent, adverse_events.note,
    {_CITED}, studies.year
FROM adverse_events
JOIN arms ON arms.id = adverse_events.arm_id
JOIN studies ON studies.id = adverse_events.study_id
JOIN study_conditions ON study_conditions.study_id = adverse_events.study_id
WHERE study_conditions.condition_id = :id
ORDER BY studies.year DESC, adverse_events.study_id, adverse_events.position""",
    "condition_trials": """
SELECT trials.id, trials.registry_number, trials.title, trials.status, trials.start, trials.completion, trials.planned,
    trials.actual, trials.dose_note, trials.dose_class, trials.sponsor, trials.status_seen_on, trials.why_stopped,
    trials.results_note,
    EXISTS (SELECT 1 FROM open_trials WHERE open_trials.trial_id = trials.id) AS is_open,
    (SELECT silent_trials.reason FROM silent_trials WHERE silent_trials.trial_id = trials.id) AS silence,
    (SELECT trial_reports.study_id FROM trial_reports WHERE trial_reports.trial_id = trials.id
        ORDER BY trial_reports.position LIMIT 1) AS report_id
FROM trial_conditions JOIN trials ON trials.id = trial_conditions.trial_id
WHERE trial_conditions.condition_id = :id ORDER BY is_open DESC, trials.start DESC, trials.id""",
    "tier_history": """
SELECT year, tier, direction, changed, caused_by, studies FROM tier_history WHERE condition_id = :id ORDER BY year""",
    "tier_outlook": """
SELECT * FROM tier_outlook WHERE condition_id = :id ORDER BY change = 'raise' DESC""",
    "tier_trace": """
SELECT position, about, gives, rule, criterion, statement, needs, inputs, satisfied, decisive, studies
FROM tier_trace WHERE condition_id = :id ORDER BY position""",
    "condition_claims": """
SELECT claims.id, claims.statement, claims.verdict, claims.explanation, claims.locator, claims.circulation,
    sources.id AS source_id, sources.title AS source_title
FROM claim_conditions JOIN claims ON claims.id = claim_conditions.claim_id
LEFT JOIN sources ON sources.id = claims.source_id
WHERE claim_conditions.condition_id = :id ORDER BY claims.id""",
    "condition_questions": """
SELECT questions.id, questions.question, questions.short_answer FROM question_conditions
JOIN questions ON questions.id = question_conditions.question_id
WHERE question_conditions.condition_id = :id ORDER BY questions.question""",
    "condition_contradictions": """
SELECT kind, study_id, other_study_id, claim_id, mechanism_id, domain, reason,
    (SELECT statement FROM claims WHERE claims.id = claim_id) AS claim
FROM contradictions WHERE condition_id = :id ORDER BY kind, id""",
    # --- studies --------------------------------------------------------------------------------------------
    "studies": f"""
SELECT {_STUDY}, (SELECT group_concat(conditions.name, '; ') FROM study_conditions
    JOIN conditions ON conditions.id = study_conditions.condition_id
    WHERE study_conditions.study_id = studies.id) AS conditions
FROM studies {_TERMS}
ORDER BY studies.year DESC, participants DESC, studies.id""",
    "study": f"""
SELECT studies.*, {_NUMBER} AS cited_number, terms.label AS design_label, terms.evidence_kind,
    coalesce(terms.randomized, 0) AS is_randomized, coalesce(terms.human, 0) AS is_human
FROM studies {_TERMS} WHERE studies.id = :id""",
    "study_conditions": """
SELECT conditions.id, conditions.name, conditions.evidence_tier, conditions.direction FROM study_conditions
JOIN conditions ON conditions.id = study_conditions.condition_id
WHERE study_conditions.study_id = :id ORDER BY study_conditions.position""",
    "study_arms": "SELECT * FROM arms WHERE study_id = :id ORDER BY position",
    "study_outcomes": f"""
SELECT {_OUTCOME} {_OUTCOME_FROM} WHERE outcomes.study_id = :id ORDER BY {_ROLE_ORDER}, outcomes.position""",
    "study_results": """
SELECT results.*, arms.label AS arm FROM results JOIN arms ON arms.id = results.arm_id
WHERE results.study_id = :id ORDER BY results.outcome_id, results.position""",
    "study_effects": """
SELECT effects.*, outcomes.name AS outcome, outcomes.better FROM effects
JOIN outcomes ON outcomes.id = effects.outcome_id
WHERE effects.study_id = :id ORDER BY outcomes.position, effects.is_printed DESC, effects.measure""",
    "study_adverse_events": """
SELECT adverse_events.*, arms.label AS arm, arms.role FROM adverse_events
JOIN arms ON arms.id = adverse_events.arm_id
WHERE adverse_events.study_id = :id ORDER BY adverse_events.position""",
    "study_registrations": """
SELECT study_registrations.registry_number,
    (SELECT trials.id FROM trials WHERE trials.registry_number = study_registrations.registry_number) AS trial_id
FROM study_registrations WHERE study_registrations.study_id = :id ORDER BY study_registrations.position""",
    "study_relations": f"""
SELECT study_relations.type, study_relations.note, studies.id, studies.title, {_CITED}, studies.year,
    0 AS is_reverse
FROM study_relations JOIN studies ON studies.id = study_relations.related_study_id
WHERE study_relations.study_id = :id
UNION ALL
SELECT study_relations.type, study_relations.note, studies.id, studies.title, {_CITED}, studies.year, 1
FROM study_relations JOIN studies ON studies.id = study_relations.study_id
WHERE study_relations.related_study_id = :id""",
    "study_pools": """
SELECT inputs.condition_id, conditions.name, inputs.domain, inputs.used, inputs.reason, inputs.weight,
    outcomes.name AS outcome
FROM meta_analysis_inputs AS inputs
JOIN conditions ON conditions.id = inputs.condition_id
JOIN outcomes ON outcomes.id = inputs.outcome_id
WHERE inputs.study_id = :id ORDER BY inputs.used DESC, conditions.name, inputs.domain, inputs.position""",
    "study_mechanisms": """
SELECT mechanisms.id, mechanisms.name, mechanism_evidence.stance, mechanism_evidence.reason
FROM mechanism_evidence JOIN mechanisms ON mechanisms.id = mechanism_evidence.mechanism_id
WHERE mechanism_evidence.study_id = :id ORDER BY mechanisms.name""",
    "study_claims": """
SELECT claims.id, claims.statement, claims.verdict, claim_evidence.stance FROM claim_evidence
JOIN claims ON claims.id = claim_evidence.claim_id
WHERE claim_evidence.study_id = :id ORDER BY claims.id""",
    # Numbers of one outcome that cannot all be right stand with its name; other reasons name what they are about.
    "study_contradictions": """
SELECT kind, reason, outcome_id, study_id, other_study_id, claim_id,
    (SELECT statement FROM claims WHERE claims.id = claim_id) AS claim,
    (SELECT outcomes.name FROM outcomes
        WHERE outcomes.id = contradictions.outcome_id AND contradictions.condition_id IS NULL) AS outcome
FROM contradictions WHERE study_id = :id OR other_study_id = :id ORDER BY kind, id""",
    "study_reviews": f"""
SELECT studies.id, studies.title, {_CITED}, studies.year FROM review_inclusions
JOIN studies ON studies.id = review_inclusions.study_id
WHERE review_inclusions.included_study_id = :id ORDER BY studies.year DESC""",
    "review_included": f"""
SELECT studies.id, studies.title, {_CITED}, studies.year FROM review_inclusions
JOIN studies ON studies.id = review_inclusions.included_study_id
WHERE review_inclusions.study_id = :id ORDER BY review_inclusions.position""",
    # --- mechanisms -----------------------------------------------------------------------------------------
    "mechanisms": """
SELECT mechanisms.*,
    (SELECT count(*) FROM mechanism_evidence WHERE mechanism_id = mechanisms.id AND stance = 'supporting') AS supporting,
    (SELECT count(*) FROM mechanism_evidence
        WHERE mechanism_id = mechanisms.id AND stance = 'contradicting') AS contradicting,
    (SELECT group_concat(coalesce(symbol, name), ', ') FROM mechanism_targets
        WHERE mechanism_id = mechanisms.id) AS targets,
    (SELECT count(*) FROM (SELECT condition_id FROM condition_mechanisms WHERE mechanism_id = mechanisms.id
        UNION SELECT condition_id FROM mechanism_conditions WHERE mechanism_id = mechanisms.id)) AS conditions
FROM mechanisms
ORDER BY CASE evidence_level WHEN 'human_clinical' THEN 1 WHEN 'human_ex_vivo' THEN 2 WHEN 'animal' THEN 3
    WHEN 'in_vitro' THEN 4 ELSE 5 END, name""",
    "mechanism": "SELECT * FROM mechanisms WHERE id = :id",
    "mechanism_targets": """
SELECT symbol, name, kind FROM mechanism_targets WHERE mechanism_id = :id ORDER BY position""",
    "mechanism_evidence": f"""
SELECT mechanism_evidence.stance, mechanism_evidence.reason, {_STUDY}
FROM mechanism_evidence JOIN studies ON studies.id = mechanism_evidence.study_id {_TERMS}
WHERE mechanism_evidence.mechanism_id = :id ORDER BY mechanism_evidence.stance, mechanism_evidence.position""",
    "mechanism_conditions": """
SELECT conditions.id, conditions.name, conditions.evidence_tier, conditions.direction,
    (SELECT note FROM condition_mechanisms
        WHERE condition_mechanisms.condition_id = conditions.id AND mechanism_id = :id) AS note
FROM conditions
WHERE conditions.id IN (SELECT condition_id FROM condition_mechanisms WHERE mechanism_id = :id
    UNION SELECT condition_id FROM mechanism_conditions WHERE mechanism_id = :id)
ORDER BY conditions.name""",
    "mechanism_contradictions": """
SELECT kind, reason, study_id FROM contradictions WHERE mechanism_id = :id ORDER BY kind, id""",
    # --- safety ---------------------------------------------------------------------------------------------
    "adverse_effects": """
SELECT * FROM adverse_effects
ORDER BY CASE severity WHEN 'life_threatening' THEN 1 WHEN 'serious' THEN 2 WHEN 'severe' THEN 3
    WHEN 'moderate' THEN 4 WHEN 'mild_to_moderate' THEN 5 WHEN 'mild' THEN 6 ELSE 7 END, name""",
    "adverse_effect_frequencies": f"""
SELECT safety_summary.*, {_CITED}, studies.year, sources.title AS source_title,
    (SELECT stored.printed FROM adverse_effect_frequencies AS stored
        WHERE stored.adverse_effect_id = safety_summary.adverse_effect_id
            AND stored.study_id IS safety_summary.study_id AND stored.value IS safety_summary.value
            AND stored.percent IS safety_summary.percent AND stored.printed IS NOT NULL) AS printed
FROM safety_summary
LEFT JOIN studies ON studies.id = safety_summary.study_id
LEFT JOIN sources ON sources.id = safety_summary.source_id
WHERE safety_summary.study_id IS NOT NULL OR safety_summary.source_id IS NOT NULL
    OR safety_summary.percent IS NOT NULL
ORDER BY safety_summary.name, studies.year DESC, safety_summary.study_id""",
    "interactions": """
SELECT * FROM interactions
ORDER BY CASE severity WHEN 'contraindicated' THEN 1 WHEN 'major' THEN 2 WHEN 'severe' THEN 2 WHEN 'serious' THEN 2
    WHEN 'moderate' THEN 3 WHEN 'minor' THEN 4 WHEN 'theoretical' THEN 5 ELSE 6 END, name""",
    "precautions": """
SELECT * FROM precautions
ORDER BY CASE kind WHEN 'absolute' THEN 1 WHEN 'relative' THEN 2 WHEN 'precaution' THEN 3 ELSE 4 END, name""",
    # --- dosing ---------------------------------------------------------------------------------------------
    "doses_tried": f"""
SELECT doses_tried.*, {_CITED}, coalesce(terms.randomized, 0) AS is_randomized
FROM doses_tried JOIN studies ON studies.id = doses_tried.study_id
JOIN vocabulary_terms AS terms
    ON terms.vocabulary_id = 'designs' AND terms.term = studies.design AND terms.human = 1
WHERE doses_tried.dose_class = 'low'
ORDER BY doses_tried.condition_name, studies.year, studies.id""",
    "doses_by_condition": """
SELECT doses_tried.condition_id, doses_tried.condition_name, count(DISTINCT doses_tried.study_id) AS studies,
    min(coalesce(doses_tried.dose_low_mg_per_day, doses_tried.dose_mg_per_day)) AS dose_low,
    max(coalesce(doses_tried.dose_high_mg_per_day, doses_tried.dose_mg_per_day)) AS dose_high,
    json_group_array(DISTINCT doses_tried.dose_mg_per_day) AS doses,
    min(doses_tried.weeks) AS weeks_low, max(doses_tried.weeks) AS weeks_high
FROM doses_tried JOIN studies ON studies.id = doses_tried.study_id
JOIN vocabulary_terms AS terms
    ON terms.vocabulary_id = 'designs' AND terms.term = studies.design AND terms.human = 1
WHERE doses_tried.dose_class = 'low'
GROUP BY doses_tried.condition_id ORDER BY doses_tried.condition_name""",
    "dosing": "SELECT * FROM dosing ORDER BY topic, name",
    "dosing_steps": "SELECT * FROM dosing_steps ORDER BY dosing_id, position",
    "pharmacology": "SELECT * FROM pharmacology ORDER BY topic, name",
    "regulatory": "SELECT * FROM regulatory ORDER BY jurisdiction, date, name",
    # --- claims, sources, questions -------------------------------------------------------------------------
    "claims": """
SELECT claims.*, sources.title AS source_title, sources.commercial_interest, claims_ledger.supporting,
    claims_ledger.contradicting,
    (SELECT count(*) FROM claim_evidence WHERE claim_evidence.claim_id = claims.id) AS records
FROM claims_ledger JOIN claims ON claims.id = claims_ledger.claim_id
LEFT JOIN sources ON sources.id = claims.source_id
ORDER BY CASE claims.verdict WHEN 'contradicted' THEN 1 WHEN 'not_shown' THEN 2 WHEN 'partly_supported' THEN 3
    WHEN 'opinion' THEN 4 ELSE 5 END, claims.id""",
    "claim": """
SELECT claims.*, sources.title AS source_title, sources.commercial_interest
FROM claims LEFT JOIN sources ON sources.id = claims.source_id
WHERE claims.id = :id""",
    "evidence_of_claim": f"""
SELECT claim_evidence.stance, claim_evidence.note, {_reference("claim_evidence")}
FROM claim_evidence WHERE claim_evidence.claim_id = :id ORDER BY claim_evidence.position""",
    "conditions_of_claim": """
SELECT conditions.id, conditions.name, conditions.evidence_tier, conditions.direction FROM claim_conditions
JOIN conditions ON conditions.id = claim_conditions.condition_id
WHERE claim_conditions.claim_id = :id ORDER BY claim_conditions.position""",
    "claims_like_it": """
SELECT DISTINCT claims.id, claims.statement, claims.verdict FROM claim_conditions AS own
JOIN claim_conditions AS other ON other.condition_id = own.condition_id AND other.claim_id <> own.claim_id
JOIN claims ON claims.id = other.claim_id
WHERE own.claim_id = :id ORDER BY claims.id""",
    "claim_verdicts": "SELECT id, verdict FROM claims",
    "claim_conditions": """
SELECT claim_conditions.claim_id, conditions.id, conditions.name FROM claim_conditions
JOIN conditions ON conditions.id = claim_conditions.condition_id
ORDER BY claim_conditions.claim_id, claim_conditions.position""",
    "source": "SELECT * FROM sources WHERE id = :id",
    "sources": """
SELECT sources.*, (SELECT count(*) FROM claims WHERE claims.source_id = sources.id) AS claims FROM sources
ORDER BY title""",
    "source_statements": """
SELECT section, statement FROM source_statements WHERE source_id = :id ORDER BY position""",
    "source_claims": "SELECT id, statement, verdict FROM claims WHERE source_id = :id ORDER BY id",
    "source_tiers": """
SELECT asserted_tiers.tier, asserted_tiers.locator, conditions.id, conditions.name, conditions.evidence_tier,
    conditions.direction
FROM asserted_tiers JOIN conditions ON conditions.id = asserted_tiers.condition_id
WHERE asserted_tiers.source_id = :id ORDER BY conditions.name""",
    "questions": "SELECT * FROM questions ORDER BY question",
    "question": "SELECT * FROM questions WHERE id = :id",
    "question_sentences": """
SELECT position, sentence FROM question_sentences WHERE question_id = :id ORDER BY position""",
    "question_evidence": f"""
SELECT question_evidence.question_sentence_position AS sentence, question_evidence.locator, question_evidence.note,
    {_reference("question_evidence")}
FROM question_evidence WHERE question_evidence.question_id = :id
ORDER BY question_evidence.question_sentence_position, question_evidence.position""",
    "question_conditions": """
SELECT conditions.id, conditions.name, conditions.evidence_tier, conditions.direction FROM question_conditions
JOIN conditions ON conditions.id = question_conditions.condition_id
WHERE question_conditions.question_id = :id ORDER BY question_conditions.position""",
    # --- trials ---------------------------------------------------------------------------------------------
    "trials": """
SELECT trials.*,
    EXISTS (SELECT 1 FROM open_trials WHERE open_trials.trial_id = trials.id) AS is_open,
    (SELECT silent_trials.reason FROM silent_trials WHERE silent_trials.trial_id = trials.id) AS silence,
    (SELECT group_concat(conditions.name, '; ') FROM trial_conditions
        JOIN conditions ON conditions.id = trial_conditions.condition_id
        WHERE trial_conditions.trial_id = trials.id) AS conditions
FROM trials ORDER BY trials.completion IS NULL, trials.completion, trials.id""",
    "trial_conditions": """
SELECT trial_conditions.trial_id, conditions.id, conditions.name FROM trial_conditions
JOIN conditions ON conditions.id = trial_conditions.condition_id
ORDER BY trial_conditions.trial_id, trial_conditions.position""",
    "trial_reports": f"""
SELECT trial_reports.trial_id, studies.id, {_CITED}, studies.year FROM trial_reports
JOIN studies ON studies.id = trial_reports.study_id
ORDER BY trial_reports.trial_id, trial_reports.position""",
    # --- search ---------------------------------------------------------------------------------------------
    "search": f"""
SELECT kind, id, title, snippet(search, -1, :mark, :unmark, '…', 24) AS snippet,
    {is_named(":text")} AS is_named
FROM search WHERE search MATCH fts_query(:text)
ORDER BY {best_first(":text")}, kind, id
LIMIT :most""",
    # --- method and about -----------------------------------------------------------------------------------
    "coverage": "SELECT section, measure, count, total, note FROM coverage ORDER BY section, measure",
    "searches": """
SELECT searches.*, (SELECT count(*) FROM search_queries WHERE search_queries.search_id = searches.id) AS queries
FROM searches ORDER BY searched_on DESC, id""",
    "search_queries": "SELECT search_id, query FROM search_queries ORDER BY search_id, position",
    "tier_counts": """
SELECT evidence_tier, direction, count(*) AS conditions FROM conditions GROUP BY evidence_tier, direction""",
    "depths": """
SELECT verification_depth, count(*) AS studies FROM studies GROUP BY verification_depth""",
    "worked_example": """
SELECT condition_appraisals.condition_id AS id, conditions.name FROM condition_appraisals
JOIN conditions ON conditions.id = condition_appraisals.condition_id
ORDER BY condition_appraisals.randomized_trials DESC, condition_appraisals.randomized_participants DESC LIMIT 1""",
    "retired": "SELECT kind, id, successor, retired_on, reason FROM retired WHERE kind = :kind AND id = :id",
    "identifiers_of_kind": """
SELECT 'conditions' AS kind, id, name AS title FROM conditions UNION ALL SELECT 'studies', id, title FROM studies
UNION ALL SELECT 'mechanisms', id, name FROM mechanisms UNION ALL SELECT 'questions', id, question FROM questions
UNION ALL SELECT 'sources', id, title FROM sources UNION ALL SELECT 'claims', id, statement FROM claims
ORDER BY 1, 2""",
}
