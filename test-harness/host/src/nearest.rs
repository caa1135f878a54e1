//! Suggestions for misspelt names.

/// The candidates, those most similar to `name` first.
pub fn by_likeness<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let folded = name.to_lowercase();
    let mut candidates: Vec<&str> = candidates.into_iter().collect();
    let likeness = |candidate: &str| strsim::jaro_winkler(&folded, &candidate.to_lowercase());
    candidates.sort_by(|a, b| likeness(b).total_cmp(&likeness(a)));
    candidates
}

/// The candidate most similar to `name`, if one is similar enough.
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let folded = name.to_lowercase();
    candidates
        .into_iter()
        .map(|candidate| (strsim::jaro_winkler(&folded, &candidate.to_lowercase()), candidate))
        .filter(|(likeness, _)| *likeness > 0.75)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate)
}
