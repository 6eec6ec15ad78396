-- The harmonised store. One file per build, never changed after it is checked and renamed.
-- Units stand in column names or comments: months, years, mutations per Mb, fractions of 1.
-- A missing value is NULL. patient_key is dense (0 .. n-1), so that numpy arrays can be indexed by it.

CREATE TABLE build (
    build_id        TEXT PRIMARY KEY,      -- content hash of sources, cohort files and code version
    schema_version  INTEGER NOT NULL,      -- readers refuse another version
    created_at      TIMESTAMP NOT NULL,    -- UTC
    code_version    TEXT NOT NULL,         -- version of this project
    simulated       BOOLEAN NOT NULL,      -- TRUE: every row of this store is drawn from the generator
    seed            INTEGER,               -- generator seed of a simulated store
    notes           TEXT NOT NULL DEFAULT ''
);

CREATE TABLE source (
    source_id   TEXT PRIMARY KEY,          -- path below the raw folder
    group_name  TEXT NOT NULL,             -- such as ici/liu_2019
    status      TEXT NOT NULL CHECK (status IN ('read', 'missing', 'simulated')),
    sha256      TEXT,                      -- of the bytes that were read
    bytes       BIGINT,
    address     TEXT NOT NULL DEFAULT '',
    licence     TEXT NOT NULL DEFAULT '',
    citation    TEXT NOT NULL DEFAULT '',
    retrieved   TEXT NOT NULL DEFAULT '',
    holds       TEXT NOT NULL DEFAULT '',  -- what the file holds
    adds        TEXT NOT NULL DEFAULT ''   -- what a store without it lacks
);

CREATE TABLE cohort (
    cohort_id        TEXT PRIMARY KEY,     -- such as samstein_2019; TCGA is 'tcga'
    name             TEXT NOT NULL,        -- as shown: Samstein 2019
    position         INTEGER NOT NULL,     -- order in tables and legends
    role             TEXT NOT NULL CHECK (role IN ('discovery', 'validation', 'reference')),
    assay            TEXT NOT NULL,        -- WES, MSK-IMPACT, blood panel
    genome_build     TEXT,                 -- GRCh37, GRCh38
    treated_with_ici BOOLEAN NOT NULL,     -- the cohort's default; patient.treated_with_ici decides
    has_mutations    BOOLEAN NOT NULL,     -- gene-level calls are in this store
    endpoints        TEXT NOT NULL,        -- comma-separated endpoints with at least one patient
    citation         TEXT NOT NULL,
    doi              TEXT NOT NULL DEFAULT '',
    licence          TEXT NOT NULL DEFAULT '',
    description      TEXT NOT NULL DEFAULT '',
    caveats          TEXT NOT NULL DEFAULT ''  -- what a reader of its results must know, one sentence a line
);

CREATE TABLE patient (
    patient_key       INTEGER PRIMARY KEY, -- dense, ordered by cohort position then source order
    cohort_id         TEXT NOT NULL REFERENCES cohort (cohort_id),
    patient_id        TEXT NOT NULL,       -- the study's own
    tumor_type        TEXT NOT NULL,       -- OncoTree main type (data/facts/tumor_types.toml) or 'Unknown'
    tumor_type_source TEXT,                -- the study's label; the TCGA abbreviation for TCGA
    tumor_type_detail TEXT,                -- histology or OncoTree code as the study gives it
    drug              TEXT,                -- as the study names it
    drug_class        TEXT NOT NULL CHECK (drug_class IN
                        ('PD-1/PD-L1', 'CTLA-4', 'PD-1/PD-L1 + CTLA-4', 'no ICI', 'unknown ICI')),
    arm               TEXT,                -- of a randomised study
    treated_with_ici  BOOLEAN NOT NULL,
    age_years         DOUBLE,
    sex               TEXT CHECK (sex IN ('male', 'female')),
    response          TEXT CHECK (response IN ('CR', 'PR', 'SD', 'PD', 'NE')),  -- best response
    stage             TEXT,                -- I, II, III, IV where known
    assay             TEXT NOT NULL,       -- of this patient's profiled sample; 'not sequenced' where none
    tmb_per_mb        DOUBLE,              -- non-synonymous mutations per Mb, as reported or count / Mb
    tmb_source        TEXT,                -- how tmb_per_mb was made
    tmb_z             DOUBLE,              -- log2(tmb_per_mb + 1), centred and scaled within the cohort
    n_calls           INTEGER,             -- rows in the study's mutation file; NULL: not profiled
    included          BOOLEAN NOT NULL DEFAULT TRUE, -- FALSE: not in the study's analysis set (see excluded_why)
    excluded_why      TEXT,
    shared_with       TEXT,                -- cohort_id:patient_id of the same person in another study
    counted_here      BOOLEAN NOT NULL DEFAULT TRUE, -- FALSE: a pooled question counts the other record
    UNIQUE (cohort_id, patient_id)
);

CREATE TABLE clinical (                    -- further variables as the study gives them
    patient_key INTEGER NOT NULL,
    variable    TEXT NOT NULL,             -- harmonised name, such as ldh_elevated, pdl1_tps, ecog
    value       TEXT,                      -- a category
    number      DOUBLE                     -- or a number
);

CREATE TABLE endpoint (
    patient_key INTEGER NOT NULL,
    endpoint    TEXT NOT NULL CHECK (endpoint IN ('OS', 'PFS', 'DSS', 'DFI', 'PFI')),
    time_months DOUBLE NOT NULL CHECK (time_months >= 0),
    event       BOOLEAN NOT NULL,
    PRIMARY KEY (endpoint, patient_key)
);

