-- The stable public layer: each view answers one question. Names and columns stay; new columns may come.
-- What each column means stands in schema/views.yml and in Datasette.
-- Lists inside a value are ordered, so that every engine gives the same ones.

-- What is the evidence for each condition: tier, direction, randomised trials, participants, pooled effect, newest year?
CREATE VIEW condition_catalogue AS
SELECT
    conditions.id AS condition_id,
    conditions.name,
    conditions.category,
    conditions.evidence_tier,
    conditions.direction,
    condition_appraisals.randomized_trials,
    condition_appraisals.randomized_participants,
    condition_appraisals.uncontrolled_studies,
    (
        SELECT count(DISTINCT study_conditions.study_id)
        FROM study_conditions WHERE study_conditions.condition_id = conditions.id
    ) AS studies,
    condition_appraisals.newest_year,
    pooled.domain AS pooled_domain,
    pooled.measure AS pooled_measure,
    pooled.random_value AS pooled_value,
    pooled.random_ci_low AS pooled_ci_low,
    pooled.random_ci_high AS pooled_ci_high,
    pooled.trials AS pooled_trials,
    condition_appraisals.reason,
    (
        SELECT group_concat(tier) FROM (
            SELECT DISTINCT asserted_tiers.tier FROM asserted_tiers
            WHERE asserted_tiers.condition_id = conditions.id
            ORDER BY asserted_tiers.tier
        ) AS asserted
    ) AS asserted_tier,
    (
        SELECT count(*) FROM condition_members WHERE condition_members.condition_id = conditions.id
    ) > 0 AS is_group,
    conditions.last_searched
FROM conditions
LEFT JOIN condition_appraisals ON condition_appraisals.condition_id = conditions.id
LEFT JOIN meta_analyses AS pooled ON pooled.id = (
    SELECT best.id FROM meta_analyses AS best
    WHERE best.condition_id = conditions.id
    ORDER BY best.trials DESC, best.participants DESC, best.id
    LIMIT 1
)
ORDER BY
    CASE conditions.evidence_tier WHEN 'strong' THEN 1 WHEN 'emerging' THEN 2 ELSE 3 END,
    condition_appraisals.randomized_participants DESC,
    conditions.name;

-- What did each study measure in a condition, and what came out? An outcome that a study of several conditions reports for
-- one of them stands with that one only.
CREATE VIEW condition_results AS
SELECT
    study_conditions.condition_id,
    outcomes.study_id,
    studies.year,
    studies.design,
    studies.blinding,
    outcomes.id AS outcome_id,
    outcomes.domain,
    outcomes.name AS outcome,
    outcomes.role,
    outcomes.timepoint,
    outcomes.better,
    outcomes.effect_measure,
    outcomes.effect_value,
    outcomes.effect_ci_low,
    outcomes.effect_ci_high,
    outcomes.effect_p,
    outcomes.direction,
    studies.verification_depth,
    (
        SELECT group_concat(dose_class) FROM (
            SELECT DISTINCT arms.dose_class FROM arms
            WHERE arms.study_id = studies.id AND arms.role = 'intervention'
            ORDER BY arms.dose_class
        ) AS given
    ) AS dose_class,
    studies.retraction_status
FROM outcomes
JOIN studies ON studies.id = outcomes.study_id
JOIN study_conditions ON study_conditions.study_id = outcomes.study_id
WHERE outcomes.condition_id IS NULL OR outcomes.condition_id = study_conditions.condition_id
ORDER BY study_conditions.condition_id, studies.year DESC, outcomes.study_id, outcomes.position;

-- Amount against direction, one row a condition that was studied, for the evidence map.
CREATE VIEW evidence_map AS
SELECT
    conditions.id AS condition_id,
    conditions.name,
    conditions.category,
    conditions.evidence_tier,
    conditions.direction,
    condition_appraisals.randomized_trials,
    coalesce(condition_appraisals.randomized_participants, 0) AS randomized_participants,
    condition_appraisals.counted_studies AS low_dose_studies,
    condition_appraisals.newest_year
FROM conditions
JOIN condition_appraisals ON condition_appraisals.condition_id = conditions.id
WHERE conditions.direction <> 'not_studied'
    AND NOT EXISTS (SELECT 1 FROM condition_members WHERE condition_members.condition_id = conditions.id)
ORDER BY conditions.id;

