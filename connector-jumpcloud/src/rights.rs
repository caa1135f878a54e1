//! What a credential needs: the right for each call, and what to check if a credential is refused.
//!
//! Each section names the rights of its own calls; the operator's page and every remedy use these.

use crate::options::attribute::TOKEN_URL;
use crate::regions;

/// How the connector signs in, as needed for remedies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SignIn {
    /// An administrator's API key.
    ApiKey,
    /// A service account's API key, which begins with `jcs_`.
    ServiceAccountKey,
    /// A service account's bearer token.
    ServiceAccountToken,
}

impl SignIn {
    pub(crate) const fn is_service_account(self) -> bool {
        matches!(self, Self::ServiceAccountKey | Self::ServiceAccountToken)
    }

    /// The subject of a sentence about the credential.
    pub(crate) const fn name(self) -> &'static str {
        if self.is_service_account() { "the service account" } else { "the key" }
    }

    /// The holder of the role that decides what may be read.
    const fn holder(self) -> &'static str {
        if self.is_service_account() { "the service account" } else { "the key's administrator" }
    }
}

/// The right for one call.
#[derive(Debug)]
pub(crate) struct Right {
    /// Without method and query; `{id}` is any id, `{kind}` any word.
    pub(crate) path: &'static str,
    /// The published scope (`x-scopes`) that is enough; the same scope without `.readonly` is too.
    pub(crate) scope: &'static str,
    /// The built-in roles that are known to be enough.
    pub(crate) roles: &'static [&'static str],
    /// Whether it lists what belongs to a feature that an organisation may not have set up.
    pub(crate) of_feature: bool,
}

/// The one built-in role that may read everything.
pub(crate) const EVERYTHING: &str = "Administrator";

impl Right {
    /// A call that needs the role that may read everything, or the scope.
    pub(crate) const fn of_administrators(path: &'static str, scope: &'static str) -> Self {
        Self { path, scope, roles: &[EVERYTHING], of_feature: false }
    }

    /// The same for the list of a feature that an organisation may not have set up: 404 and 402 mean that it has not.
    pub(crate) const fn of_feature(path: &'static str, scope: &'static str) -> Self {
        Self { of_feature: true, ..Self::of_administrators(path, scope) }
    }

    /// A call that the role Manager may make as well.
    pub(crate) const fn of_managers(path: &'static str, scope: &'static str) -> Self {
        Self { path, scope, roles: &[EVERYTHING, "Manager"], of_feature: false }
    }
}

/// The right for Test Connection and the list of organisations, which no section needs.
pub(crate) static ORGANIZATIONS: [Right; 1] =
    [Right::of_administrators("/api/organizations", "organizations.readonly")];

/// The right of every call that the connector makes.
#[derive(Debug)]
pub(crate) struct Rights(Vec<&'static Right>);

impl Rights {
    /// The rights for the sections' calls, and for those outside of sections.
    pub(crate) fn new(of_sections: impl Iterator<Item = &'static Right>) -> Self {
        Self(of_sections.chain(&ORGANIZATIONS).collect())
    }

    /// The right for a call to `path`.
    fn of(&self, path: &str) -> Option<&'static Right> {
        let is = |pattern: &str| {
            let (mut wanted, mut given) = (pattern.split('/'), path.split('/'));
            loop {
                match (wanted.next(), given.next()) {
                    (None, None) => return true,
                    (Some(part), Some(word)) if part == word || (part.starts_with('{') && !word.is_empty()) => {}
                    _ => return false,
                }
            }
        };
        self.0.iter().copied().find(|right| is(right.path))
    }

    /// Whether `path` lists what belongs to a feature that the organisation may not have set up.
    pub(crate) fn is_of_feature(&self, path: &str) -> bool {
        self.of(path).is_some_and(|right| right.of_feature)
    }

    /// The remedy if a valid credential may not make a call to `path`.
    pub(crate) fn remedy(&self, path: &str, sign_in: SignIn) -> String {
        let holder = sign_in.holder();
        match self.of(path) {
            Some(right) => {
                format!("give {holder} the role {}, or a role with the scope {}", right.roles.join(" or "), right.scope)
            }
            None => format!("give {holder} a role that can read this"),
        }
    }
}

/// The scopes for some calls, each once, in their order.
pub(crate) fn scopes(rights: &[Right]) -> Vec<&'static str> {
    let mut scopes: Vec<&str> = Vec::new();
    for right in rights {
        if !scopes.contains(&right.scope) {
            scopes.push(right.scope);
        }
    }
    scopes
}

/// The steps if a credential is not accepted: first those that change nothing, last the one that revokes the credential.
pub(crate) fn unauthorized_steps(sign_in: SignIn) -> Vec<String> {
    let region =
        format!("check that the host name is the console of the organisation's region ({})", regions::consoles());
    let more: &[&str] = match sign_in {
        SignIn::ApiKey => &[
            "check that the key has not expired (by default after 90 days) or been replaced, and that its administrator is \
             active and has API access",
            "regenerate the API key in the JumpCloud portal if none of this helps, and update the credential; this revokes \
             the current key for everything that uses it",
        ],
        SignIn::ServiceAccountKey | SignIn::ServiceAccountToken => {
            &["check that the service account is active, and that its secret or key has not expired or been replaced; \
             then update the credential"]
        }
    };
    [region].into_iter().chain(more.iter().map(|step| (*step).to_owned())).collect()
}

/// The same steps as a remedy.
pub(crate) fn unauthorized(sign_in: SignIn) -> String {
    unauthorized_steps(sign_in).join("; ")
}

