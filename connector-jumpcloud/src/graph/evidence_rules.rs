//! Who is privileged, and by which evidence: the rules that derive [`Evidence`] from what was read.

mod on_devices;

use std::collections::BTreeSet;

use connector_access::{End, Subject};
use connector_api::{Account, Mfa, Reason, ReasonKind, Section, SectionStatus, Severity};
use jiff::Timestamp;

use crate::api::administrators::{ApiKey, Expiry};
use crate::api::lenient;
use crate::api::level::Level;
use crate::api::user_groups::UserGroup;
use crate::graph::Graph;
use crate::graph::administrator_reach::AdministratorOn;
use crate::graph::evidence_table::{Evidence, quoted};
use crate::options::attribute;
use crate::scan::state::State;

/// POSIX groups whose members administer a device.
const POSIX_ADMINS: [&str; 5] = ["root", "wheel", "sudo", "admin", "docker"];

/// The end of a sentence about rights on devices while there is no device.
const NO_DEVICE: &str = "but it is bound to no device at present";

/// The built-in role of the console that cannot change anything.
const READ_ONLY: &str = "Read Only";

/// The rules for evidence, and the facts of one scan that they use.
pub(crate) struct Privilege<'a> {
    patterns: Vec<String>,
    stale_key_days: u16,
    now: Timestamp,
    state: &'a State,
    graph: &'a Graph<'a>,
    /// For each group, its own evidence that its members are privileged.
    groups: Vec<OfGroup>,
    /// For each group, whether it or a group above it matters to members: it has evidence or is bound.
    matters: Vec<bool>,
}

/// The evidence of a group itself.
struct OfGroup {
    /// By the group's own name and attributes.
    own: Vec<Reason>,
    /// The devices that its members administer.
    devices: AdministratorOn,
}

impl<'a> Privilege<'a> {
    pub(crate) fn new(
        patterns: &[String],
        stale_key_days: u16,
        now: Timestamp,
        state: &'a State,
        graph: &'a Graph<'a>,
    ) -> Self {
        let patterns = patterns.to_vec();
        let (groups, matters) = (Vec::new(), Vec::new());
        let mut privilege = Self { patterns, stale_key_days, now, state, graph, groups, matters };
        privilege.groups =
            (0_u32..).zip(&state.found.groups.rows).map(|(at, group)| privilege.of_group(at, group)).collect();
        privilege.matters = (0..privilege.groups.len() as u32).map(|at| privilege.matters_to_members(at)).collect();
        privilege
    }

    fn matters_to_members(&self, group: u32) -> bool {
        let matters = |group: u32| !self.groups[group as usize].own.is_empty() || self.graph.group_is_bound(group);
        let above = self.graph.ends(Subject::Group(group));
        matters(group) || above.iter().filter_map(|end| end.shortest.last()).any(|group| matters(*group))
    }

    /// The evidence that a group's members are privileged: from the group itself, and from its parent groups.
    pub(crate) fn group(&self, group: u32) -> Vec<Reason> {
        let OfGroup { own, devices } = &self.groups[group as usize];
        let mut reasons = own.clone();
        enter_devices(devices, "administrators", |are_so| format!("its members are {are_so}"), None, &mut reasons);
        for end in self.graph.ends(Subject::Group(group)) {
            self.judge_end(&end, 1, "its members are in", &mut reasons);
        }
        most_severe_first(reasons)
    }

    /// Enters the evidence of a group for its direct or indirect members; the first `hidden` groups of a path are not named.
    fn judge_end(&self, end: &End, hidden: usize, are_in: &str, reasons: &mut Vec<Reason>) {
        let Some(&last) = end.shortest.last() else { return };
        let devices = self.graph.administers(end.strongest());
        // If there are devices, the reason about them already says that the group gives `sudo`.
        let says_more = |reason: &&Reason| devices.is_none() || !is_sudo_of_group(reason);
        let mut own = self.groups[last as usize].own.iter().filter(says_more).peekable();
        if own.peek().is_none() && devices.is_none() {
            return;
        }
        let id = self.state.found.groups.rows[last as usize].id.to_string();
        if own.peek().is_some() {
            let group = self.by_way(&end.shortest[hidden..]);
            reasons.extend(own.map(|reason| {
                let message = format!("{are_in} {group}: {}", reason.message);
                let parts = [Some(id.as_str()), Some(&reason.code), reason.subject.as_deref()];
                let subject: Vec<&str> = parts.into_iter().flatten().collect();
                let same = Evidence::PrivilegedGroup.reason_of(reason.severity, message).about(subject.join("/"));
                match &reason.setting {
                    Some(setting) => same.by_setting(&setting.name, &setting.value),
                    None => same,
                }
            }));
        }
        if !devices.is_none() {
            let group = self.by_way(&end.strongest()[hidden..]);
            let sentence = |are_so: String| format!("{are_in} {group}: its members are {are_so}");
            enter_devices(&devices, "administrators", sentence, Some(&id), reasons);
        }
    }

