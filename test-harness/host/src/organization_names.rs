//! What a system is called that is one organisation of several.

use connector_api::Organization;

use crate::typed::{MAX_NAME, cleaned, problem};

/// Returns the name of the system of an organisation: that of the provider's system, then its own. Two organisations may have one
/// name, and the target may call them whatever it likes, so the id follows where the name alone says too little.
pub fn organization_system(system: &str, organization: &Organization, all: &[Organization]) -> String {
    let id = cleaned(&organization.external_id, MAX_NAME / 4);
    let room = MAX_NAME.saturating_sub(system.chars().count() + id.chars().count() + " /  ()".len());
    let shown = |organization: &Organization| match problem(&organization.name, room) {
        None => organization.name.clone(),
        Some(_) => cleaned(&organization.name, room),
    };
    let name = shown(organization);
    let is_alone = all.iter().filter(|other| shown(other) == name).count() == 1;
    match (is_alone, name.is_empty()) {
        (true, false) => format!("{system} / {name}"),
        (_, true) => format!("{system} / ({id})"),
        (false, false) => format!("{system} / {name} ({id})"),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_organisation_has_a_name_of_its_own_that_somebody_could_have_typed() {
        let names = [
            "Acme",
            "Twin",
            "Twin",
            "Tw\nin",
            "Tw in",
            "\u{202e}",
            "",
            &"x".repeat(500),
            &format!("{}y", "x".repeat(500)),
        ];
        let all: Vec<Organization> = names
            .iter()
            .zip(1..)
            .map(|(name, id)| Organization::new(format!("5f{id}"), *name, Default::default()))
            .collect();
        let called: Vec<String> = all.iter().map(|one| organization_system("msp", one, &all)).collect();
        assert_eq!(
            called[..5],
            ["msp / Acme", "msp / Twin (5f2)", "msp / Twin (5f3)", "msp / Tw in (5f4)", "msp / Tw in (5f5)"]
        );
        assert_eq!(called[5..7], ["msp / (5f6)", "msp / (5f7)"]);
        assert_eq!(called.iter().collect::<BTreeSet<_>>().len(), all.len(), "{called:?}");
        assert!(called.iter().all(|name| problem(name, MAX_NAME).is_none()), "{called:?}");
    }
}
