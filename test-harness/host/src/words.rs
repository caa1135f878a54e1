//! Words of code as people read them: the one place for what protocols and products are called.

use indicatif::HumanCount;

/// Words that are not written in lower case.
const NAMES: &[(&str, &str)] = &[
    ("api", "API"),
    ("aws", "AWS"),
    ("azure", "Azure"),
    ("dns", "DNS"),
    ("id", "ID"),
    ("idp", "IdP"),
    ("ip", "IP"),
    ("jumpcloud", "JumpCloud"),
    ("ldap", "LDAP"),
    ("mdm", "MDM"),
    ("mfa", "MFA"),
    ("microsoft", "Microsoft"),
    ("oidc", "OIDC"),
    ("okta", "Okta"),
    ("os", "OS"),
    ("posix", "POSIX"),
    ("radius", "RADIUS"),
    ("saml", "SAML"),
    ("samba", "Samba"),
    ("scim", "SCIM"),
    ("sms", "SMS"),
    ("ssh", "SSH"),
    ("sso", "SSO"),
    ("tls", "TLS"),
    ("totp", "TOTP"),
    ("url", "URL"),
    ("vpn", "VPN"),
    ("webauthn", "WebAuthn"),
    ("workday", "Workday"),
];

/// Products whose names are several words, or were others before.
const PRODUCTS: &[(&str, &str)] = &[
    ("active directory", "Active Directory"),
    ("g suite", "Google Workspace"),
    ("google workspace", "Google Workspace"),
    ("microsoft365", "Microsoft 365"),
    ("office 365", "Microsoft 365"),
    ("office365", "Microsoft 365"),
];

/// A word of code as words, such as `sudoWithoutPassword` as *sudo without password* and `LDAP_GROUP` as *LDAP group*.
pub fn spaced(word: &str) -> String {
    let mut shown = String::new();
    let is_constant = !word.chars().any(char::is_lowercase);
    for letter in word.chars() {
        match letter {
            '_' | '-' => shown.push(' '),
            letter if letter.is_uppercase() && !is_constant => {
                shown.push(' ');
                shown.extend(letter.to_lowercase());
            }
            letter => shown.extend(letter.to_lowercase()),
        }
    }
    let words: Vec<&str> = shown.split_whitespace().collect();
    let (mut named, mut rest) = (Vec::new(), &words[..]);
    while let [first, after @ ..] = rest {
        let product = PRODUCTS.iter().find(|(words, _)| starts_with(rest, words));
        let name = NAMES.iter().find(|(word, _)| word == first);
        (rest, _) = match (product, name) {
            (Some((words, name)), _) => (&rest[words.split(' ').count()..], named.push(*name)),
            (None, Some((_, name))) => (after, named.push(*name)),
            (None, None) => (after, named.push(*first)),
        };
    }
    named.join(" ")
}

fn starts_with(all: &[&str], words: &str) -> bool {
    words.split(' ').enumerate().all(|(at, word)| all.get(at) == Some(&word))
}

/// The word for things of a type. The contract's `system` is a device: `systemGroup` is a *device group*.
pub fn of_type(word: &str) -> String {
    let words = spaced(word);
    match words.strip_prefix("system") {
        Some(rest) if rest.is_empty() || rest.starts_with(' ') => format!("device{rest}"),
        _ => words,
    }
}

/// Words for several, such as *devices* and *Active Directories*.
pub fn several(words: &str) -> String {
    match words.strip_suffix('y') {
        Some(stem) if !stem.ends_with(['a', 'e', 'o', 'u']) => format!("{stem}ies"),
        _ if words.ends_with('s') || !words.ends_with(char::is_alphabetic) => words.to_owned(),
        _ => format!("{words}s"),
    }
}

/// A number with its noun, such as *1 request* and *1,200 requests*.
pub fn count(many: u64, noun: &str) -> String {
    let noun = if many == 1 { noun.to_owned() } else { several(noun) };
    format!("{} {noun}", HumanCount(many))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_code_become_words_and_names_are_written_as_they_are() {
        for (word, shown) in [
            ("sudoWithoutPassword", "sudo without password"),
            ("JUMPCLOUD_USER_GROUP", "JumpCloud user group"),
            ("lastLogin", "last login"),
            ("ldapServer", "LDAP server"),
            ("LDAP_GROUP", "LDAP group"),
            ("sso", "SSO"),
            ("tls", "TLS"),
            ("radius_by_certificate_alone", "RADIUS by certificate alone"),
            ("g_suite", "Google Workspace"),
            ("gSuite", "Google Workspace"),
            ("google_workspace", "Google Workspace"),
            ("office_365", "Microsoft 365"),
            ("office365", "Microsoft 365"),
            ("microsoft365", "Microsoft 365"),
            ("active_directory", "Active Directory"),
            ("activeDirectorySync", "Active Directory sync"),
            ("", ""),
        ] {
            assert_eq!(spaced(word), shown, "{word}");
        }
    }

    #[test]
    fn things_of_a_type_are_one_or_several() {
        for (word, one, many) in [
            ("system", "device", "devices"),
            ("systemGroup", "device group", "device groups"),
            ("systemic", "systemic", "systemics"),
            ("application", "application", "applications"),
            ("activeDirectory", "Active Directory", "Active Directories"),
            ("identityDirectory", "identity directory", "identity directories"),
            ("gSuite", "Google Workspace", "Google Workspaces"),
            ("office365", "Microsoft 365", "Microsoft 365"),
            ("ldapServer", "LDAP server", "LDAP servers"),
            ("key", "key", "keys"),
        ] {
            assert_eq!((of_type(word).as_str(), several(&of_type(word)).as_str()), (one, many));
        }
    }

    #[test]
    fn a_number_has_the_noun_that_fits_it() {
        let shown = [0, 1, 2, 1200].map(|many| count(many, "request"));
        assert_eq!(shown, ["0 requests", "1 request", "2 requests", "1,200 requests"]);
    }
}