-- Where do popular sources and this base part?
CREATE VIEW tier_disagreements AS
SELECT
    conditions.id AS condition_id,
    conditions.name,
    asserted_tiers.source_id,
    asserted_tiers.tier AS asserted_tier,
    conditions.evidence_tier,
    conditions.direction,
    condition_appraisals.computed_tier,
    condition_appraisals.deciding_reason,
    condition_appraisals.reason,
    asserted_tiers.locator,
    asserted_tiers.note
FROM asserted_tiers
JOIN conditions ON conditions.id = asserted_tiers.condition_id
LEFT JOIN condition_appraisals ON condition_appraisals.condition_id = conditions.id
WHERE asserted_tiers.tier <> conditions.evidence_tier
ORDER BY conditions.name, asserted_tiers.source_id;

-- Where does a written tier or direction depart from the computed one, and why?
CREATE VIEW tier_overrides AS
SELECT
    conditions.id AS condition_id,
    conditions.name,
    conditions.evidence_tier,
    conditions.direction,
    condition_appraisals.computed_tier,
    condition_appraisals.computed_direction,
    conditions.tier_override_reason AS reason,
    conditions.tier_override_by AS decided_by,
    conditions.tier_override_on AS decided_on,
    condition_appraisals.deciding_reason
FROM conditions
JOIN condition_appraisals ON condition_appraisals.condition_id = conditions.id
WHERE condition_appraisals.overridden = 1
ORDER BY conditions.name;

-- Which randomised trials were null or went against naltrexone on a primary outcome?
CREATE VIEW null_trials AS
SELECT
    studies.id AS study_id,
    studies.year,
    conditions.id AS condition_id,
    conditions.name AS condition_name,
    outcomes.name AS outcome,
    outcomes.timepoint,
    outcomes.direction,
    outcomes.effect_measure,
    outcomes.effect_value,
    outcomes.effect_ci_low,
    outcomes.effect_ci_high,
    outcomes.effect_p,
    coalesce(
        studies.enrolment_analyzed, studies.enrolment_randomized, studies.enrolment_enrolled,
        -- In a crossover trial the same people are in every arm. One arm of unknown size leaves the sum unknown.
        (
            SELECT CASE
                WHEN count(arms.n) < count(*) THEN NULL
                WHEN studies.design = 'randomized_crossover' THEN max(arms.n)
                WHEN count(CASE arms.role WHEN 'comparator' THEN 1 END) > 0 OR count(*) = 1
                    THEN CAST(sum(arms.n) AS INTEGER)
            END
            FROM arms WHERE arms.study_id = studies.id AND arms.role <> 'other'
        )
    ) AS participants,
    (
        SELECT group_concat(dose_class) FROM (
            SELECT DISTINCT arms.dose_class FROM arms
            WHERE arms.study_id = studies.id AND arms.role = 'intervention'
            ORDER BY arms.dose_class
        ) AS given
    ) AS dose_class,
    studies.blinding,
    studies.verification_depth,
    studies.title,
    (
        SELECT group_concat(control_kind) FROM (
            SELECT DISTINCT arms.control_kind FROM arms
            WHERE arms.study_id = studies.id AND arms.role = 'comparator'
            ORDER BY arms.control_kind
        ) AS compared
    ) AS control_kind,
    studies.isolates_naltrexone,
    coalesce(
        (
            SELECT min(study_relations.related_study_id) FROM study_relations
            WHERE study_relations.study_id = studies.id
                AND study_relations.type IN (
                    'secondary_analysis_of', 'protocol_of', 'registration_of', 'preprint_of', 'conference_version_of',
                    'duplicate_of', 'corrects'
                )
        ),
        studies.id
    ) AS trial_unit_id,
    studies.retraction_status
FROM outcomes
JOIN studies ON studies.id = outcomes.study_id
JOIN study_conditions ON study_conditions.study_id = studies.id
JOIN conditions ON conditions.id = study_conditions.condition_id
WHERE outcomes.role = 'primary'
    AND outcomes.direction IN ('no_difference', 'favours_comparator')
    AND (outcomes.condition_id IS NULL OR outcomes.condition_id = conditions.id)
    AND studies.design IN ('randomized_parallel', 'randomized_crossover')
ORDER BY studies.year DESC, studies.id, outcomes.position, conditions.id;

