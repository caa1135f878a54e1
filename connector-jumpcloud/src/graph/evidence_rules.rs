//! Who is privileged, and by which evidence: the rules that derive [`Evidence`] from what was read.

mod credentials;
mod on_devices;
mod roles;
mod temporary;

use std::collections::BTreeSet;

use connector_access::{End, Subject};
use connector_api::{
    Account, AccountKind, Protection, Reason, ReasonKind, Section, SectionStatus, Severity, SignInResult,
};
use jiff::Timestamp;

use crate::api::level::Level;
use crate::api::user_groups::UserGroup;
use crate::api::{Id, lenient};
use crate::client::grouped;
use crate::graph::Graph;
use crate::graph::administrator_reach::AdministratorOn;
use crate::graph::evidence_table::{Evidence, quoted};
use crate::graph::sign_ins::{SignIns, exemption};
use crate::options::attribute;
use crate::scan::state::State;
use roles::Roles;

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
    roles: Roles<'a>,
    /// What decides sign-ins, if it was read.
    sign_ins: Option<SignIns>,
    /// For each group, its own evidence that its members are privileged.
    groups: Vec<OfGroup>,
    /// For each group, whether it or a group above it matters to members: it has evidence or is bound.
    matters: Vec<bool>,
}

/// The risks that only some kinds of account have.
struct OwnRisks {
    /// Those of an account that can be used.
    of_use: Vec<Reason>,
    /// That of one that cannot.
    left_over: Option<Reason>,
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
        let roles = Roles::of(&state.found.roles);
        let sign_ins = SignIns::of(state, graph, now);
        let (groups, matters) = (Vec::new(), Vec::new());
        let mut privilege = Self { patterns, stale_key_days, now, state, graph, roles, sign_ins, groups, matters };
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
            // Groups that are members of each other.
            [first, .., last] if first == last => self.name(*last),
            [first, .., last] => format!("{} through {}", self.name(*last), self.name(*first)),
        }
    }

    /// Enters what protects an administrator's sign-in to the console.
    pub(crate) fn protect_administrator(&self, account: &mut Account) {
        account.protection = self.sign_ins.as_ref().map(|sign_ins| {
            let mut protection = Protection::default();
            protection.console = Some(sign_ins.to_console(account));
            protection
        });
    }

    /// Enters the evidence for a directory user; the user's own flags allow `sudo` on every device, and its local accounts
    /// administer the devices at the places `administered`.
    pub(crate) fn judge_user(&self, account: &mut Account, user: u32, sudo: Level, administered: &[u32]) {
        account.protection = self.sign_ins.as_ref().map(|sign_ins| {
            let mut protection = Protection::default();
            protection.portal = Some(sign_ins.to_portal(account, self.graph.groups_of(user)));
            protection
        });
        let mut reasons = Vec::new();
        let id = account.external_id.parse::<Id>().ok();
        let everywhere = match sudo {
            Level::SudoWithoutPassword => Some((Evidence::GlobalSudoWithoutPassword, ", without a password")),
            Level::Sudo => Some((Evidence::GlobalSudo, "")),
            _ => None,
        };
        if let Some((evidence, how)) = everywhere {
            let message = format!("becomes administrator on every device it is bound to{how}");
            let count = self.knows_devices().then(|| self.graph.devices_of(user));
            reasons.push(match count {
                Some(0) if self.graph.has_devices_temporarily(user, id.as_ref()) => evidence
                    .most_severe(format!("{message}: at present only for a limited time"))
                    .with_details_from([Section::TEMPORARY_ACCESS]),
                Some(0) => evidence.waiting(format!("{message}, {NO_DEVICE}")),
                Some(count) => evidence.most_severe(format!("{message}: {}", devices(count))),
                None => evidence.most_severe(format!("{message}: number not known")),
            });
        }
        if account.admin == Some(true) {
            let admin = account.attributes.get("admin");
            let role = admin.as_ref().and_then(|admin| admin.get("roleName")).and_then(|role| role.as_str());
            reasons.extend(self.linked_administrator(role));
        }
        let own = self.graph.administers_directly(user);
        enter_devices(&own, "administrator", |is_so| format!("is {is_so} by direct binding"), None, &mut reasons);
        let mut bound = self.graph.is_bound(user);
        // Most groups of an organisation say nothing about privilege.
        let says_something = self.graph.groups_of(user).iter().any(|group| self.matters[*group as usize]);
        for end in says_something.then(|| self.graph.standing_ends(user)).into_iter().flatten() {
            bound = bound || end.shortest.last().is_some_and(|group| self.graph.group_is_bound(*group));
            self.judge_end(&end, 0, "is in", &mut reasons);
        }
        if let Some(id) = &id {
            self.judge_temporary(id, user, sudo, &mut reasons);
        }
        self.judge_local_accounts(user, sudo, administered, &mut reasons);
        let still_bound = "is suspended, but still bound to devices, applications or directories";
        let left_over = (bound && is_suspended(account)).then(|| Evidence::DisabledButBound.reason(still_bound));
        self.judge_risks(account, Section::USERS, OwnRisks { of_use: Vec::new(), left_over }, &mut reasons);
        account.reasons = most_severe_first(reasons);
    }

    /// Enters risks. This is the only place where it matters whether an account can be used. If it cannot, risks of signing in
    /// are not reported; instead it is reported that the account is privileged, and what was left over.
    fn judge_risks(&self, account: &Account, section: Section, own: OwnRisks, reasons: &mut Vec<Reason>) {
        let of_privilege = reasons.iter().map(|reason| reason.severity).max();
        let before = reasons.len();
        if account.enabled == Some(false) {
            reasons.extend(own.left_over);
            if of_privilege.is_some() {
                reasons.push(Evidence::ButDisabled.reason("is not enabled"));
            }
        } else if let Some(severity) = of_privilege {
            self.judge_sign_in(account, severity, reasons);
            self.judge_ssh_keys(account, reasons);
            reasons.extend(own.of_use);
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
            if let Some(until) = exemption(mfa, self.now) {
                let message = format!("is exempt from the second factor{until}");
                reasons.push(Evidence::MfaExempt.reason_of(severity.above(), message));
            }
        }
        let protection = account.protection.iter();
        let sign_ins = protection
            .flat_map(|protection| [("the user portal", &protection.portal), ("the console", &protection.console)]);
        for (what, sign_in) in sign_ins {
            let Some(sign_in) = sign_in.as_ref().filter(|sign_in| sign_in.result == SignInResult::OPEN) else {
                continue;
            };
            let message = format!("signs in to {what} without a second factor, {}", sign_in.reason);
            let reason = Evidence::OpenSignIn.reason_of(severity.above(), message);
            // The organisation may require a second factor of all administrators.
            let is_console = account.kind == AccountKind::ADMINISTRATOR;
            reasons.push(if is_console { reason.drawn_from([Section::ORGANIZATION]) } else { reason });
        }
        if account.password.as_ref().and_then(|password| password.never_expires) == Some(true) {
            let reason = Evidence::PasswordNeverExpires.reason("has a password that never expires");
            // A user's own field, if there is one, goes before the organisation's policies.
            let by_own_field = account.attributes.get("password_never_expires").is_some();
            reasons.push(if by_own_field { reason } else { reason.drawn_from([Section::ORGANIZATION]) });
        }
        if self.has_no_login(account) {
            // The date is in `lastLogin.since`: it changes with every scan, and this sentence must not.
            reasons.push(Evidence::NeverLoggedIn.reason("has no login in the look-back window"));
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
        OfGroup { own, devices: self.graph.administers(&self.graph.strongest_way(at)) }
    }

    /// Whether all devices and all bindings to them are known.
    fn knows_devices(&self) -> bool {
        self.state.has_read(Section::SYSTEMS) && self.state.has_read(Section::GRANTS)
    }

    /// Whether it is known what was approved until a certain time.
    fn knows_temporary_access(&self) -> bool {
        let report = self.state.reports.get(&Section::TEMPORARY_ACCESS);
        report.is_some_and(|report| report.status == SectionStatus::Complete || report.is_not_set_up())
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

/// A time as its day.
pub(super) fn day(time: Timestamp) -> impl std::fmt::Display {
    time.strftime("%F")
}

fn devices(count: usize) -> String {
    if count == 1 { "1 device".to_owned() } else { format!("{} devices", grouped(count as u64)) }
}