    /// The last group of a path, and the group through which it is reached.
    fn by_way(&self, way: &[u32]) -> String {
        match way {
            [] => String::new(),
            [group] => self.name(*group),
            [first, .., last] => format!("{} through {}", self.name(*last), self.name(*first)),
        }
    }

    /// Enters the evidence for an account with roles in the console and possibly an API key, read by `section`.
    pub(crate) fn judge_holder(&self, account: &mut Account, roles: &[String], key: Option<ApiKey>, section: Section) {
        let message = match roles {
            [] => "administers the JumpCloud console with a role without a name".to_owned(),
            [role] => format!("has the role {} in the JumpCloud console", quoted(role)),
            roles => {
                let roles: Vec<String> = roles.iter().map(|role| quoted(role)).collect();
                format!("has the roles {} in the JumpCloud console", roles.join(", "))
            }
        };
        let severity = severity_of_roles(roles.iter().map(String::as_str));
        let mut reasons = vec![Evidence::ConsoleRole.reason_of(severity, message).drawn_from([section])];
        self.judge_risks(account, section, key, false, &mut reasons);
        account.reasons = most_severe_first(reasons);
    }

    /// Enters the evidence for a directory user; the user's own flags allow `sudo` on every device, and its local accounts
    /// administer the devices at the places `administered`.
    pub(crate) fn judge_user(&self, account: &mut Account, user: u32, sudo: Level, administered: &[u32]) {
        let mut reasons = Vec::new();
        let everywhere = match sudo {
            Level::SudoWithoutPassword => Some((Evidence::GlobalSudoWithoutPassword, ", without a password")),
            Level::Sudo => Some((Evidence::GlobalSudo, "")),
            _ => None,
        };
        if let Some((evidence, how)) = everywhere {
            let message = format!("becomes administrator on every device it is bound to{how}");
            let count = self.knows_devices().then(|| self.graph.devices_of(user));
            reasons.push(match count {
                Some(0) => evidence.waiting(format!("{message}, {NO_DEVICE}")),
                Some(count) => evidence.most_severe(format!("{message}: {}", devices(count))),
                None => evidence.most_severe(format!("{message}: number not known")),
            });
        }
        if account.admin == Some(true) {
            let admin = account.attributes.get("admin");
            let role = admin.as_ref().and_then(|admin| admin.get("roleName")).and_then(|role| role.as_str());
            let with_role = role.map_or(String::new(), |role| format!(" with the role {}", quoted(role)));
            let message = format!("is linked to a console administrator{with_role}");
            reasons.push(Evidence::ConsoleAdministrator.reason_of(severity_of_roles(role), message));
        }
        let own = self.graph.administers_directly(user);
        enter_devices(&own, "administrator", |is_so| format!("is {is_so} by direct binding"), None, &mut reasons);
        let mut bound = self.graph.is_bound(user);
        // Most groups of an organisation say nothing about privilege.
        let says_something = self.graph.groups_of(user).iter().any(|group| self.matters[*group as usize]);
        for end in says_something.then(|| self.graph.ends(Subject::Account(user))).into_iter().flatten() {
            bound = bound || end.shortest.last().is_some_and(|group| self.graph.group_is_bound(*group));
            self.judge_end(&end, 0, "is in", &mut reasons);
        }
        self.judge_local_accounts(user, sudo, administered, &mut reasons);
        self.judge_risks(account, Section::USERS, None, bound, &mut reasons);
        account.reasons = most_severe_first(reasons);
    }