-- Which reviews give which pooled result, and how does ours stand beside them?
CREATE VIEW review_conflicts AS
SELECT
    study_conditions.condition_id,
    outcomes.domain,
    'published' AS origin,
    studies.id AS study_id,
    studies.year,
    outcomes.name AS outcome,
    outcomes.effect_measure AS measure,
    outcomes.effect_value AS value,
    outcomes.effect_ci_low AS ci_low,
    outcomes.effect_ci_high AS ci_high,
    outcomes.effect_i_squared AS i_squared,
    outcomes.effect_studies AS trials,
    outcomes.effect_participants AS participants,
    -- What a review holds in all, beside what is behind the estimate and never in its place.
    studies.review_studies_included,
    studies.review_participants,
    outcomes.direction,
    (
        SELECT effects.reading FROM effects
        WHERE effects.outcome_id = outcomes.id AND effects.is_printed = 1 AND effects.measure = outcomes.effect_measure
    ) AS reading,
    (
        SELECT group_concat(reason, ' ') FROM (
            SELECT contradictions.reason FROM contradictions
            WHERE contradictions.study_id = studies.id
                AND contradictions.kind IN ('reviews_disagree', 'review_outdated')
                AND (contradictions.condition_id IS NULL OR contradictions.condition_id = study_conditions.condition_id)
            ORDER BY contradictions.id
        ) AS reasons
    ) AS conflict,
    studies.retraction_status
FROM outcomes
JOIN studies ON studies.id = outcomes.study_id
JOIN study_conditions ON study_conditions.study_id = studies.id
WHERE studies.design IN ('meta_analysis', 'systematic_review')
    AND (outcomes.condition_id IS NULL OR outcomes.condition_id = study_conditions.condition_id)
    AND outcomes.effect_measure IS NOT NULL
UNION ALL
SELECT
    condition_id, domain, 'this base', NULL, newest_year, domain, measure, random_value, random_ci_low, random_ci_high,
    i_squared, trials, participants, NULL, NULL,
    CASE favours
        WHEN 'intervention' THEN 'favours_ldn'
        WHEN 'comparator' THEN 'favours_comparator'
        WHEN 'neither' THEN 'no_difference'
        ELSE 'unknown'
    END,
    reading, NULL, NULL
FROM meta_analyses
ORDER BY 1, 2, 3, 5 DESC, 4, 6;

-- What doses were tried in which condition, how, for how long?
CREATE VIEW doses_tried AS
SELECT
    study_conditions.condition_id,
    conditions.name AS condition_name,
    studies.id AS study_id,
    studies.year,
    studies.design,
    arms.label AS arm,
    arms.dose_mg_per_day,
    arms.dose_low_mg_per_day,
    arms.dose_high_mg_per_day,
    arms.dose_class,
    arms.route,
    arms.weeks,
    arms.dose_note,
    coalesce(
        arms.n,
        -- All people of a study were in this arm where each had every treatment, or where there is no other arm.
        CASE
            WHEN studies.design LIKE '%crossover%'
                OR NOT EXISTS (SELECT 1 FROM arms AS others WHERE others.study_id = arms.study_id AND others.id <> arms.id)
                THEN coalesce(studies.enrolment_analyzed, studies.enrolment_randomized)
        END
    ) AS participants,
    studies.verification_depth,
    arms.role,
    studies.retraction_status
FROM arms
JOIN studies ON studies.id = arms.study_id
JOIN study_conditions ON study_conditions.study_id = studies.id
JOIN conditions ON conditions.id = study_conditions.condition_id
-- A component begins with the drug's name where the drug itself was given: not its mirror form, its placebo or none of it.
WHERE coalesce(CAST(arms.components AS TEXT), CASE arms.role WHEN 'intervention' THEN '"naltrexone"' END) LIKE '%"naltrexone%'
    AND arms.route IS NOT 'in_vitro'
ORDER BY conditions.name, studies.year, studies.id, arms.position;

-- What goes wrong on naltrexone, how often, and how often on the comparator?
CREATE VIEW safety_summary AS
SELECT
    adverse_effects.id AS adverse_effect_id,
    adverse_effects.name,
    adverse_effects.severity,
    adverse_effect_frequencies.study_id,
    adverse_effect_frequencies.source_id,
    adverse_effect_frequencies.dose,
    adverse_effect_frequencies.dose_class,
    adverse_effect_frequencies.events,
    adverse_effect_frequencies.total,
    coalesce(
        adverse_effect_frequencies.percent,
        round(100.0 * adverse_effect_frequencies.events / adverse_effect_frequencies.total, 1)
    ) AS percent,
    adverse_effect_frequencies.comparator,
    adverse_effect_frequencies.comparator_events,
    adverse_effect_frequencies.comparator_total,
    coalesce(
        adverse_effect_frequencies.comparator_percent,
        round(100.0 * adverse_effect_frequencies.comparator_events / adverse_effect_frequencies.comparator_total, 1)
    ) AS comparator_percent,
    adverse_effect_frequencies.measure,
    adverse_effect_frequencies.value,
    adverse_effect_frequencies.ci_low,
    adverse_effect_frequencies.ci_high,
    adverse_effect_frequencies.p,
    adverse_effect_frequencies.note,
    coalesce(studies.verification_depth, sources.verification_depth) AS verification_depth,
    studies.retraction_status
