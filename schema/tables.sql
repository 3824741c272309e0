-- The tables of ldn.db, written from the record schemas by `make generated`; edit schema/*.schema.json.
-- Every table is STRICT and clustered by its key; what a column means stands in Datasette and in metadata.yml.

-- An unwanted effect with its frequencies, against a comparator where one exists.
CREATE TABLE adverse_effects (
    id               TEXT PRIMARY KEY NOT NULL,
    name             TEXT NOT NULL,
    synonyms         TEXT CHECK (synonyms IS NULL OR json_valid(synonyms)),
    meddra_term      TEXT,
    severity         TEXT NOT NULL CHECK (severity IN ('mild', 'mild_to_moderate', 'moderate', 'severe', 'serious', 'life_threatening', 'variable', 'theoretical', 'minor', 'major', 'contraindicated', 'unknown')),
    severity_note    TEXT,
    summary          TEXT NOT NULL,
    onset_resolution TEXT,
    management       TEXT,
    note             TEXT,
    open_questions   TEXT CHECK (open_questions IS NULL OR json_valid(open_questions)),
    reviewed_on      TEXT,
    reviewed_by      TEXT
) STRICT, WITHOUT ROWID;

-- A trial, cohort, case report, review, preclinical or pharmacological paper, or the registration of a study without a paper; one record each, secondary papers hang on their trial.
CREATE TABLE studies (
    id                       TEXT PRIMARY KEY NOT NULL,
    title                    TEXT NOT NULL,
    title_note               TEXT,
    authors                  TEXT CHECK (authors IS NULL OR json_valid(authors)),
    research_group           TEXT,
    journal                  TEXT,
    year                     INTEGER CHECK (year >= 1900),
    volume                   TEXT,
    issue                    TEXT,
    pages                    TEXT,
    pmid                     TEXT,
    pmcid                    TEXT,
    doi                      TEXT,
    other_identifiers        TEXT CHECK (other_identifiers IS NULL OR json_valid(other_identifiers)),
    no_identifier            TEXT,
    identifier_note          TEXT,
    design                   TEXT NOT NULL CHECK (design IN ('randomized_parallel', 'randomized_crossover', 'single_blind_crossover', 'nonrandomized_controlled', 'single_arm_open_label', 'dose_finding', 'prospective_cohort', 'retrospective_cohort', 'registry_study', 'pharmacovigilance', 'case_control', 'cross_sectional', 'survey', 'case_series', 'case_report', 'systematic_review', 'meta_analysis', 'narrative_review', 'preclinical_in_vivo', 'preclinical_in_vitro', 'human_ex_vivo', 'pharmacokinetic', 'human_laboratory', 'formulation_study', 'protocol', 'registration', 'commentary', 'guideline', 'label', 'other')),
    design_note              TEXT,
    blinding                 TEXT CHECK (blinding IN ('quadruple_blind', 'triple_blind', 'double_blind', 'single_blind', 'assessor_blind', 'open_label', 'none', 'unclear')),
    blinding_note            TEXT,
    status                   TEXT NOT NULL CHECK (status IN ('published', 'preprint', 'conference_abstract', 'thesis', 'registry_results', 'unpublished', 'planned', 'ongoing', 'completed', 'terminated', 'withdrawn', 'unknown')),
    population               TEXT,
    country                  TEXT,
    enrolment_enrolled       INTEGER CHECK (enrolment_enrolled >= 0),
    enrolment_randomized     INTEGER CHECK (enrolment_randomized >= 0),
    enrolment_analyzed       INTEGER CHECK (enrolment_analyzed >= 0),
    enrolment_completed      INTEGER CHECK (enrolment_completed >= 0),
    enrolment_note           TEXT,
    comparator_note          TEXT,
    mixed_population         INTEGER CHECK (mixed_population IN (0, 1)),
    isolates_naltrexone      INTEGER CHECK (isolates_naltrexone IN (0, 1)),
    uncontrolled_result      TEXT CHECK (uncontrolled_result IN ('improved', 'unchanged', 'worsened', 'unclear')),
    review_scope             TEXT,
    review_studies_included  INTEGER CHECK (review_studies_included >= 0),
    review_participants      INTEGER CHECK (review_participants >= 0),
    review_quality_verdict   TEXT,
    adverse_events_summary   TEXT,
    adverse_events_serious   TEXT,
    funding                  TEXT,
    competing_interests      TEXT,
    limitations              TEXT CHECK (limitations IS NULL OR json_valid(limitations)),
    conclusion               TEXT NOT NULL,
    retraction_status        TEXT CHECK (retraction_status IN ('retracted', 'expression_of_concern', 'corrected')),
    retraction_note          TEXT,
    retraction_pmid          TEXT,
    retraction_doi           TEXT,
    verification_depth       TEXT NOT NULL CHECK (verification_depth IN ('full_text', 'abstract', 'registry', 'secondary', 'unverified')),
    verification_read        TEXT,
    verification_on          TEXT,
    verification_second_look TEXT,
    open_questions           TEXT CHECK (open_questions IS NULL OR json_valid(open_questions)),
    reviewed_on              TEXT,
    reviewed_by              TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX studies_by_year ON studies (year);
CREATE INDEX studies_by_design ON studies (design);
CREATE INDEX studies_by_verification_depth ON studies (verification_depth);

-- A document that is not a study: an article, label, leaflet, guideline or statement.
CREATE TABLE sources (
    id                       TEXT PRIMARY KEY NOT NULL,
    title                    TEXT NOT NULL,
    kind                     TEXT NOT NULL CHECK (kind IN ('clinician_article', 'commercial_article', 'label', 'patient_leaflet', 'society_statement', 'guideline', 'regulator', 'monograph', 'reference_work', 'other')),
    publisher                TEXT,
    author                   TEXT,
    date                     TEXT,
    year                     INTEGER CHECK (year >= 1900),
    url                      TEXT,
    set_id                   TEXT,
    pmid                     TEXT,
    doi                      TEXT,
    isbn                     TEXT,
    commercial_interest      TEXT NOT NULL CHECK (commercial_interest IN ('none_known', 'sells_ldn', 'own_practice', 'manufacturer', 'advocacy', 'unknown')),
    commercial_interest_note TEXT,
    summary                  TEXT,
    note                     TEXT,
    verification_depth       TEXT CHECK (verification_depth IN ('full_text', 'abstract', 'registry', 'secondary', 'unverified')),
    verification_read        TEXT,
    verification_on          TEXT,
    verification_second_look TEXT,
    open_questions           TEXT CHECK (open_questions IS NULL OR json_valid(open_questions)),
    reviewed_on              TEXT,
    reviewed_by              TEXT
) STRICT, WITHOUT ROWID;

-- Counts and comparisons, study by study.
CREATE TABLE adverse_effect_frequencies (
    adverse_effect_id  TEXT NOT NULL REFERENCES adverse_effects (id),
    position           INTEGER NOT NULL,
    study_id           TEXT REFERENCES studies (id),
    source_id          TEXT REFERENCES sources (id),
    dose               TEXT,
    dose_class         TEXT CHECK (dose_class IN ('ultra_low', 'low', 'standard', 'topical', 'unspecified')),
    events             INTEGER CHECK (events >= 0),
    total              INTEGER CHECK (total >= 0),
    percent            REAL CHECK (percent >= 0),
    comparator         TEXT,
    comparator_events  INTEGER CHECK (comparator_events >= 0),
    comparator_total   INTEGER CHECK (comparator_total >= 0),
    comparator_percent REAL CHECK (comparator_percent >= 0),
    measure            TEXT CHECK (measure IN ('MD', 'SMD', 'RR', 'OR', 'RD', 'HR', 'IRR', 'NNT', 'median_difference', 'percent_change_difference', 'ratio_of_means', 'difference_in_differences', 'correlation', 'variance_explained', 'regression_coefficient', 'within_group_change', 'proportion', 'dose', 'time_to_event', 'concentration', 'test_statistic', 'narrative', 'other')),
    value              REAL,
    ci_low             REAL,
    ci_high            REAL,
    p                  TEXT,
    note               TEXT,
    printed            TEXT,
    PRIMARY KEY (adverse_effect_id, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX adverse_effect_frequencies_by_study_id ON adverse_effect_frequencies (study_id);
CREATE INDEX adverse_effect_frequencies_by_source_id ON adverse_effect_frequencies (source_id);

-- An entry in a trial registry, with its status as seen and the study that reports it, or the fact that none does.
CREATE TABLE trials (
    id                       TEXT PRIMARY KEY NOT NULL,
    registry_number          TEXT NOT NULL,
    other_numbers            TEXT CHECK (other_numbers IS NULL OR json_valid(other_numbers)),
    registry                 TEXT NOT NULL,
    title                    TEXT NOT NULL,
    title_note               TEXT,
    acronym                  TEXT,
    sponsor                  TEXT,
    country                  TEXT,
    phase                    TEXT,
    design                   TEXT,
    dose_note                TEXT,
    dose_mg_per_day          REAL CHECK (dose_mg_per_day > 0),
    dose_class               TEXT CHECK (dose_class IN ('ultra_low', 'low', 'standard', 'topical', 'unspecified')),
    route                    TEXT,
    planned                  INTEGER CHECK (planned >= 0),
    actual                   INTEGER CHECK (actual >= 0),
    status                   TEXT NOT NULL CHECK (status IN ('not_yet_recruiting', 'recruiting', 'enrolling_by_invitation', 'active_not_recruiting', 'ongoing', 'suspended', 'completed', 'terminated', 'withdrawn', 'unknown')),
    status_note              TEXT,
    status_seen_on           TEXT,
    start                    TEXT,
    completion               TEXT,
    results_note             TEXT,
    results_posted           TEXT,
    overdue_by_register      INTEGER CHECK (overdue_by_register IN (0, 1)),
    why_stopped              TEXT,
    note                     TEXT,
    verification_depth       TEXT NOT NULL CHECK (verification_depth IN ('full_text', 'abstract', 'registry', 'secondary', 'unverified')),
    verification_read        TEXT,
    verification_on          TEXT,
    verification_second_look TEXT,
    open_questions           TEXT CHECK (open_questions IS NULL OR json_valid(open_questions)),
    reviewed_on              TEXT,
    reviewed_by              TEXT,
    printed                  TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX trials_by_status ON trials (status);

-- A disease, symptom complex or class of them for which low-dose naltrexone was studied, tried or claimed.
CREATE TABLE conditions (
    id                   TEXT PRIMARY KEY NOT NULL,
    name                 TEXT NOT NULL,
    category             TEXT NOT NULL CHECK (category IN ('pain', 'headache_orofacial', 'gastrointestinal', 'neurological', 'rheumatological', 'dermatological', 'immunological', 'postviral', 'autonomic', 'infectious', 'psychiatric', 'substance_use', 'endocrine_metabolic', 'reproductive', 'ophthalmological', 'oncological', 'opioid_adjunct', 'general_health', 'other')),
    identifiers_note     TEXT,
    evidence_tier        TEXT NOT NULL CHECK (evidence_tier IN ('strong', 'emerging', 'limited')),
    direction            TEXT NOT NULL CHECK (direction IN ('benefit', 'mixed', 'no_benefit', 'harm', 'unclear', 'not_studied')),
    tier_override_reason TEXT,
    tier_override_by     TEXT,
    tier_override_on     TEXT,
    summary              TEXT NOT NULL,
    mechanism_summary    TEXT,
    open_questions       TEXT CHECK (open_questions IS NULL OR json_valid(open_questions)),
    not_studied_note     TEXT,
    last_searched        TEXT NOT NULL,
    reviewed_on          TEXT,
    reviewed_by          TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX conditions_by_category ON conditions (category);
CREATE INDEX conditions_by_evidence_tier ON conditions (evidence_tier);
CREATE INDEX conditions_by_direction ON conditions (direction);

-- A way in which low-dose naltrexone is said to act, with what supports and what contradicts it.
CREATE TABLE mechanisms (
    id                       TEXT PRIMARY KEY NOT NULL,
    name                     TEXT NOT NULL,
    statement                TEXT NOT NULL,
    effect                   TEXT NOT NULL,
    evidence_level           TEXT NOT NULL CHECK (evidence_level IN ('human_clinical', 'human_ex_vivo', 'animal', 'in_vitro', 'hypothesis')),
    evidence_note            TEXT,
    concentration_nmol_per_l REAL CHECK (concentration_nmol_per_l > 0),
    concentration_note       TEXT,
    dispute                  TEXT NOT NULL,
    open_questions           TEXT CHECK (open_questions IS NULL OR json_valid(open_questions)),
    reviewed_on              TEXT,
    reviewed_by              TEXT,
    printed                  TEXT
) STRICT, WITHOUT ROWID;

-- A drug or class that must not, or only with care, be combined with naltrexone.
CREATE TABLE interactions (
    id             TEXT PRIMARY KEY NOT NULL,
    name           TEXT NOT NULL,
    examples       TEXT CHECK (examples IS NULL OR json_valid(examples)),
    severity       TEXT NOT NULL CHECK (severity IN ('mild', 'mild_to_moderate', 'moderate', 'severe', 'serious', 'life_threatening', 'variable', 'theoretical', 'minor', 'major', 'contraindicated', 'unknown')),
    mechanism      TEXT NOT NULL,
    effect         TEXT NOT NULL,
    management     TEXT,
    evidence       TEXT NOT NULL,
    dose_class     TEXT CHECK (dose_class IN ('ultra_low', 'low', 'standard', 'topical', 'unspecified')),
    open_questions TEXT CHECK (open_questions IS NULL OR json_valid(open_questions)),
    reviewed_on    TEXT,
    reviewed_by    TEXT
) STRICT, WITHOUT ROWID;

-- A contraindication, or something that is checked before a start.
CREATE TABLE precautions (
    id             TEXT PRIMARY KEY NOT NULL,
    name           TEXT NOT NULL,
    kind           TEXT NOT NULL CHECK (kind IN ('absolute', 'relative', 'precaution', 'screening')),
    topic          TEXT NOT NULL CHECK (topic IN ('contraindication', 'screening')),
    rationale      TEXT NOT NULL,
    basis          TEXT NOT NULL,
    open_questions TEXT CHECK (open_questions IS NULL OR json_valid(open_questions)),
    reviewed_on    TEXT,
    reviewed_by    TEXT
) STRICT, WITHOUT ROWID;

-- A dose, titration, formulation or timing as tried, labelled or advised; not an instruction.
CREATE TABLE dosing (
    id             TEXT PRIMARY KEY NOT NULL,
    name           TEXT NOT NULL,
    topic          TEXT NOT NULL,
    statement      TEXT NOT NULL,
    dose_range     TEXT,
    dose_low_mg    REAL CHECK (dose_low_mg >= 0),
    dose_high_mg   REAL CHECK (dose_high_mg >= 0),
    setting        TEXT NOT NULL CHECK (setting IN ('trial', 'cohort', 'survey', 'label', 'expert', 'pharmacy', 'registry', 'review', 'preclinical', 'other')),
    formulation    TEXT,
    timing         TEXT,
    open_questions TEXT CHECK (open_questions IS NULL OR json_valid(open_questions)),
    reviewed_on    TEXT,
    reviewed_by    TEXT,
    printed        TEXT
) STRICT, WITHOUT ROWID;

-- A pharmacokinetic or pharmacodynamic number with population and dose.
CREATE TABLE pharmacology (
    id              TEXT PRIMARY KEY NOT NULL,
    name            TEXT NOT NULL,
    value           TEXT NOT NULL,
    value_low       REAL,
    value_high      REAL,
    unit            TEXT,
    population_dose TEXT,
    topic           TEXT NOT NULL CHECK (topic IN ('absorption', 'distribution', 'metabolism', 'elimination', 'plasma_concentration', 'receptor_occupancy', 'potency', 'formulation', 'effect', 'other')),
    derived         TEXT,
    note            TEXT,
    open_questions  TEXT CHECK (open_questions IS NULL OR json_valid(open_questions)),
    reviewed_on     TEXT,
    reviewed_by     TEXT,
    printed         TEXT
) STRICT, WITHOUT ROWID;

-- Approval, scheduling, compounding rule or official statement.
CREATE TABLE regulatory (
    id             TEXT PRIMARY KEY NOT NULL,
    name           TEXT NOT NULL,
    fact           TEXT NOT NULL,
    date           TEXT,
    jurisdiction   TEXT NOT NULL,
    note           TEXT,
    open_questions TEXT CHECK (open_questions IS NULL OR json_valid(open_questions)),
    reviewed_on    TEXT,
    reviewed_by    TEXT
) STRICT, WITHOUT ROWID;

-- Every citation of every record: which record cites what, at which place. Exactly one target is set.
CREATE TABLE citations (
    record_kind       TEXT NOT NULL,
    record_id         TEXT NOT NULL,
    place             TEXT NOT NULL,
    position          INTEGER NOT NULL,
    study_id          TEXT REFERENCES studies (id),
    trial_id          TEXT REFERENCES trials (id),
    source_id         TEXT REFERENCES sources (id),
    condition_id      TEXT REFERENCES conditions (id),
    mechanism_id      TEXT REFERENCES mechanisms (id),
    adverse_effect_id TEXT REFERENCES adverse_effects (id),
    interaction_id    TEXT REFERENCES interactions (id),
    precaution_id     TEXT REFERENCES precautions (id),
    dosing_id         TEXT REFERENCES dosing (id),
    pharmacology_id   TEXT REFERENCES pharmacology (id),
    regulatory_id     TEXT REFERENCES regulatory (id),
    locator           TEXT,
    note              TEXT,
    PRIMARY KEY (record_kind, record_id, place, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX citations_by_study_id ON citations (study_id);
CREATE INDEX citations_by_trial_id ON citations (trial_id);
CREATE INDEX citations_by_source_id ON citations (source_id);
CREATE INDEX citations_by_condition_id ON citations (condition_id);
CREATE INDEX citations_by_mechanism_id ON citations (mechanism_id);
CREATE INDEX citations_by_adverse_effect_id ON citations (adverse_effect_id);
CREATE INDEX citations_by_interaction_id ON citations (interaction_id);
CREATE INDEX citations_by_precaution_id ON citations (precaution_id);
CREATE INDEX citations_by_dosing_id ON citations (dosing_id);
CREATE INDEX citations_by_pharmacology_id ON citations (pharmacology_id);
CREATE INDEX citations_by_regulatory_id ON citations (regulatory_id);

-- A popular statement about low-dose naltrexone, held against the evidence.
CREATE TABLE claims (
    id             TEXT PRIMARY KEY NOT NULL,
    statement      TEXT NOT NULL,
    source_id      TEXT REFERENCES sources (id),
    locator        TEXT,
    circulation    TEXT,
    cites          TEXT,
    topic          TEXT NOT NULL CHECK (topic IN ('tier', 'efficacy', 'indication', 'mechanism', 'dosing', 'safety', 'interaction', 'contraindication', 'screening', 'regulatory', 'history', 'clinical_experience', 'other')),
    verdict        TEXT NOT NULL CHECK (verdict IN ('supported', 'partly_supported', 'contradicted', 'not_shown', 'opinion')),
    explanation    TEXT NOT NULL,
    open_questions TEXT CHECK (open_questions IS NULL OR json_valid(open_questions)),
    reviewed_on    TEXT,
    reviewed_by    TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX claims_by_source_id ON claims (source_id);
CREATE INDEX claims_by_verdict ON claims (verdict);

-- Conditions concerned.
CREATE TABLE claim_conditions (
    claim_id     TEXT NOT NULL REFERENCES claims (id),
    position     INTEGER NOT NULL,
    condition_id TEXT NOT NULL REFERENCES conditions (id),
    PRIMARY KEY (claim_id, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX claim_conditions_by_condition_id ON claim_conditions (condition_id);

-- Records that decide it, for and against.
CREATE TABLE claim_evidence (
    claim_id          TEXT NOT NULL REFERENCES claims (id),
    position          INTEGER NOT NULL,
    study_id          TEXT REFERENCES studies (id),
    trial_id          TEXT REFERENCES trials (id),
    source_id         TEXT REFERENCES sources (id),
    condition_id      TEXT REFERENCES conditions (id),
    mechanism_id      TEXT REFERENCES mechanisms (id),
    adverse_effect_id TEXT REFERENCES adverse_effects (id),
    interaction_id    TEXT REFERENCES interactions (id),
    precaution_id     TEXT REFERENCES precautions (id),
    dosing_id         TEXT REFERENCES dosing (id),
    pharmacology_id   TEXT REFERENCES pharmacology (id),
    regulatory_id     TEXT REFERENCES regulatory (id),
    stance            TEXT NOT NULL CHECK (stance IN ('supports', 'contradicts', 'context')),
    note              TEXT,
    PRIMARY KEY (claim_id, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX claim_evidence_by_study_id ON claim_evidence (study_id);
CREATE INDEX claim_evidence_by_trial_id ON claim_evidence (trial_id);
CREATE INDEX claim_evidence_by_source_id ON claim_evidence (source_id);
CREATE INDEX claim_evidence_by_condition_id ON claim_evidence (condition_id);
CREATE INDEX claim_evidence_by_mechanism_id ON claim_evidence (mechanism_id);
CREATE INDEX claim_evidence_by_adverse_effect_id ON claim_evidence (adverse_effect_id);
CREATE INDEX claim_evidence_by_interaction_id ON claim_evidence (interaction_id);
CREATE INDEX claim_evidence_by_precaution_id ON claim_evidence (precaution_id);
CREATE INDEX claim_evidence_by_dosing_id ON claim_evidence (dosing_id);
CREATE INDEX claim_evidence_by_pharmacology_id ON claim_evidence (pharmacology_id);
CREATE INDEX claim_evidence_by_regulatory_id ON claim_evidence (regulatory_id);

-- Other names under which people search.
CREATE TABLE condition_names (
    condition_id TEXT NOT NULL REFERENCES conditions (id),
    position     INTEGER NOT NULL,
    name         TEXT NOT NULL,
    PRIMARY KEY (condition_id, position)
) STRICT, WITHOUT ROWID;

-- Members, where the record stands for a class that articles name; a group borrows no strength from its members.
CREATE TABLE condition_members (
    condition_id TEXT NOT NULL REFERENCES conditions (id),
    position     INTEGER NOT NULL,
    member_id    TEXT NOT NULL REFERENCES conditions (id),
    PRIMARY KEY (condition_id, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX condition_members_by_member_id ON condition_members (member_id);

-- Codes in ontologies and classifications.
CREATE TABLE condition_identifiers (
    condition_id TEXT NOT NULL REFERENCES conditions (id),
    position     INTEGER NOT NULL,
    scheme       TEXT NOT NULL CHECK (scheme IN ('MONDO', 'DOID', 'MeSH', 'ICD-10-CM', 'ICD-11', 'NCIT', 'HPO')),
    code         TEXT NOT NULL,
    label        TEXT,
    predicate    TEXT NOT NULL CHECK (predicate IN ('exact', 'broad', 'narrow', 'related')),
    PRIMARY KEY (condition_id, position)
) STRICT, WITHOUT ROWID;

-- What other sources say the tier is.
CREATE TABLE asserted_tiers (
    condition_id TEXT NOT NULL REFERENCES conditions (id),
    position     INTEGER NOT NULL,
    source_id    TEXT NOT NULL REFERENCES sources (id),
    tier         TEXT NOT NULL CHECK (tier IN ('strong', 'emerging', 'limited', 'clinical_experience')),
    locator      TEXT,
    note         TEXT,
    PRIMARY KEY (condition_id, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX asserted_tiers_by_source_id ON asserted_tiers (source_id);

-- What speaks for a benefit and what against it, one point a row.
CREATE TABLE condition_points (
    condition_id TEXT NOT NULL REFERENCES conditions (id),
    stance       TEXT NOT NULL,
    position     INTEGER NOT NULL,
    statement    TEXT NOT NULL,
    PRIMARY KEY (condition_id, stance, position)
) STRICT, WITHOUT ROWID;

-- Mechanisms that are invoked for this condition.
CREATE TABLE condition_mechanisms (
    condition_id TEXT NOT NULL REFERENCES conditions (id),
    position     INTEGER NOT NULL,
    mechanism_id TEXT NOT NULL REFERENCES mechanisms (id),
    note         TEXT NOT NULL,
    PRIMARY KEY (condition_id, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX condition_mechanisms_by_mechanism_id ON condition_mechanisms (mechanism_id);

-- Conditions concerned.
CREATE TABLE dosing_conditions (
    dosing_id    TEXT NOT NULL REFERENCES dosing (id),
    position     INTEGER NOT NULL,
    condition_id TEXT NOT NULL REFERENCES conditions (id),
    PRIMARY KEY (dosing_id, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX dosing_conditions_by_condition_id ON dosing_conditions (condition_id);

-- Steps, in order.
CREATE TABLE dosing_steps (
    dosing_id TEXT NOT NULL REFERENCES dosing (id),
    position  INTEGER NOT NULL,
    week_from REAL CHECK (week_from >= 0),
    week_to   REAL CHECK (week_to >= 0),
    dose_mg   REAL CHECK (dose_mg >= 0),
    note      TEXT,
    printed   TEXT,
    PRIMARY KEY (dosing_id, position)
) STRICT, WITHOUT ROWID;

-- Molecules and pathways acted on.
CREATE TABLE mechanism_targets (
    mechanism_id TEXT NOT NULL REFERENCES mechanisms (id),
    position     INTEGER NOT NULL,
    symbol       TEXT,
    name         TEXT NOT NULL,
    kind         TEXT NOT NULL CHECK (kind IN ('receptor', 'ion_channel', 'enzyme', 'cytokine', 'peptide', 'transcription_factor', 'pathway', 'cell', 'other')),
    PRIMARY KEY (mechanism_id, position)
) STRICT, WITHOUT ROWID;

-- Studies that speak for a mechanism and against it, each with its reason.
CREATE TABLE mechanism_evidence (
    mechanism_id TEXT NOT NULL REFERENCES mechanisms (id),
    stance       TEXT NOT NULL,
    position     INTEGER NOT NULL,
    study_id     TEXT NOT NULL REFERENCES studies (id),
    reason       TEXT NOT NULL,
    PRIMARY KEY (mechanism_id, stance, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX mechanism_evidence_by_study_id ON mechanism_evidence (study_id);

-- Conditions for which it is invoked.
CREATE TABLE mechanism_conditions (
    mechanism_id TEXT NOT NULL REFERENCES mechanisms (id),
    position     INTEGER NOT NULL,
    condition_id TEXT NOT NULL REFERENCES conditions (id),
    PRIMARY KEY (mechanism_id, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX mechanism_conditions_by_condition_id ON mechanism_conditions (condition_id);

-- A question that clinicians and patients ask, answered from the records.
CREATE TABLE questions (
    id             TEXT PRIMARY KEY NOT NULL,
    question       TEXT NOT NULL,
    audience       TEXT NOT NULL CHECK (audience IN ('clinicians', 'patients', 'both')),
    short_answer   TEXT NOT NULL,
    open_questions TEXT CHECK (open_questions IS NULL OR json_valid(open_questions)),
    reviewed_on    TEXT,
    reviewed_by    TEXT
) STRICT, WITHOUT ROWID;

-- Conditions concerned.
CREATE TABLE question_conditions (
    question_id  TEXT NOT NULL REFERENCES questions (id),
    position     INTEGER NOT NULL,
    condition_id TEXT NOT NULL REFERENCES conditions (id),
    PRIMARY KEY (question_id, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX question_conditions_by_condition_id ON question_conditions (condition_id);

-- The answer, sentence by sentence, each with the records it rests on.
CREATE TABLE question_sentences (
    question_id TEXT NOT NULL REFERENCES questions (id),
    position    INTEGER NOT NULL,
    sentence    TEXT NOT NULL,
    PRIMARY KEY (question_id, position)
) STRICT, WITHOUT ROWID;

-- Records and documents on which this rests, most important first.
CREATE TABLE question_evidence (
    question_id                TEXT NOT NULL REFERENCES questions (id),
    question_sentence_position INTEGER NOT NULL,
    position                   INTEGER NOT NULL,
    study_id                   TEXT REFERENCES studies (id),
    trial_id                   TEXT REFERENCES trials (id),
    source_id                  TEXT REFERENCES sources (id),
    condition_id               TEXT REFERENCES conditions (id),
    mechanism_id               TEXT REFERENCES mechanisms (id),
    adverse_effect_id          TEXT REFERENCES adverse_effects (id),
    interaction_id             TEXT REFERENCES interactions (id),
    precaution_id              TEXT REFERENCES precautions (id),
    dosing_id                  TEXT REFERENCES dosing (id),
    pharmacology_id            TEXT REFERENCES pharmacology (id),
    regulatory_id              TEXT REFERENCES regulatory (id),
    locator                    TEXT,
    note                       TEXT,
    PRIMARY KEY (question_id, question_sentence_position, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX question_evidence_by_study_id ON question_evidence (study_id);
CREATE INDEX question_evidence_by_trial_id ON question_evidence (trial_id);
CREATE INDEX question_evidence_by_source_id ON question_evidence (source_id);
CREATE INDEX question_evidence_by_condition_id ON question_evidence (condition_id);
CREATE INDEX question_evidence_by_mechanism_id ON question_evidence (mechanism_id);
CREATE INDEX question_evidence_by_adverse_effect_id ON question_evidence (adverse_effect_id);
CREATE INDEX question_evidence_by_interaction_id ON question_evidence (interaction_id);
CREATE INDEX question_evidence_by_precaution_id ON question_evidence (precaution_id);
CREATE INDEX question_evidence_by_dosing_id ON question_evidence (dosing_id);
CREATE INDEX question_evidence_by_pharmacology_id ON question_evidence (pharmacology_id);
CREATE INDEX question_evidence_by_regulatory_id ON question_evidence (regulatory_id);

-- One session of searching: what was asked, when, so that a reader knows how far 'nothing found' reaches.
CREATE TABLE searches (
    id          TEXT PRIMARY KEY NOT NULL,
    searched_on TEXT NOT NULL,
    scope       TEXT NOT NULL,
    note        TEXT
) STRICT, WITHOUT ROWID;

-- Queries.
CREATE TABLE search_queries (
    search_id TEXT NOT NULL REFERENCES searches (id),
    position  INTEGER NOT NULL,
    query     TEXT NOT NULL,
    PRIMARY KEY (search_id, position)
) STRICT, WITHOUT ROWID;

-- Conditions that the query was about.
CREATE TABLE search_query_conditions (
    search_id              TEXT NOT NULL REFERENCES searches (id),
    search_querie_position INTEGER NOT NULL,
    position               INTEGER NOT NULL,
    condition_id           TEXT NOT NULL REFERENCES conditions (id),
    PRIMARY KEY (search_id, search_querie_position, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX search_query_conditions_by_condition_id ON search_query_conditions (condition_id);

-- Statements of a label or other document that records rely on.
CREATE TABLE source_statements (
    source_id TEXT NOT NULL REFERENCES sources (id),
    position  INTEGER NOT NULL,
    section   TEXT NOT NULL,
    statement TEXT NOT NULL,
    PRIMARY KEY (source_id, position)
) STRICT, WITHOUT ROWID;

-- Numbers in trial registries.
CREATE TABLE study_registrations (
    study_id        TEXT NOT NULL REFERENCES studies (id),
    position        INTEGER NOT NULL,
    registry_number TEXT NOT NULL,
    PRIMARY KEY (study_id, position)
) STRICT, WITHOUT ROWID;

-- Conditions of this base that the study bears on.
CREATE TABLE study_conditions (
    study_id     TEXT NOT NULL REFERENCES studies (id),
    position     INTEGER NOT NULL,
    condition_id TEXT NOT NULL REFERENCES conditions (id),
    PRIMARY KEY (study_id, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX study_conditions_by_condition_id ON study_conditions (condition_id);

-- Groups or periods that are compared.
CREATE TABLE arms (
    id                   TEXT PRIMARY KEY NOT NULL,
    study_id             TEXT NOT NULL REFERENCES studies (id),
    position             INTEGER NOT NULL,
    code                 TEXT NOT NULL,
    label                TEXT NOT NULL,
    role                 TEXT NOT NULL CHECK (role IN ('intervention', 'comparator', 'other')),
    control_kind         TEXT CHECK (control_kind IN ('placebo', 'no_treatment', 'usual_care', 'active', 'other_dose', 'healthy', 'before', 'unknown')),
    components           TEXT CHECK (components IS NULL OR json_valid(components)),
    dose_mg_per_day      REAL CHECK (dose_mg_per_day > 0),
    dose_low_mg_per_day  REAL CHECK (dose_low_mg_per_day >= 0),
    dose_high_mg_per_day REAL CHECK (dose_high_mg_per_day > 0),
    dose_note            TEXT,
    dose_class           TEXT CHECK (dose_class IN ('ultra_low', 'low', 'standard', 'topical', 'unspecified')),
    route                TEXT CHECK (route IN ('oral', 'sublingual', 'topical', 'ophthalmic', 'intravenous', 'intramuscular', 'subcutaneous', 'intraperitoneal', 'intrathecal', 'implant', 'in_vitro', 'other')),
    weeks                REAL CHECK (weeks > 0),
    n                    INTEGER CHECK (n >= 0),
    printed              TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX arms_by_study_id ON arms (study_id);
CREATE INDEX arms_by_dose_class ON arms (dose_class);

-- Measurement instruments with their range, the better direction and the minimal important difference with its source.
CREATE TABLE instruments (
    id                                      TEXT PRIMARY KEY NOT NULL,
    name                                    TEXT NOT NULL,
    description                             TEXT NOT NULL,
    synonyms                                TEXT CHECK (synonyms IS NULL OR json_valid(synonyms)),
    domain                                  TEXT,
    range_low                               REAL,
    range_high                              REAL,
    better                                  TEXT CHECK (better IN ('lower', 'higher')),
    minimal_important_difference            REAL,
    minimal_important_difference_kind       TEXT,
    minimal_important_difference_population TEXT,
    minimal_important_difference_pmid       TEXT,
    minimal_important_difference_doi        TEXT,
    minimal_important_difference_note       TEXT,
    note                                    TEXT
) STRICT, WITHOUT ROWID;

-- What was measured and found.
CREATE TABLE outcomes (
    id                          TEXT PRIMARY KEY NOT NULL,
    study_id                    TEXT NOT NULL REFERENCES studies (id),
    position                    INTEGER NOT NULL,
    code                        TEXT NOT NULL,
    name                        TEXT NOT NULL,
    domain                      TEXT NOT NULL CHECK (domain IN ('pain', 'pain_sensitivity', 'fatigue', 'post_exertional_malaise', 'sleep', 'mood', 'anxiety', 'trauma_and_dissociation', 'psychosis', 'compulsion_and_impulse', 'behaviour', 'cognition', 'function', 'motor_function', 'quality_of_life', 'disease_activity', 'remission_or_response', 'relapse_or_progression', 'mucosal_healing', 'spasticity', 'disability', 'skin_severity', 'itch', 'hair_or_scarring', 'dryness', 'ocular_surface_and_wound_healing', 'gastrointestinal_symptoms', 'bladder_bowel_sexual', 'autonomic_symptoms', 'multiple_symptoms', 'laboratory_marker', 'cytokine', 'opioid_peptide', 'cell_function', 'tissue_damage', 'hormone_or_reproduction', 'weight_or_metabolism', 'seizures', 'opioid_use', 'withdrawal', 'craving_or_use', 'survival_or_tumour', 'adverse_events', 'discontinuation', 'prescribing', 'global_impression', 'dose_response', 'predictor', 'pharmacokinetics', 'receptor_occupancy', 'formulation_quality', 'other')),
    condition_id                TEXT REFERENCES conditions (id),
    instrument_id               TEXT REFERENCES instruments (id),
    instrument_note             TEXT,
    unit                        TEXT,
    role                        TEXT NOT NULL CHECK (role IN ('primary', 'secondary', 'post_hoc', 'safety', 'unspecified')),
    timepoint                   TEXT,
    better                      TEXT CHECK (better IN ('lower', 'higher')),
    effect_measure              TEXT CHECK (effect_measure IN ('MD', 'SMD', 'RR', 'OR', 'RD', 'HR', 'IRR', 'NNT', 'median_difference', 'percent_change_difference', 'ratio_of_means', 'difference_in_differences', 'correlation', 'variance_explained', 'regression_coefficient', 'within_group_change', 'proportion', 'dose', 'time_to_event', 'concentration', 'test_statistic', 'narrative', 'other')),
    effect_label                TEXT,
    effect_value                REAL,
    effect_ci_low               REAL,
    effect_ci_high              REAL,
    effect_ci_level             REAL CHECK (effect_ci_level > 0 AND effect_ci_level < 100),
    effect_standard_error       REAL CHECK (effect_standard_error >= 0),
    effect_iqr                  REAL CHECK (effect_iqr >= 0),
    effect_p                    TEXT,
    effect_adjusted             INTEGER CHECK (effect_adjusted IN (0, 1)),
    effect_standardized_measure TEXT,
    effect_standardized_value   REAL,
    effect_intervention_id      TEXT REFERENCES arms (id),
    effect_comparator_id        TEXT REFERENCES arms (id),
    effect_studies              INTEGER CHECK (effect_studies >= 0),
    effect_participants         INTEGER CHECK (effect_participants >= 0),
    effect_i_squared            REAL CHECK (effect_i_squared >= 0 AND effect_i_squared <= 100),
    effect_model                TEXT,
    effect_note                 TEXT,
    effect_printed              TEXT,
    direction                   TEXT NOT NULL CHECK (direction IN ('favours_ldn', 'favours_comparator', 'no_difference', 'not_comparable', 'unknown')),
    note                        TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX outcomes_by_study_id ON outcomes (study_id);
CREATE INDEX outcomes_by_domain ON outcomes (domain);
CREATE INDEX outcomes_by_condition_id ON outcomes (condition_id);
CREATE INDEX outcomes_by_instrument_id ON outcomes (instrument_id);
CREATE INDEX outcomes_by_role ON outcomes (role);
CREATE INDEX outcomes_by_effect_intervention_id ON outcomes (effect_intervention_id);
CREATE INDEX outcomes_by_effect_comparator_id ON outcomes (effect_comparator_id);
CREATE INDEX outcomes_by_direction ON outcomes (direction);

-- Numbers per arm, as printed.
CREATE TABLE results (
    study_id   TEXT NOT NULL REFERENCES studies (id),
    outcome_id TEXT NOT NULL REFERENCES outcomes (id),
    position   INTEGER NOT NULL,
    arm_id     TEXT NOT NULL REFERENCES arms (id),
    kind       TEXT CHECK (kind IN ('endpoint', 'change', 'percent_change', 'baseline', 'count', 'other')),
    n          INTEGER CHECK (n >= 0),
    mean       REAL,
    sd         REAL CHECK (sd > 0),
    se         REAL CHECK (se >= 0),
    ci_low     REAL,
    ci_high    REAL,
    median     REAL,
    iqr        REAL CHECK (iqr >= 0),
    iqr_low    REAL,
    iqr_high   REAL,
    range_low  REAL,
    range_high REAL,
    events     INTEGER CHECK (events >= 0),
    total      INTEGER CHECK (total >= 0),
    percent    REAL,
    p_within   TEXT,
    note       TEXT,
    printed    TEXT,
    PRIMARY KEY (study_id, outcome_id, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX results_by_outcome_id ON results (outcome_id);
CREATE INDEX results_by_arm_id ON results (arm_id);

-- Included studies that have a record here.
CREATE TABLE review_inclusions (
    study_id          TEXT NOT NULL REFERENCES studies (id),
    position          INTEGER NOT NULL,
    included_study_id TEXT NOT NULL REFERENCES studies (id),
    PRIMARY KEY (study_id, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX review_inclusions_by_included_study_id ON review_inclusions (included_study_id);

-- Counts per arm.
CREATE TABLE adverse_events (
    study_id          TEXT NOT NULL REFERENCES studies (id),
    position          INTEGER NOT NULL,
    arm_id            TEXT NOT NULL REFERENCES arms (id),
    term              TEXT NOT NULL,
    adverse_effect_id TEXT REFERENCES adverse_effects (id),
    events            INTEGER CHECK (events >= 0),
    total             INTEGER CHECK (total >= 0),
    percent           REAL CHECK (percent >= 0 AND percent <= 100),
    note              TEXT,
    printed           TEXT,
    PRIMARY KEY (study_id, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX adverse_events_by_arm_id ON adverse_events (arm_id);
CREATE INDEX adverse_events_by_adverse_effect_id ON adverse_events (adverse_effect_id);

-- Papers that belong together; a trial with several papers counts once.
CREATE TABLE study_relations (
    study_id         TEXT NOT NULL REFERENCES studies (id),
    position         INTEGER NOT NULL,
    type             TEXT NOT NULL CHECK (type IN ('secondary_analysis_of', 'protocol_of', 'registration_of', 'preprint_of', 'conference_version_of', 'continuation_of', 'duplicate_of', 'comments_on', 'corrects', 'retracts', 'updates')),
    related_study_id TEXT NOT NULL REFERENCES studies (id),
    note             TEXT,
    PRIMARY KEY (study_id, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX study_relations_by_related_study_id ON study_relations (related_study_id);

-- Conditions under study.
CREATE TABLE trial_conditions (
    trial_id     TEXT NOT NULL REFERENCES trials (id),
    position     INTEGER NOT NULL,
    condition_id TEXT NOT NULL REFERENCES conditions (id),
    PRIMARY KEY (trial_id, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX trial_conditions_by_condition_id ON trial_conditions (condition_id);

-- Studies of this base that report the trial's results.
CREATE TABLE trial_reports (
    trial_id TEXT NOT NULL REFERENCES trials (id),
    position INTEGER NOT NULL,
    study_id TEXT NOT NULL REFERENCES studies (id),
    PRIMARY KEY (trial_id, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX trial_reports_by_study_id ON trial_reports (study_id);

-- A list of allowed values with their definitions; the one place where each stands.
CREATE TABLE vocabularies (
    id          TEXT PRIMARY KEY NOT NULL,
    name        TEXT NOT NULL,
    description TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Terms.
CREATE TABLE vocabulary_terms (
    vocabulary_id                             TEXT NOT NULL REFERENCES vocabularies (id),
    position                                  INTEGER NOT NULL,
    term                                      TEXT NOT NULL,
    label                                     TEXT NOT NULL,
    description                               TEXT NOT NULL,
    synonyms                                  TEXT CHECK (synonyms IS NULL OR json_valid(synonyms)),
    note                                      TEXT,
    randomized                                INTEGER CHECK (randomized IN (0, 1)),
    controlled                                INTEGER CHECK (controlled IN (0, 1)),
    human                                     INTEGER CHECK (human IN (0, 1)),
    evidence_kind                             TEXT CHECK (evidence_kind IN ('trial', 'observational', 'case', 'synthesis', 'preclinical', 'pharmacology', 'document')),
    domain                                    TEXT,
    range_low                                 REAL,
    range_high                                REAL,
    better                                    TEXT CHECK (better IN ('lower', 'higher')),
    lower_bound                               REAL,
    upper_bound                               REAL,
    minimal_important_difference_value        REAL,
    minimal_important_difference_kind         TEXT CHECK (minimal_important_difference_kind IN ('within_person', 'between_group', 'unspecified')),
    minimal_important_difference_population   TEXT,
    minimal_important_difference_source_pmid  TEXT,
    minimal_important_difference_source_doi   TEXT,
    minimal_important_difference_source_title TEXT,
    minimal_important_difference_note         TEXT,
    minimal_important_difference_printed      TEXT,
    printed                                   TEXT,
    PRIMARY KEY (vocabulary_id, position)
) STRICT, WITHOUT ROWID;

-- Identifiers that were once published; they are never used again.
CREATE TABLE retired (
    kind       TEXT NOT NULL,
    id         TEXT NOT NULL,
    successor  TEXT,
    retired_on TEXT NOT NULL,
    reason     TEXT NOT NULL,
    PRIMARY KEY (kind, id)
) STRICT, WITHOUT ROWID;

-- One comparison of one outcome, computed from stored results or taken from a printed effect, read against no effect and the minimal important difference.
CREATE TABLE effects (
    id                           TEXT PRIMARY KEY NOT NULL,
    study_id                     TEXT NOT NULL REFERENCES studies (id),
    trial_unit_id                TEXT NOT NULL REFERENCES studies (id),
    outcome_id                   TEXT NOT NULL REFERENCES outcomes (id),
    intervention_id              TEXT REFERENCES arms (id),
    comparator_id                TEXT REFERENCES arms (id),
    domain                       TEXT NOT NULL CHECK (domain IN ('pain', 'pain_sensitivity', 'fatigue', 'post_exertional_malaise', 'sleep', 'mood', 'anxiety', 'trauma_and_dissociation', 'psychosis', 'compulsion_and_impulse', 'behaviour', 'cognition', 'function', 'motor_function', 'quality_of_life', 'disease_activity', 'remission_or_response', 'relapse_or_progression', 'mucosal_healing', 'spasticity', 'disability', 'skin_severity', 'itch', 'hair_or_scarring', 'dryness', 'ocular_surface_and_wound_healing', 'gastrointestinal_symptoms', 'bladder_bowel_sexual', 'autonomic_symptoms', 'multiple_symptoms', 'laboratory_marker', 'cytokine', 'opioid_peptide', 'cell_function', 'tissue_damage', 'hormone_or_reproduction', 'weight_or_metabolism', 'seizures', 'opioid_use', 'withdrawal', 'craving_or_use', 'survival_or_tumour', 'adverse_events', 'discontinuation', 'prescribing', 'global_impression', 'dose_response', 'predictor', 'pharmacokinetics', 'receptor_occupancy', 'formulation_quality', 'other')),
    measure                      TEXT NOT NULL CHECK (measure IN ('MD', 'SMD', 'RR', 'OR', 'RD', 'HR', 'IRR', 'NNT', 'median_difference', 'percent_change_difference', 'ratio_of_means', 'difference_in_differences', 'correlation', 'variance_explained', 'regression_coefficient', 'within_group_change', 'proportion', 'dose', 'time_to_event', 'concentration', 'test_statistic', 'narrative', 'other')),
    value                        REAL,
    standard_error               REAL,
    ci_low                       REAL,
    ci_high                      REAL,
    ci_level                     REAL,
    favours                      TEXT CHECK (favours IN ('intervention', 'comparator', 'neither', 'unclear')),
    reading                      TEXT CHECK (reading IN ('clearly_favourable', 'favourable_possibly_trivial', 'inconclusive', 'null_within_mid', 'unfavourable')),
    minimal_important_difference REAL,
    computed_from                TEXT NOT NULL,
    is_printed                   INTEGER NOT NULL CHECK (is_printed IN (0, 1)),
    disagreement                 TEXT,
    p_contradiction              TEXT,
    note                         TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX effects_by_study_id ON effects (study_id);
CREATE INDEX effects_by_trial_unit_id ON effects (trial_unit_id);
CREATE INDEX effects_by_outcome_id ON effects (outcome_id);
CREATE INDEX effects_by_intervention_id ON effects (intervention_id);
CREATE INDEX effects_by_comparator_id ON effects (comparator_id);

-- Our own pooled estimates: one condition, one outcome domain, one measure; low-dose, randomised, verified, independent comparisons only.
CREATE TABLE meta_analyses (
    id                           TEXT PRIMARY KEY NOT NULL,
    condition_id                 TEXT NOT NULL REFERENCES conditions (id),
    domain                       TEXT NOT NULL CHECK (domain IN ('pain', 'pain_sensitivity', 'fatigue', 'post_exertional_malaise', 'sleep', 'mood', 'anxiety', 'trauma_and_dissociation', 'psychosis', 'compulsion_and_impulse', 'behaviour', 'cognition', 'function', 'motor_function', 'quality_of_life', 'disease_activity', 'remission_or_response', 'relapse_or_progression', 'mucosal_healing', 'spasticity', 'disability', 'skin_severity', 'itch', 'hair_or_scarring', 'dryness', 'ocular_surface_and_wound_healing', 'gastrointestinal_symptoms', 'bladder_bowel_sexual', 'autonomic_symptoms', 'multiple_symptoms', 'laboratory_marker', 'cytokine', 'opioid_peptide', 'cell_function', 'tissue_damage', 'hormone_or_reproduction', 'weight_or_metabolism', 'seizures', 'opioid_use', 'withdrawal', 'craving_or_use', 'survival_or_tumour', 'adverse_events', 'discontinuation', 'prescribing', 'global_impression', 'dose_response', 'predictor', 'pharmacokinetics', 'receptor_occupancy', 'formulation_quality', 'other')),
    measure                      TEXT NOT NULL CHECK (measure IN ('MD', 'SMD', 'RR', 'OR', 'RD', 'HR', 'IRR', 'NNT', 'median_difference', 'percent_change_difference', 'ratio_of_means', 'difference_in_differences', 'correlation', 'variance_explained', 'regression_coefficient', 'within_group_change', 'proportion', 'dose', 'time_to_event', 'concentration', 'test_statistic', 'narrative', 'other')),
    better                       TEXT CHECK (better IN ('lower', 'higher')),
    trials                       INTEGER NOT NULL,
    participants                 INTEGER,
    newest_year                  INTEGER,
    fixed_value                  REAL,
    fixed_ci_low                 REAL,
    fixed_ci_high                REAL,
    random_value                 REAL,
    random_ci_low                REAL,
    random_ci_high               REAL,
    wald_ci_low                  REAL,
    wald_ci_high                 REAL,
    prediction_low               REAL,
    prediction_high              REAL,
    q                            REAL,
    q_p                          REAL,
    i_squared                    REAL,
    tau_squared                  REAL,
    method                       TEXT NOT NULL,
    leave_one_out_low            REAL,
    leave_one_out_high           REAL,
    favours                      TEXT CHECK (favours IN ('intervention', 'comparator', 'neither', 'unclear')),
    minimal_important_difference REAL,
    reading                      TEXT CHECK (reading IN ('clearly_favourable', 'favourable_possibly_trivial', 'inconclusive', 'null_within_mid', 'unfavourable')),
    decides                      INTEGER NOT NULL CHECK (decides IN (0, 1))
) STRICT, WITHOUT ROWID;
CREATE INDEX meta_analyses_by_condition_id ON meta_analyses (condition_id);

-- Every comparison that was considered for pooling: used or not, and why.
CREATE TABLE meta_analysis_inputs (
    condition_id        TEXT NOT NULL REFERENCES conditions (id),
    domain              TEXT NOT NULL CHECK (domain IN ('pain', 'pain_sensitivity', 'fatigue', 'post_exertional_malaise', 'sleep', 'mood', 'anxiety', 'trauma_and_dissociation', 'psychosis', 'compulsion_and_impulse', 'behaviour', 'cognition', 'function', 'motor_function', 'quality_of_life', 'disease_activity', 'remission_or_response', 'relapse_or_progression', 'mucosal_healing', 'spasticity', 'disability', 'skin_severity', 'itch', 'hair_or_scarring', 'dryness', 'ocular_surface_and_wound_healing', 'gastrointestinal_symptoms', 'bladder_bowel_sexual', 'autonomic_symptoms', 'multiple_symptoms', 'laboratory_marker', 'cytokine', 'opioid_peptide', 'cell_function', 'tissue_damage', 'hormone_or_reproduction', 'weight_or_metabolism', 'seizures', 'opioid_use', 'withdrawal', 'craving_or_use', 'survival_or_tumour', 'adverse_events', 'discontinuation', 'prescribing', 'global_impression', 'dose_response', 'predictor', 'pharmacokinetics', 'receptor_occupancy', 'formulation_quality', 'other')),
    study_id            TEXT NOT NULL REFERENCES studies (id),
    outcome_id          TEXT NOT NULL REFERENCES outcomes (id),
    position            INTEGER NOT NULL,
    meta_analysis_id    TEXT REFERENCES meta_analyses (id),
    effect_id           TEXT REFERENCES effects (id),
    used                INTEGER NOT NULL CHECK (used IN (0, 1)),
    reason              TEXT NOT NULL,
    weight              REAL,
    leave_one_out_value REAL,
    PRIMARY KEY (condition_id, domain, study_id, outcome_id, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX meta_analysis_inputs_by_study_id ON meta_analysis_inputs (study_id);
CREATE INDEX meta_analysis_inputs_by_outcome_id ON meta_analysis_inputs (outcome_id);
CREATE INDEX meta_analysis_inputs_by_meta_analysis_id ON meta_analysis_inputs (meta_analysis_id);
CREATE INDEX meta_analysis_inputs_by_effect_id ON meta_analysis_inputs (effect_id);

-- How tier and direction of each condition came about: each rule that was tried and each of its criteria, its inputs as numbers, whether it is met, and by which studies.
CREATE TABLE tier_trace (
    condition_id TEXT NOT NULL REFERENCES conditions (id),
    position     INTEGER NOT NULL,
    about        TEXT NOT NULL CHECK (about IN ('tier', 'direction')),
    gives        TEXT NOT NULL,
    rule         TEXT NOT NULL,
    criterion    TEXT,
    statement    TEXT NOT NULL,
    needs        TEXT,
    inputs       TEXT NOT NULL,
    satisfied    INTEGER NOT NULL CHECK (satisfied IN (0, 1)),
    decisive     INTEGER NOT NULL CHECK (decisive IN (0, 1)),
    studies      TEXT CHECK (studies IS NULL OR json_valid(studies)),
    estimates    TEXT CHECK (estimates IS NULL OR json_valid(estimates)),
    PRIMARY KEY (condition_id, position)
) STRICT, WITHOUT ROWID;

-- The tier and direction that the same rule gives with the studies published up to each year in which one that counts appeared; between two rows nothing changed.
CREATE TABLE tier_history (
    condition_id TEXT NOT NULL REFERENCES conditions (id),
    year         INTEGER NOT NULL,
    tier         TEXT NOT NULL CHECK (tier IN ('strong', 'emerging', 'limited')),
    direction    TEXT NOT NULL CHECK (direction IN ('benefit', 'mixed', 'no_benefit', 'harm', 'unclear', 'not_studied')),
    changed      INTEGER NOT NULL CHECK (changed IN (0, 1)),
    caused_by    TEXT CHECK (caused_by IS NULL OR json_valid(caused_by)),
    studies      INTEGER,
    PRIMARY KEY (condition_id, year)
) STRICT, WITHOUT ROWID;

-- The smallest single new result that would raise or lower the tier, found by running the rule.
CREATE TABLE tier_outlook (
    condition_id TEXT NOT NULL REFERENCES conditions (id),
    change       TEXT NOT NULL CHECK (change IN ('raise', 'lower')),
    possible     INTEGER NOT NULL CHECK (possible IN (0, 1)),
    tier         TEXT,
    direction    TEXT,
    description  TEXT NOT NULL,
    design       TEXT,
    result       TEXT,
    participants INTEGER,
    PRIMARY KEY (condition_id, change)
) STRICT, WITHOUT ROWID;

-- What the tier rule computed for each condition, beside what the record says.
CREATE TABLE condition_appraisals (
    condition_id                      TEXT PRIMARY KEY NOT NULL REFERENCES conditions (id),
    computed_tier                     TEXT NOT NULL CHECK (computed_tier IN ('strong', 'emerging', 'limited')),
    computed_direction                TEXT NOT NULL CHECK (computed_direction IN ('benefit', 'mixed', 'no_benefit', 'harm', 'unclear', 'not_studied')),
    deciding_rule                     TEXT NOT NULL,
    deciding_direction_rule           TEXT NOT NULL,
    reason                            TEXT NOT NULL,
    deciding_reason                   TEXT,
    overridden                        INTEGER NOT NULL CHECK (overridden IN (0, 1)),
    rule_version                      TEXT NOT NULL,
    randomized_trials                 INTEGER,
    randomized_participants           INTEGER,
    randomized_trials_of_unknown_size INTEGER,
    uncontrolled_studies              INTEGER,
    counted_studies                   INTEGER,
    newest_year                       INTEGER
) STRICT, WITHOUT ROWID;

-- Disagreements found by computation, each with its reason.
CREATE TABLE contradictions (
    id             TEXT PRIMARY KEY NOT NULL,
    kind           TEXT NOT NULL CHECK (kind IN ('trials_disagree', 'reviews_disagree', 'review_outdated', 'claim_against_evidence', 'in_vitro_only', 'p_against_interval', 'value_against_interval', 'percent_against_count', 'printed_against_computed')),
    condition_id   TEXT REFERENCES conditions (id),
    study_id       TEXT REFERENCES studies (id),
    other_study_id TEXT REFERENCES studies (id),
    claim_id       TEXT REFERENCES claims (id),
    mechanism_id   TEXT REFERENCES mechanisms (id),
    outcome_id     TEXT REFERENCES outcomes (id),
    domain         TEXT,
    reason         TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX contradictions_by_condition_id ON contradictions (condition_id);
CREATE INDEX contradictions_by_study_id ON contradictions (study_id);
CREATE INDEX contradictions_by_other_study_id ON contradictions (other_study_id);
CREATE INDEX contradictions_by_claim_id ON contradictions (claim_id);
CREATE INDEX contradictions_by_mechanism_id ON contradictions (mechanism_id);
CREATE INDEX contradictions_by_outcome_id ON contradictions (outcome_id);

-- How complete and how deeply read the base is: one measure a row.
CREATE TABLE coverage (
    section TEXT NOT NULL,
    measure TEXT NOT NULL,
    count   INTEGER NOT NULL,
    total   INTEGER,
    note    TEXT,
    PRIMARY KEY (section, measure)
) STRICT, WITHOUT ROWID;

-- From what this file was built. No clock time other than the commit's.
CREATE TABLE build_info (
    key   TEXT PRIMARY KEY NOT NULL,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Texts that pages show and that are generated or kept outside the records: the tier rule, the notice, the method.
CREATE TABLE generated_text (
    id    TEXT PRIMARY KEY NOT NULL,
    title TEXT,
    text  TEXT NOT NULL
) STRICT, WITHOUT ROWID;