    /// Enters risks. This is the only place where it matters whether an account can be used. If it cannot, risks of signing in
    /// are not reported; instead it is reported that the account is privileged, or suspended and still `bound`.
    fn judge_risks(
        &self,
        account: &Account,
        section: Section,
        key: Option<ApiKey>,
        bound: bool,
        reasons: &mut Vec<Reason>,
    ) {
        let of_privilege = reasons.iter().map(|reason| reason.severity).max();
        let before = reasons.len();
        if account.enabled == Some(false) {
            if bound && is_suspended(account) {
                let message = "is suspended, but still bound to devices, applications or directories";
                reasons.push(Evidence::DisabledButBound.reason(message));
            }
            if of_privilege.is_some() {
                reasons.push(Evidence::ButDisabled.reason("is not enabled"));
            }
        } else if let Some(severity) = of_privilege {
            self.judge_sign_in(account, severity, reasons);
            self.judge_api_key(key, reasons);
            self.judge_ssh_keys(account, reasons);
        }
        let (privilege, risks) = reasons.split_at_mut(before);
        if risks.is_empty() {
            return;
        }
        // A risk depends on the privilege that it makes dangerous.
        let mut from: BTreeSet<Section> = privilege.iter().flat_map(|reason| reason.sections.iter().copied()).collect();
        let details: BTreeSet<Section> =
            privilege.iter().flat_map(|reason| reason.details_from.iter().copied()).collect();
        from.insert(section);
        for risk in risks {
            risk.sections = from.iter().copied().chain(std::mem::take(&mut risk.sections)).collect();
            risk.sections.sort_unstable();
            risk.sections.dedup();
            // The severity of the privilege decides the severity of the risk.
            risk.details_from = details.iter().copied().filter(|section| !risk.sections.contains(section)).collect();
        }
    }

    /// Enters the risks of how a privileged account signs in.
    fn judge_sign_in(&self, account: &Account, severity: Severity, reasons: &mut Vec<Reason>) {
        if let Some(mfa) = &account.mfa {
            if mfa.configured == Some(false) {
                let message = "has no second factor set up";
                reasons.push(Evidence::WithoutMfa.reason_of(severity.above(), message));
            }
            if let Some(until) = self.exemption(mfa) {
                let message = format!("is exempt from the second factor{until}");
                reasons.push(Evidence::MfaExempt.reason_of(severity.above(), message));
            }
        }
        if account.password.as_ref().and_then(|password| password.never_expires) == Some(true) {
            reasons.push(Evidence::PasswordNeverExpires.reason("has a password that never expires"));
        }
        if self.has_no_login(account) {
            // The date is in `lastLogin.since`: it changes with every scan, and this sentence must not.
            reasons.push(Evidence::NeverLoggedIn.reason("has no login in the look-back window"));
        }
    }

    /// The end of an exemption from the second factor, in words; `None` if the account is not exempt.
    fn exemption(&self, mfa: &Mfa) -> Option<String> {
        match (mfa.excluded, mfa.excluded_until) {
            (Some(true), Some(until)) => (until > self.now).then(|| format!(" until {}", day(until))),
            (Some(true), None) => Some(String::new()),
            _ => None,
        }
    }

    /// Enters the evidence from an administrator's API key, unless the key has expired.
    fn judge_api_key(&self, key: Option<ApiKey>, reasons: &mut Vec<Reason>) {
        let Some(key) = key else { return };
        if matches!(key.expiry, Expiry::At(end) if end <= self.now) {
            return;
        }
        if key.expiry == Expiry::Never {
            let made = key.made_at.map_or(String::new(), |made_at| format!(", created on {}", day(made_at)));
            let message = format!("has an API key that never expires{made}");
            reasons.push(Evidence::ApiKeyNeverExpires.reason(message));
        }
        if let Some(made_at) = key.made_at
            && self.is_stale(made_at)
        {
            let reason = Evidence::StaleApiKey.reason(format!("has had the same API key since {}", day(made_at)));
            reasons.push(reason.by_setting(attribute::STALE_API_KEY_DAYS, self.stale_key_days.to_string()));
        }
    }

    /// Whether a key made at this time is old.
    fn is_stale(&self, made_at: Timestamp) -> bool {
        self.now.duration_since(made_at).as_hours() / 24 > i64::from(self.stale_key_days)
    }