FROM adverse_effects
LEFT JOIN adverse_effect_frequencies ON adverse_effect_frequencies.adverse_effect_id = adverse_effects.id
LEFT JOIN studies ON studies.id = adverse_effect_frequencies.study_id
LEFT JOIN sources ON sources.id = adverse_effect_frequencies.source_id
ORDER BY adverse_effects.name, adverse_effect_frequencies.position;

-- Which statements hold up, and which do not?
CREATE VIEW claims_ledger AS
SELECT
    claims.id AS claim_id,
    claims.statement,
    claims.verdict,
    claims.explanation,
    claims.topic,
    claims.source_id,
    sources.title AS source_title,
    sources.commercial_interest,
    claims.locator,
    claims.circulation,
    (
        SELECT group_concat(name, '; ') FROM (
            SELECT conditions.name FROM claim_conditions
            JOIN conditions ON conditions.id = claim_conditions.condition_id
            WHERE claim_conditions.claim_id = claims.id
            ORDER BY claim_conditions.position
        ) AS named
    ) AS conditions,
    (SELECT count(*) FROM claim_evidence WHERE claim_id = claims.id AND stance = 'supports') AS supporting,
    (SELECT count(*) FROM claim_evidence WHERE claim_id = claims.id AND stance = 'contradicts') AS contradicting
FROM claims
LEFT JOIN sources ON sources.id = claims.source_id
ORDER BY
    CASE claims.verdict
        WHEN 'contradicted' THEN 1 WHEN 'not_shown' THEN 2 WHEN 'partly_supported' THEN 3 WHEN 'opinion' THEN 4 ELSE 5
    END,
    claims.id;

-- Which registered trials are still to report? Those whose expected end had passed at the last search come last. A date may
-- be a month or a year; then it has passed when that month or year has.
CREATE VIEW open_trials AS
SELECT
    trials.id AS trial_id,
    trials.registry_number,
    trials.title,
    (
        SELECT group_concat(name, '; ') FROM (
            SELECT conditions.name FROM trial_conditions
            JOIN conditions ON conditions.id = trial_conditions.condition_id
            WHERE trial_conditions.trial_id = trials.id
            ORDER BY trial_conditions.position
        ) AS named
    ) AS conditions,
    trials.status,
    trials.start,
    trials.completion,
    trials.planned,
    trials.dose_note,
    trials.dose_class,
    trials.sponsor,
    trials.status_seen_on,
    trials.completion < substr(build_info.value, 1, length(trials.completion)) AS expected_completion_passed,
    build_info.value AS as_of
FROM trials
LEFT JOIN build_info ON build_info.key = 'data_as_of'
WHERE trials.status IN (
        'not_yet_recruiting', 'recruiting', 'enrolling_by_invitation', 'active_not_recruiting', 'ongoing', 'suspended'
    )
    AND NOT EXISTS (SELECT 1 FROM trial_reports WHERE trial_reports.trial_id = trials.id)
ORDER BY
    CASE
        WHEN trials.completion < substr(build_info.value, 1, length(trials.completion)) THEN 3
        WHEN trials.completion IS NULL THEN 2
        ELSE 1
    END,
    trials.completion,
    trials.id;

-- Which trials ended without a result: completed for over two years, stopped or withdrawn, and not reported? Where the
-- register no longer knows the status, the trial was to be complete over two years ago.
CREATE VIEW silent_trials AS
SELECT
    trials.id AS trial_id,
    trials.registry_number,
    trials.title,
    (
        SELECT group_concat(name, '; ') FROM (
            SELECT conditions.name FROM trial_conditions
            JOIN conditions ON conditions.id = trial_conditions.condition_id
            WHERE trial_conditions.trial_id = trials.id
            ORDER BY trial_conditions.position
        ) AS named
    ) AS conditions,
    trials.status,
    trials.completion,
    coalesce(trials.actual, trials.planned) AS participants,
    trials.sponsor,
    trials.why_stopped,
    trials.results_note,
    CASE
        WHEN trials.status = 'withdrawn' AND trials.actual = 0 THEN 'withdrawn before anybody took part'
        WHEN trials.status IN ('terminated', 'withdrawn') THEN 'ended early, no report found'
        WHEN trials.overdue_by_register = 1 THEN 'its register marks the results as overdue, no report found'
        WHEN trials.status = 'unknown'
            THEN 'was to be complete more than two years before the last search, status unknown, no report found'
        ELSE 'completed more than two years before the last search, no report found'
    END AS reason,
    trials.dose_class
