//! Evidence of privilege: a stable code and a sentence for each fact. The host's policy decides what it weighs.
//!
//! | code | on | when |
//! |---|---|---|
//! | `console_role` | administrators, roles | it administers the console |
//! | `console_administrator` | users | JumpCloud links the user to a console administrator (`admin`) |
//! | `global_sudo` | users | `sudo`: administrator on every device that the user reaches |
//! | `global_sudo_without_password` | users | the same with `passwordless_sudo` |
//! | `sudo_on_systems` | users, groups | edges, or attributes of the groups passed on any way, give administrator rights on so many devices |
//! | `group_sudo` | groups | `attributes.sudo.enabled` |
//! | `group_sudo_without_password` | groups | the same with `withoutPassword` |
//! | `posix_admin_group` | groups | `attributes.posixGroups` names `root`, `wheel`, `sudo`, `admin` or `docker` |
//! | `group_name` | groups | the name contains one of `privilegedGroupPatterns`, in any case |
//! | `privileged_group` | users, groups | it is in a group, or in a group within, for which one of the above holds |
//! | `api_key_never_expires` | administrators | a usable API key has no time at which it expires |
//! | `stale_api_key` | administrators | a usable API key is older than `staleApiKeyDays` |
//! | `disabled_but_bound` | users | it was suspended and still reaches something |
//!
//! These make what is there worse, and are only said beside one of the above:
//!
//! | code | when |
//! |---|---|
//! | `privileged_without_mfa` | it is enabled and has no second factor set up |
//! | `privileged_mfa_exempt` | it is exempt from the second factor |
//! | `privileged_but_disabled` | it is not enabled |
//! | `privileged_never_logged_in` | no login succeeded in all the time looked back on, which the log covers and the account is older than |
//! | `privileged_password_never_expires` | its password never expires |

use connector_api::{Access, Account, AccountKind, Mfa, Reason};
use jiff::Timestamp;

use super::graph::{End, Graph};
use super::state::State;
use crate::api::administrators::{Administrator, Expiry};
use crate::api::lenient;
use crate::api::user_groups::UserGroup;

const SUDO_ON_SYSTEMS: &str = "sudo_on_systems";

/// POSIX groups whose members administer a device.
const POSIX_ADMINS: [&str; 5] = ["root", "wheel", "sudo", "admin", "docker"];

/// What counts as evidence, and the facts of one scan that it is drawn from.
pub(super) struct Privilege<'a> {
    patterns: Vec<String>,
    stale_key_days: i64,
    now: Timestamp,
    state: &'a State,
    graph: &'a Graph<'a>,
    /// For each group, the evidence in the group itself that its members are privileged.
    groups: Vec<Vec<Reason>>,
}

impl<'a> Privilege<'a> {
    pub(super) fn new(
        patterns: &[String],
        stale_key_days: u16,
        now: Timestamp,
        state: &'a State,
        graph: &'a Graph<'a>,
    ) -> Self {
        let mut privilege = Self {
            patterns: patterns.iter().map(|pattern| pattern.to_lowercase()).collect(),
            stale_key_days: i64::from(stale_key_days),
            now,
            state,
            graph,
            groups: Vec::new(),
        };
        privilege.groups = (0_u32..).zip(&state.groups).map(|(at, group)| privilege.reasons_of(at, group)).collect();
        privilege
    }

    /// The evidence that a group's members are privileged: in the group itself, and in the groups above it.
    pub(super) fn group(&self, group: u32) -> Vec<Reason> {
        let mut reasons = self.groups[group as usize].clone();
        for end in self.graph.groups_above(group) {
            self.judge_end(&end, 1, "its members are in", &mut reasons);
        }
        reasons
    }