/// What to check if a service account gets no token.
pub(crate) fn no_token() -> String {
    format!(
        "check the client id and client secret, that the service account is active and its secret has not expired, and that \
         the host name is the console of its region ({}) or {TOKEN_URL} is that region's token URL",
        regions::consoles()
    )
}

/// What to check if no user is listed; listing users needs `scope`.
pub(crate) fn no_users(sign_in: SignIn, scope: &str) -> String {
    if sign_in.is_service_account() {
        format!("verify users exist and the service account's role has the scope {scope}")
    } else {
        format!("verify users exist and the API key belongs to an {EVERYTHING}, or to a role with the scope {scope}")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::collections::BTreeMap;

    use super::*;
    use crate::sections::{self, users::SCOPE};
    use crate::skip;

    #[test]
    fn the_longest_paths_are_distinguished_by_every_part() {
        let rights = sections::rights();
        let scope = |path: &str| rights.of(path).map(|right| right.scope);
        assert_eq!(scope("/api/v2/usergroups"), Some("groups.readonly"));
        assert_eq!(scope("/api/v2/usergroups/5f0000000000000000000001/members"), Some("users.readonly"));
        assert_eq!(scope("/api/v2/systemgroups/5f0000000000000000000001/members"), Some("systems.readonly"));
        assert_eq!(scope("/api/v2/applications/5f0000000000000000000001/usergroups"), Some("groups.readonly"));
        assert_eq!((scope("/api/v2/usergroups/"), scope("/api/nowhere"), scope("")), (None, None, None));
    }

    #[test]
    fn each_call_that_a_section_names_as_its_source_has_its_right_there() {
        for about in sections::ALL.iter().map(|section| section.about()).filter(|about| !about.rights.is_empty()) {
            let paths: Vec<&str> = about.source.split([' ', ',']).filter(|word| word.starts_with('/')).collect();
            assert!(!paths.is_empty(), "{}", about.source);
            for path in paths {
                assert!(about.rights.iter().any(|right| right.path == path), "{path}");
            }
        }
    }

    #[test]
    fn what_a_service_account_is_advised_never_speaks_of_api_keys_and_the_other_way_round() {
        let rights = sections::rights();
        for sign_in in [SignIn::ServiceAccountKey, SignIn::ServiceAccountToken] {
            for text in
                [rights.remedy("/api/systems", sign_in), unauthorized(sign_in), no_users(sign_in, SCOPE), no_token()]
            {
                assert!(!text.to_lowercase().contains("api key") && !text.contains("the key"), "{text}");
            }
        }
        for text in [
            rights.remedy("/api/systems", SignIn::ApiKey),
            unauthorized(SignIn::ApiKey),
            no_users(SignIn::ApiKey, SCOPE),
        ] {
            assert!(!text.contains("service account"), "{text}");
        }
    }

    #[test]
    fn what_revokes_a_key_comes_after_all_that_does_not() {
        let text = unauthorized(SignIn::ApiKey);
        let revokes = text.find("revokes").unwrap();
        for earlier in ["console.eu.jumpcloud.com", "console.in.jumpcloud.com", "90 days", "API access"] {
            assert!(text.find(earlier).is_some_and(|at| at < revokes), "{earlier}: {text}");
        }
    }

    /// The scopes that JumpCloud's documents name for each GET and for the queries of Directory Insights, by path with
    /// `{}` for an id.
    fn published() -> Option<BTreeMap<String, Vec<String>>> {
        let mut all = BTreeMap::new();
        for (document, root) in [("v1", "/api"), ("v2", "/api/v2"), ("directory-insights", "/insights/directory/v1")] {
            let text = String::from_utf8(skip::reference(&format!("specs/2026-08/{document}.yaml"))?).unwrap();
            let (mut path, mut verb, mut listed) = (String::new(), "", false);
            for line in text.lines() {
                let words = line.trim_start();
                match line.len() - words.len() {
                    2 if words.starts_with('/') || words.starts_with("'/") => {
                        let parts = words.trim_end_matches(':').trim_matches('\'').split('/');
                        let parts = parts.map(|part| if part.starts_with('{') { "{}" } else { part });
                        path = root.to_owned() + &parts.collect::<Vec<_>>().join("/");
                    }
                    4 => verb = words,
                    6 => listed = words == "x-scopes:",
                    8 if listed && (verb == "get:" || document == "directory-insights") => {
                        let scopes: &mut Vec<String> = all.entry(path.clone()).or_default();
                        scopes.extend(words.strip_prefix("- ").map(str::to_owned));
                    }
                    _ => {}
                }
            }
        }
        Some(all)
    }

    #[test]
    fn each_scope_is_one_that_the_published_documents_name_for_the_call() {
        let Some(published) = published() else { return };
        let mut held = 0;
        for right in sections::rights().0 {
            let parts = right.path.split('/').map(|part| if part == "{id}" { "{}" } else { part });
            let path = parts.collect::<Vec<_>>().join("/");
            let same = |known: &str| {
                let (mut wanted, mut given) = (path.split('/'), known.split('/'));
                path.split('/').count() == known.split('/').count()
                    && wanted.all(|part| given.next().is_some_and(|word| part == word || part == "{kind}"))
            };
            for (path, scopes) in published.iter().filter(|(known, _)| same(known)) {
                held += 1;
                assert!(
                    scopes.iter().any(|scope| scope == right.scope),
                    "{path} takes {scopes:?}, not {}",
                    right.scope
                );
            }
        }
        assert!(held > 30, "only {held} calls were found in the documents");
    }
}