FROM trials
WHERE NOT EXISTS (SELECT 1 FROM trial_reports WHERE trial_reports.trial_id = trials.id)
    AND trials.results_posted IS NULL
    AND (
        trials.status IN ('terminated', 'withdrawn')
        OR trials.overdue_by_register = 1
        OR (
            trials.status IN ('completed', 'unknown')
            -- A date may be a year or a month; it lies back when all of it does.
            AND trials.completion < (
                SELECT substr(date(value, '-2 years'), 1, length(trials.completion)) FROM build_info
                WHERE key = 'data_as_of'
            )
        )
    )
ORDER BY trials.completion, trials.id;

-- What rests on an abstract, on a registry entry, on what others say, or on nothing that was read?
CREATE VIEW unverified_records AS
SELECT 'studies' AS kind, id, title, verification_depth, verification_read, design, year FROM studies
WHERE verification_depth <> 'full_text'
UNION ALL
SELECT 'trials', id, title, verification_depth, verification_read, design, CAST(substr(start, 1, 4) AS INTEGER) FROM trials
WHERE verification_depth <> 'full_text'
ORDER BY 4 DESC, 1, 2;

-- Which conditions are due for a new look: no named person has reviewed them, or the search is a year old?
CREATE VIEW review_due AS
SELECT
    conditions.id AS condition_id,
    conditions.name,
    conditions.last_searched,
    conditions.reviewed_on,
    date(conditions.last_searched, '+1 year') AS due,
    (
        SELECT min(trials.completion) FROM trials
        JOIN trial_conditions ON trial_conditions.trial_id = trials.id
        WHERE trial_conditions.condition_id = conditions.id
            -- A date may be a month or a year; it lies ahead as long as a part of it does.
            AND trials.completion >= substr(conditions.last_searched, 1, length(trials.completion))
            AND NOT EXISTS (SELECT 1 FROM trial_reports WHERE trial_reports.trial_id = trials.id)
    ) AS next_trial_completion,
    CASE
        WHEN conditions.reviewed_on IS NOT NULL THEN 'search is a year old'
        WHEN date(conditions.last_searched, '+1 year') <= build_info.value
            THEN 'never reviewed by a named person; search is a year old'
        ELSE 'never reviewed by a named person'
    END AS reason
FROM conditions
LEFT JOIN build_info ON build_info.key = 'data_as_of'
WHERE conditions.reviewed_on IS NULL OR date(conditions.last_searched, '+1 year') <= build_info.value
ORDER BY due, conditions.id;

-- Trials of one condition that disagree on one domain.
CREATE VIEW disagreeing_trials AS
SELECT id, condition_id, domain, study_id, other_study_id, reason
FROM contradictions WHERE kind = 'trials_disagree' ORDER BY condition_id, domain, id;

-- Reviews that are older than the largest trial since, or that disagree with another review.
CREATE VIEW outdated_reviews AS
SELECT id, kind, condition_id, domain, study_id, other_study_id, reason
FROM contradictions WHERE kind IN ('review_outdated', 'reviews_disagree') ORDER BY condition_id, study_id, id;

-- Claims that the evidence speaks against.
CREATE VIEW claims_against_evidence AS
SELECT id, claim_id, condition_id, reason
FROM contradictions WHERE kind = 'claim_against_evidence' ORDER BY claim_id, id;

-- Mechanisms shown at best in cells outside the body, above the concentrations that people reach.
CREATE VIEW mechanisms_out_of_reach AS
SELECT id, mechanism_id, reason
FROM contradictions WHERE kind = 'in_vitro_only' ORDER BY mechanism_id;

-- Printed numbers that cannot all be right.
CREATE VIEW number_conflicts AS
SELECT id, kind, study_id, outcome_id, reason
FROM contradictions
WHERE kind IN ('p_against_interval', 'value_against_interval', 'percent_against_count', 'printed_against_computed')
ORDER BY study_id, outcome_id, id;