    /// Enters the evidence in a group on those who are in it, directly or through others; of the ways there the first
    /// `hidden` groups are not named.
    fn judge_end(&self, end: &End, hidden: usize, are_in: &str, reasons: &mut Vec<Reason>) {
        let Some(&last) = end.shortest.last() else { return };
        let own = self.groups[last as usize].iter().filter(|reason| reason.code != SUDO_ON_SYSTEMS);
        let mut own = own.peekable();
        if own.peek().is_some() {
            let group = self.by_way(&end.shortest[hidden..]);
            let told = |reason: &Reason| format!("{are_in} {group}: {}", reason.message);
            reasons.extend(own.map(|reason| Reason::new("privileged_group", told(reason))));
        }
        let systems = self.graph.sudo_systems(end.strongest());
        if systems > 0 {
            let group = self.by_way(&end.strongest()[hidden..]);
            let message = format!("{are_in} {group}: its members are administrators on {}", devices(systems));
            reasons.push(Reason::new(SUDO_ON_SYSTEMS, message));
        }
    }

    /// The last group of a way, and through which one it is reached.
    fn by_way(&self, way: &[u32]) -> String {
        match way {
            [] => String::new(),
            [group] => self.name(*group).to_owned(),
            [first, .., last] => format!("{} through {}", self.name(*last), self.name(*first)),
        }
    }

    /// The evidence that a console role gives privilege.
    pub(super) fn console_role(&self, role: &str) -> Reason {
        Reason::new("console_role", format!("holders of the role {role} sign in to the JumpCloud console"))
    }

    /// Enters the evidence on a directory user, whose own flags allow `sudo` on every device.
    pub(super) fn judge_user(&self, account: &mut Account, user: u32, sudo: Access) {
        let mut reasons = Vec::new();
        match sudo {
            Access::SudoWithoutPassword => reasons.push(Reason::new(
                "global_sudo_without_password",
                "becomes administrator on every device it is bound to, without a password",
            )),
            Access::Sudo => {
                reasons.push(Reason::new("global_sudo", "becomes administrator on every device it is bound to"));
            }
            _ => {}
        }
        if account.admin == Some(true) {
            let admin = account.attributes.get("admin");
            let role = admin.as_ref().and_then(|admin| admin.get("roleName")).and_then(|role| role.as_str());
            let role = role.map_or(String::new(), |role| format!(" with the role {role}"));
            reasons.push(Reason::new("console_administrator", format!("is linked to a console administrator{role}")));
        }
        let direct = self.graph.direct_sudo_systems(user);
        if direct > 0 {
            let message = format!("is administrator on {}, bound to it directly", devices(direct));
            reasons.push(Reason::new(SUDO_ON_SYSTEMS, message));
        }
        let mut bound = self.graph.is_bound(user);
        for end in self.graph.groups_of(user) {
            bound = bound || end.shortest.last().is_some_and(|group| self.graph.group_is_bound(*group));
            self.judge_end(&end, 0, "is in", &mut reasons);
        }
        self.judge_hygiene(account, &mut reasons, bound);
        account.reasons = reasons;
    }

    /// Enters the evidence on a console administrator.
    pub(super) fn judge_administrator(&self, account: &mut Account, administrator: &Administrator) {
        let roles: Vec<String> = administrator.roles().into_iter().filter_map(|role| role.name.or(role.id)).collect();
        let role = if roles.is_empty() { "no role that is named".to_owned() } else { roles.join(", ") };
        let mut reasons = vec![Reason::new("console_role", format!("administers the JumpCloud console: {role}"))];
        self.judge_api_key(administrator, &mut reasons);
        self.judge_hygiene(account, &mut reasons, true);
        account.reasons = reasons;
    }

    /// Enters the evidence in an administrator's API key, as long as it can be used.
    fn judge_api_key(&self, administrator: &Administrator, reasons: &mut Vec<Reason>) {
        let Some(key) = administrator.api_key() else { return };
        if matches!(key.expiry, Expiry::At(end) if end <= self.now) {
            return;
        }
        if key.expiry == Expiry::Never {
            let made = key.made_at.map_or(String::new(), |made_at| format!(", made on {}", day(made_at)));
            reasons.push(Reason::new("api_key_never_expires", format!("has an API key that never expires{made}")));
        }
        if let Some(made_at) = key.made_at
            && self.now.duration_since(made_at).as_hours() / 24 > self.stale_key_days
        {
            reasons.push(Reason::new("stale_api_key", format!("has had the same API key since {}", day(made_at))));
        }
    }