    fn of_group(&self, at: u32, group: &UserGroup) -> OfGroup {
        let has_no_device = self.knows_devices() && !self.graph.group_reaches_device(at);
        let on_devices = |evidence: Evidence, message: String| {
            if has_no_device {
                evidence.waiting(format!("{message}, {NO_DEVICE}"))
            } else {
                evidence.most_severe(message)
            }
        };
        let mut own = Vec::new();
        let become_so = "its members become administrators on its devices";
        match self.graph.group_sudo(at) {
            Level::SudoWithoutPassword => {
                let message = format!("{become_so}, without a password");
                own.push(on_devices(Evidence::GroupSudoWithoutPassword, message));
            }
            Level::Sudo => own.push(on_devices(Evidence::GroupSudo, become_so.to_owned())),
            _ => {}
        }
        let attributes = group.rest.get("attributes");
        let posix = attributes.as_ref().and_then(|attributes| attributes.get("posixGroups"));
        let names = posix.and_then(|groups| groups.as_array()).into_iter().flatten();
        for name in names.filter_map(|group| group.get("name")).filter_map(|name| name.as_str()) {
            if POSIX_ADMINS.contains(&name) {
                let message = format!("its members are in the POSIX group {name}");
                own.push(on_devices(Evidence::PosixAdminGroup, message).about(name));
            }
        }
        let name = group.name.as_deref().unwrap_or_default().to_lowercase();
        for pattern in self.patterns.iter().filter(|pattern| name.contains(&pattern.to_lowercase())) {
            let reason = Evidence::GroupName.reason(format!("its name contains \"{pattern}\""));
            own.push(reason.by_setting(attribute::PRIVILEGED_GROUP_PATTERNS, pattern));
        }
        OfGroup { own, devices: self.graph.administers(&[at]) }
    }

    /// Whether all devices and all bindings to them are known.
    fn knows_devices(&self) -> bool {
        let is_whole =
            |section| self.state.reports.get(&section).is_some_and(|report| report.status == SectionStatus::Complete);
        is_whole(Section::SYSTEMS) && is_whole(Section::GRANTS)
    }

    /// The name of a group for sentences.
    fn name(&self, group: u32) -> String {
        let group = &self.state.found.groups.rows[group as usize];
        group.name.as_deref().map_or_else(|| "a group without a name".to_owned(), quoted)
    }

    /// Whether an account has no login although the log covers the window and the account existed.
    fn has_no_login(&self, account: &Account) -> bool {
        let login = account.last_login.as_ref().filter(|login| login.succeeded_at.is_none());
        let since = login.and_then(|login| login.since).filter(|_| self.state.found.last_login.covered);
        since.is_some_and(|since| account.created_at.is_none_or(|created| created <= since))
    }
}

/// The evidence that a console role makes its holders privileged, read by `section`; `sentence` builds the message from the
/// role's quoted name.
pub(crate) fn console_role(role: &str, section: Section, sentence: impl Fn(String) -> String) -> Reason {
    let message = sentence(quoted(role));
    Evidence::ConsoleRole.reason_of(severity_of_roles([role]), message).drawn_from([section])
}

/// Enters the administered devices: one reason per level; each device is counted in only one.
fn enter_devices(
    devices: &AdministratorOn,
    who: &str,
    sentence: impl Fn(String) -> String,
    group: Option<&str>,
    reasons: &mut Vec<Reason>,
) {
    let mut enter = |evidence: Evidence, count: usize, how: &str| {
        if count > 0 {
            let reason = evidence.reason(sentence(format!("{who}{how} on {}", self::devices(count))));
            reasons.push(match group {
                Some(group) => reason.about(group),
                None => reason,
            });
        }
    };
    enter(Evidence::SudoOnSystemsWithoutPassword, devices.without_password, " without a password");
    enter(Evidence::SudoOnSystems, devices.with_password, "");
}

/// Whether a reason is that a group's attributes give `sudo`.
fn is_sudo_of_group(reason: &Reason) -> bool {
    [Evidence::GroupSudoWithoutPassword, Evidence::GroupSudo].iter().any(|evidence| evidence.is_said_by(reason))
}

/// The severity of console roles together.
fn severity_of_roles<'r>(roles: impl IntoIterator<Item = &'r str>) -> Severity {
    let severity = |role| if role == READ_ONLY { Severity::Low } else { Severity::High };
    roles.into_iter().map(severity).max().unwrap_or(Severity::High)
}

/// The most severe first; privilege before a risk of the same severity.
pub(crate) fn most_severe_first(mut reasons: Vec<Reason>) -> Vec<Reason> {
    reasons.sort_by_key(|reason| (std::cmp::Reverse(reason.severity), reason.kind != ReasonKind::Privilege));
    reasons
}

/// Whether an account was suspended. An account that is not enabled may also be new, without a password yet.
fn is_suspended(account: &Account) -> bool {
    let flag = || lenient::flag(&account.attributes.get("suspended")?);
    account.enabled == Some(false) && (account.state.as_deref() == Some("SUSPENDED") || flag() == Some(true))
}

fn day(time: Timestamp) -> impl std::fmt::Display {
    time.strftime("%F")
}

fn devices(count: usize) -> String {
    if count == 1 { "1 device".to_owned() } else { format!("{count} devices") }
}
