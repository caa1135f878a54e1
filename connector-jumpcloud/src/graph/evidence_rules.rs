//! Who is privileged, and by which evidence: the rules that make [`Evidence`] of what was read.

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

/// What is said of power over devices where there is none yet.
const NO_DEVICE: &str = "though it is bound to no device now";

/// The built-in role of the console that changes nothing.
const READ_ONLY: &str = "Read Only";

/// What counts as evidence, and the facts of one scan that it is drawn from.
pub(crate) struct Privilege<'a> {
    patterns: Vec<String>,
    stale_key_days: u16,
    now: Timestamp,
    state: &'a State,
    graph: &'a Graph<'a>,
    /// For each group, the evidence in the group itself that its members are privileged.
    groups: Vec<OfGroup>,
}

/// The evidence in a group itself.
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
        let mut privilege = Self { patterns, stale_key_days, now, state, graph, groups: Vec::new() };
        privilege.groups =
            (0_u32..).zip(&state.found.groups.rows).map(|(at, group)| privilege.of_group(at, group)).collect();
        privilege
    }

    /// The evidence that a group's members are privileged: in the group itself, and in the groups above it.
    pub(crate) fn group(&self, group: u32) -> Vec<Reason> {
        let OfGroup { own, devices } = &self.groups[group as usize];
        let mut reasons = own.clone();
        enter_devices(devices, "administrators", |are_so| format!("its members are {are_so}"), None, &mut reasons);
        for end in self.graph.ends(Subject::Group(group)) {
            self.judge_end(&end, 1, "its members are in", &mut reasons);
        }
        gravest_first(reasons)
    }

    /// Enters the evidence in a group on those who are in it, directly or through others; of the ways there the first
    /// `hidden` groups are not named.
    fn judge_end(&self, end: &End, hidden: usize, are_in: &str, reasons: &mut Vec<Reason>) {
        let Some(&last) = end.shortest.last() else { return };
        let devices = self.graph.administers(end.strongest());
        // That the group gives `sudo` is said by the devices on which it does, where there are any.
        let says_more = |reason: &&Reason| devices.is_none() || !is_sudo_of_group(reason);
        let mut own = self.groups[last as usize].own.iter().filter(says_more).peekable();
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

    /// The last group of a way, and through which one it is reached.
    fn by_way(&self, way: &[u32]) -> String {
        match way {
            [] => String::new(),
            [group] => self.name(*group),
            [first, .., last] => format!("{} through {}", self.name(*last), self.name(*first)),
        }
    }

    /// Enters the evidence on an account that has roles in the console, and perhaps an API key, as `section` read it.
    pub(crate) fn judge_holder(&self, account: &mut Account, roles: &[String], key: Option<ApiKey>, section: Section) {
        let message = match roles {
            [] => "administers the JumpCloud console, in a role that has no name".to_owned(),
            [role] => format!("has the role {} in the JumpCloud console", quoted(role)),
            roles => {
                let roles: Vec<String> = roles.iter().map(|role| quoted(role)).collect();
                format!("has the roles {} in the JumpCloud console", roles.join(", "))
            }
        };
        let severity = severity_of_roles(roles.iter().map(String::as_str));
        let mut reasons = vec![Evidence::ConsoleRole.reason_of(severity, message).drawn_from([section])];
        self.judge_risks(account, section, key, false, &mut reasons);
        account.reasons = gravest_first(reasons);
    }

    /// Enters the evidence on a directory user, whose own flags allow `sudo` on every device.
    pub(crate) fn judge_user(&self, account: &mut Account, user: u32, sudo: Level) {
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
                Some(count) => evidence.gravest(format!("{message}: {}", devices(count))),
                None => evidence.gravest(format!("{message}: not known how many")),
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
        enter_devices(&own, "administrator", |is_so| format!("is {is_so}, bound to it directly"), None, &mut reasons);
        let mut bound = self.graph.is_bound(user);
        for end in self.graph.ends(Subject::Account(user)) {
            bound = bound || end.shortest.last().is_some_and(|group| self.graph.group_is_bound(*group));
            self.judge_end(&end, 0, "is in", &mut reasons);
        }
        self.judge_risks(account, Section::USERS, None, bound, &mut reasons);
        account.reasons = gravest_first(reasons);
    }

    /// Enters what is a risk. This is the one place where it matters whether an account can be used: of one that cannot,
    /// it says nothing how somebody could sign in, but that it has privilege, or was suspended and is still `bound`.
    fn judge_risks(
        &self,
        account: &Account,
        section: Section,
        key: Option<ApiKey>,
        bound: bool,
        reasons: &mut Vec<Reason>,
    ) {
        let of_privilege = reasons.iter().map(|reason| reason.severity).max();
        let mut from: BTreeSet<Section> = reasons.iter().flat_map(|reason| reason.sections.iter().copied()).collect();
        let details: BTreeSet<Section> =
            reasons.iter().flat_map(|reason| reason.details_from.iter().copied()).collect();
        from.insert(section);
        let before = reasons.len();
        if account.enabled == Some(false) {
            if bound && is_suspended(account) {
                let message = "is suspended, and still bound to devices, applications or directories";
                reasons.push(Evidence::DisabledButBound.reason(message));
            }
            if of_privilege.is_some() {
                reasons.push(Evidence::ButDisabled.reason("is not enabled"));
            }
        } else if let Some(severity) = of_privilege {
            self.judge_sign_in(account, severity, reasons);
            self.judge_api_key(key, reasons);
        }
        // A risk stands with the privilege that it makes dangerous.
        for risk in &mut reasons[before..] {
            risk.sections = from.iter().copied().chain(std::mem::take(&mut risk.sections)).collect();
            risk.sections.sort_unstable();
            risk.sections.dedup();
            // How grave the privilege is decides how grave the risk is.
            risk.details_from = details.iter().copied().filter(|section| !risk.sections.contains(section)).collect();
        }
    }

    /// Enters what makes it dangerous that a privileged account can sign in.
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
            // Since when stands in `lastLogin.since`: it moves with every scan, and this sentence must not.
            reasons.push(Evidence::NeverLoggedIn.reason("has no login in all the time looked back on"));
        }
    }

    /// Until when an account is exempt from the second factor, in words; `None` for one that is not.
    fn exemption(&self, mfa: &Mfa) -> Option<String> {
        match (mfa.excluded, mfa.excluded_until) {
            (Some(true), Some(until)) => (until > self.now).then(|| format!(" until {}", day(until))),
            (Some(true), None) => Some(String::new()),
            _ => None,
        }
    }

    /// Enters the evidence in an administrator's API key, as long as it can be used.
    fn judge_api_key(&self, key: Option<ApiKey>, reasons: &mut Vec<Reason>) {
        let Some(key) = key else { return };
        if matches!(key.expiry, Expiry::At(end) if end <= self.now) {
            return;
        }
        if key.expiry == Expiry::Never {
            let made = key.made_at.map_or(String::new(), |made_at| format!(", made on {}", day(made_at)));
            let message = format!("has an API key that never expires{made}");
            reasons.push(Evidence::ApiKeyNeverExpires.reason(message));
        }
        if let Some(made_at) = key.made_at
            && self.now.duration_since(made_at).as_hours() / 24 > i64::from(self.stale_key_days)
        {
            let reason = Evidence::StaleApiKey.reason(format!("has had the same API key since {}", day(made_at)));
            reasons.push(reason.by_setting(attribute::STALE_API_KEY_DAYS, self.stale_key_days.to_string()));
        }
    }

    fn of_group(&self, at: u32, group: &UserGroup) -> OfGroup {
        let has_no_device = self.knows_devices() && !self.graph.group_reaches_device(at);
        let on_devices = |evidence: Evidence, message: String| {
            if has_no_device { evidence.waiting(format!("{message}, {NO_DEVICE}")) } else { evidence.gravest(message) }
        };
        let mut own = Vec::new();
        let become_so = "its members become administrator on its devices";
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

    /// Whether all devices are known, and who is bound to which.
    fn knows_devices(&self) -> bool {
        let is_whole =
            |section| self.state.reports.get(&section).is_some_and(|report| report.status == SectionStatus::Complete);
        is_whole(Section::SYSTEMS) && is_whole(Section::GRANTS)
    }

    /// The name of a group as sentences give it.
    fn name(&self, group: u32) -> String {
        let group = &self.state.found.groups.rows[group as usize];
        group.name.as_deref().map_or_else(|| "a group without a name".to_owned(), quoted)
    }

    /// Whether an account has no login though the log covers all the time asked for and the account was there.
    fn has_no_login(&self, account: &Account) -> bool {
        let login = account.last_login.as_ref().filter(|login| login.succeeded_at.is_none());
        let since = login.and_then(|login| login.since).filter(|_| self.state.found.last_login.covered);
        since.is_some_and(|since| account.created_at.is_none_or(|created| created <= since))
    }
}

/// The evidence that a console role gives its holders privilege, as `section` read it; `sentence` says what they do by the
/// role's quoted name.
pub(crate) fn console_role(role: &str, section: Section, sentence: impl Fn(String) -> String) -> Reason {
    let message = sentence(quoted(role));
    Evidence::ConsoleRole.reason_of(severity_of_roles([role]), message).drawn_from([section])
}

/// Enters the devices that somebody administers: one reason for each level, in which no device comes twice.
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

/// The gravest first; what gives privilege before a risk that is as grave.
fn gravest_first(mut reasons: Vec<Reason>) -> Vec<Reason> {
    reasons.sort_by_key(|reason| (std::cmp::Reverse(reason.severity), reason.kind != ReasonKind::Privilege));
    reasons
}

/// Whether somebody suspended an account. One that is not enabled may as well be new, its password not chosen yet.
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