CREATE TABLE endpoint_advice (             -- TCGA-CDR's advice by tumour type
    tumor_type_source TEXT NOT NULL,
    endpoint          TEXT NOT NULL,
    advice            TEXT NOT NULL,       -- recommended, caution, not recommended, not available
    note              TEXT NOT NULL DEFAULT ''
);

CREATE TABLE panel (
    panel_id  TEXT PRIMARY KEY,            -- 'exome' profiles every gene
    name      TEXT NOT NULL,
    all_genes BOOLEAN NOT NULL,
    megabases DOUBLE                       -- coding megabases, where known
);
CREATE TABLE panel_gene (panel_id TEXT NOT NULL, hugo_symbol TEXT NOT NULL);
CREATE TABLE profiled   (patient_key INTEGER NOT NULL, panel_id TEXT NOT NULL);

CREATE TABLE mutation (                    -- sorted by hugo_symbol, patient_key
    hugo_symbol            TEXT NOT NULL,
    patient_key            INTEGER NOT NULL,
    variant_classification TEXT NOT NULL,  -- MAF terms, core.model.VARIANT_CLASSIFICATIONS
    hgvsp_short            TEXT,           -- p.R1275Q
    hgvsc                  TEXT,
    protein_position       INTEGER,        -- first residue touched
    chromosome             TEXT,           -- 1 .. 22, X, Y, MT
    start_position         INTEGER,        -- 1-based, cohort.genome_build
    end_position           INTEGER,
    reference_allele       TEXT,
    tumor_seq_allele2      TEXT,
    variant_type           TEXT,           -- SNP, INS, DEL, DNP, TNP, ONP
    context                TEXT,           -- reference bases around an SNV where the file carries them
    call_source            TEXT NOT NULL   -- pipeline or file that made the call
);

CREATE TABLE gene (                        -- every gene that may be asked for, sorted
    hugo_symbol    TEXT PRIMARY KEY,       -- current HGNC symbol
    n_mutant_ici   INTEGER NOT NULL,       -- patients with a non-synonymous call, ICI cohorts
    n_mutant_tcga  INTEGER NOT NULL,
    on_panel       BOOLEAN NOT NULL        -- on at least one targeted panel
);
CREATE TABLE gene_alias (alias TEXT NOT NULL, hugo_symbol TEXT NOT NULL);
CREATE TABLE protein (hugo_symbol TEXT PRIMARY KEY, length INTEGER NOT NULL, transcript TEXT);
CREATE TABLE protein_domain (
    hugo_symbol TEXT NOT NULL, name TEXT NOT NULL, start_residue INTEGER NOT NULL,
    end_residue INTEGER NOT NULL, description TEXT, source TEXT NOT NULL
);
CREATE TABLE hotspot (hugo_symbol TEXT NOT NULL, residue INTEGER NOT NULL, source TEXT NOT NULL);
CREATE TABLE gene_set (
    gene_set TEXT NOT NULL, category TEXT NOT NULL, hugo_symbol TEXT NOT NULL, source TEXT NOT NULL
);

CREATE TABLE feature (
    feature     TEXT PRIMARY KEY,          -- short id, such as leukocyte_fraction
    name        TEXT NOT NULL,             -- as shown
    category    TEXT NOT NULL,             -- burden, infiltrate, neoantigen, receptor repertoire, ssgsea, purity, ...
    unit        TEXT NOT NULL,             -- fraction, per Mb, count, score, log2(x + 1)
    kind        TEXT NOT NULL CHECK (kind IN ('number', 'category')),
    centred     BOOLEAN NOT NULL DEFAULT FALSE, -- TRUE: ranks mean something, levels do not
    source      TEXT NOT NULL,
    description TEXT NOT NULL DEFAULT ''
);
CREATE TABLE feature_value (               -- sorted by feature, patient_key
    feature TEXT NOT NULL, patient_key INTEGER NOT NULL, value DOUBLE, label TEXT
);

CREATE TABLE expression_sample (           -- position i of every expression array
    position INTEGER PRIMARY KEY, patient_key INTEGER NOT NULL, sample_id TEXT NOT NULL
);
CREATE TABLE expression (                  -- round(1000 * log2(value + 1)); 65535: missing
    hugo_symbol TEXT PRIMARY KEY, values_milli_log2 USMALLINT[] NOT NULL, source TEXT NOT NULL
);

CREATE TABLE signature_sample (            -- tumours that were decomposed, and how well
    patient_key INTEGER NOT NULL, source TEXT NOT NULL,   -- 'Alexandrov 2020', 'refit COSMIC v3.4'
    sample_id TEXT, n_snv INTEGER, cosine_similarity DOUBLE, eligible BOOLEAN NOT NULL,
    PRIMARY KEY (source, patient_key)
);
CREATE TABLE signature_activity (          -- only non-zero activities
    source TEXT NOT NULL, signature TEXT NOT NULL, patient_key INTEGER NOT NULL,
    n_mutations DOUBLE NOT NULL, weight DOUBLE NOT NULL  -- weight: share of the tumour's mutations
);
CREATE TABLE signature_reference (
    reference TEXT NOT NULL, signature TEXT NOT NULL, channel TEXT NOT NULL, weight DOUBLE NOT NULL
);
CREATE TABLE signature_aetiology (signature TEXT PRIMARY KEY, aetiology TEXT NOT NULL, source TEXT NOT NULL);

CREATE TABLE reported (                    -- the paper's printed numbers; shown, never computed with
    figure TEXT NOT NULL, item TEXT NOT NULL, quantity TEXT NOT NULL, value TEXT NOT NULL, note TEXT NOT NULL DEFAULT ''
);
