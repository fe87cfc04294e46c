//! Seeds that found something once; they are run first. Whoever changes how a scenario is drawn looks for new ones.

/// What was wrong, and a seed that shows it when the fix is taken out.
pub const KNOWN_SEEDS: &[(&str, u64)] = &[
    (
        "a replay that began with a later configuration counted model versions from there",
        30_002,
    ),
    (
        "a series saved under a later model than the plan of the replay lost its model",
        30_007,
    ),
    (
        "a checkpoint during a replay took the mark of delivered verdicts back",
        30_001,
    ),
    (
        "a sync that succeeded after a failed one counted for what the failed one had lost",
        30_016,
    ),
    (
        "what a recovery found wrong was not told when it failed later on",
        500_506,
    ),
    (
        "a model too old to answer was remembered in memory and forgotten on disk",
        283,
    ),
    ("the same, another way", 397),
    ("the same, where an empty row came first", 44),
    (
        "windows of a former plan left their names behind in memory, and not on disk",
        738,
    ),
    (
        "what a checkpoint took up to move it was not let go again",
        3_017,
    ),
    (
        "windows waited for labels as event 0, and their key could not be loaded any more",
        3_468,
    ),
    (
        "a key that started anew, for its saved state was damaged, never left memory",
        10_460,
    ),
];