    /// What makes privilege worse: only said of accounts that have some.
    fn judge_hygiene(&self, account: &Account, reasons: &mut Vec<Reason>, bound: bool) {
        if bound && account.kind == AccountKind::User && is_suspended(account) {
            reasons.push(Reason::new(
                "disabled_but_bound",
                "is not enabled, and still bound to devices, applications or directories",
            ));
        }
        if !reasons.iter().any(|reason| reason.code != "disabled_but_bound") {
            return;
        }
        if account.enabled != Some(false) && account.mfa.as_ref().and_then(|mfa| mfa.configured) == Some(false) {
            reasons.push(Reason::new("privileged_without_mfa", "is privileged and has no second factor set up"));
        }
        let exempt = |mfa: &Mfa| mfa.excluded == Some(true) && mfa.excluded_until.is_none_or(|until| until > self.now);
        if account.mfa.as_ref().is_some_and(exempt) {
            reasons.push(Reason::new("privileged_mfa_exempt", "is privileged and exempt from the second factor"));
        }
        if account.enabled == Some(false) {
            reasons.push(Reason::new("privileged_but_disabled", "is privileged and not enabled"));
        }
        if let Some(since) = self.no_login_since(account) {
            reasons.push(Reason::new(
                "privileged_never_logged_in",
                format!("is privileged and did not sign in since {}", day(since)),
            ));
        }
        if account.password.as_ref().and_then(|password| password.never_expires) == Some(true) {
            reasons
                .push(Reason::new("privileged_password_never_expires", "is privileged and its password never expires"));
        }
    }

    fn reasons_of(&self, at: u32, group: &UserGroup) -> Vec<Reason> {
        let mut reasons = Vec::new();
        let name = group.name.as_deref().unwrap_or_default().to_lowercase();
        if let Some(pattern) = self.patterns.iter().find(|pattern| name.contains(pattern.as_str())) {
            reasons.push(Reason::new("group_name", format!("its name contains \"{pattern}\"")));
        }
        match self.graph.group_sudo(at) {
            Access::SudoWithoutPassword => reasons.push(Reason::new(
                "group_sudo_without_password",
                "its members become administrator on its devices, without a password",
            )),
            Access::Sudo => {
                reasons.push(Reason::new("group_sudo", "its members become administrator on its devices"));
            }
            _ => {}
        }
        let systems = self.graph.sudo_systems(&[at]);
        if systems > 0 {
            let message = format!("its members are administrators on {}", devices(systems));
            reasons.push(Reason::new(SUDO_ON_SYSTEMS, message));
        }
        let attributes = group.rest.get("attributes");
        let posix = attributes.as_ref().and_then(|attributes| attributes.get("posixGroups"));
        let names = posix.and_then(|groups| groups.as_array()).into_iter().flatten();
        for name in names.filter_map(|group| group.get("name")).filter_map(|name| name.as_str()) {
            if POSIX_ADMINS.contains(&name) {
                reasons.push(Reason::new("posix_admin_group", format!("its members are in the POSIX group {name}")));
            }
        }
        reasons
    }

    fn name(&self, group: u32) -> &str {
        let group = &self.state.groups[group as usize];
        group.name.as_deref().unwrap_or("a group without a name")
    }

    /// Since when an account did not sign in, where the log covers all the time asked for and the account was there.
    fn no_login_since(&self, account: &Account) -> Option<Timestamp> {
        let login = account.last_login.as_ref().filter(|login| login.succeeded_at.is_none())?;
        let since = login.since.filter(|_| self.state.logins.covered)?;
        account.created_at.is_none_or(|created| created <= since).then_some(since)
    }
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
