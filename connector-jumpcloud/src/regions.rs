//! JumpCloud's regions, and the names of their hosts.

/// One region.
pub(crate) struct Region {
    /// Its name for people.
    name: &'static str,
    /// The domain of its hosts.
    domain: &'static str,
}

/// Every region there is. A host of none of them, such as one on loopback, serves everything itself.
pub(crate) const REGIONS: &[Region] = &[
    Region { name: "US", domain: "jumpcloud.com" },
    Region { name: "EU", domain: "eu.jumpcloud.com" },
    Region { name: "India", domain: "in.jumpcloud.com" },
];

/// The console's host, before the region's domain.
pub(crate) const CONSOLE: &str = "console";
/// The host of Directory Insights.
pub(crate) const INSIGHTS: &str = "api";
/// The host that gives service accounts their tokens.
pub(crate) const TOKEN: &str = "admin-oauth.id";

/// The host of that name in the region of a console: `console.eu.jumpcloud.com` → `api.eu.jumpcloud.com`.
pub(crate) fn sibling(console: &str, name: &str) -> Option<String> {
    let domain = console.strip_prefix(CONSOLE)?.strip_prefix('.')?;
    REGIONS.iter().find(|region| region.domain == domain).map(|region| region.host(name))
}

/// The hosts of that name in all regions, in a sentence.
pub(crate) fn hosts(name: &str) -> String {
    or(REGIONS.iter().map(|region| region.host(name)))
}

/// The same but for the first region, which is where an organisation is unless it says otherwise.
pub(crate) fn other_hosts(name: &str) -> String {
    or(REGIONS.iter().skip(1).map(|region| region.host(name)))
}

/// The console of each region by the region's name, in a sentence.
pub(crate) fn consoles() -> String {
    let named = REGIONS.iter().map(|region| format!("{} {}", region.name, region.host(CONSOLE)));
    named.collect::<Vec<_>>().join(", ")
}

impl Region {
    /// The host of that name.
    pub(crate) fn host(&self, name: &str) -> String {
        format!("{name}.{}", self.domain)
    }
}

fn or(hosts: impl Iterator<Item = String>) -> String {
    let hosts: Vec<String> = hosts.collect();
    match &hosts[..] {
        [] => String::new(),
        [one] => one.clone(),
        [more @ .., last] => format!("{} or {last}", more.join(", ")),
    }
}
